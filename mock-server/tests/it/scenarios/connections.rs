//! Scenarios in which more goes wrong with requests than with the batch.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{batch_in, in_scenario};
use crate::support::{CHAT, Client, chats, frozen, new_batch, seconds};

/// The faults that requests have met, as the journal tells them.
fn met(server: &batchmock::MockServer, key: &str) -> Vec<String> {
    server.received_requests(key).into_iter().filter_map(|request| request.fault).collect()
}

#[tokio::test]
async fn a_file_that_was_just_uploaded_is_found_by_the_third_create() {
    let (server, client) = in_scenario("file-race").await;
    let input = client.upload_lines(&chats(2)).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = client.create(&input, CHAT).await;
        statuses.push(answer.status.as_u16());
        if answer.status == StatusCode::BAD_REQUEST {
            assert!(answer.message().starts_with(&format!("Cannot find file {input}")), "{answer}");
            assert_eq!(client.get(&format!("/files/{input}/content")).await.status, StatusCode::OK);
        }
    }
    assert_eq!(statuses, [400, 400, 200]);
    let batches = client.get("/batches").await.json();
    assert_eq!(batches["data"].as_array().unwrap().len(), 1);
    assert_eq!(met(&server, &server.scenario_key("file-race", "test").unwrap()).len(), 2);
}

#[tokio::test]
async fn a_file_that_is_not_found_can_fail_the_batch_instead() {
    let (server, client) = in_scenario("file-race:async").await;
    let clock = server.clock_of(&server.scenario_key("file-race:async", "test").unwrap());
    let input = client.upload_lines(&chats(2)).await;
    let mut ends = Vec::new();
    for _ in 0..2 {
        let id = client.create(&input, CHAT).await.id();
        clock.advance(seconds(4)).unwrap();
        let batch = client.retrieve(&id).await.json();
        ends.push((batch["status"].clone(), batch["errors"]["data"][0]["param"].clone()));
    }
    assert_eq!(ends, [("failed".into(), "file_id".into()), ("completed".into(), Value::Null)]);
}

#[tokio::test]
async fn a_batch_can_be_gone_for_a_look() {
    let (_server, client) = in_scenario("file-race:batch-404").await;
    let id = client.batch(&chats(2)).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(client.retrieve(&id).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 200, 200, 404, 200]);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_has_made_a_batch() {
    let (server, client) = in_scenario("flaky-poll").await;
    let key = server.scenario_key("flaky-poll", "test").unwrap();
    let input = client.upload_lines(&chats(4)).await;
    let body = new_batch(&input, CHAT).to_string();
    let lost = client
        .try_send(Method::POST, "/batches", Some("application/json"), body.into_bytes())
        .await
        .map(drop);
    assert!(lost.is_err());
    let batches = client.get("/batches").await.json();
    let id = batches["data"][0]["id"].as_str().unwrap().to_owned();

    let busy = client.retrieve(&id).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (429, Some("2")));
    let edge = client.retrieve(&id).await;
    assert_eq!(edge.status, StatusCode::BAD_GATEWAY);
    assert!(edge.text().contains("<html>"), "{edge}");
    assert!(client.try_send(Method::GET, &format!("/batches/{id}"), None, Vec::new()).await.is_err());
    // The one after that is not answered for a while, and nobody waits for it here.
    let (silent, path) = (client.clone(), format!("/batches/{id}"));
    let hanging =
        tokio::spawn(async move { silent.try_send(Method::GET, &path, None, Vec::new()).await.map(drop) });
    while server.faults_of(&key).counts().iter().all(|fault| fault.kind != "hang" || fault.n_fired == 0) {
        tokio::task::yield_now().await;
    }
    hanging.abort();

    server.clock_of(&key).advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    let output = format!("/files/{}/content", batch["output_file_id"].as_str().unwrap());
    assert!(client.try_send(Method::GET, &output, None, Vec::new()).await.is_err(), "the download is cut");
    assert_eq!(client.get(&output).await.text().lines().count(), 4);
}

#[tokio::test]
async fn a_batch_that_is_in_a_scenario_alone_meets_its_faults_alone() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let (other, alone) = (client.batch(&chats(2)).await, batch_in(&client, "file-race:batch-404").await.id());
    assert_eq!(client.retrieve(&other).await.status, StatusCode::OK);
    assert_eq!(client.retrieve(&alone).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.retrieve(&alone).await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_go_with_the_scenario_and_others_stay() {
    let fault = r#"{ operation = "list_batches", nth = 2, status = 418 }"#.parse().unwrap();
    let server = frozen().faults(batchmock::FaultPlan::new(vec![fault])).start().await.unwrap();
    let client = Client::new(&server);
    let scenario = async |method: Method, body: Value| {
        client.send(method, "/../_mock/v1/scenario", None, body.to_string().into()).await
    };
    let numbers = async || {
        let faults = client.get("/../_mock/v1/faults").await.json();
        faults["fault"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["number"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    scenario(Method::PUT, json!({"name": "file-race"})).await;
    assert_eq!(numbers().await, [1, 2]);
    scenario(Method::PUT, json!({"name": "flaky-poll"})).await;
    assert_eq!(numbers().await.len(), 7);
    scenario(Method::DELETE, json!({})).await;
    assert_eq!(numbers().await, [1]);
    assert_eq!(client.get("/batches").await.status, StatusCode::OK);
    assert_eq!(client.get("/batches").await.status, StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn a_create_can_be_repeated_with_its_key() {
    let (_server, client) = in_scenario("flaky-poll:idempotent").await;
    let input = client.upload_lines(&chats(2)).await;
    let keyed = client.with_headers(&[("idempotency-key", "one-create")]);
    let body = new_batch(&input, CHAT).to_string().into_bytes();
    let lost = keyed.try_send(Method::POST, "/batches", Some("application/json"), body).await.map(drop);
    assert!(lost.is_err());
    let again = keyed.create(&input, CHAT).await.id();
    assert_eq!(keyed.create(&input, CHAT).await.id(), again);
    let other = client.with_headers(&[("idempotency-key", "another")]).create(&input, CHAT).await.id();
    assert_ne!(other, again);
    assert_ne!(client.create(&input, CHAT).await.id(), other, "without a key nothing is repeated");
    assert_eq!(client.get("/batches").await.json()["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn uploads_are_refused_for_their_size_or_for_want_of_room() {
    for (scenario, status, told) in [
        ("quota", 400, "You have exceeded your file storage quota."),
        ("too-large", 400, "File is too large."),
        ("too-large:by-the-edge", 413, ""),
    ] {
        let (_server, client) = in_scenario(scenario).await;
        for _ in 0..2 {
            let answer = client.upload("batch", "a.jsonl", chats(1).concat()).await;
            assert_eq!(answer.status.as_u16(), status, "{answer}");
            assert!(answer.message().starts_with(told), "{answer}");
        }
        assert_eq!(client.get("/files").await.json()["data"], json!([]));
    }
}
