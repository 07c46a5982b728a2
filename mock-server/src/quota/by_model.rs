//! Limits that each model has for itself.

use std::collections::BTreeMap;

use super::QuotaError;
use crate::answers::Glob;

/// A limit for each model: for names, and for patterns in which `*` stands for any text and `?` for any character.
///
/// A model has the limit of its name, or else of the longest pattern that fits. Snapshots and fine-tuned models share the
/// limit of the model that they come from: `gpt-4o-2024-08-06` and `ft:gpt-4o:acme::1` count as `gpt-4o`.
#[derive(Debug, Clone, Default)]
pub struct ByModel(BTreeMap<String, Place>);

#[derive(Debug, Clone)]
struct Place {
    glob: Glob,
    /// Nothing if these models have no limit.
    limit: Option<u64>,
}

impl ByModel {
    /// The same limit for every model.
    pub fn each(limit: u64) -> Self {
        let mut limits = Self::default();
        let every = limits.set("*", Some(limit));
        debug_assert_eq!(every, Ok(()), "a star is a pattern");
        limits
    }

    /// Sets the limit of the models that a name or a pattern stands for; without a limit they have none.
    ///
    /// # Errors
    ///
    /// If the pattern is empty or none.
    pub fn set(&mut self, pattern: &str, limit: Option<u64>) -> Result<(), QuotaError> {
        if pattern.is_empty() {
            return Err(QuotaError::new("a limit needs the name of a model, or a pattern such as `*-mini`"));
        }
        let glob = Glob::new(pattern).map_err(|error| QuotaError::new(error.to_string()))?;
        self.0.insert(pattern.to_owned(), Place { glob, limit });
        Ok(())
    }

    /// The limit of a model, if it has one.
    pub fn of(&self, model: &str) -> Option<u64> {
        if self.0.is_empty() {
            return None;
        }
        let shared = limit_name(model);
        if let Some(place) = self.0.get(model).or_else(|| self.0.get(shared)) {
            return place.limit;
        }
        let fits = |place: &Place| place.glob.matches(model) || place.glob.matches(shared);
        let fitting = self.0.iter().filter(|(_, place)| fits(place));
        fitting.max_by_key(|(pattern, _)| pattern.len()).and_then(|(_, place)| place.limit)
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every pattern with its limit, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.0.iter().map(|(pattern, place)| (pattern.as_str(), place.limit))
    }
}

impl PartialEq for ByModel {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ByModel {}

/// Under which name a model's use is counted: that of the model that it is a snapshot of, or was trained from. Seen for
/// snapshots ("Request too large for gpt-4.1-2025-04-14 (for limit gpt-4.1)", reports of 2026-03); documented for
/// fine-tuned models.
pub(crate) fn limit_name(model: &str) -> &str {
    let trained_from = match model.strip_prefix("ft:") {
        Some(rest) => rest.split(':').next(),
        None => model.split(":ft-").next(),
    };
    let model = trained_from.unwrap_or(model);
    for form in ["-0000-00-00", "-0000"] {
        let cut = model.len().checked_sub(form.len()).and_then(|at| model.split_at_checked(at));
        if let Some((name, _)) = cut.filter(|(name, end)| !name.is_empty() && has_form(end, form)) {
            return name;
        }
    }
    model
}

/// Whether a text is like another in which each zero stands for any digit.
fn has_form(text: &str, form: &str) -> bool {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}
