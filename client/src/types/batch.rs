//! The batch object.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::lenient;
use super::open_enum::open_enum;

/// A batch, keys in the order of the recorded answers (F-200): every key is always present, unset ones
/// are `null`. All times are whole Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// `batch_` and 32 hexadecimal digits (F-201).
    pub id: String,
    /// Always `batch`.
    #[serde(default)]
    pub object: String,
    /// The endpoint that every line of the input names, such as `/v1/chat/completions`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub endpoint: String,
    /// The dated model that answers; `null` while validating (F-204).
    #[serde(default)]
    pub model: Option<String>,
    /// What validation found; `null` unless it failed (F-211).
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub errors: Option<BatchErrors>,
    /// The uploaded file of requests.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub input_file_id: String,
    /// Always `24h` (F-236).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub completion_window: String,
    /// Where the batch is in its life (F-250).
    pub status: BatchStatus,
    /// The file of successful lines; only in a final state, and only if there are any. An empty id is read as
    /// none (F-212).
    #[serde(default, deserialize_with = "lenient::id")]
    pub output_file_id: Option<String>,
    /// The file of failed, expired and cancelled lines; as `output_file_id`.
    #[serde(default, deserialize_with = "lenient::id")]
    pub error_file_id: Option<String>,
    /// When the batch was created.
    #[serde(default, deserialize_with = "lenient::seconds")]
    pub created_at: i64,
    /// When the lines began to run.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub in_progress_at: Option<i64>,
    /// Always `created_at + 86400` (F-203).
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub expires_at: Option<i64>,
    /// When the files began to be written.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub finalizing_at: Option<i64>,
    /// When the batch completed.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub completed_at: Option<i64>,
    /// When validation failed.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub failed_at: Option<i64>,
    /// When the batch expired.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub expired_at: Option<i64>,
    /// When cancelling was asked for.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub cancelling_at: Option<i64>,
    /// When cancelling was done.
    #[serde(default, deserialize_with = "lenient::optional_seconds")]
    pub cancelled_at: Option<i64>,
    /// How many lines there are and how many have ended; they need not add up (F-273).
    #[serde(default)]
    pub request_counts: Option<RequestCounts>,
    /// Zeros until the batch has completed (F-207).
    #[serde(default, deserialize_with = "lenient::if_readable")]
    pub usage: Option<BatchUsage>,
    /// What the creator attached, in the creator's order, or `null` (F-209).
    #[serde(default, deserialize_with = "lenient::metadata")]
    pub metadata: Option<IndexMap<String, String>>,
}

open_enum! {
    /// Where a batch is in its life (F-250). Open: a status this crate does not know is kept as it came.
    BatchStatus {
        /// The input is being read and checked.
        Validating = "validating",
        /// The input was refused; final.
        Failed = "failed",
        /// Lines run.
        InProgress = "in_progress",
        /// All lines have ended; the files are being written.
        Finalizing = "finalizing",
        /// The files are there; final, also when every line failed.
        Completed = "completed",
        /// The completion window ended first; final, with what was done by then.
        Expired = "expired",
        /// Cancelling was asked for and goes on.
        Cancelling = "cancelling",
        /// Cancelled; final, with what was done by then.
        Cancelled = "cancelled",
    }
}

impl BatchStatus {
    /// Whether nothing follows: `failed`, `completed`, `expired` and `cancelled`.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }
}

/// How many lines a batch has, and how many have ended each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Lines of the input; 0 while validating (F-205).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub total: u32,
    /// Lines that were answered with success.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub completed: u32,
    /// Lines that were answered with an error.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub failed: u32,
}

/// The tokens of all successful lines together, in the order of the wire (F-207).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchUsage {
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// What the input is made of.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub input_tokens_details: InputTokensDetails,
    /// What the output is made of.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub output_tokens_details: OutputTokensDetails,
}

/// What the input tokens are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTokensDetails {
    /// Tokens answered from a cache.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cached_tokens: u64,
}

/// What the output tokens are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Tokens spent on reasoning.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub reasoning_tokens: u64,
}

/// What validation found, one entry a bad line (section 8 of the facts).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchErrors {
    /// Always `list`.
    #[serde(default)]
    pub object: String,
    /// The entries, in line order.
    pub data: Vec<BatchError>,
}

/// One entry of what validation found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchError {
    /// A short name, such as `invalid_json_line`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub code: String,
    /// A sentence for people.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub message: String,
    /// The field at fault, such as `body.model`.
    #[serde(default)]
    pub param: Option<String>,
    /// The line at fault, counted from 1; `null` when the fault is the file's.
    #[serde(default)]
    pub line: Option<u64>,
}
