//! TOML that people write: read key by key, and refused with the place of what is wrong and what would be right.
//!
//! A [`Document`] holds the parsed text, a [`Table`] reads one table of it, an [`Entry`] one value. Which keys a
//! table may have is said once ([`Table::allow_only`]), so that any other is told with the nearest of them. What the
//! keys mean is not known here.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest::{nearest, quoted};

/// Why a TOML text cannot be used: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TomlError {
    place: Place,
    message: String,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Counted from 1.
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    /// What stands on the line.
    source: String,
    /// How many characters of it are meant.
    width: usize,
}

/// A text that is TOML.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    text: &'t str,
    table: DeTable<'t>,
    span: Range<usize>,
}

/// One table of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'d> {
    text: &'d str,
    entries: &'d DeTable<'d>,
    begins_at: usize,
    ends_at: usize,
}

/// One value of a table, with its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'d> {
    text: &'d str,
    key: &'d str,
    value: &'d Spanned<DeValue<'d>>,
}

impl TomlError {
    fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { place: Place::of(text, span), message: message.into() }
    }

    fn unparsable(text: &str, error: &toml::de::Error) -> Self {
        Self::new(text, error.span().unwrap_or_default(), error.message())
    }

    /// The line at fault, counted from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The column at fault, in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::error::Error for TomlError {}

/// The place, what is wrong, and the line with a mark under what is meant.
impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, source, width } = &self.place;
        writeln!(f, "line {line}, column {column}: {}", self.message)?;
        let margin = " ".repeat(line.to_string().len());
        let (shown, before) = excerpt(source, *column);
        writeln!(f, "{margin} |")?;
        writeln!(f, "{line} | {shown}")?;
        let width = (*width).min(shown.chars().count().saturating_sub(before)).max(1);
        write!(f, "{margin} | {}{}", " ".repeat(before), "^".repeat(width))
    }
}

/// How much of a long line is shown, and how much of that before the place at fault.
const SHOWN: usize = 100;
const SHOWN_BEFORE: usize = 40;

/// As much of a line as can be shown, and how many characters of it stand before the column.
fn excerpt(source: &str, column: usize) -> (String, usize) {
    let before = column - 1;
    if source.chars().count() <= SHOWN {
        return (source.to_owned(), before);
    }
    let skipped = before.saturating_sub(SHOWN_BEFORE);
    (source.chars().skip(skipped).take(SHOWN).collect(), before - skipped)
}

impl Place {
    fn of(text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            source: text[line_start..line_end].trim_end().to_owned(),
            width: text[start..end.min(line_end)].chars().count(),
        }
    }
}

impl<'t> Document<'t> {
    /// Reads a whole document.
    pub(crate) fn parse(text: &'t str) -> Result<Self, TomlError> {
        let table = DeTable::parse(text).map_err(|error| TomlError::unparsable(text, &error))?;
        Ok(Self { text, span: table.span(), table: table.into_inner() })
    }

    /// Reads a text that is an inline table: `{ … }`.
    pub(crate) fn parse_inline(text: &'t str) -> Result<Self, TomlError> {
        let value = DeValue::parse(text).map_err(|error| TomlError::unparsable(text, &error))?;
        let span = value.span();
        if let DeValue::Table(table) = value.into_inner() {
            Ok(Self { text, table, span })
        } else {
            Err(TomlError::new(text, span, "that is no table: write `{ key = value, … }`"))
        }
    }

    /// The table that the document is.
    pub(crate) fn root(&self) -> Table<'_> {
        Table {
            text: self.text,
            entries: &self.table,
            begins_at: self.span.start,
            ends_at: self.span.end.min(self.text.len()),
        }
    }
}

impl<'d> Table<'d> {
    /// Refuses the first key that is none of these.
    pub(crate) fn allow_only(&self, keys: &[&str]) -> Result<(), TomlError> {
        let Some((key, _)) = self.entries.iter().find(|(key, _)| !keys.contains(&key.get_ref().as_ref()))
        else {
            return Ok(());
        };
        let near = nearest(key.get_ref(), keys.iter().copied()).unwrap_or_default();
        let message = format!(
            "there is no key `{}` here; the nearest is `{near}`, and there are {}",
            key.get_ref(),
            quoted(keys.iter().copied())
        );
        Err(TomlError::new(self.text, key.span(), message))
    }

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<Entry<'d>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Entry { text: self.text, key: key.get_ref(), value })
    }

    /// All values, in the order of the text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry<'d>> {
        let text = self.text;
        self.entries.iter().map(move |(key, value)| Entry { text, key: key.get_ref(), value })
    }

    /// The error that the table as a whole is wrong.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> TomlError {
        TomlError::new(self.text, self.begins_at..self.ends_at, message)
    }
}

impl<'d> Entry<'d> {
    /// Its key.
    pub(crate) fn key(&self) -> &'d str {
        self.key
    }

    /// The error that the value is wrong; the message says in which way.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> TomlError {
        TomlError::new(self.text, self.value.span(), message)
    }

    fn wrong_type(&self, wanted: &str) -> TomlError {
        self.refuse(format!("`{}` is {}, and must be {wanted}", self.key, type_name(self.value.get_ref())))
    }

    /// The value as a text.
    pub(crate) fn text(&self) -> Result<&'d str, TomlError> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a text in quotes"))
    }

    /// The value as a text that is not empty.
    pub(crate) fn name(&self) -> Result<&'d str, TomlError> {
        match self.text()? {
            "" => Err(self.refuse(format!("`{}` is empty", self.key))),
            text => Ok(text),
        }
    }

    /// The value as a whole number in a range.
    pub(crate) fn integer(&self, range: RangeInclusive<i64>) -> Result<i64, TomlError> {
        let wanted = || {
            let (least, most) = (range.start(), range.end());
            if *most == i64::MAX {
                format!("a whole number, {least} or more")
            } else {
                format!("a whole number from {least} to {most}")
            }
        };
        let Some(integer) = self.value.get_ref().as_integer() else { return Err(self.wrong_type(&wanted())) };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(self.refuse(format!("`{}` is {integer}, and must be {}", self.key, wanted()))),
        }
    }

    /// The value as yes or no; nothing if it is something else.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.value.get_ref().as_bool()
    }

    /// The value as one of some words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, TomlError> {
        let text = self.text()?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(*choice);
        }
        let names = || choices.iter().map(|(name, _)| *name);
        let near = nearest(text, names()).unwrap_or_default();
        Err(self.refuse(format!(
            "`{}` cannot be `{text}`; the nearest is `{near}`, and there are {}",
            self.key,
            quoted(names())
        )))
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// The value as a text; nothing if it is something else.
    pub(crate) fn as_text(&self) -> Option<&'d str> {
        self.value.get_ref().as_str()
    }

    /// What the value lists; nothing if it is no list.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let items = self.value.get_ref().as_array()?;
        Some(items.iter().map(|value| Self { value, ..*self }).collect())
    }

    /// The value as a table; nothing if it is something else.
    pub(crate) fn as_table(&self) -> Option<Table<'d>> {
        self.value.get_ref().as_table().map(|entries| self.table_of(entries, &self.value.span()))
    }

    /// The value as a table.
    pub(crate) fn table(&self) -> Result<Table<'d>, TomlError> {
        self.as_table().ok_or_else(|| self.wrong_type("a table"))
    }

    /// The value as a list of tables; one table stands for a list of one.
    pub(crate) fn tables(&self) -> Result<Vec<Table<'d>>, TomlError> {
        if let Some(table) = self.as_table() {
            return Ok(vec![table]);
        }
        let Some(items) = self.value.get_ref().as_array() else {
            return Err(self.wrong_type("a table, or a list of tables"));
        };
        items
            .iter()
            .map(|item| {
                let entries = item.get_ref().as_table().ok_or_else(|| {
                    let found = type_name(item.get_ref());
                    let message = format!("`{}` is a list of tables, and this is {found}", self.key);
                    TomlError::new(self.text, item.span(), message)
                })?;
                Ok(self.table_of(entries, &item.span()))
            })
            .collect()
    }

    fn table_of(&self, entries: &'d DeTable<'d>, span: &Range<usize>) -> Table<'d> {
        Table { text: self.text, entries, begins_at: span.start, ends_at: span.end }
    }

    /// The value as JSON. Times become texts; what JSON cannot hold is refused.
    pub(crate) fn json(&self) -> Result<Value, TomlError> {
        json(self.text, self.value)
    }

    /// The value, borrowing nothing.
    pub(crate) fn to_value(self) -> Result<toml::Value, TomlError> {
        let deserializer = toml::de::ValueDeserializer::from(self.value.clone());
        serde::Deserialize::deserialize(deserializer)
            .map_err(|error| TomlError::unparsable(self.text, &error))
    }
}

fn json(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Value, TomlError> {
    let refuse = |message: String| TomlError::new(text, value.span(), message);
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix());
            Value::from(number.map_err(|_| refuse(format!("{integer} is too large a number")))?)
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(Number::from_f64);
            Value::Number(number.ok_or_else(|| refuse(format!("JSON has no number {float}")))?)
        }
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(text, item)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => {
            let mut object = Map::with_capacity(entries.len());
            for (key, value) in entries {
                object.insert(key.get_ref().to_string(), json(text, value)?);
            }
            Value::Object(object)
        }
    })
}

/// What people call the type of a value.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "yes or no",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn error<T: fmt::Debug>(text: &str, read: impl Fn(Table<'_>) -> Result<T, TomlError>) -> String {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => return error.to_string(),
        };
        read(document.root()).unwrap_err().to_string()
    }

    #[test]
    fn a_key_that_is_none_is_told_with_its_place_and_the_nearest() {
        let told =
            error("# rules\nname = 1\nmodle = \"é\" # no\n", |table| table.allow_only(&["name", "model"]));
        insta::assert_snapshot!(told, @r##"
        line 3, column 1: there is no key `modle` here; the nearest is `model`, and there are `name`, `model`
          |
        3 | modle = "é" # no
          | ^^^^^
        "##);
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_marked() {
        let read = |table: Table<'_>| table.get("a").expect("it is there").integer(1..=9);
        insta::assert_snapshot!(error("a = 'é'", read), @r"
        line 1, column 5: `a` is a text, and must be a whole number from 1 to 9
          |
        1 | a = 'é'
          |     ^^^
        ");
        insta::assert_snapshot!(error("b = 1\na = 0x1F", read), @r"
        line 2, column 5: `a` is 0x1F, and must be a whole number from 1 to 9
          |
        2 | a = 0x1F
          |     ^^^^
        ");
        let read =
            |table: Table<'_>| table.get("a").expect("it is there").choice(&[("stop", 1), ("length", 2)]);
        insta::assert_snapshot!(error("a = 'lenght'", read), @r"
        line 1, column 5: `a` cannot be `lenght`; the nearest is `length`, and there are `stop`, `length`
          |
        1 | a = 'lenght'
          |     ^^^^^^^^
        ");
        let read =
            |table: Table<'_>| table.get("a").expect("it is there").tables().map(|tables| tables.len());
        insta::assert_snapshot!(error("a = [{}, 2]", read), @r"
        line 1, column 10: `a` is a list of tables, and this is a whole number
          |
        1 | a = [{}, 2]
          |          ^
        ");
    }

    #[test]
    fn what_is_no_toml_is_told_in_the_same_way() {
        insta::assert_snapshot!(error("a = 'cut\n", |_| Ok::<_, TomlError>(())), @r"
        line 1, column 9: invalid literal string, expected `'`
          |
        1 | a = 'cut
          |         ^
        ");
    }

    #[test]
    fn of_a_long_line_some_is_shown() {
        let text = format!("a = \"{}\", b = 2", "x".repeat(300));
        insta::assert_snapshot!(error(&text, |_| Ok::<_, TomlError>(())), @r#"
        line 1, column 307: unexpected key or value, expected newline, `#`
          |
        1 | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", b = 2
          |                                         ^
        "#);
    }

    #[test]
    fn values_become_json() {
        let document =
            Document::parse("a = { t = 2026-01-31, n = [1, 2.5, true], s = 'x' }\nb = inf").unwrap();
        let value = document.root().get("a").unwrap().json().unwrap();
        assert_eq!(value, json!({"t": "2026-01-31", "n": [1, 2.5, true], "s": "x"}));
        assert_eq!(value.to_string(), r#"{"t":"2026-01-31","n":[1,2.5,true],"s":"x"}"#, "in their order");
        let error = document.root().get("b").unwrap().json().unwrap_err();
        assert_eq!((error.line(), error.column(), error.message()), (2, 5, "JSON has no number inf"));
    }

    #[test]
    fn an_inline_table_stands_alone() {
        let document = Document::parse_inline("{ a = 1 }").unwrap();
        assert_eq!(document.root().get("a").unwrap().integer(0..=i64::MAX), Ok(1));
        let error = Document::parse_inline("[1]").unwrap_err();
        assert_eq!(error.message(), "that is no table: write `{ key = value, … }`");
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_can_be_shown(text: String, start in 0..40_usize, end in 0..40_usize) {
            let error = TomlError::new(&text, start.min(text.len())..end.min(text.len()), "wrong");
            prop_assert!(error.to_string().contains("wrong"));
        }
    }
}
