//! Waits for batches of the mock, to each of their ends, in no time.

use std::time::Duration;

use batchmock::{ClockMode, MockServer};
use batchmock_client::types::BatchStatus;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::support::{Jumping, KEY, Listener, Reply, client_of, create, stepping};

/// The statuses of all looks.
async fn statuses(client: &batchmock_client::Client, id: &str) -> Vec<String> {
    let mut seen = Vec::new();
    client
        .batches()
        .wait(id)
        .on_look(|batch| {
            let status = batch.status.as_str().to_owned();
            if seen.last() != Some(&status) {
                seen.push(status);
            }
        })
        .await
        .unwrap();
    seen
}

#[tokio::test]
async fn a_wait_ends_with_completion() {
    let (server, time) = (stepping().start().await.unwrap(), Jumping::default());
    let client = client_of(server.base_url(), &time);
    let id = create(&client, &["a", "b"]).await;
    assert_eq!(statuses(&client, &id).await, ["validating", "in_progress", "finalizing", "completed"]);
    assert!(time.waits()[0] >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_wait_ends_with_failure_and_the_reasons_are_there() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let file = batchmock_client::NewFile::from_bytes("in.jsonl", "{\"custom_id\":\"a\"}\n");
    let file = client.files().upload(file).await.unwrap();
    let new = batchmock_client::NewBatch::new(&file.id, crate::support::CHAT);
    let batch = client.batches().create(&new).await.unwrap();
    let ended = client.batches().wait(&batch.id).await.unwrap();
    assert_eq!(ended.status, BatchStatus::Failed);
    assert_eq!(ended.errors.as_ref().unwrap().data[0].line, Some(1));
}

#[tokio::test]
async fn a_wait_goes_on_while_a_batch_is_cancelling() {
    let server = MockServer::builder().clock(ClockMode::Frozen).start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let id = create(&client, &["a", "b"]).await;
    client.batches().cancel(&id).await.unwrap();
    let mut looks = client.batches().wait(&id).looks();
    let mut status = async || looks.next().await.map(|look| look.unwrap().status.clone());
    assert_eq!(status().await, Some(BatchStatus::Cancelling));
    assert_eq!(status().await, Some(BatchStatus::Cancelling));
    server.clock_of(KEY).advance(Duration::from_mins(11)).unwrap();
    assert_eq!(status().await, Some(BatchStatus::Cancelled));
    assert_eq!(status().await, None);
}

#[tokio::test]
async fn a_wait_ends_with_expiry() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let id = create(&client, &["a", "b"]).await;
    let ending = format!("http://{}/_mock/v1/batches/{id}/ending", server.address());
    let sent = reqwest::Client::new()
        .post(ending)
        .bearer_auth(KEY)
        .json(&serde_json::json!({"status": "expired"}))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(client.batches().wait(&id).await.unwrap().status, BatchStatus::Expired);
}

#[tokio::test]
async fn a_wait_survives_what_passes() {
    let (server, time) = (stepping().start().await.unwrap(), Jumping::default());
    let listener = Listener::before(&server, |asked, before| {
        if !asked.line.starts_with("GET /v1/batches/") {
            return Reply::Forward;
        }
        match before {
            1 => Reply::status("404 Not Found", "", "{}"),
            2..8 => Reply::status("502 Bad Gateway", "", "<html>"),
            8..14 => Reply::Drop,
            14 => Reply::status("429 Slow", "retry-after: 600\r\n", "{}"),
            16 => Reply::json(r#"{"id":"batch_1","status":"pausing"}"#),
            _ => Reply::Forward,
        }
    })
    .await;
    let client = client_of(listener.base_url(), &time);
    let id = create(&client, &["a"]).await;
    let looks: Vec<_> = client.batches().wait(&id).looks().try_collect().await.unwrap();
    assert_eq!(looks.last().unwrap().status, BatchStatus::Completed);
    assert!(looks.iter().any(|look| look.status.as_str() == "pausing"));
    assert!(time.waits().contains(&Duration::from_mins(10)));
}

#[tokio::test]
async fn a_wait_has_a_deadline() {
    let server = MockServer::builder().clock(ClockMode::Frozen).start().await.unwrap();
    let time = Jumping::default();
    let client = client_of(server.base_url(), &time);
    let id = create(&client, &["a"]).await;
    let error = client.batches().wait(&id).deadline(Duration::from_secs(100)).await.unwrap_err();
    assert!(error.is_deadline());
    assert_eq!(error.unfinished_batches(), [id]);
    assert_eq!(time.waits().iter().sum::<Duration>(), Duration::from_secs(100));
}

#[tokio::test]
async fn a_wait_for_what_is_not_there_ends() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let looks: Vec<_> = client.batches().wait("batch_none").looks().collect().await;
    assert!(looks.len() == 1 && looks[0].as_ref().unwrap_err().is_not_found());
}
