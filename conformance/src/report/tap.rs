//! TAP, version 14: a line for each case, and below those that did not pass what a reader needs, as YAML.
//!
//! A harness finds it green exactly if the run is: what fails and does not count, or is known, is a `TODO`.

use std::fmt::Write as _;

use crate::report::{Conclusion, Judged, Report, Source, visible};
use crate::verdict::Verdict;

/// As TAP.
pub fn tap(report: &Report) -> String {
    let mut text = "TAP version 14\n".to_owned();
    let at = report.base_url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    comment(&mut text, &format!("{} judged {}{at}", report.suite, report.target));
    // A plan of none must say why, or a harness takes it for a mistake.
    let _ = match report.cases.len() {
        0 => writeln!(text, "1..0 # SKIP no case was run"),
        cases => writeln!(text, "1..{cases}"),
    };
    for (at, case) in report.cases.iter().enumerate() {
        test(&mut text, report, at + 1, case);
    }
    for line in &report.summary {
        comment(&mut text, line);
    }
    comment(&mut text, &report.in_a_line());
    text
}

fn comment(text: &mut String, line: &str) {
    let _ = writeln!(text, "# {}", visible::line(line));
}

fn test(text: &mut String, report: &Report, number: usize, case: &Judged) {
    let is_there = |verdict| case.verdict == verdict;
    let (is_ok, directive) = match report.effect(case) {
        Conclusion::Passed if is_there(Verdict::Passed) => (true, ""),
        Conclusion::Passed if is_there(Verdict::Unsupported) || is_there(Verdict::NotExercised) => {
            (true, "SKIP")
        }
        Conclusion::Passed => (false, "TODO"),
        Conclusion::Failed | Conclusion::Incomplete | Conclusion::Error => (false, ""),
    };
    let _ = write!(text, "{}ok {number} - {}", if is_ok { "" } else { "not " }, escaped(&case.id));
    if !directive.is_empty() {
        let _ = write!(text, " # {directive} {}", escaped(&visible::glance(&report.why(case))));
    }
    text.push('\n');
    if !is_there(Verdict::Passed) {
        yaml(text, case);
    }
}

/// A description ends where a directive begins, unless it is said not to.
fn escaped(text: &str) -> String {
    visible::line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn yaml(text: &mut String, case: &Judged) {
    text.push_str("  ---\n");
    let mut say = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key}: {}", scalar(value));
    };
    say("verdict", &case.verdict.to_string());
    say("level", &case.level.to_string());
    say("requirement", &case.requirement);
    if !case.reason.is_empty() {
        say("reason", &case.reason);
    }
    if let Some(mismatch) = &case.mismatch {
        say("at", &mismatch.what);
        list(text, "expected", mismatch.expected.iter().map(String::as_str));
        let _ = writeln!(text, "  actual: {}", scalar(&mismatch.actual));
    }
    list(
        text,
        "sources",
        case.evidence.iter().map(Source::to_string).collect::<Vec<_>>().iter().map(String::as_str),
    );
    list(text, "left-behind", case.left_behind.iter().map(String::as_str));
    text.push_str("  ...\n");
}

fn list<'a>(text: &mut String, key: &str, values: impl Iterator<Item = &'a str>) {
    let values: Vec<_> = values.map(|value| format!("    - {}\n", scalar(value))).collect();
    if !values.is_empty() {
        let _ = write!(text, "  {key}:\n{}", values.concat());
    }
}

/// A string of JSON is one of YAML, too, as long as all in it can be printed.
fn scalar(text: &str) -> String {
    serde_json::Value::from(visible::block(text)).to_string()
}
