//! What validation can find, in the service's words.
//!
//! Section 8 of the facts; where a text was never captured, the doc of the variant says "assumed".

use crate::endpoint::Endpoint;
use crate::switches::UrlProblem;

/// What is wrong with a line, or with the input as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The line is no JSON object (F-300).
    NotJson,
    /// A field is missing or null (F-301).
    Missing(&'static str),
    /// A field has the wrong type; in the form of F-029 (assumed for lines).
    WrongType { field: &'static str, expected: &'static str, found: &'static str },
    /// `method` is not `POST` (F-311; text assumed, in the form of F-028).
    InvalidMethod(String),
    /// `url` is not the batch's endpoint (F-305).
    InvalidUrl,
    /// Another line has the same `custom_id` (F-302).
    DuplicateCustomId,
    /// The line wants its answer streamed (F-306); for other endpoints than chat completions the name at
    /// the beginning is assumed.
    Streams(Endpoint),
    /// There is no `body.model` (F-307).
    NoModel,
    /// There are no `body.messages` (F-308).
    NoMessages,
    /// The model does not exist (F-304).
    UnknownModel(String),
    /// The model is not that of the first line (F-303; text assumed).
    MismatchedModel(String),
    /// There is no line at all (F-311; code and text assumed).
    Empty,
    /// There are more lines than a batch may have (F-239, F-311; code and text assumed).
    TooManyLines { limit: u32 },
    /// The lines have more embedding inputs than a batch may have (F-239, F-311; code and text assumed).
    TooManyInputs { limit: u32 },
    /// The input file does not exist, no longer exists or is another account's (F-309).
    CannotFindFile { file_id: String, organization_id: String },
    /// More tokens of this model would wait than may (F-310).
    TooManyTokensEnqueued { model: String, organization_id: String, limit: u64 },
    /// More requests to this model would wait than may (text quoted by a user in 2024-11; code assumed to be that of
    /// tokens).
    TooManyRequestsEnqueued { model: String, organization_id: String, limit: u64 },
    /// What the user of the mock wrote when forcing the batch to fail.
    Scripted { code: String, message: String, param: Option<String> },
}

impl Problem {
    /// The short name on the wire.
    pub(crate) fn code(&self, url_problem: UrlProblem) -> &str {
        match self {
            Self::NotJson => "invalid_json_line",
            Self::Missing(_) => "missing_required_parameter",
            Self::WrongType { .. } => "invalid_type",
            Self::InvalidMethod(_) => "invalid_method",
            Self::InvalidUrl => match url_problem {
                UrlProblem::InvalidUrl => "invalid_url",
                UrlProblem::UrlMismatch => "url_mismatch",
            },
            Self::DuplicateCustomId => "duplicate_custom_id",
            Self::Streams(_) => "streaming_unsupported",
            Self::NoModel | Self::NoMessages | Self::CannotFindFile { .. } => "invalid_request",
            Self::UnknownModel(_) => "model_not_found",
            Self::MismatchedModel(_) => "mismatched_model",
            Self::Empty => "empty_file",
            Self::TooManyLines { .. } => "too_many_tasks",
            Self::TooManyInputs { .. } => "too_many_inputs",
            Self::TooManyTokensEnqueued { .. } | Self::TooManyRequestsEnqueued { .. } => {
                "token_limit_exceeded"
            }
            Self::Scripted { code, .. } => code,
        }
    }

    /// The sentence on the wire.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotJson => "This line is not parseable as valid JSON.".to_owned(),
            Self::Missing(field) => format!("Missing required parameter: '{field}'."),
            Self::WrongType { field, expected, found } => {
                format!("Invalid type for '{field}': expected {expected}, but got {found} instead.")
            }
            Self::InvalidMethod(method) => {
                format!("Invalid value: '{method}'. Supported values are: 'POST'.")
            }
            Self::InvalidUrl => {
                "The URL provided for this request does not match the batch endpoint.".to_owned()
            }
            Self::DuplicateCustomId => "The custom_id for this request is a duplicate of another request. \
                 The custom_id parameter must be unique for each request in a batch."
                .to_owned(),
            Self::Streams(endpoint) => {
                let name = match endpoint {
                    Endpoint::ChatCompletions => "Chat Completions",
                    Endpoint::Completions => "Completions",
                    Endpoint::Embeddings => "Embeddings",
                    Endpoint::Responses => "Responses",
                    Endpoint::Moderations => "Moderations",
                    Endpoint::ImagesGenerations | Endpoint::ImagesEdits => "Images",
                    Endpoint::Videos => "Videos",
                };
                format!("{name}: Streaming is not supported in the Batch API.")
            }
            Self::NoModel => "Model parameter is required.".to_owned(),
            Self::NoMessages => "Messages parameter is required.".to_owned(),
            Self::UnknownModel(model) => {
                format!("The provided model '{model}' is not supported by the Batch API.")
            }
            Self::MismatchedModel(model) => format!(
                "The model '{model}' for this request does not match the rest of the batch. \
                 Each batch must contain requests for a single model."
            ),
            Self::Empty => "The input file is empty.".to_owned(),
            Self::TooManyLines { limit } => {
                format!("The input file has too many requests. A batch may contain up to {limit} requests.")
            }
            Self::TooManyInputs { limit } => format!(
                "The input file has too many embedding inputs. A batch may contain up to {limit} embedding \
                 inputs across all its requests."
            ),
            Self::CannotFindFile { file_id, organization_id } => {
                format!(
                    "Cannot find file {file_id}, or organization {organization_id} does not have access to it."
                )
            }
            Self::TooManyTokensEnqueued { model, organization_id, limit } => {
                queue_is_full("token", model, organization_id, *limit)
            }
            Self::TooManyRequestsEnqueued { model, organization_id, limit } => {
                queue_is_full("request", model, organization_id, *limit)
            }
            Self::Scripted { message, .. } => message.clone(),
        }
    }

    /// The field at fault.
    pub(crate) fn param(&self) -> Option<&str> {
        match self {
            Self::NotJson
            | Self::Empty
            | Self::TooManyLines { .. }
            | Self::TooManyInputs { .. }
            | Self::TooManyTokensEnqueued { .. }
            | Self::TooManyRequestsEnqueued { .. } => None,
            Self::Missing(field) | Self::WrongType { field, .. } => Some(field),
            Self::InvalidMethod(_) => Some("method"),
            Self::InvalidUrl => Some("url"),
            Self::DuplicateCustomId => Some("custom_id"),
            Self::Streams(_) => Some("body.stream"),
            Self::NoModel | Self::UnknownModel(_) | Self::MismatchedModel(_) => Some("body.model"),
            Self::NoMessages => Some("body.messages"),
            Self::CannotFindFile { .. } => Some("file_id"),
            Self::Scripted { param, .. } => param.as_deref(),
        }
    }
}

fn queue_is_full(of: &str, model: &str, organization_id: &str, limit: u64) -> String {
    format!(
        "Enqueued {of} limit reached for {model} in organization {organization_id}. Limit: {} enqueued {of}s. Please \
         try again once some in_progress batches have been completed.",
        with_commas(limit)
    )
}

/// `2,000,000`
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let begins_group = |place: usize| place > 0 && (digits.len() - place).is_multiple_of(3);
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if begins_group(place) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_digit_from_the_end_has_a_comma_before_it() {
        let texts = [0, 999, 1_000, 90_000, 2_000_000].map(with_commas);
        assert_eq!(texts, ["0", "999", "1,000", "90,000", "2,000,000"]);
    }
}
