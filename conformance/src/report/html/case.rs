//! A case on a page: what is required, who says so, what was found, and all that was asked and answered.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::exchange::Exchange;
use crate::report::html::frame::{class, mark};
use crate::report::{Conclusion, Judged, Report, visible};
use crate::verdict::Verdict;

pub(super) fn case(report: &Report, case: &Judged) -> Markup {
    let verdict = case.verdict;
    let matters = report.effect(case) != Conclusion::Passed;
    let anchor = anchor(report, case);
    html! {
        details.case.(class(verdict)).excused[!matters] id=(anchor) data-verdicts=(class(verdict)) open[matters] {
            summary {
                span.verdict data-mark=(mark(verdict)) { (verdict) }
                span.name { code { (visible::line(&case.id)) } span.soft { (sentence(&case.title)) } }
                span.level { (case.level) }
            }
            div.told {
                p.requirement { (sentence(&case.requirement)) }
                (source_list(case))
                (finding(&report.why(case), case))
                @if !case.left_behind.is_empty() {
                    p { "Left behind: " (visible::line(&case.left_behind.join(", "))) "." }
                }
                @if !case.exchanges.is_empty() { (exchanges(report, case)) }
                p.self { a href=(format!("#{anchor}")) { "Link to this case" } ", " (case.milliseconds) " ms" }
            }
        }
    }
}

/// What a link to a case ends with: its id, if that can stand there as it is.
fn anchor(report: &Report, case: &Judged) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.:".contains(c);
    if case.id.chars().all(is_plain) && !case.id.is_empty() {
        return case.id.clone();
    }
    let place = report.cases.iter().position(|other| std::ptr::eq(other, case)).unwrap_or_default();
    format!("case-{}", place + 1)
}

/// A sentence of ours, in which code stands between backticks.
pub(super) fn sentence(text: &str) -> Markup {
    let text = visible::line(text);
    html! {
        @for (is_code, span) in visible::spans(&text) {
            @if is_code { code { (span) } } @else { (span) }
        }
    }
}

/// Who says so.
pub(super) fn source_list(case: &Judged) -> Markup {
    html! {
        ul.sources aria-label="Sources" {
            @for source in &case.evidence { li { (sentence(&source.to_string())) } }
        }
    }
}

/// What was wrong.
pub(super) fn finding(why: &str, case: &Judged) -> Markup {
    let repeats = case.mismatch.is_some() && case.verdict == Verdict::Failed && why == case.reason;
    html! {
        dl.finding {
            @if let Some(mismatch) = &case.mismatch {
                dt { "Looked at" }
                dd { (visible::line(&mismatch.what)) }
                @for (at, expected) in mismatch.expected.iter().enumerate() {
                    dt { @if at == 0 { "Expected" } @else { "or" } }
                    dd.should { pre { (visible::block(expected)) } }
                }
                dt { "Actual" }
                dd.is { pre { (visible::block(&mismatch.actual)) } }
            }
            @if !why.is_empty() && !repeats {
                dt { "Why" }
                dd { (visible::line(why)) }
            }
        }
    }
}

fn exchanges(report: &Report, case: &Judged) -> Markup {
    let telling = case.telling_exchange();
    html! {
        div {
            h3 { "Asked and answered" }
            ol.exchanges {
                @for one in &case.exchanges {
                    @let is_telling = telling.is_some_and(|telling| std::ptr::eq(telling, one));
                    li { (exchange(report, one, is_telling)) }
                }
            }
        }
    }
}

fn exchange(report: &Report, exchange: &Exchange, is_telling: bool) -> Markup {
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let answer = match exchange.status {
        Some(_) => message(&status, &exchange.headers, &exchange.body),
        None => visible::block(&exchange.body),
    };
    html! {
        details.exchange open[is_telling] {
            summary {
                code { (visible::line(&exchange.asked())) }
                span.soft { "→ " (status) }
                @if is_telling { span.seen { "seen here" } }
            }
            div {
                h4.unseen { "Request" }
                // They scroll, so whoever has no mouse must get into them.
                pre tabindex="0" { (message(&exchange.asked(), &exchange.request_headers, &exchange.request_body)) }
                h4.unseen { "Answer" }
                pre tabindex="0" { (answer) }
                @if let Some(command) = report.curl(exchange) {
                    div.repeat {
                        h3 { "To ask again" }
                        button type="button" data-copy hidden { "Copy" }
                    }
                    pre tabindex="0" { (visible::block(&command)) }
                }
            }
        }
    }
}

/// A message as it goes over the wire, by and large.
fn message(first: &str, headers: &[(String, String)], body: &str) -> String {
    let mut text = visible::line(first);
    for (name, value) in headers {
        let _ = write!(text, "\n{}: {}", visible::line(name), visible::line(value));
    }
    if !body.is_empty() {
        let _ = write!(text, "\n\n{}", visible::block(body));
    }
    text
}
