//! Scenarios in which the account may use no more for now.

use reqwest::Method;
use serde_json::json;

use super::{batch_in, in_scenario, seen};
use crate::support::{CHAT, Client, chat, frozen, seconds};

/// Ten lines of 80 tokens each: one such batch fits into a queue of 1,000.
fn lines() -> Vec<String> {
    (1..=10).map(|n| chat(&format!("a-{n}"), &"word ".repeat(58))).collect()
}

#[tokio::test]
async fn the_next_batch_is_refused_until_the_first_has_ended() {
    let (server, client) = in_scenario("token-queue-full").await;
    let clock = server.clock_of(&server.scenario_key("token-queue-full", "test").unwrap());
    let input = client.upload_lines(&lines()).await;
    let first = client.create(&input, CHAT).await.id();
    let second = client.create(&input, CHAT).await.id();
    clock.advance(seconds(60)).unwrap();
    assert_eq!(seen(&client.retrieve(&first).await.json()), "in_progress 10/0/0");
    let refused = client.retrieve(&second).await.json();
    let error = &refused["errors"]["data"][0];
    assert_eq!((&refused["status"], &error["code"]), (&"failed".into(), &"token_limit_exceeded".into()));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("Limit: 1,000 enqueued tokens"), "{message}");

    clock.advance(seconds(3 * 3_600)).unwrap();
    assert_eq!(client.retrieve(&first).await.json()["status"], "completed");
    let third = client.create(&input, CHAT).await.id();
    clock.advance(seconds(3 * 3_600)).unwrap();
    assert_eq!(client.retrieve(&third).await.json()["status"], "completed");
}

#[tokio::test]
async fn a_queue_can_be_full_of_nothing_for_ten_minutes() {
    let (server, client) = in_scenario("token-queue-full:phantom").await;
    let clock = server.clock_of(&server.scenario_key("token-queue-full:phantom", "test").unwrap());
    let mut ends = Vec::new();
    for wait in [0, 600] {
        clock.advance(seconds(wait)).unwrap();
        let id = client.batch(&lines()).await;
        clock.advance(seconds(60)).unwrap();
        ends.push(client.retrieve(&id).await.json()["status"].clone());
    }
    assert_eq!(ends, ["failed", "in_progress"]);
}

#[tokio::test]
async fn quotas_of_a_scenario_go_with_it_and_those_of_the_user_stay() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let control = async |method: Method, path: &str, body: serde_json::Value| {
        client.send(method, &format!("/../_mock/v1{path}"), None, body.to_string().into()).await.json()
    };
    let tokens =
        async || control(Method::GET, "/quotas", json!({})).await["quotas"]["enqueued_tokens"].clone();
    control(Method::PUT, "/scenario", json!({"name": "token-queue-full"})).await;
    assert_eq!(tokens().await, json!({"*": 1_000}));
    control(Method::DELETE, "/scenario", json!({})).await;
    assert_eq!(tokens().await, serde_json::Value::Null);
    control(Method::PUT, "/quotas", json!({"enqueued_tokens": 7})).await;
    control(Method::PUT, "/scenario", json!({"name": "token-queue-full"})).await;
    assert_eq!(tokens().await, json!({"*": 7}));
}

#[tokio::test]
async fn a_batch_that_is_in_a_scenario_alone_is_under_its_quotas_alone() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let running = client.batch(&lines()).await;
    let refused = batch_in(&client, "token-queue-full:requests").await.id();
    let other = client.batch(&lines()).await;
    server.clock().advance(seconds(60)).unwrap();
    let status = async |id: &str| client.retrieve(id).await.json()["status"].clone();
    assert_eq!(status(&refused).await, "failed");
    assert_eq!((status(&running).await, status(&other).await), ("completed".into(), "completed".into()));
}
