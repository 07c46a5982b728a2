//! The life cycle: F-250 to F-273, and what users report of it: F-450 to F-453, F-508, F-509.

use std::time::Duration;

use batchmock::{MockServer, Pace, PaceDuration, Progress};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Answer, BATCH_TIMES, CHAT, Client, chat, chats, custom_ids, days, frozen, in_every_status, results_of,
    seconds, slower_than_the_window, start,
};

/// The seeds of the servers over which distributions are taken.
const SEEDS: std::ops::Range<u64> = 0..4;

/// How many batches each of them runs.
const BATCHES: usize = 250;

fn status_of(batch: &Answer) -> String {
    batch.json()["status"].as_str().unwrap().to_owned()
}

/// The statuses of a batch from now on, each once.
async fn path(server: &MockServer, client: &Client, id: &str) -> Vec<String> {
    let mut path = Vec::new();
    loop {
        path.push(status_of(&client.retrieve(id).await));
        if server.clock().advance_to_next_change().is_err() {
            path.dedup();
            return path;
        }
    }
}

/// Which times a batch has.
fn times_of(batch: &Value) -> Vec<&'static str> {
    BATCH_TIMES.into_iter().filter(|time| !batch[*time].is_null()).collect()
}

/// How many seconds lie between two times of a batch.
fn between(batch: &Value, from: &str, to: &str) -> i64 {
    let time = |name: &str| batch[name].as_i64().unwrap_or_else(|| panic!("no {name} in {batch:#}"));
    time(to) - time(from)
}

/// Batches of one request at a pace, from servers of several seeds, as they look a week later. Each is
/// cancelled first if `cancels` says so, after it has waited for so long.
async fn many(pace: &Pace, cancels: Option<Duration>) -> Vec<Value> {
    let mut all = Vec::new();
    for seed in SEEDS {
        let server = frozen().seed(seed).pace(pace.clone()).start().await.unwrap();
        let client = Client::new(&server);
        let input = client.upload_lines(&chats(1)).await;
        let mut ids = Vec::new();
        for _ in 0..BATCHES {
            ids.push(client.create(&input, CHAT).await.id());
        }
        if let Some(after) = cancels {
            server.clock().advance(after).unwrap();
            for id in &ids {
                client.cancel(id).await;
            }
        }
        server.clock().advance(days(7)).unwrap();
        let mut query = "?limit=100".to_owned();
        loop {
            let listed = client.get(&format!("/batches{query}")).await.json();
            query = format!("?limit=100&after={}", listed["last_id"].as_str().unwrap());
            all.extend(listed["data"].as_array().unwrap().iter().cloned());
            if listed["has_more"] == json!(false) {
                break;
            }
        }
    }
    all
}

/// The share of durations that are in a range, in thousandths.
fn share(durations: &[i64], range: std::ops::RangeInclusive<i64>) -> usize {
    durations.iter().filter(|duration| range.contains(duration)).count() * 1_000 / durations.len()
}

/// A batch that has been running for ten hours and has done one line of four.
async fn running() -> (MockServer, Client, String) {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(4)).await;
    server.clock().advance(seconds(10 * 3_600 + 1)).unwrap();
    (server, client, id)
}

#[tokio::test]
async fn f_250_there_are_eight_statuses() {
    let mut seen: Vec<_> = in_every_status().await.iter().map(status_of).collect();
    seen.sort();
    let mut documented = [
        "validating",
        "failed",
        "in_progress",
        "finalizing",
        "completed",
        "expired",
        "cancelling",
        "cancelled",
    ];
    documented.sort_unstable();
    assert_eq!(seen, documented);
}

#[tokio::test]
async fn f_251_batches_take_the_recorded_paths() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let completed = path(&server, &client, &id).await;
    assert_eq!(completed, ["validating", "in_progress", "finalizing", "completed"]);

    let id = client.batch(&["{}"]).await;
    assert_eq!(path(&server, &client, &id).await, ["validating", "failed"]);

    let id = client.batch(&chats(2)).await;
    assert_eq!(status_of(&client.retrieve(&id).await), "validating");
    client.cancel(&id).await;
    assert_eq!(path(&server, &client, &id).await, ["cancelling", "cancelled"]);

    let id = client.batch(&chats(2)).await;
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "in_progress");
    client.cancel(&id).await;
    assert_eq!(path(&server, &client, &id).await, ["cancelling", "cancelled"]);

    let (server, client, id) = running().await;
    assert_eq!(path(&server, &client, &id).await, ["in_progress", "finalizing", "expired"]);
}

#[tokio::test]
async fn f_252_validating_takes_up_to_three_seconds_or_a_minute() {
    let batches = many(&Pace::REALISTIC, None).await;
    let lasted: Vec<_> = batches.iter().map(|batch| between(batch, "created_at", "in_progress_at")).collect();
    assert!((935..=965).contains(&share(&lasted, 0..=3)), "{}", share(&lasted, 0..=3));
    assert!(lasted.iter().all(|lasted| matches!(lasted, 0..=3 | 60..=64 | 121)));
    assert!(lasted.iter().any(|lasted| matches!(lasted, 60..=64)));
}

#[tokio::test]
async fn f_253_batches_of_one_request_run_as_long_as_the_recorded_ones() {
    let batches = many(&Pace::REALISTIC, None).await;
    assert!(batches.iter().all(|batch| batch["status"] == "completed"));
    let ran: Vec<_> = batches.iter().map(|batch| between(batch, "in_progress_at", "finalizing_at")).collect();
    assert!((465..=535).contains(&share(&ran, 0..=114)), "the median: {}", share(&ran, 0..=114));
    assert!((720..=780).contains(&share(&ran, 0..=36 * 60)), "{}", share(&ran, 0..=36 * 60));
    assert!((935..=965).contains(&share(&ran, 0..=21_240)), "{}", share(&ran, 0..=21_240));
    assert_eq!(share(&ran, 0..=21 * 3_600), 1_000);
    assert!(share(&ran, 0..=18 * 3_600) < 1_000, "some take nearly as long");

    let finalized: Vec<_> =
        batches.iter().map(|batch| between(batch, "finalizing_at", "completed_at")).collect();
    assert!(share(&finalized, 0..=3) >= 930, "{}", share(&finalized, 0..=3));
    assert!(finalized.iter().all(|lasted| (0..=584).contains(lasted)));
    assert!(finalized.iter().any(|lasted| *lasted > 60));
}

#[tokio::test]
async fn f_254_each_path_sets_its_times_and_no_others() {
    for batch in in_every_status().await {
        let expected: &[&str] = match status_of(&batch).as_str() {
            "validating" => &[],
            "in_progress" => &["in_progress_at"],
            "finalizing" => &["in_progress_at", "finalizing_at"],
            "completed" => &["in_progress_at", "finalizing_at", "completed_at"],
            "expired" => &["in_progress_at", "finalizing_at", "expired_at"],
            "failed" => &["failed_at"],
            "cancelling" => &["in_progress_at", "cancelling_at"],
            "cancelled" => &["in_progress_at", "cancelling_at", "cancelled_at"],
            other => panic!("{other}"),
        };
        assert_eq!(times_of(&batch.json()), expected);
    }
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    client.cancel(&id).await;
    server.clock().advance(seconds(1)).unwrap();
    let from_validating = client.retrieve(&id).await.json();
    assert_eq!(times_of(&from_validating), ["cancelling_at", "cancelled_at"]);
}

#[tokio::test]
async fn f_255_failing_sets_failed_at() {
    let (server, client) = start().await;
    let id = client.batch(&["{}"]).await;
    server.clock().advance(seconds(9)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!((&batch["status"], between(&batch, "created_at", "failed_at")), (&json!("failed"), 1));
}

// Cancelling

#[tokio::test]
async fn f_260_a_cancelled_batch_has_its_partial_results() {
    let (server, client, id) = running().await;
    client.cancel(&id).await;
    assert_eq!(status_of(&client.retrieve(&id).await), "cancelling");
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "cancelled");
    let (output, error) = client.results(&id).await;
    assert_eq!((output.lines().count(), error.lines().count()), (1, 3));
    assert_eq!(results_of(&output)[0]["response"]["status_code"], 200);
}

#[tokio::test]
async fn f_261_cancelling_takes_ten_minutes_also_when_there_is_nothing_to_do() {
    // At once, and after the validation of all.
    for after in [Duration::ZERO, seconds(2)] {
        let batches = many(&Pace::REALISTIC, Some(after)).await;
        let lasted: Vec<_> =
            batches.iter().map(|batch| between(batch, "cancelling_at", "cancelled_at")).collect();
        assert!((975..=998).contains(&share(&lasted, 605..=608)), "{}", share(&lasted, 605..=608));
        assert!(lasted.iter().all(|lasted| (605..=2_802).contains(lasted)));
    }
}

#[tokio::test]
async fn f_262_cancelling_a_completed_batch_is_a_409() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    let answer = client.cancel(&id).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(
        answer.text(),
        "{\n  \"error\": {\n    \"message\": \"Cannot cancel a batch with status 'completed'.\",\n    \
         \"type\": \"invalid_request_error\",\n    \"param\": null,\n    \"code\": null\n  }\n}"
    );
}

#[tokio::test]
async fn f_262_cancelling_a_failed_batch_is_a_409() {
    let (server, client) = start().await;
    let id = client.batch(&["{}"]).await;
    server.clock().advance(seconds(1)).unwrap();
    let answer = client.cancel(&id).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.message(), "Cannot cancel a batch with status 'failed'.");
}

#[tokio::test]
async fn f_262_cancelling_a_cancelled_batch_is_allowed() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    client.cancel(&id).await;
    server.clock().advance(seconds(1)).unwrap();
    let again = client.cancel(&id).await;
    assert_eq!((again.status, status_of(&again)), (StatusCode::OK, "cancelled".to_owned()));
}

#[tokio::test]
async fn f_263_cancel_answers_cancelling_at_once_in_compact_form() {
    let (_server, client, id) = running().await;
    let answer = client.cancel(&id).await;
    let batch = answer.json();
    assert_eq!((answer.status, &batch["status"]), (StatusCode::OK, &json!("cancelling")));
    assert_eq!(between(&batch, "in_progress_at", "cancelling_at"), 10 * 3_600);
    assert_eq!(answer.text(), batch.to_string(), "no spaces, no line end");
}

#[tokio::test]
async fn f_264_a_batch_cancelled_while_validating_has_no_counts_and_no_files() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    client.cancel(&id).await;
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["request_counts"], json!({"total": 0, "completed": 0, "failed": 0}));
    assert_eq!((&batch["output_file_id"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn f_264_a_batch_cancelled_with_nothing_done_has_an_error_file() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(1)).unwrap();
    client.cancel(&id).await;
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "cancelled");
    assert_eq!(batch["request_counts"], json!({"total": 1, "completed": 0, "failed": 0}));
    assert!(batch["output_file_id"].is_null() && batch["error_file_id"].is_string());
    // What is in it is assumed.
    let (_, error) = client.results(&id).await;
    assert_eq!(results_of(&error)[0]["error"]["code"], "batch_cancelled");
}

#[tokio::test]
async fn f_451_cancelling_takes_ten_to_eleven_minutes_for_most_users() {
    let server = frozen().pace(Pace::REALISTIC).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    client.cancel(&id).await;
    server.clock().advance(seconds(600)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "cancelling");
    server.clock().advance(seconds(60)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "cancelled");
}

#[tokio::test]
async fn f_508_cancelling_a_running_batch_keeps_total_model_and_in_progress_at() {
    let (_server, client, id) = running().await;
    let before = client.retrieve(&id).await.json();
    let cancelling = client.cancel(&id).await.json();
    assert_eq!(cancelling["request_counts"]["total"], 4);
    assert_eq!(cancelling["model"], "gpt-4o-mini-2024-07-18");
    for kept in ["request_counts", "model", "in_progress_at"] {
        assert_eq!(cancelling[kept], before[kept], "{kept}");
    }
}

// Expiring

#[tokio::test]
async fn f_270_finished_requests_stay_and_the_others_are_told_to_have_expired() {
    let (server, client, id) = running().await;
    server.clock().advance(days(1)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "expired");
    let (output, error) = client.results(&id).await;
    assert_eq!((output.lines().count(), error.lines().count()), (2, 2));
    for line in results_of(&output) {
        assert_eq!((&line["response"]["status_code"], &line["error"]), (&json!(200), &Value::Null));
    }
    for line in results_of(&error) {
        assert_eq!((&line["response"], &line["error"]["code"]), (&Value::Null, &json!("batch_expired")));
    }
    let mut all = [custom_ids(&output), custom_ids(&error)].concat();
    all.sort();
    assert_eq!(all, ["a-1", "a-2", "a-3", "a-4"]);
}

#[tokio::test]
async fn f_271_expiring_is_noticed_after_a_second_and_takes_ten_minutes() {
    let pace = Pace { in_progress_for: PaceDuration::seconds(40 * 3_600), ..Pace::REALISTIC };
    let batches = many(&pace, None).await;
    let mut lasted = Vec::new();
    for batch in &batches {
        assert_eq!(batch["status"], "expired");
        assert_eq!(between(batch, "expires_at", "finalizing_at"), 1);
        lasted.push(between(batch, "finalizing_at", "expired_at"));
    }
    assert_eq!(share(&lasted, 606..=607), 1_000);
    assert!(share(&lasted, 606..=606) > 0 && share(&lasted, 607..=607) > 0);
}

#[tokio::test]
async fn f_272_lines_that_never_ran_count_in_neither() {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    server.clock().advance(days(2)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "expired");
    assert_eq!(batch["request_counts"], json!({"total": 1, "completed": 0, "failed": 0}));
    assert!(batch["output_file_id"].is_null() && batch["error_file_id"].is_string());
}

/// A batch of ten that has done one of them when the window ends.
async fn one_of_ten() -> (Client, Value, MockServer) {
    let in_progress_for = PaceDuration::seconds(200 * 3_600);
    let pace = Pace { in_progress_for, progress: Progress::Steps(10), ..Pace::REALISTIC };
    let server = frozen().pace(pace).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(10)).await;
    server.clock().advance(days(1)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "in_progress", "noticed a second later");
    server.clock().advance(days(1)).unwrap();
    (client.clone(), client.retrieve(&id).await.json(), server)
}

#[tokio::test]
async fn f_272_one_of_ten_was_done_when_the_window_ended() {
    let (client, batch, _server) = one_of_ten().await;
    assert_eq!(batch["request_counts"], json!({"total": 10, "completed": 1, "failed": 0}));
    let (output, _) = client.results(batch["id"].as_str().unwrap()).await;
    assert_eq!(output.lines().count(), 1);
}

#[tokio::test]
async fn f_273_counts_of_a_final_state_need_not_add_up() {
    let mut adds_up = Vec::new();
    for batch in in_every_status().await {
        let batch = batch.json();
        let counts = &batch["request_counts"];
        let done = counts["completed"].as_u64().unwrap() + counts["failed"].as_u64().unwrap();
        let total = counts["total"].as_u64().unwrap();
        assert!(done <= total);
        if ["completed", "expired", "cancelled"].contains(&batch["status"].as_str().unwrap()) {
            adds_up.push((batch["status"].as_str().unwrap().to_owned(), done == total));
        }
    }
    let expected = [("completed", true), ("expired", false), ("cancelled", false)];
    assert_eq!(adds_up, expected.map(|(status, adds_up)| (status.to_owned(), adds_up)));
}

#[tokio::test]
async fn f_450_a_batch_may_be_stuck_for_a_day_and_expire() {
    let (_client, batch, _server) = one_of_ten().await;
    assert_eq!(batch["status"], "expired");
    assert!(between(&batch, "in_progress_at", "expired_at") > 24 * 3_600);
}

// What else users report

#[tokio::test]
async fn f_453_a_completed_batch_may_have_no_output_file() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a~400", "hello")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await;
    assert!(batch.text().contains("\"status\": \"completed\",\n  \"output_file_id\": null,\n"), "{batch}");
}

#[tokio::test]
async fn f_509_deleting_the_input_right_after_create_fails_the_batch() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let id = client.create(&input, CHAT).await.id();
    assert_eq!(client.delete(&format!("/files/{input}")).await.status, StatusCode::OK);
    assert_eq!(path(&server, &client, &id).await, ["validating", "failed"]);
    let error = client.retrieve(&id).await.json()["errors"]["data"][0].clone();
    assert_eq!((&error["code"], &error["param"]), (&json!("invalid_request"), &json!("file_id")));
}
