//! Texts with placeholders, filled in for each request.
//!
//! A placeholder is a name, or the number of a group, in braces: `{custom_id}`, `{1}`. Only that is one: any other
//! brace is itself, so that JSON and code can be written as they are. `{{name}}` is written for a `{name}` that is
//! none. `{name:json}` writes the value as the inside of a JSON string; where the text as a whole is JSON, every
//! placeholder does.

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::nearest::{nearest, quoted};

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

/// JSON whose texts have placeholders.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum JsonTemplate {
    /// JSON without any.
    Fixed(Value),
    Text(Template),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// What placeholders stand for, for one request.
#[derive(Debug)]
pub(crate) struct Filling<'f> {
    /// The name of the line; empty for a synchronous call.
    pub(crate) custom_id: &'f str,
    /// All text of the input.
    pub(crate) prompt: &'f str,
    /// The model as the request names it.
    pub(crate) model: &'f str,
    /// The canary of the request.
    pub(crate) canary: &'f str,
    /// Which request it is of those that the rule matches, counted from 1.
    pub(crate) n: u32,
    /// What the pattern of the rule has found in the prompt.
    pub(crate) captures: Option<Captures<'f>>,
}

/// Why a text is no template. The message names the placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplateError(pub(super) String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder { value: Placed, is_json: bool },
}

/// What takes the place of a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    CustomId,
    Prompt,
    Model,
    Canary,
    N,
    Group(usize),
}

/// Every placeholder that has a name of its own.
const NAMES: [(&str, Placed); 5] = [
    ("custom_id", Placed::CustomId),
    ("prompt", Placed::Prompt),
    ("model", Placed::Model),
    ("canary", Placed::Canary),
    ("n", Placed::N),
];

impl Template {
    /// Reads a text; `pattern` is what its groups are of.
    pub(super) fn parse(text: &str, pattern: Option<&Regex>) -> Result<Self, TemplateError> {
        Self::parse_as(text, is_json(text), pattern)
    }

    fn parse_as(text: &str, is_json: bool, pattern: Option<&Regex>) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(name) = braced(rest, 2) {
                literal.extend(["{", name, "}"]);
                rest = &rest[name.len() + 4..];
            } else if let Some(name) = braced(rest, 1) {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                let (bare, is_marked) = name.strip_suffix(":json").map_or((name, false), |bare| (bare, true));
                let value = placed(bare, pattern)?;
                pieces.push(Piece::Placeholder { value, is_json: is_json || is_marked });
                rest = &rest[name.len() + 2..];
            } else {
                literal.push('{');
                rest = &rest[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }

    /// A text without any.
    pub(super) fn fixed(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())] }
    }

    /// Whether every request gets the same text.
    fn is_fixed(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// Whether it says which request of those that match it is for.
    pub(super) fn counts(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Placeholder { value: Placed::N, .. }))
    }

    /// The text for a request.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Placeholder { value, is_json: false } => text.push_str(&filling.value(*value)),
                Piece::Placeholder { value, is_json: true } => {
                    push_escaped(&mut text, &filling.value(*value));
                }
            }
        }
        text
    }
}

impl JsonTemplate {
    /// Reads JSON whose texts are templates; keys are not.
    pub(super) fn parse(value: Value, pattern: Option<&Regex>) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => {
                let template = Template::parse_as(&text, false, pattern)?;
                // What stands for the braces of `{{name}}` is a text, too.
                if template.is_fixed() {
                    Self::Fixed(template.literal().into())
                } else {
                    Self::Text(template)
                }
            }
            Value::Array(items) => {
                let items: Vec<_> =
                    items.into_iter().map(|item| Self::parse(item, pattern)).collect::<Result<_, _>>()?;
                match items.iter().map(Self::fixed).collect::<Option<Vec<_>>>() {
                    Some(fixed) => Self::Fixed(fixed.into_iter().cloned().collect()),
                    None => Self::Array(items),
                }
            }
            Value::Object(entries) => {
                let entries: Vec<_> = entries
                    .into_iter()
                    .map(|(key, value)| Ok((key, Self::parse(value, pattern)?)))
                    .collect::<Result<_, _>>()?;
                if entries.iter().all(|(_, value)| value.fixed().is_some()) {
                    let fixed = |(key, value): (String, Self)| (key, value.into_fixed());
                    Self::Fixed(Value::Object(entries.into_iter().map(fixed).collect()))
                } else {
                    Self::Object(entries)
                }
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Self::Fixed(other),
        })
    }

    fn fixed(&self) -> Option<&Value> {
        if let Self::Fixed(value) = self { Some(value) } else { None }
    }

    fn into_fixed(self) -> Value {
        if let Self::Fixed(value) = self { value } else { Value::Null }
    }

    /// Whether it says which request of those that match it is for.
    pub(super) fn counts(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(template) => template.counts(),
            Self::Array(items) => items.iter().any(Self::counts),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.counts()),
        }
    }

    /// The JSON for a request.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => Value::String(template.fill(filling)),
            Self::Array(items) => items.iter().map(|item| item.fill(filling)).collect(),
            Self::Object(entries) => {
                let filled = entries.iter().map(|(key, value)| (key.clone(), value.fill(filling)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
        }
    }
}

impl Template {
    /// The text of a template without placeholders.
    fn literal(&self) -> String {
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Placeholder { .. } => "",
        });
        texts.collect()
    }
}

impl Filling<'_> {
    fn value(&self, placed: Placed) -> std::borrow::Cow<'_, str> {
        match placed {
            Placed::CustomId => self.custom_id.into(),
            Placed::Prompt => self.prompt.into(),
            Placed::Model => self.model.into(),
            Placed::Canary => self.canary.into(),
            Placed::N => self.n.to_string().into(),
            // A group that has taken no part in the match is empty.
            Placed::Group(group) => {
                let found = self.captures.as_ref().and_then(|captures| captures.get(group));
                found.map_or("", |found| found.as_str()).into()
            }
        }
    }
}

/// Refuses groups whose names are placeholders already.
pub(super) fn check_groups(pattern: &Regex) -> Result<(), TemplateError> {
    let taken = |group: &&str| NAMES.iter().any(|(name, _)| name == group);
    match pattern.capture_names().flatten().find(taken) {
        Some(group) => Err(TemplateError(format!(
            "a group cannot have the name `{group}`: the placeholder `{{{group}}}` means something else"
        ))),
        None => Ok(()),
    }
}

/// What stands in so many pairs of braces at the beginning of a text, if it may be a placeholder.
fn braced(text: &str, n_braces: usize) -> Option<&str> {
    let inside = text.strip_prefix(&"{{"[..n_braces])?;
    let name = &inside[..inside.find('}')?];
    inside[name.len()..].starts_with(&"}}"[..n_braces]).then_some(())?;
    let bare = name.strip_suffix(":json").unwrap_or(name);
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_number || is_name).then_some(name)
}

/// What a placeholder stands for.
fn placed(name: &str, pattern: Option<&Regex>) -> Result<Placed, TemplateError> {
    if let Some((_, placed)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*placed);
    }
    let groups = || pattern.iter().flat_map(|pattern| pattern.capture_names()).enumerate();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        let n_groups = pattern.map_or(0, |pattern| pattern.captures_len() - 1);
        return match (name.parse(), pattern) {
            (Ok(group), Some(_)) if group <= n_groups => Ok(Placed::Group(group)),
            (_, None) => Err(TemplateError(format!(
                "there is no group `{{{name}}}`: the rule has no pattern for `prompt`; write `{{{{{name}}}}}` to have \
                 the braces"
            ))),
            (_, Some(_)) => Err(TemplateError(format!(
                "there is no group `{{{name}}}`: the pattern for `prompt` has {n_groups}; write `{{{{{name}}}}}` to \
                 have the braces"
            ))),
        };
    }
    if let Some((group, _)) = groups().find(|(_, group)| *group == Some(name)) {
        return Ok(Placed::Group(group));
    }
    let names: Vec<&str> =
        NAMES.iter().map(|(name, _)| *name).chain(groups().filter_map(|(_, group)| group)).collect();
    let near = nearest(name, names.iter().copied()).unwrap_or_default();
    let braced: Vec<String> = names.iter().map(|name| format!("{{{name}}}")).collect();
    Err(TemplateError(format!(
        "there is no placeholder `{{{name}}}`; the nearest is `{{{near}}}`, and there are {}; write `{{{{{name}}}}}` to \
         have the braces",
        quoted(braced.iter().map(String::as_str))
    )))
}

/// Whether a text is a JSON object or list.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Writes a text as the inside of a JSON string.
fn push_escaped(to: &mut String, text: &str) {
    let quoted = Value::from(text).to_string();
    to.push_str(&quoted[1..quoted.len() - 1]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pattern() -> Regex {
        Regex::new("order (?<number>[0-9]+)(?: of (.+))?").unwrap()
    }

    fn filled(text: &str) -> String {
        let (pattern, prompt) = (pattern(), "about \"order 17\" of a é");
        let template = match Template::parse(text, Some(&pattern)) {
            Ok(template) => template,
            Err(TemplateError(message)) => return format!("refused: {message}"),
        };
        template.fill(&Filling {
            custom_id: "a-1",
            prompt,
            model: "gpt-4o-mini",
            canary: "teal-swift-00000001",
            n: 3,
            captures: pattern.captures(prompt),
        })
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(
            filled("{custom_id} of {model}: {canary}, {n}"),
            "a-1 of gpt-4o-mini: teal-swift-00000001, 3"
        );
        assert_eq!(filled("{number} {1} {0} [{2}]"), "17 17 order 17 []");
        assert_eq!(filled("{prompt}"), "about \"order 17\" of a é");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn all_other_braces_are_themselves() {
        for text in ["{}", "{ n }", "{\"a\": {\"b\": [1]}}", "}{", "{{", "{n", "fn f() { g() }", "{日本}"] {
            assert_eq!(filled(text), text);
        }
        assert_eq!(
            filled("{{n}} is {n}, {{unheard_of}} is no matter"),
            "{n} is 3, {unheard_of} is no matter"
        );
    }

    #[test]
    fn what_json_holds_is_escaped() {
        assert_eq!(filled(r#"{"q": "{prompt}", "n": 1}"#), r#"{"q": "about \"order 17\" of a é", "n": 1}"#);
        assert_eq!(filled(r#"So: {"q": "{prompt:json}"}"#), r#"So: {"q": "about \"order 17\" of a é"}"#);
        assert_eq!(filled(r#"["{n:json}"]"#), r#"["3"]"#);
    }

    #[test]
    fn what_is_no_placeholder_is_told_with_the_nearest() {
        insta::assert_snapshot!(filled("{costum_id}"), @"refused: there is no placeholder `{costum_id}`; the nearest is `{custom_id}`, and there are `{custom_id}`, `{prompt}`, `{model}`, `{canary}`, `{n}`, `{number}`; write `{{costum_id}}` to have the braces");
        insta::assert_snapshot!(filled("\\d{3}"), @"refused: there is no group `{3}`: the pattern for `prompt` has 2; write `{{3}}` to have the braces");
        let TemplateError(message) = Template::parse("{1}", None).unwrap_err();
        insta::assert_snapshot!(message, @"there is no group `{1}`: the rule has no pattern for `prompt`; write `{{1}}` to have the braces");
        let TemplateError(message) = check_groups(&Regex::new("(?<model>.)").unwrap()).unwrap_err();
        insta::assert_snapshot!(message, @"a group cannot have the name `model`: the placeholder `{model}` means something else");
    }

    #[test]
    fn texts_in_json_are_templates() {
        let value = json!({"a": ["{n}", 1], "b": {"c": "{{n}}"}, "{n}": null});
        let template = JsonTemplate::parse(value, None).unwrap();
        assert!(template.counts());
        let filling = Filling { custom_id: "", prompt: "", model: "", canary: "", n: 2, captures: None };
        let filled = template.fill(&filling);
        assert_eq!(filled, json!({"a": ["2", 1], "b": {"c": "{n}"}, "{n}": null}));
        let fixed = JsonTemplate::parse(json!({"a": [1, "{{n}}"]}), None).unwrap();
        assert_eq!(fixed, JsonTemplate::Fixed(json!({"a": [1, "{n}"]})));
    }

    proptest! {
        #[test]
        fn any_text_is_filled_or_refused_in_words(
            text in "([{}]|n|:json|prompt|canary|\\\"|[a-z0-9 é:\\[\\]]){0,24}",
            prompt: String,
        ) {
            match Template::parse(&text, None) {
                Ok(template) => {
                    let filling =
                        Filling { custom_id: "a", prompt: &prompt, model: "m", canary: "c", n: 1, captures: None };
                    let filled = template.fill(&filling);
                    if is_json(&text) {
                        prop_assert!(is_json(&filled), "{text} became {filled}");
                    }
                }
                Err(TemplateError(message)) => prop_assert!(message.starts_with("there is no")),
            }
        }

        #[test]
        fn what_is_filled_in_is_not_read_again(prompt: String) {
            let filling =
                Filling { custom_id: "{n}", prompt: &prompt, model: "m", canary: "c", n: 1, captures: None };
            let template = Template::parse("{custom_id}/{prompt}", None).unwrap();
            prop_assert_eq!(template.fill(&filling), format!("{{n}}/{prompt}"));
        }
    }
}
