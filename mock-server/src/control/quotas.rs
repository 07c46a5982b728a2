//! `/quotas`

use axum::extract::State;
use axum::http::StatusCode;

use super::service::refusal;
use super::view::Allowance;
use crate::http::{Account, ApiError, App, Json, UntypedJsonBody};
use crate::quota::Quotas;

/// `GET /quotas`: what the account may use, and what is used.
pub(super) async fn show(State(app): State<App>, Account(world): Account) -> Json<Allowance> {
    Json::indented_line(Allowance::new(world.allowance(app.wall())))
}

/// `PUT /quotas`: lets other quotas hold; what is not said is not limited.
pub(super) async fn set(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Allowance>, ApiError> {
    let quotas =
        Quotas::from_json(&body).map_err(|error| refusal(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(Json::indented_line(Allowance::new(world.set_quotas(app.wall(), quotas))))
}
