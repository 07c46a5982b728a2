//! Which entries are asked for.

use super::pages::Entry;
use super::{EntryKind, Outcome};
use crate::operation::Operation;
use crate::sim::Status;

/// Which entries are asked for: those that are all that is said here.
///
/// ```
/// use batchmock::{JournalFilter, Operation};
///
/// let polls_of_one = JournalFilter {
///     operation: Some(Operation::RetrieveBatch),
///     id: Some("batch_1".to_owned()),
///     ..JournalFilter::default()
/// };
/// # drop(polls_of_one);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Of this kind.
    pub kind: Option<EntryKind>,
    /// Exchanges that ask for this.
    pub operation: Option<Operation>,
    /// About this batch, file, upload or model.
    pub id: Option<String>,
    /// Exchanges that were answered with this status.
    pub status: Option<u16>,
    /// Exchanges that went so.
    pub outcome: Option<Outcome>,
    /// Events after which a batch has this status.
    pub batch_status: Option<Status>,
    /// Notes with this name.
    pub slug: Option<String>,
    /// With this number or a higher one.
    pub since: u64,
}

impl JournalFilter {
    /// Those that ask for this.
    pub fn of_operation(operation: Operation) -> Self {
        Self { operation: Some(operation), ..Self::default() }
    }

    /// Those of this kind.
    pub fn of_kind(kind: EntryKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// Whether an entry is one of them, but for its number.
    pub(super) fn lets_pass(&self, entry: &Entry) -> bool {
        let Self { kind, operation, id, status, outcome, batch_status, slug, since: _ } = self;
        let is_of_exchanges = operation.is_some() || status.is_some() || outcome.is_some();
        match entry {
            Entry::Exchange(exchange) => {
                kind.is_none_or(|kind| kind == EntryKind::Exchange)
                    && batch_status.is_none()
                    && slug.is_none()
                    && operation.is_none_or(|operation| operation == exchange.arrival().operation)
                    && id.as_deref().is_none_or(|id| exchange.is_about(id))
                    && status.is_none_or(|status| exchange.status() == Some(status))
                    && outcome.is_none_or(|outcome| exchange.outcome() == outcome)
            }
            Entry::Event(happened) => {
                let event = &happened.event;
                kind.is_none_or(|kind| kind == EntryKind::Event)
                    && !is_of_exchanges
                    && slug.is_none()
                    && id.as_deref().is_none_or(|id| event.is_about(id))
                    && batch_status.is_none_or(|status| event.status() == Some(status))
            }
            Entry::Note(note) => {
                kind.is_none_or(|kind| kind == EntryKind::Note)
                    && !is_of_exchanges
                    && batch_status.is_none()
                    && id.as_deref().is_none_or(|id| note.ids.iter().any(|about| about == id))
                    && slug.as_deref().is_none_or(|slug| note.slug == slug)
            }
        }
    }
}
