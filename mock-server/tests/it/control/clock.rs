//! Clocks are shown, set and advanced.

use std::fmt::Write as _;

use batchmock::{ClockMode, Pace, PaceDuration};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::bench::{Answer, Bench, KEY, START, lines};

/// Where a clock was and is, in Unix seconds.
fn way(advance: &Value) -> (i64, i64) {
    (advance["from"]["unix"].as_i64().unwrap(), advance["to"]["unix"].as_i64().unwrap())
}

#[tokio::test]
async fn a_clock_shows_its_mode_the_time_and_the_next_change() {
    let bench = Bench::start().await;
    let empty = bench.get("/clock").await.expect(200);
    assert_eq!(empty["next_change_at"], Value::Null);
    bench.create(&["a", "b"]).await;
    insta::assert_json_snapshot!(bench.get("/clock").await.expect(200));
}

#[tokio::test]
async fn what_curl_sends_without_being_told_the_type_is_read() {
    let bench = Bench::start().await;
    let request = bench.request("POST", "/clock/advance").bearer_auth(KEY).body(r#"{"by": "26h"}"#);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    bench.send("POST", "/clock/advance", request).await.expect(200);
}

#[tokio::test]
async fn each_mode_can_be_set_and_is_shown_as_it_was_set() {
    let bench = Bench::start().await;
    for mode in ["stepping", "scaled:3600", "scaled:0.5", "real", "frozen"] {
        let set = bench.put("/clock", json!({"mode": mode})).await.expect(200);
        assert_eq!(set["mode"], mode);
        assert_eq!(bench.get("/clock").await.expect(200)["mode"], mode);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_goes_on_from_the_time_it_shows() {
    let bench = Bench::start().await;
    bench.advance(json!({"by": "26h"})).await;
    for mode in ["stepping", "real", "scaled:1000", "frozen"] {
        let now = bench.put("/clock", json!({"mode": mode})).await.expect(200)["now"]["unix"].clone();
        assert!(now.as_i64() >= Some(START + 26 * 3_600), "{mode}: {now}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_frozen_stands_still() {
    let bench = Bench::with(|builder| builder.clock(ClockMode::Scaled(1e6))).await;
    let set = bench.put("/clock", json!({"mode": "frozen"})).await.expect(200);
    // At a million seconds a second, any request in between would show.
    for _ in 0..3 {
        assert_eq!(bench.get("/clock").await.expect(200), set);
    }
}

#[tokio::test]
async fn in_each_mode_a_clock_advances_by_what_it_is_told() {
    for mode in [ClockMode::Real, ClockMode::Scaled(0.001), ClockMode::Frozen, ClockMode::Stepping] {
        let bench = Bench::with(|builder| builder.clock(mode)).await;
        let (from, to) = way(&bench.advance(json!({"by": "26h"})).await);
        assert_eq!(to - from, 26 * 3_600, "{mode}");
        let shown = bench.get("/clock").await.expect(200);
        assert!(shown["now"]["unix"].as_i64() >= Some(to), "{mode}");
        assert_eq!(shown["mode"], mode.to_string());
    }
}

#[tokio::test]
async fn a_duration_is_a_text_or_a_number_of_seconds() {
    let bench = Bench::start().await;
    for (by, now) in [
        (json!("90s"), "2026-01-01T00:01:30Z"),
        (json!("1h 30m"), "2026-01-01T01:31:30Z"),
        (json!("250ms"), "2026-01-01T01:31:30.250Z"),
        (json!(0.75), "2026-01-01T01:31:31Z"),
        (json!(29), "2026-01-01T01:32:00Z"),
        (json!(0), "2026-01-01T01:32:00Z"),
        (json!("2days"), "2026-01-03T01:32:00Z"),
    ] {
        let advance = bench.advance(json!({"by": by})).await;
        assert_eq!(advance["to"]["rfc3339"], now, "{by}");
        assert_eq!(bench.now(KEY).await, now, "{by}");
    }
}

#[tokio::test]
async fn a_time_is_rfc_3339_or_unix_seconds() {
    let bench = Bench::start().await;
    for (to, now) in [
        (json!("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z"),
        (json!("2026-01-31T12:00:00.500Z"), "2026-01-31T12:00:00.500Z"),
        (json!("2026-02-01 12:00:00"), "2026-02-01T12:00:00Z"),
        (json!(1_893_456_000), "2030-01-01T00:00:00Z"),
        (json!("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59Z"),
    ] {
        let advance = bench.advance(json!({"to": to})).await;
        assert_eq!(advance["to"]["rfc3339"], now, "{to}");
        assert_eq!(bench.now(KEY).await, now, "{to}");
    }
}

#[tokio::test]
async fn until_the_next_change_goes_through_all_changes_of_all_batches() {
    let bench = Bench::start().await;
    let first = bench.create(&["a", "b"]).await;
    bench.advance(json!({"by": 0.3})).await;
    let second = bench.create(&["c"]).await;
    let mut told = String::new();
    let nothing = loop {
        let answer = bench.post("/clock/advance", json!({"until": "next_change"})).await;
        if answer.status != 200 {
            break answer.refusal(409);
        }
        for due in answer.body["came_due"].as_array().unwrap() {
            assert_eq!(due["at"], answer.body["to"], "nothing is passed over");
            let name = if due["batch_id"] == first.as_str() { "first" } else { "second" };
            assert!(due["batch_id"] == first.as_str() || due["batch_id"] == second.as_str());
            let counts = &due["request_counts"];
            let (at, status) = (due["at"]["rfc3339"].as_str().unwrap(), due["status"].as_str().unwrap());
            writeln!(told, "{at} {name} {status} {} of {}", counts["completed"], counts["total"]).unwrap();
        }
    };
    assert_eq!(nothing, "nothing will change by itself: every batch has ended");
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn until_a_status_goes_to_when_the_batch_has_it() {
    let bench = Bench::start().await;
    let id = bench.create(&["a", "b"]).await;
    let until = |status: &str| json!({"until": {"batch_id": id, "status": status}});
    for (status, after) in [("validating", 0), ("in_progress", 1), ("finalizing", 3), ("completed", 4)] {
        let (_, to) = way(&bench.advance(until(status)).await);
        assert_eq!(to, START + after);
        assert_eq!(bench.retrieve(&id).await["status"], status);
        let again = bench.advance(until(status)).await;
        assert_eq!((way(&again), &again["came_due"]), ((to, to), &json!([])), "it has that status already");
    }
}

#[tokio::test]
async fn a_status_that_never_comes_is_refused_with_the_last() {
    let bench = Bench::start().await;
    let completing = bench.create(&["a"]).await;
    let failing = bench.create_from(KEY, "file-none").await;
    let cancelled = bench.create(&["b"]).await;
    bench.advance(json!({"by": "1500ms"})).await;
    bench.cancel(&cancelled).await;
    let before = bench.now(KEY).await;
    for (id, asked, last) in [
        (&completing, "validating", "completed"),
        (&completing, "expired", "completed"),
        (&failing, "in_progress", "failed"),
        (&cancelled, "completed", "cancelled"),
    ] {
        let until = json!({"until": {"batch_id": id, "status": asked}});
        let message = bench.post("/clock/advance", until).await.refusal(409);
        assert_eq!(message, format!("the batch will not have that status: its last one is '{last}'"));
    }
    assert_eq!(bench.now(KEY).await, before);
}

#[tokio::test]
async fn a_clock_goes_neither_back_nor_beyond_the_year_9999() {
    let bench = Bench::start().await;
    bench.advance(json!({"by": 0.5})).await;
    let before = bench.get("/clock").await.expect(200);
    let mut refusals = String::new();
    for target in [
        json!({"to": "2025-12-31T23:59:59Z"}),
        json!({"to": START}),
        json!({"to": -1}),
        json!({"to": i64::MIN}),
        json!({"to": i64::MAX}),
        json!({"to": 253_402_300_800_i64}),
        json!({"by": "9000years"}),
        json!({"by": 1e18}),
    ] {
        let message = bench.post("/clock/advance", target.clone()).await.refusal(409);
        writeln!(refusals, "{target}\n  {message}").unwrap();
    }
    assert_eq!(bench.get("/clock").await.expect(200), before);
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn until_a_status_of_an_unknown_batch_is_a_404() {
    let bench = Bench::start().await;
    let until = json!({"until": {"batch_id": "batch_none", "status": "completed"}});
    let message = bench.post("/clock/advance", until).await.refusal(404);
    assert_eq!(message, "No batch found with id 'batch_none'.");
}

#[tokio::test]
async fn what_came_due_is_told_in_order_with_the_files_that_expired() {
    let bench = Bench::start().await;
    let early = bench.create(&["a", "b~429"]).await;
    bench.advance(json!({"by": 2})).await;
    let late = bench.create(&["c"]).await;
    let advance = bench.advance(json!({"by": "31days"})).await;

    let due = advance["came_due"].as_array().unwrap();
    let times: Vec<_> = due.iter().map(|due| due["at"]["rfc3339"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    // Two inputs, two outputs, and the error file of the first batch.
    assert_eq!(due.iter().filter(|due| due["what"] == "file_expired").count(), 5);
    for id in [&early, &late] {
        let last = due.iter().rfind(|due| due["batch_id"] == id.as_str()).unwrap();
        assert_eq!(last["status"], "completed");
    }
    let files = Answer::of(bench.api(KEY, Method::GET, "/files")).await.expect(200);
    assert_eq!(files["data"], json!([]));
    insta::assert_json_snapshot!(advance);
}

#[tokio::test]
async fn one_long_advance_tells_the_same_as_many_short_ones() {
    let mut told = Vec::new();
    for step in [40_000, 700] {
        let bench = Bench::with(|builder| builder.pace(Pace::REALISTIC)).await;
        for custom_ids in [&["a", "b", "c~500"][..], &["d", "e"], &["f"]] {
            bench.create(custom_ids).await;
            bench.advance(json!({"by": 0.1})).await;
        }
        let mut due = Vec::new();
        for _ in 0..80_000 / step {
            let advance = bench.advance(json!({"by": step})).await;
            due.extend(advance["came_due"].as_array().unwrap().iter().cloned());
        }
        due.retain(|due| due["at"]["unix"].as_i64() <= Some(START + 79_000));
        told.push(due);
    }
    assert!(told[0].len() > 6);
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn an_input_that_expires_while_it_is_validated_fails_the_batch_as_foreseen() {
    let slow = Pace { validating_for: PaceDuration::seconds(2 * 3_600), ..Pace::QUICK };
    let bench = Bench::with(|builder| builder.pace(slow)).await;
    let form = Form::new()
        .text("purpose", "batch")
        .text("expires_after[anchor]", "created_at")
        .text("expires_after[seconds]", "3600")
        .part("file", Part::text(lines(&["a"])).file_name("input.jsonl"));
    let file = Answer::of(bench.api(KEY, Method::POST, "/files").multipart(form)).await.expect(200);
    let id = bench.create_from(KEY, file["id"].as_str().unwrap()).await;

    let until = json!({"until": {"batch_id": id, "status": "in_progress"}});
    let message = bench.post("/clock/advance", until).await.refusal(409);
    assert_eq!(message, "the batch will not have that status: its last one is 'failed'");
    let plan = bench.plan(&id).await;
    let advance = bench.advance(json!({"by": "3h"})).await;
    assert_eq!(bench.retrieve(&id).await["status"], "failed");
    insta::assert_json_snapshot!([&plan["changes"], &advance["came_due"]]);
}

#[tokio::test]
async fn a_stepping_clock_steps_when_a_batch_is_polled_and_not_when_it_is_looked_at_here() {
    let bench = Bench::with(|builder| builder.clock(ClockMode::Stepping)).await;
    let id = bench.create(&["a", "b"]).await;
    let mut seen = Vec::new();
    loop {
        let before = bench.now(KEY).await;
        bench.plan(&id).await;
        assert_eq!(bench.now(KEY).await, before, "asking for the plan is no poll");
        let batch = bench.retrieve(&id).await;
        seen.push((bench.now(KEY).await, batch["status"].as_str().unwrap().to_owned()));
        if batch["status"] == "completed" {
            break;
        }
    }
    insta::assert_json_snapshot!(seen);

    let next = bench.create(&["c"]).await;
    bench.retrieve(&next).await;
    let (from, to) = way(&bench.advance(json!({"until": {"batch_id": next, "status": "in_progress"}})).await);
    assert_eq!(to - from, 1);
    assert_eq!(bench.now(KEY).await, "2026-01-01T00:00:05Z");
}
