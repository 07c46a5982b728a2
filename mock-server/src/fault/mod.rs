//! Faults: what goes wrong between a client and the API, on demand.
//!
//! A [`FaultRule`] says which requests it is about (operation, turn, the state of the batch that is meant, a span of
//! virtual time, a probability), what happens to them (an error, a delay, a connection that breaks, a batch that looks
//! as it did a while ago), and for how long. A [`FaultPlan`] is a list of rules. The first one that is due decides about
//! a request; each counts the requests that are right for it, also those that an earlier rule decides, so that one
//! rule's turn does not depend on another's.
//!
//! Rules are written in TOML, as `[[fault]]` tables, in files and elsewhere: there is one reader
//! ([`FaultRule::from_table`]). `schema.json` describes the same to editors.
//!
//! Nothing here knows of HTTP messages, sockets or waiting. What is counted stands in [`Faults`], of which each world has
//! one; how an answer is made of an [`Effect`] is known to `http/faults.rs`, and how it is brought to the client, as a
//! [`Delivery`] says, to `server/delivery.rs`.

mod condition;
mod counting;
mod delivery;
mod effect;
mod preset;
mod reading;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use condition::Condition;
pub(crate) use counting::{Asked, Concerned, FaultScope, Faults, Fired, Standing};
pub(crate) use delivery::{Cut, Delivery, Dribble, End, Silence};
pub(crate) use effect::{Content, Effect, ErrorDetails, ErrorEffect, OwnAnswer, OwnBody, RetryAfter, What};
pub(crate) use preset::{PresetBody, Told, usual};

use serde_json::Value;

use crate::toml_reading::{Document, Table, TomlError};

/// Rules in order: the first that is due decides about a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan(Vec<Arc<FaultRule>>);

/// One rule: which requests, and what happens to them.
///
/// ```
/// use batchmock::FaultRule;
///
/// let busy: FaultRule =
///     r#"{ operation = "retrieve_batch", first = 2, error = "rate_limit_requests", retry_after = 1 }"#.parse()?;
/// let lost: FaultRule =
///     r#"{ operation = "create_batch", nth = 1, connection = "lost_acknowledgement" }"#.parse()?;
/// # Ok::<(), batchmock::FaultError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// What its writer calls it.
    name: Option<Arc<str>>,
    condition: Condition,
    effect: Effect,
    /// The table that it was read from.
    written: toml::Table,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

impl FaultError {
    /// There are more rules than there may be.
    pub(crate) fn too_many(limit: usize) -> Self {
        Self(format!("a world has at most {limit} faults: clear some"))
    }
}

impl From<TomlError> for FaultError {
    fn from(error: TomlError) -> Self {
        Self(error.to_string())
    }
}

/// That a fault was applied to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppliedFault {
    /// The number of the rule among those of its scope, from 1.
    pub(crate) rule: u64,
    /// What its writer calls it.
    pub(crate) name: Option<Arc<str>>,
    /// The batch that the rule is limited to, if it is.
    pub(crate) batch_id: Option<Arc<str>>,
    /// What has happened, in a word of the documentation.
    pub(crate) kind: &'static str,
    /// Whether any answer goes out; the status of one that does not is nobody's to see.
    pub(crate) is_answered: bool,
}

/// As the journal tells it: `lost_acknowledgement by rule 1 (flaky create)`.
impl fmt::Display for AppliedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, name, batch_id, kind, is_answered: _ } = self;
        write!(f, "{kind} by rule {rule}")?;
        if let Some(batch_id) = batch_id {
            write!(f, " of {batch_id}")?;
        }
        match name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

impl FaultPlan {
    /// The JSON Schema of what [`from_toml`](Self::from_toml) reads, for editors.
    pub const SCHEMA: &str = include_str!("schema.json");

    /// These rules, the first one first.
    pub fn new(rules: Vec<FaultRule>) -> Self {
        Self(rules.into_iter().map(Arc::new).collect())
    }

    /// Adds more rules after these.
    pub fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &FaultRule> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads rules from TOML: a list `fault` of tables, each with which requests it is about and what happens to them.
    /// `docs/faults.md` has every key.
    ///
    /// ```
    /// let plan = batchmock::FaultPlan::from_toml(
    ///     r#"
    ///     [[fault]]
    ///     operation = "retrieve_batch"
    ///     nth = 1
    ///     error = "rate_limit_requests"
    ///     retry_after = 2
    ///
    ///     [[fault]]
    ///     operation = "file_content"
    ///     first = 1
    ///     connection = "cut_body"
    ///     "#,
    /// );
    /// assert!(plan.is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, FaultError> {
        let document = Document::parse(text)?;
        let root = document.root();
        root.allow_only(&["fault"])?;
        Ok(Self::from_key(root, "fault")?)
    }

    /// The rules that stand in a table under a key, if it is there: `[[fault]]` in a document that has more than faults.
    pub(crate) fn from_key(table: Table<'_>, key: &str) -> Result<Self, TomlError> {
        let Some(entry) = table.get(key) else { return Ok(Self::default()) };
        let rules = entry.tables()?.into_iter().map(FaultRule::from_table);
        rules.collect::<Result<_, _>>().map(Self::new)
    }

    /// Reads rules from JSON of the same shape: a list of objects, or one of them.
    pub(crate) fn from_json(rules: &Value) -> Result<Self, FaultError> {
        let rules = rules.as_array().map_or(std::slice::from_ref(rules), Vec::as_slice);
        let read = |(rule, number): (&Value, usize)| {
            let wrong = |message: &str| FaultError(format!("fault {number}: {message}"));
            if !rule.is_object() {
                return Err(wrong("it is no object, such as {\"nth\": 1, \"error\": \"overloaded\"}"));
            }
            // There is one reader, and it reads TOML.
            let table = toml::Table::try_from(rule).map_err(|error| match path_of_null(rule) {
                Some(path) => wrong(&format!("`{path}` is null: leave it out")),
                None => wrong(&error.to_string()),
            })?;
            let text = table.to_string();
            let rule = Document::parse(&text).and_then(|document| FaultRule::from_table(document.root()));
            rule.map_err(|error| wrong(error.message()))
        };
        rules.iter().zip(1..).map(read).collect::<Result<_, _>>().map(Self::new)
    }

    /// The rules as TOML, which [`from_toml`](Self::from_toml) reads.
    pub fn to_toml(&self) -> String {
        let rules = self.iter().map(|rule| toml::Value::Table(rule.written.clone())).collect();
        toml::Table::from_iter([("fault".to_owned(), toml::Value::Array(rules))]).to_string()
    }

    /// The rules, to be counted by several.
    fn shared(&self) -> impl Iterator<Item = Arc<FaultRule>> {
        self.0.iter().map(Arc::clone)
    }
}

impl FaultRule {
    /// What its writer calls it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What happens, in a word: `error`, `hang`, `stale_read` and so on.
    pub fn kind(&self) -> &'static str {
        self.effect.kind()
    }

    /// What happens.
    pub(crate) fn effect(&self) -> &Effect {
        &self.effect
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(&self.written).expect("tables have texts as keys")
    }
}

/// Where a value has a null, which TOML does not know.
fn path_of_null(value: &Value) -> Option<String> {
    let below = |key: &str, value: &Value| match path_of_null(value)? {
        rest if rest.is_empty() => Some(key.to_owned()),
        rest => Some(format!("{key}.{rest}")),
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Object(entries) => entries.iter().find_map(|(key, value)| below(key, value)),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, value)| below(&at.to_string(), value)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

impl PartialEq for FaultRule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// As a table in braces, which the command line takes.
impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        toml::Value::Table(self.written.clone()).fmt(f)
    }
}

/// The table of a rule in braces.
impl std::str::FromStr for FaultRule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let text = text.trim();
        if !text.starts_with('{') {
            return Err(FaultError(format!(
                "`{text}` is no fault: write a table in braces, such as `{{ operation = \"retrieve_batch\", nth = 1, \
                 error = \"overloaded\" }}`"
            )));
        }
        let document = Document::parse_inline(text)?;
        Ok(Self::from_table(document.root())?)
    }
}
