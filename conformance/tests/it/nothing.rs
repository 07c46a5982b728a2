//! Servers that do nothing pass nothing: whatever they answer, they answer it to everything.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use batchmock_conformance::{Keys, Settings, Target, Verdict, run, server};
use std::sync::Arc;

const ENVELOPE: &str =
    r#"{"error": {"message": "No.", "type": "invalid_request_error", "param": null, "code": null}}"#;

/// The cases that pass against a server that answers everything in this way.
async fn passed_by(status: u16, body: &'static str) -> Vec<&'static str> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let answer = (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], body);
    let router = Router::new().fallback(move || std::future::ready(answer.clone()));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings::new(base_url, Keys::Each("sk".to_owned()));
    let target = Arc::new(Target::probe(settings).await.unwrap());
    assert!(!target.has_control(), "what answers everything in one way has no control API");
    let cases: Vec<_> = server::all().collect();
    let found = run::all(&target, &cases, 4, |_| ()).await;
    serving.abort();
    let errors: Vec<_> = found.iter().filter(|found| found.verdict == Verdict::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    found.iter().filter(|found| found.verdict == Verdict::Passed).map(|found| found.case.id).collect()
}

#[tokio::test]
async fn an_empty_object_passes_nothing() {
    assert_eq!(passed_by(200, "{}").await, [""; 0]);
    assert_eq!(passed_by(200, "").await, [""; 0]);
}

#[tokio::test]
async fn not_found_passes_nothing() {
    assert_eq!(passed_by(404, "").await, [""; 0]);
    assert_eq!(passed_by(404, "{}").await, [""; 0]);
    assert_eq!(passed_by(404, ENVELOPE).await, [""; 0]);
}

#[tokio::test]
async fn refusing_everything_in_good_form_passes_nothing() {
    for status in [400, 401, 405, 409, 500] {
        assert_eq!(passed_by(status, ENVELOPE).await, [""; 0], "{status}");
    }
}
