//! A report for people, on a terminal or in a log.

use std::fmt::Write as _;

use crate::case::Case;
use crate::report::{Conclusion, Report};
use crate::verdict::{Found, Verdict};

/// A line for each case, then each that did not pass at length, then the numbers.
pub fn text(report: &Report) -> String {
    let mut text = format!("{}\n", report.target);
    if !report.base_url.is_empty() && report.base_url != report.target {
        let _ = writeln!(text, "{}", report.base_url);
    }
    let mut subject = "";
    for found in &report.found {
        if subject != found.case.subject() {
            subject = found.case.subject();
            let _ = writeln!(text, "\n{subject}");
        }
        let _ = writeln!(text, "  {} {:6} {}", mark(found.verdict), found.case.level, found.case.id);
    }
    let told: Vec<_> = report.found.iter().filter(|found| found.verdict != Verdict::Passed).collect();
    for found in &told {
        let _ = write!(text, "\n{}", self::found(found));
    }
    let left: Vec<_> = report.found.iter().flat_map(|found| &found.left_behind).collect();
    if !left.is_empty() {
        let ids: Vec<_> = left.into_iter().map(String::as_str).collect();
        let _ = writeln!(text, "\nleft behind, since they could not be cleaned up: {}", ids.join(", "));
    }
    let _ = writeln!(text, "\n{}", summary(report));
    text
}

/// The numbers, and how the run ends.
fn summary(report: &Report) -> String {
    let counts: Vec<_> = Verdict::ALL
        .into_iter()
        .filter(|verdict| report.count(*verdict) > 0)
        .map(|verdict| format!("{} {verdict}", report.count(verdict)))
        .collect();
    let conclusion = match report.conclusion() {
        Conclusion::Passed => "passed",
        Conclusion::Failed => "failed",
        Conclusion::Incomplete => "incomplete",
        Conclusion::Error => "the suite is at fault",
    };
    format!(
        "{} cases: {}. Held to {}: {conclusion}.",
        report.found.len(),
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") },
        report.level
    )
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok  ",
        Verdict::Failed => "FAIL",
        Verdict::KnownFailing => "know",
        Verdict::Stale => "STAL",
        Verdict::Unsupported => "-   ",
        Verdict::NotExercised => "MISS",
        Verdict::Error => "ERR ",
    }
}

/// What was found, with what a reader needs to judge it.
pub fn found(found: &Found) -> String {
    let case = found.case;
    let mut text = format!("{} {} ({})\n", case.id, found.verdict, case.level);
    let _ = writeln!(text, "    requirement: {}", case.requirement);
    for evidence in case.evidence {
        let _ = writeln!(text, "    source:      {} {}: {}", evidence.fact, evidence.kind, evidence.source());
    }
    match &found.mismatch {
        None => {
            let _ = writeln!(text, "    reason:      {}", found.reason);
        }
        Some(mismatch) => {
            let _ = writeln!(text, "    looked at:   {}", mismatch.what);
            for (at, expected) in mismatch.expected.iter().enumerate() {
                let _ = writeln!(text, "    {:13}{expected}", if at == 0 { "expected:" } else { "or:" });
            }
            let _ = writeln!(text, "    actual:      {}", mismatch.actual);
            if found.verdict != Verdict::Failed {
                let _ = writeln!(text, "    reason:      {}", found.reason);
            }
        }
    }
    text
}

/// Everything there is to know of a case beforehand.
pub fn case(case: &Case) -> String {
    let mut text = format!("{}\n\n{}\n\n{} {}\n\n", case.id, case.title, case.level, case.requirement);
    for evidence in case.evidence {
        let _ = writeln!(text, "{} ({}): {}", evidence.fact, evidence.kind, evidence.source());
        for fact in crate::facts::of(evidence.fact).filter(|fact| fact.kind() == Some(evidence.kind)) {
            let _ = writeln!(text, "    {}", fact.behavior);
        }
    }
    let needs: Vec<_> = case.needs.iter().map(|need| need.name()).collect();
    if !needs.is_empty() {
        let _ = writeln!(text, "\nneeds: {}", needs.join(", "));
    }
    let _ = writeln!(
        text,
        "\ntakes: {} where time cannot be moved; at most {} lines of batches run",
        case.takes, case.lines
    );
    text
}
