//! Two runs with one seed say the same.

use batchmock_conformance::case::Level;
use batchmock_conformance::report::{self, Report};
use batchmock_conformance::select::{self, Pattern};
use batchmock_conformance::{OwnMock, run};
use serde_json::Value;

async fn reported(seed: u64, jobs: usize, pattern: &str) -> Value {
    let mock = OwnMock::start(seed).await.unwrap();
    let target = mock.target().await.unwrap();
    let cases = select::cases(&[Pattern::new(pattern).unwrap()], &[]);
    let found = run::all(&target, &cases, jobs, |_| ()).await;
    let report = Report::new(&target, Level::Must, found);
    let mut report: Value = serde_json::from_str(&report::json(&report)).unwrap();
    for case in report["cases"].as_array_mut().unwrap() {
        case["milliseconds"].take();
        for exchange in case["exchanges"].as_array_mut().unwrap() {
            if exchange["status"] == 401 {
                forget_what_belongs_to_no_account(exchange);
            }
        }
    }
    report
}

/// Who has no account is told the wall's time, and ids in the order in which requests came.
fn forget_what_belongs_to_no_account(exchange: &mut Value) {
    let of_the_moment = ["date", "x-request-id", "cf-ray", "openai-processing-ms"];
    let headers = exchange["headers"].as_array_mut().unwrap();
    headers.retain(|header| !of_the_moment.contains(&header[0].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_with_one_seed_differ_in_their_duration_alone() {
    let (one, other) = (reported(5, 1, "*").await, reported(5, 8, "*").await);
    assert!(one["cases"].as_array().unwrap().len() > 150);
    for (one, other) in one["cases"].as_array().unwrap().iter().zip(other["cases"].as_array().unwrap()) {
        assert!(one == other, "{}", one["id"]);
    }
    assert!(one == other, "the reports differ outside the cases");
    assert_ne!(one, reported(6, 8, "*").await, "the seed is not looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_runs_with_one_seed_say_the_same() {
    // A part of the cases in which batches run and time is moved: the rest is in the two whole runs.
    let pattern = "{batches/cancel/*,results/r*,webhooks/d*,quotas/*}";
    let first = reported(7, 1, pattern).await;
    for run in 2..=20 {
        assert!(reported(7, run % 8 + 1, pattern).await == first, "run {run}");
    }
}

#[tokio::test]
async fn no_report_has_a_key() {
    let report = reported(5, 8, "*").await.to_string();
    assert!(report.contains("[redacted]"));
    assert!(!report.contains("sk-conformance"), "a key is in the report");
}
