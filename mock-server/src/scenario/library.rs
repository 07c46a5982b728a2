//! The scenarios that can be called by name.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;

use super::{Scenario, ScenarioError, VARIANT_MARK};
use crate::nearest::{nearest, quoted};

/// How a key begins that names a scenario.
pub(crate) const KEY_PREFIX: &str = "sk-mock-";

/// The scenarios that can be called by name, in order, each with its variants behind it. Those that come with batchmock
/// are there by default.
#[derive(Debug, Clone, Default)]
pub struct Scenarios {
    /// None as long as they are those that come with batchmock. Most servers call none, and need not read them.
    own: Option<ByName>,
}

type ByName = IndexMap<String, Arc<Scenario>>;

/// Those that come with batchmock: the files of `fixtures/scenarios`, in the order in which they are told.
macro_rules! builtin {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../fixtures/scenarios/", $name, ".toml")))),+]
    };
}

static BUILTIN: LazyLock<ByName> = LazyLock::new(|| {
    let mut scenarios = ByName::new();
    for (name, text) in builtin![
        "happy-shuffled",
        "mixed-errors",
        "all-failed",
        "rejected-at-validation",
        "token-queue-full",
        "expired-partial",
        "cancel-partial",
        "file-race",
        "flaky-poll",
        "stuck-and-nasty",
        "quota",
        "too-large",
        "future",
        "paged-list",
        "webhook-twice",
    ] {
        let all = Scenario::all_from_toml(name, text).expect("a test reads all that come with batchmock");
        scenarios.extend(by_name(all));
    }
    scenarios
});

fn by_name(scenarios: Vec<Scenario>) -> impl Iterator<Item = (String, Arc<Scenario>)> {
    scenarios.into_iter().map(|scenario| (scenario.name(), Arc::new(scenario)))
}

impl Scenarios {
    /// Adds a scenario and its variants, and takes away one that had the same name.
    ///
    /// # Errors
    ///
    /// Names what is wrong and what would be right, with line and column.
    pub fn add_toml(&mut self, name: &str, text: &str) -> Result<(), ScenarioError> {
        let all = Scenario::all_from_toml(name, text)?;
        let own = self.own.get_or_insert_with(|| BUILTIN.clone());
        own.retain(|known, _| known.split(VARIANT_MARK).next() != Some(name));
        own.extend(by_name(all));
        Ok(())
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Scenario>> {
        self.by_name().values()
    }

    /// The one with this name: `expired-partial`, or `expired-partial:nothing-done` for a variant.
    ///
    /// # Errors
    ///
    /// If there is none; the message names the nearest.
    pub fn get(&self, name: &str) -> Result<&Arc<Scenario>, ScenarioError> {
        let known = self.by_name();
        known.get(name).ok_or_else(|| {
            let base = name.split(VARIANT_MARK).next().unwrap_or_default();
            let variants = || {
                known.values().filter(|scenario| scenario.source.file == base).filter_map(|known| known.variant())
            };
            ScenarioError::new(match known.get(base) {
                Some(_) if variants().next().is_some() => format!(
                    "the scenario `{base}` has no variant `{}`: there are {}",
                    &name[base.len() + 1..],
                    quoted(variants())
                ),
                Some(_) => format!("the scenario `{base}` has no variants"),
                None => {
                    let near = nearest(name, known.keys().map(String::as_str)).unwrap_or_default();
                    format!("there is no scenario `{name}`; the nearest is `{near}`, and `batchmock scenarios` lists all")
                }
            })
        })
    }

    /// The one that a key names, if it names one: `sk-mock-NAME`, and behind a dot whatever tells worlds apart.
    ///
    /// # Errors
    ///
    /// If it names one that is not there.
    pub(crate) fn of_key(&self, key: &str) -> Result<Option<&Arc<Scenario>>, ScenarioError> {
        let Some(name) = key.strip_prefix(KEY_PREFIX) else { return Ok(None) };
        let name = name.split('.').next().unwrap_or_default();
        self.get(name).map(Some)
    }

    fn by_name(&self) -> &ByName {
        self.own.as_ref().unwrap_or_else(|| &*BUILTIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_batchmock_can_be_read_and_called_by_name() {
        let scenarios = Scenarios::default();
        for scenario in scenarios.iter() {
            let name = scenario.name();
            let again = Scenario::known(&name, scenario.source()).unwrap();
            assert_eq!((again.name(), again.summary()), (name.clone(), scenario.summary()));
            assert_eq!(scenarios.of_key(&format!("sk-mock-{name}.my.test")).unwrap().unwrap().name(), name);
            assert!(scenario.summary().len() <= 110, "{name}: one line has to do");
        }
        assert!(scenarios.of_key("sk-batchmock").unwrap().is_none());
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let scenarios = Scenarios::default();
        let told = |name| scenarios.get(name).unwrap_err().to_string();
        insta::assert_snapshot!(
            ["expired-partail", "expired-partial:nothing", "all-failed:x", ""].map(told).join("\n")
        );
    }

    #[test]
    fn a_scenario_of_the_same_name_takes_the_place_of_another() {
        let mut scenarios = Scenarios::default();
        scenarios.add_toml("expired-partial", "summary = 'mine'").unwrap();
        assert_eq!(scenarios.get("expired-partial").unwrap().summary(), "mine");
        assert!(scenarios.get("expired-partial:nothing-done").is_err());
    }
}
