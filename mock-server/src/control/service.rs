//! Health, the document, the reset, and the refusals of the control API.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use batchmock_client::types::ErrorBody;
use serde::Serialize;

use super::view::Clock;
use crate::http::{Account, ApiError, App, Json};
use crate::nearest::nearest;

/// The paths of the control API, for the message to who asked for another.
const PATHS: [&str; 19] = [
    "/health",
    "/ready",
    "/openapi.json",
    "/reset",
    "/clock",
    "/clock/advance",
    "/faults",
    "/world",
    "/quotas",
    "/batches/{batch_id}/plan",
    "/batches/{batch_id}/ending",
    "/scenario",
    "/scenarios",
    "/journal",
    "/journal/wait",
    "/journal/har",
    "/webhooks",
    "/webhooks/deliveries",
    "/webhooks/deliveries/{delivery_id}/redeliver",
];

/// That the server is there.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// `GET /health`: the process answers.
pub(super) async fn health() -> Json<Health> {
    Json::indented_line(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// `GET /ready`: requests are taken. There is nothing to warm up, so this is the same as health.
pub(super) async fn ready() -> Json<Health> {
    health().await
}

/// `GET /openapi.json`
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("openapi.json"))
}

/// `POST /reset`: empties the world of the key.
pub(super) async fn reset(State(app): State<App>, Account(world): Account) -> Json<Clock> {
    let wall = app.wall();
    world.reset(wall);
    Json::indented_line(Clock::new(world.clock(wall)))
}

/// A path that is none of the control API's.
pub(super) async fn unknown_path(uri: Uri) -> ApiError {
    let paths = PATHS.map(|path| format!("{}{path}", super::PREFIX));
    let nearest = nearest(uri.path(), paths.iter().map(String::as_str)).unwrap_or_default();
    refusal(
        StatusCode::NOT_FOUND,
        format!(
            "the control API has no path {}; the nearest is {nearest}, and all are in \
             {prefix}/openapi.json",
            uri.path(),
            prefix = super::PREFIX,
        ),
    )
}

/// A method that a path does not have.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    refusal(StatusCode::METHOD_NOT_ALLOWED, format!("the control API has no {method} {}", uri.path()))
}

/// A refusal of the control API: the envelope of the API, with a type of its own.
pub(super) fn refusal(status: StatusCode, message: String) -> ApiError {
    let error = ErrorBody { kind: "batchmock_error".to_owned(), ..ErrorBody::invalid_request(message) };
    ApiError::new(status, error)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_paths_are_those_of_the_document() {
        let document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let documented: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(documented, PATHS.iter().collect::<Vec<_>>());
    }
}
