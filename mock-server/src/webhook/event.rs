//! What is told.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::ids;
use crate::nearest::{nearest, quoted};
use crate::sim::{Seed, Status, Timestamp};

/// What an endpoint can be told of (F-400).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookEvent {
    /// `batch.completed`
    Completed,
    /// `batch.failed`
    Failed,
    /// `batch.expired`
    Expired,
    /// `batch.cancelled`
    Cancelled,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Completed, Self::Failed, Self::Expired, Self::Cancelled];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "batch.completed",
            Self::Failed => "batch.failed",
            Self::Expired => "batch.expired",
            Self::Cancelled => "batch.cancelled",
        }
    }

    /// What tells that a batch has this status, if anything does.
    pub(crate) fn of(status: Status) -> Option<Self> {
        match status {
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Expired => Some(Self::Expired),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Validating | Status::InProgress | Status::Finalizing | Status::Cancelling => None,
        }
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WebhookEvent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|event| event.name() == text).ok_or_else(|| {
            let near = nearest(text, names).unwrap_or_default();
            format!("there is no event `{text}`; the nearest is `{near}`, and there are {}", quoted(names))
        })
    }
}

/// Something that has happened to a batch, as endpoints are told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// What.
    pub(crate) kind: WebhookEvent,
    /// Its id.
    pub(crate) id: String,
    /// By which who is told twice can tell so (F-406).
    pub(crate) webhook_id: String,
    /// When it happened, in the time of the world.
    pub(crate) created_at: Timestamp,
    /// To which batch.
    pub(crate) batch_id: String,
}

/// The body of a request (F-400, F-401).
#[derive(Debug, Serialize)]
struct Body<'e> {
    object: &'static str,
    id: &'e str,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: i64,
    data: Data<'e>,
}

#[derive(Debug, Serialize)]
struct Data<'e> {
    id: &'e str,
}

impl Event {
    /// Something that happens to a batch with this id and seed.
    pub(crate) fn new(kind: WebhookEvent, batch_id: &str, batch: Seed, created_at: Timestamp) -> Self {
        let mut rng = batch.named("webhook").named(kind.name()).rng();
        Self {
            kind,
            id: ids::event(created_at, &mut rng),
            webhook_id: ids::webhook(created_at, &mut rng),
            created_at,
            batch_id: batch_id.to_owned(),
        }
    }

    /// The body that tells it. That it has no line ends and spaces is assumed.
    pub(crate) fn body(&self) -> String {
        let Self { kind, id, webhook_id: _, created_at, batch_id } = self;
        let body = Body {
            object: "event",
            id,
            kind: kind.name(),
            created_at: created_at.unix_seconds(),
            data: Data { id: batch_id },
        };
        serde_json::to_string(&body).expect("texts and numbers are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_as_documented() {
        let created_at = Timestamp::from_unix_seconds(1_750_287_018);
        let event = Event::new(WebhookEvent::Completed, "batch_abc123", Seed::new(0), created_at);
        insta::assert_snapshot!(format!("{}\n{}", event.webhook_id, event.body()), @r#"
        wh_685342aaf1048190934b4f4128e232a6
        {"object":"event","id":"evt_685342aad1688190ab8a7eedaad5a73c","type":"batch.completed","created_at":1750287018,"data":{"id":"batch_abc123"}}
        "#);
    }

    #[test]
    fn events_read_as_they_are_written() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        insta::assert_snapshot!("batch.canceled".parse::<WebhookEvent>().unwrap_err(), @"there is no event `batch.canceled`; the nearest is `batch.cancelled`, and there are `batch.completed`, `batch.failed`, `batch.expired`, `batch.cancelled`");
    }
}
