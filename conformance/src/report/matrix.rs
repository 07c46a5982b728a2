//! Several reports side by side: a column for each subject, a row for each case.

use std::fmt::Write as _;

use crate::report::markdown::{code, escaped};
use crate::report::{Incomparable, Judged, Report, text, visible};
use crate::verdict::Verdict;

/// Reports, and the cases that they have.
#[derive(Debug, Clone)]
pub struct Matrix<'r> {
    /// A column each.
    pub subjects: Vec<Subject<'r>>,
    /// In the order of the suite. A case that some reports do not have stands where it does in those that have it.
    pub rows: Vec<Row<'r>>,
}

/// A report, and what heads its column.
#[derive(Debug, Clone)]
pub struct Subject<'r> {
    /// What was judged; with a number, if another is called the same.
    pub name: String,
    /// What was found.
    pub report: &'r Report,
}

/// A case, and what was found of each subject.
#[derive(Debug, Clone)]
pub struct Row<'r> {
    /// The case as one of the reports has it, which stands for what is the same in all.
    pub case: &'r Judged,
    /// In the order of the subjects; none where a report does not have the case.
    pub cells: Vec<Option<&'r Judged>>,
}

impl<'r> Matrix<'r> {
    /// Puts reports side by side.
    ///
    /// # Errors
    ///
    /// If some are of servers and others of clients.
    pub fn of(reports: &'r [Report]) -> Result<Self, Incomparable> {
        let mut subjects: Vec<Subject<'r>> = Vec::new();
        let mut rows: Vec<Row<'r>> = Vec::new();
        for report in reports {
            if let Some(other) = subjects.first().filter(|other| other.report.kind != report.kind) {
                return Err(Incomparable(other.report.kind, report.kind));
            }
            subjects.push(Subject { name: name(&subjects, report), report });
            let mut next = 0;
            for case in &report.cases {
                let at = rows.iter().position(|row| row.case.id == case.id).unwrap_or_else(|| {
                    rows.insert(next, Row { case, cells: vec![None; reports.len()] });
                    next
                });
                rows[at].cells[subjects.len() - 1] = Some(case);
                next = at + 1;
            }
        }
        Ok(Self { subjects, rows })
    }

    /// The verdicts that there are in any report.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        Verdict::ALL
            .into_iter()
            .filter(|verdict| self.subjects.iter().any(|subject| subject.report.count(*verdict) > 0))
    }

    /// The rows by their groups.
    pub fn groups(&self) -> impl Iterator<Item = &[Row<'r>]> {
        self.rows.chunk_by(|one, next| one.case.group() == next.case.group())
    }

    /// For people. Cases that pass everywhere are counted, and left out if not `all` are wanted.
    pub fn text(&self, all: bool) -> String {
        let mut text = String::new();
        for (at, subject) in self.subjects.iter().enumerate() {
            let level = subject.report.level;
            let _ = writeln!(
                text,
                "{:>3}  {}: {}, held to {level}",
                at + 1,
                visible::line(&subject.name),
                subject.report.conclusion()
            );
        }
        let width = self.told(all).map(|row| row.case.id.chars().count()).max().unwrap_or_default().max(20);
        let columns: Vec<_> = (1..=self.subjects.len()).map(|at| format!("{at:>6}")).collect();
        let _ = writeln!(text, "\n         {:width$}{}", "", columns.concat());
        for verdict in self.verdicts() {
            let counts: Vec<_> =
                self.subjects.iter().map(|subject| format!("{:>6}", subject.report.count(verdict))).collect();
            let name = format!("{verdict} ({})", text::mark(verdict).trim_end());
            let _ = writeln!(text, "         {name:width$}{}", counts.concat());
        }
        text.push('\n');
        for row in self.told(all) {
            let marks: Vec<_> = row
                .cells
                .iter()
                .map(|cell| format!("{:>6}", cell.map_or("", |case| text::mark(case.verdict)).trim_end()))
                .collect();
            let id = visible::line(&row.case.id);
            let _ = writeln!(text, "  {:6} {id:width$}{}", row.case.level, marks.concat());
        }
        if let Some(rest) = self.left_out(all) {
            let _ = writeln!(text, "\n{rest}");
        }
        text
    }

    /// For a document, or the summary of a CI job. Cases that pass everywhere are left out if not `all` are wanted.
    pub fn markdown(&self, all: bool) -> String {
        let verdicts: Vec<_> = self.verdicts().collect();
        let mut text = "| | conclusion |".to_owned();
        for verdict in &verdicts {
            let _ = write!(text, " {verdict} |");
        }
        let _ = writeln!(text, "\n| --- | --- |{}", " ---: |".repeat(verdicts.len()));
        for Subject { name, report } in &self.subjects {
            let _ = write!(text, "| {} | {} |", escaped(name), report.conclusion());
            for verdict in &verdicts {
                let _ = write!(text, " {} |", report.count(*verdict));
            }
            text.push('\n');
        }
        if self.told(all).next().is_some() {
            let names: Vec<_> = self.subjects.iter().map(|subject| escaped(&subject.name)).collect();
            let _ = writeln!(text, "\n| case | level | {} |", names.join(" | "));
            let _ = writeln!(text, "| --- | --- |{}", " --- |".repeat(names.len()));
        }
        for row in self.told(all) {
            let _ = write!(text, "| {} | {} |", code(&row.case.id), row.case.level);
            for cell in &row.cells {
                let verdict = cell.map(|case| case.verdict.to_string()).unwrap_or_default();
                let _ = write!(text, " {verdict} |");
            }
            text.push('\n');
        }
        if let Some(rest) = self.left_out(all) {
            let _ = writeln!(text, "\n{rest}");
        }
        text
    }

    fn told(&self, all: bool) -> impl Iterator<Item = &Row<'r>> {
        self.rows.iter().filter(move |row| all || !row.passes_everywhere())
    }

    fn left_out(&self, all: bool) -> Option<String> {
        let left_out = self.rows.len() - self.told(all).count();
        (left_out > 0).then(|| format!("{left_out} of {} cases pass everywhere.", self.rows.len()))
    }
}

impl Row<'_> {
    /// Whether nobody does anything else than to pass.
    fn passes_everywhere(&self) -> bool {
        self.cells.iter().all(|cell| cell.is_some_and(|case| case.verdict == Verdict::Passed))
    }
}

/// What a report is called beside others.
fn name(others: &[Subject<'_>], report: &Report) -> String {
    let same = others.iter().filter(|other| other.report.target == report.target).count();
    if same == 0 { report.target.clone() } else { format!("{} ({})", report.target, same + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{judged, report};

    fn reports() -> [Report; 3] {
        use Verdict::{Failed, Passed, Unsupported};
        let one = report(vec![judged("a/1", Passed), judged("a/2", Failed), judged("b/1", Passed)]);
        let older = report(vec![judged("a/1", Passed), judged("b/1", Unsupported)]);
        let mut newer = report(vec![
            judged("a/1", Passed),
            judged("a/2", Passed),
            judged("a/3", Failed),
            judged("b/1", Passed),
        ]);
        newer.target = "an | other".to_owned();
        [one, older, newer]
    }

    #[test]
    fn reports_stand_side_by_side() {
        let reports = reports();
        let matrix = Matrix::of(&reports).unwrap();
        let ids: Vec<_> = matrix.rows.iter().map(|row| row.case.id.as_str()).collect();
        assert_eq!(ids, ["a/1", "a/2", "a/3", "b/1"], "what is new stands at its place");
        insta::assert_snapshot!(matrix.text(false));
        insta::assert_snapshot!(matrix.markdown(false));
        assert!(matrix.text(true).contains("a/1"));
    }
}
