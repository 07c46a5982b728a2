//! One line: from bytes to the facts that are kept.

use serde_json::{Map, Value};

use super::{LineOutcome, LineRules, Problem};
use crate::arguments::{type_name, value_of};
use crate::endpoint::Endpoint;
use crate::responder::Request;

/// What is kept of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins in the file.
    pub(crate) start: u64,
    /// Its length in bytes, without the line end.
    pub(crate) len: u32,
    /// Its number in the file, counted from 1; blank lines count.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) content: LineContent,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineContent {
    /// Nothing that could be run, whatever the batch's endpoint is.
    Unusable(Problem),
    /// A request.
    Request(RequestFacts),
}

/// What is kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub(crate) struct RequestFacts {
    /// The endpoint that `url` names, if it is one.
    pub(crate) endpoint: Option<Endpoint>,
    /// Whether an earlier line has the same `custom_id`.
    pub(crate) is_duplicate: bool,
    /// `body.model`, as its place in [`Scan::models`](super::Scan::models).
    pub(crate) model: Option<u16>,
    /// Whether the answer is to be streamed.
    pub(crate) streams: bool,
    /// Whether there are `body.messages`.
    pub(crate) has_messages: bool,
    /// How many texts are to be embedded.
    pub(crate) n_inputs: u32,
    /// Whether the line's result goes to the error file: it is asked to, or the endpoint refuses its body.
    pub(crate) fails: bool,
}

/// A line as it was read, before it is reduced to facts.
pub(crate) struct Reading {
    /// The name of the request.
    pub(crate) custom_id: String,
    /// The endpoint that `url` names, if it is one.
    pub(crate) endpoint: Option<Endpoint>,
    /// The request.
    pub(crate) body: Map<String, Value>,
}

impl Reading {
    /// Reads a line.
    ///
    /// A repeated key counts with its last value, as the most common JSON readers have it (assumed).
    ///
    /// # Errors
    ///
    /// The first problem, in the order in which a request names its fields.
    pub(crate) fn new(line: &str) -> Result<Self, Problem> {
        let mut fields: Map<String, Value> = serde_json::from_str(line).map_err(|_| Problem::NotJson)?;
        let custom_id = text(&mut fields, "custom_id")?;
        let method = text(&mut fields, "method")?;
        let url = text(&mut fields, "url")?;
        let body = present(&mut fields, "body")?;
        let Value::Object(body) = body else { return Err(wrong_type("body", "an object", &body)) };
        if method != "POST" {
            return Err(Problem::InvalidMethod(method));
        }
        Ok(Self { custom_id, endpoint: Endpoint::from_path(&url), body })
    }

    /// The model that the body names.
    pub(crate) fn model(&self) -> Option<&str> {
        value_of(&self.body, "model").and_then(Value::as_str)
    }

    /// How the line is asked to end.
    pub(crate) fn outcome(&self, rules: &LineRules) -> LineOutcome {
        rules.outcome(&self.custom_id, self.model())
    }

    /// What is kept of it.
    pub(crate) fn facts(&self, rules: &LineRules, model: Option<u16>, is_duplicate: bool) -> RequestFacts {
        let request = self.endpoint.map(|endpoint| Request::parse(endpoint, &self.body));
        RequestFacts {
            endpoint: self.endpoint,
            is_duplicate,
            model,
            streams: value_of(&self.body, "stream") == Some(&Value::Bool(true)),
            has_messages: value_of(&self.body, "messages").is_some_and(|messages| !messages.is_null()),
            n_inputs: match value_of(&self.body, "input") {
                // A list of numbers is one text, given as tokens.
                Some(Value::Array(inputs)) if !inputs.iter().all(Value::is_number) => {
                    u32::try_from(inputs.len()).unwrap_or(u32::MAX)
                }
                _ => 1,
            },
            fails: self.outcome(rules).fails() || request.is_some_and(|request| request.is_err()),
        }
    }
}

fn present(fields: &mut Map<String, Value>, field: &'static str) -> Result<Value, Problem> {
    match fields.iter_mut().find(|(name, _)| *name == field) {
        None | Some((_, Value::Null)) => Err(Problem::Missing(field)),
        Some((_, value)) => Ok(value.take()),
    }
}

fn text(fields: &mut Map<String, Value>, field: &'static str) -> Result<String, Problem> {
    let value = present(fields, field)?;
    let Value::String(text) = value else { return Err(wrong_type(field, "a string", &value)) };
    Ok(text)
}

fn wrong_type(field: &'static str, expected: &'static str, found: &Value) -> Problem {
    Problem::WrongType { field, expected, found: type_name(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &str) -> Problem {
        match Reading::new(line) {
            Ok(_) => panic!("the line is good"),
            Err(problem) => problem,
        }
    }

    #[test]
    fn a_request_is_read() {
        let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m"}}"#;
        let Ok(reading) = Reading::new(line) else { panic!("the line is bad") };
        assert_eq!(reading.custom_id, "a");
        assert_eq!(reading.endpoint, Some(Endpoint::Embeddings));
        assert_eq!(reading.model(), Some("m"));
    }

    #[test]
    fn each_missing_field_is_named() {
        let fields = [("custom_id", "\"a\""), ("method", "\"POST\""), ("url", "\"/v1/x\""), ("body", "{}")];
        for (missing, _) in fields {
            let others: Vec<_> = fields
                .iter()
                .filter(|(field, _)| *field != missing)
                .map(|(field, value)| format!("\"{field}\": {value}"))
                .collect();
            assert_eq!(problem(&format!("{{{}}}", others.join(", "))), Problem::Missing(missing));
        }
    }

    #[test]
    fn what_is_no_object_is_no_json_line() {
        for line in ["", "[]", "1", "\"text\"", "{", "{} {}", "{\"a\": }", "nul"] {
            assert_eq!(problem(line), Problem::NotJson, "{line}");
        }
    }

    #[test]
    fn wrong_types_are_named_with_what_would_be_right() {
        assert_eq!(
            problem(r#"{"custom_id": 7}"#).message(),
            "Invalid type for 'custom_id': expected a string, but got an integer instead."
        );
        let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/x", "body": []}"#;
        assert_eq!(
            problem(line).message(),
            "Invalid type for 'body': expected an object, but got an array instead."
        );
    }

    #[test]
    fn only_post_will_do() {
        let line = r#"{"custom_id": "a", "method": "GET", "url": "/v1/x", "body": {}}"#;
        assert_eq!(problem(line), Problem::InvalidMethod("GET".to_owned()));
    }
}
