//! Limits in a time: what answers of the inference endpoints tell of them, and what a request is told that came too early.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use batchmock_client::types::ErrorBody;

use super::ApiError;
use crate::quota::{Exceeded, Level, Rate, limit_name};
use crate::sim::Timestamp;
use crate::world::{AccountIds, CallLimits, RateLimit, RateLimited};

/// How many requests and tokens a minute an account may use whose quotas do not say: recorded of one account and model (net
/// 2026-02). Nothing is counted then; each answer is told as if it were the first of its minute.
const REQUESTS_A_MINUTE: u64 = 30_000;
const TOKENS_A_MINUTE: u64 = 150_000_000;

/// The rate limits, as answers of the inference endpoints tell them (F-009), for a call of so many tokens.
pub(super) fn headers(tokens: u64, left: CallLimits) -> [(HeaderName, HeaderValue); 6] {
    let first = |n, limit| {
        let rate = Rate { limit, period: Duration::from_mins(1) };
        Level::after(n, rate, Timestamp::from_unix_millis(0))
    };
    let requests = left.requests.unwrap_or_else(|| first(1, REQUESTS_A_MINUTE));
    let tokens = left.tokens.unwrap_or_else(|| first(tokens, TOKENS_A_MINUTE));
    [
        (HeaderName::from_static("x-ratelimit-limit-requests"), requests.limit.into()),
        (HeaderName::from_static("x-ratelimit-limit-tokens"), tokens.limit.into()),
        (HeaderName::from_static("x-ratelimit-remaining-requests"), requests.remaining().into()),
        (HeaderName::from_static("x-ratelimit-remaining-tokens"), tokens.remaining().into()),
        (HeaderName::from_static("x-ratelimit-reset-requests"), time(requests.resets_in)),
        (HeaderName::from_static("x-ratelimit-reset-tokens"), time(tokens.resets_in)),
    ]
}

impl ApiError {
    /// A request that came too early: 429, and when it may come again (F-035, F-037). Calls are told the limits as well
    /// (assumed, as is the text for batches and uploads).
    pub(super) fn rate_limited(limited: &RateLimited, account: &AccountIds) -> Self {
        let RateLimited { of, exceeded } = limited;
        let (kind, left) = match of {
            RateLimit::CallTokens { left, .. } => ("tokens", Some(left)),
            RateLimit::Calls { left, .. } => ("requests", Some(left)),
            RateLimit::Creations | RateLimit::Uploads => ("requests", None),
        };
        let mut headers = HeaderMap::new();
        if let Some(left) = left {
            headers.extend(self::headers(0, **left));
        }
        if let Some(free_in) = exceeded.free_in {
            let seconds = free_in.as_millis().div_ceil(1_000).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        let error = ErrorBody {
            message: message(of, exceeded, account),
            kind: kind.to_owned(),
            param: None,
            code: Some("rate_limit_exceeded".to_owned()),
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, error).with_headers(headers)
    }
}

fn message(of: &RateLimit, exceeded: &Exceeded, account: &AccountIds) -> String {
    const MORE: &str = "Visit https://platform.openai.com/account/rate-limits to learn more.";
    let Exceeded { limit, used, requested, free_in } = exceeded;
    let AccountIds { organization_id, project_id } = account;
    // Where a model shares the limit of another, that one is named as well (reports of 2026-03).
    let named = |model: &str| match limit_name(model) {
        name if name == model => model.to_owned(),
        name => format!("{model} (for limit {name})"),
    };
    let (what, per) = match of {
        RateLimit::Calls { model, .. } => (named(model), "requests per min (RPM)"),
        RateLimit::CallTokens { model, .. } => (named(model), "tokens per min (TPM)"),
        RateLimit::Creations => ("batches".to_owned(), "creations per hour"),
        RateLimit::Uploads => ("files".to_owned(), "uploads per min"),
    };
    match (of, free_in) {
        // Quoted by users since 2024.
        (RateLimit::CallTokens { .. }, None) => format!(
            "Request too large for {what} in organization {organization_id} on {per}: Limit {limit}, Requested \
             {requested}. The input or output tokens must be reduced in order to run successfully. {MORE}"
        ),
        (_, free_in) => {
            let again = free_in
                .map(|free_in| format!("Please try again in {}. ", in_words(free_in)))
                .unwrap_or_default();
            format!(
                "Rate limit reached for {what} in project {project_id} organization {organization_id} on {per}: Limit \
                 {limit}, Used {used}, Requested {requested}. {again}{MORE}"
            )
        }
    }
}

fn time(time: Duration) -> HeaderValue {
    HeaderValue::from_str(&in_words(time)).expect("numbers and letters are ASCII")
}

/// `0s`, `6ms`, `1.146s`, `20s`, `6m0s`, `1h0m3.6s`
fn in_words(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0 => return "0s".to_owned(),
        1..1_000 => return format!("{millis}ms"),
        _ => {}
    }
    let (minutes, millis) = (millis / 60_000, millis % 60_000);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let fraction = format!("{:03}", millis % 1_000);
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    let seconds = format!("{}{fraction}s", millis / 1_000);
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_the_service_tells_them() {
        let told = [0, 6, 999, 1_000, 1_146, 20_000, 60_000, 61_500, 3_603_600]
            .map(|millis| in_words(Duration::from_millis(millis)));
        assert_eq!(told, ["0s", "6ms", "999ms", "1s", "1.146s", "20s", "1m0s", "1m1.5s", "1h0m3.6s"]);
    }
}
