//! The model object.

use serde::{Deserialize, Serialize};

/// A model that can be named in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name, such as `gpt-4o-mini`.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// When it was published, in whole Unix seconds.
    pub created: i64,
    /// Whose it is.
    pub owned_by: String,
}

/// The answer to the deletion of a model, keys in the order that a user showed in 2023.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedModel {
    /// What was deleted.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// Always `true`.
    pub deleted: bool,
}
