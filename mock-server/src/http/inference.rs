//! The endpoints that batch lines name, answered at once: people try one line before they send a batch.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::files::off_the_runtime;
use super::json::Layout;
use super::{Account, ApiError, App, Json, JsonBody, rate_limits};
use crate::answers::Given;
use crate::arguments::Object;
use crate::endpoint::Endpoint;
use crate::responder::{Refusal, Request};
use crate::world::{Call, CallError, World};

/// `POST` to the endpoint.
pub(super) async fn answer(
    endpoint: Endpoint,
    State(app): State<App>,
    Account(world): Account,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let wall = app.wall();
    let call = world.receive_call(wall, endpoint, &Object::from(&body)).map_err(|error| match error {
        CallError::RateLimited(limited) => ApiError::rate_limited(&limited, world.account()),
        CallError::Disk(error) => ApiError::internal(&error),
    })?;
    check(&world, &call)?;
    let limits = call.limits;
    let given = off_the_runtime(!call.is_recorded(), move || world.answer_call(wall, call)).await?;
    match given {
        Given::Answer { status, answer } => {
            let mut response = Json(layout(endpoint), answer.body).into_response();
            *response.status_mut() = status_of(status);
            // Recorded without limits for moderations.
            if endpoint != Endpoint::Moderations {
                response.headers_mut().extend(rate_limits::headers(answer.usage.input_tokens, limits));
            }
            Ok(response)
        }
        Given::Error { status, error } => Err(ApiError::new(status_of(status), error)),
        Given::NoAnswer(error) => Err(ApiError::no_answer(error)),
    }
}

/// Refuses a call that cannot be answered, unless it is known already what it gets.
fn check(world: &World, call: &Call) -> Result<(), ApiError> {
    if !call.fails() && call.request.as_ref().is_ok_and(Request::wants_stream) {
        return Err(ApiError::no_streaming());
    }
    if call.is_settled() {
        return Ok(());
    }
    match call.request.as_ref().map_err(Clone::clone)?.model() {
        Some(model) if !world.has_model(model) => Err(Refusal::unknown_model(model).into()),
        _ => Ok(()),
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// How each endpoint lays its answers out (rllm 2026-08; net 2025-09 to 2026-08; for completions, a
/// recording of 2024-03).
fn layout(endpoint: Endpoint) -> Layout {
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Completions => Layout::IndentedLine,
        Endpoint::Embeddings => Layout::Compact,
        Endpoint::Responses
        | Endpoint::Moderations
        | Endpoint::ImagesGenerations
        | Endpoint::ImagesEdits
        | Endpoint::Videos => Layout::Indented,
    }
}
