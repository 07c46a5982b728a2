//! Deviations as people write them: tables of TOML.

use std::fmt;

use super::{Deviation, DeviationRule, Deviations};
use crate::answers::{Glob, Turn};
use crate::nearest::quoted;
use crate::toml_reading::{Table, TomlError};

/// How many bytes a long line has unless it is said: more than a mebibyte.
const LONG: u32 = 1_200_000;

/// The deviations of a line by name.
const BY_NAME: [(&str, Word); 12] = [
    ("dropped", Word::Line(Deviation::Dropped)),
    ("duplicated", Word::Line(Deviation::Duplicated)),
    ("renamed", Word::Line(Deviation::Renamed)),
    ("cut", Word::Line(Deviation::Cut)),
    ("not-json", Word::Line(Deviation::NotJson)),
    ("status-0", Word::Line(Deviation::StatusZero)),
    ("crlf", Word::Line(Deviation::Crlf)),
    ("blank-line", Word::Line(Deviation::BlankLine)),
    ("line-separators", Word::Line(Deviation::LineSeparators)),
    ("long", Word::Line(Deviation::Long(LONG))),
    ("unknown-fields", Word::Line(Deviation::UnknownFields)),
    ("no-final-newline", Word::FinalNewline),
];

/// What a word means.
#[derive(Clone, Copy)]
enum Word {
    Line(Deviation),
    FinalNewline,
}

impl Deviations {
    /// What the tables under a key say, if they are there.
    pub(crate) fn from_key(table: Table<'_>, key: &str) -> Result<Self, TomlError> {
        let mut deviations = Self::default();
        let Some(entry) = table.get(key) else { return Ok(deviations) };
        for table in entry.tables()? {
            deviations.add(&table)?;
        }
        Ok(deviations)
    }

    fn add(&mut self, table: &Table<'_>) -> Result<(), TomlError> {
        let keys: Vec<&str> =
            ["custom_id"].into_iter().chain(Turn::KEYS).chain(["deviation", "bytes"]).collect();
        table.allow_only(&keys)?;
        let Some(entry) = table.get("deviation") else {
            let names = quoted(BY_NAME.map(|(name, _)| name));
            return Err(table.refuse(format!("what deviates is not said: `deviation` is one of {names}")));
        };
        let custom_id = Glob::from_key(table, "custom_id")?;
        let turn = Turn::from_table(table)?;
        let bytes = table.get("bytes");
        let written = table.iter().map(|entry| Ok((entry.key().to_owned(), entry.to_value()?)));
        self.written.push(written.collect::<Result<_, _>>()?);
        match (entry.choice(&BY_NAME)?, bytes) {
            (Word::Line(Deviation::Long(_)), Some(bytes)) => {
                // Longer lines are made of long answers, of which memory holds one a core.
                let bytes = u32::try_from(bytes.integer(1..=64 * 1024 * 1024)?).unwrap_or(LONG);
                self.rules.push(DeviationRule { custom_id, turn, deviation: Deviation::Long(bytes) });
            }
            (_, Some(bytes)) => return Err(bytes.refuse("`bytes` goes with `deviation = \"long\"` only")),
            (Word::Line(deviation), None) => self.rules.push(DeviationRule { custom_id, turn, deviation }),
            (Word::FinalNewline, None) if custom_id.is_none() && turn.is_always() => {
                self.no_final_newline = true;
            }
            (Word::FinalNewline, None) => {
                return Err(entry.refuse("a file has one end: `no-final-newline` stands alone"));
            }
        }
        Ok(())
    }
}

/// One table a line, as it was written.
impl fmt::Display for Deviations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.iter().try_for_each(|table| writeln!(f, "{}", toml::Value::Table(table.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reading::Document;

    fn refusal(text: &str) -> String {
        Deviations::from_key(Document::parse(text).unwrap().root(), "result").unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        insta::assert_snapshot!(
            [
                "[[result]]\ndeviation = 'droped'",
                "[[result]]\nnth = 1",
                "[[result]]\ncustomid = 'a'\ndeviation = 'cut'",
                "[[result]]\ndeviation = 'cut'\nbytes = 3",
                "[[result]]\ndeviation = 'long'\nbytes = 100_000_000",
                "[[result]]\nnth = 1\nevery = 2\ndeviation = 'cut'",
                "[[result]]\nnth = 1\ndeviation = 'no-final-newline'",
                "result = 'cut'",
            ]
            .map(refusal)
            .join("\n\n")
        );
    }
}
