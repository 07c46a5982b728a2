//! The same seed and the same requests: the same bytes.

use batchmock::MockServer;
use serde_json::json;

use crate::support::{Answer, CHAT, Client, Form, chat, chat_body, chats, frozen, new_batch, seconds};

/// Does everything that can be done, and gives every answer.
async fn whole_workflow(server: &MockServer) -> Vec<Answer> {
    let client = Client::new(server);
    let mut answers = Vec::new();

    let lines = [chats(20), vec![chat("busy~429", "hello"), chat("slow~timeout", "猫")]].concat().join("\n");
    let form = Form::new().field("purpose", "batch").file("requests.jsonl", lines);
    let file = client.upload_form(&form).await;
    let input = file.id();
    answers.push(file);
    let mut body = new_batch(&input, CHAT);
    body["metadata"] = json!({"description": "nightly"});
    let mut ids = Vec::new();
    for _ in 0..3 {
        let batch = client.post("/batches", &body).await;
        ids.push(batch.id());
        answers.push(batch);
    }
    answers.push(client.cancel(&ids[0]).await);
    for _ in 0..8 {
        server.clock().advance(seconds(1) / 2).unwrap();
        for id in &ids {
            answers.push(client.retrieve(id).await);
        }
        if server.clock().now().unix_millis() % 2_000 == 0 {
            answers.push(client.cancel(&ids[1]).await);
        }
    }
    for list in ["/batches?limit=2", "/files"] {
        answers.push(client.get(list).await);
    }
    for id in &ids {
        let batch = client.retrieve(id).await.json();
        for key in ["output_file_id", "error_file_id"] {
            if let Some(file) = batch[key].as_str() {
                answers.push(client.get(&format!("/files/{file}")).await);
                answers.push(client.content(file).await);
            }
        }
    }
    for _ in 0..2 {
        answers.push(client.post("/chat/completions", &chat_body("hello")).await);
        answers.push(client.post("/responses", &json!({"model": "gpt-4o-mini", "input": "hello"})).await);
    }
    answers.push(client.delete(&format!("/files/{input}")).await);
    answers.push(client.get(&format!("/files/{input}")).await);
    answers.push(client.retrieve("invalid").await);
    answers.push(client.get("/nowhere").await);
    answers
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_bytes() {
    let first = whole_workflow(&frozen().start().await.unwrap()).await;
    let second = whole_workflow(&frozen().start().await.unwrap()).await;
    assert_eq!(first.len(), second.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.header_lines(), second.header_lines());
        assert_eq!(first.to_string(), second.to_string());
        assert_eq!(first, second);
    }
}

#[tokio::test]
async fn another_seed_gives_other_bytes() {
    let first = whole_workflow(&frozen().seed(1).start().await.unwrap()).await;
    let second = whole_workflow(&frozen().seed(2).start().await.unwrap()).await;
    assert_eq!(first.len(), second.len(), "what happens does not hang on the seed");
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.status, second.status);
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    }
    let differing = first.iter().zip(&second).filter(|(first, second)| first.body != second.body).count();
    // Only the refusals of an id and of a URL, which name nothing that was drawn, are the same.
    assert_eq!(differing, first.len() - 2);
}

#[tokio::test]
async fn what_one_account_does_changes_nothing_for_another() {
    let alone = whole_workflow(&frozen().start().await.unwrap()).await;
    let server = frozen().start().await.unwrap();
    let neighbor = Client::new(&server).with_key("sk-neighbor");
    for _ in 0..3 {
        neighbor.batch(&chats(2)).await;
    }
    assert_eq!(whole_workflow(&server).await, alone);
}

#[tokio::test]
async fn looking_at_something_in_between_changes_only_request_ids() {
    let server = frozen().start().await.unwrap();
    Client::new(&server).get("/batches").await;
    let disturbed = whole_workflow(&server).await;
    let alone = whole_workflow(&frozen().start().await.unwrap()).await;
    for (disturbed, alone) in disturbed.iter().zip(&alone) {
        assert_eq!(disturbed.to_string(), alone.to_string());
        assert_ne!(disturbed.header("x-request-id"), alone.header("x-request-id"));
    }
}
