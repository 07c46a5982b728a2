//! Servers that have no time, on the way to what is judged. Tokio's clock is stopped: what is waited for takes no time.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock that is read stands still, but for what is waited for"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use batchmock_conformance::{Found, Keys, Settings, Target, Verdict, run, server};
use tokio::time::Instant;

const EMPTY: &str = r#"{"object": "list", "data": [], "has_more": false, "first_id": null, "last_id": null}"#;

/// What comes of a case about a list of files, of a server that is too busy for so many requests.
async fn found(refusals: u32, status: u16, retry_after: &'static str, body: &'static str) -> Found {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let router = Router::new().route("/v1/uploads", axum::routing::post(|| async { StatusCode::NOT_FOUND }));
    let router = router.fallback(move |headers: HeaderMap| {
        let asked = Arc::clone(&asked);
        async move {
            let has_key = headers.contains_key("authorization");
            if asked.fetch_add(1, Ordering::Relaxed) < refusals {
                return (StatusCode::from_u16(status).unwrap(), [("retry-after", retry_after)], body)
                    .into_response();
            }
            if has_key { EMPTY.into_response() } else { StatusCode::UNAUTHORIZED.into_response() }
        }
    });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut settings = Settings::new(base_url, Keys::Given { own: "sk-a".to_owned(), other: None });
    settings.control = false;
    let target = Arc::new(Target::probe(settings).await.unwrap());
    let found = run::one(&target, server::find("auth/bearer-key").unwrap()).await;
    serving.abort();
    found
}

#[tokio::test(start_paused = true)]
async fn a_case_gets_over_a_server_that_is_busy_for_a_while() {
    for status in [429, 503] {
        let began = Instant::now();
        let found = found(3, status, "2", "").await;
        assert_eq!(found.verdict, Verdict::Passed, "{}", found.reason);
        assert_eq!(began.elapsed().as_secs(), 6, "three times the two seconds that it asked for");
        let statuses: Vec<_> = found.exchanges.iter().filter_map(|exchange| exchange.status).collect();
        assert_eq!(statuses[..4], [status, status, status, 200], "all answers are in the record");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_busy_has_shown_nothing() {
    let found = found(u32::MAX, 503, "1", "").await;
    assert_eq!(found.verdict, Verdict::NotExercised);
    assert!(found.reason.contains("was answered 6 times with 503"), "{}", found.reason);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_hour_or_for_money() {
    let began = Instant::now();
    let hour = found(u32::MAX, 429, "3600", "").await;
    assert_eq!(hour.verdict, Verdict::NotExercised);
    assert!(hour.reason.contains("to wait 3600 s"), "{}", hour.reason);
    let money = found(u32::MAX, 429, "1", r#"{"error": {"code": "insufficient_quota"}}"#).await;
    assert_eq!(money.verdict, Verdict::NotExercised);
    assert!(money.reason.contains("the account has no more to spend"), "{}", money.reason);
    assert_eq!(began.elapsed().as_secs(), 0);
}
