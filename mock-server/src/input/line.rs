//! One line: from bytes to the facts that are kept.

use std::borrow::Cow;

use super::Problem;
use crate::arguments::{Node, Object, Refusal, type_name};
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

/// What is kept of a request, beside what [`Digests`](super::Digests) hold of it.
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
    /// Whether the endpoint refuses the body.
    pub(crate) is_refused: bool,
    /// The place of its digest, if there is one.
    pub(crate) digest: Option<u32>,
}

/// A line as it was read, before it is reduced to facts.
pub(crate) struct Reading<'l> {
    /// The name of the request.
    pub(crate) custom_id: Cow<'l, str>,
    /// The endpoint that `url` names, if it is one.
    pub(crate) endpoint: Option<Endpoint>,
    /// The request.
    pub(crate) body: Object<'l>,
}

impl<'l> Reading<'l> {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// The first problem, in the order in which a request names its fields.
    pub(crate) fn new(line: &'l str) -> Result<Self, Problem> {
        let mut fields: Object<'l> = serde_json::from_str(line).map_err(|_| Problem::NotJson)?;
        let custom_id = text(&mut fields, "custom_id")?;
        let method = text(&mut fields, "method")?;
        let url = text(&mut fields, "url")?;
        let body = present(&mut fields, "body")?;
        let Node::Object(body) = body else { return Err(wrong_type("body", "an object", &body)) };
        if method != "POST" {
            return Err(Problem::InvalidMethod(method.into_owned()));
        }
        Ok(Self { custom_id, endpoint: Endpoint::from_path(&url), body })
    }

    /// The model that the body names.
    pub(crate) fn model(&self) -> Option<&str> {
        self.body.get("model").and_then(Node::as_str)
    }

    /// The request, as its endpoint reads it.
    pub(crate) fn request(&self) -> Option<Result<Request, Refusal>> {
        self.endpoint.map(|endpoint| Request::read(endpoint, &self.body))
    }

    /// How many texts are to be embedded.
    pub(crate) fn n_inputs(&self) -> u32 {
        match self.body.get("input") {
            // A list of numbers is one text, given as tokens.
            Some(Node::Array(inputs)) if !inputs.iter().all(Node::is_number) => {
                u32::try_from(inputs.len()).unwrap_or(u32::MAX)
            }
            _ => 1,
        }
    }

    /// Whether the answer is to be streamed.
    pub(crate) fn streams(&self) -> bool {
        self.body.get("stream").and_then(Node::as_bool) == Some(true)
    }

    /// Whether there are messages.
    pub(crate) fn has_messages(&self) -> bool {
        self.body.get("messages").is_some_and(|messages| !messages.is_null())
    }
}

fn present<'l>(fields: &mut Object<'l>, field: &'static str) -> Result<Node<'l>, Problem> {
    match fields.take(field) {
        None | Some(Node::Null) => Err(Problem::Missing(field)),
        Some(value) => Ok(value),
    }
}

fn text<'l>(fields: &mut Object<'l>, field: &'static str) -> Result<Cow<'l, str>, Problem> {
    let value = present(fields, field)?;
    if let Node::String(text) = value { Ok(text) } else { Err(wrong_type(field, "a string", &value)) }
}

fn wrong_type(field: &'static str, expected: &'static str, found: &Node<'_>) -> Problem {
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
