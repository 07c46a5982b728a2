//! Every scenario of the mock, run to its end: each request has one outcome, in the order of the input.

use std::fmt::Write as _;

use batchmock_client::run::RunOptions;
use batchmock_client::{Fate, Outcome, Request, Summary};

use crate::support::{Jumping, Listener, Reply, stepping};

/// Runs ten requests in a scenario, with so many attempts for each. The batch is cancelled before the look of this
/// number, if there is one.
async fn run(
    scenario: &str,
    max_attempts: u32,
    cancel_at: Option<usize>,
) -> (Vec<Outcome>, Summary, Vec<String>) {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, move |asked, before| {
        let is_look = asked.line.starts_with("GET /v1/batches/");
        if is_look && cancel_at == Some(before) { Reply::Cancel } else { Reply::Forward }
    })
    .await;
    let builder = batchmock_client::Client::builder()
        .base_url(listener.base_url())
        .api_key(server.scenario_key(scenario, "test").unwrap())
        .seed(7)
        .time(Jumping::default());
    let client = builder.build().unwrap();
    let requests: Vec<_> = (1..=10)
        .map(|number| Request::chat("gpt-4o-mini", "x").custom_id(format!("request-{number}")))
        .collect();
    let names: Vec<_> = (1..=10).map(|number| format!("request-{number}")).collect();
    let options = RunOptions { max_attempts, ..RunOptions::default() };
    let done = client.run(requests).options(options).with_summary().await;
    let (outcomes, summary) = done.unwrap_or_else(|error| panic!("{scenario}: {error}"));
    assert_eq!(outcomes.iter().map(Outcome::custom_id).collect::<Vec<_>>(), names, "{scenario}");
    let asked: Vec<_> = listener.asked().into_iter().map(|asked| asked.line).collect();
    let odd = ["//", "/null", "/None", "/undefined"];
    assert!(!asked.iter().any(|line| odd.iter().any(|odd| line.contains(odd))), "{scenario}: {asked:?}");
    (outcomes, summary, asked)
}

/// One letter for each outcome, and one group for each batch.
async fn told(scenario: &str, max_attempts: u32, cancel_at: Option<usize>) -> String {
    let (outcomes, summary, asked) = run(scenario, max_attempts, cancel_at).await;
    let mut told = format!("{scenario}: ");
    for outcome in &outcomes {
        told.push(match outcome.fate() {
            Fate::Succeeded { .. } if outcome.is_cut() => 'c',
            Fate::Succeeded { .. } => 's',
            Fate::Failed { .. } => 'F',
            Fate::Expired => 'E',
            Fate::Cancelled => 'C',
            Fate::Missing => 'M',
            other => panic!("{other:?}"),
        });
    }
    for batch in &summary.batches {
        write!(told, "; {} of {}", batch.status.as_str(), batch.requests).unwrap();
        for error in &batch.errors {
            write!(told, " ({} in line {:?})", error.code, error.line).unwrap();
        }
    }
    let contents = asked.iter().filter(|line| line.ends_with("/content")).count();
    write!(told, "; {contents} files read").unwrap();
    let batchmock_client::run::Oddities { n_unreadable, duplicates, strangers, .. } = summary.oddities;
    if n_unreadable + duplicates + strangers > 0 {
        write!(told, "; {n_unreadable} unreadable, {duplicates} doubled, {strangers} strangers").unwrap();
    }
    told + "\n"
}

#[tokio::test]
async fn every_scenario_ends_right() {
    let mut all = String::new();
    for scenario in [
        "happy-shuffled",
        "happy-shuffled:empty-error-id",
        "happy-shuffled:sparse-counts",
        "mixed-errors",
        "mixed-errors:failures-in-output",
        "all-failed",
        "rejected-at-validation",
        "rejected-at-validation:duplicate-custom-id",
        "rejected-at-validation:unknown-model",
        "expired-partial",
        "expired-partial:nothing-done",
        "expired-partial:no-error-file",
        "cancel-partial:foreign-cancel",
        "stuck-and-nasty",
        "stuck-and-nasty:stuck",
        "stuck-and-nasty:never",
        "stuck-and-nasty:nasty",
        "stuck-and-nasty:broken-lines",
        "future",
        "paged-list",
    ] {
        all += &told(scenario, 1, None).await;
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn cancellations_end_right() {
    let mut all = String::new();
    for (scenario, look) in [
        ("cancel-partial", 2),
        ("cancel-partial:while-validating", 0),
        ("cancel-partial:while-validating-empty-error-file", 0),
        ("cancel-partial:slow", 2),
        ("cancel-partial:nothing-done", 2),
        ("cancel-partial:too-late", 6),
    ] {
        all += &told(scenario, 2, Some(look)).await;
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn only_what_may_help_is_tried_again() {
    let mut all = String::new();
    for scenario in ["mixed-errors", "all-failed", "expired-partial", "rejected-at-validation", "future"] {
        all += &told(scenario, 2, None).await;
    }
    insta::assert_snapshot!(all);
}

/// What became of ten requests in a scenario in which requests go wrong, what the client created, and what it met.
async fn through_faults(scenario: &str, toml: Option<&str>) -> String {
    let mut builder = stepping();
    if let Some(toml) = toml {
        let mut scenarios = batchmock::Scenarios::default();
        scenarios.add_toml(scenario, toml).unwrap();
        builder = builder.scenarios(scenarios);
    }
    let server = builder.start().await.unwrap();
    let key = server.scenario_key(scenario, "test").unwrap();
    let client = batchmock_client::Client::builder()
        .base_url(server.base_url())
        .api_key(key.clone())
        .seed(7)
        .time(Jumping::default())
        .build()
        .unwrap();
    let requests = (1..=10).map(|number| Request::chat("gpt-4o-mini", format!("question {number}")));
    let options = RunOptions { max_attempts: 2, ..RunOptions::default() };
    let run = client.run(requests).options(options);
    let told = match run.await {
        Ok(outcomes) => {
            let n_good = outcomes.iter().filter(|outcome| outcome.is_success()).count();
            format!("{n_good} of {} succeeded", outcomes.len())
        }
        Err(error) => format!("{error}").replace(&server.base_url(), "{mock}"),
    };
    let requests = server.received_requests(&key);
    let count = |operation| requests.iter().filter(|request| request.operation == operation).count();
    let faults: Vec<_> = requests.iter().filter_map(|request| request.fault.clone()).collect();
    let created = server.journal(&key).entries();
    let created = created.iter().filter(|entry| entry.to_string().contains(" created of ")).count();
    format!(
        "{scenario}: {told}; {} files sent, {} batches asked for, {created} created; {}\n",
        count(batchmock::Operation::UploadFile),
        count(batchmock::Operation::CreateBatch),
        faults.join(", ")
    )
}

#[tokio::test]
async fn requests_that_go_wrong_cost_nothing() {
    // The mock is silent for a moment only: nobody has to wait for it here.
    let flaky =
        batchmock::Scenarios::default().get("flaky-poll").unwrap().source().replace("\"3s\"", "\"1ms\"");
    let mut all = through_faults("flaky-poll", Some(&flaky)).await;
    for scenario in
        ["file-race", "file-race:async", "file-race:persistent", "file-race:batch-404", "token-queue-full"]
    {
        all += &through_faults(scenario, None).await;
    }
    insta::assert_snapshot!(all);
}
