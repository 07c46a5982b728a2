//! Waiting for entries.

use std::time::Duration;

use batchmock::{ClockMode, JournalFilter, Operation};
use serde_json::{Value, json};

use crate::support::{Client, chats, frozen, seconds, start};

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(10);

/// Waits over the control API.
async fn wait(server: &batchmock::MockServer, body: Value) -> Value {
    let url = format!("http://{}/_mock/v1/journal/wait", server.address());
    let answer =
        reqwest::Client::new().post(url).bearer_auth(server.api_key()).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn it_ends_when_there_are_enough() {
    let (server, client) = start().await;
    client.get("/batches").await;
    let (waited, ()) =
        tokio::join!(wait(&server, json!({"operation": "list_batches", "count": 3, "for": "10m"})), async {
            for _ in 0..2 {
                client.get("/batches").await;
            }
        });
    assert_eq!((&waited["reached"], &waited["n_matching"]), (&json!(true), &json!(3)));
    let outcomes: Vec<_> =
        waited["entries"].as_array().unwrap().iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["sent"; 3], "what is waited for is over");
}

#[tokio::test]
async fn it_ends_when_the_time_is_over() {
    let (server, client) = start().await;
    client.get("/batches").await;
    let waited = wait(&server, json!({"operation": "list_batches", "count": 2, "for": 0.001})).await;
    assert_eq!((&waited["reached"], &waited["n_matching"]), (&json!(false), &json!(1)));
    let waited = wait(&server, json!({"operation": "list_batches", "count": 1, "for": 0})).await;
    assert_eq!(waited["reached"], true);
}

#[tokio::test]
async fn it_sees_what_the_clock_of_the_world_brings() {
    let server = frozen().clock(ClockMode::Scaled(1_000_000.0)).start().await.unwrap();
    let id = Client::new(&server).batch(&chats(1)).await;
    let waited = wait(&server, json!({"id": id, "status": "completed", "for": "10m"})).await;
    assert_eq!((&waited["reached"], &waited["entries"][0]["event"]), (&json!(true), &json!("batch_status")));
}

#[tokio::test]
async fn it_sees_what_an_advance_brings() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    let journal = server.journal(server.api_key());
    let completed = JournalFilter {
        id: Some(id),
        batch_status: Some(batchmock::sim::Status::Completed),
        ..JournalFilter::default()
    };
    assert!(!journal.wait_for(&completed, 1, Duration::ZERO).await);
    let (waited, ()) = tokio::join!(journal.wait_for(&completed, 1, LONG), async {
        server.clock().advance(seconds(10)).unwrap();
    });
    assert!(waited);
}

#[tokio::test]
async fn several_may_wait() {
    let (server, client) = start().await;
    let journal = server.journal(server.api_key());
    let lists = JournalFilter::of_operation(Operation::ListBatches);
    let (first, second, _) = tokio::join!(
        journal.wait_for(&lists, 1, LONG),
        journal.wait_for(&lists, 1, LONG),
        client.get("/batches")
    );
    assert!(first && second);
}
