//! `/v1/models`

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Transcript, chat_body, line, seconds, start};

#[tokio::test]
async fn a_model_that_is_not_listed_can_be_had_by_a_name_of_a_known_family() {
    let (_server, client) = start().await;
    let list = client.get("/models").await.json();
    let mut transcript = Transcript::default();
    for name in ["gpt-9", "ft:gpt-4o-mini:acme::abc"] {
        assert!(list["data"].as_array().unwrap().iter().all(|model| model["id"] != name));
        transcript.add(name, &client.get(&format!("/models/{name}")).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn only_fine_tuned_models_can_be_deleted_and_only_once() {
    let (_server, client) = start().await;
    let own = "/models/ft:gpt-4o-mini-2024-07-18:acme::abc";
    let mut transcript = Transcript::default();
    transcript.add("fine-tuned", &client.delete(own).await);
    transcript.add("deleted", &client.delete(own).await);
    assert_eq!(client.get(own).await.status, StatusCode::NOT_FOUND);
    transcript
        .add("fine-tuned until 2023", &client.delete("/models/curie:ft-acme-2023-03-20-17-13-10").await);
    transcript.add("not one's own", &client.delete("/models/gpt-4o-mini").await);
    transcript.add("unknown", &client.delete("/models/llama-9").await);
    insta::assert_snapshot!(transcript);
    assert_eq!(client.get("/models/gpt-4o-mini").await.status, StatusCode::OK);
    let other = client.with_key("sk-other");
    assert_eq!(other.get(own).await.status, StatusCode::OK, "another account has models of its own");
}

#[tokio::test]
async fn a_deleted_model_answers_nothing_any_more() {
    let (server, client) = start().await;
    let name = "ft:gpt-4o-mini-2024-07-18:acme::abc";
    let mut body = chat_body("hello");
    body["model"] = json!(name);
    assert_eq!(client.post("/chat/completions", &body).await.status, StatusCode::OK);
    client.delete(&format!("/models/{name}")).await;
    assert_eq!(client.post("/chat/completions", &body).await.status, StatusCode::NOT_FOUND);
    let batch = client.batch(&[line("a", "/v1/chat/completions", &body)]).await;
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&batch).await.json();
    assert_eq!(batch["errors"]["data"][0]["code"], "model_not_found");
}
