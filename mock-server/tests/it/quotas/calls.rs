//! Synchronous calls a minute, and the headers that tell of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{allowance, start, start_with};
use crate::support::{Answer, CHAT, Client, chat_body, chats, frozen, seconds};

/// Limit, what remains and when all is free, of requests and of tokens.
fn limits(answer: &Answer) -> [String; 2] {
    ["requests", "tokens"].map(|kind| {
        let header =
            |what: &str| answer.header(&format!("x-ratelimit-{what}-{kind}")).unwrap_or("none").to_owned();
        format!("{} {} {}", header("limit"), header("remaining"), header("reset"))
    })
}

/// A call of 9 tokens.
async fn call(client: &Client) -> Answer {
    client.post("/chat/completions", &chat_body("question 1")).await
}

/// Project and organization.
fn account(answer: &Answer) -> (String, String) {
    let header = |name| answer.header(name).unwrap().to_owned();
    (header("openai-project"), header("openai-organization"))
}

#[tokio::test]
async fn calls_are_counted_and_told_in_the_headers() {
    let (server, client) = start("requests_per_minute = 3\ntokens_per_minute = 1_000").await;
    assert_eq!(limits(&call(&client).await), ["3 2 20s", "1000 991 540ms"]);
    assert_eq!(limits(&call(&client).await), ["3 1 40s", "1000 982 1.08s"]);
    server.clock().advance(seconds(10)).unwrap();
    assert_eq!(limits(&call(&client).await), ["3 0 50s", "1000 991 540ms"]);

    let refused = call(&client).await;
    assert_eq!(refused.status, 429);
    assert_eq!(limits(&refused), ["3 0 50s", "1000 991 540ms"]);
    let (project, organization) = account(&refused);
    let message = format!(
        "Rate limit reached for gpt-4o-mini in project {project} organization {organization} on requests per min \
         (RPM): Limit 3, Used 3, Requested 1. Please try again in 10s. Visit \
         https://platform.openai.com/account/rate-limits to learn more."
    );
    let error = json!({"message": message, "type": "requests", "param": null, "code": "rate_limit_exceeded"});
    assert_eq!(refused.json()["error"], error);
    assert_eq!(refused.header("retry-after"), Some("10"));

    server.clock().advance(Duration::from_millis(9_999)).unwrap();
    assert_eq!(call(&client).await.header("retry-after"), Some("1"));
    server.clock().advance(Duration::from_millis(1)).unwrap();
    assert_eq!(call(&client).await.status, 200);
}

#[tokio::test]
async fn tokens_are_counted_as_requests_are() {
    let (server, client) = start("tokens_per_minute = 20").await;
    assert_eq!(limits(&call(&client).await), ["30000 29999 2ms", "20 11 27s"]);
    assert_eq!(call(&client).await.status, 200);
    let refused = call(&client).await;
    let (project, organization) = account(&refused);
    let message = format!(
        "Rate limit reached for gpt-4o-mini in project {project} organization {organization} on tokens per min (TPM): \
         Limit 20, Used 18, Requested 9. Please try again in 21s. Visit \
         https://platform.openai.com/account/rate-limits to learn more."
    );
    assert_eq!((refused.status.as_u16(), refused.message()), (429, message));
    assert_eq!(
        (&refused.json()["error"]["type"], refused.header("retry-after")),
        (&json!("tokens"), Some("21"))
    );
    server.clock().advance(seconds(21)).unwrap();
    assert_eq!(call(&client).await.status, 200);
}

#[tokio::test]
async fn a_call_that_is_larger_than_the_limit_is_told_so_and_never_to_try_again() {
    let (_server, client) = start("tokens_per_minute = 20").await;
    let mut body = chat_body(&"x".repeat(100));
    body["model"] = "gpt-4o-mini-2024-07-18".into();
    let refused = client.post("/chat/completions", &body).await;
    let (_, organization) = account(&refused);
    let message = format!(
        "Request too large for gpt-4o-mini-2024-07-18 (for limit gpt-4o-mini) in organization {organization} on tokens \
         per min (TPM): Limit 20, Requested 31. The input or output tokens must be reduced in order to run \
         successfully. Visit https://platform.openai.com/account/rate-limits to learn more."
    );
    assert_eq!((refused.status.as_u16(), refused.message()), (429, message));
    assert_eq!(
        (refused.header("retry-after"), refused.header("x-ratelimit-limit-tokens")),
        (None, Some("20"))
    );
}

#[tokio::test]
async fn each_model_and_each_world_has_calls_of_its_own_and_snapshots_share_them() {
    let (_server, client) = start("requests_per_minute = { \"*\" = 1, o3 = 2 }").await;
    let status = async |client: &Client, model: &str| {
        let mut body = chat_body("hello");
        body["model"] = model.into();
        client.post("/chat/completions", &body).await.status.as_u16()
    };
    let models = ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-mini", "o3", "o3", "o3"];
    let mut statuses = Vec::new();
    for model in models {
        statuses.push(status(&client, model).await);
    }
    assert_eq!(statuses, [200, 429, 200, 200, 200, 429]);
    assert_eq!(status(&client.with_key("sk-other"), "gpt-4o").await, 200);
}

#[tokio::test]
async fn all_endpoints_are_counted_together_and_errors_have_the_form_of_their_route() {
    let (server, client) = start("requests_per_minute = 1").await;
    let response = json!({"model": "gpt-4o-mini", "input": "hello"});
    assert_eq!(client.post("/responses", &response).await.status, 200);
    assert_eq!(call(&client).await.status, 429);
    let embedding = json!({"model": "text-embedding-3-small", "input": "hello"});
    assert_eq!(client.post("/embeddings", &embedding).await.status, 200);
    let refused = client.post("/embeddings", &embedding).await;
    assert!(refused.text().ends_with("}\n"), "{refused}");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, Some("60")));
    let used = &allowance(&server).await["used"]["calls"];
    let models: Vec<_> = used.as_array().unwrap().iter().map(|calls| &calls["model"]).collect();
    assert_eq!(models, ["gpt-4o-mini", "text-embedding-3-small"]);
}

#[tokio::test]
async fn lines_of_batches_are_no_calls_and_calls_are_not_in_the_queue() {
    let (server, client) =
        start("requests_per_minute = 1\ntokens_per_minute = 10\nenqueued_tokens = 900").await;
    let id = client.batch(&chats(100)).await;
    server.clock().advance(seconds(10)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["request_counts"]["completed"], 100);
    assert_eq!(call(&client).await.status, 200);
    assert_eq!(call(&client).await.status, 429);
    let input = client.upload_lines(&chats(100)).await;
    let id = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["errors"], Value::Null);
}

#[tokio::test]
async fn a_call_that_comes_too_early_is_no_turn_of_a_rule() {
    let rules =
        batchmock::LineRules::from_toml("[[line]]\nmodel = \"gpt-4o-mini\"\nnth = 2\ntext = \"the second\"");
    let (server, client) = start_with(frozen().rules(rules.unwrap()), "requests_per_minute = 1").await;
    assert_eq!(call(&client).await.status, 200);
    assert_eq!(call(&client).await.status, 429);
    server.clock().advance(seconds(60)).unwrap();
    assert_eq!(call(&client).await.json()["choices"][0]["message"]["content"], "the second");
}

#[tokio::test]
async fn without_limits_each_call_is_told_as_the_first_of_its_minute() {
    let (_server, client) = start("").await;
    let first = limits(&call(&client).await);
    assert_eq!(first, ["30000 29999 2ms", "150000000 149999991 0s"]);
    assert_eq!(limits(&call(&client).await), first);
}
