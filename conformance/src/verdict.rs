//! What becomes of a case.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::exchange::Exchange;
use crate::expect::Mismatch;

/// The verdict on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The server does what is required.
    Passed,
    /// It does not.
    Failed,
    /// It does not, which is known.
    KnownFailing,
    /// It was said to fail, and does not: the list is out of date.
    Stale,
    /// It does not offer what the case is about.
    Unsupported,
    /// What was to be judged was not reached. Never green: for a MUST, the run is incomplete.
    NotExercised,
    /// The suite is at fault, or what it was told.
    Error,
}

/// A case that was run, and what was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The case.
    pub case: &'static Case,
    /// The verdict.
    pub verdict: Verdict,
    /// What was wrong, for a case that failed.
    pub mismatch: Option<Mismatch>,
    /// Why there is no other verdict; empty for a case that passed.
    pub reason: String,
    /// All that was asked and answered.
    pub exchanges: Vec<Exchange>,
    /// How long it took.
    pub milliseconds: u64,
    /// What could not be cleaned up.
    pub left_behind: Vec<String>,
}

impl Verdict {
    /// All there are, the good ones first.
    pub const ALL: [Self; 7] = [
        Self::Passed,
        Self::Failed,
        Self::KnownFailing,
        Self::Stale,
        Self::Unsupported,
        Self::NotExercised,
        Self::Error,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::KnownFailing => "known failing",
            Self::Stale => "stale",
            Self::Unsupported => "unsupported",
            Self::NotExercised => "not exercised",
            Self::Error => "error",
        })
    }
}
