//! The endpoints that batch lines name, answered at once: people try one line before they send a batch.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::json::Layout;
use super::{Account, ApiError, App, Json, JsonBody, headers};
use crate::endpoint::Endpoint;
use crate::input::LineOutcome;
use crate::responder::{Ending, Occasion, Refusal, Request};

/// `POST` to the endpoint.
pub(super) fn answer(
    endpoint: Endpoint,
    State(app): State<App>,
    Account(world): Account,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = Request::parse(endpoint, &body)?;
    if request.wants_stream() {
        return Err(ApiError::no_streaming());
    }
    if let Some(model) = request.model()
        && !world.has_model(model)
    {
        return Err(Refusal::unknown_model(model).into());
    }
    let ending = match app.worlds.config().rules.outcome("", request.model()) {
        LineOutcome::Refusal => Ending::Refusal,
        LineOutcome::Length => Ending::Length,
        LineOutcome::Natural
        | LineOutcome::Status400
        | LineOutcome::Status429
        | LineOutcome::Quota
        | LineOutcome::Status500
        | LineOutcome::Timeout => Ending::Natural,
    };
    let (seed, now) = world.next_answer(app.wall());
    let occasion = Occasion { custom_id: "", created_at: now.unix_seconds(), ending, rng: &mut seed.rng() };
    let answer = app.worlds.responder().answer(&request, occasion);
    let body = Json(layout(endpoint), answer.body);
    if endpoint == Endpoint::Moderations {
        // Recorded without limits.
        return Ok(body.into_response());
    }
    let mut response = body.into_response();
    response.headers_mut().extend(headers::rate_limits(answer.usage.input_tokens));
    Ok(response)
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
