//! Faults: what an answer is made of when a rule is due.
//!
//! How an answer is then brought to its client, if at all, stands in its extensions as a [`Delivery`], for `server/` to
//! do; which rule it was, as an [`AppliedFault`].
//!
//! [`AppliedFault`]: crate::fault::AppliedFault
//! [`Delivery`]: crate::fault::Delivery

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use batchmock_client::types::ErrorBody;

use super::exchange::{answer_all_the_same, date};
use super::{Account, ApiError, App, Json, batches, error};
use crate::fault::{
    Content, ErrorDetails, ErrorEffect, Fired, OwnAnswer, OwnBody, PresetBody, RetryAfter, Told, What, usual,
};
use crate::ids;
use crate::operation::{Called, Operation, Subject};
use crate::sim::{Seed, Timestamp};
use crate::switches::{LineRequestId, MissingInput};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// That an answer comes from the edge, and has no headers of the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfTheEdge;

/// That the input of a batch cannot be found, and what becomes of the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnseenInput(pub(super) MissingInput);

/// The answer to a request to which a fault happens, as far as there is one.
pub(super) async fn answer(
    app: &App,
    routes: Router,
    mut request: Request,
    account: &Account,
    called: &Called<'_>,
    fired: &Fired,
) -> Response {
    let effect = fired.rule.effect();
    match &effect.what {
        What::Error(error) => {
            if effect.is_carried_out {
                answer_all_the_same(routes, request).await;
            }
            in_the_form_of(called.operation, app, error_answer(account, error, fired.seed)).await
        }
        What::Broken { .. } if !effect.is_carried_out => Response::new(Body::empty()),
        What::Usual | What::Broken { .. } => answer_all_the_same(routes, request).await,
        What::UnseenInput(what) => {
            request.extensions_mut().insert(UnseenInput(*what));
            answer_all_the_same(routes, request).await
        }
        What::Vanished => in_the_form_of(called.operation, app, vanished(called)).await,
        What::Stale(ago) => {
            // A look as any other: it moves a stepping clock, and only the answer lags behind.
            let response = answer_all_the_same(routes, request).await;
            match called.id.as_deref().filter(|_| response.status().is_success()) {
                Some(id) => batches::as_it_was(app, account, id, *ago).await.into_response(),
                None => response,
            }
        }
    }
}

/// Gives a complete answer what the fault adds to it, and leaves word of the fault.
pub(super) fn finish(response: &mut Response, fired: &Fired, wall: Timestamp) {
    let effect = fired.rule.effect();
    if let What::Error(error) = &effect.what {
        let headers = response.headers_mut();
        for (name, value) in &error.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("it was read as the name of a header");
            headers.insert(name, text(value));
        }
        let retry_after = error.retry_after.as_ref().map(|retry_after| match retry_after {
            RetryAfter::Seconds(seconds) => (RETRY_AFTER, HeaderValue::from(*seconds)),
            RetryAfter::Millis(millis) => (RETRY_AFTER_MS, HeaderValue::from(*millis)),
            RetryAfter::Date(ahead) => (RETRY_AFTER, date(rounded_up(wall + *ahead))),
            RetryAfter::Text(garbage) => (RETRY_AFTER, text(garbage)),
        });
        headers.extend(retry_after);
        if let Some(should_retry) = error.should_retry {
            let word = HeaderValue::from_static(if should_retry { "true" } else { "false" });
            headers.insert(SHOULD_RETRY, word);
        }
    }
    let delivery = effect.delivery();
    if !delivery.is_usual() {
        response.extensions_mut().insert(delivery);
    }
    response.extensions_mut().insert(fired.applied.clone());
}

/// A date has whole seconds, and none that is ahead may be over when it is read.
fn rounded_up(time: Timestamp) -> Timestamp {
    let whole = Timestamp::from_unix_seconds(time.unix_seconds());
    let time = if whole < time { whole + Duration::from_secs(1) } else { whole };
    time.min(Timestamp::MAX)
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).expect("it was read as the value of a header")
}

fn error_answer(Account(world): &Account, effect: &ErrorEffect, seed: Seed) -> Response {
    let account = world.account();
    let request_id = ids::line_request(LineRequestId::Uuid, &mut seed.rng());
    let told = Told {
        organization_id: &account.organization_id,
        project_id: &account.project_id,
        wait: effect.retry_after.as_ref().and_then(RetryAfter::wait),
        request_id: &request_id,
    };
    let status =
        |status: u16| StatusCode::from_u16(status).expect("statuses are checked when rules are read");
    match &effect.content {
        Content::Preset(preset) => match preset.body(&told) {
            PresetBody::Error(error) => ApiError::new(status(preset.status()), error).into_response(),
            PresetBody::Html(page) => {
                let mut response = (status(preset.status()), page).into_response();
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                response.extensions_mut().insert(OfTheEdge);
                response
            }
        },
        Content::Own(OwnAnswer { status: code, body }) => {
            let code = status(*code);
            match body {
                OwnBody::Error(details) => {
                    ApiError::new(code, detailed(usual(code.as_u16(), &told), details)).into_response()
                }
                OwnBody::Json(value) => (code, Json::indented(value)).into_response(),
                OwnBody::Text(text) => {
                    let content_type = HeaderValue::from_static(content_type(text));
                    (code, [(CONTENT_TYPE, content_type)], text.clone()).into_response()
                }
            }
        }
    }
}

/// What a text looks like.
fn content_type(text: &str) -> &'static str {
    // Also JSON that is cut should be met where JSON is.
    match text.trim_start().chars().next() {
        Some('<') => "text/html",
        Some('{' | '[') => "application/json",
        Some(_) | None => "text/plain; charset=utf-8",
    }
}

fn detailed(usual: ErrorBody, details: &ErrorDetails) -> ErrorBody {
    let ErrorDetails { message, kind, param, code } = details;
    ErrorBody {
        message: message.clone().unwrap_or(usual.message),
        kind: kind.clone().unwrap_or(usual.kind),
        param: param.clone().or(usual.param),
        code: code.clone().or(usual.code),
    }
}

/// That what a request names is not there.
fn vanished(called: &Called<'_>) -> Response {
    let id = called.id.as_deref().unwrap_or_default();
    match called.operation.subject() {
        Subject::Files => ApiError::no_such_file(id),
        Subject::Uploads => ApiError::no_such_upload(id),
        // Of others no rule says that they vanish.
        Subject::Batches | Subject::Models | Subject::Inference | Subject::Nothing => {
            ApiError::no_such_batch(id)
        }
    }
    .into_response()
}

/// Gives an error the form of the routes that it stands in for.
async fn in_the_form_of(operation: Operation, app: &App, response: Response) -> Response {
    match operation.subject() {
        Subject::Files => error::in_the_form_of_file_routes(State(app.clone()), response).await,
        Subject::Uploads => error::with_a_line_end(response).await,
        Subject::Inference if operation == Operation::Embeddings => error::with_a_line_end(response).await,
        Subject::Batches | Subject::Models | Subject::Inference | Subject::Nothing => response,
    }
}
