//! Scenarios: situations that have a name, as data.
//!
//! A [`Scenario`] says what is to be otherwise than by default: how long phases take and when counts rise, what lines are
//! answered, what validation finds, how result files deviate, which switches are set. Each part that it leaves out stays
//! as the server has it. A scenario is a TOML file; its variants, tables in it, change single parts again.
//!
//! [`Scenarios`] are those that can be called by name: the ones that come with batchmock (`fixtures/scenarios`), and
//! others. What a scenario means for a batch is put together in [`Behavior`](crate::world::Behavior); this module knows
//! no batches, no worlds and no HTTP.

mod library;
mod pace;
mod reading;
mod schema;
#[cfg(test)]
mod tests;
mod timeline;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use library::KEY_PREFIX;
pub use library::Scenarios;
use pace::PaceChanges;
pub use timeline::Timeline;

use crate::answers::LineRules;
use crate::deviations::Deviations;
use crate::fault::FaultPlan;
use crate::input::Problem;
use crate::quota::Quotas;
use crate::sim::{Pace, Status};
use crate::switches::Switches;
use crate::toml_reading::TomlError;
use crate::webhook::WebhookPlan;

/// A situation that has a name: what is otherwise than by default.
///
/// ```
/// use batchmock::Scenario;
///
/// let scenario = Scenario::from_toml(
///     "overnight",
///     r#"
///     summary = "Nothing happens before the morning"
///     stepping = true
///
///     [pace]
///     validating_for = "10h"
///     "#,
/// )?;
/// assert_eq!(scenario.name(), "overnight");
/// # Ok::<(), batchmock::ScenarioError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Where it was read from, from which it can be read again.
    source: Source,
    parts: Parts,
}

/// Why a scenario cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(String);

impl ScenarioError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<TomlError> for ScenarioError {
    fn from(error: TomlError) -> Self {
        Self(error.to_string())
    }
}

/// Where a scenario was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    /// The name of the file, without its end.
    file: String,
    /// The variant, if it is one.
    variant: Option<String>,
    text: Arc<str>,
}

/// What a scenario says; what it does not say is as elsewhere.
#[derive(Debug, Clone, Default)]
struct Parts {
    summary: String,
    stepping: Option<bool>,
    pace: PaceChanges,
    switches: Vec<(String, String)>,
    rules: Option<LineRules>,
    problems: Option<Vec<(Problem, Option<u32>)>>,
    deviations: Option<Deviations>,
    /// Statuses that are shown with another word.
    shown_status: Option<Vec<(Status, String)>>,
    unknown_fields: Option<bool>,
    page_size: Option<usize>,
    /// What goes wrong between the client and the service.
    faults: Option<FaultPlan>,
    /// What the account may use, and as it was written.
    quotas: Option<(Arc<Quotas>, String)>,
    /// How endpoints are told.
    webhook: Option<Arc<WebhookPlan>>,
    example: Example,
}

/// With what a scenario is shown to people.
#[derive(Debug, Clone, Copy, Default)]
struct Example {
    n_lines: Option<u32>,
    /// When the client cancels.
    cancel_after: Option<Duration>,
}

impl Parts {
    /// These parts where they are, and those of `base` elsewhere.
    fn over(self, base: &Self) -> Self {
        let Self {
            summary,
            stepping,
            pace,
            switches,
            rules,
            problems,
            deviations,
            shown_status,
            unknown_fields,
            page_size,
            faults,
            quotas,
            webhook,
            example,
        } = self;
        Self {
            summary,
            stepping: stepping.or(base.stepping),
            pace: pace.over(&base.pace),
            switches: base.switches.iter().cloned().chain(switches).collect(),
            rules: rules.or_else(|| base.rules.clone()),
            problems: problems.or_else(|| base.problems.clone()),
            deviations: deviations.or_else(|| base.deviations.clone()),
            shown_status: shown_status.or_else(|| base.shown_status.clone()),
            unknown_fields: unknown_fields.or(base.unknown_fields),
            page_size: page_size.or(base.page_size),
            faults: faults.or_else(|| base.faults.clone()),
            quotas: quotas.or_else(|| base.quotas.clone()),
            webhook: webhook.or_else(|| base.webhook.clone()),
            example: Example {
                n_lines: example.n_lines.or(base.example.n_lines),
                cancel_after: example.cancel_after.or(base.example.cancel_after),
            },
        }
    }
}

impl Scenario {
    /// Reads a scenario, without its variants.
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right, with line and column. Variants are looked at as well.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, ScenarioError> {
        Self::all_from_toml(name, text).map(|mut all| all.swap_remove(0))
    }

    /// Reads a scenario again: `name` is what [`name`](Self::name) gave, `text` its [`source`](Self::source).
    pub(crate) fn known(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let file = name.split_once(VARIANT_MARK).map_or(name, |(file, _)| file);
        let mut all = Self::all_from_toml(file, text)?;
        let place = all.iter().position(|scenario| scenario.name() == name);
        let place =
            place.ok_or_else(|| ScenarioError::new(format!("there is no scenario `{name}` in its text")))?;
        Ok(all.swap_remove(place))
    }

    /// What it is called by: the name of its file, and for a variant its name behind a colon.
    pub fn name(&self) -> String {
        let Source { file, variant, text: _ } = &self.source;
        match variant {
            None => file.clone(),
            Some(variant) => format!("{file}{VARIANT_MARK}{variant}"),
        }
    }

    /// The name of the variant, if it is one.
    pub fn variant(&self) -> Option<&str> {
        self.source.variant.as_deref()
    }

    /// What happens in it, in one sentence.
    pub fn summary(&self) -> &str {
        &self.parts.summary
    }

    /// The name of its file: that of the scenario, and of all its variants.
    pub fn file_name(&self) -> &str {
        &self.source.file
    }

    /// What is particular to it beside its timeline, a line each, for people.
    pub fn particulars(&self) -> Vec<String> {
        let Parts {
            summary: _,
            stepping,
            pace: _,
            switches,
            rules,
            problems,
            deviations,
            shown_status,
            unknown_fields,
            page_size,
            faults,
            quotas,
            webhook,
            example: _,
        } = &self.parts;
        let mut told = Vec::new();
        if *stepping == Some(true) {
            told.push(
                "stepping: each retrieve of a batch, but for the first, jumps to its next change".to_owned(),
            );
        }
        told.extend(switches.iter().map(|(name, value)| format!("switch {name}={value}")));
        told.extend(rules.iter().flat_map(LineRules::iter).map(|rule| format!("line {rule}")));
        told.extend(problems.iter().flatten().map(|(problem, line)| {
            let line = line.map_or_else(String::new, |line| format!(" in line {line}"));
            format!("problem{line}: {}", problem.message())
        }));
        told.extend(deviations.iter().flat_map(|deviations| {
            let all = deviations.to_string();
            all.lines().map(|deviation| format!("result {deviation}")).collect::<Vec<_>>()
        }));
        told.extend(
            shown_status
                .iter()
                .flatten()
                .map(|(status, word)| format!("{} is shown as {word}", status.as_str())),
        );
        if *unknown_fields == Some(true) {
            told.push("batches have a field that nobody knows".to_owned());
        }
        told.extend(page_size.map(|size| format!("a page of a list has {size} at most")));
        told.extend(faults.iter().flat_map(FaultPlan::iter).map(|rule| format!("fault {rule}")));
        told.extend(quotas.iter().map(|(_, written)| format!("quota {written}")));
        told.extend(webhook.as_ref().map(|plan| format!("webhook {plan}")));
        told
    }

    /// The whole file that it stands in.
    pub fn source(&self) -> &str {
        &self.source.text
    }

    /// How long phases take in it, where they take as long as `pace` says elsewhere.
    pub(crate) fn pace(&self, pace: &Pace) -> Pace {
        self.parts.pace.apply_to(pace)
    }

    /// The switches in it, where they are as in `switches` elsewhere.
    pub(crate) fn switches(&self, mut switches: Switches) -> Switches {
        for (name, value) in &self.parts.switches {
            switches.set(name, value).expect("each was tried when it was read");
        }
        switches
    }

    /// What its lines are answered.
    pub(crate) fn rules(&self) -> Option<&LineRules> {
        self.parts.rules.as_ref()
    }

    /// What goes wrong between the client and the service.
    pub(crate) fn faults(&self) -> Option<&FaultPlan> {
        self.parts.faults.as_ref()
    }

    /// What the account may use.
    pub(crate) fn quotas(&self) -> Option<&Arc<Quotas>> {
        self.parts.quotas.as_ref().map(|(quotas, _)| quotas)
    }

    /// What validation finds in an input that is in order.
    pub(crate) fn problems(&self) -> &[(Problem, Option<u32>)] {
        self.parts.problems.as_deref().unwrap_or_default()
    }

    /// How its result files deviate, if they do.
    pub(crate) fn deviations(&self) -> Option<&Deviations> {
        self.parts.deviations.as_ref()
    }

    /// Whether a batch jumps to its next change each time it is retrieved again, though the clock runs.
    pub(crate) fn is_stepping(&self) -> bool {
        self.parts.stepping.unwrap_or(false)
    }

    /// The word for a status.
    pub(crate) fn word(&self, status: Status) -> &str {
        let words = self.parts.shown_status.as_deref().unwrap_or_default();
        words.iter().find(|(known, _)| *known == status).map_or(status.as_str(), |(_, word)| word)
    }

    /// Whether records have fields that nobody knows.
    pub(crate) fn has_unknown_fields(&self) -> bool {
        self.parts.unknown_fields.unwrap_or(false)
    }

    /// How many entries a page of a list has at most, whatever was asked for.
    pub(crate) fn page_size(&self) -> Option<usize> {
        self.parts.page_size
    }

    /// How endpoints are told of its batches, if not as elsewhere.
    pub(crate) fn webhook(&self) -> Option<&Arc<WebhookPlan>> {
        self.parts.webhook.as_ref()
    }
}

/// Its name and its summary.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.summary())
    }
}

/// What stands between the name of a scenario and that of its variant.
const VARIANT_MARK: char = ':';
