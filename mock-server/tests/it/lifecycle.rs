//! A batch from its creation to the last trace of it.

use std::collections::HashMap;
use std::time::Duration;

use batchmock::{ClockMode, MockServer, Pace};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    CHAT, Client, chat, chats, custom_ids, days, frozen, new_batch, seconds, slower_than_the_window, start,
};

/// What a poller tells apart: status, and lines done of all lines.
async fn glance(client: &Client, id: &str) -> String {
    let batch = client.retrieve(id).await.json();
    let counts = &batch["request_counts"];
    let status = batch["status"].as_str().unwrap();
    let done = counts["completed"].as_u64().unwrap() + counts["failed"].as_u64().unwrap();
    format!("{status} {done}/{}", counts["total"])
}

/// Looks at a batch until it has ended.
async fn poll(client: &Client, id: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        seen.push(glance(client, id).await);
        let status = seen.last().unwrap().split(' ').next().unwrap();
        if ["completed", "failed", "expired", "cancelled"].contains(&status) {
            return seen;
        }
    }
}

/// The purposes and names of the files that a list shows, newest first.
async fn listed(client: &Client) -> Vec<String> {
    let page = client.get("/files").await.json();
    let shown = |file: &Value| {
        format!("{} {}", file["purpose"].as_str().unwrap(), file["filename"].as_str().unwrap())
    };
    page["data"].as_array().unwrap().iter().map(shown).collect()
}

/// All lines that are in both files together, sorted.
fn all_sorted(output: &str, error: &str) -> Vec<String> {
    let mut all = [custom_ids(output), custom_ids(error)].concat();
    all.sort();
    all
}

fn names(lines: usize) -> Vec<String> {
    let mut names: Vec<_> = (1..=lines).map(|n| format!("a-{n}")).collect();
    names.sort();
    names
}

// Time

#[tokio::test]
async fn a_24_hour_expiry_with_partial_results_is_played_in_milliseconds() {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(8)).await;

    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(glance(&client, &id).await, "in_progress 0/8");
    server.clock().advance(Duration::from_hours(10)).unwrap();
    assert_eq!(glance(&client, &id).await, "in_progress 2/8");
    server.clock().advance(Duration::from_hours(14)).unwrap();
    assert_eq!(glance(&client, &id).await, "finalizing 4/8");
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(glance(&client, &id).await, "expired 4/8");

    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["expires_at"].as_i64().unwrap() - batch["created_at"].as_i64().unwrap(), 86_400);
    assert_eq!(batch["request_counts"], json!({"total": 8, "completed": 4, "failed": 0}));
    let (output, error) = client.results(&id).await;
    assert_eq!((output.lines().count(), error.lines().count()), (4, 4));
    assert!(error.lines().all(|line| line.contains(r#""code": "batch_expired""#)), "{error}");
    assert_eq!(all_sorted(&output, &error), names(8));
}

#[tokio::test]
async fn cancelling_takes_ten_minutes_at_the_recorded_pace() {
    let server = frozen().pace(Pace::REALISTIC).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(2)).await;
    client.cancel(&id).await;
    server.clock().advance(seconds(604)).unwrap();
    assert_eq!(glance(&client, &id).await, "cancelling 0/0");
    server.clock().advance_to_next_change().unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "cancelled");
    let lasted = batch["cancelled_at"].as_i64().unwrap() - batch["cancelling_at"].as_i64().unwrap();
    assert!((605..=608).contains(&lasted), "F-261: {lasted}");
    assert_eq!(batch["in_progress_at"], Value::Null);
}

#[tokio::test]
async fn on_a_stepping_clock_a_poller_sees_every_state_once() {
    let server = frozen().clock(ClockMode::Stepping).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(4)).await;
    assert_eq!(
        poll(&client, &id).await,
        [
            "validating 0/0",
            "in_progress 0/4",
            "in_progress 1/4",
            "in_progress 2/4",
            "in_progress 3/4",
            "finalizing 4/4",
            "completed 4/4",
        ]
    );
    assert_eq!(poll(&client, &id).await, ["completed 4/4"], "what has ended stays");

    let cancelled = client.batch(&chats(2)).await;
    client.cancel(&cancelled).await;
    assert_eq!(poll(&client, &cancelled).await, ["cancelling 0/0", "cancelled 0/0"]);
}

#[tokio::test]
async fn only_a_second_look_at_a_batch_moves_a_stepping_clock() {
    let server = frozen().clock(ClockMode::Stepping).start().await.unwrap();
    let client = Client::new(&server);
    let (one, other) = (client.batch(&chats(1)).await, client.batch(&chats(1)).await);
    let before = server.clock().now();
    for _ in 0..3 {
        client.get("/batches").await;
        client.get("/files").await;
    }
    client.retrieve(&one).await;
    client.retrieve(&other).await;
    assert_eq!(server.clock().now(), before);
    assert_eq!(glance(&client, &one).await, "in_progress 0/1");
    assert_eq!(server.clock().now(), before + seconds(1), "to the next change of that batch");
}

#[tokio::test]
async fn a_new_batch_is_validating_at_whatever_pace() {
    let server = frozen().pace(Pace::REALISTIC).start().await.unwrap();
    let client = Client::new(&server);
    let input = client.upload_lines(&chats(1)).await;
    for _ in 0..50 {
        assert_eq!(client.create(&input, CHAT).await.json()["status"], "validating", "F-238");
    }
}

#[tokio::test]
async fn a_stepping_clock_plays_hours_and_days_alike() {
    for pace in [Pace::INSTANT, Pace::QUICK, Pace::REALISTIC, slower_than_the_window()] {
        let server = frozen().clock(ClockMode::Stepping).pace(pace.clone()).start().await.unwrap();
        let client = Client::new(&server);
        let id = client.batch(&chats(3)).await;
        let seen = poll(&client, &id).await;
        let mut states: Vec<_> = seen.iter().map(|glance| glance.split(' ').next().unwrap()).collect();
        states.dedup();
        let last = if pace == slower_than_the_window() { "expired" } else { "completed" };
        assert_eq!(states, ["validating", "in_progress", "finalizing", last]);
    }
}

#[tokio::test]
async fn looking_more_often_changes_nothing() {
    let mut endings = Vec::new();
    for steps in [1, 4, 40] {
        let (server, client) = start().await;
        let id = client.batch(&chats(5)).await;
        for _ in 0..steps {
            server.clock().advance(seconds(4) / steps).unwrap();
            client.retrieve(&id).await;
            client.get("/batches").await;
        }
        endings.push((client.retrieve(&id).await.body, client.results(&id).await));
    }
    assert_eq!(endings[0], endings[1]);
    assert_eq!(endings[0], endings[2]);
}

#[tokio::test]
async fn the_same_plan_is_played_on_every_clock() {
    let mut plays = Vec::new();
    // So slowly that no wall time matters.
    for mode in [ClockMode::Frozen, ClockMode::Scaled(1e-9), ClockMode::Stepping] {
        let server = frozen().clock(mode).start().await.unwrap();
        let client = Client::new(&server);
        let id = client.batch(&chats(4)).await;
        let mut seen = vec![client.retrieve(&id).await.body];
        for _ in 0..6 {
            if mode != ClockMode::Stepping {
                server.clock().advance_to_next_change().unwrap();
            }
            seen.push(client.retrieve(&id).await.body);
        }
        plays.push((seen, client.results(&id).await));
    }
    assert_eq!(plays[0], plays[1]);
    assert_eq!(plays[0], plays[2]);
}

#[tokio::test]
async fn a_change_of_the_clock_keeps_batches_where_they_are() {
    let (server, client) = start().await;
    let id = client.batch(&chats(4)).await;
    server.clock().advance(seconds(2)).unwrap();
    assert_eq!(glance(&client, &id).await, "in_progress 2/4");
    server.clock().set_mode(ClockMode::Stepping);
    assert_eq!(glance(&client, &id).await, "in_progress 3/4");
    server.clock().set_mode(ClockMode::Frozen);
    assert_eq!(glance(&client, &id).await, "in_progress 3/4");
}

// Result files

#[tokio::test]
async fn result_files_are_there_only_at_the_end() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "one"), chat("b~500", "two")]).await;
    for _ in 0..4 {
        assert_eq!(listed(&client).await, ["batch requests.jsonl"]);
        let batch = client.retrieve(&id).await.json();
        assert_eq!((&batch["output_file_id"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
        server.clock().advance_to_next_change().unwrap();
    }
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    // F-134.
    let results = [format!("batch_output {id}_error.jsonl"), format!("batch_output {id}_output.jsonl")];
    assert_eq!(listed(&client).await, [results.as_slice(), &["batch requests.jsonl".to_owned()]].concat());
    for key in ["output_file_id", "error_file_id"] {
        let file = client.get(&format!("/files/{}", batch[key].as_str().unwrap())).await.json();
        assert_eq!(file["created_at"], batch["completed_at"]);
        assert_eq!(file["bytes"], client.content(file["id"].as_str().unwrap()).await.body.len());
    }
}

#[tokio::test]
async fn result_files_are_kept_as_long_as_was_asked() {
    let hour = json!({"anchor": "created_at", "seconds": 3_600});
    for (expiry, kept_for) in [(Value::Null, days(30)), (hour, seconds(3_600))] {
        let (server, client) = start().await;
        let input = client.upload_lines(&[chat("a", "one"), chat("b~500", "two")]).await;
        let mut body = new_batch(&input, CHAT);
        body["output_expires_after"] = expiry;
        let id = client.post("/batches", &body).await.id();
        server.clock().advance(seconds(4)).unwrap();
        let batch = client.retrieve(&id).await.json();
        let output = batch["output_file_id"].as_str().unwrap();
        let file = client.get(&format!("/files/{output}")).await.json();
        let lasts = file["expires_at"].as_u64().unwrap() - file["created_at"].as_u64().unwrap();
        assert_eq!(lasts, kept_for.as_secs());
        server.clock().advance(seconds(kept_for.as_secs() - 1)).unwrap();
        assert_eq!(client.content(output).await.status, StatusCode::OK);
        server.clock().advance(seconds(1)).unwrap();
        for key in ["output_file_id", "error_file_id"] {
            let gone = client.content(batch[key].as_str().unwrap()).await;
            assert_eq!(gone.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(client.retrieve(&id).await.json(), batch, "the batch still names its files");
    }
}

#[tokio::test]
async fn what_was_done_before_an_expiry_or_a_cancellation_can_be_downloaded() {
    for (pace, done_at, code) in [
        (slower_than_the_window(), days(2), "batch_expired"),
        (slower_than_the_window(), Duration::from_hours(20) + seconds(1), "batch_cancelled"),
    ] {
        let server = frozen().pace(pace).start().await.unwrap();
        let client = Client::new(&server);
        let id = client.batch(&chats(8)).await;
        server.clock().advance(done_at).unwrap();
        if code == "batch_cancelled" {
            assert_eq!(glance(&client, &id).await, "in_progress 4/8");
            client.cancel(&id).await;
            server.clock().advance(seconds(1)).unwrap();
        }
        let (output, error) = client.results(&id).await;
        assert_eq!((output.lines().count(), error.lines().count()), (4, 4));
        assert!(error.lines().all(|line| line.contains(&format!("\"code\": \"{code}\""))), "{error}");
        assert_eq!(all_sorted(&output, &error), names(8));
    }
}

#[tokio::test]
async fn results_come_in_another_order_than_requests() {
    for count in [2, 3, 50] {
        let (server, client) = start().await;
        let lines = chats(count);
        let id = client.batch(&lines).await;
        server.clock().advance(seconds(4)).unwrap();
        let (output, error) = client.results(&id).await;
        let requested: Vec<_> = (1..=count).map(|n| format!("a-{n}")).collect();
        assert_ne!(custom_ids(&output), requested);
        assert_eq!(all_sorted(&output, &error), names(count));
    }
}

#[tokio::test]
async fn every_line_is_in_exactly_one_file() {
    let outcomes = ["", "~400", "~429", "~500", "~timeout", "~refusal", "~length", "~unheard-of"];
    let lines: Vec<_> =
        (0..40).map(|n| chat(&format!("a-{n}{}", outcomes[n % outcomes.len()]), "hello")).collect();
    for hours in [1, 13, 26, 39, 41] {
        let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
        let client = Client::new(&server);
        let id = client.batch(&lines).await;
        server.clock().advance(Duration::from_hours(hours)).unwrap();
        client.cancel(&id).await;
        server.clock().advance(seconds(1)).unwrap();

        let batch = client.retrieve(&id).await.json();
        let (output, error) = client.results(&id).await;
        let all = all_sorted(&output, &error);
        let mut expected: Vec<_> =
            (0..40).map(|n| format!("a-{n}{}", outcomes[n % outcomes.len()])).collect();
        expected.sort();
        assert_eq!(all, expected, "after {hours} hours");
        let counts = &batch["request_counts"];
        assert_eq!(counts["completed"], output.lines().count());
        let ran = |line: &&str| !line.contains("batch_cancelled") && !line.contains("batch_expired");
        assert_eq!(counts["failed"], error.lines().filter(ran).count());
    }
}

#[tokio::test]
async fn results_do_not_depend_on_the_input_being_there_still() {
    let mut seen = Vec::new();
    for (delete_before_the_end, look_before_deleting) in [(true, false), (false, true), (false, false)] {
        let (server, client) = start().await;
        let input = client.upload_lines(&chats(5)).await;
        let delete = format!("/files/{input}");
        let id = client.create(&input, CHAT).await.id();
        server.clock().advance(seconds(2)).unwrap();
        if delete_before_the_end {
            assert_eq!(client.delete(&delete).await.status, StatusCode::OK);
        }
        server.clock().advance(seconds(2)).unwrap();
        if look_before_deleting {
            client.results(&id).await;
        }
        if !delete_before_the_end {
            assert_eq!(client.delete(&delete).await.status, StatusCode::OK);
        }
        seen.push((client.retrieve(&id).await.body, client.results(&id).await));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(seen[0].1.0.lines().count() == 5);
}

#[tokio::test]
async fn a_deleted_result_file_is_gone_and_the_other_one_stays() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "one"), chat("b~500", "two")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    let (output, error) =
        (batch["output_file_id"].as_str().unwrap(), batch["error_file_id"].as_str().unwrap());
    assert_eq!(client.delete(&format!("/files/{output}")).await.status, StatusCode::OK);
    assert_eq!(client.content(output).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.content(error).await.status, StatusCode::OK);
    assert_eq!(client.retrieve(&id).await.json(), batch);
}

#[tokio::test]
async fn many_batches_of_one_input_live_their_own_lives() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(6)).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(client.create(&input, CHAT).await.id());
    }
    client.cancel(&ids[2]).await;
    server.clock().advance(seconds(4)).unwrap();
    let mut orders = HashMap::new();
    for id in &ids {
        let expected = if *id == ids[2] { "cancelled 0/0" } else { "completed 6/6" };
        assert_eq!(glance(&client, id).await, expected);
        *orders.entry(custom_ids(&client.results(id).await.0)).or_insert(0) += 1;
    }
    assert!(orders.len() > 2, "the same order again and again: {orders:?}");
}

#[tokio::test]
async fn a_world_that_nobody_looks_at_ends_its_batches_in_time() {
    let server: MockServer = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    server.clock().advance(days(60)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["completed_at"].as_i64().unwrap() - batch["created_at"].as_i64().unwrap(), 4);
    assert_eq!(listed(&client).await, [""; 0], "the results have come and gone");
}
