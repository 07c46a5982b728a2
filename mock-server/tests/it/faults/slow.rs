//! Answers that take their time: an hour does not pass while others are answered, and a millisecond does.

use futures_util::FutureExt as _;
use serde_json::Value;

use super::{one, with};
use crate::support::{CHAT, Client, chats, frozen};

#[tokio::test]
async fn a_delayed_answer_lets_others_by_and_its_request_has_been_carried_out() {
    let (_server, client) = with("{ operation = 'create_batch', nth = 1, delay = '1h' }").await;
    let input = client.upload_lines(&chats(1)).await;
    let delayed = client.create(&input, CHAT).map(|answer| panic!("nobody waits for an hour: {answer}"));
    let others = async {
        loop {
            let batches = client.get("/batches").await.json();
            if batches["data"].as_array().is_some_and(|batches| batches.len() == 1) {
                break;
            }
        }
    };
    tokio::select! {
        () = delayed => {}
        () = others => {}
    }
    assert_eq!(client.create(&input, CHAT).await.status, 200, "its count is over");
}

#[tokio::test]
async fn a_short_delay_passes_and_changes_nothing() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let usual = client.get("/models").await;
    for rule in [
        "{ nth = 1, delay = '1ms' }",
        "{ nth = 1, first_byte_after = '1ms' }",
        "{ nth = 1, dribble = { bytes = 100, every = '1us' } }",
        "{ nth = 1, delay = '1ms', first_byte_after = '1ms', dribble = { bytes = 1000, every = '1ms' } }",
    ] {
        server.faults().replace(&one(rule)).unwrap();
        let slow = client.get("/models").await;
        assert_eq!((slow.status, &slow.body), (usual.status, &usual.body), "{rule}");
        assert_eq!(slow.header("content-length"), usual.header("content-length"), "{rule}");
        assert_eq!(server.faults().counts()[0].n_fired, 1);
    }
}

#[tokio::test]
async fn an_error_may_be_slow_as_well() {
    let (_server, client) = with("{ nth = 1, error = 'overloaded', delay = '1ms', retry_after = 1 }").await;
    let answer = client.get("/batches").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("1")));
}

#[tokio::test]
async fn headers_come_before_a_slow_first_byte() {
    let (server, _) = with("{ nth = 1, first_byte_after = '1h' }").await;
    let url = format!("{}/models", server.base_url());
    let response = reqwest::Client::new().get(url).bearer_auth(server.api_key()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let length = response.content_length();
    assert!(length.is_some_and(|length| length > 0));
    let body = response.bytes().map(|body| panic!("nobody waits for an hour: {body:?}"));
    let client = Client::new(&server);
    let other = async { assert!(client.get("/models").await.json().is_object()) };
    tokio::select! {
        () = body => {}
        () = other => {}
    }
}

#[tokio::test]
async fn a_dribble_comes_piece_by_piece() {
    let (server, _) = with("{ nth = 1, dribble = { bytes = 10, every = '1h' } }").await;
    let url = format!("{}/models", server.base_url());
    let mut response = reqwest::Client::new().get(url).bearer_auth(server.api_key()).send().await.unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first.len(), 10);
    let second = async { panic!("nobody waits for an hour: {:?}", response.chunk().await) };
    let client = Client::new(&server);
    let other = async {
        let models: Value = client.get("/models").await.json();
        assert!(models["data"].is_array());
    };
    tokio::select! {
        () = second => {}
        () = other => {}
    }
}
