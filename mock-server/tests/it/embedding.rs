//! The server in a Rust test.

use batchmock::switches::{MissingInput, Switches};
use batchmock::{AnswerStyle, ClockMode, Limits, LineRules, MockServer, ModelPolicy, Pace, Timestamp};
use reqwest::{Method, StatusCode};
use tokio::net::TcpStream;

use crate::support::{Client, START, chat_body, chats, days, frozen, new_batch, seconds, start};

#[tokio::test]
async fn a_server_stops_when_it_is_dropped() {
    let (server, client) = start().await;
    assert_eq!(client.get("/files").await.status, StatusCode::OK);
    let address = server.address();
    drop(server);
    // The runtime has to come round to it once or twice.
    let mut refused = false;
    for _ in 0..1_000 {
        refused = TcpStream::connect(address).await.is_err();
        if refused {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(refused, "the port still answers");
    let answer = client.try_send(Method::GET, "/files", None, Vec::new()).await;
    assert!(answer.is_err(), "an open connection outlived the server: {answer:?}");
}

#[tokio::test]
async fn two_servers_share_nothing() {
    let ((one, at_one), (two, at_two)) = (start().await, start().await);
    assert_ne!(one.address(), two.address());
    let id = at_one.batch(&chats(1)).await;
    assert_eq!(at_two.retrieve(&id).await.status, StatusCode::NOT_FOUND);
    one.clock().advance(seconds(4)).unwrap();
    assert_eq!(two.clock().now(), START);
    assert_eq!(at_one.retrieve(&id).await.json()["status"], "completed");
}

#[tokio::test]
async fn a_server_without_settings_works_in_real_time() {
    let server = MockServer::start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    assert_eq!(client.retrieve(&id).await.json()["status"], "validating");
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "completed");
    assert!(server.clock().now() > START, "tests of the past are run in the past");
}

#[tokio::test]
async fn every_setting_has_its_effect() {
    let start_at = Timestamp::from_unix_seconds(1_000_000_000);
    let server = MockServer::builder()
        .seed(1)
        .clock(ClockMode::Stepping)
        .start_at(start_at)
        .pace(Pace::INSTANT)
        .answers(AnswerStyle::Echo)
        .rules(LineRules::new(vec!["custom_id=a-2:500".parse().unwrap()]))
        .limits(Limits { batch_file_bytes: 1_000, ..Limits::default() })
        .models(ModelPolicy::Any)
        .switches(Switches { missing_input: MissingInput::RefusesCreate, ..Switches::default() })
        .start()
        .await
        .unwrap();
    let client = Client::new(&server);
    assert_eq!(server.clock().now(), start_at);

    let id = client.batch(&chats(2)).await;
    assert_eq!(client.retrieve(&id).await.json()["created_at"], 1_000_000_000);
    let mut looks = 0;
    while client.retrieve(&id).await.json()["status"] != "completed" {
        looks += 1;
    }
    assert_eq!(looks, 3, "half the lines, all lines and the end come one by one");
    assert_eq!(server.clock().now().since(start_at).as_millis(), 500);
    let counts = &client.retrieve(&id).await.json()["request_counts"];
    assert_eq!((&counts["completed"], &counts["failed"]), (&1.into(), &1.into()));

    let mut body = chat_body("hello");
    body["model"] = "llama-9".into();
    let answer = client.post("/chat/completions", &body).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    let too_large = client.upload("batch", "a.jsonl", chats(20).join("\n")).await;
    assert_eq!(too_large.message(), "File is too large.");
    let refused = client.post("/batches", &new_batch("file-unknown", "/v1/responses")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_clock_tells_why_it_does_not_move() {
    let (server, client) = start().await;
    let nothing = server.clock().advance_to_next_change().unwrap_err();
    assert_eq!(nothing.to_string(), "nothing will change by itself: every batch has ended");
    client.batch(&chats(1)).await;
    server.clock().advance_to_next_change().unwrap();
    assert_eq!(server.clock().now(), START + seconds(1));
    let too_far = server.clock().advance(days(4_000_000)).unwrap_err();
    assert_eq!(too_far.to_string(), "a clock goes no further than 9999-12-31T23:59:59.999Z");
    assert_eq!(server.clock().now(), START + seconds(1));
}

#[tokio::test]
async fn any_key_will_do() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    for key in ["sk-any", "x", "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", server.api_key()] {
        assert_eq!(client.with_key(key).get("/files").await.status, StatusCode::OK);
    }
}
