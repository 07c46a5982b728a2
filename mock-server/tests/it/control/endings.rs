//! Endings are forced.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::bench::{Bench, KEY, in_short};

const ENDINGS: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// The states to force an ending in: how long after its creation the batch is asked to cancel, if it is, and
/// when the ending is forced. All in milliseconds.
const STATES: [(&str, Option<u64>, u64); 8] = [
    ("validating", None, 500),
    ("in_progress", None, 2_000),
    ("finalizing", None, 3_500),
    ("cancelling", Some(2_000), 2_500),
    ("completed", None, 4_000),
    ("failed", None, 1_000),
    ("expired", None, 3_000),
    ("cancelled", Some(2_000), 3_000),
];

/// A batch in a state.
async fn batch_in(bench: &Bench, state: &str, cancel_after: Option<u64>, after: u64) -> String {
    let custom_ids: &[&str] = if state == "failed" { &["same", "same"] } else { &["a", "b~429", "c", "d"] };
    let id = bench.create(custom_ids).await;
    let cancel_after_or_now = cancel_after.unwrap_or(after);
    bench.advance(json!({"by": format!("{cancel_after_or_now}ms")})).await;
    if cancel_after.is_some() {
        bench.cancel(&id).await;
    }
    if state == "expired" {
        bench.force(&id, json!({"status": "expired"})).await.expect(200);
    }
    bench.advance(json!({"by": format!("{}ms", after - cancel_after_or_now)})).await;
    assert_eq!(bench.retrieve(&id).await["status"], state);
    id
}

/// The times of a batch that are set, in seconds after its creation.
fn times(batch: &Value) -> String {
    let names = ["in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled"];
    let created_at = batch["created_at"].as_i64().unwrap();
    let time = |name: &&str| Some(format!("{name} {}", batch[format!("{name}_at")].as_i64()? - created_at));
    names.iter().filter_map(time).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn each_ending_comes_at_once_from_each_state_that_allows_it() {
    let mut table = String::new();
    for (state, cancel_after, after) in STATES {
        writeln!(table, "{state}").unwrap();
        for ending in ENDINGS {
            let bench = Bench::start().await;
            let id = batch_in(&bench, state, cancel_after, after).await;
            let before = bench.retrieve(&id).await;
            let now = bench.now(KEY).await;
            let answer = bench.force(&id, json!({"status": ending})).await;
            assert_eq!(bench.now(KEY).await, now, "the clock does not move");

            let batch = bench.retrieve(&id).await;
            if answer.status == 200 {
                assert_eq!(batch, answer.body, "the answer is the batch as the API shows it");
                assert_eq!(batch["status"], ending);
                assert_eq!(bench.plan(&id).await["changes"], json!([]), "nothing follows");
                assert_eq!(bench.get("/clock").await.expect(200)["next_change_at"], Value::Null);
                let output = bench.content(&batch["output_file_id"]).await;
                let error = bench.content(&batch["error_file_id"]).await;
                let counts = &batch["request_counts"];
                assert_eq!(output.len() as u64, counts["completed"].as_u64().unwrap());
                if !(output.is_empty() && error.is_empty()) {
                    assert_eq!((output.len() + error.len()) as u64, counts["total"].as_u64().unwrap());
                }
                writeln!(table, "  {ending}: {} ({})", in_short(&batch), times(&batch)).unwrap();
            } else {
                assert_eq!(batch, before, "a refusal changes nothing");
                let message = answer.refusal(409).replace(&id, "{batch_id}");
                writeln!(table, "  {ending}: {message}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_forced_failure_says_what_it_is_told_to_say() {
    let bench = Bench::start().await;
    let id = bench.create(&["a", "b"]).await;
    let errors = json!([
        {"code": "invalid_json_line", "message": "This line is not parseable as valid JSON.", "line": 2},
        {"code": "odd", "message": "Something of our own.", "param": "body.model"},
        {"code": "bare", "message": "Neither.", "param": null, "line": null},
    ]);
    let batch = bench.force(&id, json!({"status": "failed", "errors": errors})).await.expect(200);
    insta::assert_json_snapshot!(batch);
}

#[tokio::test]
async fn a_forced_failure_that_is_told_nothing_says_the_queue_of_tokens_is_full() {
    let bench = Bench::start().await;
    for body in [
        json!({"status": "failed"}),
        json!({"status": "failed", "errors": null}),
        json!({"status": "failed", "errors": []}),
    ] {
        let id = bench.create(&["a"]).await;
        let batch = bench.force(&id, body).await.expect(200);
        let errors = batch["errors"]["data"].as_array().unwrap();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0]["code"], "token_limit_exceeded");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("Enqueued token limit reached for gpt-4o-mini in organization org-"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn only_the_batch_that_is_named_ends() {
    let bench = Bench::start().await;
    let (one, other) = (bench.create(&["a"]).await, bench.create(&["b"]).await);
    bench.advance(json!({"by": "2s"})).await;
    let before = bench.plan(&other).await;
    bench.force(&one, json!({"status": "completed"})).await.expect(200);
    assert_eq!(bench.plan(&other).await, before);
}

#[tokio::test]
async fn a_forced_batch_shows_its_whole_self() {
    let bench = Bench::start().await;
    let id = bench.create(&["a", "b~429", "c"]).await;
    let batch = bench.force(&id, json!({"status": "completed"})).await.expect(200);
    insta::assert_json_snapshot!(batch);
}

#[tokio::test]
async fn there_is_none_for_a_batch_that_does_not_exist() {
    let bench = Bench::start().await;
    let message = bench.force("batch_none", json!({"status": "failed"})).await.refusal(404);
    assert_eq!(message, "No batch found with id 'batch_none'.");
}
