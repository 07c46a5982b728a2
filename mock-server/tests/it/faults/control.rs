//! Faults that come and go while the mock runs.

use batchmock::{Limits, MockServer};
use serde_json::{Value, json};

use super::{one, plan, with};
use crate::support::{Answer, CHAT, Client, chats, frozen, seconds};

/// Asks the control API for something about faults.
async fn faults(server: &MockServer, method: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("http://{}/_mock/v1/faults", server.address());
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(server.api_key());
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn rules_are_listed_added_replaced_and_cleared() {
    let (server, client) = with("{ name = 'first', nth = 1, error = 'overloaded' }").await;
    let id = "batch_none";
    assert_eq!(client.retrieve(id).await.status, 503);
    let added = json!({"fault": {"operation": "retrieve_batch", "after": 1, "error": "server_error"}});
    faults(&server, "POST", Some(added)).await;
    assert_eq!(client.retrieve(id).await.status, 404, "the new rule lets one pass");
    assert_eq!(client.retrieve(id).await.status, 500);
    let (status, listed) = faults(&server, "GET", None).await;
    assert_eq!(status, 200);
    insta::assert_snapshot!(serde_json::to_string_pretty(&listed).unwrap());

    let replaced = json!({"fault": [{"operation": "list_*", "error": "bad_gateway"}]});
    let (_, listed) = faults(&server, "PUT", Some(replaced)).await;
    let fault = &listed["fault"][0];
    assert_eq!(
        (&fault["number"], &fault["n_matched"], &fault["kind"]),
        (&json!(1), &json!(0), &json!("bad_gateway"))
    );
    assert_eq!(client.get("/batches").await.status, 502);
    let (_, listed) = faults(&server, "DELETE", None).await;
    assert_eq!(listed, json!({"fault": []}));
    assert_eq!(client.get("/batches").await.status, 200);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let (server, client) = with("{ error = 'overloaded' }").await;
    let (status, refusal) =
        faults(&server, "PUT", Some(json!({"fault": [{"error": "bad_gateway"}, {"eror": "x"}]}))).await;
    assert_eq!((status, &refusal["error"]["type"]), (400, &json!("batchmock_error")));
    assert_eq!(client.get("/batches").await.status, 503);
    assert_eq!(server.faults().counts().len(), 1);
}

#[tokio::test]
async fn nothing_happens_to_requests_for_the_control_api() {
    let (server, client) = with("{ connection = 'reset_before_headers' }").await;
    assert_eq!(faults(&server, "GET", None).await.0, 200);
    assert!(client.try_send(reqwest::Method::GET, "/batches", None, Vec::new()).await.is_err());
    let (_, listed) = faults(&server, "GET", None).await;
    assert_eq!(listed["fault"][0]["n_matched"], 1, "and they are not counted");
}

#[tokio::test]
async fn a_rule_of_one_batch_needs_that_batch() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    let of = |id: &str| json!({"batch_id": id, "fault": [{"nth": 2, "vanished": true}]});
    let (status, refusal) = faults(&server, "POST", Some(of("batch_none"))).await;
    assert_eq!((status, &refusal["error"]["message"]), (404, &json!("No batch found with id 'batch_none'.")));
    let (_, listed) = faults(&server, "POST", Some(of(&id))).await;
    assert_eq!(listed["fault"][0]["batch_id"], id);
    let looks = [client.retrieve(&id).await, client.retrieve(&id).await, client.retrieve(&id).await];
    assert_eq!(looks.map(|look: Answer| look.status.as_u16()), [200, 404, 200]);
}

#[tokio::test]
async fn a_reset_brings_back_what_the_server_started_with() {
    let (server, client) = with("{ nth = 1, error = 'overloaded' }").await;
    assert_eq!(client.get("/batches").await.status, 503);
    server.faults().add(&one("{ operation = 'list_batches', error = 'bad_gateway' }")).unwrap();
    assert_eq!(client.get("/batches").await.status, 502);
    let url = format!("http://{}/_mock/v1/reset", server.address());
    reqwest::Client::new().post(url).bearer_auth(server.api_key()).send().await.unwrap();
    assert_eq!(client.get("/batches").await.status, 503, "it counts anew");
    assert_eq!(client.get("/batches").await.status, 200);
    assert_eq!(server.faults().counts().len(), 1);
}

#[tokio::test]
async fn a_world_has_no_more_faults_than_it_may() {
    let limits = Limits { world_faults: 2, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let rule = || one("{ error = 'overloaded', nth = 1 }");
    server.faults().add(&rule()).unwrap();
    server.faults().add_for_batch("batch_1", &rule()).unwrap();
    let error = server.faults().add(&rule()).unwrap_err();
    assert_eq!(error.to_string(), "a world has at most 2 faults: clear some");
    let (status, refusal) = faults(&server, "POST", Some(json!({"fault": [{"delay": "1s"}]}))).await;
    assert_eq!(status, 503);
    assert!(refusal["error"]["message"].as_str().unwrap().contains("clear some"), "{refusal}");
    assert_eq!(server.faults().counts().len(), 2);
    server.faults().clear();
    server.faults().add(&rule()).unwrap();
}

#[tokio::test]
async fn rules_count_anew_after_a_restart_and_what_they_did_stays() {
    let dir = tempfile::tempdir().unwrap();
    let start = async || {
        let faults = plan(
            "[[fault]]\noperation = 'list_batches'\nnth = 1\nerror = 'overloaded'\n\
             [[fault]]\nfirst = 1\nunseen_input = 'fails_batch'\n",
        );
        frozen().data_dir(dir.path()).faults(faults).start().await.unwrap()
    };
    let server = start().await;
    let client = Client::new(&server);
    assert_eq!(client.get("/batches").await.status, 503);
    let input = client.upload_lines(&chats(1)).await;
    let failing = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(2)).unwrap();
    let before = client.retrieve(&failing).await.json();
    assert_eq!(before["status"], "failed");
    server.stop().await;

    let server = start().await;
    let client = Client::new(&server);
    assert_eq!(client.get("/batches").await.status, 503);
    assert_eq!(client.retrieve(&failing).await.json(), before);
    assert_eq!(client.get("/files").await.json()["data"].as_array().unwrap().len(), 1);
    server.stop().await;
}
