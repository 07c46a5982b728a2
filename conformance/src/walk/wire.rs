//! Sending the requests of a walk, and keeping them.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::step::Who;
use super::{Fault, Halt, Sent};
use crate::case::Capability;
use crate::exchange::{Exchange, Key, REDACTED, Request, shown};
use crate::target::{Target, why_none_came};
use crate::time::Time;

/// The way to a server, with the keys of two accounts.
#[derive(Debug)]
pub(super) struct Wire {
    target: Arc<Target>,
    keys: [Option<String>; 2],
    /// What was sent since this was last taken.
    sent: Vec<Sent>,
    /// How many were sent in all.
    count: usize,
}

/// Whether there are two accounts.
pub(super) fn has_two_keys(target: &Target) -> bool {
    target.key("walk", Key::Other).is_some() && target.lacks(Capability::TwoKeys).is_none()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// What the server's clock shows for the account, if it says so.
    pub(super) now: Option<i64>,
}

impl Wire {
    pub(super) fn new(target: &Arc<Target>, name: &str) -> Self {
        let keys = [Key::Own, Key::Other].map(|key| target.key(name, key));
        Self { target: Arc::clone(target), keys, sent: Vec::new(), count: 0 }
    }

    /// Whether nobody else acts for the accounts.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.target.keys, crate::target::Keys::Each(_))
    }

    /// The model that chats name, and another endpoint's.
    pub(super) fn models(&self) -> (&str, &str) {
        (&self.target.models.chat, &self.target.models.embeddings)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What was sent since this was last asked.
    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    pub(super) async fn get(&mut self, who: Who, path: impl Into<String>) -> Result<Reply, Fault> {
        self.send(who, Request::get(path)).await
    }

    /// Sends a request. That no answer comes is a fault of the server.
    pub(super) async fn send(&mut self, who: Who, request: Request) -> Result<Reply, Fault> {
        let Request { method, path, headers, body, .. } = request;
        let url = format!("{}{path}", self.target.base_url);
        let mut sent = self.target.http.request(method.clone(), url);
        let mut request_headers = Vec::new();
        if let Some(key) = &self.keys[who.index()] {
            sent = sent.header(AUTHORIZATION, format!("Bearer {key}"));
            request_headers.push(("authorization".to_owned(), REDACTED.to_owned()));
        }
        for (name, value) in headers {
            sent = sent.header(name, &value);
            request_headers.push((name.to_owned(), value));
        }
        let body = body.unwrap_or_default();
        let mut exchange = Exchange {
            method: method.to_string(),
            path,
            request_headers,
            request_body: shown(&body),
            status: None,
            headers: Vec::new(),
            body: String::new(),
        };
        let answer = async {
            let answer = sent.body(body).send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Ok((status, headers, answer.bytes().await?))
        };
        let answer: Result<_, reqwest::Error> = answer.await;
        let reply = match answer {
            Ok((status, headers, body)) => {
                exchange.status = Some(status);
                exchange.body = shown(&body);
                let date = headers.get("date").and_then(|date| date.to_str().ok());
                Ok(Reply { status, body: body.into(), now: date.and_then(seconds_of) })
            }
            Err(error) => {
                exchange.body = why_none_came(&error);
                Err(exchange.body.clone())
            }
        };
        let asked = exchange.asked();
        self.count += 1;
        self.sent.push(Sent { by_other: who == Who::B, exchange });
        reply.map_err(|why| {
            Fault::new("every request is answered", "F-023", format!("an answer to {asked}"), why)
        })
    }

    /// Lets time pass for an account, where it can be moved: so many seconds, or to the next change. That nothing is to
    /// come is no fault.
    pub(super) async fn pass(&self, who: Who, seconds: Option<u32>) -> Result<(), Halt> {
        let Time::Control(control) = &self.target.time else { return Ok(()) };
        let by = seconds.map_or_else(|| json!({"until": "next_change"}), |seconds| json!({"by": seconds}));
        match self.control(Method::POST, format!("{control}/clock/advance"), who, &by).await? {
            200 | 409 => Ok(()),
            status => Err(Halt::Broken(format!("the control API answers {by} with status {status}"))),
        }
    }

    /// Forgets what a walk has left, where the server can be told to.
    pub(super) async fn forget(&self) -> Result<(), Halt> {
        let Time::Control(control) = &self.target.time else { return Ok(()) };
        if self.is_alone() {
            for who in [Who::A, Who::B] {
                self.control(Method::POST, format!("{control}/reset"), who, &Value::Null).await?;
            }
        }
        Ok(())
    }

    async fn control(&self, method: Method, url: String, who: Who, body: &Value) -> Result<u16, Halt> {
        let mut request = self.target.http.request(method, url);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(key) = &self.keys[who.index()] {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let answer = request.send().await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|error| Halt::Broken(format!("the control API is gone: {}", why_none_came(&error))))
    }
}

/// The Unix seconds of a date in a header.
fn seconds_of(date: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

impl Reply {
    /// What was said, to be shown.
    pub(super) fn shown(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        format!("status {} with {text}", self.status)
    }

    /// The body, which must be JSON.
    pub(super) fn json(&self) -> Result<Value, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::new(
                "what is no file is told in JSON",
                "F-020",
                "JSON",
                format!("{} ({error})", self.shown()),
            )
        })
    }
}
