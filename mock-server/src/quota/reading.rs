//! Quotas as people write them: a table of TOML, the short form of the command line, and JSON.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{ByModel, Quotas};
use crate::toml_reading::{Document, Entry, Table, TomlError};

/// Every key of the table, in the order of the documentation.
const KEYS: [&str; 9] = [
    "preset",
    "enqueued_tokens",
    "enqueued_requests",
    "batches_per_hour",
    "uploads_per_minute",
    "file_bytes",
    "requests_per_minute",
    "tokens_per_minute",
    "phantom_for",
];

/// What a limit is called that is none.
const NONE: &str = "none";

/// The largest limit, which is larger than any that can be met.
const LARGEST: i64 = 1_000_000_000_000_000;

/// Why quotas cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuotaError(String);

impl QuotaError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<TomlError> for QuotaError {
    fn from(error: TomlError) -> Self {
        Self(error.to_string())
    }
}

impl Quotas {
    /// Reads quotas from a TOML document with a table `quota`, such as
    ///
    /// ```
    /// # use batchmock::Quotas;
    /// let quotas = Quotas::from_toml(
    ///     r#"
    ///     [quota]
    ///     preset = "tier-1"
    ///     batches_per_hour = 3
    ///     enqueued_tokens = { "gpt-4o-mini" = 1000 }
    ///     "#,
    /// );
    /// assert_eq!(quotas.unwrap().batches_per_hour, Some(3));
    /// ```
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, QuotaError> {
        let document = Document::parse(text)?;
        document.root().allow_only(&["quota"])?;
        Ok(Self::from_key(document.root(), "quota")?)
    }

    /// The quotas that stand in a table under a key, if it is there, for documents that have more than quotas. The value is
    /// a table, or the name of a preset.
    pub(crate) fn from_key(table: Table<'_>, key: &str) -> Result<Self, TomlError> {
        let mut quotas = Self::default();
        match table.get(key) {
            None => {}
            Some(entry) if entry.text().is_ok() => quotas = preset(&entry)?,
            Some(entry) => quotas.read(&entry.table()?)?,
        }
        Ok(quotas)
    }

    /// Changes what a short text says: the name of a preset, which takes the place of all that was said before,
    /// `key=value`, or `key.model=value`. The keys are those of the table; a limit can be `none`.
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right.
    pub fn set(&mut self, text: &str) -> Result<(), QuotaError> {
        if KEYS.contains(&text) {
            return Err(QuotaError::new(format!("`{text}` has no value: write `{text}=VALUE`")));
        }
        let (key, value) = text.split_once('=').unwrap_or(("preset", text));
        let value = match value.replace(['_', ','], "").parse::<i64>() {
            Ok(number) => toml::Value::Integer(number),
            Err(_) => toml::Value::from(value),
        };
        let (key, value) = match key.split_once('.') {
            None => (key, value),
            Some((key, model)) => {
                (key, toml::Value::Table(toml::Table::from_iter([(model.to_owned(), value)])))
            }
        };
        self.read_value(&toml::Table::from_iter([(key.to_owned(), value)]))
    }

    /// Reads what [`to_json`](Self::to_json) writes, and what a user writes in its form.
    pub(crate) fn from_json(written: &Map<String, Value>) -> Result<Self, QuotaError> {
        let mut table = toml::Table::new();
        // What is null is not said.
        for (key, value) in written.iter().filter(|(_, value)| !value.is_null()) {
            let value = toml::Value::try_from(value)
                .map_err(|error| QuotaError::new(format!("`{key}` cannot be read: {error}")))?;
            table.insert(key.clone(), value);
        }
        let mut quotas = Self::default();
        quotas.read_value(&table)?;
        Ok(quotas)
    }

    /// The quotas as JSON, without those that are none.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let Self {
            enqueued_tokens,
            enqueued_requests,
            batches_per_hour,
            uploads_per_minute,
            file_bytes,
            requests_per_minute,
            tokens_per_minute,
            phantom_for,
        } = self;
        let by_model = |limits: &ByModel| {
            let limit = |limit: Option<u64>| limit.map_or(Value::from(NONE), Value::from);
            let limits = limits.iter().map(|(pattern, of)| (pattern.to_owned(), limit(of)));
            Value::Object(limits.collect())
                .as_object()
                .filter(|limits| !limits.is_empty())
                .cloned()
                .map(Value::from)
        };
        let limit = |limit: Option<u64>| limit.map(Value::from);
        let values = [
            ("enqueued_tokens", by_model(enqueued_tokens)),
            ("enqueued_requests", by_model(enqueued_requests)),
            ("batches_per_hour", limit(*batches_per_hour)),
            ("uploads_per_minute", limit(*uploads_per_minute)),
            ("file_bytes", limit(*file_bytes)),
            ("requests_per_minute", by_model(requests_per_minute)),
            ("tokens_per_minute", by_model(tokens_per_minute)),
            (
                "phantom_for",
                phantom_for.map(|time| Value::from(humantime::format_duration(time).to_string())),
            ),
        ];
        values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// Reads a table that nobody wrote as TOML: errors tell no place.
    fn read_value(&mut self, table: &toml::Table) -> Result<(), QuotaError> {
        let text = table.to_string();
        let document = Document::parse(&text).map_err(|error| QuotaError::new(error.message()))?;
        self.read(&document.root()).map_err(|error| QuotaError::new(error.message()))
    }

    fn read(&mut self, table: &Table<'_>) -> Result<(), TomlError> {
        table.allow_only(&KEYS)?;
        if let Some(entry) = table.get("preset") {
            *self = preset(&entry)?;
        }
        for (key, limits) in [
            ("enqueued_tokens", &mut self.enqueued_tokens),
            ("enqueued_requests", &mut self.enqueued_requests),
            ("requests_per_minute", &mut self.requests_per_minute),
            ("tokens_per_minute", &mut self.tokens_per_minute),
        ] {
            if let Some(entry) = table.get(key) {
                read_by_model(&entry, limits)?;
            }
        }
        for (key, of) in [
            ("batches_per_hour", &mut self.batches_per_hour),
            ("uploads_per_minute", &mut self.uploads_per_minute),
            ("file_bytes", &mut self.file_bytes),
        ] {
            if let Some(entry) = table.get(key) {
                *of = limit(&entry)?;
            }
        }
        if let Some(entry) = table.get("phantom_for") {
            self.phantom_for = duration(&entry)?;
        }
        Ok(())
    }
}

fn preset(entry: &Entry<'_>) -> Result<Quotas, TomlError> {
    const TIERS: [(&str, u8); 6] =
        [(NONE, 0), ("tier-1", 1), ("tier-2", 2), ("tier-3", 3), ("tier-4", 4), ("tier-5", 5)];
    Ok(Quotas::tier(entry.choice(&TIERS)?).unwrap_or_default())
}

/// A limit for all models, which takes the place of all others, or a table of some, which are added.
fn read_by_model(entry: &Entry<'_>, limits: &mut ByModel) -> Result<(), TomlError> {
    let Some(table) = entry.as_table() else {
        *limits = limit(entry)?.map(ByModel::each).unwrap_or_default();
        return Ok(());
    };
    for entry in table.iter() {
        let of = limit(&entry)?;
        limits.set(entry.key(), of).map_err(|error| entry.refuse(error.to_string()))?;
    }
    Ok(())
}

fn limit(entry: &Entry<'_>) -> Result<Option<u64>, TomlError> {
    match entry.text() {
        Ok(NONE) => Ok(None),
        Ok(text) => Err(entry.refuse(format!(
            "`{}` is `{text}`, and must be a whole number from 0 to {LARGEST}, or `{NONE}`",
            entry.key()
        ))),
        Err(_) => Ok(Some(entry.integer(0..=LARGEST)?.unsigned_abs())),
    }
}

fn duration(entry: &Entry<'_>) -> Result<Option<Duration>, TomlError> {
    match entry.text()? {
        NONE => Ok(None),
        text => humantime::parse_duration(text).map(Some).map_err(|error| {
            entry
                .refuse(format!("`{}` is no duration: {error}; write it like `90s` or `1h 30m`", entry.key()))
        }),
    }
}
