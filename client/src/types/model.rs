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
