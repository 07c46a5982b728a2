//! A report for programs. `diff` and `matrix` read it again.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::{Kind, Level};
use crate::exchange::Exchange;
use crate::expect::Mismatch;
use crate::report::{Conclusion, Report};
use crate::verdict::Verdict;

#[derive(Serialize)]
struct Document<'r> {
    /// Of this form.
    format: u32,
    suite: &'static str,
    target: &'r str,
    base_url: &'r str,
    level: Level,
    conclusion: Conclusion,
    counts: BTreeMap<Verdict, usize>,
    cases: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    id: &'r str,
    title: &'r str,
    level: Level,
    requirement: &'r str,
    evidence: Vec<Known>,
    verdict: Verdict,
    reason: &'r str,
    mismatch: Option<&'r Mismatch>,
    left_behind: &'r [String],
    /// All that differs between two runs with one seed.
    milliseconds: u64,
    exchanges: &'r [Exchange],
}

#[derive(Serialize)]
struct Known {
    fact: &'static str,
    kind: Kind,
    source: &'static str,
}

/// The whole report, exchanges included. Two runs with one seed against the mock of the suite differ in `milliseconds`
/// alone, and in headers of the moment of answers to who has no account.
///
/// # Errors
///
/// If it cannot be written, which does not happen to what was read from JSON.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let cases = report
        .found
        .iter()
        .map(|found| Row {
            id: found.case.id,
            title: found.case.title,
            level: found.case.level,
            requirement: found.case.requirement,
            evidence: found
                .case
                .evidence
                .iter()
                .map(|evidence| Known { fact: evidence.fact, kind: evidence.kind, source: evidence.source() })
                .collect(),
            verdict: found.verdict,
            reason: &found.reason,
            mismatch: found.mismatch.as_ref(),
            left_behind: &found.left_behind,
            milliseconds: found.milliseconds,
            exchanges: &found.exchanges,
        })
        .collect();
    let document = Document {
        format: 1,
        suite: concat!("batchmock-conformance ", env!("CARGO_PKG_VERSION")),
        target: &report.target,
        base_url: &report.base_url,
        level: report.level,
        conclusion: report.conclusion(),
        counts: Verdict::ALL.into_iter().map(|verdict| (verdict, report.count(verdict))).collect(),
        cases,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
