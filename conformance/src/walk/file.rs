//! What must hold of a file.

use serde_json::{Value, json};

use super::step::Who;
use super::wire::Reply;
use super::{Fault, check};
use crate::schema;

/// A file that there was once.
#[derive(Debug)]
pub(super) struct File {
    pub(super) owner: Who,
    pub(super) id: String,
    pub(super) purpose: &'static str,
    /// As it was first seen; null for results that were never looked at.
    pub(super) first: Value,
    /// What is in it, as far as it is known.
    pub(super) bytes: Option<Vec<u8>>,
    /// Whether it was deleted, or was seen to have gone with its time.
    pub(super) is_gone: bool,
    /// The names of the requests in it that are right, and of those that are refused; none if a batch of it fails.
    pub(super) requests: Option<Requests>,
}

/// The requests of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requests {
    pub(super) good: Vec<String>,
    pub(super) refused: Vec<String>,
}

impl Requests {
    pub(super) fn count(&self) -> usize {
        self.good.len() + self.refused.len()
    }
}

impl File {
    /// A file as it was answered to its upload.
    pub(super) fn uploaded(
        owner: Who,
        purpose: &'static str,
        bytes: Vec<u8>,
        requests: Option<Requests>,
        body: &Value,
    ) -> Result<Self, Fault> {
        has_schema("createFile", body)?;
        let told = |name: &str| body[name].clone();
        let (size, is_of) = (told("bytes"), told("purpose"));
        check(
            size == json!(bytes.len()),
            "a file has the length of what was uploaded",
            "F-123",
            bytes.len().to_string(),
            size.to_string(),
        )?;
        check(
            is_of == purpose,
            "a file has the purpose that it was uploaded for",
            "F-107",
            purpose,
            is_of.to_string(),
        )?;
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { owner, id, purpose, first: body.clone(), bytes: Some(bytes), is_gone: false, requests })
    }

    /// A file of results, of which nothing else is known yet.
    pub(super) fn of_results(owner: Who, id: &str) -> Self {
        Self {
            owner,
            id: id.to_owned(),
            purpose: "batch_output",
            first: Value::Null,
            bytes: None,
            is_gone: false,
            requests: None,
        }
    }

    /// Whether it may have expired by now: it is not said what becomes of it then (F-136 is assumed).
    pub(super) fn may_have_expired(&self, now: Option<i64>) -> bool {
        let expires_at = self.first["expires_at"].as_i64();
        // When results expire is not known before they were seen once, and neither is the time of some servers.
        let expires_at = expires_at.or_else(|| self.first.is_null().then_some(i64::MIN));
        expires_at.is_some_and(|expires_at| now.is_none_or(|now| now >= expires_at))
    }

    /// How it is answered to who asks for it: there, not there, or either.
    pub(super) fn found_by(&self, who: Who, now: Option<i64>) -> Found {
        if self.owner != who || self.is_gone {
            Found::Not
        } else if self.may_have_expired(now) {
            Found::Perhaps
        } else {
            Found::Surely
        }
    }

    /// Takes in what was told of it.
    pub(super) fn observe(&mut self, operation: &str, body: &Value) -> Result<(), Fault> {
        has_schema(operation, body)?;
        check(
            body["id"] == self.id,
            "who asks for a file is told of that file",
            "F-123",
            self.id.clone(),
            body["id"].to_string(),
        )?;
        check(
            body["purpose"] == self.purpose,
            "a file keeps its purpose",
            "F-108",
            self.purpose,
            body["purpose"].to_string(),
        )?;
        if let Some(bytes) = &self.bytes {
            check(
                body["bytes"] == json!(bytes.len()),
                "a file keeps its length",
                "F-123",
                bytes.len().to_string(),
                body["bytes"].to_string(),
            )?;
        }
        if self.first.is_null() {
            self.first = body.clone();
        }
        for name in ["created_at", "filename", "object"] {
            let (first, now) = (&self.first[name], &body[name]);
            check(
                first == now,
                "a file stays as it was uploaded",
                "F-123",
                format!("{name} {first}"),
                now.to_string(),
            )?;
        }
        // It may be shown only later (F-505).
        if self.first["expires_at"].is_null() {
            self.first["expires_at"] = body["expires_at"].clone();
        }
        let (first, now) = (&self.first["expires_at"], &body["expires_at"]);
        check(first == now, "a file expires when it was said to", "F-112", first.to_string(), now.to_string())
    }
}

/// Whether something is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Surely,
    Not,
    Perhaps,
}

impl Found {
    /// Holds an answer to this: whether it was found, then.
    pub(super) fn hold(self, reply: &Reply, rule: &'static str, fact: &'static str) -> Result<bool, Fault> {
        let statuses: &[u16] = match self {
            Self::Surely => &[200],
            Self::Not => &[404],
            Self::Perhaps => &[200, 404],
        };
        let expected: Vec<_> = statuses.iter().map(|status| format!("status {status}")).collect();
        check(statuses.contains(&reply.status), rule, fact, expected.join(" or "), reply.shown())?;
        Ok(reply.status == 200)
    }
}

/// A body is as the official document says of answers to an operation.
pub(super) fn has_schema(operation: &str, body: &Value) -> Result<(), Fault> {
    let faults = schema::official().faults(operation, body).unwrap_or_default();
    match faults.first() {
        None => Ok(()),
        Some(fault) => Err(Fault::new(
            "answers are as the official document has them",
            "F-001",
            format!("what the document has for {operation}"),
            format!("{}: {}", fault.place, fault.message),
        )),
    }
}
