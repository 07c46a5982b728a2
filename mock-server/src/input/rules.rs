//! Rules that give lines an outcome by their `custom_id` or model.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use super::LineOutcome;

/// Rules in order: the first that matches a line decides. The end of a line's `custom_id` comes before all
/// rules.
#[derive(Debug, Clone, Default)]
pub struct LineRules(Vec<LineRule>);

/// One rule: lines that match every pattern it has end with its outcome.
#[derive(Debug, Clone)]
pub struct LineRule {
    custom_id: Option<GlobMatcher>,
    model: Option<GlobMatcher>,
    outcome: LineOutcome,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);

impl LineRules {
    /// These rules, the first one first.
    pub fn new(rules: Vec<LineRule>) -> Self {
        Self(rules)
    }

    /// Adds more rules after these.
    pub fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Reads rules from TOML: a list `line` of tables with `outcome` and at least one of `custom_id` and
    /// `model`.
    ///
    /// ```
    /// let rules = batchmock::LineRules::from_toml(
    ///     r#"
    ///     [[line]]
    ///     custom_id = "order-*"
    ///     outcome = "429"
    ///
    ///     [[line]]
    ///     model = "gpt-4*"
    ///     outcome = "timeout"
    ///     "#,
    /// );
    /// assert!(rules.is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Names what is wrong, with line and column where the text is no such TOML.
    pub fn from_toml(text: &str) -> Result<Self, RuleError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Document {
            #[serde(default)]
            line: Vec<toml::Spanned<Entry>>,
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Entry {
            custom_id: Option<String>,
            model: Option<String>,
            outcome: String,
        }

        let document: Document = toml::from_str(text).map_err(|error| RuleError(error.to_string()))?;
        let rule = |entry: toml::Spanned<Entry>| {
            let line = text[..entry.span().start].matches('\n').count() + 1;
            let Entry { custom_id, model, outcome } = entry.into_inner();
            LineRule::new(custom_id.as_deref(), model.as_deref(), &outcome)
                .map_err(|error| RuleError(format!("the rule at line {line}: {error}")))
        };
        document.line.into_iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &[LineRule] {
        &self.0
    }

    /// The outcome for a line.
    pub fn outcome(&self, custom_id: &str, model: Option<&str>) -> LineOutcome {
        let asked = LineOutcome::of_custom_id(custom_id);
        if asked != LineOutcome::Natural {
            return asked;
        }
        self.0
            .iter()
            .find(|rule| rule.matches(custom_id, model))
            .map_or(LineOutcome::Natural, |rule| rule.outcome)
    }
}

impl LineRule {
    /// A rule from patterns, in which `*` stands for any text and `?` for any character, and the name of
    /// an outcome.
    ///
    /// # Errors
    ///
    /// If there is no pattern, a pattern cannot be read, or the outcome does not exist.
    pub fn new(custom_id: Option<&str>, model: Option<&str>, outcome: &str) -> Result<Self, RuleError> {
        if custom_id.is_none() && model.is_none() {
            return Err(RuleError("a rule needs a `custom_id` or a `model` to go by".to_owned()));
        }
        Ok(Self {
            custom_id: custom_id.map(pattern).transpose()?,
            model: model.map(pattern).transpose()?,
            outcome: outcome.parse().map_err(RuleError)?,
        })
    }

    /// What it was made from: the patterns, and the outcome.
    pub(crate) fn parts(&self) -> (Option<&str>, Option<&str>, LineOutcome) {
        let Self { custom_id, model, outcome } = self;
        (custom_id.as_ref().map(text), model.as_ref().map(text), *outcome)
    }

    fn matches(&self, custom_id: &str, model: Option<&str>) -> bool {
        self.custom_id.as_ref().is_none_or(|pattern| pattern.is_match(custom_id))
            && self.model.as_ref().is_none_or(|pattern| model.is_some_and(|model| pattern.is_match(model)))
    }
}

/// Reads `custom_id=PATTERN:OUTCOME` and `model=PATTERN:OUTCOME`, the form of the command line.
impl std::str::FromStr for LineRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || {
            RuleError(format!(
                "`{text}` is no rule: write `custom_id=PATTERN:OUTCOME` or `model=PATTERN:OUTCOME`"
            ))
        };
        let (patterns, outcome) = text.rsplit_once(':').ok_or_else(form)?;
        match patterns.split_once('=') {
            Some(("custom_id", pattern)) => Self::new(Some(pattern), None, outcome),
            Some(("model", pattern)) => Self::new(None, Some(pattern), outcome),
            _ => Err(form()),
        }
    }
}

/// What a pattern was made from.
fn text(pattern: &GlobMatcher) -> &str {
    pattern.glob().glob()
}

fn pattern(text: &str) -> Result<GlobMatcher, RuleError> {
    // Ids and model names are no paths: `*` also matches a slash.
    match GlobBuilder::new(text).literal_separator(false).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(RuleError(format!("`{text}` is no pattern: {}", error.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(texts: &[&str]) -> LineRules {
        LineRules::new(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let rules = rules(&["custom_id=order-1*:429", "custom_id=order-*:500", "model=gpt-4*:timeout"]);
        assert_eq!(rules.outcome("order-17", None), LineOutcome::Status429);
        assert_eq!(rules.outcome("order-2", None), LineOutcome::Status500);
        assert_eq!(rules.outcome("other", Some("gpt-4o")), LineOutcome::Timeout);
        assert_eq!(rules.outcome("other", None), LineOutcome::Natural);
    }

    #[test]
    fn the_custom_id_itself_comes_before_all_rules() {
        assert_eq!(rules(&["custom_id=*:500"]).outcome("order~429", None), LineOutcome::Status429);
    }

    #[test]
    fn a_star_matches_slashes() {
        assert_eq!(rules(&["custom_id=a*:500"]).outcome("a/b/c", None), LineOutcome::Status500);
    }

    #[test]
    fn errors_say_what_would_be_right() {
        let error = |text: &str| text.parse::<LineRule>().unwrap_err().to_string();
        assert_eq!(
            error("order-*=429"),
            "`order-*=429` is no rule: write `custom_id=PATTERN:OUTCOME` or `model=PATTERN:OUTCOME`"
        );
        assert!(error("custom_id=*:teapot").starts_with("`teapot` is no outcome of a line"));
        assert!(error("custom_id=[:429").starts_with("`[` is no pattern"));
        let error = LineRules::from_toml("[[line]]\noutcome = '429'\n").unwrap_err().to_string();
        assert_eq!(error, "the rule at line 1: a rule needs a `custom_id` or a `model` to go by");
        let error = LineRules::from_toml("[[line]]\ncustom = '*'\n").unwrap_err().to_string();
        assert!(error.contains("line 2, column 1") && error.contains("unknown field `custom`"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_rules_or_is_refused_in_words(
            text: String,
            odd in "(\\[\\[line\\]\\]\n|custom_id = |model = |outcome = |\"429\"\n|\"a[*]\"\n|[\"'\\[\\]{}*?!,\\\\=é\n]){0,12}",
        ) {
            for text in [&text, &odd] {
                if let Err(error) = LineRules::from_toml(text) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }

        #[test]
        fn any_pattern_matches_or_is_refused(pattern in "[a-c*?{}\\[\\]!,\\\\/é-]{0,30}", id in "[a-c/é]{0,200}", any: String) {
            for pattern in [pattern, any] {
                if let Ok(rule) = format!("custom_id={pattern}:429").parse::<LineRule>() {
                    rule.matches(&id, None);
                }
            }
        }
    }
}
