//! The API's error envelope.

use serde::{Deserialize, Serialize};

/// The body of every refusal: `{"error": {..}}`, on file routes with a second key (F-020, F-022).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    /// What is wrong.
    pub error: ErrorBody,
    /// The same again, on the file routes since 2026 (F-022).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ErrorDetail>,
}

/// What is wrong; key order as recorded (F-021).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A sentence for people.
    pub message: String,
    /// The family, such as `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// A short name, such as `invalid_value`.
    pub code: Option<String>,
}

impl ErrorBody {
    /// An `invalid_request_error` without param and code.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: "invalid_request_error".to_owned(), param: None, code: None }
    }

    /// The same error, with the parameter at fault named.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same error, with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// The second key of an error on the file routes (F-022).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The message of the error.
    pub message: String,
    /// The code of the error.
    pub code: Option<String>,
}
