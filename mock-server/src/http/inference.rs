//! The endpoints that batch lines name, answered at once: people try one line before they send a batch.

use axum::extract::State;

use super::{Account, ApiError, App, Json, JsonBody};
use crate::config::ModelPolicy;
use crate::endpoint::Endpoint;
use crate::input::LineOutcome;
use crate::responder::{Body, Ending, Occasion, Refusal, Request, is_known};

/// `POST` to the endpoint.
pub(super) fn answer(
    endpoint: Endpoint,
    State(app): State<App>,
    Account(world): Account,
    JsonBody(body): JsonBody,
) -> Result<Json<Body>, ApiError> {
    let request = Request::parse(endpoint, &body)?;
    if request.wants_stream() {
        return Err(ApiError::no_streaming());
    }
    if let Some(model) = request.model()
        && app.worlds.config().models == ModelPolicy::Known
        && !is_known(model)
    {
        return Err(Refusal::unknown_model(model).into());
    }
    let ending = match app.worlds.config().rules.outcome("", request.model()) {
        LineOutcome::Refusal => Ending::Refusal,
        LineOutcome::Length => Ending::Length,
        LineOutcome::Natural
        | LineOutcome::Status400
        | LineOutcome::Status429
        | LineOutcome::Status500
        | LineOutcome::Timeout => Ending::Natural,
    };
    let (seed, now) = world.next_answer(app.wall());
    let occasion = Occasion { custom_id: "", created_at: now.unix_seconds(), ending, rng: &mut seed.rng() };
    Ok(Json::indented(app.worlds.responder().answer(&request, occasion).body))
}
