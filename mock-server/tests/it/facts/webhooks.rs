//! Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use batchmock::{ClockMode, MockServer, Timestamp, WebhookEndpoint};
use reqwest::StatusCode;

use crate::support::{Client, chats, days, frozen, seconds, slower_than_the_window};
use crate::webhooks::receiver::{Received, Receiver, Reply, SECRET};

/// A mock that tells a receiver, of batches that never end by themselves in time.
async fn start(receiver: &Receiver) -> (MockServer, Client) {
    let builder = frozen().pace(slower_than_the_window()).webhook(receiver.endpoint());
    let server = builder.webhook_plan("{ retry_speed = 500000 }".parse().unwrap()).start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

/// What is told of a batch that fails.
async fn told() -> (String, Received) {
    let mut receiver = Receiver::start().await;
    let (server, client) = start(&receiver).await;
    let batch = client.batch(&["{}"]).await;
    server.clock().advance(seconds(60)).unwrap();
    (batch, receiver.next().await)
}

/// Whether a text is a prefix and 32 hexadecimal digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[tokio::test]
async fn f_400_each_ending_has_an_event_that_names_the_batch() {
    for ending in ["completed", "failed", "expired", "cancelled"] {
        let mut receiver = Receiver::start().await;
        let (server, client) = start(&receiver).await;
        let batch = client.batch(&chats(2)).await;
        let url = format!("http://{}/_mock/v1/batches/{batch}/ending", server.address());
        let body = format!(r#"{{"status": "{ending}"}}"#);
        let request = reqwest::Client::new().post(url).bearer_auth(server.api_key()).body(body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        let event = receiver.next().await.json();
        assert_eq!(event["object"], "event");
        assert_eq!(event["type"], format!("batch.{ending}"));
        assert_eq!(event["data"]["id"], batch);
        let seen = client.retrieve(&batch).await.json();
        assert_eq!(event["created_at"], seen[format!("{ending}_at")], "{seen:#}");
    }
}

#[tokio::test]
async fn f_401_an_event_has_five_keys_in_this_order() {
    let (batch, told) = told().await;
    let event = told.json();
    let keys: Vec<_> = event.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["object", "id", "type", "created_at", "data"]);
    assert!(is_id(event["id"].as_str().unwrap(), "evt_"), "{event}");
    assert!(!told.body.contains([' ', '\n']), "{}", told.body);
    assert_eq!(event["data"], serde_json::json!({"id": batch}));
}

#[tokio::test]
async fn f_402_a_request_has_the_headers_of_standard_webhooks() {
    let (_, told) = told().await;
    assert_eq!(told.method, "POST");
    assert_eq!(told.header("user-agent"), "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)");
    assert_eq!(told.header("content-type"), "application/json");
    assert!(is_id(told.header("webhook-id"), "wh_"));
    assert!(told.header("webhook-timestamp").parse::<i64>().is_ok());
    let signature = told.header("webhook-signature").strip_prefix("v1,").unwrap();
    assert_eq!(STANDARD.decode(signature).unwrap().len(), 32);
}

#[tokio::test]
async fn f_403_a_signature_is_that_of_the_id_the_time_and_the_body() {
    let (_, told) = told().await;
    assert_eq!(told.objection(SECRET), None);
    let mut other = told.clone();
    other.body.push(' ');
    assert!(other.objection(SECRET).is_some());

    let mut receiver = Receiver::start().await;
    let endpoint = WebhookEndpoint::new(&receiver.url("/"), "a plain key".parse().unwrap()).unwrap();
    let server = frozen().webhook(endpoint).start().await.unwrap();
    Client::new(&server).batch(&["{}"]).await;
    server.clock().advance(seconds(60)).unwrap();
    let encoded = format!("whsec_{}", STANDARD.encode("a plain key"));
    assert_eq!(receiver.next().await.objection(&encoded), None);
}

#[tokio::test]
async fn f_405_a_timestamp_is_wall_time_whatever_the_world_shows() {
    for start_at in [0, 4_000_000_000].map(Timestamp::from_unix_seconds) {
        let mut receiver = Receiver::start().await;
        let builder = frozen().clock(ClockMode::Frozen).start_at(start_at).webhook(receiver.endpoint());
        let server = builder.start().await.unwrap();
        Client::new(&server).batch(&["{}"]).await;
        server.clock().advance(days(1)).unwrap();
        let told = receiver.next().await;
        // The library holds it against the clock of the system.
        assert_eq!(told.objection(SECRET), None);
        assert_eq!(told.json()["created_at"], start_at.unix_seconds() + 1);
    }
}

#[tokio::test]
async fn f_406_what_is_not_taken_is_tried_again_and_no_redirect_is_followed() {
    for reply in [Reply::Status(500), Reply::Status(404), Reply::Status(410), Reply::RedirectTo("/elsewhere")]
    {
        let mut receiver = Receiver::answering([reply]).await;
        let (server, client) = start(&receiver).await;
        client.batch(&["{}"]).await;
        server.clock().advance(seconds(60)).unwrap();
        let (first, second) = (receiver.next().await, receiver.next().await);
        assert_eq!((first.path.as_str(), second.path.as_str()), ("/hook", "/hook"));
        assert_eq!(first.body, second.body);
    }
}

#[tokio::test]
async fn f_408_each_attempt_has_a_time_of_its_own_under_one_id() {
    let mut receiver = Receiver::answering([Reply::Status(500)]).await;
    let (server, client) = start(&receiver).await;
    client.batch(&["{}"]).await;
    server.clock().advance(seconds(60)).unwrap();
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert!(first.header("webhook-timestamp") <= second.header("webhook-timestamp"));
    assert_eq!((first.objection(SECRET), second.objection(SECRET)), (None, None));
}
