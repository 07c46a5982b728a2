//! Several reports on one page.

use maud::{Markup, html};

use crate::report::html::case::{finding, sentence, source_list};
use crate::report::html::frame::{class, class_of_conclusion, filter, mark, page};
use crate::report::{Matrix, Report, Row, visible};
use crate::verdict::Verdict;

impl Matrix<'_> {
    /// As a page: how each subject did, then each case, with what was found of each.
    pub fn html(&self) -> String {
        let body = html! {
            header {
                p.soft { "Side by side" }
                h1 { (self.subjects.len()) " reports" }
            }
            main {
                (subjects(self))
                (filter(&counts(self), true))
                div.scroll role="region" aria-label="Verdicts by case" tabindex="0" {
                    table.side {
                        caption.unseen { "Verdicts by case" }
                        thead {
                            tr {
                                th scope="col" { "Case" }
                                @for subject in &self.subjects { th scope="col" { (visible::line(&subject.name)) } }
                            }
                        }
                        @for rows in self.groups() {
                            tbody.group {
                                tr {
                                    th scope="rowgroup" colspan=(self.subjects.len() + 1) {
                                        (visible::line(rows[0].case.group()))
                                    }
                                }
                                @for one in rows { (row(self, one)) }
                            }
                        }
                    }
                }
            }
        };
        page("Reports side by side", &Report::suite(), &body)
    }
}

/// In how many cases somebody has a verdict.
fn counts(matrix: &Matrix<'_>) -> Vec<(Verdict, usize)> {
    let has = |row: &Row<'_>, verdict| row.cells.iter().flatten().any(|case| case.verdict == verdict);
    matrix
        .verdicts()
        .map(|verdict| (verdict, matrix.rows.iter().filter(|row| has(row, verdict)).count()))
        .collect()
}

fn subjects(matrix: &Matrix<'_>) -> Markup {
    let verdicts: Vec<_> = matrix.verdicts().collect();
    html! {
        div.scroll role="region" aria-label="Verdicts by subject" tabindex="0" {
            table {
                caption { "Verdicts by subject" }
                thead {
                    tr {
                        th scope="col" { "Subject" }
                        @for verdict in &verdicts { th scope="col" { (verdict) } }
                        th scope="col" { "held to" }
                        th scope="col" { "conclusion" }
                    }
                }
                tbody {
                    @for subject in &matrix.subjects {
                        @let conclusion = subject.report.conclusion();
                        tr {
                            th scope="row" { (visible::line(&subject.name)) }
                            @for verdict in verdicts.iter().copied() {
                                @let count = subject.report.count(verdict);
                                td { span.(class(verdict)).verdict[count > 0].none[count == 0] { (count) } }
                            }
                            td { (subject.report.level) }
                            td { strong.verdict.(class_of_conclusion(conclusion)) { (conclusion) } }
                        }
                    }
                }
            }
        }
    }
}

fn row(matrix: &Matrix<'_>, row: &Row<'_>) -> Markup {
    let mut verdicts: Vec<_> = row.cells.iter().flatten().map(|case| case.verdict).collect();
    verdicts.sort_unstable();
    verdicts.dedup();
    let classes: Vec<_> = verdicts.iter().map(|verdict| class(*verdict)).collect();
    html! {
        tr data-verdicts=(classes.join(" ")) {
            th scope="row" {
                details {
                    summary { span.name { code { (visible::line(&row.case.id)) } span.level { (row.case.level) } } }
                    div.told {
                        p.requirement { (sentence(&row.case.requirement)) }
                        (source_list(row.case))
                        @for (subject, case) in matrix.subjects.iter().zip(&row.cells) {
                            @if let Some(case) = case.filter(|case| case.verdict != Verdict::Passed) {
                                div {
                                    h3 { (visible::line(&subject.name)) ": " (case.verdict) }
                                    (finding(&subject.report.why(case), case))
                                }
                            }
                        }
                    }
                }
            }
            @for cell in &row.cells {
                td {
                    @if let Some(case) = cell {
                        span.verdict.(class(case.verdict)) data-mark=(mark(case.verdict)) { (case.verdict) }
                    }
                }
            }
        }
    }
}
