//! The journal of a world of a server in a test.

use std::fmt;
use std::time::Duration;

use super::{ask, until_recorded, world};
use crate::http::App;
use crate::journal::{EntryKind, JournalEntry, JournalFilter, Note, ReceivedRequest, Table};
use crate::operation::Operation;

/// The journal of one world of a [`MockServer`](crate::MockServer). As text it is a table.
///
/// It holds what the world's [limits](crate::Limits) let it hold: the last 5,000 entries unless they are set otherwise.
/// With a data directory that cannot be read or written any more it cannot be asked: the methods panic then.
#[derive(Clone)]
pub struct JournalHandle {
    key: String,
    app: App,
}

impl JournalHandle {
    pub(super) fn new(key: String, app: App) -> Self {
        Self { key, app }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.select(&JournalFilter::default())
    }

    /// The entries that a filter lets pass, oldest first.
    pub fn select(&self, filter: &JournalFilter) -> Vec<JournalEntry> {
        ask(&self.app, &self.key, |world, wall| {
            world.settled(wall);
            world.journal().excerpt(filter, usize::MAX).entries
        })
    }

    /// The requests, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests_by(&JournalFilter::of_kind(EntryKind::Exchange))
    }

    /// The requests for one operation, oldest first.
    pub fn requests_of(&self, operation: Operation) -> Vec<ReceivedRequest> {
        self.requests_by(&JournalFilter::of_operation(operation))
    }

    fn requests_by(&self, filter: &JournalFilter) -> Vec<ReceivedRequest> {
        let request = |entry| match entry {
            JournalEntry::Exchange(request) => Some(*request),
            JournalEntry::Event { .. } | JournalEntry::Note(_) => None,
        };
        self.select(filter).into_iter().filter_map(request).collect()
    }

    /// The notes about mistakes, oldest first.
    pub fn notes(&self) -> Vec<Note> {
        let note = |entry| match entry {
            JournalEntry::Note(note) => Some(note),
            JournalEntry::Exchange(_) | JournalEntry::Event { .. } => None,
        };
        self.select(&JournalFilter::of_kind(EntryKind::Note)).into_iter().filter_map(note).collect()
    }

    /// Forgets all entries. Numbers go on.
    pub fn clear(&self) {
        ask(&self.app, &self.key, |world, wall| {
            world.settled(wall);
            world.journal().clear();
        });
    }

    /// Waits until there are so many entries that a filter lets pass, for a time at most. Tells whether there are.
    /// Exchanges count when they are over, unless the filter asks for those that go on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use batchmock::{JournalFilter, MockServer, Operation};
    ///
    /// let server = MockServer::start().await?;
    /// let journal = server.journal(server.api_key());
    /// let list = reqwest::Client::new()
    ///     .get(format!("{}/batches", server.base_url()))
    ///     .bearer_auth(server.api_key());
    /// tokio::spawn(list.send());
    /// let lists = JournalFilter::of_operation(Operation::ListBatches);
    /// assert!(journal.wait_for(&lists, 1, Duration::from_secs(10)).await, "{journal}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for(&self, filter: &JournalFilter, n_entries: usize, at_most: Duration) -> bool {
        let world = world(&self.app, &self.key, self.app.wall());
        until_recorded(&self.app, &world, filter, n_entries, at_most).await
    }

    /// Checks how often an operation was asked for.
    ///
    /// # Panics
    ///
    /// If it was asked for more or less often. The message has the whole journal.
    #[track_caller]
    pub fn assert_count(&self, operation: Operation, expected: usize) {
        let n_asked = self.requests_of(operation).len();
        assert!(
            n_asked == expected,
            "`{}` was asked for {} and not {}\n{self}",
            operation.name(),
            times(n_asked),
            times(expected)
        );
    }

    /// Checks which operations were asked for, in their order. What was asked for several times in a row stands there
    /// once: so polls can be as many as they like.
    ///
    /// # Panics
    ///
    /// If it was otherwise. The message has the whole journal.
    #[track_caller]
    pub fn assert_order(&self, expected: &[Operation]) {
        let mut asked: Vec<_> = self.requests().iter().map(|request| request.operation).collect();
        asked.dedup();
        let names = |operations: &[Operation]| {
            operations.iter().map(|operation| operation.name()).collect::<Vec<_>>().join(", ")
        };
        assert!(
            asked == expected,
            "asked for was: {}\nand expected:  {}\n{self}",
            names(&asked),
            names(expected)
        );
    }

    /// Checks that the clients have made no mistakes, as far as the journal notes them.
    ///
    /// # Panics
    ///
    /// If there are notes. The message has them, and the whole journal.
    #[track_caller]
    pub fn assert_no_notes(&self) {
        let notes = self.notes();
        let told: Vec<_> = notes.iter().map(Note::to_string).collect();
        assert!(notes.is_empty(), "the journal has notes:\n{}\n{self}", told.join("\n"));
    }
}

fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

/// A table of all entries.
impl fmt::Display for JournalHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        if entries.is_empty() {
            return f.write_str("the journal has no entries");
        }
        write!(f, "the journal:\n{}", Table(&entries))
    }
}

/// Not with the key.
impl fmt::Debug for JournalHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalHandle").finish_non_exhaustive()
    }
}
