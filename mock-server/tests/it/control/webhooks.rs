//! Webhooks, as the control API sets and shows them.

use serde_json::{Value, json};

use super::bench::{Bench, KEY, OTHER_KEY};
use crate::webhooks::receiver::{Receiver, SECRET};

#[tokio::test]
async fn a_secret_that_is_made_is_shown_once_and_works() {
    let bench = Bench::start().await;
    let mut receiver = Receiver::start().await;
    let added = bench.post("/webhooks", json!({"url": receiver.url("/")})).await.expect(200);
    let secret = added["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let shown = bench.get("/webhooks").await.expect(200);
    assert_eq!(shown["endpoints"][0]["secret"], format!("whsec_…{}", &secret[46..]));

    let batch = bench.create(&["a"]).await;
    bench.advance(json!({"by": "1d"})).await;
    let told = receiver.next().await;
    assert_eq!((told.told().1, told.objection(&secret)), (batch, None));

    // It follows from seed, key and place: others have others.
    let set = bench.put("/webhooks", json!({"endpoints": [{"url": "http://localhost/"}]})).await.expect(200);
    let other = set["endpoints"][0]["secret"].as_str().unwrap().to_owned();
    let again = Bench::start().await.post("/webhooks", json!({"url": "http://localhost/"})).await.expect(200);
    let strangers = bench.ask_as(OTHER_KEY, "POST", "/webhooks", Some(json!({"url": "http://localhost/"})));
    let strangers = strangers.await.expect(200);
    assert_eq!(again["secret"], secret);
    assert!(other != secret && strangers["secret"] != *secret && strangers["secret"] != *other);
}

#[tokio::test]
async fn a_secret_that_is_given_is_never_shown() {
    let bench = Bench::start().await;
    let endpoint = json!({"url": "http://localhost/", "secret": SECRET});
    let added = bench.post("/webhooks", endpoint.clone()).await.expect(200);
    let set = bench.put("/webhooks", json!({"endpoints": [endpoint]})).await.expect(200);
    let removed = bench.delete("/webhooks").await.expect(200);
    for answer in [&added, &set, &removed] {
        assert!(!answer.to_string().contains(&SECRET[6..20]), "{answer:#}");
    }
    assert_eq!(added["secret"], "whsec_…LaSw");
    assert_eq!(removed["endpoints"], json!([]));
}

#[tokio::test]
async fn a_plan_takes_the_place_of_the_one_before() {
    let bench = Bench::start().await;
    let usual = bench.get("/webhooks").await.expect(200)["plan"].clone();
    let plan = json!({
        "copies": 2, "early": true, "reorder": 3, "delay": 1.5, "signature": "stale", "signature_attempts": 4,
        "timeout": "1m 5s", "retry_speed": 1000,
    });
    let set = bench.put("/webhooks", json!({"plan": plan})).await.expect(200);
    let expected = json!({
        "copies": 2, "early": true, "reorder": 3, "delay": "1s 500ms", "signature": "stale",
        "signature_attempts": 4, "timeout": "1m 5s", "retry_speed": 1000,
    });
    assert_eq!(set["plan"], expected);
    // What is shown can be set.
    assert_eq!(bench.put("/webhooks", json!({"plan": expected})).await.expect(200)["plan"], expected);
    assert_eq!(bench.put("/webhooks", json!({"plan": {}})).await.expect(200)["plan"], usual);
}

#[tokio::test]
async fn a_delivery_shows_its_event_its_attempts_and_what_comes_next() {
    let bench = Bench::start().await;
    let mut receiver = Receiver::start().await;
    bench.post("/webhooks", json!({"url": receiver.url("/hook"), "secret": SECRET})).await.expect(200);
    let batch = bench.create(&["a"]).await;
    bench.advance(json!({"by": "1d"})).await;
    let told = receiver.next().await;
    let delivery = loop {
        let deliveries = bench.get("/webhooks/deliveries?limit=1").await.expect(200);
        if deliveries["deliveries"][0]["status"] == "delivered" {
            assert_eq!(deliveries["has_more"], false);
            break deliveries["deliveries"][0].clone();
        }
    };
    let event = &delivery["event"];
    assert_eq!(event["id"], told.json()["id"]);
    assert_eq!((&event["type"], &event["batch_id"]), (&json!("batch.completed"), &json!(batch)));
    assert_eq!(event["created_at"]["unix"], told.json()["created_at"]);
    assert_eq!(delivery["webhook_id"], told.header("webhook-id"));
    assert_eq!((&delivery["endpoint_id"], &delivery["url"]), (&json!(1), &json!(receiver.url("/hook"))));
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&delivery["attempts"][0]["status"], &delivery["next_attempt_at"]),
        (&json!(200), &Value::Null)
    );

    let again = format!("/webhooks/deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
    bench.ask_as(KEY, "POST", &again, None).await.expect(200);
    assert_eq!(receiver.next().await.header("webhook-id"), told.header("webhook-id"));
    bench.ask_as(OTHER_KEY, "POST", &again, None).await.refusal(404);
}
