//! `/v1/models`

use axum::extract::State;
use axum::http::StatusCode;
use batchmock_client::types::{ErrorBody, Model, ModelPage};

use super::{Account, ApiError, App, Id, Json};
use crate::config::ModelPolicy;
use crate::responder::{MODELS, is_known};

/// `GET /v1/models`
pub(super) async fn list(_: Account) -> Json<ModelPage> {
    let data = MODELS.iter().map(|model| record(model.id, model.created, model.owned_by)).collect();
    Json::indented(ModelPage { object: "list".to_owned(), data })
}

/// `GET /v1/models/{model}`: also of names that the list does not show, as long as batches may name them.
pub(super) async fn retrieve(
    State(app): State<App>,
    _: Account,
    Id(name): Id,
) -> Result<Json<Model>, ApiError> {
    if let Some(model) = MODELS.iter().find(|model| model.id == name) {
        return Ok(Json::indented(record(model.id, model.created, model.owned_by)));
    }
    if app.worlds.config().models == ModelPolicy::Any || is_known(&name) {
        return Ok(Json::indented(record(&name, 0, "system")));
    }
    // Remembered, not captured.
    let error = ErrorBody::invalid_request(format!("The model '{name}' does not exist"))
        .with_param("model")
        .with_code("model_not_found");
    Err(ApiError::new(StatusCode::NOT_FOUND, error))
}

fn record(id: &str, created: i64, owned_by: &str) -> Model {
    Model { id: id.to_owned(), object: "model".to_owned(), created, owned_by: owned_by.to_owned() }
}
