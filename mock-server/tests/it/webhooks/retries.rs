//! What becomes of what is not taken.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use batchmock::{Limits, WebhookEndpoint};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Bench, read};
use super::receiver::{Receiver, Reply, SECRET};
use crate::support::{days, frozen};

/// A plan under which all retries come within a second.
const FAST: &str = "{ retry_speed = 500000 }";

/// What became of each attempt.
fn outcomes(delivery: &Value) -> Vec<Value> {
    let attempts = delivery["attempts"].as_array().unwrap().iter();
    let outcome = |attempt: &Value| {
        assert!(attempt["at"]["unix"].is_i64() && attempt["took_ms"].is_u64(), "{attempt:#}");
        if attempt["status"].is_null() { attempt["error"].clone() } else { attempt["status"].clone() }
    };
    attempts.map(outcome).collect()
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_under_the_same_id() {
    let replies = [Reply::Status(500), Reply::RedirectTo("/elsewhere"), Reply::Status(404)];
    let receiver = Receiver::answering(replies).await;
    let mut bench = Bench::with(receiver, frozen().webhook_plan(read(FAST))).await;
    bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    let mut ids = BTreeSet::new();
    for _ in 0..4 {
        let told = bench.receiver.next().await;
        assert_eq!((told.path.as_str(), told.objection(SECRET)), ("/hook", None));
        ids.insert((told.header("webhook-id").to_owned(), told.body));
    }
    assert_eq!(ids.len(), 1);
    let deliveries = bench.ended(1).await;
    assert_eq!(outcomes(&deliveries[0]), [500, 302, 404, 200]);
    assert_eq!(deliveries[0]["status"], "delivered");
    assert!(bench.receiver.rest().is_empty(), "no redirect is followed");
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_and_can_be_told_once_more() {
    let receiver = Receiver::answering(std::iter::repeat_n(Reply::Status(410), 17)).await;
    let mut bench = Bench::with(receiver, frozen().webhook_plan(read(FAST))).await;
    bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    let deliveries = bench.ended(1).await;
    assert_eq!(deliveries[0]["status"], "given_up");
    assert_eq!(outcomes(&deliveries[0]), [410; 17]);
    assert_eq!(bench.receiver.rest().len(), 17);

    let again = format!("/webhooks/deliveries/{}/redeliver", deliveries[0]["id"].as_str().unwrap());
    assert_eq!(bench.control(Method::POST, &again, None).await["status"], "waiting");
    assert_eq!(bench.receiver.next().await.header("webhook-id"), deliveries[0]["webhook_id"]);
    let deliveries = bench.ended(1).await;
    assert_eq!((&deliveries[0]["status"], outcomes(&deliveries[0]).len()), (&json!("delivered"), 18));
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_not_waited_for_and_holds_up_nobody() {
    let hanging = Receiver::answering(std::iter::repeat_n(Reply::Hang, 2)).await;
    let slow = hanging.endpoint();
    let mut hanging = hanging;
    let plan = read("{ retry_speed = 500000, timeout = '300ms' }");
    let mut bench = Bench::with(Receiver::start().await, frozen().webhook_plan(plan).webhook(slow)).await;
    let batches = [bench.client.batch(&["{}"]).await, bench.client.batch(&["{}"]).await];
    bench.server.clock().advance(days(1)).unwrap();
    for batch in batches {
        assert_eq!(bench.receiver.next().await.told().1, batch);
    }
    for _ in 0..4 {
        hanging.next().await;
    }
    let deliveries = bench.ended(4).await;
    let attempts: Vec<_> = deliveries.iter().flat_map(outcomes).collect();
    let n_hung = attempts.iter().filter(|outcome| **outcome == "no answer within 300ms").count();
    assert_eq!((n_hung, attempts.len()), (2, 6), "{attempts:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told_as_such() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let nobody = WebhookEndpoint::new(&format!("http://127.0.0.1:{port}/"), SECRET.parse().unwrap()).unwrap();
    let builder = frozen().webhook_plan(read(FAST)).webhook(nobody);
    let bench = Bench::with(Receiver::start().await, builder).await;
    bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    let deliveries = bench.ended(2).await;
    let failed = deliveries.iter().find(|delivery| delivery["status"] == "given_up").unwrap();
    for outcome in outcomes(failed) {
        assert!(outcome.as_str().unwrap().starts_with("no connection: "), "{outcome}");
    }
}

#[tokio::test]
async fn what_finds_no_room_among_what_waits_is_told_to_nobody() {
    let limits = Limits { world_deliveries: 2, ..Limits::default() };
    let plan = read("{ delay = '1h' }");
    let bench = Bench::with(Receiver::start().await, frozen().webhook_plan(plan).limits(limits)).await;
    let kept = [bench.client.batch(&["{}"]).await, bench.client.batch(&["{}"]).await];
    for _ in 0..3 {
        bench.client.batch(&["{}"]).await;
    }
    bench.server.clock().advance(days(1)).unwrap();
    let deliveries = bench.deliveries().await;
    let batches: Vec<_> = deliveries.iter().rev().map(|delivery| &delivery["event"]["batch_id"]).collect();
    assert_eq!(batches, [&json!(kept[0]), &json!(kept[1])]);
    assert_eq!(bench.control(Method::GET, "/webhooks", None).await["not_told"], 3);
}

#[tokio::test]
async fn a_server_that_stops_breaks_off_what_is_under_way() {
    let receiver = Receiver::answering([Reply::Hang]).await;
    let mut bench = Bench::with(receiver, frozen()).await;
    bench.client.batch(&["{}"]).await;
    bench.server.clock().advance(days(1)).unwrap();
    bench.receiver.next().await;
    bench.server.stop().await;
}
