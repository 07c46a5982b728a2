//! Scenarios as people write them: TOML files.

use std::sync::Arc;
use std::time::Duration;

use super::pace::PaceChanges;
use super::{Example, Parts, Scenario, ScenarioError, Source};
use crate::answers::LineRules;
use crate::deviations::Deviations;
use crate::fault::FaultPlan;
use crate::input::Problem;
use crate::quota::Quotas;
use crate::sim::Status;
use crate::switches::Switches;
use crate::toml_reading::{Document, Entry, Table, TomlError};
use crate::webhook::WebhookPlan;

/// What a scenario can say, and a variant of it as well.
const KEYS: [&str; 14] = [
    "summary",
    "stepping",
    "pace",
    "switches",
    "line",
    "problem",
    "result",
    "shown_status",
    "unknown_fields",
    "page_size",
    "fault",
    "quota",
    "webhook",
    "example",
];

/// Where the variants of a scenario stand.
const VARIANTS: &str = "variant";

/// Switches that hold before it is known which world is meant.
const OF_THE_SERVER: [&str; 2] = ["no-key", "file-error-detail"];

/// The longest time that makes a difference: files are kept for 30 days.
const LONGEST: Duration = Duration::from_hours(24 * 366);

impl Scenario {
    /// Reads a scenario and its variants: the scenario itself first.
    pub(super) fn all_from_toml(name: &str, text: &str) -> Result<Vec<Self>, ScenarioError> {
        check_name(name)
            .map_err(|why| ScenarioError::new(format!("a scenario cannot be called `{name}`: {why}")))?;
        let document = Document::parse(text)?;
        let root = document.root();
        root.allow_only(&KEYS.into_iter().chain([VARIANTS]).collect::<Vec<_>>())?;
        let shared: Arc<str> = Arc::from(text);
        let source = |variant| Source { file: name.to_owned(), variant, text: Arc::clone(&shared) };
        let base = Parts::from_table(root)?;
        let mut all = vec![Self { source: source(None), parts: base.clone() }];
        if let Some(variants) = root.get(VARIANTS) {
            for entry in variants.table()?.iter() {
                check_name(entry.key()).map_err(|why| entry.refuse(format!("`{}`: {why}", entry.key())))?;
                let table = entry.table()?;
                table.allow_only(&KEYS)?;
                let parts = Parts::from_table(table)?.over(&base);
                all.push(Self { source: source(Some(entry.key().to_owned())), parts });
            }
        }
        Ok(all)
    }
}

/// Names stand in keys, metadata and on command lines, between a dot and a colon.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_plain =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    if !name.is_empty() && name.len() <= 60 && name.chars().all(is_plain) {
        Ok(())
    } else {
        Err("names have small letters, digits and dashes, 60 at most")
    }
}

impl Parts {
    fn from_table(table: Table<'_>) -> Result<Self, TomlError> {
        let Some(summary) = table.get("summary") else {
            return Err(table.refuse("`summary` is missing: what happens, in one sentence"));
        };
        let page_size = table.get("page_size").map(|entry| entry.integer(1..=10_000)).transpose()?;
        Ok(Self {
            summary: summary.name()?.to_owned(),
            stepping: table.get("stepping").map(|entry| yes_or_no(&entry)).transpose()?,
            pace: match table.get("pace") {
                Some(entry) => PaceChanges::from_table(entry.table()?)?,
                None => PaceChanges::default(),
            },
            switches: switches(&table)?,
            rules: table.get("line").map(|_| LineRules::from_key(table, "line")).transpose()?,
            problems: table.get("problem").map(|entry| problems(&entry)).transpose()?,
            deviations: table.get("result").map(|_| Deviations::from_key(table, "result")).transpose()?,
            shown_status: table.get("shown_status").map(|entry| shown_status(&entry)).transpose()?,
            unknown_fields: table.get("unknown_fields").map(|entry| yes_or_no(&entry)).transpose()?,
            page_size: page_size.and_then(|size| usize::try_from(size).ok()),
            faults: table.get("fault").map(|_| FaultPlan::from_key(table, "fault")).transpose()?,
            quotas: table.get("quota").map(|entry| quotas(table, entry)).transpose()?,
            webhook: WebhookPlan::from_key(table, "webhook")?.map(Arc::new),
            example: table.get("example").map_or(Ok(Example::default()), |entry| example(&entry))?,
        })
    }
}

fn quotas(table: Table<'_>, entry: Entry<'_>) -> Result<(Arc<Quotas>, String), TomlError> {
    Ok((Arc::new(Quotas::from_key(table, entry.key())?), entry.to_value()?.to_string()))
}

fn yes_or_no(entry: &Entry<'_>) -> Result<bool, TomlError> {
    entry.boolean().ok_or_else(|| entry.refuse(format!("`{}` is `true` or `false`", entry.key())))
}

/// A duration that is not zero: a state that nobody can see is not what is meant.
pub(super) fn duration(entry: &Entry<'_>) -> Result<Duration, TomlError> {
    let duration = whole_duration(entry)?;
    if duration.is_zero() {
        return Err(entry.refuse(format!("`{}` is more than nothing, `1s` for example", entry.key())));
    }
    Ok(duration)
}

/// A duration, which may be zero.
pub(super) fn whole_duration(entry: &Entry<'_>) -> Result<Duration, TomlError> {
    let duration = humantime::parse_duration(entry.text()?)
        .map_err(|error| entry.refuse(format!("{error}; write it like `90s` or `1h 30m`")))?;
    if duration > LONGEST {
        return Err(entry.refuse(format!("`{}` is at most a year", entry.key())));
    }
    Ok(duration)
}

fn switches(table: &Table<'_>) -> Result<Vec<(String, String)>, TomlError> {
    let Some(entry) = table.get("switches") else { return Ok(Vec::new()) };
    let mut tried = Switches::default();
    let set = |entry: Entry<'_>| {
        let (name, value) = (entry.key(), entry.text()?);
        if OF_THE_SERVER.contains(&name) {
            return Err(entry.refuse(format!("`{name}` is a switch of the server, not of a scenario")));
        }
        tried.set(name, value).map_err(|error| entry.refuse(error.to_string()))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    entry.table()?.iter().map(set).collect()
}

fn problems(entry: &Entry<'_>) -> Result<Vec<(Problem, Option<u32>)>, TomlError> {
    let problem = |table: Table<'_>| {
        table.allow_only(&["code", "message", "param", "line"])?;
        let wanted = |key: &str| match table.get(key) {
            Some(entry) => entry.name().map(str::to_owned),
            None => Err(table.refuse(format!("`{key}` is missing: a problem has a `code` and a `message`"))),
        };
        let param = table.get("param").map(|entry| entry.name().map(str::to_owned)).transpose()?;
        let line = table.get("line").map(|entry| entry.integer(1..=i64::from(u32::MAX))).transpose()?;
        let problem = Problem::Scripted { code: wanted("code")?, message: wanted("message")?, param };
        Ok((problem, line.and_then(|line| u32::try_from(line).ok())))
    };
    entry.tables()?.into_iter().map(problem).collect()
}

fn shown_status(entry: &Entry<'_>) -> Result<Vec<(Status, String)>, TomlError> {
    let table = entry.table()?;
    table.allow_only(&Status::ALL.map(Status::as_str))?;
    let word = |entry: Entry<'_>| {
        let status = Status::from_word(entry.key()).expect("no other key is allowed");
        Ok((status, entry.name()?.to_owned()))
    };
    table.iter().map(word).collect()
}

fn example(entry: &Entry<'_>) -> Result<Example, TomlError> {
    let table = entry.table()?;
    table.allow_only(&["lines", "cancel_after"])?;
    let n_lines = table.get("lines").map(|entry| entry.integer(1..=1_000)).transpose()?;
    let cancel_after = table.get("cancel_after").map(|entry| whole_duration(&entry)).transpose()?;
    Ok(Example { n_lines: n_lines.and_then(|n| u32::try_from(n).ok()), cancel_after })
}
