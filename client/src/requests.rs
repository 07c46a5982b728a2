//! The lines of an input: made from typed requests, and checked before anything is sent.

mod check;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use check::{Checked, Checks, check_file};
pub(crate) use check::{Line, name_digest};

/// One request of a batch.
///
/// ```
/// use batchmock_client::Request;
///
/// let request = Request::chat("gpt-4o-mini", "What is 2 + 2?").custom_id("sum").with("temperature", 0);
/// assert_eq!(
///     request.to_line(),
///     concat!(
///         r#"{"custom_id":"sum","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","#,
///         r#""messages":[{"role":"user","content":"What is 2 + 2?"}],"temperature":0}}"#,
///     ),
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    custom_id: Option<String>,
    url: String,
    body: Map<String, Value>,
}

impl Request {
    /// A request for any endpoint, such as `/v1/chat/completions`.
    pub fn new(url: impl Into<String>, body: Map<String, Value>) -> Self {
        Self { custom_id: None, url: url.into(), body }
    }

    /// A chat with one message from the user.
    pub fn chat(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        let messages = json!([{"role": "user", "content": prompt.into()}]);
        Self::of("/v1/chat/completions", model).with("messages", messages)
    }

    /// A response to one text.
    pub fn response(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self::of("/v1/responses", model).with("input", input.into())
    }

    /// The embedding of one text.
    pub fn embedding(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self::of("/v1/embeddings", model).with("input", input.into())
    }

    /// The moderation of one text.
    pub fn moderation(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self::of("/v1/moderations", model).with("input", input.into())
    }

    fn of(url: &str, model: impl Into<String>) -> Self {
        Self::new(url, Map::new()).with("model", model.into())
    }

    /// The same, with a name of its own. A run gives one to requests that have none, by their place.
    #[must_use]
    pub fn custom_id(mut self, custom_id: impl Into<String>) -> Self {
        self.custom_id = Some(custom_id.into());
        self
    }

    /// The same, with a field of the body set.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.insert(field.into(), value.into());
        self
    }

    /// Its line in an input, without the line end. A request without a name gets none: give it one first.
    pub fn to_line(&self) -> String {
        self.line(self.custom_id.as_deref())
    }

    /// Its line, with this name if it has none of its own.
    pub(crate) fn to_line_named(&self, otherwise: &str) -> String {
        self.line(Some(self.custom_id.as_deref().unwrap_or(otherwise)))
    }

    fn line(&self, custom_id: Option<&str>) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            custom_id: Option<&'a str>,
            method: &'static str,
            url: &'a str,
            body: &'a Map<String, Value>,
        }
        let Self { custom_id: _, url, body } = self;
        let line = Line { custom_id, method: "POST", url, body };
        serde_json::to_string(&line).expect("JSON values serialize")
    }
}

/// What is wrong with an input, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: u64,
    /// The column in it, in bytes, counted from 1; 1 if the whole line is meant.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}
