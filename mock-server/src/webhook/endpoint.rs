//! Who is told.

use std::str::FromStr;

use hyper::Uri;

use super::event::WebhookEvent;
use super::secret::WebhookSecret;

/// Who is told when a batch ends: where, with which secret, and of which events.
///
/// ```
/// use batchmock::{WebhookEndpoint, WebhookEvent};
///
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// let endpoint = WebhookEndpoint::new("http://127.0.0.1:8000/hook", secret)?
///     .events([WebhookEvent::Completed, WebhookEvent::Expired]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    url: Uri,
    secret: WebhookSecret,
    /// In their own order, each once.
    events: Vec<WebhookEvent>,
}

/// Why a text is no URL to send webhooks to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhookUrlError(String);

impl WebhookEndpoint {
    /// An endpoint that is told of every event.
    ///
    /// # Errors
    ///
    /// If the URL is not one of `http` or `https` with a host and without a user or password.
    pub fn new(url: &str, secret: WebhookSecret) -> Result<Self, WebhookUrlError> {
        Ok(Self { url: read_url(url)?, secret, events: WebhookEvent::ALL.to_vec() })
    }

    /// The same endpoint, told of these events only.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = WebhookEvent>) -> Self {
        self.events = events.into_iter().collect();
        self.events.sort_unstable();
        self.events.dedup();
        self
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    /// The secret that what it is told is signed with.
    pub fn secret(&self) -> &WebhookSecret {
        &self.secret
    }

    /// What it is told of.
    pub(crate) fn hears_of(&self) -> &[WebhookEvent] {
        &self.events
    }
}

fn read_url(text: &str) -> Result<Uri, WebhookUrlError> {
    let example = "write one such as `http://127.0.0.1:8000/hook`";
    let wrong = |what: &str| WebhookUrlError(format!("`{text}` {what}; {example}"));
    let url = Uri::from_str(text).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong("does not begin with `http://` or `https://`"));
    }
    match url.authority() {
        // It may be a secret, so it is not shown again.
        Some(authority) if authority.as_str().contains('@') => Err(WebhookUrlError(format!(
            "the URL has a user or a password, which webhooks do not send; {example}"
        ))),
        Some(authority) if !authority.host().is_empty() => Ok(url),
        Some(_) | None => Err(wrong("has no host")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        read_url(text).map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        for text in ["http://127.0.0.1:8000/hook?a=b", "https://example.com/", "http://[::1]:80/"] {
            assert_eq!(url(text), Ok(text.to_owned()));
        }
        assert_eq!(url("HTTP://localhost"), Ok("http://localhost/".to_owned()));
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong() {
        let refusals: Vec<_> = [
            "",
            "localhost:8000",
            "/hook",
            "ftp://example.com/",
            "http:///hook",
            "http://ü.example/",
            "http://a b/",
        ]
        .map(|text| url(text).unwrap_err())
        .into();
        insta::assert_snapshot!(refusals.join("\n"), @r"
        `` is no URL: empty string; write one such as `http://127.0.0.1:8000/hook`
        `localhost:8000` does not begin with `http://` or `https://`; write one such as `http://127.0.0.1:8000/hook`
        `/hook` does not begin with `http://` or `https://`; write one such as `http://127.0.0.1:8000/hook`
        `ftp://example.com/` does not begin with `http://` or `https://`; write one such as `http://127.0.0.1:8000/hook`
        `http:///hook` is no URL: invalid format; write one such as `http://127.0.0.1:8000/hook`
        `http://ü.example/` is no URL: invalid uri character; write one such as `http://127.0.0.1:8000/hook`
        `http://a b/` is no URL: invalid uri character; write one such as `http://127.0.0.1:8000/hook`
        ");
        let refusal = url("http://user:pass@example.com/").unwrap_err();
        assert!(!refusal.contains("pass@"), "{refusal}");
    }

    #[test]
    fn events_stand_once_and_in_their_order() {
        let secret: WebhookSecret = "key".parse().unwrap();
        let endpoint = WebhookEndpoint::new("http://localhost/", secret).unwrap();
        assert_eq!(endpoint.hears_of(), WebhookEvent::ALL);
        let some = endpoint.events([WebhookEvent::Expired, WebhookEvent::Completed, WebhookEvent::Expired]);
        assert_eq!(some.hears_of(), [WebhookEvent::Completed, WebhookEvent::Expired]);
    }
}
