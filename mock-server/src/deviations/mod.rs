//! Result files that are not as they should be: lines that are missing, doubled, cut, or written in an unexpected way.
//!
//! Some of it has been seen (F-360, F-361), the rest is what a careful client has to expect of any server. A
//! [`Deviations`] says which lines are meant, as rules do, and what becomes of them. Counts, usage and sizes are what
//! they are: only the bytes deviate.
//!
//! Deviations are written in TOML, as `[[result]]` tables of a [scenario](crate::Scenario).

mod reading;
mod writing;

use std::collections::HashMap;

pub(crate) use writing::deviating_line;

use crate::answers::{Glob, Turn};

/// What becomes of a result line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deviation {
    /// It stands in neither file.
    Dropped,
    /// It stands there twice.
    Duplicated,
    /// It has a `custom_id` that is not in the input.
    Renamed,
    /// It ends in its middle.
    Cut,
    /// It is no JSON, though its `custom_id` can be made out (F-361).
    NotJson,
    /// Status 0, no request id and an empty body (F-360).
    StatusZero,
    /// It ends in CRLF.
    Crlf,
    /// An empty line stands before it.
    BlankLine,
    /// Its text has U+2028, U+2029 and U+0085 in it, as they are: JSON allows that, and line readers stumble.
    LineSeparators,
    /// It has at least so many bytes: its text goes on with characters of three bytes each.
    Long(u32),
    /// It has fields that nobody knows.
    UnknownFields,
}

/// Which lines of result files are not as they should be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deviations {
    rules: Vec<DeviationRule>,
    /// Whether the last line of a file has no line end.
    pub(crate) no_final_newline: bool,
    /// The tables that they were read from.
    written: Vec<toml::Table>,
}

/// Which lines deviate, and how.
#[derive(Debug, Clone)]
struct DeviationRule {
    custom_id: Option<Glob>,
    turn: Turn,
    deviation: Deviation,
}

/// The lines of one batch that deviate, by their places in the input.
#[derive(Debug, Default)]
pub(crate) struct DeviatingLines(HashMap<u32, Vec<Deviation>>);

impl Deviations {
    /// Whether every line is as it should be.
    pub(crate) fn are_none(&self) -> bool {
        self.rules.is_empty()
    }

    /// What becomes of the lines with these names, in the order of the input. Each rule counts the lines that it
    /// matches, and all whose turn it is hold, in their order.
    pub(crate) fn decide(&self, names: &[String]) -> DeviatingLines {
        let mut turns = vec![0; self.rules.len()];
        let mut deviating: HashMap<u32, Vec<Deviation>> = HashMap::new();
        for (place, name) in (0..).zip(names) {
            for (rule, n) in self.rules.iter().zip(&mut turns) {
                if rule.custom_id.as_ref().is_some_and(|glob| !glob.matches(name)) {
                    continue;
                }
                *n += 1;
                if rule.turn.is(*n) {
                    deviating.entry(place).or_default().push(rule.deviation);
                }
            }
        }
        DeviatingLines(deviating)
    }
}

impl DeviatingLines {
    /// What becomes of the line at a place of the input; nothing if it is as it should be.
    pub(crate) fn of(&self, place: u32) -> Option<&[Deviation]> {
        self.0.get(&place).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reading::Document;

    fn deviations(text: &str) -> Deviations {
        let document = Document::parse(text).unwrap();
        Deviations::from_key(document.root(), "result").unwrap()
    }

    #[test]
    fn each_rule_counts_for_itself_and_all_hold() {
        let deviations = deviations(
            "[[result]]\nnth = 2\ndeviation = 'dropped'\n\
             [[result]]\ncustom_id = 'b*'\nfirst = 2\ndeviation = 'cut'\n\
             [[result]]\nevery = 4\ndeviation = 'crlf'",
        );
        let deviating = deviations.decide(&["a", "b1", "b2", "b3"].map(str::to_owned));
        assert_eq!(deviating.of(0), None);
        assert_eq!(deviating.of(1), Some([Deviation::Dropped, Deviation::Cut].as_slice()));
        assert_eq!(deviating.of(2), Some([Deviation::Cut].as_slice()));
        assert_eq!(deviating.of(3), Some([Deviation::Crlf].as_slice()));
    }
}
