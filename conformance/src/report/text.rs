//! A report for people, on a terminal or in a log.

use std::fmt::Write as _;

use crate::case::Case;
use crate::report::{Judged, Report, Source};
use crate::verdict::Verdict;

/// A line for each case, then each that did not pass at length, then the numbers.
pub fn text(report: &Report) -> String {
    let mut text = format!("{}\n", report.target);
    if let Some(base_url) = report.base_url.as_ref().filter(|url| **url != report.target) {
        let _ = writeln!(text, "{base_url}");
    }
    let mut group = "";
    for case in &report.cases {
        if group != case.group() {
            group = case.group();
            let _ = writeln!(text, "\n{group}");
        }
        let _ = writeln!(text, "  {} {:6} {}", mark(case.verdict), case.level, case.id);
    }
    for case in report.not_passed() {
        let _ = write!(text, "\n{}", judged(case));
    }
    let left: Vec<_> = report.cases.iter().flat_map(|case| &case.left_behind).map(String::as_str).collect();
    if !left.is_empty() {
        let _ = writeln!(text, "\nleft behind, since they could not be cleaned up: {}", left.join(", "));
    }
    if !report.summary.is_empty() {
        let _ = writeln!(text, "\n{}", report.summary.join("\n"));
    }
    let _ = writeln!(text, "\n{}", summary(report));
    text
}

/// The numbers, and how the run ends, in one line.
pub fn summary(report: &Report) -> String {
    let counts: Vec<_> = report
        .counts()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let of = if report.is_whole() { String::new() } else { format!(" of {}", report.cases_in_suite) };
    format!(
        "{}{of} cases: {}. Held to {}: {}.",
        report.cases.len(),
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") },
        report.level,
        report.conclusion()
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
pub fn judged(case: &Judged) -> String {
    let mut text = format!("{} {} ({})\n", case.id, case.verdict, case.level);
    let _ = writeln!(text, "    requirement: {}", case.requirement);
    for Source { fact, kind, source } in &case.evidence {
        let fact = fact.as_ref().map(|fact| format!("{fact} ")).unwrap_or_default();
        let _ = writeln!(text, "    source:      {fact}{kind}: {source}");
    }
    if let Some(mismatch) = &case.mismatch {
        let _ = writeln!(text, "    looked at:   {}", mismatch.what);
        for (at, expected) in mismatch.expected.iter().enumerate() {
            let _ = writeln!(text, "    {:13}{expected}", if at == 0 { "expected:" } else { "or:" });
        }
        let _ = writeln!(text, "    actual:      {}", mismatch.actual);
    }
    // The reason of a plain failure says the same once more.
    if case.mismatch.is_none() || case.verdict != Verdict::Failed {
        let _ = writeln!(text, "    reason:      {}", case.reason);
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
        "\ntakes: {} where time cannot be moved; at most {} lines of batches run, with at most {} tokens",
        case.takes,
        case.lines,
        case.tokens()
    );
    let _ = writeln!(text, "destroys: {}", case.destroys);
    text
}
