//! What the control API shows of a journal.

use batchmock_client::types::RequestCounts;
use serde::Serialize;
use serde_json::Value;

use super::view::{Time, counts};
use crate::journal::{Body, Excerpt, JournalEntry, Note, ReceivedRequest, WorldEvent};

/// Some of a journal.
#[derive(Debug, Serialize)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    n_matching: usize,
    has_more: bool,
    next: u64,
    n_dropped: u64,
}

/// The same, and whether what was waited for is there.
#[derive(Debug, Serialize)]
pub(super) struct Waited {
    reached: bool,
    #[serde(flatten)]
    journal: Journal,
}

/// What all entries have.
#[derive(Debug, Serialize)]
struct Entry {
    number: u64,
    kind: &'static str,
    at: Time,
    summary: String,
    #[serde(flatten)]
    details: Details,
}

/// What each kind of entry has. The kind itself stands before.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Details {
    Exchange(Box<Exchange>),
    Event(Event),
    Note(NoteDetails),
}

#[derive(Debug, Serialize)]
struct Exchange {
    wall: Time,
    operation: &'static str,
    method: String,
    path: String,
    query: Option<String>,
    ids: Vec<String>,
    attempt: u32,
    asked_before: u32,
    retry_count: Option<u32>,
    status: Option<u16>,
    outcome: &'static str,
    fault: Option<String>,
    request_id: Option<String>,
    retry_after: Option<String>,
    took_us: Option<u64>,
    request: Message,
    response: Message,
}

/// A request or an answer, as far as it is kept.
#[derive(Debug, Serialize)]
struct Message {
    headers: Value,
    /// What came, or was sent, of the body.
    bytes: u64,
    /// How long it was to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_bytes: Option<u64>,
    /// The file in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<Contents>,
    /// JSON if it is and all of it is kept, or else the beginning as text; null if nothing is kept.
    body: Value,
    is_whole: bool,
}

#[derive(Debug, Serialize)]
struct Contents {
    bytes: u64,
    xxh3: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    BatchCreated { batch_id: String, input_file_id: String, endpoint: &'static str, status: &'static str },
    BatchStatus { batch_id: String, status: &'static str, request_counts: RequestCounts },
    FileAdded { file_id: String, purpose: String, filename: String, bytes: Option<u64> },
    FileExpired { file_id: String },
    FileDeleted { file_id: String },
}

#[derive(Debug, Serialize)]
struct NoteDetails {
    note: &'static str,
    text: String,
    exchange: Option<u64>,
    ids: Vec<String>,
}

impl Journal {
    pub(super) fn new(excerpt: Excerpt) -> Self {
        let Excerpt { entries, n_matching, next, n_dropped } = excerpt;
        let has_more = entries.len() < n_matching;
        let last = entries.last().map(JournalEntry::number).filter(|_| has_more);
        Self {
            n_matching,
            has_more,
            next: last.map_or(next, |last| last + 1),
            n_dropped,
            entries: entries.into_iter().map(Entry::from).collect(),
        }
    }
}

impl Waited {
    pub(super) fn new(reached: bool, excerpt: Excerpt) -> Self {
        Self { reached, journal: Journal::new(excerpt) }
    }
}

impl From<JournalEntry> for Entry {
    fn from(entry: JournalEntry) -> Self {
        Self {
            number: entry.number(),
            kind: entry.kind().as_str(),
            at: entry.at().into(),
            summary: entry.to_string(),
            details: match entry {
                JournalEntry::Exchange(request) => Details::Exchange(Box::new((*request).into())),
                JournalEntry::Event { number: _, at: _, event } => Details::Event(event.into()),
                JournalEntry::Note(note) => Details::Note(note.into()),
            },
        }
    }
}

impl From<ReceivedRequest> for Exchange {
    fn from(exchange: ReceivedRequest) -> Self {
        let attempt = exchange.attempt();
        let ReceivedRequest {
            number: _,
            at: _,
            wall,
            method,
            path,
            query,
            operation,
            ids,
            asked_before,
            retry_count,
            headers,
            request,
            contents,
            status,
            request_id,
            retry_after,
            content_type,
            fault,
            took,
            outcome,
            answer_bytes,
            answer,
        } = exchange;
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let answered = content_type.map(|value| ("content-type".to_owned(), value.into()));
        Self {
            wall: wall.into(),
            operation: operation.name(),
            method,
            path,
            query,
            ids,
            attempt,
            asked_before,
            retry_count,
            status,
            outcome: outcome.as_str(),
            fault,
            request_id,
            retry_after,
            took_us: took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            request: Message {
                headers: Value::Object(headers),
                contents: contents.map(|(bytes, hash)| Contents { bytes, xxh3: format!("{hash:016x}") }),
                ..Message::new(&request)
            },
            response: Message {
                headers: Value::Object(answered.into_iter().collect()),
                of_bytes: answer_bytes,
                ..Message::new(&answer)
            },
        }
    }
}

impl Message {
    fn new(body: &Body) -> Self {
        let json = || serde_json::from_slice(&body.kept).ok().filter(|_| body.is_whole());
        let text = || Value::from(String::from_utf8_lossy(&body.kept));
        Self {
            headers: Value::Null,
            bytes: body.n_bytes,
            of_bytes: None,
            contents: None,
            body: if body.kept.is_empty() { Value::Null } else { json().unwrap_or_else(text) },
            is_whole: body.is_whole(),
        }
    }
}

impl From<WorldEvent> for Event {
    fn from(event: WorldEvent) -> Self {
        match event {
            WorldEvent::BatchCreated { batch_id, input_file_id, endpoint } => {
                Self::BatchCreated { batch_id, input_file_id, endpoint, status: "validating" }
            }
            WorldEvent::BatchStatus { batch_id, status, counts: so_far } => {
                Self::BatchStatus { batch_id, status: status.as_str(), request_counts: counts(so_far) }
            }
            WorldEvent::FileAdded { file_id, purpose, filename, bytes } => {
                Self::FileAdded { file_id, purpose, filename, bytes }
            }
            WorldEvent::FileExpired { file_id } => Self::FileExpired { file_id },
            WorldEvent::FileDeleted { file_id } => Self::FileDeleted { file_id },
        }
    }
}

impl From<Note> for NoteDetails {
    fn from(note: Note) -> Self {
        let Note { number: _, at: _, slug, text, exchange, ids } = note;
        Self { note: slug, text, exchange, ids }
    }
}
