//! Entries as they are told.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::event::WorldEvent;
use super::pages::{Entry, Happened};
use crate::operation::Operation;
use crate::sim::Timestamp;

/// One entry of a journal. As text it is one line.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalEntry {
    /// A request, and what became of it.
    Exchange(Box<ReceivedRequest>),
    /// What became of a batch or a file.
    Event {
        /// Its place in the journal.
        number: u64,
        /// When it happened, in the time of the world.
        at: Timestamp,
        /// What happened.
        event: WorldEvent,
    },
    /// What a client did wrong, or need not have done.
    Note(Note),
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// [`JournalEntry::Exchange`]
    Exchange,
    /// [`JournalEntry::Event`]
    Event,
    /// [`JournalEntry::Note`]
    Note,
}

/// A request, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedRequest {
    /// Its place in the journal.
    pub number: u64,
    /// When it came, in the time of the world.
    pub at: Timestamp,
    /// When it came, in wall time.
    pub wall: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path as it was sent, without the query.
    pub path: String,
    /// Its query as it was sent.
    pub query: Option<String>,
    /// What it asks for.
    pub operation: Operation,
    /// What it is about: the id in the path first, then those in the body, then those of what it made.
    pub ids: Vec<String>,
    /// How often the same was asked before: the same method, path and query.
    pub asked_before: u32,
    /// How often it was tried before, as official SDKs say in `x-stainless-retry-count`.
    pub retry_count: Option<u32>,
    /// Those of its headers that matter: `user-agent`, `content-type`, `idempotency-key`. Never the key.
    pub headers: Vec<(&'static str, String)>,
    /// Its body. Of a form, which holds a file, only the length is kept.
    pub request: Body,
    /// The length and the XXH3 hash of the file, or of the part of one, that it brought.
    pub contents: Option<(u64, u64)>,
    /// The status of the answer; none as long as there is no answer.
    pub status: Option<u16>,
    /// The `x-request-id` of the answer.
    pub request_id: Option<String>,
    /// The `retry-after` or `retry-after-ms` of the answer, as it was sent.
    pub retry_after: Option<String>,
    /// The content type of the answer.
    pub content_type: Option<String>,
    /// The fault that the mock was told to have here.
    pub fault: Option<String>,
    /// How long it took until the answer began.
    pub took: Option<Duration>,
    /// How it went.
    pub outcome: Outcome,
    /// How long the body of the answer is, if that was known when it began.
    pub answer_bytes: Option<u64>,
    /// The body of the answer, as far as it was sent. Of files only the length is kept.
    pub answer: Body,
}

/// A body, of which not all may be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// How long it is.
    pub n_bytes: u64,
    /// Its beginning.
    pub kept: Bytes,
}

/// How an exchange went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It goes on: there is no answer yet, or not all of it has been sent.
    #[default]
    Pending,
    /// All of the answer was sent.
    Sent,
    /// The mock broke the answer off.
    BrokenOff,
    /// The client did not wait for the answer, or not for all of it.
    ClientLeft,
}

/// What a client did wrong, or need not have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its place in the journal.
    pub number: u64,
    /// When it was, in the time of the world.
    pub at: Timestamp,
    /// A name that stays the same: `poll-after-end`.
    pub slug: &'static str,
    /// What is wrong, and what would be right.
    pub text: String,
    /// The number of the exchange in which it was done, if it was one.
    pub exchange: Option<u64>,
    /// What it is about.
    pub ids: Vec<String>,
}

impl JournalEntry {
    /// Its place in the journal.
    pub fn number(&self) -> u64 {
        match self {
            Self::Exchange(request) => request.number,
            Self::Event { number, .. } => *number,
            Self::Note(note) => note.number,
        }
    }

    /// When it was, in the time of the world.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Exchange(request) => request.at,
            Self::Event { at, .. } => *at,
            Self::Note(note) => note.at,
        }
    }

    /// Of which kind it is.
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Exchange(_) => EntryKind::Exchange,
            Self::Event { .. } => EntryKind::Event,
            Self::Note(_) => EntryKind::Note,
        }
    }
}

impl From<&Entry> for JournalEntry {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Exchange(exchange) => Self::Exchange(Box::new(exchange.told())),
            Entry::Event(happened) => {
                let Happened { number, at, event } = &**happened;
                Self::Event { number: *number, at: *at, event: event.clone() }
            }
            Entry::Note(note) => Self::Note(Note::clone(note)),
        }
    }
}

impl ReceivedRequest {
    /// Which attempt at the same it is, the first being 0: what an SDK says of itself, or else how often the same was
    /// asked before.
    pub fn attempt(&self) -> u32 {
        self.retry_count.unwrap_or(self.asked_before)
    }

    /// The JSON of the request, if it is JSON and all of it is kept.
    pub fn json(&self) -> Option<serde_json::Value> {
        self.request.json()
    }

    /// The JSON of the answer, if it is JSON and all of it is kept.
    pub fn answer_json(&self) -> Option<serde_json::Value> {
        self.answer.json()
    }
}

impl Body {
    /// Whether all of it is kept.
    pub fn is_whole(&self) -> bool {
        self.kept.len() as u64 == self.n_bytes
    }

    fn json(&self) -> Option<serde_json::Value> {
        self.is_whole().then(|| serde_json::from_slice(&self.kept).ok()).flatten()
    }
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Exchange, Self::Event, Self::Note];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Event => "event",
            Self::Note => "note",
        }
    }
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sent, Self::BrokenOff, Self::ClientLeft];

    /// The word for it, as the journal writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::BrokenOff => "broken_off",
            Self::ClientLeft => "client_left",
        }
    }
}

impl Note {
    pub(super) fn n_bytes(&self) -> usize {
        self.text.len() + self.ids.iter().map(|id| id.len() + size_of::<String>()).sum::<usize>()
    }
}

impl fmt::Display for JournalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(request) => request.fmt(f),
            Self::Event { event, .. } => event.fmt(f),
            Self::Note(note) => note.fmt(f),
        }
    }
}

/// `GET /v1/batches/batch_1 200, 812 bytes`, and what is out of the ordinary.
impl fmt::Display for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        match self.status {
            Some(status) => write!(f, " {status}")?,
            None => write!(f, " unanswered")?,
        }
        if let Some((n_bytes, hash)) = self.contents {
            write!(f, ", brought {n_bytes} bytes (xxh3 {hash:016x})")?;
        }
        match (self.outcome, self.answer_bytes) {
            (Outcome::Pending, _) => write!(f, ", still going on")?,
            (Outcome::Sent, _) => write!(f, ", {} bytes", self.answer.n_bytes)?,
            (Outcome::BrokenOff, _) => write!(f, ", broken off after {} bytes", self.answer.n_bytes)?,
            (Outcome::ClientLeft, None) if self.status.is_none() => write!(f, ", the client left")?,
            (Outcome::ClientLeft, None) => {
                write!(f, ", the client left after {} bytes", self.answer.n_bytes)?;
            }
            (Outcome::ClientLeft, Some(all)) => {
                write!(f, ", the client left after {} of {all} bytes", self.answer.n_bytes)?;
            }
        }
        if self.retry_count.is_some_and(|count| count > 0) {
            write!(f, ", retry {}", self.attempt())?;
        }
        if let Some(retry_after) = &self.retry_after {
            write!(f, ", retry-after {retry_after}")?;
        }
        if let Some(fault) = &self.fault {
            write!(f, ", fault {fault}")?;
        }
        Ok(())
    }
}

/// `poll-after-end: …`
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.slug, self.text)
    }
}
