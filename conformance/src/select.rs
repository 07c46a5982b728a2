//! Which cases are run, by patterns on their ids.

use globset::{GlobBuilder, GlobMatcher};

use crate::case::Case;
use crate::server;

/// A pattern on the ids of cases, such as `batches/cancel/*`. `*` goes over slashes as well.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// A pattern that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It cannot be read.
    #[error("`{pattern}` is no pattern: {why}")]
    Broken {
        /// What was written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such case.
    #[error("no case matches `{pattern}`{}", nearest.as_ref().map(|id| format!("; the nearest is `{id}`")).unwrap_or_default())]
    NoMatch {
        /// What was written.
        pattern: String,
        /// The id that is the most like it.
        nearest: Option<&'static str>,
    },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If it is broken, or there is no case that it matches.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(text).build().map_err(|error| PatternError::Broken {
            pattern: text.to_owned(),
            why: error.kind().to_string(),
        })?;
        let pattern = Self { text: text.to_owned(), matcher: glob.compile_matcher() };
        if server::all().any(|case| pattern.matches(case)) {
            Ok(pattern)
        } else {
            Err(PatternError::NoMatch { pattern: pattern.text, nearest: nearest(text) })
        }
    }

    /// Whether it matches a case.
    pub fn matches(&self, case: &Case) -> bool {
        self.matcher.is_match(case.id)
    }

    /// What was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The cases that match one of `only`, or all if there is none; but none that matches one of `skip`.
pub fn cases(only: &[Pattern], skip: &[Pattern]) -> Vec<&'static Case> {
    server::all()
        .filter(|case| only.is_empty() || only.iter().any(|pattern| pattern.matches(case)))
        .filter(|case| !skip.iter().any(|pattern| pattern.matches(case)))
        .collect()
}

/// The id that is the most like a text, if one is like it at all.
pub fn nearest(text: &str) -> Option<&'static str> {
    let plain = text.replace(['*', '?'], "");
    server::all()
        .map(|case| (strsim::jaro_winkler(case.id, &plain), case.id))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let read = |patterns: &[&str]| -> Vec<_> {
            patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect()
        };
        cases(&read(only), &read(skip)).into_iter().map(|case| case.id).collect()
    }

    #[test]
    fn patterns_choose_cases_by_their_ids() {
        assert_eq!(ids(&[], &[]).len(), server::all().count());
        assert!(ids(&["batches/cancel/*"], &[]).contains(&"batches/cancel/after-completed"));
        assert!(!ids(&["batches/*"], &["*/after-completed"]).contains(&"batches/cancel/after-completed"));
        assert_eq!(ids(&["batches/cancel/after-completed"], &[]), ["batches/cancel/after-completed"]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_told_the_nearest() {
        let error = Pattern::new("batches/cancel/after-complete").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no case matches `batches/cancel/after-complete`; the nearest is `batches/cancel/after-completed`"
        );
        assert_eq!(Pattern::new("zzz").unwrap_err().to_string(), "no case matches `zzz`");
        assert!(Pattern::new("[").unwrap_err().to_string().starts_with("`[` is no pattern: "));
    }
}
