//! What a run found, as data: of a server or of a client.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::{Kind, Level};
use crate::exchange::Exchange;
use crate::expect::Mismatch;
use crate::server;
use crate::target::Target;
use crate::verdict::{Found, Verdict};

/// What a run found. It owns all that there is to tell, so it can be written, read again, and told in any form, by whoever
/// does not know the cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What has judged, with its version.
    pub suite: String,
    /// What was judged.
    pub kind: SubjectKind,
    /// What that is called.
    pub target: String,
    /// Where it is; none for what was started for the run, since its port means nothing.
    pub base_url: Option<String>,
    /// To which level it is held.
    pub level: Level,
    /// How many cases the whole suite has: more than there are here if some were chosen.
    pub cases_in_suite: usize,
    /// What it comes to, in sentences, where there is more to say than the numbers do.
    pub summary: Vec<String>,
    /// The cases in the order of the suite. No two have one id.
    pub cases: Vec<Judged>,
}

/// What can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// A server, by what it answers.
    #[default]
    Server,
    /// A client, by what it asks, and what it makes of the answers.
    Client,
}

/// A requirement, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What it is called, for good. The part before the first `/` names its group.
    pub id: String,
    /// What it is about, in a few words.
    pub title: String,
    /// How much depends on it.
    pub level: Level,
    /// The requirement, in one sentence.
    pub requirement: String,
    /// What says so.
    pub evidence: Vec<Source>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is no other verdict; empty for what passed.
    pub reason: String,
    /// What was wrong, if that can be told as something that was expected and something that was there.
    pub mismatch: Option<Mismatch>,
    /// What could not be cleaned up.
    #[serde(default)]
    pub left_behind: Vec<String>,
    /// How long it took. All that differs between two runs with one seed.
    #[serde(default)]
    pub milliseconds: u64,
    /// All that was asked and answered. Reports that are kept for long may do without.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
}

/// Something that a requirement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The number of a fact of `docs/fidelity.md`, such as `F-262`, if it is one.
    pub fact: Option<String>,
    /// How it is known.
    pub kind: Kind,
    /// Who says so.
    pub source: String,
}

/// How a run ends, as a whole; the worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// All that counts passed, is known to fail, or is not offered.
    Passed,
    /// Something that counts was not reached.
    Incomplete,
    /// Something that counts failed, or a list of known failures is out of date.
    Failed,
    /// The suite is at fault, or what it was told.
    Error,
}

impl Report {
    /// What was found of a server, which is held to a level.
    pub fn new(target: &Target, level: Level, found: Vec<Found>) -> Self {
        let base_url = (!target.forgets).then(|| target.base_url().to_owned());
        Self::of_server(target.name().to_owned(), base_url, level, found)
    }

    /// What was found of a server that need not be there any more.
    pub(crate) fn of_server(
        target: String,
        base_url: Option<String>,
        level: Level,
        found: Vec<Found>,
    ) -> Self {
        Self {
            suite: Self::suite(),
            kind: SubjectKind::Server,
            target,
            base_url,
            level,
            cases_in_suite: server::all().count(),
            summary: Vec::new(),
            cases: found.into_iter().map(Judged::from).collect(),
        }
    }

    /// What this suite is called in reports.
    pub fn suite() -> String {
        concat!("batchmock-conformance ", env!("CARGO_PKG_VERSION")).to_owned()
    }

    /// How the run ends: the worst that a case makes of it.
    pub fn conclusion(&self) -> Conclusion {
        self.cases.iter().map(|case| self.effect(case)).max().unwrap_or(Conclusion::Passed)
    }

    /// What a case makes of the run by itself.
    pub fn effect(&self, case: &Judged) -> Conclusion {
        match case.verdict {
            Verdict::Error => Conclusion::Error,
            Verdict::Stale => Conclusion::Failed,
            Verdict::Failed if case.counts(self.level) => Conclusion::Failed,
            Verdict::NotExercised if case.counts(self.level) => Conclusion::Incomplete,
            Verdict::Passed
            | Verdict::Failed
            | Verdict::KnownFailing
            | Verdict::Unsupported
            | Verdict::NotExercised => Conclusion::Passed,
        }
    }

    /// Why a case has no other verdict, and why that does not matter if it does not.
    pub fn why(&self, case: &Judged) -> String {
        let does_not_count =
            matches!(case.verdict, Verdict::Failed | Verdict::NotExercised) && !case.counts(self.level);
        if does_not_count {
            format!("a {}, which does not count here: {}", case.level, case.reason)
        } else {
            case.reason.clone()
        }
    }

    /// The numbers, and how the run ends, in one line.
    pub fn in_a_line(&self) -> String {
        let counts: Vec<_> = self
            .counts()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        format!(
            "{}{} cases: {}. Held to {}: {}.",
            self.cases.len(),
            if self.is_whole() { String::new() } else { format!(" of {}", self.cases_in_suite) },
            if counts.is_empty() { "none".to_owned() } else { counts.join(", ") },
            self.level,
            self.conclusion()
        )
    }

    /// How many cases have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict).count()
    }

    /// How many cases have each verdict.
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        Verdict::ALL.into_iter().map(|verdict| (verdict, self.count(verdict))).collect()
    }

    /// Whether all of the suite was run, and not a choice of it.
    pub fn is_whole(&self) -> bool {
        self.cases.len() >= self.cases_in_suite
    }

    /// The cases that did not pass.
    pub fn not_passed(&self) -> impl Iterator<Item = &Judged> {
        self.cases.iter().filter(|case| case.verdict != Verdict::Passed)
    }

    /// The cases by their groups, which stand together in the order of a suite.
    pub fn groups(&self) -> impl Iterator<Item = &[Judged]> {
        self.cases.chunk_by(|one, next| one.group() == next.group())
    }

    /// What could not be cleaned up.
    pub fn left_behind(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().flat_map(|case| &case.left_behind).map(String::as_str)
    }

    /// A request to a server as a command for a shell. What a client has sent is not for repeating.
    pub fn curl(&self, exchange: &Exchange) -> Option<String> {
        match self.kind {
            // Where a server was started for the run, the reader has one at another place.
            SubjectKind::Server => exchange.curl(self.base_url.as_deref()),
            SubjectKind::Client => None,
        }
    }

    /// Without what was asked and answered, which is most of a report: for keeping.
    #[must_use]
    pub fn without_exchanges(mut self) -> Self {
        for case in &mut self.cases {
            case.exchanges.clear();
        }
        self
    }
}

impl Judged {
    /// The first part of the id, by which cases are grouped.
    pub fn group(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }

    /// Whether it fails a run that holds its subject to requirements of this level. A MAY never does.
    pub fn counts(&self, level: Level) -> bool {
        self.level <= level && self.level != Level::May
    }

    /// The exchange in which something wrong was seen.
    pub fn telling_exchange(&self) -> Option<&Exchange> {
        self.exchanges.get(self.mismatch.as_ref()?.exchange?)
    }
}

impl From<Found> for Judged {
    fn from(found: Found) -> Self {
        let Found { case, verdict, mismatch, reason, exchanges, milliseconds, left_behind } = found;
        let evidence = case
            .evidence
            .iter()
            .map(|evidence| Source {
                fact: Some(evidence.fact.to_owned()),
                kind: evidence.kind,
                source: evidence.source().to_owned(),
            })
            .collect();
        Self {
            id: case.id.to_owned(),
            title: case.title.to_owned(),
            level: case.level,
            requirement: case.requirement.to_owned(),
            evidence,
            verdict,
            reason,
            mismatch,
            left_behind,
            milliseconds,
            exchanges,
        }
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

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, kind, source } = self;
        match fact {
            Some(fact) => write!(f, "{fact} {kind}: {source}"),
            None => write!(f, "{kind}: {source}"),
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Error => "the suite is at fault",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{judged, report};

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
            let cases = found
                .iter()
                .enumerate()
                .map(|(at, (level, verdict))| Judged {
                    level: *level,
                    ..judged(&format!("a/{at}"), *verdict)
                })
                .collect();
            assert_eq!(Report { level, ..report(cases) }.conclusion(), expected, "{level} {found:?}");
        }
    }

    #[test]
    fn what_is_chosen_is_not_the_whole() {
        let mut report = report(vec![judged("a/1", Verdict::Passed)]);
        assert!(report.is_whole());
        report.cases_in_suite = 2;
        assert!(!report.is_whole());
    }
}
