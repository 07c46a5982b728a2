//! Every scenario of the mock, run to its end: each request has one outcome, in the order of the input, and nothing is
//! made twice.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use batchmock::{MockServer, Operation, Scenarios};
use batchmock_client::run::{Limits, Oddities, RunOptions};
use batchmock_client::{Client, Fate, Outcome, Request, Run, Summary};

use crate::support::{Jumping, Listener, Reply, stepping};

/// How a scenario is run.
#[derive(Debug, Clone, Copy, Default)]
struct How {
    /// The batch is cancelled before the look of this number.
    cancel_at: Option<usize>,
    /// Requests are divided among two batches, so that one is in the other's way.
    in_two: bool,
}

/// How each scenario is run. One that is not named here fails the tests: it is to be thought of what a client makes of it.
fn how(scenario: &str) -> How {
    let cancelled_at = |look| How { cancel_at: Some(look), ..How::default() };
    match scenario {
        "cancel-partial" | "cancel-partial:slow" | "cancel-partial:nothing-done" => cancelled_at(2),
        "cancel-partial:while-validating" | "cancel-partial:while-validating-empty-error-file" => {
            cancelled_at(0)
        }
        "cancel-partial:too-late" => cancelled_at(6),
        "token-queue-full" | "token-queue-full:phantom" | "token-queue-full:requests" => {
            How { in_two: true, ..How::default() }
        }
        "happy-shuffled"
        | "happy-shuffled:empty-error-id"
        | "happy-shuffled:sparse-counts"
        | "mixed-errors"
        | "mixed-errors:failures-in-output"
        | "all-failed"
        | "rejected-at-validation"
        | "rejected-at-validation:duplicate-custom-id"
        | "rejected-at-validation:unknown-model"
        | "expired-partial"
        | "expired-partial:nothing-done"
        | "expired-partial:no-error-file"
        | "cancel-partial:foreign-cancel"
        | "file-race"
        | "file-race:async"
        | "file-race:persistent"
        | "file-race:batch-404"
        | "flaky-poll"
        | "flaky-poll:idempotent"
        | "stuck-and-nasty"
        | "stuck-and-nasty:stuck"
        | "stuck-and-nasty:never"
        | "stuck-and-nasty:nasty"
        | "stuck-and-nasty:broken-lines"
        | "quota"
        | "too-large"
        | "too-large:by-the-edge"
        | "future"
        | "paged-list"
        | "webhook-twice" => How::default(),
        other => panic!("say how a client is tried in the scenario {other}"),
    }
}

/// All scenarios of the mock. It is silent for a moment only where it is silent for a while: nobody has to wait here.
fn scenarios() -> Scenarios {
    let mut all = Scenarios::default();
    let flaky = all.get("flaky-poll").unwrap().source().replace("\"3s\"", "\"1ms\"");
    all.add_toml("flaky-poll", &flaky).unwrap();
    all
}

/// A mock in a scenario, and a client in front of it.
struct Scene {
    server: MockServer,
    /// In between, if there is something to be done there.
    _listener: Option<Listener>,
    client: Client,
    key: String,
    options: RunOptions,
}

impl Scene {
    async fn of(scenario: &str, max_attempts: u32) -> Self {
        let How { cancel_at, in_two } = how(scenario);
        let server = stepping().scenarios(scenarios()).start().await.unwrap();
        let listener = match cancel_at {
            None => None,
            Some(look) => {
                let script = move |asked: &crate::support::Asked, before| {
                    let is_look = asked.line.starts_with("GET /v1/batches/");
                    if is_look && before == look { Reply::Cancel } else { Reply::Forward }
                };
                Some(Listener::before(&server, script).await)
            }
        };
        let key = server.scenario_key(scenario, "test").unwrap();
        let base_url = listener.as_ref().map_or_else(|| server.base_url(), Listener::base_url);
        let client = Client::builder().base_url(base_url).api_key(key.as_str()).seed(7);
        let client = client.time(Jumping::default()).build().unwrap();
        let limits = if in_two { Limits { requests: 6, ..Limits::default() } } else { Limits::default() };
        let options = RunOptions { limits, max_attempts, ..RunOptions::default() };
        Self { server, _listener: listener, client, key, options }
    }

    /// A run of requests: ten, or twelve in two batches.
    fn run(&self) -> Run<'_> {
        let number = if self.options.limits.requests == 6 { 12 } else { 10 };
        // A batch of six is more than half of the thousand tokens that the queue takes.
        let request =
            |number| Request::chat("gpt-4o-mini", "x".repeat(400)).custom_id(format!("request-{number}"));
        self.client.run((1..=number).map(request)).options(self.options.clone())
    }

    /// What was made and met on the way.
    fn traces(&self) -> String {
        let asked = self.server.received_requests(&self.key);
        for request in &asked {
            let odd = ["//", "/null", "/None", "/undefined"].iter().any(|odd| request.path.contains(odd));
            assert!(!odd, "{}", request.path);
        }
        let count = |operation| asked.iter().filter(|request| request.operation == operation).count();
        let journal = self.server.journal(&self.key).entries();
        let created = journal.iter().filter(|entry| entry.to_string().contains(" created of ")).count();
        let mut told = format!(
            "{} uploads, {} creates, {created} batches, {} downloads",
            count(Operation::UploadFile),
            count(Operation::CreateBatch),
            count(Operation::FileContent),
        );
        for fault in asked.iter().filter_map(|request| request.fault.as_ref()) {
            write!(told, ", {fault}").unwrap();
        }
        told
    }
}

/// How a run ended: a letter for each outcome, a group for each batch, or the error.
fn ending(ended: &batchmock_client::Result<(Vec<Outcome>, Summary)>) -> String {
    let (outcomes, summary) = match ended {
        Ok(ended) => ended,
        Err(error) => return error.to_string(),
    };
    let names: Vec<_> = (1..=outcomes.len()).map(|number| format!("request-{number}")).collect();
    assert_eq!(outcomes.iter().map(Outcome::custom_id).collect::<Vec<_>>(), names);
    let mut told: String = outcomes.iter().map(letter).collect();
    for batch in &summary.batches {
        write!(told, "; {} of {}", batch.status.as_str(), batch.requests).unwrap();
        for error in &batch.errors {
            write!(told, " ({} in line {:?})", error.code, error.line).unwrap();
        }
    }
    let Oddities { n_unreadable, duplicates, strangers, .. } = summary.oddities;
    if n_unreadable + duplicates + strangers > 0 {
        write!(told, "; {n_unreadable} unreadable, {duplicates} doubled, {strangers} strangers").unwrap();
    }
    told
}

fn letter(outcome: &Outcome) -> char {
    match outcome.fate() {
        Fate::Succeeded { .. } if outcome.is_cut() => 'c',
        Fate::Succeeded { .. } => 's',
        Fate::Failed { .. } => 'F',
        Fate::Expired => 'E',
        Fate::Cancelled => 'C',
        Fate::Missing => 'M',
        other => panic!("{other:?}"),
    }
}

/// How a run in a scenario ends, and what it leaves.
async fn told(scenario: &str, max_attempts: u32) -> String {
    let scene = Scene::of(scenario, max_attempts).await;
    let ended = scene.run().with_summary().await;
    format!("{scenario}: {}\n    {}\n", ending(&ended), scene.traces())
}

#[tokio::test]
async fn every_scenario_ends_right() {
    let mut all = String::new();
    for scenario in scenarios().iter() {
        all += &told(&scenario.name(), 1).await;
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn only_what_may_help_is_tried_again() {
    let mut all = String::new();
    for scenario in ["mixed-errors", "all-failed", "expired-partial", "rejected-at-validation", "future"] {
        all += &told(scenario, 2).await;
    }
    insta::assert_snapshot!(all);
}

/// Ends a run in a scenario at each of its events, goes on, and compares with one that was never ended.
async fn ended_at_each_event(scenario: &str) {
    let scene = Scene::of(scenario, 1).await;
    let whole = ending(&scene.run().with_summary().await);
    let mut ended = 0;
    loop {
        let scene = Scene::of(scenario, 1).await;
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let (mut events, mut last) = (0, String::new());
        let first = scene.run().journal(&journal).on_progress(|progress| {
            events += 1;
            last = format!("{:?}", progress.event);
            if events > ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match first.with_summary().await {
            Err(error) => assert!(error.is_stopped(), "{scenario}: {error}"),
            Ok(_) => break,
        }
        ended += 1;
        let gone_on = scene.run().journal(&journal).with_summary().await;
        assert_eq!(ending(&gone_on), whole, "{scenario}, ended at {last}");
        let asked = scene.server.received_requests(&scene.key);
        let uploads = asked.iter().filter(|request| request.operation == Operation::UploadFile).count();
        assert_eq!(uploads, 1, "{scenario}, ended at {last}");
        let batches = scene.client.batches().list().all().await.unwrap();
        assert_eq!(batches.len(), 1, "{scenario}, ended at {last}");
    }
    assert!(ended > 8, "{scenario} has {ended} events");
}

#[tokio::test]
async fn runs_in_scenarios_that_expire_are_gone_on_with() {
    for scenario in ["expired-partial", "expired-partial:no-error-file", "stuck-and-nasty:never"] {
        ended_at_each_event(scenario).await;
    }
}

#[tokio::test]
async fn runs_in_scenarios_that_are_cancelled_are_gone_on_with() {
    for scenario in [
        "cancel-partial",
        "cancel-partial:while-validating",
        "cancel-partial:slow",
        "cancel-partial:foreign-cancel",
    ] {
        ended_at_each_event(scenario).await;
    }
}

#[tokio::test]
async fn runs_in_scenarios_in_which_lines_fail_are_gone_on_with() {
    for scenario in
        ["mixed-errors", "mixed-errors:failures-in-output", "all-failed", "rejected-at-validation"]
    {
        ended_at_each_event(scenario).await;
    }
}

#[tokio::test]
async fn runs_in_scenarios_with_broken_results_are_gone_on_with() {
    for scenario in ["stuck-and-nasty", "stuck-and-nasty:broken-lines", "happy-shuffled:empty-error-id"] {
        ended_at_each_event(scenario).await;
    }
}

#[tokio::test]
async fn runs_in_scenarios_with_a_bad_connection_are_gone_on_with() {
    for scenario in ["flaky-poll", "flaky-poll:idempotent", "file-race", "file-race:batch-404"] {
        ended_at_each_event(scenario).await;
    }
}
