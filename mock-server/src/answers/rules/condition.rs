//! What a request must be like for a rule to decide about it.

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;

use super::RuleError;
use crate::endpoint::Endpoint;

/// What a request must be like: all that is set must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    pub(super) custom_id: Option<Glob>,
    pub(super) model: Option<Glob>,
    pub(super) endpoint: Option<Glob>,
    /// What must be found in the prompt.
    pub(super) prompt: Option<Regex>,
    pub(super) turn: Turn,
}

/// What is known of a request without a look at its prompt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'f> {
    /// The name of the line; a synchronous call has none.
    pub(crate) custom_id: Option<&'f str>,
    /// Where the request goes.
    pub(crate) endpoint: Endpoint,
    /// The model that it names.
    pub(crate) model: Option<&'f str>,
}

/// A pattern in which `*` stands for any text and `?` for any character.
#[derive(Debug, Clone)]
pub(crate) enum Glob {
    /// Without any: most rules name one thing.
    Exact(String),
    Pattern(GlobMatcher),
}

/// Which of the requests that are otherwise right are meant, by their number among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    /// So many are let pass first.
    pub(crate) after: Option<u32>,
    /// Only so many of the others.
    pub(crate) first: Option<u32>,
    /// Only each that comes after so many.
    pub(crate) every: Option<u32>,
    /// Only this one.
    pub(crate) nth: Option<u32>,
}

impl Condition {
    /// Whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        let Self { custom_id, model, endpoint, prompt, turn } = self;
        custom_id.is_none() && model.is_none() && endpoint.is_none() && prompt.is_none() && turn.is_always()
    }

    /// Whether the facts are right; the prompt and the turn are looked at elsewhere.
    pub(super) fn holds_for(&self, facts: &Facts<'_>) -> bool {
        let fits = |glob: &Option<Glob>, text: Option<&str>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| glob.matches(text)))
        };
        fits(&self.custom_id, facts.custom_id)
            && fits(&self.model, facts.model)
            && fits(&self.endpoint, Some(facts.endpoint.path()))
    }
}

impl Turn {
    /// Where a table says which turn it is.
    pub(crate) const KEYS: [&str; 4] = ["nth", "every", "first", "after"];

    /// Whether every request is meant.
    pub(crate) fn is_always(self) -> bool {
        self == Self::default()
    }

    /// Whether the n-th request is meant, counted from 1.
    pub(crate) fn is(self, n: u32) -> bool {
        let Some(n) = n.checked_sub(self.after.unwrap_or(0)).filter(|n| *n > 0) else { return false };
        self.first.is_none_or(|first| n <= first)
            && self.every.is_none_or(|every| n % every == 0)
            && self.nth.is_none_or(|nth| n == nth)
    }
}

impl Glob {
    /// Reads a pattern.
    pub(crate) fn new(text: &str) -> Result<Self, RuleError> {
        if !text.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            return Ok(Self::Exact(text.to_owned()));
        }
        // Ids and model names are no paths: `*` also matches a slash.
        match GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build() {
            Ok(glob) => Ok(Self::Pattern(glob.compile_matcher())),
            Err(error) => Err(RuleError::new(format!("`{text}` is no pattern: {}", error.kind()))),
        }
    }

    /// Whether a text is like it.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Pattern(glob) => glob.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_matches_slashes_and_a_plain_text_only_itself() {
        assert!(Glob::new("a*").unwrap().matches("a/b/c"));
        assert!(Glob::new("a?c").unwrap().matches("abc"));
        assert!(Glob::new("[ab]").unwrap().matches("b"));
        let plain = Glob::new("a-1").unwrap();
        assert!(matches!(plain, Glob::Exact(_)));
        assert!(plain.matches("a-1") && !plain.matches("a-12"));
        assert!(Glob::new("\\*").unwrap().matches("*") && !Glob::new("\\*").unwrap().matches("a"));
    }

    #[test]
    fn turns_are_counted_after_those_that_are_let_pass() {
        let turns = |turn: Turn| (1..=12).filter(|n| turn.is(*n)).collect::<Vec<_>>();
        assert_eq!(turns(Turn { nth: Some(3), ..Turn::default() }), [3]);
        assert_eq!(turns(Turn { every: Some(5), ..Turn::default() }), [5, 10]);
        assert_eq!(turns(Turn { first: Some(2), ..Turn::default() }), [1, 2]);
        assert_eq!(turns(Turn { after: Some(10), ..Turn::default() }), [11, 12]);
        assert_eq!(turns(Turn { after: Some(4), first: Some(4), every: Some(2), nth: None }), [6, 8]);
        assert_eq!(turns(Turn::default()).len(), 12);
    }

    proptest! {
        #[test]
        fn any_pattern_matches_or_is_refused(
            pattern in "[a-c*?{}\\[\\]!,\\\\/é-]{0,30}", id in "[a-c/é]{0,200}", any: String,
        ) {
            for pattern in [pattern, any] {
                if let Ok(glob) = Glob::new(&pattern) {
                    glob.matches(&id);
                }
            }
        }

        #[test]
        fn a_text_without_signs_is_a_pattern_for_itself(text in "[a-c/é!,-]{0,10}", other in "[a-c/é!,-]{0,10}") {
            let glob = GlobBuilder::new(&text).literal_separator(false).build().unwrap().compile_matcher();
            for candidate in [&text, &other] {
                prop_assert_eq!(Glob::new(&text).unwrap().matches(candidate), glob.is_match(candidate));
            }
        }
    }
}
