//! Servers whose clock cannot be moved, and in accounts that are somebody's: waiting, bringing about, cleaning up, what is
//! known to fail, and how many cases run at a time.
//!
//! The clock of tokio stands still but for what is waited for. The server is a batchmock that the suite takes for any other.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock that is read stands still, but for what is waited for"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use batchmock::{ClockMode, FaultPlan, MockServer};
use batchmock_conformance::case::Case;
use batchmock_conformance::known_failing::KnownFailing;
use batchmock_conformance::select::{self, Pattern};
use batchmock_conformance::{Found, Keys, Settings, Target, Verdict, run};
use tokio::sync::Notify;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

fn cases(pattern: &str) -> Vec<&'static Case> {
    select::cases(&[Pattern::new(pattern).unwrap()], &[])
}

/// A server of which no control API is used.
fn settings(base_url: String) -> Settings {
    let keys = Keys::Given { own: "sk-own".to_owned(), other: None };
    Settings { control: false, ..Settings::new(base_url, keys) }
}

async fn judged(settings: Settings, pattern: &str) -> Vec<Found> {
    let target = Arc::new(Target::probe(settings).await.unwrap());
    assert!(!target.has_control());
    run::all(&target, &cases(pattern), 2, |_| ()).await
}

fn assert_passed(found: &[Found]) {
    for found in found {
        assert_eq!(found.verdict, Verdict::Passed, "{}: {}", found.case.id, found.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_does_in_its_own_time_is_waited_for() {
    let mock = MockServer::builder().clock(ClockMode::Stepping).start().await.unwrap();
    let began = Instant::now();
    assert_passed(&judged(settings(mock.base_url()), "results/a*").await);
    let waited = began.elapsed();
    assert!(waited > Duration::ZERO && waited.as_millis().is_multiple_of(5_000), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_is_given_up() {
    let mock = MockServer::builder().clock(ClockMode::Frozen).start().await.unwrap();
    let began = Instant::now();
    let found = judged(settings(mock.base_url()), "results/success").await;
    assert_eq!(found[0].verdict, Verdict::NotExercised);
    assert_eq!(found[0].reason, "the batch did not become completed in time");
    assert_eq!(began.elapsed(), MINUTE * 30);
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_is_waited_is_not_begun() {
    let mock = MockServer::builder().clock(ClockMode::Frozen).start().await.unwrap();
    let began = Instant::now();
    for found in judged(settings(mock.base_url()), "batches/expiry/*").await {
        assert_eq!(found.verdict, Verdict::NotExercised, "{}", found.case.id);
        assert_eq!(found.reason, "it takes a day, and no more than 1800 s are waited");
        assert!(found.exchanges.is_empty());
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// A program that writes down how it was called, and says whether it succeeded.
#[cfg(unix)]
fn program(directory: &Path, ending: &str) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let (program, calls) = (directory.join("bring-about"), directory.join("calls"));
    fs::write(&program, format!("#!/bin/sh\necho \"$1 $2\" >> '{}'\n{ending}\n", calls.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program, calls)
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_program_can_bring_an_end_about() {
    let directory = tempfile::tempdir().unwrap();
    let (program, calls) = program(directory.path(), "exit 0");
    let builder = MockServer::builder().clock(ClockMode::Stepping).scenario("expired-partial");
    let mock = builder.start().await.unwrap();
    let mut settings = settings(mock.base_url());
    settings.bring_about = Some(program.display().to_string());
    assert_passed(&judged(settings, "batches/expiry/times").await);
    let calls = fs::read_to_string(calls).unwrap();
    assert!(calls.starts_with("expired batch_") && calls.lines().count() == 1, "{calls}");
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_program_that_fails_is_no_fault_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let (program, _) = program(directory.path(), "exit 7");
    let builder = MockServer::builder().clock(ClockMode::Stepping).scenario("expired-partial");
    let mock = builder.start().await.unwrap();
    for (program, expected) in
        [(program, "ended with exit status: 7"), (directory.path().join("nowhere"), "cannot be run")]
    {
        let mut settings = settings(mock.base_url());
        settings.bring_about = Some(program.display().to_string());
        let found = judged(settings, "batches/expiry/times").await;
        assert_eq!(found[0].verdict, Verdict::Error);
        assert!(found[0].reason.contains(expected), "{}", found[0].reason);
    }
}

/// A server on which nothing can be deleted.
async fn undeletable() -> MockServer {
    let fault = "[[fault]]\noperation = \"delete_file\"\nerror = \"server_error\"\n";
    let faults = FaultPlan::from_toml(fault).unwrap();
    MockServer::builder().clock(ClockMode::Stepping).faults(faults).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cleaned_up_is_told_and_changes_no_verdict() {
    let mock = undeletable().await;
    let found = judged(settings(mock.base_url()), "results/success").await;
    assert_passed(&found);
    let left = &found[0].left_behind;
    assert!(left.len() == 2 && left.iter().all(|id| id.starts_with("file-")), "input and output: {left:?}");
    let asked = found[0].exchanges.iter().any(|exchange| exchange.method == "DELETE");
    assert!(!asked, "what is done to clean up is no part of the record");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_to_fail_is_forgiven_for_as_long_as_is_said() {
    let mock = undeletable().await;
    let found = judged(settings(mock.base_url()), "files/delete/answer").await;
    assert_eq!(found[0].verdict, Verdict::Failed, "{}", found[0].reason);
    for (until, expected) in [
        ("", Verdict::KnownFailing),
        ("until = 2999-12-31", Verdict::KnownFailing),
        ("until = 2020-02-29", Verdict::Failed),
    ] {
        let file = format!("[[known]]\ncase = \"files/delete/answer\"\nreason = \"a ticket\"\n{until}\n");
        let mut found = found.clone();
        KnownFailing::read(&file).unwrap().apply(&mut found);
        assert_eq!(found[0].verdict, expected, "{until}");
        assert!(found[0].reason.contains("a ticket"), "{}", found[0].reason);
    }
}

/// How many requests are answered at a time at most, where the first is held until so many are there.
async fn at_a_time(jobs: usize) -> usize {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let all_there = Arc::new(Notify::new());
    let counted = Arc::clone(&most);
    let router = Router::new().route("/v1/uploads", axum::routing::post(|| async { StatusCode::NOT_FOUND }));
    // It is looked at first; what is counted are the requests of cases.
    let is_looked_at = Arc::new(AtomicBool::new(true));
    let looking = Arc::clone(&is_looked_at);
    let router = router.fallback(move || {
        let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
        let all_there = Arc::clone(&all_there);
        let is_looked_at = looking.load(Ordering::SeqCst);
        async move {
            if is_looked_at {
                return StatusCode::BAD_REQUEST;
            }
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            if most.fetch_max(now, Ordering::SeqCst) < jobs {
                if now == jobs { all_there.notify_waiters() } else { all_there.notified().await }
            }
            under_way.fetch_sub(1, Ordering::SeqCst);
            StatusCode::BAD_REQUEST
        }
    });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let target = Arc::new(Target::probe(settings(base_url)).await.unwrap());
    is_looked_at.store(false, Ordering::SeqCst);
    run::all(&target, &cases("files/*"), jobs, |_| ()).await;
    serving.abort();
    counted.load(Ordering::SeqCst)
}

#[tokio::test]
async fn as_many_cases_run_at_a_time_as_was_said() {
    for jobs in [1, 3] {
        assert_eq!(at_a_time(jobs).await, jobs);
    }
}
