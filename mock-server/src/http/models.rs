//! `/v1/models`

use batchmock_client::types::{DeletedModel, Model, ModelPage};

use super::{Account, ApiError, Id, Json};
use crate::responder::{MODELS, is_fine_tuned};

/// `GET /v1/models`
pub(super) async fn list(_: Account) -> Json<ModelPage> {
    let data = MODELS.iter().map(|model| record(model.id, model.created, model.owned_by)).collect();
    Json::indented(ModelPage { object: "list".to_owned(), data })
}

/// `GET /v1/models/{model}`: also of names that the list does not show, as long as batches may name them.
pub(super) async fn retrieve(Account(world): Account, Id(name): Id) -> Result<Json<Model>, ApiError> {
    if !world.has_model(&name) {
        return Err(ApiError::no_such_model(&name));
    }
    let listed = MODELS.iter().find(|model| model.id == name);
    Ok(Json::indented(match listed {
        Some(model) => record(model.id, model.created, model.owned_by),
        None => record(&name, 0, "system"),
    }))
}

/// `DELETE /v1/models/{model}`: fine-tuned models are the account's, the others are not. All of this is
/// assumed, but for the shape and the key order of the answer, which a user showed in 2023.
pub(super) async fn delete(Account(world): Account, Id(name): Id) -> Result<Json<DeletedModel>, ApiError> {
    if world.has_model(&name) && !is_fine_tuned(&name) {
        return Err(ApiError::no_model_of_yours());
    }
    if !world.delete_model(&name).map_err(ApiError::world_is_full)? {
        return Err(ApiError::no_such_model(&name));
    }
    Ok(Json::indented(DeletedModel { id: name, object: "model".to_owned(), deleted: true }))
}

fn record(id: &str, created: i64, owned_by: &str) -> Model {
    Model { id: id.to_owned(), object: "model".to_owned(), created, owned_by: owned_by.to_owned() }
}
