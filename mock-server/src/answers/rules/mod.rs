//! Rules: what requests get instead of what they deserve.
//!
//! A [`LineRule`] has a condition (the name of the line, the model, the endpoint, a pattern on the prompt, the
//! request's turn) and an effect: an error, a whole body, or what an answer says. [`LineRules`] are asked in order, and
//! the first whose condition holds decides. Each counts the requests that are otherwise right for it, also those that
//! an earlier rule decides, so that one rule's turn does not depend on another's.
//!
//! Rules are written in TOML, as `[[line]]` tables, in files and elsewhere: there is one reader
//! ([`LineRule::from_table`]). `schema.json` describes the same to editors.

mod condition;
mod effect;
mod reading;
mod template;
#[cfg(test)]
mod tests;

use std::fmt;

use condition::Condition;
pub(crate) use condition::{Facts, Glob, Turn};
pub(crate) use effect::{BodyEffect, Effect, Written};
use regex::Regex;
pub(crate) use template::Filling;

use crate::toml_reading::{Document, Table, TomlError};

/// Rules in order: the first that matches a line decides. The end of a line's `custom_id` comes before all
/// rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineRules(Vec<LineRule>);

/// One rule: what a request must be like, and what it then gets.
///
/// ```
/// use batchmock::LineRule;
///
/// let short: LineRule = "custom_id=order-*:429".parse()?;
/// let whole: LineRule = r#"{ prompt = "order (\\d+)", text = "Order {1} is on its way." }"#.parse()?;
/// # Ok::<(), batchmock::RuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LineRule {
    condition: Condition,
    effect: Effect,
    /// The table that it was read from.
    written: toml::Table,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);

impl RuleError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<TomlError> for RuleError {
    fn from(error: TomlError) -> Self {
        Self(error.to_string())
    }
}

/// How many requests each rule has matched so far: of a batch in the order of its input, or of a world in the order of
/// its synchronous calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Vec<u32>);

/// What rules say about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    /// The place of the rule that decides.
    pub(crate) rule: u32,
    /// Which request it is of those that the rule matches, counted from 1.
    pub(crate) n: u32,
}

impl LineRules {
    /// The JSON Schema of what [`from_toml`](Self::from_toml) reads, for editors.
    pub const SCHEMA: &str = include_str!("schema.json");

    /// These rules, the first one first.
    pub fn new(rules: Vec<LineRule>) -> Self {
        Self(rules)
    }

    /// Adds more rules after these.
    pub fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &LineRule> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads rules from TOML: a list `line` of tables, each with what a request must be like and what it then gets.
    /// `docs/answers.md` has every key.
    ///
    /// ```
    /// let rules = batchmock::LineRules::from_toml(
    ///     r#"
    ///     [[line]]
    ///     custom_id = "order-*"
    ///     outcome = "429"
    ///
    ///     [[line]]
    ///     prompt = "(?i)capital of (?<country>\\w+)"
    ///     text = "I do not know the capital of {country}."
    ///     "#,
    /// );
    /// assert!(rules.is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, RuleError> {
        let document = Document::parse(text)?;
        let root = document.root();
        root.allow_only(&["line"])?;
        Ok(Self::from_key(root, "line")?)
    }

    /// The rules that stand in a table under a key, if it is there: `[[line]]` in a document that has more than rules.
    pub(crate) fn from_key(table: Table<'_>, key: &str) -> Result<Self, TomlError> {
        let Some(entry) = table.get(key) else { return Ok(Self::default()) };
        entry.tables()?.into_iter().map(LineRule::from_table).collect::<Result<_, _>>().map(Self)
    }

    /// The rules as TOML, which [`from_toml`](Self::from_toml) reads.
    pub fn to_toml(&self) -> String {
        let rules = self.0.iter().map(|rule| toml::Value::Table(rule.written.clone())).collect();
        toml::Table::from_iter([("line".to_owned(), toml::Value::Array(rules))]).to_string()
    }

    /// The rule at a place.
    pub(crate) fn get(&self, place: u32) -> &LineRule {
        &self.0[place as usize]
    }

    /// Whether the text of the prompt has a bearing on which rules are right for a request.
    pub(crate) fn need_prompt(&self, facts: &Facts<'_>) -> bool {
        self.right_for(facts).any(|(_, rule)| rule.condition.prompt.is_some())
    }

    /// The places of the rules that are right for a request but for its turn, as far as that matters. There is no
    /// prompt of a request that its endpoint refuses.
    pub(crate) fn matching(&self, facts: &Facts<'_>, prompt: Option<&str>) -> Vec<u32> {
        let mut is_decided = false;
        let mut matching = Vec::new();
        for (place, rule) in self.right_for(facts) {
            let is_found = |pattern: &Regex| prompt.is_some_and(|prompt| pattern.is_match(prompt));
            // After the rule that decides, only those matter that count.
            if (!is_decided || rule.counts()) && rule.condition.prompt.as_ref().is_none_or(is_found) {
                is_decided |= rule.condition.turn.is_always();
                matching.push(place);
            }
        }
        matching
    }

    /// The rules that are right for a request but for its prompt and its turn, with their places, as far as that
    /// matters.
    fn right_for(&self, facts: &Facts<'_>) -> impl Iterator<Item = (u32, &LineRule)> {
        let mut is_decided = false;
        let mut is_right = move |rule: &LineRule| {
            let is_right = (!is_decided || rule.counts()) && rule.condition.holds_for(facts);
            is_decided |= is_right && rule.condition.prompt.is_none() && rule.condition.turn.is_always();
            is_right
        };
        (0..).zip(&self.0).filter(move |(_, rule)| is_right(rule))
    }
}

impl Turns {
    /// Which of the rules that are right for the next request decides about it.
    pub(crate) fn decide(&mut self, rules: &LineRules, matching: &[u32]) -> Option<Decided> {
        let mut decided = None;
        for &rule in matching {
            let place = rule as usize;
            if self.0.len() <= place {
                self.0.resize(place + 1, 0);
            }
            self.0[place] = self.0[place].saturating_add(1);
            let n = self.0[place];
            if decided.is_none() && rules.get(rule).condition.turn.is(n) {
                decided = Some(Decided { rule, n });
            }
        }
        decided
    }
}

impl LineRule {
    /// A rule from patterns, in which `*` stands for any text and `?` for any character, and the name of
    /// an outcome or a status. For all that rules can say, read them from TOML.
    ///
    /// # Errors
    ///
    /// If there is no pattern, a pattern cannot be read, or the outcome does not exist.
    pub fn new(custom_id: Option<&str>, model: Option<&str>, outcome: &str) -> Result<Self, RuleError> {
        let patterns = [("custom_id", custom_id), ("model", model)];
        let patterns = patterns.into_iter().filter_map(|(key, pattern)| Some((key, pattern?)));
        Self::of_entries(patterns.chain([("outcome", outcome)]))
    }

    /// What it gives.
    pub(crate) fn effect(&self) -> &Effect {
        &self.effect
    }

    /// What its pattern finds in a prompt.
    pub(crate) fn captures<'p>(&self, prompt: &'p str) -> Option<regex::Captures<'p>> {
        self.condition.prompt.as_ref().and_then(|pattern| pattern.captures(prompt))
    }

    /// Whether it matters which request it is of those that the rule matches.
    fn counts(&self) -> bool {
        !self.condition.turn.is_always() || self.effect.counts()
    }
}

impl PartialEq for LineRule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// As a table in braces, which the command line takes.
impl fmt::Display for LineRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        toml::Value::Table(self.written.clone()).fmt(f)
    }
}
