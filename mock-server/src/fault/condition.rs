//! Which requests a rule is about.

use std::time::Duration;

use super::counting::{Asked, Concerned};
use crate::answers::Turn;
use crate::operation::Operation;
use crate::sim::{Status, Timestamp};

/// Which requests a rule is about: all that is set must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// The operations that are meant; any if there are none.
    pub(super) operations: Vec<Operation>,
    /// The states of which the batch that is concerned must have one; any if there are none.
    pub(super) statuses: Vec<Status>,
    pub(super) span: Span,
    pub(super) turn: Turn,
    /// How often it may happen.
    pub(super) times: Option<u32>,
    /// How likely it is to happen; it always does if not set.
    pub(super) probability: Option<f64>,
}

/// A span of virtual time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) since: Since,
    /// From then on.
    pub(super) from: Option<Duration>,
    /// Before then.
    pub(super) until: Option<Duration>,
}

/// From when a span is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Since {
    /// When the rule was given to the world: for those that the server starts with, when the world began.
    #[default]
    Start,
    /// When the batch that is concerned was created.
    Creation,
}

impl Condition {
    /// Whether a request is right; its turn and its luck are looked at elsewhere.
    pub(super) fn holds_for(&self, asked: &Asked<'_>, given_at: Timestamp) -> bool {
        if !self.operations.is_empty() && !self.operations.contains(&asked.operation) {
            return false;
        }
        let has_status =
            |batch: &Concerned| self.statuses.is_empty() || self.statuses.contains(&batch.status);
        match self.span.since {
            Since::Start => {
                self.span.holds_after(asked.now.since(given_at))
                    && (self.statuses.is_empty() || asked.batches.iter().any(has_status))
            }
            Since::Creation => asked
                .batches
                .iter()
                .any(|batch| has_status(batch) && self.span.holds_after(asked.now.since(batch.created_at))),
        }
    }
}

impl Span {
    fn holds_after(self, passed: Duration) -> bool {
        self.from.is_none_or(|from| passed >= from) && self.until.is_none_or(|until| passed < until)
    }
}
