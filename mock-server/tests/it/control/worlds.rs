//! The control API acts on the world of its request's key alone.

use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Answer, Bench, KEY, OTHER_KEY, START};

/// All that can be seen of a world.
async fn everything(bench: &Bench, key: &str) -> Vec<Value> {
    let mut seen = vec![bench.ask_as(key, "GET", "/clock", None).await.expect(200)];
    for path in ["/files", "/batches"] {
        seen.push(Answer::of(bench.api(key, Method::GET, path)).await.expect(200));
    }
    for batch in seen[2]["data"].as_array().unwrap().clone() {
        let path = format!("/batches/{}/plan", batch["id"].as_str().unwrap());
        seen.push(bench.ask_as(key, "GET", &path, None).await.expect(200));
    }
    seen
}

#[tokio::test]
async fn nothing_that_is_asked_touches_the_world_of_another_key() {
    let bench = Bench::start().await;
    let id = bench.create_as(OTHER_KEY, &["a", "b"]).await;
    let before = everything(&bench, OTHER_KEY).await;

    bench.create(&["c"]).await;
    bench.advance(json!({"by": "31days"})).await;
    bench.put("/clock", json!({"mode": "stepping"})).await.expect(200);
    bench.force(&id, json!({"status": "expired"})).await.expect(404);
    bench.get(&format!("/batches/{id}/plan")).await.expect(404);
    let until = json!({"until": {"batch_id": id, "status": "completed"}});
    bench.post("/clock/advance", until).await.expect(404);
    bench.ask_as(KEY, "POST", "/reset", None).await.expect(200);

    assert_eq!(everything(&bench, OTHER_KEY).await, before);
}

#[tokio::test]
async fn each_world_has_a_clock_of_its_own() {
    let bench = Bench::start().await;
    bench.advance(json!({"by": "1h"})).await;
    assert_eq!(bench.now(KEY).await, "2026-01-01T01:00:00Z");
    assert_eq!(bench.now(OTHER_KEY).await, "2026-01-01T00:00:00Z");
    let batch = bench.create(&["a"]).await;
    assert_eq!(bench.retrieve(&batch).await["created_at"], START + 3_600);
}

#[tokio::test]
async fn a_reset_empties_the_world_and_begins_it_anew() {
    let bench = Bench::start().await;
    let first = bench.create(&["a", "b"]).await;
    let born = everything(&bench, KEY).await;
    bench.advance(json!({"by": "26h"})).await;
    bench.put("/clock", json!({"mode": "scaled:60"})).await.expect(200);

    let clock = bench.ask_as(KEY, "POST", "/reset", None).await.expect(200);
    insta::assert_json_snapshot!(clock);
    for path in ["/files", "/batches"] {
        assert_eq!(Answer::of(bench.api(KEY, Method::GET, path)).await.expect(200)["data"], json!([]));
    }
    bench.get(&format!("/batches/{first}/plan")).await.expect(404);

    let again = bench.create(&["a", "b"]).await;
    assert_eq!(again, first, "the same requests get the same ids");
    assert_eq!(everything(&bench, KEY).await, born);
}

#[tokio::test]
async fn a_key_may_also_be_a_password() {
    let bench = Bench::start().await;
    bench.advance(json!({"by": "1h"})).await;
    let request = bench.request("GET", "/clock").basic_auth("", Some(KEY));
    let clock = bench.send("GET", "/clock", request).await.expect(200);
    assert_eq!(clock["now"]["unix"], START + 3_600);
}
