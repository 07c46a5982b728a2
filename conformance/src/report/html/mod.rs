//! One page with everything in it, which asks nobody for anything: how the groups did, then each case.
//!
//! Whatever was answered is shown as text. Should that ever fail, the page's own policy lets no other script or style than
//! its own come to anything.

mod case;
mod frame;
mod matrix;

use maud::{Markup, html};

use crate::report::{Conclusion, Judged, Report, visible};
use crate::verdict::Verdict;

use case::sentence;
use frame::{class, class_of_conclusion, page};

/// As a page.
pub fn html(report: &Report) -> String {
    let body = html! {
        (header(report))
        main {
            @if !report.cases.is_empty() { (by_group(report)) }
            (frame::filter(&seen(report).collect::<Vec<_>>(), false))
            @for (at, cases) in report.groups().enumerate() {
                section.group id=(format!("group-{}", at + 1)) {
                    h2 { (visible::line(cases[0].group())) }
                    @for case in cases { (case::case(report, case)) }
                }
            }
        }
    };
    page(&format!("{}: {}", report.target, report.conclusion()), &report.suite, &body)
}

fn header(report: &Report) -> Markup {
    let conclusion = report.conclusion();
    let cases = if report.is_whole() {
        format!("{} cases", report.cases.len())
    } else {
        format!("{} of {} cases: a selection, not the whole suite", report.cases.len(), report.cases_in_suite)
    };
    html! {
        header {
            p.soft { "What was found of a " (report.kind) }
            h1 { (visible::line(&report.target)) }
            @if let Some(base_url) = report.base_url.as_ref().filter(|url| **url != report.target) {
                p.where.soft { (visible::line(base_url)) }
            }
            p.conclusion.(class_of_conclusion(conclusion)) {
                strong { (conclusion) }
                @if conclusion == Conclusion::Error { ". " } @else { ", " }
                "held to " (report.level) ". " (cases) "."
            }
            (share(report))
            @if !report.summary.is_empty() {
                ul.says { @for line in &report.summary { li { (sentence(line)) } } }
            }
            @let left: Vec<_> = report.left_behind().map(visible::line).collect();
            @if !left.is_empty() {
                p { "Left behind, since they could not be cleaned up: " (left.join(", ")) "." }
            }
        }
    }
}

/// How large a share each verdict has, as a bar.
fn share(report: &Report) -> Markup {
    let said: Vec<_> = seen(report).map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let mut from = 0;
    let parts: Vec<_> = seen(report)
        .map(|(verdict, count)| {
            let x = from;
            from += count;
            (verdict, x, count)
        })
        .collect();
    html! {
        svg.share role="img" aria-label=(said.join(", ")) viewBox=(format!("0 0 {} 1", from.max(1)))
            preserveAspectRatio="none" {
            @for (verdict, x, width) in parts {
                rect.(class(verdict)) x=(x) y="0" width=(width) height="1" {}
            }
        }
    }
}

/// The verdicts that there are, and how often.
fn seen(report: &Report) -> impl Iterator<Item = (Verdict, usize)> {
    report.counts().into_iter().filter(|(_, count)| *count > 0)
}

fn by_group(report: &Report) -> Markup {
    let verdicts: Vec<_> = seen(report).map(|(verdict, _)| verdict).collect();
    let count = |cases: &[Judged], verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    html! {
        div.scroll role="region" aria-label="Verdicts by group" tabindex="0" {
            table {
                caption { "Verdicts by group" }
                thead {
                    tr {
                        th scope="col" { "Group" }
                        @for verdict in &verdicts { th scope="col" { (verdict) } }
                        th scope="col" { "all" }
                    }
                }
                tbody {
                    @for (at, cases) in report.groups().enumerate() {
                        @let link = format!("#group-{}", at + 1);
                        tr {
                            th scope="row" { a href=(link) { (visible::line(cases[0].group())) } }
                            @for verdict in verdicts.iter().copied() {
                                td {
                                    @match count(cases, verdict) {
                                        0 => span.none { "0" },
                                        some => a.(class(verdict)) href=(link) data-only=(class(verdict)) { (some) },
                                    }
                                }
                            }
                            td { (cases.len()) }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "all" }
                        @for verdict in verdicts.iter().copied() { td { (report.count(verdict)) } }
                        td { (report.cases.len()) }
                    }
                }
            }
        }
    }
}
