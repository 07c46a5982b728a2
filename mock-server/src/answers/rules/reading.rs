//! Rules as people write them: tables of TOML, and the short form of the command line.

use regex::Regex;
use serde_json::Value;

use super::condition::{Condition, Glob, Turn};
use super::effect::{ArgumentsEffect, BodyEffect, CallEffect, Effect, ErrorEffect, ScriptEffect, Written};
use super::template::{JsonTemplate, Template, TemplateError, check_groups};
use super::{LineRule, RuleError};
use crate::answers::LineOutcome;
use crate::endpoint::Endpoint;
use crate::nearest::{nearest, quoted};
use crate::responder::{FinishReason, Script, VideoEnd};
use crate::toml_reading::{Entry, Table, TomlError};

/// What a rule goes by.
const CONDITION_KEYS: [&str; 8] =
    ["custom_id", "model", "endpoint", "prompt", "nth", "every", "first", "after"];

/// What a rule gives.
const EFFECT_KEYS: [&str; 9] =
    ["outcome", "status", "error", "body", "text", "finish_reason", "refusal", "tool_call", "video"];

/// Every key of a rule, in the order of the documentation.
pub(super) fn keys() -> Vec<&'static str> {
    CONDITION_KEYS.into_iter().chain(EFFECT_KEYS).collect()
}

impl LineRule {
    /// Reads the table of a rule.
    pub(crate) fn from_table(table: Table<'_>) -> Result<Self, TomlError> {
        table.allow_only(&keys())?;
        let condition = read_condition(&table)?;
        if condition.is_empty() {
            let keys = quoted(CONDITION_KEYS);
            return Err(table.refuse(format!(
                "a rule needs something to go by, such as `custom_id` or `model`; there are {keys}"
            )));
        }
        let effect = EffectReader { table, pattern: condition.prompt.as_ref() }.read()?;
        let written = table.iter().map(|entry| Ok((entry.key().to_owned(), entry.to_value()?)));
        Ok(Self { written: written.collect::<Result<_, _>>()?, condition, effect })
    }
}

impl Glob {
    /// The pattern that stands in a table under a key, if it is there.
    pub(crate) fn from_key(table: &Table<'_>, key: &str) -> Result<Option<Self>, TomlError> {
        let read =
            |entry: Entry<'_>| Self::new(entry.text()?).map_err(|error| entry.refuse(error.to_string()));
        table.get(key).map(read).transpose()
    }
}

impl Turn {
    /// What a table says in the keys [`KEYS`](Self::KEYS).
    pub(crate) fn from_table(table: &Table<'_>) -> Result<Self, TomlError> {
        let count = |key: &str| -> Result<Option<u32>, TomlError> {
            let Some(entry) = table.get(key) else { return Ok(None) };
            Ok(u32::try_from(entry.integer(1..=i64::from(u32::MAX))?).ok())
        };
        let turn = Self {
            after: count("after")?,
            first: count("first")?,
            every: count("every")?,
            nth: count("nth")?,
        };
        if turn.nth.is_some() {
            exclude(table, "nth", &["first", "every"])?;
        }
        Ok(turn)
    }
}

fn read_condition(table: &Table<'_>) -> Result<Condition, TomlError> {
    let endpoint = Glob::from_key(table, "endpoint")?;
    if let (Some(glob), Some(entry)) = (&endpoint, table.get("endpoint")) {
        let paths = || Endpoint::ALL.map(Endpoint::path);
        if !paths().iter().any(|path| glob.matches(path)) {
            let text = entry.text()?;
            let near = nearest(text, paths()).unwrap_or_default();
            let message = format!(
                "no endpoint is `{text}`; the nearest is `{near}`, and there are {}",
                quoted(paths())
            );
            return Err(entry.refuse(message));
        }
    }
    let prompt = table.get("prompt").map(|entry| read_pattern(&entry)).transpose()?;
    Ok(Condition {
        custom_id: Glob::from_key(table, "custom_id")?,
        model: Glob::from_key(table, "model")?,
        endpoint,
        prompt,
        turn: Turn::from_table(table)?,
    })
}

fn read_pattern(entry: &Entry<'_>) -> Result<Regex, TomlError> {
    let pattern = Regex::new(entry.text()?).map_err(|error| {
        let told = error.to_string();
        let told = told.lines().last().unwrap_or_default();
        entry.refuse(format!("`{}` is no pattern: {}", entry.key(), told.trim_start_matches("error: ")))
    })?;
    check_groups(&pattern).map_err(|TemplateError(message)| entry.refuse(message))?;
    Ok(pattern)
}

/// Refuses keys that cannot stand beside one that is there.
fn exclude(table: &Table<'_>, key: &str, others: &[&str]) -> Result<(), TomlError> {
    match others.iter().find_map(|other| table.get(other)) {
        Some(other) => Err(other.refuse(format!("`{}` cannot stand beside `{key}`", other.key()))),
        None => Ok(()),
    }
}

/// Reads what a rule gives.
struct EffectReader<'d> {
    table: Table<'d>,
    /// The pattern whose groups texts may name.
    pattern: Option<&'d Regex>,
}

impl EffectReader<'_> {
    fn read(&self) -> Result<Effect, TomlError> {
        let table = &self.table;
        let others = |keys: &[&str]| -> Vec<&str> {
            EFFECT_KEYS.into_iter().filter(|key| !keys.contains(key)).collect()
        };
        if let Some(entry) = table.get("outcome") {
            exclude(table, "outcome", &others(&["outcome"]))?;
            return outcome(entry.text()?).map_err(|error| entry.refuse(error.to_string()));
        }
        if let Some(entry) = table.get("status") {
            exclude(table, "status", &others(&["status", "error", "body"]))?;
            return self.read_status(&entry);
        }
        if let Some(entry) = table.get("error") {
            return Err(entry.refuse("`error` needs a `status` from 400 to 599 beside it"));
        }
        if let Some(entry) = table.get("body") {
            exclude(table, "body", &others(&["body"]))?;
            return Ok(Effect::Written(Written::Body(BodyEffect {
                status: 200,
                body: self.read_body(&entry)?,
            })));
        }
        if let Some(entry) = table.get("video") {
            exclude(table, "video", &others(&["video"]))?;
            let video = entry.choice(&VideoEnd::ALL.map(|end| (end.name(), end)))?;
            return Ok(Effect::Written(Written::Script(ScriptEffect {
                video: Some(video),
                ..ScriptEffect::default()
            })));
        }
        self.read_script().map(|script| Effect::Written(Written::Script(script)))
    }

    fn read_status(&self, entry: &Entry<'_>) -> Result<Effect, TomlError> {
        let status = u16::try_from(entry.integer(200..=599)?).unwrap_or(u16::MAX);
        if let Some(body) = self.table.get("body") {
            exclude(&self.table, "body", &["error"])?;
            return Ok(Effect::Written(Written::Body(BodyEffect { status, body: self.read_body(&body)? })));
        }
        if status < 400 {
            return Err(entry.refuse("a `status` below 400 needs a `body` beside it"));
        }
        let Some(error) = self.table.get("error") else { return Ok(of_status(status)) };
        let error = error.table()?;
        error.allow_only(&["message", "type", "param", "code"])?;
        let text = |key: &str| error.get(key).map(|entry| entry.text().map(str::to_owned)).transpose();
        Ok(Effect::Written(Written::Error(ErrorEffect {
            status,
            message: error.get("message").map(|entry| self.template(&entry)).transpose()?,
            kind: text("type")?,
            param: text("param")?,
            code: text("code")?,
        })))
    }

    fn read_script(&self) -> Result<ScriptEffect, TomlError> {
        let table = &self.table;
        let reasons = FinishReason::ALL.map(|reason| (reason.name(), reason));
        let script = ScriptEffect {
            text: table.get("text").map(|entry| self.template(&entry)).transpose()?,
            refusal: table.get("refusal").map(|entry| self.read_refusal(&entry)).transpose()?,
            calls: table.get("tool_call").map_or(Ok(Vec::new()), |entry| self.read_calls(&entry))?,
            finish_reason: table.get("finish_reason").map(|entry| entry.choice(&reasons)).transpose()?,
            video: None,
        };
        if script == ScriptEffect::default() {
            return Err(table.refuse(format!("a rule says what it gives; there are {}", quoted(EFFECT_KEYS))));
        }
        if script.refusal.is_some() {
            exclude(table, "refusal", &["text", "tool_call"])?;
        }
        if let Some(entry) = table.get("finish_reason")
            && script.finish_reason == Some(FinishReason::ToolCalls)
            && script.calls.is_empty()
        {
            return Err(
                entry.refuse("`tool_calls` needs a `tool_call` beside it, and is then said by itself")
            );
        }
        Ok(script)
    }

    /// `true` stands for the usual words.
    fn read_refusal(&self, entry: &Entry<'_>) -> Result<Template, TomlError> {
        match entry.boolean() {
            Some(true) => Ok(Template::fixed(Script::REFUSAL)),
            Some(false) => {
                Err(entry
                    .refuse("`refusal` is `true`, or what the model says; without it nothing is refused"))
            }
            None => self.template(entry),
        }
    }

    fn read_calls(&self, entry: &Entry<'_>) -> Result<Vec<CallEffect>, TomlError> {
        let calls = entry.tables()?;
        if calls.is_empty() {
            return Err(entry.refuse("`tool_call` is a table, or a list of at least one"));
        }
        calls.iter().map(|call| self.read_call(call)).collect()
    }

    fn read_call(&self, call: &Table<'_>) -> Result<CallEffect, TomlError> {
        call.allow_only(&["name", "arguments"])?;
        let name = call.get("name").ok_or_else(|| call.refuse("a call needs the `name` of a function"))?;
        let arguments = match call.get("arguments") {
            None => ArgumentsEffect::Json(JsonTemplate::Fixed(Value::Object(serde_json::Map::new()))),
            Some(entry) if entry.as_table().is_some() => {
                ArgumentsEffect::Json(self.json_template(&entry, entry.json()?)?)
            }
            Some(entry) => ArgumentsEffect::Text(self.template(&entry)?),
        };
        Ok(CallEffect { name: name.name()?.to_owned(), arguments })
    }

    /// A whole body: a table, or JSON as a text, which can hold nulls.
    fn read_body(&self, entry: &Entry<'_>) -> Result<JsonTemplate, TomlError> {
        let body = if entry.as_table().is_some() {
            entry.json()?
        } else {
            let text = entry.text().map_err(|_| entry.refuse("`body` must be JSON in quotes, or a table"))?;
            let body: Value = serde_json::from_str(text)
                .map_err(|error| entry.refuse(format!("`body` is no JSON: {error} of the text")))?;
            if !body.is_object() {
                return Err(entry.refuse("`body` must be a JSON object"));
            }
            body
        };
        self.json_template(entry, body)
    }

    fn template(&self, entry: &Entry<'_>) -> Result<Template, TomlError> {
        Template::parse(entry.text()?, self.pattern).map_err(|TemplateError(message)| entry.refuse(message))
    }

    fn json_template(&self, entry: &Entry<'_>, value: Value) -> Result<JsonTemplate, TomlError> {
        JsonTemplate::parse(value, self.pattern).map_err(|TemplateError(message)| entry.refuse(message))
    }
}

/// The effect of a status without more.
fn of_status(status: u16) -> Effect {
    let named = LineOutcome::NAMED.into_iter().find(|outcome| outcome.name() == status.to_string());
    match named {
        Some(outcome) => Effect::Outcome(outcome),
        None => Effect::Written(Written::Error(ErrorEffect {
            status,
            message: None,
            kind: None,
            param: None,
            code: None,
        })),
    }
}

/// The effect that a word stands for: the name of an outcome, or a status.
pub(super) fn outcome(word: &str) -> Result<Effect, RuleError> {
    match (word.parse::<LineOutcome>(), word.parse::<u16>()) {
        (Ok(outcome), _) => Ok(Effect::Outcome(outcome)),
        (Err(_), Ok(status @ 400..=599)) => Ok(of_status(status)),
        (Err(error), _) => Err(RuleError::new(format!("{error}; and any other status from 400 to 599"))),
    }
}

/// The forms of the command line: `custom_id=PATTERN:OUTCOME`, the same with `model`, `endpoint` or `prompt`, and the
/// table of a rule in braces.
impl std::str::FromStr for LineRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim_start().starts_with('{') {
            let document = crate::toml_reading::Document::parse_inline(text.trim())?;
            return Ok(Self::from_table(document.root())?);
        }
        let form = || {
            RuleError::new(format!(
                "`{text}` is no rule: write `custom_id=PATTERN:OUTCOME`, `model=PATTERN:OUTCOME`, or a whole rule, \
                 such as `{{ custom_id = \"order-*\", text = \"hello\" }}`"
            ))
        };
        let (patterns, outcome) = text.rsplit_once(':').ok_or_else(form)?;
        let (key, pattern) = patterns.split_once('=').ok_or_else(form)?;
        if !["custom_id", "model", "endpoint", "prompt"].contains(&key) {
            return Err(form());
        }
        Self::of_entries([(key, pattern), ("outcome", outcome)])
    }
}

impl LineRule {
    /// The rule that these texts make.
    pub(super) fn of_entries<'e>(
        entries: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> Result<Self, RuleError> {
        let table: toml::Table =
            entries.into_iter().map(|(key, text)| (key.to_owned(), toml::Value::from(text))).collect();
        let text = table.to_string();
        let document = crate::toml_reading::Document::parse(&text)?;
        Self::from_table(document.root()).map_err(|error| RuleError::new(error.message()))
    }
}
