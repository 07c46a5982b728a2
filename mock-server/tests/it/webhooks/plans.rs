//! What a receiver has to be ready for, on request.

use std::collections::BTreeSet;

use batchmock::ClockMode;
use reqwest::Method;
use serde_json::json;

use super::bench::{Bench, read};
use super::receiver::{Receiver, Reply, SECRET};
use crate::support::{CHAT, chats, days, frozen, new_batch};

#[tokio::test]
async fn an_event_can_be_told_twice_and_once_before_it_can_be_seen() {
    let builder = frozen().clock(ClockMode::Stepping).webhook_plan(read("{ copies = 2, early = true }"));
    let mut bench = Bench::with(Receiver::start().await, builder).await;
    let batch = bench.client.batch(&chats(3)).await;
    let mut seen = Vec::new();
    let (mut first, mut n_before) = (None, 0);
    loop {
        let status = bench.client.retrieve(&batch).await.json()["status"].as_str().unwrap().to_owned();
        if first.is_none() && !bench.deliveries().await.is_empty() {
            first = Some(bench.receiver.next().await);
            n_before = seen.len();
        }
        seen.push(status.clone());
        if status == "completed" {
            break;
        }
    }
    let first = first.expect("it was told before it could be seen");
    assert_eq!(seen[n_before], "in_progress", "{seen:?}");
    assert_eq!(seen[n_before + 1], "finalizing", "{seen:?}");
    let second = bench.receiver.next().await;
    for told in [&first, &second] {
        assert_eq!(told.told(), ("batch.completed".to_owned(), batch.clone()));
        assert_eq!(told.objection(SECRET), None);
    }
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    bench.ended(2).await;
    assert!(bench.receiver.rest().is_empty());
}

#[tokio::test]
async fn a_scenario_says_how_its_batches_are_told_of() {
    let mut bench = Bench::planned("{ signature = 'wrong' }").await;
    let input = bench.client.upload_lines(&chats(2)).await;
    let mut new = new_batch(&input, CHAT);
    new["metadata"] = json!({"mock_scenario": "webhook-twice"});
    let batch = bench.client.post("/batches", &new).await.id();
    bench.server.clock().advance(days(1)).unwrap();
    let (first, second) = (bench.receiver.next().await, bench.receiver.next().await);
    assert_eq!((first.body.as_str(), first.told().1), (second.body.as_str(), batch));
    assert_eq!(first.objection(SECRET), None, "the plan of a scenario is a whole one");
    let completed_at = bench.client.retrieve(&second.told().1).await.json()["completed_at"].as_i64().unwrap();
    assert!(first.json()["created_at"].as_i64().unwrap() < completed_at);
}

#[tokio::test]
async fn an_ending_of_any_kind_can_be_told_too_early() {
    let builder =
        frozen().webhook_plan(read("{ early = true }")).pace(crate::support::slower_than_the_window());
    let mut bench = Bench::with(Receiver::start().await, builder).await;
    let failing = bench.client.batch(&["{}"]).await;
    assert_eq!(bench.receiver.next().await.told(), ("batch.failed".to_owned(), failing.clone()));
    assert_eq!(bench.client.retrieve(&failing).await.json()["status"], "validating");
    let batch = bench.client.batch(&chats(2)).await;
    bench.server.clock().advance(days(1) / 2).unwrap();
    bench.client.cancel(&batch).await;
    assert_eq!(bench.receiver.next().await.told(), ("batch.cancelled".to_owned(), batch.clone()));
    assert_eq!(bench.client.retrieve(&batch).await.json()["status"], "cancelling");
    bench.server.clock().advance(days(3)).unwrap();
    bench.ended(2).await;
}

#[tokio::test]
async fn events_can_be_told_in_another_order() {
    let mut bench = Bench::planned("{ reorder = 3 }").await;
    let mut batches = Vec::new();
    for _ in 0..3 {
        batches.push(bench.client.batch(&["{}"]).await);
        bench.server.clock().advance(days(1)).unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(bench.receiver.next().await.told().1);
    }
    told.reverse();
    assert_eq!(told, batches);
}

#[tokio::test]
async fn a_signature_can_be_wrong_stale_or_missing() {
    for (signature, objection) in [
        ("wrong", "signature invalid"),
        ("stale", "signature timestamp too old"),
        ("missing", "missing header signature"),
    ] {
        let mut bench = Bench::planned(&format!("{{ signature = '{signature}' }}")).await;
        bench.client.batch(&["{}"]).await;
        bench.server.clock().advance(days(1)).unwrap();
        let told = bench.receiver.next().await;
        assert_eq!(told.objection(SECRET).as_deref(), Some(objection));
    }
}

#[tokio::test]
async fn who_refuses_a_wrong_signature_is_told_again_with_a_right_one() {
    let plan = read("{ signature = 'wrong', signature_attempts = 1, retry_speed = 100000 }");
    let receiver = Receiver::answering([Reply::Status(401)]).await;
    let mut bench = Bench::with(receiver, frozen().webhook_plan(plan)).await;
    bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    assert!(bench.receiver.next().await.objection(SECRET).is_some());
    assert_eq!(bench.receiver.next().await.objection(SECRET), None);
}

#[tokio::test]
async fn a_delay_is_shown_and_kept() {
    let mut bench = Bench::planned("{ delay = '23h' }").await;
    let batch = bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    let deliveries = bench.deliveries().await;
    assert_eq!((&deliveries[0]["status"], &deliveries[0]["attempts"]), (&json!("waiting"), &json!([])));
    assert!(deliveries[0]["next_attempt_at"]["unix"].is_i64());
    // What waits goes on waiting; what comes new does not.
    let plan = json!({"plan": {"delay": "1ms", "copies": 2}});
    bench.control(Method::PUT, "/webhooks", Some(plan)).await;
    let other = bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    let told: BTreeSet<_> =
        [bench.receiver.next().await.told().1, bench.receiver.next().await.told().1].into();
    assert_eq!(told, BTreeSet::from([other]));
    assert_eq!(bench.deliveries().await.last().unwrap()["event"]["batch_id"], batch);
}
