//! When somebody is told, and what.

use batchmock::{ClockMode, Pace, WebhookEvent};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::Bench;
use super::receiver::{Receiver, SECRET};
use crate::support::{SEED, START, chats, days, frozen, seconds, slower_than_the_window};

#[tokio::test]
async fn a_batch_is_told_of_when_the_clock_is_advanced_past_its_end() {
    let mut bench = Bench::start().await;
    let batch = bench.client.batch(&chats(3)).await;
    bench.server.clock().advance(seconds(3)).unwrap();
    assert_eq!(bench.deliveries().await, [Value::Null; 0], "it has not ended");
    bench.server.clock().advance(seconds(60)).unwrap();

    let told = bench.receiver.next().await;
    assert_eq!(told.objection(SECRET), None);
    assert_eq!((told.method.as_str(), told.path.as_str()), ("POST", "/hook"));
    let completed_at = bench.client.retrieve(&batch).await.json()["completed_at"].as_i64().unwrap();
    let id = told.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        told.body,
        format!(
            r#"{{"object":"event","id":"{id}","type":"batch.completed","created_at":{completed_at},"data":{{"id":"{batch}"}}}}"#
        )
    );
    bench.ended(1).await;
    assert!(bench.receiver.rest().is_empty());
}

#[tokio::test]
async fn every_ending_is_told_by_its_name() {
    let mut bench = Bench::with(Receiver::start().await, frozen().pace(slower_than_the_window())).await;
    let failed = bench.client.batch(&["{}"]).await;
    let expired = bench.client.batch(&chats(4)).await;
    let cancelled = bench.client.batch(&chats(2)).await;
    bench.server.clock().advance(seconds(3_600)).unwrap();
    bench.client.cancel(&cancelled).await;
    let completed = bench.client.batch(&chats(1)).await;
    let ending = format!("/batches/{completed}/ending");
    bench.control(Method::POST, &ending, Some(json!({"status": "completed"}))).await;
    bench.server.clock().advance(days(2)).unwrap();
    let mut told = Vec::new();
    for _ in 0..4 {
        let received = bench.receiver.next().await;
        assert_eq!(received.objection(SECRET), None);
        told.push(received.told());
    }
    // In the order in which they came to their ends.
    let expected = [
        ("batch.failed", failed),
        ("batch.completed", completed),
        ("batch.cancelled", cancelled),
        ("batch.expired", expired),
    ];
    assert_eq!(told, expected.map(|(event, batch)| (event.to_owned(), batch)));
}

#[tokio::test]
async fn on_a_stepping_clock_a_batch_is_told_of_when_it_is_polled_to_its_end() {
    let receiver = Receiver::start().await;
    let mut bench = Bench::with(receiver, frozen().clock(ClockMode::Stepping)).await;
    let batch = bench.client.batch(&chats(3)).await;
    while bench.client.retrieve(&batch).await.json()["status"] != "completed" {
        assert_eq!(bench.deliveries().await, [Value::Null; 0]);
    }
    assert_eq!(bench.receiver.next().await.told(), ("batch.completed".to_owned(), batch));
}

#[tokio::test]
async fn on_a_clock_that_runs_nobody_needs_to_ask() {
    for mode in [ClockMode::Real, ClockMode::Scaled(3_600.0)] {
        let pace = if mode == ClockMode::Real { Pace::INSTANT } else { Pace::REALISTIC };
        let builder = frozen().clock(mode).pace(pace);
        let mut bench = Bench::with(Receiver::start().await, builder).await;
        let other = bench.client.with_key("sk-another");
        let mut batches = [bench.client.batch(&chats(2)).await, other.batch(&chats(2)).await];
        let mut told = [bench.receiver.next().await.told().1, bench.receiver.next().await.told().1];
        batches.sort();
        told.sort();
        assert_eq!(told, batches, "{mode}");
        // A second one finds the courier asleep.
        let batch = bench.client.batch(&chats(2)).await;
        assert_eq!(bench.receiver.next().await.told().1, batch);
    }
}

#[tokio::test]
async fn a_clock_that_is_let_run_tells_what_comes_due_then() {
    let mut bench = Bench::with(Receiver::start().await, frozen().pace(Pace::INSTANT)).await;
    let batch = bench.client.batch(&chats(1)).await;
    bench.server.clock().set_mode(ClockMode::Real);
    assert_eq!(bench.receiver.next().await.told().1, batch);
}

#[tokio::test]
async fn endpoints_of_one_world_are_told_of_no_other() {
    let mut other = Receiver::start().await;
    let mut bench = Bench::start().await;
    let endpoint = json!({"url": other.url("/other"), "secret": SECRET, "events": ["batch.failed"]});
    bench.control_as("sk-other", Method::PUT, "/webhooks", Some(json!({"endpoints": [endpoint]}))).await;
    let client = bench.client.with_key("sk-other");
    let completes = client.batch(&chats(1)).await;
    let fails = client.batch(&["{}"]).await;
    let batch = bench.client.batch(&["{}"]).await;
    bench.server.clock_of("sk-other").advance(days(1)).unwrap();
    bench.server.clock().advance(days(1)).unwrap();

    let told = other.next().await;
    assert_eq!((told.path.as_str(), told.told()), ("/other", ("batch.failed".to_owned(), fails)));
    assert_eq!(bench.receiver.next().await.told().1, batch);
    bench.ended(1).await;
    assert_eq!(client.retrieve(&completes).await.json()["status"], "completed");
    assert!(bench.receiver.rest().is_empty() && other.rest().is_empty());
}

#[tokio::test]
async fn several_endpoints_hear_of_what_they_want_to() {
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let some = second.endpoint().events([WebhookEvent::Failed]);
    let mut second = second;
    let mut bench = Bench::with(first, frozen().webhook(some)).await;
    let (completes, fails) = (bench.client.batch(&chats(1)).await, bench.client.batch(&["{}"]).await);
    bench.server.clock().advance(days(1)).unwrap();
    let told = [bench.receiver.next().await.told().1, bench.receiver.next().await.told().1];
    assert_eq!(told, [fails.clone(), completes]);
    assert_eq!(second.next().await.told().1, fails);
    bench.ended(3).await;
    assert!(second.rest().is_empty());
}

#[tokio::test]
async fn an_endpoint_is_told_of_batches_that_were_there_before_it() {
    let mut receiver = Receiver::start().await;
    let server = frozen().start().await.unwrap();
    let client = crate::support::Client::new(&server);
    let batch = client.batch(&chats(1)).await;
    let bench = Bench { server, client, receiver: Receiver::start().await };
    bench.control(Method::POST, "/webhooks", Some(json!({"url": receiver.url("/"), "secret": SECRET}))).await;
    bench.server.clock().advance(days(1)).unwrap();
    assert_eq!(receiver.next().await.told().1, batch);
}

#[tokio::test]
async fn a_reset_forgets_what_was_to_be_told_and_who_was_added() {
    let mut bench = Bench::start().await;
    let other = Receiver::start().await;
    bench.control(Method::POST, "/webhooks", Some(json!({"url": other.url("/")}))).await;
    bench.client.batch(&chats(1)).await;
    bench.control(Method::POST, "/reset", None).await;
    let webhooks = bench.control(Method::GET, "/webhooks", None).await;
    let urls: Vec<_> =
        webhooks["endpoints"].as_array().unwrap().iter().map(|endpoint| &endpoint["url"]).collect();
    assert_eq!(urls, [&json!(bench.receiver.url("/hook"))]);
    bench.server.clock().advance(days(1)).unwrap();
    let batch = bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    assert_eq!(bench.receiver.next().await.told().1, batch);
    bench.ended(1).await;
}

#[tokio::test]
async fn the_same_seed_tells_the_same_events() {
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut bench = Bench::with(Receiver::start().await, frozen().seed(SEED).start_at(START)).await;
        bench.client.batch(&chats(2)).await;
        bench.server.clock().advance(days(1)).unwrap();
        let received = bench.receiver.next().await;
        told.push((received.header("webhook-id").to_owned(), received.body));
    }
    assert_eq!(told[0], told[1]);
}
