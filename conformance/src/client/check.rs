//! What a check is: a requirement on clients, what must have been observed for it to be judged, and how it is judged.

use std::fmt;

use super::evidence::Evidence;
use crate::case::Level;
use crate::expect::Mismatch;

/// A requirement on clients, and how it is judged.
pub struct Check {
    /// What it is called, for good: `K5`.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The requirement, in one sentence.
    pub requirement: &'static str,
    /// What must have been observed for it to be judged.
    pub gated_by: &'static str,
    /// What is lost otherwise.
    pub reason: &'static str,
    /// How much depends on it, unless a scenario says otherwise.
    pub level: Level,
    /// Whether it needs the account of the client, or its end. Else what was seen of requests and files will do.
    pub needs_account: bool,
    /// Facts of `docs/fidelity.md` that it rests on.
    pub facts: &'static [&'static str],
    /// Whether what must have been observed was; or what was missing.
    pub gate: fn(&Evidence) -> Result<(), String>,
    /// The verdict, if it was.
    pub judge: fn(&Evidence) -> Result<(), Mismatch>,
}

/// A verdict on a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgment {
    /// The client does what is required.
    Passed,
    /// It does not.
    Failed(Mismatch),
    /// What it would be judged by was not observed.
    NotExercised(String),
}

impl Check {
    /// Judges a client by what was observed.
    pub fn judge(&self, evidence: &Evidence) -> Judgment {
        match (self.gate)(evidence) {
            Err(missing) => Judgment::NotExercised(missing),
            Ok(()) => match (self.judge)(evidence) {
                Ok(()) => Judgment::Passed,
                Err(mismatch) => Judgment::Failed(mismatch),
            },
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A mismatch: what was looked at, what would have been right, and what was there.
pub(crate) fn mismatch(
    what: impl Into<String>,
    expected: impl Into<String>,
    actual: impl Into<String>,
) -> Mismatch {
    Mismatch { what: what.into(), expected: vec![expected.into()], actual: actual.into(), exchange: None }
}

/// The first few of a list, in words.
pub(crate) fn some<T: AsRef<str>>(list: &[T]) -> String {
    const MOST: usize = 6;
    let shown: Vec<&str> = list.iter().take(MOST).map(AsRef::as_ref).collect();
    let rest = list.len().saturating_sub(MOST);
    if rest == 0 { shown.join(", ") } else { format!("{}, and {rest} more", shown.join(", ")) }
}
