//! What is known of the service, as `docs/fidelity.md` has it: the one place where facts have their sources.

use std::sync::LazyLock;

use crate::case::Kind;

const DOCUMENT: &str = include_str!("../../docs/fidelity.md");

/// A row of `docs/fidelity.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its number, such as `F-262`. A number can have several rows.
    pub number: &'static str,
    /// What the service does.
    pub behavior: &'static str,
    /// The cell of its level, which begins with one of the three.
    pub level: &'static str,
    /// Who says so.
    pub source: &'static str,
}

static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| DOCUMENT.lines().filter_map(read).collect());

/// All rows that have a number, in the order of the document.
pub fn all() -> &'static [Fact] {
    &FACTS
}

/// The rows of a number.
pub fn of(number: &str) -> impl Iterator<Item = &'static Fact> {
    all().iter().filter(move |fact| fact.number == number)
}

impl Fact {
    /// How it is known; `None` if the document has a level that there is not.
    pub fn kind(&self) -> Option<Kind> {
        [Kind::Documented, Kind::Observed, Kind::Assumed]
            .into_iter()
            .find(|kind| self.level.starts_with(&kind.to_string()))
    }
}

/// A line of the tables with the columns Fact, Behavior, Level, Source, Test and Switch.
fn read(line: &'static str) -> Option<Fact> {
    let cells: Vec<_> = line.trim().strip_prefix("| ")?.split(" | ").collect();
    let [number, behavior, level, source, _test, _switch] = cells.as_slice() else { return None };
    number.starts_with("F-").then_some(Fact { number, behavior, level, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_read() {
        assert!(all().len() > 150, "{}", all().len());
        let cancel = of("F-262").next().unwrap();
        assert_eq!(cancel.kind(), Some(Kind::Observed));
        assert!(cancel.behavior.starts_with("Cancelling a completed"));
        assert!(!cancel.source.is_empty());
        assert!(all().iter().all(|fact| fact.kind().is_some()));
    }
}
