//! What a run found, as data, and the forms in which it is told.

mod json;
mod text;

use crate::case::Level;
use crate::target::Target;
use crate::verdict::{Found, Verdict};

pub use json::json;
pub use text::{case as case_as_text, found as found_as_text, text};

/// What a run found.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the server is called.
    pub target: String,
    /// Where it is; empty for a server that was started for the run, since its port means nothing.
    pub base_url: String,
    /// To which level it is held.
    pub level: Level,
    /// The cases in the order of the catalog.
    pub found: Vec<Found>,
}

/// How a run ends, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// All that counts passed, is known to fail, or is not offered.
    Passed,
    /// Something that counts failed, or a list of known failures is out of date.
    Failed,
    /// Something that counts was not reached.
    Incomplete,
    /// The suite is at fault, or what it was told.
    Error,
}

impl Report {
    /// What was found of a server, which is held to a level.
    pub fn new(target: &Target, level: Level, found: Vec<Found>) -> Self {
        let base_url = if target.forgets { String::new() } else { target.base_url().to_owned() };
        Self { target: target.name().to_owned(), base_url, level, found }
    }

    /// How the run ends: the worst that was found, and what is the suite's fault before all.
    pub fn conclusion(&self) -> Conclusion {
        let has = |verdict: Verdict| {
            self.found.iter().any(|found| found.verdict == verdict && found.counts(self.level))
        };
        if self.found.iter().any(|found| found.verdict == Verdict::Error) {
            Conclusion::Error
        } else if has(Verdict::Failed) || self.found.iter().any(|found| found.verdict == Verdict::Stale) {
            Conclusion::Failed
        } else if has(Verdict::NotExercised) {
            Conclusion::Incomplete
        } else {
            Conclusion::Passed
        }
    }

    /// How many cases have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.found.iter().filter(|found| found.verdict == verdict).count()
    }
}

impl Conclusion {
    /// The exit code that tells it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Incomplete => 3,
            Self::Error => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    fn conclusion(level: Level, found: &[(Level, Verdict)]) -> Conclusion {
        let found = found
            .iter()
            .map(|(level, verdict)| Found {
                case: server::all().find(|case| case.level == *level).unwrap(),
                verdict: *verdict,
                mismatch: None,
                reason: String::new(),
                exchanges: Vec::new(),
                milliseconds: 0,
                left_behind: Vec::new(),
            })
            .collect();
        Report { target: String::new(), base_url: String::new(), level, found }.conclusion()
    }

    #[test]
    fn the_worst_that_counts_decides() {
        use Level::{May, Must, Should};
        use Verdict::{Error, Failed, KnownFailing, NotExercised, Passed, Stale, Unsupported};
        for (level, found, expected) in [
            (Must, vec![], Conclusion::Passed),
            (Must, vec![(Must, Passed), (Must, KnownFailing), (Must, Unsupported)], Conclusion::Passed),
            (Must, vec![(Must, Failed), (Must, NotExercised)], Conclusion::Failed),
            (Must, vec![(Must, NotExercised)], Conclusion::Incomplete),
            (Must, vec![(Should, Failed), (May, Failed)], Conclusion::Passed),
            (Should, vec![(Should, Failed)], Conclusion::Failed),
            (May, vec![(May, Failed), (May, NotExercised)], Conclusion::Passed),
            (Must, vec![(May, Stale)], Conclusion::Failed),
            (Must, vec![(Must, Failed), (May, Error)], Conclusion::Error),
        ] {
            assert_eq!(conclusion(level, &found), expected, "{level} {found:?}");
        }
    }
}
