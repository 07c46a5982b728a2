//! Markdown for the summary of a CI job: short, with the details folded.

use std::fmt::Write as _;

use crate::report::{Conclusion, Judged, Report, visible};

/// How many cases are told at length: a summary has a limit, and a reader has, too.
const DETAILED: usize = 50;

/// How much of a value is shown.
const SHOWN_CHARS: usize = 2_000;

/// As Markdown, of GitHub's kind.
pub fn markdown(report: &Report) -> String {
    let mark = match report.conclusion() {
        Conclusion::Passed => "✅",
        Conclusion::Failed => "❌",
        Conclusion::Incomplete => "⚠️",
        Conclusion::Error => "💥",
    };
    let mut text = format!("### {mark} {}: {}\n\n", escaped(&report.target), report.conclusion());
    let _ = writeln!(text, "{}", escaped(&report.in_a_line()));
    for line in &report.summary {
        let _ = writeln!(text, "\n{}", sentence(line));
    }
    let told: Vec<_> = report.not_passed().collect();
    if !told.is_empty() {
        text.push_str("\n| verdict | level | case | why |\n| --- | --- | --- | --- |\n");
        for case in &told {
            let (verdict, level, id) = (case.verdict, case.level, code(&case.id));
            let counts = if report.effect(case) == Conclusion::Passed { "" } else { "**" };
            let _ = writeln!(
                text,
                "| {counts}{verdict}{counts} | {level} | {id} | {} |",
                escaped(&visible::glance(&report.why(case)))
            );
        }
        let at_length: Vec<_> = told.iter().filter(|case| case.mismatch.is_some()).collect();
        for case in at_length.iter().take(DETAILED) {
            details(&mut text, report, case);
        }
        if let Some(more) = at_length.len().checked_sub(DETAILED).filter(|more| *more > 0) {
            let _ = writeln!(text, "\nThe details of {more} more are in the other reports.");
        }
    }
    let left: Vec<_> = report.left_behind().map(code).collect();
    if !left.is_empty() {
        let _ = writeln!(text, "\nLeft behind, since they could not be cleaned up: {}", left.join(", "));
    }
    let _ = writeln!(text, "\n<sub>{}</sub>", escaped(&report.suite));
    text
}

fn details(text: &mut String, report: &Report, case: &Judged) {
    let _ = write!(
        text,
        "\n<details><summary>{}: {}</summary>\n\n{}\n\n",
        code(&case.id),
        sentence(&case.title),
        sentence(&case.requirement)
    );
    for source in &case.evidence {
        let _ = writeln!(text, "- {}", sentence(&source.to_string()));
    }
    if let Some(mismatch) = &case.mismatch {
        let _ = writeln!(text, "\nLooked at {}.", escaped(&mismatch.what));
        for (at, expected) in mismatch.expected.iter().enumerate() {
            block(text, if at == 0 { "Expected" } else { "or" }, expected);
        }
        block(text, "Actual", &mismatch.actual);
    }
    let command = case.telling_exchange().and_then(|exchange| report.curl(exchange));
    // A command that was cut would be another one.
    if let Some(command) = command.filter(|command| command.len() <= SHOWN_CHARS) {
        block(text, "To see it", &command);
    }
    text.push_str("\n</details>\n");
}

/// A value as it is, in a fence that it does not have.
fn block(text: &mut String, label: &str, value: &str) {
    let value = visible::block(&visible::cut(value, SHOWN_CHARS));
    let longest = value.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = write!(text, "\n{label}:\n\n{fence}text\n{value}\n{fence}\n");
}

/// A sentence of ours, in which code stands between backticks.
fn sentence(text: &str) -> String {
    let text = visible::line(text);
    visible::spans(text.trim())
        .into_iter()
        .map(|(is_code, span)| if is_code { code(span) } else { escaped(span) })
        .collect()
}

pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text that is nothing but text: what could be markup is written as a reference, which tables, too, let pass.
pub(super) fn escaped(text: &str) -> String {
    let text = visible::line(text);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let before = &text[..at];
        let is_plain = match c {
            ' ' | ',' | ';' | '/' | '(' | '\'' | '"' | '%' | '?' | '{' | '}' => true,
            // An address begins, or a line that makes a heading of what is above it.
            ':' => !text[at..].starts_with("://"),
            '=' => at > 0,
            // Lists begin with these, and a line of dashes makes a heading of what is above it.
            '-' => !before.chars().all(|c| c == '-'),
            '.' | ')' => !before.chars().all(|c| c.is_ascii_digit()) && !ends_with_www(before),
            c => !c.is_ascii_punctuation(),
        };
        if is_plain {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "&#{};", c as u32);
        }
    }
    escaped
}

/// What GitHub would take for the beginning of an address.
fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}
