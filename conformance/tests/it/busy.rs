//! Servers that have no time, on the way to what is judged. Tokio's clock is stopped: what is waited for takes no time.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock that is read stands still, but for what is waited for"
)]

use std::sync::Arc;

use batchmock::{ClockMode, FaultPlan, MockServer};
use batchmock_conformance::{Found, Keys, Settings, Target, Verdict, run, server};
use tokio::time::Instant;

/// What comes of a case, of a server that meets some of its uploads with an error.
async fn found(faults: &str) -> Found {
    let faults = FaultPlan::from_toml(&format!("[[fault]]\noperation = \"upload_file\"\n{faults}")).unwrap();
    let builder = MockServer::builder().clock(ClockMode::Frozen).keys(["sk-a"]).faults(faults);
    let mock = builder.start().await.unwrap();
    let keys = Keys::Given { own: "sk-a".to_owned(), other: None };
    let settings = Settings { control: false, ..Settings::new(mock.base_url(), keys) };
    let target = Arc::new(Target::probe(settings).await.unwrap());
    run::one(&target, server::find("files/content/bytes").unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_case_gets_over_a_server_that_is_busy_for_a_while() {
    for (error, status) in [("rate_limit_requests", 429), ("overloaded", 503)] {
        let began = Instant::now();
        let found = found(&format!("first = 3\nerror = \"{error}\"\nretry_after = 2")).await;
        assert_eq!(found.verdict, Verdict::Passed, "{}", found.reason);
        assert_eq!(began.elapsed().as_secs(), 6, "three times the two seconds that it asked for");
        let statuses: Vec<_> = found.exchanges.iter().filter_map(|exchange| exchange.status).collect();
        assert_eq!(statuses[..4], [status, status, status, 200], "all answers are in the record");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_busy_has_shown_nothing() {
    let found = found("error = \"overloaded\"\nretry_after = 1").await;
    assert_eq!(found.verdict, Verdict::NotExercised);
    assert!(found.reason.contains("was answered with 503 6 times, at last to wait 1 s"), "{}", found.reason);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_hour_or_for_money() {
    let began = Instant::now();
    let hour = found("error = \"rate_limit_requests\"\nretry_after = 3600").await;
    assert_eq!(hour.verdict, Verdict::NotExercised);
    assert!(hour.reason.contains("to wait 3600 s"), "{}", hour.reason);
    let money = found("error = \"insufficient_quota\"").await;
    assert_eq!(money.verdict, Verdict::NotExercised);
    assert!(money.reason.contains("the account has no more to spend"), "{}", money.reason);
    assert_eq!(began.elapsed().as_secs(), 0);
}
