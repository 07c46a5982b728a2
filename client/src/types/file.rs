//! The file object.

use serde::{Deserialize, Deserializer, Serialize};

use super::lenient;
use super::open_enum::open_enum;

/// A file, keys in the order of the recorded answers (F-100): every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Always `file`.
    #[serde(default)]
    pub object: String,
    /// `file-` and 22 characters (F-104).
    pub id: String,
    /// What the file is for.
    pub purpose: Purpose,
    /// The name it was uploaded under, as sent (F-123).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub filename: String,
    /// Its exact size (F-123).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub bytes: u64,
    /// When it was uploaded, in whole Unix seconds.
    #[serde(default, deserialize_with = "lenient::seconds")]
    pub created_at: i64,
    /// When it will be deleted; `null` if never (F-103).
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub expires_at: Option<i64>,
    /// Always `processed` since 2024 (F-106).
    #[serde(default = "FileStatus::processed", deserialize_with = "FileStatus::or_processed")]
    pub status: FileStatus,
    /// Always `null` in recordings (F-100).
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub status_details: Option<String>,
}

open_enum! {
    /// What a file is for (F-107, F-108). Open: a purpose this crate does not know is kept as it came.
    Purpose {
        /// For assistants.
        Assistants = "assistants",
        /// Made by assistants.
        AssistantsOutput = "assistants_output",
        /// Requests of a batch.
        Batch = "batch",
        /// Results of a batch.
        BatchOutput = "batch_output",
        /// Training data.
        FineTune = "fine-tune",
        /// Results of training.
        FineTuneResults = "fine-tune-results",
        /// Images.
        Vision = "vision",
        /// Anything a user wants to show a model.
        UserData = "user_data",
        /// Data of evaluations.
        Evals = "evals",
    }
}

open_enum! {
    /// How far the service is with a file (F-106). Open, as [`Purpose`] is.
    FileStatus {
        /// Received, not looked at yet; last seen in 2023.
        Uploaded = "uploaded",
        /// Ready for use.
        Processed = "processed",
        /// Unusable.
        Error = "error",
    }
}

impl FileStatus {
    fn processed() -> Self {
        Self::Processed
    }

    fn or_processed<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(Self::Processed))
    }
}

/// The answer to a deletion, keys in the order of the wire since 2025 (F-125).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Always `file`.
    #[serde(default)]
    pub object: String,
    /// Always `true`.
    pub deleted: bool,
    /// What was deleted.
    pub id: String,
}
