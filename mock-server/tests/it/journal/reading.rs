//! Reading the journal by the control API.

use std::fmt::Write as _;

use batchmock::MockServer;
use serde_json::{Value, json};

use crate::support::{chats, seconds, start};

/// Asks the control API for the journal.
async fn ask(server: &MockServer, query: &str) -> (u16, Value) {
    let url = format!("http://{}/_mock/v1/journal{query}", server.address());
    let answer = reqwest::Client::new().get(url).bearer_auth(server.api_key()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The numbers of the entries that match.
async fn numbers(server: &MockServer, query: &str) -> Vec<u64> {
    let (status, journal) = ask(server, query).await;
    assert_eq!(status, 200, "{journal:#}");
    let numbers =
        journal["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap());
    numbers.collect()
}

/// What differs each time is told as its kind.
fn settled(mut value: Value) -> Value {
    for entry in value["entries"].as_array_mut().unwrap() {
        if entry["kind"] == "exchange" {
            assert!(entry["wall"]["rfc3339"].is_string() && entry["took_us"].is_u64());
            entry["wall"] = json!("a time");
            entry["took_us"] = json!("a number");
        }
    }
    value
}

#[tokio::test]
async fn every_kind_of_entry_is_shown() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    client.get("/files/None").await;
    server.clock().advance(seconds(10)).unwrap();
    client.results(&id).await;
    insta::assert_json_snapshot!(settled(ask(&server, "").await.1));
}

#[tokio::test]
async fn filters_can_be_combined() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    let other = client.batch(&chats(2)).await;
    server.clock().advance(seconds(10)).unwrap();
    for id in [&id, &id, &other] {
        client.retrieve(id).await;
    }
    client.get("/batches/batch_none").await;
    let input = client.retrieve(&id).await.json()["input_file_id"].as_str().unwrap().to_owned();
    let mut told = server.journal(server.api_key()).to_string();
    for query in [
        "?kind=event".to_owned(),
        "?kind=note".to_owned(),
        "?operation=retrieve_batch".to_owned(),
        "?status=404".to_owned(),
        "?status=completed".to_owned(),
        "?outcome=pending".to_owned(),
        "?note=poll-after-end".to_owned(),
        "?since=18".to_owned(),
        format!("?id={id}"),
        format!("?id={input}"),
        format!("?id={id}&operation=retrieve_batch"),
        format!("?id={id}&status=completed"),
        "?kind=event&status=200".to_owned(),
        "?kind=exchange&limit=2".to_owned(),
    ] {
        writeln!(told, "{query} {:?}", numbers(&server, &query).await).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let (server, client) = start().await;
    for _ in 0..5 {
        client.get("/batches").await;
    }
    let mut since = json!(0);
    let mut pages = Vec::new();
    loop {
        let (_, page) = ask(&server, &format!("?limit=2&since={since}")).await;
        pages.push(page["entries"].as_array().unwrap().len());
        since = page["next"].clone();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(pages, [2, 2, 1]);
    assert_eq!(since, 6);
    assert_eq!(numbers(&server, "?since=6").await, [0; 0]);
}

#[tokio::test]
async fn it_says_how_many_had_to_go() {
    let limits = batchmock::Limits { journal_entries: 2, ..batchmock::Limits::default() };
    let server = crate::support::frozen().limits(limits).start().await.unwrap();
    let client = crate::support::Client::new(&server);
    for _ in 0..5 {
        client.get("/batches").await;
    }
    let (_, journal) = ask(&server, "").await;
    assert_eq!((&journal["n_dropped"], &journal["next"]), (&json!(3), &json!(6)));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_with_what_can() {
    let (server, _client) = start().await;
    let mut told = String::new();
    for query in [
        "?kind=exchanges",
        "?operation=createBatch",
        "?status=done",
        "?status=42",
        "?note=poll_after_end",
        "?outcome=left",
        "?since=-1",
        "?since=now",
        "?limit=1000000",
        "?ids=batch_1",
        "?count=1",
        "?kind=event&kind=note",
        "/wait?for=soon",
        "/wait?for=2h",
        "/wait?count=-1",
        "/har?limit=1",
    ] {
        let (status, refusal) = ask(&server, query).await;
        assert_eq!(status, 400, "{query}");
        writeln!(told, "{query}\n  {}", refusal["error"]["message"].as_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(told);
}
