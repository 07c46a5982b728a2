//! Talking to a running mock.

use std::time::Duration;

use batchmock::DEFAULT_KEY;
use clap::Args;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::exit::Failure;

/// Which mock, and which world in it.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// The base URL of the mock, as clients use it.
    #[arg(
        long,
        global = true,
        help_heading = "Mock",
        env = "OPENAI_BASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = DEFAULT_BASE_URL,
        value_parser = url_of_a_mock
    )]
    pub(super) base_url: String,

    /// The key whose world is meant.
    #[arg(
        long,
        global = true,
        help_heading = "Mock",
        env = "OPENAI_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        default_value = DEFAULT_KEY
    )]
    pub(super) api_key: String,
}

/// The base URL of a mock that was started without flags.
pub(super) const DEFAULT_BASE_URL: &str = "http://127.0.0.1:7420/v1";

/// How long a mock may take to answer.
const ANSWERS_IN: Duration = Duration::from_secs(30);

impl TargetArgs {
    /// Asks the control API for something.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer_of(request.timeout(ANSWERS_IN)).await
    }

    /// Asks the control API for something by a query, and waits for the answer so much longer than usual.
    pub(super) async fn ask_by_query(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        patience: Duration,
    ) -> Result<Value, Failure> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let request = self.request(method, &format!("{path}?{query}"))?;
        self.answer_of(request.timeout(ANSWERS_IN + patience)).await
    }

    async fn answer_of(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let answer = self.answer(request).await?;
        let status = answer.status();
        answer.json().await.map_err(|_| self.something_else(status))
    }

    /// Sends a request, and gives an answer that is no refusal.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.send().await.map_err(|error| self.nobody(&reason(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let refusal: Value = answer.json().await.map_err(|_| self.something_else(status))?;
        match refusal["error"]["message"].as_str() {
            Some(message) => Err(Failure::refused(message)),
            None => Err(self.something_else(status)),
        }
    }

    fn something_else(&self, status: StatusCode) -> Failure {
        self.nobody(&format!("what answers with {status} is something else"))
    }

    fn nobody(&self, why: &str) -> Failure {
        Failure::unreachable(format!(
            "no batchmock answers at {}: {why}; start one with `batchmock`, or name another with --base-url",
            self.base_url
        ))
    }

    /// A request to the control API of the same server, which may take as long as it takes.
    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        Failure::unless_printable("--api-key", &self.api_key)?;
        let server = self.base_url.trim_end_matches('/');
        let server = server.strip_suffix("/v1").unwrap_or(server);
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| Failure::internal(format!("cannot make requests: {error}")))?;
        Ok(client.request(method, format!("{server}/_mock/v1{path}")).bearer_auth(&self.api_key))
    }
}

/// Only what speaks plain HTTP can be a mock: no key of the environment is ever sent to the real service.
fn url_of_a_mock(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://") {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("that is no mock; its URL is one like `{DEFAULT_BASE_URL}`")),
    }
}

/// What stands at the end of a chain of errors: the cause that a user can do something about.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::serve::{DEFAULT_PORT, base_url};
    use super::*;

    #[test]
    fn the_default_is_where_a_mock_listens_by_default() {
        assert_eq!(base_url((std::net::Ipv4Addr::LOCALHOST, DEFAULT_PORT).into()), DEFAULT_BASE_URL);
    }
}
