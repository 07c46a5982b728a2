//! Cases that are known to fail, from a file:
//!
//! ```toml
//! [[known]]
//! case = "batches/cancel/after-completed"     # an id, or a pattern
//! reason = "answers 400; ticket 123 of the vendor"
//! until = 2027-01-31                          # optional: from then on it counts as any other
//! ```
//!
//! They are run all the same. One that passes fails the run, so that the list cannot grow old.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::select::Pattern;
use crate::time;
use crate::verdict::{Found, Verdict};

/// The entries of a file.
#[derive(Debug, Clone, Default)]
pub struct KnownFailing {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    pattern: Pattern,
    reason: String,
    /// The last day, in days since 1970.
    until: Option<(i64, String)>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct KnownFailingError {
    /// Where, counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    case: Spanned<String>,
    reason: Spanned<String>,
    until: Option<Spanned<Datetime>>,
}

impl KnownFailing {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it is no such file, or names no case.
    pub fn read(text: &str) -> Result<Self, KnownFailingError> {
        let at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|error| KnownFailingError {
            line: at(error.span().map_or(0, |span| span.start)),
            why: error.message().to_owned(),
        })?;
        let mut entries = Vec::new();
        for Row { case, reason, until } in file.known {
            let pattern = Pattern::new(case.as_ref())
                .map_err(|error| KnownFailingError { line: at(case.span().start), why: error.to_string() })?;
            if reason.as_ref().trim().is_empty() {
                let why = "an empty reason: say why the case fails".to_owned();
                return Err(KnownFailingError { line: at(reason.span().start), why });
            }
            let until = match until {
                None => None,
                Some(until) => {
                    let day = day_of(until.as_ref()).ok_or_else(|| KnownFailingError {
                        line: at(until.span().start),
                        why: format!("`{}` is no day: write one such as 2027-01-31", until.as_ref()),
                    })?;
                    Some((day, until.as_ref().to_string()))
                }
            };
            entries.push(Entry { pattern, reason: reason.into_inner(), until });
        }
        Ok(Self { entries })
    }

    /// Tells known failures apart, and what was said to fail and does not.
    pub fn apply(&self, found: &mut [Found]) {
        self.apply_on(time::today(), found);
    }

    fn apply_on(&self, today: i64, found: &mut [Found]) {
        for found in found.iter_mut() {
            let Some(entry) = self.entries.iter().find(|entry| entry.pattern.matches(found.case)) else {
                continue;
            };
            let over = entry.until.as_ref().filter(|(day, _)| today > *day);
            match (found.verdict, over) {
                (Verdict::Failed | Verdict::NotExercised, None) => {
                    found.verdict = Verdict::KnownFailing;
                    found.reason = format!("{} (known: {})", found.reason, entry.reason);
                }
                (Verdict::Failed | Verdict::NotExercised, Some((_, day))) => {
                    found.reason = format!("{} (known until {day}: {})", found.reason, entry.reason);
                }
                // A pattern speaks for many: only one case by its name can be out of date by passing.
                (Verdict::Passed, _) if entry.pattern.text() == found.case.id => {
                    found.verdict = Verdict::Stale;
                    found.reason = format!("it passes, but is listed as failing: {}", entry.reason);
                }
                (
                    Verdict::Passed
                    | Verdict::KnownFailing
                    | Verdict::Stale
                    | Verdict::Unsupported
                    | Verdict::Error,
                    _,
                ) => {}
            }
        }
        self.find_idle_patterns(found);
    }

    /// Marks the first case of a pattern none of whose cases fails any more.
    fn find_idle_patterns(&self, found: &mut [Found]) {
        for entry in &self.entries {
            let matched: Vec<_> =
                (0..found.len()).filter(|at| entry.pattern.matches(found[*at].case)).collect();
            if let Some(first) = matched.first()
                && matched.iter().all(|at| found[*at].verdict == Verdict::Passed)
            {
                found[*first].verdict = Verdict::Stale;
                found[*first].reason = format!(
                    "every case of `{}` passes, but they are listed as failing: {}",
                    entry.pattern.text(),
                    entry.reason
                );
            }
        }
    }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar.
fn day_of(date: &Datetime) -> Option<i64> {
    let date = date.date?;
    // Years begin in March, so that the day that is sometimes there is the last one.
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(date.day) - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    fn found(id: &str, verdict: Verdict) -> Found {
        Found {
            case: server::find(id).unwrap(),
            verdict,
            mismatch: None,
            reason: "why".to_owned(),
            exchanges: Vec::new(),
            milliseconds: 0,
            left_behind: Vec::new(),
        }
    }

    fn apply(text: &str, today: &str, cases: &[(&str, Verdict)]) -> Vec<(Verdict, String)> {
        let mut all: Vec<_> = cases.iter().map(|(id, verdict)| found(id, *verdict)).collect();
        let today = day_of(&today.parse().unwrap()).unwrap();
        KnownFailing::read(text).unwrap().apply_on(today, &mut all);
        all.into_iter().map(|found| (found.verdict, found.reason)).collect()
    }

    const COMPLETED: &str = "batches/cancel/after-completed";
    const FAILED: &str = "batches/cancel/after-failed";

    fn entry(case: &str, until: &str) -> String {
        format!("[[known]]\ncase = \"{case}\"\nreason = \"a ticket\"\n{until}")
    }

    #[test]
    fn days_are_counted() {
        let day = |text: &str| day_of(&text.parse().unwrap()).unwrap();
        assert_eq!((day("1970-01-01"), day("1970-03-01"), day("2000-02-29")), (0, 59, 11_016));
        assert_eq!(day("2026-11-27"), 20_784);
    }

    #[test]
    fn a_known_failure_is_told_apart_until_its_day_is_over() {
        let file = entry(COMPLETED, "until = 2026-11-27");
        let cases = [(COMPLETED, Verdict::Failed), (FAILED, Verdict::Failed)];
        assert_eq!(
            apply(&file, "2026-11-27", &cases),
            [
                (Verdict::KnownFailing, "why (known: a ticket)".to_owned()),
                (Verdict::Failed, "why".to_owned())
            ]
        );
        assert_eq!(
            apply(&file, "2026-11-28", &cases)[0],
            (Verdict::Failed, "why (known until 2026-11-27: a ticket)".to_owned())
        );
    }

    #[test]
    fn what_passes_must_not_be_listed() {
        let cases = [(COMPLETED, Verdict::Passed), (FAILED, Verdict::Passed)];
        assert_eq!(apply(&entry(COMPLETED, ""), "2026-01-01", &cases)[0].0, Verdict::Stale);
        let (verdict, reason) = &apply(&entry("batches/cancel/after-*", ""), "2026-01-01", &cases)[0];
        assert_eq!(*verdict, Verdict::Stale);
        assert!(reason.contains("every case of `batches/cancel/after-*` passes"), "{reason}");
        // One of those that a pattern is for still fails.
        let cases = [(COMPLETED, Verdict::Passed), (FAILED, Verdict::Failed)];
        let verdicts: Vec<_> = apply(&entry("batches/cancel/after-*", ""), "2026-01-01", &cases)
            .into_iter()
            .map(|(verdict, _)| verdict)
            .collect();
        assert_eq!(verdicts, [Verdict::Passed, Verdict::KnownFailing]);
    }

    #[test]
    fn bad_files_are_told_the_place() {
        let error = |text: &str| KnownFailing::read(text).unwrap_err().to_string();
        assert_eq!(
            error("\n[[known]]\ncase = \"batches/cancel/after-complete\"\nreason = \"r\""),
            "line 3: no case matches `batches/cancel/after-complete`; the nearest is \
             `batches/cancel/after-completed`"
        );
        assert_eq!(
            error("[[known]]\ncase = \"*\"\nreason = \" \""),
            "line 3: an empty reason: say why the case fails"
        );
        assert_eq!(
            error("[[known]]\ncase = \"*\"\nreason = \"r\"\nuntil = 12:00:00"),
            "line 4: `12:00:00` is no day: write one such as 2027-01-31"
        );
        assert!(error("[[known]]\nreason = \"r\"").contains("missing field `case`"));
        assert!(error("[[know]]").contains("unknown field `know`, expected `known`"));
    }
}
