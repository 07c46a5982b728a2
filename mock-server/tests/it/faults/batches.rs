//! Batches and files that are not as they should be: stale, gone for a while, not there yet.

use batchmock::{ClockMode, MockServer, Pace};
use serde_json::json;

use super::{one, plan, with};
use crate::support::{CHAT, Client, chats, days, frozen, seconds};

/// A stepping server, a client, and a batch.
async fn stepping(rule: &str) -> (MockServer, Client, String) {
    let server = frozen().clock(ClockMode::Stepping).faults(one(rule)).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(2)).await;
    (server, client, id)
}

async fn statuses(client: &Client, id: &str, n: usize) -> Vec<String> {
    let mut statuses = Vec::new();
    for _ in 0..n {
        let answer = client.retrieve(id).await;
        let status = if answer.status.is_success() {
            answer.json()["status"].as_str().unwrap().to_owned()
        } else {
            answer.status.as_u16().to_string()
        };
        if statuses.last() != Some(&status) {
            statuses.push(status);
        }
    }
    statuses
}

#[tokio::test]
async fn a_stale_read_shows_the_past_and_then_the_present() {
    let (server, client) = with("{ first = 2, after = 1, stale_by = '3s' }").await;
    let id = client.batch(&chats(2)).await;
    let created = client.retrieve(&id).await.json();
    server.clock().advance(seconds(4)).unwrap();
    let stale = client.retrieve(&id).await.json();
    assert_eq!((&stale["status"], &stale["output_file_id"]), (&json!("in_progress"), &json!(null)));
    assert_eq!(stale["request_counts"]["total"], 2);
    server.clock().advance(days(1)).unwrap();
    assert_eq!(
        client.retrieve(&id).await.json()["status"],
        "completed",
        "three seconds ago it was so already"
    );
    let completed = client.retrieve(&id).await.json();
    assert_eq!(completed["status"], "completed");
    assert!(completed["output_file_id"].is_string());
    assert_eq!(server.faults().counts()[0].n_fired, 2);
    assert_eq!(created["id"], completed["id"]);
}

#[tokio::test]
async fn a_stale_read_of_what_was_not_there_yet_is_not_found() {
    let (server, client) = with("{ first = 1, stale_by = '10m' }").await;
    let id = client.batch(&chats(1)).await;
    let answer = client.retrieve(&id).await;
    assert_eq!((answer.status.as_u16(), answer.message()), (404, format!("No batch found with id '{id}'.")));
    assert_eq!(client.retrieve(&id).await.status, 200);
    server.faults().replace(&one("{ stale_by = '10m' }")).unwrap();
    server.clock().advance(seconds(600)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "validating");
    assert_eq!(client.retrieve("batch_none").await.status, 404);
}

#[tokio::test]
async fn a_stale_read_knows_nothing_of_what_happened_since() {
    let (server, client) = with("{ after = 1, first = 1, stale_by = '1s' }").await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(2)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "in_progress");
    assert_eq!(client.cancel(&id).await.json()["status"], "cancelling");
    let stale = client.retrieve(&id).await.json();
    assert_eq!((&stale["status"], &stale["cancelling_at"]), (&json!("in_progress"), &json!(null)));
    assert_eq!(client.retrieve(&id).await.json()["status"], "cancelling");
}

#[tokio::test]
async fn a_stale_read_moves_a_stepping_clock_and_an_error_does_not() {
    let (_server, client, id) = stepping("{ nth = 2, stale_by = '1s' }").await;
    assert_eq!(
        statuses(&client, &id, 12).await,
        ["validating", "in_progress", "finalizing", "completed"],
        "the second look moves on to `in_progress` and shows what was before",
    );
    let (_server, client, id) =
        stepping("{ operation = 'retrieve_batch', nth = 2, error = 'overloaded' }").await;
    assert_eq!(
        statuses(&client, &id, 12).await,
        ["validating", "503", "in_progress", "finalizing", "completed"],
        "no state is missed",
    );
}

#[tokio::test]
async fn a_batch_vanishes_until_a_time_and_is_there_again() {
    let rule = "{ since = 'creation', from = '1s', until = '3s', vanished = true }";
    let server = frozen().pace(Pace::QUICK).faults(one(rule)).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    assert_eq!(client.retrieve(&id).await.status, 200);
    server.clock().advance(seconds(1)).unwrap();
    let gone = client.retrieve(&id).await;
    assert_eq!((gone.status.as_u16(), gone.message()), (404, format!("No batch found with id '{id}'.")));
    assert_eq!(client.cancel(&id).await.status, 404);
    let listed = client.get("/batches").await.json();
    assert_eq!(listed["data"][0]["id"], id, "a list still has it");
    server.clock().advance(seconds(2)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "finalizing");
}

#[tokio::test]
async fn files_and_uploads_vanish_in_their_own_words() {
    let rule = "{ operation = ['retrieve_file', 'file_content', 'cancel_upload'], vanished = true }";
    let (server, client) = with(rule).await;
    let input = client.upload_lines(&chats(1)).await;
    let gone = client.get(&format!("/files/{input}")).await;
    assert_eq!((gone.status.as_u16(), gone.message()), (404, format!("No such File object: {input}")));
    assert!(gone.json().get("detail").is_some(), "as the file routes tell it: {gone}");
    assert_eq!(client.content(&input).await.status, 404);
    let upload = client.post("/uploads/upload_1/cancel", &json!({})).await;
    assert_eq!(upload.message(), "No such Upload object: upload_1");
    server.faults().clear();
    assert_eq!(client.content(&input).await.status, 200);
}

#[tokio::test]
async fn an_input_that_is_not_seen_yet_refuses_the_create() {
    let (server, client) = with("{ first = 2, unseen_input = 'refuses_create' }").await;
    let input = client.upload_lines(&chats(1)).await;
    for _ in 0..2 {
        let refused = client.create(&input, CHAT).await;
        let error = refused.json()["error"].clone();
        assert_eq!((refused.status.as_u16(), &error["param"]), (400, &json!("file_id")));
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("Cannot find file {input}, or project proj_")), "{message}");
        assert_eq!(client.get(&format!("/files/{input}")).await.json()["status"], "processed");
        assert_eq!(client.content(&input).await.status, 200);
    }
    let id = client.create(&input, CHAT).await.id();
    assert_eq!(client.get("/batches").await.json()["data"].as_array().unwrap().len(), 1);
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "completed");
}

#[tokio::test]
async fn an_input_that_is_not_seen_yet_fails_the_batch() {
    let (server, client) = with("{ until = '15s', unseen_input = 'fails_batch' }").await;
    let input = client.upload_lines(&chats(1)).await;
    let created = client.create(&input, CHAT).await;
    assert_eq!((created.status.as_u16(), &created.json()["status"]), (200, &json!("validating")));
    server.clock().advance(seconds(15)).unwrap();
    let failed = client.retrieve(&created.id()).await.json();
    let error = &failed["errors"]["data"][0];
    assert_eq!(
        (&failed["status"], &error["code"], &error["param"], &error["line"]),
        (&json!("failed"), &json!("invalid_request"), &json!("file_id"), &json!(null))
    );
    let id = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "completed");
}

#[tokio::test]
async fn a_rule_may_hold_while_a_batch_is_in_a_state() {
    let rule = "{ batch_status = 'in_progress', operation = 'retrieve_batch', error = 'server_error' }";
    let (server, client) = with(rule).await;
    let id = client.batch(&chats(1)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(client.retrieve(&id).await.status.as_u16());
        server.clock().advance(seconds(1)).unwrap();
    }
    assert_eq!(seen, [200, 500, 500, 200], "validating, two seconds in progress, finalizing");
}

#[tokio::test]
async fn rules_of_a_batch_hold_for_its_input_and_its_results_too() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let (other, mine) = (client.batch(&chats(1)).await, client.batch(&chats(1)).await);
    let faults = plan(
        "[[fault]]\noperation = 'file_content'\nfirst = 2\nerror = 'overloaded'\n\
         [[fault]]\noperation = 'retrieve_batch'\nnth = 3\nvanished = true\n",
    );
    server.faults().add_for_batch(&mine, &faults).unwrap();
    server.clock().advance(seconds(4)).unwrap();
    let of = async |id: &str| client.retrieve(id).await.json();
    let (other, mine) = (of(&other).await, of(&mine).await);
    let content = async |id: &serde_json::Value| client.content(id.as_str().unwrap()).await.status.as_u16();
    assert_eq!(content(&other["input_file_id"]).await, 200);
    assert_eq!(content(&other["output_file_id"]).await, 200);
    assert_eq!(content(&mine["input_file_id"]).await, 503);
    assert_eq!(content(&mine["output_file_id"]).await, 503);
    assert_eq!(content(&mine["output_file_id"]).await, 200);
    let id = mine["id"].as_str().unwrap();
    let looks = [client.retrieve(id).await, client.retrieve(id).await, client.retrieve(id).await];
    assert_eq!(looks.map(|look| look.status.as_u16()), [200, 404, 200], "the first look was before these");
    let counts = server.faults().counts();
    assert_eq!(counts[0].batch_id.as_deref(), Some(id));
    assert_eq!(counts.iter().map(|count| count.n_fired).collect::<Vec<_>>(), [2, 1]);
}
