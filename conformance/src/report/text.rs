//! A report for people, on a terminal or in a log.

use std::fmt::Write as _;

use crate::report::{Judged, Report, visible};
use crate::verdict::{Found, Verdict};

/// A line for each case, then each that did not pass at length, then the numbers.
pub fn text(report: &Report) -> String {
    let mut text = format!("{}\n", visible::line(&report.target));
    if let Some(base_url) = report.base_url.as_ref().filter(|url| **url != report.target) {
        let _ = writeln!(text, "{}", visible::line(base_url));
    }
    for cases in report.groups() {
        let _ = writeln!(text, "\n{}", visible::line(cases[0].group()));
        for case in cases {
            let _ = writeln!(text, "  {} {:6} {}", mark(case.verdict), case.level, visible::line(&case.id));
        }
    }
    for case in report.not_passed() {
        let _ = write!(text, "\n{}", judged(case));
    }
    let left: Vec<_> = report.left_behind().map(visible::line).collect();
    if !left.is_empty() {
        let _ = writeln!(text, "\nleft behind, since they could not be cleaned up: {}", left.join(", "));
    }
    if !report.summary.is_empty() {
        let summary: Vec<_> = report.summary.iter().map(|line| visible::line(line)).collect();
        let _ = writeln!(text, "\n{}", summary.join("\n"));
    }
    let _ = writeln!(text, "\n{}", report.in_a_line());
    text
}

/// What was found, in a line.
pub fn found(found: &Found) -> String {
    let Found { case, verdict, reason, .. } = found;
    let reason = if reason.is_empty() { String::new() } else { format!(": {}", visible::glance(reason)) };
    format!("{} {:6} {}{reason}", mark(*verdict), case.level, case.id)
}

/// A verdict in four letters.
pub(super) fn mark(verdict: Verdict) -> &'static str {
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
    let mut text = format!("{} {} ({})\n", visible::line(&case.id), case.verdict, case.level);
    let mut say = |label: &str, value: &str| {
        // What has several lines goes on below its first one.
        let value = visible::block(value.trim_end_matches('\n')).replace('\n', &format!("\n{:17}", ""));
        let _ = writeln!(text, "    {label:12} {value}");
    };
    say("requirement:", &case.requirement);
    for source in &case.evidence {
        say("source:", &source.to_string());
    }
    if let Some(mismatch) = &case.mismatch {
        say("looked at:", &mismatch.what);
        for (at, expected) in mismatch.expected.iter().enumerate() {
            say(if at == 0 { "expected:" } else { "or:" }, expected);
        }
        say("actual:", &mismatch.actual);
    }
    // The reason of a plain failure says the same once more.
    if case.mismatch.is_none() || case.verdict != Verdict::Failed {
        say("reason:", &case.reason);
    }
    text
}
