//! The queue of tokens of each model (F-310, F-322, F-380), and S5.

use std::time::Duration;

use batchmock::{ClockMode, MockServer, Pace, PaceDuration};
use reqwest::Method;
use serde_json::{Value, json};

use super::{allowance, control, set, start, start_with};
use crate::support::{CHAT, Client, chat, chat_body, chats, frozen, line, seconds, slower_than_the_window};

/// The tokens of a line of [`chats`]: three for its ten bytes, three for the message, three for the reply.
const TOKENS: usize = 9;

/// Lines that ask a model something, of so many tokens as those of [`chats`].
fn lines(model: &str, count: usize) -> Vec<String> {
    let mut body = chat_body("question 1");
    body["model"] = model.into();
    (0..count).map(|n| line(&format!("a-{n}"), CHAT, &body)).collect()
}

/// Lets validation end, and gives the batch.
async fn validated(server: &MockServer, client: &Client, id: &str) -> Value {
    server.clock().advance(seconds(1)).unwrap();
    client.retrieve(id).await.json()
}

/// The status of a batch of such lines when validation has ended.
async fn becomes(server: &MockServer, client: &Client, lines: &[String]) -> String {
    let id = client.batch(lines).await;
    validated(server, client, &id).await["status"].as_str().unwrap().to_owned()
}

/// A mock on which batches run for days, with a queue of so many tokens.
async fn slow(quotas: &str) -> (MockServer, Client) {
    start_with(frozen().pace(slower_than_the_window()), quotas).await
}

async fn force(server: &MockServer, id: &str, ending: &str) {
    let answer = control(server, server.api_key())
        .post(&format!("/batches/{id}/ending"), &json!({"status": ending}))
        .await;
    assert_eq!(answer.status, 200, "{answer}");
}

#[tokio::test]
async fn a_batch_beyond_the_queue_is_created_and_fails_in_validation() {
    let (server, client) = slow("enqueued_tokens = 1_000").await;
    let running = client.batch(&chats(1_000 / TOKENS - 1)).await;
    let input = client.upload_lines(&chats(3)).await;
    let created = client.create(&input, CHAT).await;
    assert_eq!((created.status.as_u16(), &created.json()["status"]), (200, &json!("validating")));
    let organization = created.header("openai-organization").unwrap();

    let failed = validated(&server, &client, &created.id()).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["request_counts"], json!({"total": 0, "completed": 0, "failed": 0}));
    let message = format!(
        "Enqueued token limit reached for gpt-4o-mini in organization {organization}. Limit: 1,000 enqueued tokens. \
         Please try again once some in_progress batches have been completed."
    );
    let error = json!({"code": "token_limit_exceeded", "message": message, "param": null, "line": null});
    assert_eq!(failed["errors"]["data"], json!([error]));
    assert_eq!(client.retrieve(&running).await.json()["status"], "in_progress");

    // The same input is taken when the other batch is done.
    force(&server, &running, "completed").await;
    let again = client.create(&input, CHAT).await.id();
    assert_eq!(validated(&server, &client, &again).await["status"], "in_progress");
}

#[tokio::test]
async fn the_queue_takes_as_much_as_its_limit_and_not_a_token_more() {
    for (limit, status) in [(5 * TOKENS, "in_progress"), (5 * TOKENS - 1, "failed")] {
        let (server, client) = slow(&format!("enqueued_tokens = {limit}")).await;
        assert_eq!(becomes(&server, &client, &chats(3)).await, "in_progress");
        assert_eq!(becomes(&server, &client, &chats(2)).await, status, "{limit}");
    }
    let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS - 1)).await;
    assert_eq!(becomes(&server, &client, &chats(3)).await, "failed", "one batch alone can be too much");
}

#[tokio::test]
async fn tokens_come_free_when_the_batch_ends_whatever_its_end_is() {
    for ending in ["completed", "expired", "cancelled", "failed"] {
        let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS)).await;
        let first = client.batch(&chats(2)).await;
        assert_eq!(becomes(&server, &client, &chats(2)).await, "failed");
        if ending == "failed" {
            // A batch fails in validation only.
            force(&server, &first, "completed").await;
            let second = client.batch(&chats(2)).await;
            force(&server, &second, "failed").await;
        } else {
            force(&server, &first, ending).await;
        }
        assert_eq!(becomes(&server, &client, &chats(3)).await, "in_progress", "after {ending}");
    }
}

#[tokio::test]
async fn a_batch_that_is_being_cancelled_holds_its_tokens_until_it_is() {
    let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS)).await;
    let first = client.batch(&chats(2)).await;
    assert_eq!(validated(&server, &client, &first).await["status"], "in_progress");
    assert_eq!(client.cancel(&first).await.json()["status"], "cancelling");
    let second = client.batch(&chats(2)).await;
    assert_eq!(
        validated(&server, &client, &second).await["errors"]["data"][0]["code"],
        "token_limit_exceeded"
    );
    assert_eq!(client.retrieve(&first).await.json()["status"], "cancelled");
    assert_eq!(becomes(&server, &client, &chats(3)).await, "in_progress");
}

#[tokio::test]
async fn a_batch_that_loses_its_input_or_has_none_holds_nothing() {
    let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS)).await;
    let input = client.upload_lines(&chats(3)).await;
    client.create(&input, CHAT).await;
    client.delete(&format!("/files/{input}")).await;
    client.create("file-1111111111111111111111", CHAT).await;
    // What is refused for another reason never was in the queue.
    client.batch(&[chat("a", "question 1"), "no JSON".to_owned()]).await;
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(allowance(&server).await["used"]["enqueued"], json!([]));
    assert_eq!(becomes(&server, &client, &chats(3)).await, "in_progress");
}

#[tokio::test]
async fn what_was_refused_takes_nothing_of_the_queue() {
    let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS)).await;
    for _ in 0..3 {
        assert_eq!(becomes(&server, &client, &chats(4)).await, "failed");
    }
    assert_eq!(becomes(&server, &client, &chats(3)).await, "in_progress");
}

#[tokio::test]
async fn each_world_and_each_model_has_a_queue_and_snapshots_share_one() {
    let (server, client) = slow(&format!("enqueued_tokens = {}", 3 * TOKENS)).await;
    assert_eq!(becomes(&server, &client, &lines("gpt-4o-mini", 3)).await, "in_progress");
    assert_eq!(becomes(&server, &client, &lines("gpt-4o", 3)).await, "in_progress");
    assert_eq!(becomes(&server, &client, &lines("gpt-4o-2024-08-06", 1)).await, "failed");
    assert_eq!(becomes(&server, &client, &lines("ft:gpt-4o:acme::1", 1)).await, "failed");
    let other = client.with_key("sk-other");
    let id = other.batch(&lines("gpt-4o", 3)).await;
    server.clock_of("sk-other").advance(seconds(1)).unwrap();
    assert_eq!(other.retrieve(&id).await.json()["status"], "in_progress");
}

#[tokio::test]
async fn models_can_have_limits_of_their_own() {
    let (server, client) = slow("enqueued_tokens = { gpt-4o-mini = 9, \"gpt-4o*\" = 18 }").await;
    assert_eq!(becomes(&server, &client, &lines("gpt-4o-mini", 2)).await, "failed");
    assert_eq!(becomes(&server, &client, &lines("gpt-4o", 2)).await, "in_progress");
    assert_eq!(becomes(&server, &client, &lines("o3", 100)).await, "in_progress");
}

#[tokio::test]
async fn the_queue_is_as_long_as_the_tier_says() {
    let (server, client) = slow("preset = \"tier-1\"").await;
    let long = "x".repeat(4 * 90_000 - 4 * 6);
    let body = |more: &str| json!({"model": "gpt-4o", "messages": [{"role": "user", "content": format!("{long}{more}")}]});
    assert_eq!(becomes(&server, &client, &[line("a", CHAT, &body("y"))]).await, "failed");
    assert_eq!(becomes(&server, &client, &[line("a", CHAT, &body(""))]).await, "in_progress");
}

#[tokio::test]
async fn tokens_are_those_of_the_usage() {
    let (server, client) = start("").await;
    let embedding = json!({"model": "text-embedding-3-small", "input": ["one text", "and another one"]});
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let content = json!([{"type": "text", "text": "what is this?"}, image]);
    let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": content}]);
    let response = json!({"model": "gpt-4o", "input": "a question", "instructions": "answer it"});
    for (endpoint, body) in [
        ("/v1/embeddings", embedding),
        (CHAT, json!({"model": "o3", "messages": messages})),
        ("/v1/responses", response),
    ] {
        let input = client.upload_lines(&[line("a", endpoint, &body), line("b", endpoint, &body)]).await;
        let id = client.create(&input, endpoint).await.id();
        let enqueued = &allowance(&server).await["used"]["enqueued"];
        let counted = enqueued.as_array().unwrap().last().unwrap()["tokens"].clone();
        server.clock().advance(seconds(10)).unwrap();
        let batch = client.retrieve(&id).await.json();
        assert_eq!(batch["request_counts"]["completed"], 2, "{batch:#}");
        assert_eq!(batch["usage"]["input_tokens"], counted, "{endpoint}");
    }
}

#[tokio::test]
async fn requests_can_be_limited_as_well_and_are_told_in_their_words() {
    let (server, client) = slow("enqueued_requests = 1_000").await;
    let organization = client.get("/files").await.header("openai-organization").unwrap().to_owned();
    assert_eq!(becomes(&server, &client, &chats(999)).await, "in_progress");
    let beyond = client.batch(&chats(2)).await;
    let errors = &validated(&server, &client, &beyond).await["errors"]["data"];
    let message = format!(
        "Enqueued request limit reached for gpt-4o-mini in organization {organization}. Limit: 1,000 enqueued \
         requests. Please try again once some in_progress batches have been completed."
    );
    assert_eq!((&errors[0]["message"], &errors[0]["line"]), (&json!(message), &Value::Null));
    assert_eq!(becomes(&server, &client, &chats(1)).await, "in_progress");
}

#[tokio::test]
async fn a_phantom_fills_the_queue_for_its_time_though_nothing_runs() {
    let (server, client) = start("enqueued_tokens = 1_000\nphantom_for = \"10m\"").await;
    let start = server.clock().now();
    assert_eq!(allowance(&server).await["phantom_until"]["unix"], start.unix_seconds() + 600);
    assert_eq!(becomes(&server, &client, &chats(1)).await, "failed");
    let passed = server.clock().now().since(start);
    server.clock().advance(Duration::from_millis(599_999).saturating_sub(passed)).unwrap();
    let last = client.batch(&chats(1)).await;
    server.clock().advance(Duration::from_millis(1)).unwrap();
    assert_eq!(allowance(&server).await["phantom_until"], Value::Null);
    assert_eq!(becomes(&server, &client, &chats(1)).await, "in_progress");
    assert_eq!(client.retrieve(&last).await.json()["errors"]["data"][0]["code"], "token_limit_exceeded");

    // It begins anew when it is asked for, and tells of requests where they are what is limited.
    set(&server, json!({"enqueued_requests": 5, "phantom_for": "1h"})).await;
    let batch = client.batch(&chats(1)).await;
    let errors = &validated(&server, &client, &batch).await["errors"]["data"];
    assert!(errors[0]["message"].as_str().unwrap().contains("Limit: 5 enqueued requests"), "{errors}");
}

#[tokio::test]
async fn what_was_decided_at_creation_stays_so() {
    let (server, client) = slow("enqueued_tokens = 10").await;
    let refused = client.batch(&chats(2)).await;
    set(&server, json!({})).await;
    let taken = client.batch(&chats(200)).await;
    set(&server, json!({"enqueued_tokens": 10})).await;
    assert_eq!(validated(&server, &client, &refused).await["status"], "failed");
    assert_eq!(client.retrieve(&taken).await.json()["status"], "in_progress");
}

#[tokio::test]
async fn it_is_the_same_on_a_stepping_clock() {
    let pace = Pace { in_progress_for: PaceDuration::seconds(3_600), ..Pace::QUICK };
    let builder = frozen().clock(ClockMode::Stepping).pace(pace);
    let (_server, client) = start_with(builder, &format!("enqueued_tokens = {}", 3 * TOKENS)).await;
    let first = client.batch(&chats(3)).await;
    let second = client.batch(&chats(1)).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(client.retrieve(&second).await.json()["status"].clone());
    }
    assert_eq!(seen, ["validating", "failed"]);
    while client.retrieve(&first).await.json()["status"] != "completed" {}
    let third = client.batch(&chats(3)).await;
    client.retrieve(&third).await;
    assert_eq!(client.retrieve(&third).await.json()["status"], "in_progress");
}

#[tokio::test]
async fn nothing_is_limited_unless_it_is_asked_for() {
    let (server, client) = crate::support::start().await;
    let long = chat("a", &"x".repeat(1_000_000));
    for _ in 0..9 {
        client.batch(std::slice::from_ref(&long)).await;
    }
    let answer = allowance(&server).await;
    assert_eq!(answer["quotas"], json!({}));
    assert_eq!(answer["used"]["enqueued"][0]["tokens"], 9 * 250_006);
    let answer = control(&server, server.api_key()).send(Method::GET, "/quotas", None, Vec::new()).await;
    assert_eq!(answer.status, 200);
}
