//! The plan of a batch is what then happens.

use std::fmt::Write as _;
use std::time::Duration;

use batchmock::{ClockMode, Pace, PaceDuration};
use reqwest::Method;
use serde_json::{Value, json};

use super::bench::{Answer, Bench, KEY, OTHER_KEY, in_short};

/// Plays a batch to its end, one change at a time, and holds each against the plan. The plan and the life
/// are told in the same words, so that they can be compared as a whole.
async fn check(bench: &Bench, id: &str) -> String {
    let plan = bench.plan(id).await;
    let mut planned = Vec::new();
    for change in plan["changes"].as_array().unwrap() {
        planned.push(format!("{} {}", change["at"]["rfc3339"].as_str().unwrap(), in_short(change)));
    }

    let mut lived = Vec::new();
    let mut came_due = Vec::new();
    let mut advance = bench.post("/clock/advance", json!({"until": "next_change"})).await;
    while advance.status == 200 {
        let now = bench.now(KEY).await;
        lived.push(format!("{now} {}", in_short(&bench.retrieve(id).await)));
        came_due.extend(advance.body["came_due"].as_array().unwrap().iter().cloned());
        // What is left of a plan does not change by waiting.
        let left = bench.plan(id).await;
        assert_eq!(
            left["changes"].as_array().unwrap()[..],
            plan["changes"].as_array().unwrap()[lived.len()..]
        );
        advance = bench.post("/clock/advance", json!({"until": "next_change"})).await;
    }
    assert_eq!(planned, lived);

    // An advance tells the same as the plan, but for the files.
    let told: Vec<Value> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            json!({
                "what": "batch", "at": change["at"], "batch_id": id,
                "status": change["status"], "request_counts": change["request_counts"],
            })
        })
        .collect();
    assert_eq!(told, came_due);

    let ended = bench.retrieve(id).await;
    let counts = &ended["request_counts"];
    assert_eq!(
        bench.content(&ended["output_file_id"]).await.len() as u64,
        counts["completed"].as_u64().unwrap()
    );
    lived.join("\n")
}

#[tokio::test]
async fn for_each_way_a_life_can_go() {
    let thirty_hours = Pace { in_progress_for: PaceDuration::Fixed(Duration::from_hours(30)), ..Pace::QUICK };
    let long_validation =
        Pace { validating_for: PaceDuration::Fixed(Duration::from_hours(25)), ..thirty_hours.clone() };
    let mut lives = String::new();
    for (name, pace, custom_ids) in [
        ("completes", Pace::QUICK, &["a", "b~429", "c", "d~timeout", "e"][..]),
        ("completes at once", Pace::INSTANT, &["a", "b"]),
        ("fails every line", Pace::QUICK, &["a~400", "b~500"]),
        ("is rejected", Pace::QUICK, &["same", "same"]),
        ("expires", thirty_hours, &["a", "b~400", "c", "d", "e"]),
        ("expires in validation", long_validation, &["a"]),
        ("takes its time", Pace::REALISTIC, &["a", "b", "c"]),
    ] {
        let bench = Bench::with(|builder| builder.pace(pace)).await;
        let id = bench.create(custom_ids).await;
        writeln!(lives, "{name}\n{}\n", check(&bench, &id).await).unwrap();
    }
    insta::assert_snapshot!(lives);
}

#[tokio::test]
async fn after_a_cancellation_as_well() {
    let mut lives = String::new();
    for after in ["500ms", "1s", "2s", "3500ms"] {
        let bench = Bench::start().await;
        let id = bench.create(&["a", "b", "c~429", "d"]).await;
        bench.advance(json!({"by": after})).await;
        bench.cancel(&id).await;
        writeln!(lives, "cancelled after {after}\n{}\n", check(&bench, &id).await).unwrap();
    }
    insta::assert_snapshot!(lives);
}

#[tokio::test]
async fn it_is_the_same_on_a_stepping_clock() {
    let bench = Bench::with(|builder| builder.clock(ClockMode::Stepping)).await;
    let id = bench.create(&["a", "b~429", "c"]).await;
    let plan = bench.plan(&id).await;
    bench.retrieve(&id).await;
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!(in_short(&bench.retrieve(&id).await), in_short(change));
        assert_eq!(bench.now(KEY).await, change["at"]["rfc3339"].as_str().unwrap());
    }
    assert_eq!(bench.plan(&id).await["changes"], json!([]));
}

#[tokio::test]
async fn it_shows_what_the_batch_looks_like_now() {
    let bench = Bench::start().await;
    let id = bench.create(&["a", "b~429"]).await;
    bench.advance(json!({"by": "2s"})).await;
    insta::assert_json_snapshot!(bench.plan(&id).await);
    bench.force(&id, json!({"status": "cancelled"})).await.expect(200);
    insta::assert_json_snapshot!(bench.plan(&id).await);
}

#[tokio::test]
async fn there_is_none_for_a_batch_that_this_world_does_not_have() {
    let bench = Bench::start().await;
    let id = bench.create_as(OTHER_KEY, &["a"]).await;
    for id in ["batch_none", "no-id-at-all", &id] {
        let message = bench.get(&format!("/batches/{id}/plan")).await.refusal(404);
        assert_eq!(message, format!("No batch found with id '{id}'."));
    }
}

#[tokio::test]
async fn a_name_that_is_no_text_is_answered_in_the_form_of_the_api() {
    let bench = Bench::start().await;
    let message = bench.get("/batches/%FF/plan").await.refusal(404);
    assert_eq!(message, "Invalid URL (GET /_mock/v1/batches/%FF/plan)");
    for path in ["/batches/%FF", "/files/%FF", "/models/%FF"] {
        let message = Answer::of(bench.api(KEY, Method::GET, path)).await.refusal(404);
        assert_eq!(message, format!("Invalid URL (GET /v1{path})"));
    }
}
