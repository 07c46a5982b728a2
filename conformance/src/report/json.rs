//! A report for programs, and for `report`, `diff` and `matrix`, which read it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::case::Level;
use crate::report::{Conclusion, Judged, Report, SubjectKind};
use crate::verdict::Verdict;

/// The version of the form. Members may be added to it without another number; what is there keeps its meaning.
pub const FORMAT: u32 = 1;

/// A report as it is written. `conclusion` and `counts` follow from the rest: they are for readers, and never read here.
#[derive(Serialize)]
struct Written<'r> {
    format: u32,
    suite: &'r str,
    kind: SubjectKind,
    target: &'r str,
    base_url: Option<&'r str>,
    level: Level,
    conclusion: Conclusion,
    counts: BTreeMap<Verdict, usize>,
    cases_in_suite: usize,
    summary: &'r [String],
    cases: &'r [Judged],
}

#[derive(Deserialize)]
struct Read {
    suite: String,
    #[serde(default)]
    kind: SubjectKind,
    target: String,
    #[serde(default)]
    base_url: Option<String>,
    level: Level,
    #[serde(default)]
    cases_in_suite: usize,
    #[serde(default)]
    summary: Vec<String>,
    cases: Vec<Judged>,
}

/// Why something is no report that can be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is something else.
    #[error("it is no report: {0}; `batchmock-conformance run --report json=FILE` writes one")]
    NoReport(String),
    /// It is of another version of the form.
    #[error("it is a report of format {found}, written by {suite}; this version reads format {FORMAT}")]
    OtherFormat {
        /// The version that it says it has.
        found: String,
        /// What has written it.
        suite: String,
    },
    /// Something in it cannot be understood.
    #[error("the report cannot be read: {0}")]
    Broken(String),
    /// Two of its cases are the same, so that none can be told from the other.
    #[error("the report cannot be read: two of its cases are called `{0}`")]
    Twice(String),
}

/// The whole report, exchanges included. Two runs with one seed against the mock of the suite differ in `milliseconds`
/// alone, and in headers of the moment of answers to who has no account.
#[expect(clippy::missing_panics_doc, reason = "it does not panic, as is said where it could")]
pub fn json(report: &Report) -> String {
    let Report { suite, kind, target, base_url, level, cases_in_suite, summary, cases } = report;
    let written = Written {
        format: FORMAT,
        suite,
        kind: *kind,
        target,
        base_url: base_url.as_deref(),
        level: *level,
        conclusion: report.conclusion(),
        counts: report.counts(),
        cases_in_suite: *cases_in_suite,
        summary,
        cases,
    };
    serde_json::to_string_pretty(&written).expect("all keys are strings") + "\n"
}

/// Reads what [`json`] has written.
///
/// # Errors
///
/// If it is something else, or of another version.
pub fn read(text: &str) -> Result<Report, ReadError> {
    // Every version of the form has these two.
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| ReadError::NoReport(error.to_string()))?;
    let Some(format) = members.get("format") else {
        return Err(ReadError::NoReport("it has no `format`".to_owned()));
    };
    if format.get() != FORMAT.to_string() {
        let suite =
            members.get("suite").map_or("something that does not say what it is", |suite| suite.get());
        let suite = suite.trim_matches('"').to_owned();
        return Err(ReadError::OtherFormat { found: format.get().to_owned(), suite });
    }
    let read: Read = serde_json::from_str(text).map_err(|error| ReadError::Broken(error.to_string()))?;
    let mut ids = BTreeSet::new();
    if let Some(twice) = read.cases.iter().find(|case| !ids.insert(&case.id)) {
        return Err(ReadError::Twice(twice.id.clone()));
    }
    let Read { suite, kind, target, base_url, level, cases_in_suite, summary, cases } = read;
    let base_url = base_url.filter(|url| !url.is_empty());
    Ok(Report { suite, kind, target, base_url, level, cases_in_suite, summary, cases })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Exchange;
    use crate::expect::Mismatch;
    use crate::report::samples::{judged, report};

    #[test]
    fn what_is_written_is_read_again() {
        let mut failed = judged("a/b", Verdict::Failed);
        failed.mismatch = Some(Mismatch {
            what: "the status".to_owned(),
            expected: vec!["200".to_owned(), "204".to_owned()],
            actual: "500".to_owned(),
            exchange: Some(0),
        });
        failed.left_behind.push("file-1".to_owned());
        failed.milliseconds = 3;
        failed.exchanges.push(Exchange {
            method: "GET".to_owned(),
            path: "/files".to_owned(),
            request_headers: vec![("a".to_owned(), "b".to_owned())],
            request_body: String::new(),
            status: Some(500),
            headers: Vec::new(),
            body: "\u{0}<\u{2028}".to_owned(),
        });
        let mut before = report(vec![failed, judged("a/c", Verdict::NotExercised)]);
        before.base_url = Some("http://localhost:1/v1".to_owned());
        before.summary.push("It loses every tenth result.".to_owned());
        before.cases_in_suite = 9;
        assert_eq!(read(&json(&before)).unwrap(), before);
        let client = report(Vec::new());
        assert_eq!(read(&json(&client)).unwrap(), client);
    }

    #[test]
    fn what_is_no_report_is_told_so() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error("").starts_with("it is no report: EOF while parsing"), "{}", error(""));
        assert!(error("[1]").starts_with("it is no report: "), "{}", error("[1]"));
        assert_eq!(
            error("{\"object\": \"list\"}"),
            "it is no report: it has no `format`; `batchmock-conformance run --report json=FILE` writes one"
        );
        assert_eq!(
            error("{\"format\": 2, \"suite\": \"batchmock-conformance 9.0.0\"}"),
            "it is a report of format 2, written by batchmock-conformance 9.0.0; this version reads format 1"
        );
        assert_eq!(
            error("{\"format\": 1, \"suite\": \"s\"}"),
            "the report cannot be read: missing field `target` at line 1 column 27"
        );
    }

    #[test]
    fn cases_have_ids_of_their_own() {
        let twice = report(vec![judged("a/b", Verdict::Passed), judged("a/b", Verdict::Failed)]);
        assert_eq!(read(&json(&twice)), Err(ReadError::Twice("a/b".to_owned())));
    }

    #[test]
    fn what_follows_from_the_cases_is_not_believed() {
        let report = report(vec![judged("a/b", Verdict::Failed)]);
        let edited = json(&report).replace("\"conclusion\": \"failed\"", "\"conclusion\": \"passed\"");
        assert!(edited.contains("\"conclusion\": \"passed\""));
        assert_eq!(read(&edited).unwrap().conclusion(), Conclusion::Failed);
    }
}
