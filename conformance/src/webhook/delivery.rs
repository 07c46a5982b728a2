//! One attempt of a server to tell something, and checks of it.

use std::fmt::Write as _;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::Secret;
use crate::exchange::shown;
use crate::expect::{Body, Outcome, Place};

/// How far the time of a webhook may be from ours, in seconds: what verifiers allow (F-405).
const TOLERANCE: i64 = 300;

/// An attempt, as it came.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    method: String,
    body: Vec<u8>,
    /// By our clock, in seconds.
    came_at: i64,
}

impl Delivery {
    pub(crate) fn new(method: &Method, path: &str, headers: HeaderMap, body: Vec<u8>, came_at: i64) -> Self {
        Self { path: path.to_owned(), headers, method: method.to_string(), body, came_at }
    }

    /// The batch that it names, if it names one.
    pub(crate) fn batch(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.pointer("/data/id")?.as_str()?.to_owned())
    }

    /// Whether it is about a batch: also one that says so in another place than it should.
    pub(crate) fn is_of(&self, batch: &str) -> bool {
        let quoted = format!("\"{batch}\"");
        self.body.windows(quoted.len()).any(|part| part == quoted.as_bytes())
    }

    /// A header, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that must be there.
    pub(crate) fn has_header(&self, name: &str) -> Outcome<String> {
        match self.header(name) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => self.mismatch(format!("`{name}`"), "a header that is not empty"),
        }
    }

    /// It is a POST of JSON with the three headers of Standard Webhooks (F-402).
    pub(crate) fn has_form(&self) -> Outcome {
        self.check(self.method == "POST", "the method", "POST")?;
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        self.check(is_json, "`content-type`", "application/json")?;
        self.has_header("webhook-id")?;
        let timestamp = self.has_header("webhook-timestamp")?;
        let is_whole = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        self.check(is_whole, "`webhook-timestamp`", "whole seconds since 1970")?;
        self.has_header("webhook-signature").map(drop)
    }

    /// It was signed with this secret (F-403). Any of several signatures will do, with its version or without (F-404).
    pub(crate) fn is_signed_with(&self, secret: &Secret) -> Outcome {
        let id = self.has_header("webhook-id")?;
        let timestamp = self.has_header("webhook-timestamp")?;
        let expected = format!("v1,{}", secret.signature(&id, &timestamp, &self.body));
        let signed = self.has_header("webhook-signature")?;
        let what = "`webhook-signature`, by the id, the time and the body with dots between,";
        let is_right = signed.split(' ').any(|one| one == expected || one == &expected[3..]);
        self.check(is_right, what, expected)
    }

    /// Its time, which a verifier compares with its own, is that of the attempt (F-405).
    pub(crate) fn is_of_now(&self) -> Outcome {
        let timestamp = self.has_header("webhook-timestamp")?;
        let is_near =
            timestamp.parse().is_ok_and(|time: i64| time.abs_diff(self.came_at) <= TOLERANCE as u64);
        let expected = format!("within {TOLERANCE} s of {}, when it came", self.came_at);
        self.check(is_near, "`webhook-timestamp`", expected)
    }

    /// The event.
    pub(crate) fn event(&self) -> Outcome<Body> {
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(Body { value, place: self.place() }),
            Err(_) => self.mismatch("the body", "JSON"),
        }
    }

    /// A mismatch, with all that came, since no report has it elsewhere.
    pub(crate) fn mismatch<T>(
        &self,
        what: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Outcome<T> {
        let mut actual = format!("in {} {}", self.method, self.path);
        for (name, value) in &self.headers {
            let _ = write!(actual, " | {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        let _ = write!(actual, " | {}", shown(&self.body));
        self.place().mismatch(what, &[expected.into()], actual)
    }

    pub(crate) fn check(
        &self,
        holds: bool,
        what: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Outcome {
        if holds { Ok(()) } else { self.mismatch(what, expected) }
    }

    fn place(&self) -> Place {
        let of = self.batch().unwrap_or_else(|| "something".to_owned());
        Place { asked: format!("the webhook of {of}"), exchange: None }
    }
}
