//! A scenario is chosen by the metadata of a batch, before the control API, before the key, before the server.

use batchmock::{MockServer, Scenarios};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{batch_in, in_scenario};
use crate::support::{Answer, CHAT, Client, chats, frozen, new_batch, seconds};

/// What the world of a client is in.
async fn scenario_of(client: &Client) -> serde_json::Value {
    client.get("/../_mock/v1/scenario").await.json()["name"].clone()
}

async fn choose(client: &Client, body: serde_json::Value) -> Answer {
    client.send(Method::PUT, "/../_mock/v1/scenario", None, body.to_string().into()).await
}

/// How a batch of ten lines ends, by its counts.
async fn counts(server: &MockServer, client: &Client, key: &str, id: &str) -> String {
    server.clock_of(key).advance(seconds(4)).unwrap();
    client.retrieve(id).await.json()["request_counts"].to_string()
}

const ALL_FAILED: &str = r#"{"total":10,"completed":0,"failed":10}"#;
const MIXED: &str = r#"{"total":10,"completed":7,"failed":3}"#;
const PLAIN: &str = r#"{"total":10,"completed":10,"failed":0}"#;

#[tokio::test]
async fn the_strongest_choice_holds() {
    let server = frozen().scenario("all-failed").start().await.unwrap();
    let plain = Client::new(&server);
    let key = server.api_key();
    assert_eq!(scenario_of(&plain).await, "all-failed");
    let id = plain.batch(&chats(10)).await;
    assert_eq!(counts(&server, &plain, key, &id).await, ALL_FAILED);

    let key = &server.scenario_key("mixed-errors", "a").unwrap();
    let client = plain.with_key(key);
    assert_eq!(scenario_of(&client).await, "mixed-errors");
    let id = client.batch(&chats(10)).await;
    assert_eq!(counts(&server, &client, key, &id).await, MIXED);

    assert_eq!(choose(&client, json!({ "name": "happy-shuffled" })).await.status, StatusCode::OK);
    let id = client.batch(&chats(10)).await;
    assert_eq!(counts(&server, &client, key, &id).await, PLAIN);

    let id = batch_in(&client, "all-failed").await.id();
    assert_eq!(counts(&server, &client, key, &id).await, ALL_FAILED);
    let id = client.batch(&chats(10)).await;
    assert_eq!(counts(&server, &client, key, &id).await, PLAIN, "metadata is for one batch");

    client.delete("/../_mock/v1/scenario").await;
    assert_eq!(scenario_of(&client).await, "mixed-errors");
    choose(&client, json!({ "name": "all-failed" })).await;
    client.send(Method::POST, "/../_mock/v1/reset", None, Vec::new()).await;
    assert_eq!(scenario_of(&client).await, "mixed-errors", "a reset world is as it was at first");
}

#[tokio::test]
async fn batches_that_are_there_stay_as_they_are() {
    let (server, client) = in_scenario("mixed-errors").await;
    let key = server.scenario_key("mixed-errors", "test").unwrap();
    let id = client.batch(&chats(10)).await;
    choose(&client, json!({ "name": "all-failed" })).await;
    assert_eq!(counts(&server, &client, &key, &id).await, MIXED);
}

#[tokio::test]
async fn a_scenario_can_be_sent_along() {
    let (server, client) = in_scenario("happy-shuffled").await;
    let key = server.scenario_key("happy-shuffled", "test").unwrap();
    let toml = "summary = 'mine'\n[[line]]\ncustom_id = '*'\nevery = 2\noutcome = '500'";
    let chosen = choose(&client, json!({ "name": "every-other", "toml": toml })).await.json();
    assert_eq!(chosen, json!({ "name": "every-other", "summary": "mine", "toml": toml }));
    let id = client.batch(&chats(10)).await;
    assert_eq!(counts(&server, &client, &key, &id).await, r#"{"total":10,"completed":5,"failed":5}"#);
    assert_eq!(scenario_of(&client).await, "every-other");
}

#[tokio::test]
async fn rules_of_a_scenario_come_after_those_of_the_server_and_hold_for_calls() {
    let rules = batchmock::LineRules::from_toml("[[line]]\nmodel = 'gpt-4o'\noutcome = '503'").unwrap();
    let server = frozen().rules(rules).start().await.unwrap();
    let client = Client::new(&server).with_key(&server.scenario_key("happy-shuffled", "").unwrap());
    let toml = "summary = 'mine'\n[[line]]\nmodel = 'gpt-4o*'\nstatus = 404";
    choose(&client, json!({ "toml": toml })).await;
    let ask = async |model: &str| {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
        client.post("/chat/completions", &body).await.status.as_u16()
    };
    assert_eq!((ask("gpt-4o").await, ask("gpt-4o-mini").await), (503, 404));
}

#[tokio::test]
async fn what_is_not_there_is_refused_with_the_nearest() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let answer = client.with_key("sk-mock-expired-partail.mine").get("/batches").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.message().contains("the nearest is `expired-partial`"), "{answer}");
    assert!(!answer.message().contains(".mine"), "what tells worlds apart is not told: {answer}");

    let answer = batch_in(&client, "all-faild").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.message().starts_with("Invalid 'metadata.mock_scenario': there is no scenario `all-faild`"),
        "{answer}"
    );

    for (body, told) in [
        (json!({ "name": "slow" }), "there is no scenario `slow`"),
        (json!({ "name": "cancel-partial:slo" }), "no variant `slo`: there are `while-validating`"),
        (json!({}), "give 'name'"),
        (json!({ "scenario": "x" }), "Unknown parameter: 'scenario'"),
        (json!({ "toml": "summary = 'x'\nstep = true" }), "line 2, column 1: there is no key `step` here"),
        (json!({ "name": "A b", "toml": "summary = 'x'" }), "cannot be called `A b`"),
    ] {
        let answer = choose(&client, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.message().contains(told), "{answer}");
    }
    assert_eq!(scenario_of(&client).await, serde_json::Value::Null);

    let refused = frozen().scenario("nothing").start().await.unwrap_err();
    assert!(refused.to_string().contains("there is no scenario `nothing`"), "{refused}");
}

#[tokio::test]
async fn scenarios_of_ones_own_are_called_like_the_others() {
    let mut scenarios = Scenarios::default();
    scenarios.add_toml("mine", "summary = 'all fails'\n[[line]]\ncustom_id = '*'\noutcome = '400'").unwrap();
    let server = frozen().scenarios(scenarios).start().await.unwrap();
    let key = server.scenario_key("mine", "x").unwrap();
    let client = Client::new(&server).with_key(&key);
    let id = client.batch(&chats(10)).await;
    assert_eq!(counts(&server, &client, &key, &id).await, ALL_FAILED);
    let all = client.get("/../_mock/v1/scenarios").await.json();
    let last = all["scenarios"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({ "name": "mine", "summary": "all fails" }));
}

#[tokio::test]
async fn the_metadata_is_kept_as_it_is() {
    let (_server, client) = in_scenario("happy-shuffled").await;
    let batch = batch_in(&client, "expired-partial:nothing-done").await.json();
    assert_eq!(batch["metadata"], json!({ "mock_scenario": "expired-partial:nothing-done" }));
}

#[tokio::test]
async fn a_scenario_survives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let toml = "summary = 'mine'\n[[result]]\nnth = 1\ndeviation = 'cut'";
    let builder = || frozen().data_dir(dir.path());
    let server = builder().start().await.unwrap();
    let client = Client::new(&server);
    let by_metadata = batch_in(&client, "mixed-errors").await.id();
    choose(&client, json!({ "name": "mine", "toml": toml })).await;
    let by_choice = client.batch(&chats(3)).await;
    server.clock().advance(seconds(4)).unwrap();
    let before = (client.results(&by_metadata).await, client.results(&by_choice).await);
    server.stop().await;

    let server = builder().start().await.unwrap();
    let client = Client::new(&server);
    assert_eq!(scenario_of(&client).await, "mine");
    assert_eq!((client.results(&by_metadata).await, client.results(&by_choice).await), before);
    let input = client.upload_lines(&chats(3)).await;
    let later = client.post("/batches", &new_batch(&input, CHAT)).await.id();
    server.clock().advance(seconds(4)).unwrap();
    assert!(
        client.results(&later).await.0.lines().any(|line| !line.ends_with('}')),
        "it is still in the scenario"
    );
    server.stop().await;
}
