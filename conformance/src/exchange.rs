//! Requests, and exchanges as they are recorded: whole, but for keys.

use std::fmt::Write as _;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands for a key wherever something is shown.
pub const REDACTED: &str = "[redacted]";

/// How much of a body is kept in a record.
const KEPT_BYTES: usize = 16 * 1024;

/// A request to a server, below its base URL.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) key: Key,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether it is sent once, whatever comes: for what is about refusals that others get over.
    pub(crate) is_once: bool,
}

/// With which key a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// That of the account in which the case takes place.
    Own,
    /// That of another account.
    Other,
    /// One that nobody has been given.
    Wrong,
    /// None at all.
    None,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path below the base URL, with the query.
    pub path: String,
    /// The headers that were sent. Keys are left out.
    pub request_headers: Vec<(String, String)>,
    /// The body that was sent, as text.
    pub request_body: String,
    /// The status, or nothing if no answer came.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The body of the answer, as text; or why none came.
    pub body: String,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), key: Key::Own, headers: Vec::new(), body: None, is_once: false }
    }

    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST of JSON.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path).body("application/json", body.to_string())
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// Sent once, even if the answer is to try again later.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }
}

impl Exchange {
    /// What was asked, in a line: `POST /batches`.
    pub fn asked(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The request as a command for a shell. The key is taken from the environment, and so is the base URL if it is not
    /// given. None if the record does not have all of the body, or it was no text.
    pub fn curl(&self, base_url: Option<&str>) -> Option<String> {
        if is_cut(&self.request_body) || self.request_body.contains(char::REPLACEMENT_CHARACTER) {
            return None;
        }
        let url = match base_url {
            Some(base_url) => quoted(&format!("{base_url}{}", self.path)),
            None => format!("\"$OPENAI_BASE_URL\"{}", quoted(&self.path)),
        };
        let mut command = format!("curl -i -X {} {url}", self.method);
        for (name, value) in &self.request_headers {
            if value == REDACTED {
                let _ = write!(command, " -H \"{name}: Bearer $OPENAI_API_KEY\"");
            } else {
                let _ = write!(command, " -H {}", quoted(&format!("{name}: {value}")));
            }
        }
        if !self.request_body.is_empty() {
            let _ = write!(command, " --data-binary {}", quoted(&self.request_body));
        }
        Some(command)
    }
}

/// A body as text, cut where it is long.
pub(crate) fn shown(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&body[..body.len().min(KEPT_BYTES)]).into_owned();
    if body.len() > KEPT_BYTES {
        let _ = write!(text, "… ({} bytes in all)", body.len());
    }
    text
}

/// Whether [`shown`] has left something out.
fn is_cut(text: &str) -> bool {
    text.len() > KEPT_BYTES && text.ends_with(" bytes in all)")
}

/// A word of a shell. What is no plain text is written with escapes, which bash and zsh read.
fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\'' | '\\' => format!("\\{c}"),
                c if c.is_control() => format!("\\x{:02x}", c as u32),
                c => c.to_string(),
            })
            .collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        Exchange {
            method: "POST".to_owned(),
            path: "/batches".to_owned(),
            request_headers: vec![
                ("authorization".to_owned(), REDACTED.to_owned()),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            request_body: "{\"a\":\"it's\"}".to_owned(),
            status: Some(200),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    #[test]
    fn a_request_can_be_sent_again_by_hand() {
        let rest = " -H \"authorization: Bearer $OPENAI_API_KEY\" -H 'content-type: application/json' \
                    --data-binary '{\"a\":\"it'\\''s\"}'";
        assert_eq!(
            exchange().curl(Some("http://localhost:1/v1")),
            Some(format!("curl -i -X POST 'http://localhost:1/v1/batches'{rest}"))
        );
        assert_eq!(
            exchange().curl(None),
            Some(format!("curl -i -X POST \"$OPENAI_BASE_URL\"'/batches'{rest}"))
        );
        assert_eq!(quoted("a\r\nb'\u{1}\\"), "$'a\\r\\nb\\'\\x01\\\\'");
    }

    #[test]
    fn what_is_not_known_whole_cannot_be_sent_again() {
        for body in [&b"a".repeat(KEPT_BYTES + 1)[..], b"\xff"] {
            let exchange = Exchange { request_body: shown(body), ..exchange() };
            assert_eq!(exchange.curl(None), None);
        }
    }

    #[test]
    fn long_bodies_are_cut() {
        let text = shown(&vec![b'a'; KEPT_BYTES + 1]);
        assert!(text.ends_with("… (16385 bytes in all)"), "{}", &text[text.len() - 40..]);
        assert_eq!(shown(b"short"), "short");
    }
}
