//! Errors that have a name: what the service says when it is busy, or broken.

use std::time::Duration;

use batchmock_client::types::ErrorBody;

/// An error that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorPreset {
    /// 429, too many requests a minute. F-035 has the words for tokens; those for requests, and the numbers, are
    /// assumed.
    RateLimitRequests,
    /// 429, too many tokens a minute (F-035).
    RateLimitTokens,
    /// 429, nothing is left to pay with (F-036).
    InsufficientQuota,
    /// 500 (F-038).
    ServerError,
    /// 500, in the newer words (F-038).
    ServerErrorRetry,
    /// 503 (F-039, assumed).
    Overloaded,
    /// 502 of the edge, in HTML (F-039, assumed).
    BadGateway,
    /// 504 of the edge, in HTML (F-039, assumed).
    GatewayTimeout,
}

/// Who is told of an error, and what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'t> {
    pub(crate) organization_id: &'t str,
    pub(crate) project_id: &'t str,
    /// How long the client is told to wait, if it is.
    pub(crate) wait: Option<Duration>,
    /// An id for the words that have one.
    pub(crate) request_id: &'t str,
}

/// What the body of an error is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PresetBody {
    /// An error of the API.
    Error(ErrorBody),
    /// A page of the edge.
    Html(String),
}

impl ErrorPreset {
    /// Every error, in the order of the documentation.
    pub(crate) const ALL: [Self; 8] = [
        Self::RateLimitRequests,
        Self::RateLimitTokens,
        Self::InsufficientQuota,
        Self::ServerError,
        Self::ServerErrorRetry,
        Self::Overloaded,
        Self::BadGateway,
        Self::GatewayTimeout,
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RateLimitRequests => "rate_limit_requests",
            Self::RateLimitTokens => "rate_limit_tokens",
            Self::InsufficientQuota => "insufficient_quota",
            Self::ServerError => "server_error",
            Self::ServerErrorRetry => "server_error_retry",
            Self::Overloaded => "overloaded",
            Self::BadGateway => "bad_gateway",
            Self::GatewayTimeout => "gateway_timeout",
        }
    }

    /// Its status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::RateLimitRequests | Self::RateLimitTokens | Self::InsufficientQuota => 429,
            Self::ServerError | Self::ServerErrorRetry => 500,
            Self::BadGateway => 502,
            Self::Overloaded => 503,
            Self::GatewayTimeout => 504,
        }
    }

    /// What it says.
    pub(crate) fn body(self, told: &Told<'_>) -> PresetBody {
        let error = |kind: &str, code: Option<&str>, message: String| {
            PresetBody::Error(ErrorBody {
                message,
                kind: kind.to_owned(),
                param: None,
                code: code.map(str::to_owned),
            })
        };
        match self {
            Self::RateLimitRequests => {
                let said = told.rate_limit("requests per min (RPM): Limit 500, Used 500, Requested 1", 120);
                error("requests", Some("rate_limit_exceeded"), said)
            }
            Self::RateLimitTokens => {
                let said =
                    told.rate_limit("tokens per min (TPM): Limit 50000, Used 47949, Requested 3006", 1146);
                error("tokens", Some("rate_limit_exceeded"), said)
            }
            Self::InsufficientQuota => PresetBody::Error(crate::answers::quota_exceeded()),
            Self::ServerError => error(
                "server_error",
                None,
                "The server had an error while processing your request. Sorry about that!".to_owned(),
            ),
            Self::ServerErrorRetry => error(
                "server_error",
                None,
                format!(
                    "An error occurred while processing your request. You can retry your request, or contact us \
                     through our help center at help.openai.com if the error persists. Please include the request \
                     ID {} in your message",
                    told.request_id
                ),
            ),
            Self::Overloaded => error(
                "server_error",
                None,
                "The engine is currently overloaded, please try again later".to_owned(),
            ),
            Self::BadGateway => PresetBody::Html(page("502 Bad Gateway")),
            Self::GatewayTimeout => PresetBody::Html(page("504 Gateway Time-out")),
        }
    }
}

impl Told<'_> {
    /// F-035. The model is that of the recording: most requests that are counted here name none.
    fn rate_limit(&self, limit: &str, usual_wait_ms: u64) -> String {
        let Self { organization_id, project_id, wait, request_id: _ } = self;
        let wait = wait.unwrap_or(Duration::from_millis(usual_wait_ms));
        let wait = match wait.as_millis() {
            millis @ ..1000 => format!("{millis}ms"),
            _ => format!("{}s", wait.as_secs_f64()),
        };
        format!(
            "Rate limit reached for gpt-4o-mini in project {project_id} organization {organization_id} on {limit}. \
             Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to learn more."
        )
    }
}

/// The page that the edge shows when what is behind it fails: assumed.
fn page(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// What is usually said with a status that a rule asks for without a body. What no source has is ours.
pub(crate) fn usual(status: u16, told: &Told<'_>) -> ErrorBody {
    let preset = match status {
        429 => Some(ErrorPreset::RateLimitRequests),
        503 => Some(ErrorPreset::Overloaded),
        500..=599 => Some(ErrorPreset::ServerError),
        _ => None,
    };
    match preset.map(|preset| preset.body(told)) {
        Some(PresetBody::Error(error)) => error,
        Some(PresetBody::Html(_)) | None => {
            ErrorBody::invalid_request(format!("The request failed with status {status}."))
        }
    }
}
