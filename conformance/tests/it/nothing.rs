//! Servers that do nothing pass nothing: whatever they answer, they answer it to everything.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use batchmock_conformance::{Keys, Settings, Target, Verdict, run, server};
use std::sync::Arc;
use tokio::task::JoinHandle;

const ENVELOPE: &str =
    r#"{"error": {"message": "No.", "type": "invalid_request_error", "param": null, "code": null}}"#;

/// A server that answers everything in this way, but a list of batches without a query as `lists` says.
async fn serve(status: u16, body: &'static str, lists: u16) -> (Settings, JoinHandle<std::io::Result<()>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = Router::new().fallback(move |method: Method, uri: Uri| {
        let is_list = (method, uri.to_string().as_str()) == (Method::GET, "/v1/batches");
        let status = StatusCode::from_u16(if is_list { lists } else { status }).unwrap();
        std::future::ready((status, [(CONTENT_TYPE, "application/json")], body))
    });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    (Settings::new(base_url, Keys::Each("sk".to_owned())), serving)
}

/// The cases that pass against a server that answers everything in this way.
async fn passed_by(status: u16, body: &'static str) -> Vec<&'static str> {
    // One that finds nothing at all is not even judged.
    let (settings, serving) = serve(status, body, if status == 404 { 200 } else { status }).await;
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

/// The clock of tokio stands still, so that coming again takes no time.
#[tokio::test(start_paused = true)]
async fn having_no_time_for_anything_passes_nothing() {
    for status in [429, 503] {
        assert_eq!(passed_by(status, ENVELOPE).await, [""; 0], "{status}");
    }
}

#[tokio::test]
async fn refusing_everything_in_good_form_passes_nothing() {
    for status in [400, 401, 405, 409, 500] {
        assert_eq!(passed_by(status, ENVELOPE).await, [""; 0], "{status}");
    }
}

#[tokio::test]
async fn where_there_is_nothing_of_the_api_nothing_is_judged() {
    let (mut settings, serving) = serve(404, "", 404).await;
    let error = Target::probe(settings.clone()).await.unwrap_err();
    let base_url = &settings.base_url;
    assert_eq!(
        error.to_string(),
        format!(
            "there is no Files and Batches API at {base_url}: GET /files and GET /batches are answered with status 404. \
             Is it the base URL that clients are given?"
        )
    );
    settings.base_url = settings.base_url.replace("/v1", "/");
    let error = Target::probe(settings).await.unwrap_err();
    assert!(error.to_string().ends_with("clients are given, which mostly ends with /v1?"), "{error}");
    serving.abort();
}

/// On the virtual clock of tokio, which goes on as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_holds_nothing_up() {
    // Nobody takes its connections: they are made, and that is all.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let error = Target::probe(Settings::new(&base_url, Keys::Each("sk".to_owned()))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{base_url} cannot be reached: it took longer than --request-timeout allows")
    );
}
