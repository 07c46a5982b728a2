//! Quotas in a data directory.

use batchmock::{MockServer, Quotas};
use serde_json::json;
use tempfile::TempDir;

use super::{allowance, set};
use crate::support::{CHAT, Client, chats, frozen, seconds, slower_than_the_window};

async fn start(dir: &TempDir, quotas: &str) -> (MockServer, Client) {
    let quotas = Quotas::from_toml(&format!("[quota]\n{quotas}")).unwrap();
    let builder = frozen().pace(slower_than_the_window()).quotas(quotas).data_dir(dir.path().join("data"));
    let server = builder.start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

#[tokio::test]
async fn quotas_of_a_world_and_what_is_used_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (server, client) = start(&dir, "").await;
    set(
        &server,
        json!({"enqueued_tokens": 30, "batches_per_hour": 5, "uploads_per_minute": 9, "phantom_for": "1s"}),
    )
    .await;
    server.clock().advance(seconds(1)).unwrap();
    let done = client.batch(&chats(1)).await;
    let running = client.batch(&chats(2)).await;
    client.upload("nothing", "a", "").await;
    let before = allowance(&server).await;
    assert_eq!(before["used"]["enqueued"][0]["tokens"], 27);
    assert_eq!(before["used"]["uploads_per_minute"]["used"], 3);
    server.stop().await;

    let (server, client) = start(&dir, "batches_per_hour = 1").await;
    assert_eq!(allowance(&server).await, before);
    let beyond = client.batch(&chats(1)).await;
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(client.retrieve(&beyond).await.json()["status"], "failed");
    server.stop().await;

    // What a batch that has ended had enqueued is not there again.
    let (server, client) = start(&dir, "").await;
    client.cancel(&running).await;
    client.cancel(&done).await;
    server.clock().advance(seconds(2)).unwrap();
    server.stop().await;
    let (server, client) = start(&dir, "").await;
    assert_eq!(client.retrieve(&running).await.json()["status"], "cancelled");
    assert_eq!(allowance(&server).await["used"]["enqueued"], json!([]));
    let id = client.batch(&chats(3)).await;
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "in_progress");
}

#[tokio::test]
async fn a_world_without_quotas_of_its_own_has_those_of_the_server_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (server, client) = start(&dir, "batches_per_hour = 2\nphantom_for = \"1h\"").await;
    let since = allowance(&server).await["since"].clone();
    client.batch(&chats(1)).await;
    server.stop().await;

    let (server, client) = start(&dir, "batches_per_hour = 1").await;
    let shown = allowance(&server).await;
    assert_eq!((&shown["quotas"], &shown["since"]), (&json!({"batches_per_hour": 1}), &since));
    let input = client.upload_lines(&chats(1)).await;
    assert_eq!(client.create(&input, CHAT).await.status, 429, "what was used is used");
    server.stop().await;
}

#[tokio::test]
async fn a_directory_of_the_first_format_is_read_and_is_one_of_this_format_then() {
    let dir = tempfile::tempdir().unwrap();
    let (server, client) = start(&dir, "").await;
    let id = client.batch(&chats(2)).await;
    server.stop().await;
    let format = dir.path().join("data/format");
    std::fs::write(&format, "batchmock 1\n").unwrap();
    let (server, client) = start(&dir, "").await;
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "batchmock 2\n");
    assert_eq!(client.retrieve(&id).await.status, 200);
    server.stop().await;
}
