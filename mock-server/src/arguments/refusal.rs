//! The service's refusals of a request, in its own words.
//!
//! Two wordings are in use. Chat completions, responses, images and videos name the parameter and a code;
//! completions and embeddings speak JSON Schema, with neither. Where no source is given, the text is
//! remembered and counts as assumed. "Observed 2026-08" stands for ix:61511184616 and "observed 2026-09" for
//! ix:69137752102: two test suites of other servers that state what the service was measured to answer.

use batchmock_client::types::ErrorBody;

use super::json::Node;

/// What an endpoint answers instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the HTTP answer.
    pub status: u16,
    /// What is wrong.
    pub error: ErrorBody,
}

impl Refusal {
    /// A 400 in these words, without param and code.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, error: ErrorBody::invalid_request(message) }
    }

    /// A 400 in these words about a parameter, without code.
    pub fn about(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, error: ErrorBody::invalid_request(message).with_param(param) }
    }

    /// A field that the older endpoints do not know (F-031).
    ///
    /// Several are named in alphabetical order (observed 2023: langchain-ai/langchain#8593).
    pub fn unrecognized(names: &mut [&str]) -> Self {
        names.sort_unstable();
        let plural = if names.len() > 1 { "s" } else { "" };
        Self::invalid(format!("Unrecognized request argument{plural} supplied: {}", names.join(", ")))
    }

    /// A field that the newer endpoints do not know (F-030).
    pub fn unknown_parameter(param: &str) -> Self {
        Self::about(param, format!("Unknown parameter: '{param}'.")).with_code("unknown_parameter")
    }

    /// A field that is not there (F-027).
    pub fn missing(param: &str) -> Self {
        Self::about(param, format!("Missing required parameter: '{param}'."))
            .with_code("missing_required_parameter")
    }

    /// No model, on the endpoints that look for it first (observed on chat completions and embeddings, 2026-09).
    pub fn missing_model() -> Self {
        Self::invalid("you must provide a model parameter")
    }

    /// A body the endpoint cannot read (F-024), which is also what a model that is no string is.
    pub fn unparsable() -> Self {
        Self::invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using \
             your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not \
             valid JSON. If you have trouble figuring out how to fix this, please contact us through our \
             help center at help.openai.com.)",
        )
    }

    /// A value of another type than `expected`, such as `a string` (F-029).
    pub(crate) fn wrong_type(param: &str, expected: &str, got: &Node<'_>) -> Self {
        let got = type_name(got);
        Self::about(param, format!("Invalid type for '{param}': expected {expected}, but got {got} instead."))
            .with_code("invalid_type")
    }

    /// A value that is none of the supported ones (F-028).
    pub fn unsupported_choice(param: &str, got: &str, supported: &[&str]) -> Self {
        let supported = alternatives(supported, "and");
        Self::about(param, format!("Invalid value: '{got}'. Supported values are: {supported}."))
            .with_code("invalid_value")
    }

    /// A number below the range (F-032); `kind` is `integer` or `decimal`.
    pub(crate) fn below_minimum(param: &str, kind: &str, minimum: &Node<'_>, got: &Node<'_>) -> Self {
        let message = format!(
            "Invalid '{param}': {kind} below minimum value. Expected a value >= {minimum}, but got {got} instead."
        );
        Self::about(param, message).with_code(format!("{kind}_below_min_value"))
    }

    /// A number above the range (F-032); `kind` is `integer` or `decimal`.
    pub(crate) fn above_maximum(param: &str, kind: &str, maximum: &Node<'_>, got: &Node<'_>) -> Self {
        let message = format!(
            "Invalid '{param}': {kind} above maximum value. Expected a value <= {maximum}, but got {got} instead."
        );
        Self::about(param, message).with_code(format!("{kind}_above_max_value"))
    }

    /// A list with nothing in it (observed on chat completions, 2026-09).
    pub fn empty_array(param: &str) -> Self {
        let message = format!(
            "Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array \
             instead."
        );
        Self::about(param, message).with_code("empty_array")
    }

    /// A list that is too long; in the form of the others (assumed).
    pub fn long_array(param: &str, maximum: usize, got: usize) -> Self {
        let message = format!(
            "Invalid '{param}': array too long. Expected an array with maximum length {maximum}, but got an array \
             with length {got} instead."
        );
        Self::about(param, message).with_code("array_above_max_length")
    }

    /// A text with nothing in it (observed on chat completions, 2026-09).
    pub fn empty_string(param: &str) -> Self {
        let message = format!(
            "Invalid '{param}': empty string. Expected a string with minimum length 1, but got an empty \
             string instead."
        );
        Self::about(param, message).with_code("empty_string")
    }

    /// A text that is too long (observed on chat completions, 2026-08).
    pub fn long_string(param: &str, maximum: usize, got: usize) -> Self {
        let message = format!(
            "Invalid '{param}': string too long. Expected a string with maximum length {maximum}, but got a \
             string with length {got} instead."
        );
        Self::about(param, message).with_code("string_above_max_length")
    }

    /// A name that is too long, in an object that may have any; the message shows both ends of it (observed on
    /// chat completions, 2026-08).
    pub fn long_name(param: &str, object: &str, name: &str, maximum: usize, got: usize) -> Self {
        let head: String = name.chars().take(3).collect();
        let tail: String = name.chars().skip(got.saturating_sub(3)).collect();
        let message = format!(
            "Invalid property name in '{object}': '{head}...{tail}' is too long. Expected a string with maximum \
             length {maximum}, but got a string with length {got} instead."
        );
        Self::about(param, message).with_code("property_name_above_max_length")
    }

    /// A parameter this model does not take; `advice` may follow (observed on chat completions, 2026-08).
    pub fn unsupported_parameter(param: &str, advice: &str) -> Self {
        Self::about(
            param,
            format!("Unsupported parameter: '{param}' is not supported with this model.{advice}"),
        )
        .with_code("unsupported_parameter")
    }

    /// A model nobody has: 404, as chat completions, embeddings and responses word it.
    pub fn unknown_model(model: &str) -> Self {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        Self { status: 404, error: ErrorBody::invalid_request(message).with_code("model_not_found") }
    }

    /// The same refusal, with a code.
    pub(crate) fn with_code(self, code: impl Into<String>) -> Self {
        Self { error: self.error.with_code(code), ..self }
    }
}

/// `'a', 'b', and 'c'`, or `'a' and 'b'`.
pub(crate) fn alternatives(names: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} {conjunction} {other}"),
        [first @ .., last] => format!("{}, {conjunction} {last}", first.join(", ")),
    }
}

/// What the service calls the type of a value, with its article.
pub(crate) fn type_name(value: &Node<'_>) -> &'static str {
    match value {
        Node::Null => "null",
        Node::Bool(_) => "a boolean",
        Node::Number(number) if number.is_f64() => "a decimal number",
        Node::Number(_) => "an integer",
        Node::String(_) => "a string",
        Node::Array(_) => "an array",
        Node::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_speak_the_words_of_the_service() {
        let messages: Vec<String> = [
            Refusal::unrecognized(&mut ["batch_requests"]),
            Refusal::unrecognized(&mut ["functions", "function_call"]),
            Refusal::unknown_parameter("quality"),
            Refusal::missing("input_file_id"),
            Refusal::wrong_type("metadata.tags", "a string", &Node::Array(Vec::new())),
            Refusal::wrong_type("seed", "an integer", &Node::from(&json!(1.5))),
            Refusal::unsupported_choice("verbosity", "bogus", &["low", "medium", "high"]),
            Refusal::below_minimum("n", "integer", &Node::from(1), &Node::from(0)),
            Refusal::empty_array("messages"),
        ]
        .into_iter()
        .map(|refusal| {
            let error = refusal.error;
            format!("{} | {:?} | {:?}", error.message, error.param, error.code)
        })
        .collect();
        insta::assert_snapshot!(messages.join("\n"), @r#"
        Unrecognized request argument supplied: batch_requests | None | None
        Unrecognized request arguments supplied: function_call, functions | None | None
        Unknown parameter: 'quality'. | Some("quality") | Some("unknown_parameter")
        Missing required parameter: 'input_file_id'. | Some("input_file_id") | Some("missing_required_parameter")
        Invalid type for 'metadata.tags': expected a string, but got an array instead. | Some("metadata.tags") | Some("invalid_type")
        Invalid type for 'seed': expected an integer, but got a decimal number instead. | Some("seed") | Some("invalid_type")
        Invalid value: 'bogus'. Supported values are: 'low', 'medium', and 'high'. | Some("verbosity") | Some("invalid_value")
        Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead. | Some("n") | Some("integer_below_min_value")
        Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead. | Some("messages") | Some("empty_array")
        "#);
    }
}
