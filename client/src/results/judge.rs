//! One line of a result: whose it is, and how it ended.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Fate, Usage};
use crate::error::shortened;
use crate::retry::is_permanent_code;

/// A line that says nothing that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    why: String,
    line: String,
}

/// What a line says, as far as it has to be known to decide what follows from it.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) custom_id: Cow<'a, str>,
    pub(crate) kind: Kind,
    status: Option<u16>,
    error: Option<Value>,
    body: Option<&'a RawValue>,
}

/// How a request ended, without the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Succeeded,
    /// For good.
    Failed,
    /// Another attempt may succeed.
    FailedForNow,
    Expired,
    Cancelled,
    Missing,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    custom_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    status_code: Option<Value>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

impl<'a> Verdict<'a> {
    pub(crate) fn read(line: &'a str) -> Result<Self, Unreadable> {
        let unreadable = |why: String| Unreadable { why, line: shortened(line) };
        let parts: Line<'a> = serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))?;
        let name = parts.custom_id.map(RawValue::get).unwrap_or_default();
        let custom_id = match serde_json::from_str(name) {
            Ok(Value::String(text)) => Cow::Owned(text),
            // Some servers turn names that look like numbers into numbers.
            Ok(Value::Number(_)) => Cow::Borrowed(name),
            _ => return Err(unreadable("there is no custom_id".to_owned())),
        };
        let response = parts
            .response
            .map(|response| serde_json::from_str::<Response<'a>>(response.get()))
            .transpose()
            .map_err(|error| unreadable(format!("in response: {error}")))?;
        let status = response.as_ref().and_then(|response| match response.status_code.as_ref()? {
            Value::Number(number) => number.as_u64().and_then(|status| u16::try_from(status).ok()),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        });
        let error = parts.error.filter(|error| match error {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Bool(true) | Value::Number(_) => true,
        });
        let body = response.and_then(|response| response.body);
        let mut verdict = Self { custom_id, kind: Kind::Succeeded, status, error, body };
        verdict.kind = verdict.judge();
        Ok(verdict)
    }

    /// By status and error together: either alone has been seen to lie.
    fn judge(&self) -> Kind {
        let code = self.error.as_ref().and_then(|error| text_field(error, "code"));
        match (&self.error, self.status) {
            (None, Some(200..=299)) => Kind::Succeeded,
            (Some(_), None) => match code.as_deref() {
                Some("batch_expired") => Kind::Expired,
                Some("batch_cancelled") => Kind::Cancelled,
                Some("request_timeout" | "server_error" | "rate_limit_exceeded") => Kind::FailedForNow,
                _ => Kind::Failed,
            },
            (_, Some(429)) if self.body_error().1.as_deref().is_some_and(is_permanent_code) => Kind::Failed,
            // Broken lines with a status of 0 and nothing else have been seen (F-360); so might lines with nothing.
            (_, Some(408 | 429 | 500..)) | (None, None | Some(0)) => Kind::FailedForNow,
            (_, Some(_)) => Kind::Failed,
        }
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.kind {
            Kind::Succeeded => Fate::Succeeded { status: self.status.unwrap_or(200), usage: self.usage() },
            Kind::Expired => Fate::Expired,
            Kind::Cancelled => Fate::Cancelled,
            Kind::Missing => Fate::Missing,
            Kind::Failed | Kind::FailedForNow => {
                let (message, code) = match &self.error {
                    Some(Value::String(text)) => (Some(text.clone()), None),
                    Some(error) => (text_field(error, "message"), text_field(error, "code")),
                    None => self.body_error(),
                };
                let message = message.unwrap_or_else(|| match self.body {
                    Some(body) => shortened(body.get()),
                    None => "the line has neither a status nor an error".to_owned(),
                });
                Fate::Failed { status: self.status, code, message }
            }
        }
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        Usage::of_body(self.body?)
    }

    /// Message and code of an error in the body.
    fn body_error(&self) -> (Option<String>, Option<String>) {
        let body = self.body.and_then(|body| serde_json::from_str::<Value>(body.get()).ok());
        let Some(error) = body.as_ref().map(|body| body.get("error").unwrap_or(body)) else {
            return (None, None);
        };
        let message = text_field(error, "message").or_else(|| error.as_str().map(str::to_owned));
        (message, text_field(error, "code").or_else(|| text_field(error, "type")))
    }
}

fn text_field(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The body of a line's response.
pub(crate) fn body(line: &str) -> Option<&RawValue> {
    let parts: Line<'_> = serde_json::from_str(line).ok()?;
    serde_json::from_str::<Response<'_>>(parts.response?.get()).ok()?.body
}

/// A line as text.
pub(crate) fn text(line: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(line).map_err(|error| Unreadable {
        why: error.to_string(),
        line: shortened(&String::from_utf8_lossy(line)),
    })
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a result cannot be read: {}: {}", self.why, self.line)
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(rest: &str) -> Kind {
        Verdict::read(&format!(r#"{{"id":"x","custom_id":"a",{rest}}}"#)).unwrap().kind
    }

    #[test]
    fn status_and_error_decide_together() {
        let response =
            |status: &str| format!(r#""response":{{"status_code":{status},"body":{{}}}},"error":null"#);
        for (status, expected) in [
            ("200", Kind::Succeeded),
            ("201", Kind::Succeeded),
            ("\"200\"", Kind::Succeeded),
            ("400", Kind::Failed),
            ("404", Kind::Failed),
            ("301", Kind::Failed),
            ("429", Kind::FailedForNow),
            ("408", Kind::FailedForNow),
            ("500", Kind::FailedForNow),
            ("0", Kind::FailedForNow),
            ("null", Kind::FailedForNow),
        ] {
            assert_eq!(kind(&response(status)), expected, "{status}");
        }
        let error = |code: &str| format!(r#""response":null,"error":{{"code":"{code}","message":"m"}}"#);
        assert_eq!(kind(&error("batch_expired")), Kind::Expired);
        assert_eq!(kind(&error("batch_cancelled")), Kind::Cancelled);
        assert_eq!(kind(&error("request_timeout")), Kind::FailedForNow);
        assert_eq!(kind(&error("anything")), Kind::Failed);
        assert_eq!(kind(r#""response":{"status_code":200,"body":{}},"error":{"code":"x"}"#), Kind::Failed);
        assert_eq!(kind(r#""response":{"status_code":200,"body":{}},"error":{}"#), Kind::Succeeded);
        assert_eq!(kind(r#""response":{"status_code":200,"body":{}}"#), Kind::Succeeded);
        assert_eq!(kind(r#""response":null,"error":null"#), Kind::FailedForNow);
        let quota = r#""response":{"status_code":429,"body":{"error":{"code":"insufficient_quota"}}}"#;
        assert_eq!(kind(quota), Kind::Failed);
    }

    #[test]
    fn a_failure_says_what_it_was() {
        let line = r#"{"custom_id":"a","response":{"status_code":400,"body":{"error":
            {"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}},"error":null}"#;
        let expected = Fate::Failed {
            status: Some(400),
            code: Some("context_length_exceeded".to_owned()),
            message: "too long".to_owned(),
        };
        assert_eq!(Verdict::read(line).unwrap().fate(), expected);
    }

    #[test]
    fn names_are_joined_whatever_became_of_their_form() {
        let name = |text: &str| {
            Verdict::read(&format!(r#"{{"custom_id":{text}}}"#)).map(|v| v.custom_id.into_owned())
        };
        assert_eq!(name(r#""\u00e9""#).unwrap(), "é");
        assert_eq!(name("17").unwrap(), "17");
        assert!(name("null").is_err() && name("{}").is_err());
        assert!(Verdict::read("{}").is_err() && Verdict::read("[1").is_err());
    }
}
