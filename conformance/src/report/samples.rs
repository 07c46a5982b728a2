//! What the tests of the forms have in common.

use super::{Judged, Report, Source, SubjectKind};
use crate::case::{Kind, Level};
use crate::verdict::Verdict;

/// A report of some cases of a client that nobody knows.
pub(super) fn report(cases: Vec<Judged>) -> Report {
    Report {
        suite: Report::suite(),
        kind: SubjectKind::Client,
        target: "a client".to_owned(),
        base_url: None,
        level: Level::Must,
        cases_in_suite: cases.len(),
        summary: Vec::new(),
        cases,
    }
}

/// A case that is in no catalog.
pub(super) fn judged(id: &str, verdict: Verdict) -> Judged {
    Judged {
        id: id.to_owned(),
        title: format!("the title of {id}"),
        level: Level::Must,
        requirement: format!("What {id} asks for."),
        evidence: vec![Source { fact: None, kind: Kind::Observed, source: "somebody".to_owned() }],
        verdict,
        reason: String::new(),
        mismatch: None,
        left_behind: Vec::new(),
        milliseconds: 0,
        exchanges: Vec::new(),
    }
}
