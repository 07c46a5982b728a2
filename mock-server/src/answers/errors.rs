//! What the service says with an error: of the outcomes that have a name, and of any status.

use batchmock_client::types::{ErrorBody, LineError};
use rand::Rng;

use crate::endpoint::Endpoint;
use crate::ids;
use crate::switches::{LineRequestId, ServerErrorText};

/// Who is told of an error, and about what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorSource<'e> {
    /// The model as the request names it.
    pub(crate) model: Option<&'e str>,
    /// Where the request goes.
    pub(crate) endpoint: Endpoint,
    pub(crate) organization_id: &'e str,
    pub(crate) project_id: &'e str,
    pub(crate) server_error_text: ServerErrorText,
}

impl ErrorSource<'_> {
    /// The error that comes with a status. For those of 400, 429, 500 and 503 there are sources; that lines have
    /// others, and what they say, is assumed.
    pub(crate) fn usual(&self, status: u16, rng: &mut impl Rng) -> ErrorBody {
        let model = self.model.unwrap_or("the model");
        match status {
            400 => self.context_length_exceeded(),
            401 => ErrorBody::invalid_request("Incorrect API key provided.").with_code("invalid_api_key"),
            403 => ErrorBody {
                kind: "request_forbidden".to_owned(),
                ..ErrorBody::invalid_request("Country, region, or territory not supported")
                    .with_code("unsupported_country_region_territory")
            },
            404 => ErrorBody::invalid_request(format!(
                "The model `{model}` does not exist or you do not have access to it."
            ))
            .with_code("model_not_found"),
            429 => self.rate_limit_reached(),
            // F-039.
            503 => of_server("The engine is currently overloaded, please try again later".to_owned()),
            500..=599 => self.server_error(rng),
            _ => ErrorBody::invalid_request(format!("The request failed with status {status}.")),
        }
    }

    /// F-356; the numbers are made up.
    pub(crate) fn context_length_exceeded(&self) -> ErrorBody {
        ErrorBody::invalid_request(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 \
             tokens. Please reduce the length of the messages.",
        )
        .with_param(prompt_param(self.endpoint))
        .with_code("context_length_exceeded")
    }

    /// F-035; the numbers are made up. That a line is refused in these words is assumed.
    pub(crate) fn rate_limit_reached(&self) -> ErrorBody {
        let Self { model, organization_id, project_id, .. } = self;
        let model = model.unwrap_or("the model");
        ErrorBody {
            message: format!(
                "Rate limit reached for {model} in project {project_id} organization {organization_id} on tokens per \
                 min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s. Visit \
                 https://platform.openai.com/account/rate-limits to learn more."
            ),
            kind: "tokens".to_owned(),
            param: None,
            code: Some("rate_limit_exceeded".to_owned()),
        }
    }

    /// F-363, F-364. That the longer text has the same type, param and code is assumed.
    pub(crate) fn server_error(&self, rng: &mut impl Rng) -> ErrorBody {
        of_server(match self.server_error_text {
            ServerErrorText::Sorry => {
                "The server had an error while processing your request. Sorry about that!".to_owned()
            }
            ServerErrorText::Retry => format!(
                "An error occurred while processing your request. You can retry your request, or contact us \
                 through our help center at help.openai.com if the error persists. Please include the request \
                 ID {} in your message",
                ids::line_request(LineRequestId::Uuid, rng)
            ),
        })
    }
}

/// F-359: the text is assumed.
pub(crate) fn request_timeout() -> LineError {
    LineError {
        code: "request_timeout".to_owned(),
        message: "This request timed out before it was completed.".to_owned(),
    }
}

/// Nothing was recorded of a request; the text is ours.
pub(crate) fn no_recording(custom_id: &str) -> ErrorBody {
    let what = if custom_id.is_empty() { "this call".to_owned() } else { format!("the line '{custom_id}'") };
    ErrorBody {
        message: format!("batchmock has no recorded answer for {what}."),
        kind: "batchmock_error".to_owned(),
        param: None,
        code: Some("no_recording".to_owned()),
    }
}

/// F-036, seen in an error file in 2025 (F-356).
pub(crate) fn quota_exceeded() -> ErrorBody {
    ErrorBody {
        message: "You exceeded your current quota, please check your plan and billing details. For more \
                  information on this error, read the docs: \
                  https://platform.openai.com/docs/guides/error-codes/api-errors."
            .to_owned(),
        kind: "insufficient_quota".to_owned(),
        param: None,
        code: Some("insufficient_quota".to_owned()),
    }
}

/// The parameter that holds the prompt.
fn prompt_param(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => "messages",
        Endpoint::Embeddings | Endpoint::Responses | Endpoint::Moderations => "input",
        Endpoint::Completions | Endpoint::ImagesGenerations | Endpoint::ImagesEdits | Endpoint::Videos => {
            "prompt"
        }
    }
}

fn of_server(message: String) -> ErrorBody {
    ErrorBody { kind: "server_error".to_owned(), ..ErrorBody::invalid_request(message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Seed;

    #[test]
    fn each_status_has_an_error() {
        let source = ErrorSource {
            model: Some("gpt-4o"),
            endpoint: Endpoint::Responses,
            organization_id: "org-a",
            project_id: "proj_a",
            server_error_text: ServerErrorText::Sorry,
        };
        let mut rng = Seed::new(1).rng();
        let told = [400, 401, 403, 404, 409, 422, 429, 500, 503, 520].map(|status| {
            let ErrorBody { message, kind, param, code } = source.usual(status, &mut rng);
            let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
            format!("{status} {kind} {} {}: {message}", or_null(param), or_null(code))
        });
        insta::assert_snapshot!(told.join("\n"));
    }
}
