//! What happened in a world, in order: every exchange with the API, what became of batches and files, and notes about
//! mistakes of clients.
//!
//! A journal is kept in memory only, and bounded: when it has as many entries or bytes as it may have, the oldest go.
//! It never shows in an answer of the API. Its lock is its own, and is never held while that of the world is waited
//! for, so reading a journal holds up nobody.
//!
//! An exchange has its place when its request comes, so what it causes stands after it; what is answered is filled in
//! later ([`Exchange`]).

mod entry;
mod event;
mod exchange;
mod filter;
mod mistake;
mod pages;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub use entry::{Body, EntryKind, JournalEntry, Note, Outcome, ReceivedRequest};
pub use event::WorldEvent;
pub(crate) use exchange::{Answer, Arrival, Exchange, More, PathId, RequestBody, RequestId};
pub use filter::JournalFilter;
pub(crate) use mistake::Mistake;

use crate::sim::Timestamp;
use pages::{Entry, Happened, Pages};

/// How much of a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalLimits {
    /// Entries; with none, nothing is recorded.
    pub(crate) entries: usize,
    /// Bytes of all entries, as far as they can be told.
    pub(crate) bytes: usize,
    /// Bytes of each body of a request, and of each of an answer.
    pub(crate) body_bytes: usize,
}

/// The journal of one world.
#[derive(Debug)]
pub(crate) struct Journal {
    limits: JournalLimits,
    pages: Mutex<Pages>,
    /// Woken when something is added or filled in, if somebody waits.
    changed: Notify,
    n_watching: AtomicUsize,
}

/// Somebody who waits for changes.
#[derive(Debug)]
pub(crate) struct Watch<'j>(&'j Journal);

impl Watch<'_> {
    /// Ready when something has been recorded since this was called.
    pub(crate) fn change(&self) -> Notified<'_> {
        self.0.changed.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.n_watching.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Entries as a table, one a line: number, time, kind if it is no exchange, and what it was.
pub(crate) struct Table<'e>(pub(crate) &'e [JournalEntry]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.0 {
            writeln!(f, "{:>5}  {}  {:<8}  {entry}", entry.number(), entry.at(), entry.kind().as_str())?;
        }
        Ok(())
    }
}

/// Some of a journal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Excerpt {
    /// The entries that were asked for, oldest first.
    pub(crate) entries: Vec<JournalEntry>,
    /// How many there are of them, also if fewer are given.
    pub(crate) n_matching: usize,
    /// The number that the next entry will have.
    pub(crate) next: u64,
    /// How many entries had to go because there were too many, since the journal was last emptied.
    pub(crate) n_dropped: u64,
}

impl Journal {
    /// An empty journal.
    pub(crate) fn new(limits: JournalLimits) -> Self {
        Self { limits, pages: Mutex::default(), changed: Notify::new(), n_watching: AtomicUsize::new(0) }
    }

    /// Whether anything is recorded.
    pub(crate) fn is_kept(&self) -> bool {
        self.limits.entries > 0
    }

    /// How many bytes of a body are kept.
    pub(crate) fn body_bytes(&self) -> usize {
        self.limits.body_bytes
    }

    /// Records that a request has come, and what is wrong with it at first sight.
    pub(crate) fn arrived(&self, arrival: Arrival, user_agent: Option<&str>) -> Arc<Exchange> {
        let (exchange, dropped) = {
            let mut pages = self.lock();
            let exchange = pages.arrived(arrival, user_agent);
            (exchange, pages.shed(&self.limits))
        };
        // What had to go is taken apart when nobody waits for it.
        drop(dropped);
        self.tell_waiting();
        exchange
    }

    /// Records how a request was answered, or that it never was.
    pub(crate) fn answered(&self, exchange: &Arc<Exchange>, request: RequestBody, answer: Option<Answer>) {
        exchange.answered(request, answer);
        let dropped = {
            let mut pages = self.lock();
            pages.answered(exchange);
            pages.shed(&self.limits)
        };
        drop(dropped);
        self.tell_waiting();
    }

    /// Records that so much of an answer was sent, which begins like this, and how that went.
    pub(crate) fn sent(&self, exchange: &Exchange, n_sent: u64, beginning: Bytes, outcome: Outcome) {
        exchange.sent(n_sent, beginning, outcome);
        self.tell_waiting();
    }

    /// Records something that happened in the world, at a time of the world.
    pub(crate) fn happened(&self, at: Timestamp, event: WorldEvent) {
        self.add(|number| Entry::Event(Box::new(Happened { number, at, event })));
    }

    /// Records a mistake that no single request shows.
    pub(crate) fn noticed(&self, at: Timestamp, mistake: &Mistake) {
        self.add(|number| Entry::Note(Box::new(mistake.note(number, at, None))));
    }

    /// The entries that a filter lets pass: the oldest ones, so many at most.
    pub(crate) fn excerpt(&self, filter: &JournalFilter, most: usize) -> Excerpt {
        let (matching, n_matching, next, n_dropped) = {
            let pages = self.lock();
            let mut n_matching = 0;
            let mut matching = Vec::new();
            for entry in pages.since(filter.since).filter(|entry| filter.lets_pass(entry)) {
                n_matching += 1;
                if matching.len() < most {
                    matching.push(entry.clone());
                }
            }
            (matching, n_matching, pages.next_number(), pages.n_dropped())
        };
        Excerpt { entries: matching.iter().map(JournalEntry::from).collect(), n_matching, next, n_dropped }
    }

    /// How many entries a filter lets pass, without exchanges that go on, unless it asks for those.
    pub(crate) fn count(&self, filter: &JournalFilter) -> usize {
        let counts = |entry: &&Entry| filter.outcome.is_some() || entry.is_over();
        self.lock().since(filter.since).filter(counts).filter(|entry| filter.lets_pass(entry)).count()
    }

    /// Forgets all entries. Numbers go on, so that who follows the journal misses nothing.
    pub(crate) fn clear(&self) {
        let before = self.lock().clear();
        drop(before);
        self.tell_waiting();
    }

    /// Begins to wait for changes.
    pub(crate) fn watch(&self) -> Watch<'_> {
        self.n_watching.fetch_add(1, Ordering::SeqCst);
        Watch(self)
    }

    /// Wakes who waits. Who begins to wait counts itself before it looks, so nobody misses what was recorded before this
    /// asks whether somebody waits.
    fn tell_waiting(&self) {
        if self.n_watching.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn add(&self, entry: impl FnOnce(u64) -> Entry) {
        if !self.is_kept() {
            return;
        }
        let dropped = {
            let mut pages = self.lock();
            pages.add(entry);
            pages.shed(&self.limits)
        };
        drop(dropped);
        self.tell_waiting();
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        // Each change is whole before anything that could panic.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
