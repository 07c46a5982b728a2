//! Pages of lists. Files and batches order their keys differently, so each has its own record.

use serde::{Deserialize, Serialize};

use super::{Batch, File, Model};

/// A page of batches, newest first (F-243).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPage {
    /// Always `list`.
    pub object: String,
    /// The batches of this page.
    pub data: Vec<Batch>,
    /// The first one's id; `null` on an empty page.
    #[serde(default)]
    pub first_id: Option<String>,
    /// The last one's id: the next page's `after`.
    #[serde(default)]
    pub last_id: Option<String>,
    /// Whether more follow.
    pub has_more: bool,
}

/// A page of files (F-127).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePage {
    /// Always `list`.
    pub object: String,
    /// The files of this page.
    pub data: Vec<File>,
    /// Whether more follow.
    pub has_more: bool,
    /// The first one's id; `null` on an empty page.
    #[serde(default)]
    pub first_id: Option<String>,
    /// The last one's id: the next page's `after`.
    #[serde(default)]
    pub last_id: Option<String>,
}

/// All models; this list has no pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPage {
    /// Always `list`.
    pub object: String,
    /// The models.
    pub data: Vec<Model>,
}
