//! Two reports of one subject, or of two: which verdicts are not the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::case::Level;
use crate::report::markdown::{code, escaped};
use crate::report::{Judged, Report, SubjectKind, visible};
use crate::verdict::Verdict;

/// What differs between two reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// What was judged first.
    pub before: String,
    /// What was judged then.
    pub after: String,
    /// How many cases have the same verdict in both.
    pub same: usize,
    /// The cases that have not, the worst news first, and in the order of the suite.
    pub changes: Vec<Change>,
}

/// A case whose verdict is another one, or that is in one of the reports alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it means.
    pub news: News,
    /// The id of the case.
    pub id: String,
    /// How much depends on it.
    pub level: Level,
    /// The verdict in the first report.
    pub before: Option<Verdict>,
    /// The verdict in the second.
    pub after: Option<Verdict>,
    /// Why it is so in the second.
    pub reason: String,
}

/// What a change means, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// What was right is not any more, or is not known to be.
    Worse,
    /// The other way round.
    Better,
    /// Neither is better than the other.
    Other,
    /// The case was not there before.
    New,
    /// It is not there any more.
    Gone,
}

/// Reports that cannot be held against each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("one report is of a {0}, another of a {1}: their cases are not the same")]
pub struct Incomparable(pub SubjectKind, pub SubjectKind);

impl Diff {
    /// What is another in `after` than in `before`.
    ///
    /// # Errors
    ///
    /// If one is of a server and the other of a client.
    pub fn of(before: &Report, after: &Report) -> Result<Self, Incomparable> {
        if before.kind != after.kind {
            return Err(Incomparable(before.kind, after.kind));
        }
        let mut were: BTreeMap<&str, &Judged> =
            before.cases.iter().map(|case| (case.id.as_str(), case)).collect();
        let mut changes = Vec::new();
        let mut same = 0;
        for case in &after.cases {
            let was = were.remove(case.id.as_str());
            match was {
                Some(was) if was.verdict == case.verdict => same += 1,
                was => changes.push(change(was, Some(case))),
            }
        }
        let gone = before.cases.iter().filter(|case| were.contains_key(case.id.as_str()));
        changes.extend(gone.map(|case| change(Some(case), None)));
        changes.sort_by_key(|change| change.news);
        Ok(Self { before: before.target.clone(), after: after.target.clone(), same, changes })
    }

    /// Without what is not worse.
    #[must_use]
    pub fn only_worse(mut self) -> Self {
        self.changes.retain(|change| change.news == News::Worse);
        self
    }

    /// How many changes mean this.
    pub fn count(&self, news: News) -> usize {
        self.changes.iter().filter(|change| change.news == news).count()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{} → {}\n", visible::line(&self.before), visible::line(&self.after));
        for changes in self.changes.chunk_by(|one, next| one.news == next.news) {
            let _ = writeln!(text, "\n{}", changes[0].news);
            for change in changes {
                let _ = writeln!(
                    text,
                    "  {:28} {:6} {}",
                    change.verdicts(),
                    change.level,
                    visible::line(&change.id)
                );
                if !change.reason.is_empty() {
                    let _ = writeln!(text, "      {}", visible::glance(&change.reason));
                }
            }
        }
        let _ = writeln!(text, "\n{}", self.in_a_line());
        text
    }

    /// For the summary of a CI job.
    pub fn markdown(&self) -> String {
        let mut text =
            format!("### {} → {}\n\n{}\n", escaped(&self.before), escaped(&self.after), self.in_a_line());
        if !self.changes.is_empty() {
            text.push_str("\n| | verdict | level | case | why |\n| --- | --- | --- | --- | --- |\n");
        }
        for change in &self.changes {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                change.news,
                change.verdicts(),
                change.level,
                code(&change.id),
                escaped(&visible::glance(&change.reason))
            );
        }
        text
    }

    /// For programs.
    #[expect(clippy::missing_panics_doc, reason = "it does not panic, as is said where it could")]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("all keys are strings") + "\n"
    }

    /// The numbers.
    pub fn in_a_line(&self) -> String {
        let counts: Vec<_> = News::ALL
            .into_iter()
            .map(|news| (news, self.count(news)))
            .filter(|(_, count)| *count > 0)
            .map(|(news, count)| format!("{count} {news}"))
            .collect();
        let counts = if counts.is_empty() { "nothing changed".to_owned() } else { counts.join(", ") };
        format!("{counts}; {} the same.", self.same)
    }
}

fn change(before: Option<&Judged>, after: Option<&Judged>) -> Change {
    let news = match (before, after) {
        (None, _) => News::New,
        (_, None) => News::Gone,
        (Some(before), Some(after)) => match goodness(after.verdict).cmp(&goodness(before.verdict)) {
            std::cmp::Ordering::Less => News::Worse,
            std::cmp::Ordering::Equal => News::Other,
            std::cmp::Ordering::Greater => News::Better,
        },
    };
    let case = after.or(before);
    Change {
        news,
        id: case.map(|case| case.id.clone()).unwrap_or_default(),
        level: case.map_or(Level::May, |case| case.level),
        before: before.map(|case| case.verdict),
        after: after.map(|case| case.verdict),
        reason: after.map(|case| case.reason.clone()).unwrap_or_default(),
    }
}

/// How good a verdict is for who is judged.
fn goodness(verdict: Verdict) -> u8 {
    match verdict {
        // That a list of known failures is out of date is no fault of theirs.
        Verdict::Passed | Verdict::Stale => 2,
        Verdict::Unsupported | Verdict::NotExercised | Verdict::Error => 1,
        Verdict::Failed | Verdict::KnownFailing => 0,
    }
}

impl Change {
    fn verdicts(&self) -> String {
        let shown = |verdict: Option<Verdict>| verdict.map(|verdict| verdict.to_string());
        match (shown(self.before), shown(self.after)) {
            (Some(before), Some(after)) => format!("{before} → {after}"),
            (before, after) => before.or(after).unwrap_or_default(),
        }
    }
}

impl News {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Worse, Self::Better, Self::Other, Self::New, Self::Gone];
}

impl std::fmt::Display for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Other => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{judged, report};

    fn sample() -> Diff {
        use Verdict::{Failed, NotExercised, Passed, Unsupported};
        let before = report(vec![
            judged("a/same", Passed),
            judged("a/better", Failed),
            judged("a/worse", Passed),
            judged("b/gone", Passed),
            judged("b/other", Unsupported),
        ]);
        let mut worse = judged("a/worse", Failed);
        worse.reason = "the status: expected 200;\n found: 500".to_owned();
        let after = report(vec![
            judged("a/new", Failed),
            judged("a/same", Passed),
            judged("a/better", Passed),
            worse,
            judged("b/other", NotExercised),
        ]);
        Diff::of(&before, &after).unwrap()
    }

    #[test]
    fn changes_are_told_the_worst_first() {
        insta::assert_snapshot!(sample().text());
        insta::assert_snapshot!(sample().markdown());
        assert_eq!(sample().only_worse().in_a_line(), "1 worse; 1 the same.");
    }

    #[test]
    fn a_report_does_not_differ_from_itself() {
        let report = report(vec![judged("a/b", Verdict::Failed)]);
        let diff = Diff::of(&report, &report).unwrap();
        assert_eq!((diff.changes.len(), diff.in_a_line().as_str()), (0, "nothing changed; 1 the same."));
    }

    #[test]
    fn a_server_is_not_held_against_a_client() {
        let client = report(Vec::new());
        let server = Report { kind: SubjectKind::Server, ..client.clone() };
        let error = Diff::of(&server, &client).unwrap_err().to_string();
        assert_eq!(error, "one report is of a server, another of a client: their cases are not the same");
    }
}
