//! Which scenarios are played, and by which of their checks clients are judged: by patterns on ids.

use globset::{GlobBuilder, GlobMatcher};

use super::check::Check;
use super::scenario::Scenario;
use super::{checks, scenarios};
use crate::case::Level;

/// Some of the certification, or all of it.
#[derive(Debug, Clone)]
pub struct Choice {
    chosen: Vec<(&'static Scenario, Vec<(&'static Check, Level)>)>,
}

/// A pattern that selects nothing, or patterns that leave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// It cannot be read.
    #[error("`{pattern}` is no pattern: {why}")]
    Broken {
        /// What was written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such scenario, and no such check.
    #[error(
        "no scenario and no check matches `{pattern}`{}",
        nearest.as_ref().map(|id| format!("; the nearest is `{id}`")).unwrap_or_default()
    )]
    NoMatch {
        /// What was written.
        pattern: String,
        /// The id that is the most like it.
        nearest: Option<&'static str>,
    },
    /// Nothing is left.
    #[error("no check is left: --skip matches all that --only does")]
    Nothing,
}

struct Pattern(GlobMatcher);

impl Pattern {
    fn new(text: &str) -> Result<Self, ChoiceError> {
        let glob = GlobBuilder::new(text).case_insensitive(true).build();
        let glob = glob.map_err(|error| ChoiceError::Broken {
            pattern: text.to_owned(),
            why: error.kind().to_string(),
        })?;
        let pattern = Self(glob.compile_matcher());
        let matches_any = scenarios::all()
            .any(|scenario| scenario.checks().any(|(check, _)| pattern.matches(scenario, check)));
        if matches_any {
            Ok(pattern)
        } else {
            Err(ChoiceError::NoMatch { pattern: text.to_owned(), nearest: nearest(text) })
        }
    }

    fn matches(&self, scenario: &Scenario, check: &Check) -> bool {
        let Self(matcher) = self;
        matcher.is_match(scenario.id) || matcher.is_match(check.id) || matcher.is_match(id(scenario, check))
    }
}

/// What a check of a scenario is called: `expired/partial/K8`.
pub fn id(scenario: &Scenario, check: &Check) -> String {
    format!("{}/{}", scenario.id, check.id)
}

/// The id of a scenario or a check that is the most like a text, if one is like it at all.
pub fn nearest(text: &str) -> Option<&'static str> {
    let plain = text.replace(['*', '?'], "");
    let ids = scenarios::all().map(|scenario| scenario.id).chain(checks::all().map(|check| check.id));
    ids.map(|id| (strsim::jaro_winkler(id, &plain), id))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, id)| id)
}

impl Choice {
    /// What matches one of `only`, or all if there is none; but nothing that matches one of `skip`. A pattern is held
    /// against the id of a scenario, that of a check, and that of a check of a scenario: `expired/*`, `K8`,
    /// `expired/partial/K8`.
    ///
    /// # Errors
    ///
    /// If a pattern matches nothing, or nothing is left.
    pub fn new(only: &[String], skip: &[String]) -> Result<Self, ChoiceError> {
        let read = |texts: &[String]| -> Result<Vec<Pattern>, ChoiceError> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        let (only, skip) = (read(only)?, read(skip)?);
        let is_chosen = |scenario: &Scenario, check: &Check| {
            (only.is_empty() || only.iter().any(|pattern| pattern.matches(scenario, check)))
                && !skip.iter().any(|pattern| pattern.matches(scenario, check))
        };
        let chosen: Vec<_> = scenarios::all()
            .map(|scenario| {
                (
                    scenario,
                    scenario.checks().filter(|(check, _)| is_chosen(scenario, check)).collect::<Vec<_>>(),
                )
            })
            .filter(|(_, checks)| !checks.is_empty())
            .collect();
        if chosen.is_empty() { Err(ChoiceError::Nothing) } else { Ok(Self { chosen }) }
    }

    /// All of it.
    pub fn all() -> Self {
        Self { chosen: scenarios::all().map(|scenario| (scenario, scenario.checks().collect())).collect() }
    }

    /// The scenarios that are played, each with the checks that clients are judged by.
    pub fn scenarios(&self) -> impl Iterator<Item = (&'static Scenario, Vec<(&'static Check, Level)>)> {
        self.chosen.iter().map(|(scenario, checks)| (*scenario, checks.clone()))
    }

    /// How many checks there are, over all scenarios.
    pub fn n_checks(&self) -> usize {
        self.chosen.iter().map(|(_, checks)| checks.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(only: &[&str], skip: &[&str]) -> Result<Vec<String>, String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let choice = Choice::new(&owned(only), &owned(skip)).map_err(|error| error.to_string())?;
        Ok(choice
            .scenarios()
            .flat_map(|(scenario, checks)| {
                checks.into_iter().map(|(check, _)| id(scenario, check)).collect::<Vec<_>>()
            })
            .collect())
    }

    #[test]
    fn scenarios_and_checks_are_chosen_by_patterns() {
        assert_eq!(ids(&[], &[]).unwrap().len(), Choice::all().n_checks());
        assert_eq!(ids(&["expired/partial/K8"], &[]).unwrap(), ["expired/partial/K8"]);
        assert_eq!(
            ids(&["expired/nothing-done"], &["k1", "K3", "K4", "K6"]).unwrap(),
            ["expired/nothing-done/K7"]
        );
        assert!(ids(&["K5"], &[]).unwrap().iter().all(|id| id.ends_with("/K5")));
    }

    #[test]
    fn what_selects_nothing_is_told() {
        let told = |only: &str, skip: &[&str]| ids(&[only], skip).unwrap_err();
        assert_eq!(
            told("expired/partail", &[]),
            "no scenario and no check matches `expired/partail`; the nearest is `expired/partial`"
        );
        assert!(told("[", &[]).starts_with("`[` is no pattern: "));
        assert_eq!(
            told("expired/*", &["expired/*"]),
            "no check is left: --skip matches all that --only does"
        );
    }
}
