//! Typed reading of parameters, with the service's refusals.

use std::fmt;
use std::ops::RangeInclusive;

use super::json::{Node, Object};
use super::refusal::{Refusal, alternatives};

/// Where in a body a value stands, written `tools[0].function`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    Top,
    Key(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(Self::Top, name) => f.write_str(name),
            Self::Key(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// How an endpoint words its refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wording {
    /// `Invalid type for 'n': expected an integer, but got a string instead.`
    Named,
    /// `'two' is not of type 'integer' - 'n'` (observed on embeddings, net 2025-09).
    Schema,
}

/// The parameters of a body, or of an object in it. A null is as good as an absent parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'v, 'p> {
    object: &'v Object<'v>,
    place: Place<'p>,
    wording: Wording,
}

impl<'v> Arguments<'v, 'static> {
    /// The parameters of a body, refused by name and code.
    pub(crate) fn new(object: &'v Object<'v>) -> Self {
        Self { object, place: Place::Top, wording: Wording::Named }
    }

    /// The parameters of a body, refused in the words of JSON Schema.
    pub(crate) fn in_schema_words(object: &'v Object<'v>) -> Self {
        Self { wording: Wording::Schema, ..Self::new(object) }
    }
}

impl<'v, 'p> Arguments<'v, 'p> {
    /// The parameters of an object at a place.
    pub(crate) fn at(object: &'v Object<'v>, place: Place<'p>) -> Self {
        Self { object, place, wording: Wording::Named }
    }

    /// Refuses parameters that are not `known`, as the older endpoints do.
    pub(crate) fn refuse_unrecognized(&self, known: &[&str]) -> Result<(), Refusal> {
        let mut unknown: Vec<&str> = self.unknown(known).collect();
        if unknown.is_empty() { Ok(()) } else { Err(Refusal::unrecognized(&mut unknown)) }
    }

    /// Refuses the first parameter that is not `known`, as the newer endpoints do.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.unknown(known).next() {
            Some(name) => Err(Refusal::unknown_parameter(&self.path(name))),
            None => Ok(()),
        }
    }

    /// The model, on the endpoints that look for it before everything else.
    pub(crate) fn model(&self) -> Result<String, Refusal> {
        match self.get("model") {
            Some(Node::String(model)) if !model.is_empty() => Ok(model.to_string()),
            None | Some(Node::String(_)) => Err(Refusal::missing_model()),
            Some(_) => Err(Refusal::unparsable()),
        }
    }

    /// The value, unless it is null or absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'v Node<'v>> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// The value, which must be there; a null is there, and of the wrong type.
    pub(crate) fn required(&self, name: &str) -> Result<&'v Node<'v>, Refusal> {
        self.object.get(name).ok_or_else(|| match self.wording {
            Wording::Named => Refusal::missing(&self.path(name)),
            Wording::Schema => Refusal::invalid(format!("'{name}' is a required property")),
        })
    }

    /// A text.
    pub(crate) fn string(&self, name: &str) -> Result<Option<&'v str>, Refusal> {
        self.get(name).map(|value| self.as_string(name, value)).transpose()
    }

    /// A text that must be there.
    pub(crate) fn required_string(&self, name: &str) -> Result<&'v str, Refusal> {
        self.as_string(name, self.required(name)?)
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required_name(&self, name: &str) -> Result<&'v str, Refusal> {
        match self.required_string(name)? {
            "" => Err(Refusal::empty_string(&self.path(name))),
            text => Ok(text),
        }
    }

    /// Yes or no.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let read = |value: &Node<'_>| value.as_bool().ok_or_else(|| self.wrong_type(name, "boolean", value));
        self.get(name).map(read).transpose()
    }

    /// A whole number in a range.
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Some(number) = value.as_i64() else {
            return Err(self.wrong_type(name, "integer", value));
        };
        if number < *range.start() {
            Err(self.below(name, "integer", &(*range.start()).into(), value))
        } else if number > *range.end() {
            Err(self.above(name, "integer", &(*range.end()).into(), value))
        } else {
            Ok(Some(number))
        }
    }

    /// A number of things, at least `minimum`.
    pub(crate) fn count(&self, name: &str, minimum: i64) -> Result<Option<u64>, Refusal> {
        Ok(self.integer(name, minimum.max(0)..=i64::MAX)?.map(i64::unsigned_abs))
    }

    /// A number in a range of whole numbers.
    pub(crate) fn decimal(&self, name: &str, range: RangeInclusive<i32>) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Some(number) = value.as_f64() else {
            return Err(self.wrong_type(name, "number", value));
        };
        if number < f64::from(*range.start()) {
            Err(self.below(name, "decimal", &i64::from(*range.start()).into(), value))
        } else if number > f64::from(*range.end()) {
            Err(self.above(name, "decimal", &i64::from(*range.end()).into(), value))
        } else {
            Ok(Some(number))
        }
    }

    /// One of some texts.
    pub(crate) fn choice(
        &self,
        name: &str,
        choices: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found = value.as_str().and_then(|text| choices.iter().find(|choice| **choice == text));
        match (found, value, self.wording) {
            (Some(choice), _, _) => Ok(Some(choice)),
            (None, _, Wording::Schema) => {
                let choices: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
                let got = python(value);
                Err(Refusal::invalid(format!("{got} is not one of [{}] - '{name}'", choices.join(", "))))
            }
            (None, Node::String(text), Wording::Named) => {
                Err(Refusal::unsupported_choice(&self.path(name), text, choices))
            }
            (None, _, Wording::Named) => {
                let expected = format!("one of {}", alternatives(choices, "or"));
                Err(Refusal::wrong_type(&self.path(name), &expected, value))
            }
        }
    }

    /// An object.
    pub(crate) fn object<'s>(&'s self, name: &'s str) -> Result<Option<Arguments<'v, 's>>, Refusal> {
        self.get(name).map(|value| self.as_object(name, value)).transpose()
    }

    /// An object that must be there.
    pub(crate) fn required_object<'s>(&'s self, name: &'s str) -> Result<Arguments<'v, 's>, Refusal> {
        self.as_object(name, self.required(name)?)
    }

    /// A list; `expected` says of what, as the service does when it gets something else.
    pub(crate) fn array(&self, name: &str, expected: &str) -> Result<Option<&'v [Node<'v>]>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Array(items)) => Ok(Some(items.as_slice())),
            Some(value) if self.wording == Wording::Schema => Err(self.wrong_type(name, "array", value)),
            Some(value) => Err(Refusal::wrong_type(&self.path(name), expected, value)),
        }
    }

    /// A list of objects that must be there and hold something.
    pub(crate) fn required_objects(&self, name: &str) -> Result<&'v [Node<'v>], Refusal> {
        let value = self.required(name)?;
        match value.as_array() {
            Some([]) => Err(Refusal::empty_array(&self.path(name))),
            Some(items) => Ok(items),
            None => Err(Refusal::wrong_type(&self.path(name), "an array of objects", value)),
        }
    }

    /// The objects of a list that must hold nothing else.
    pub(crate) fn items<'s>(
        items: &'v [Node<'v>],
        place: &'s Place<'s>,
    ) -> impl Iterator<Item = Result<Arguments<'v, 's>, Refusal>> {
        items.iter().enumerate().map(move |(index, item)| match item.as_object() {
            Some(object) => Ok(Arguments::at(object, Place::Item(place, index))),
            None => Err(Refusal::wrong_type(&Place::Item(place, index).to_string(), "an object", item)),
        })
    }

    /// Refuses metadata that is not up to 16 short texts by name (observed on chat completions, 2026-08).
    pub(crate) fn check_metadata(&self) -> Result<(), Refusal> {
        let Some(value) = self.get("metadata") else { return Ok(()) };
        let Node::Object(metadata) = value else {
            return Err(Refusal::wrong_type(&self.path("metadata"), "a metadata object", value));
        };
        if metadata.len() > 16 {
            let message = format!(
                "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but \
                 got an object with {} properties instead.",
                metadata.len()
            );
            return Err(Refusal::about("metadata", message).with_code("object_above_max_properties"));
        }
        for (name, value) in metadata.iter() {
            let place = Place::Key(&Place::Key(&Place::Top, "metadata"), name).to_string();
            let length = name.chars().count();
            if length > 64 {
                return Err(Refusal::long_name(&place, "metadata", name, 64, length));
            }
            let Node::String(text) = value else {
                return Err(Refusal::wrong_type(&place, "a string", value));
            };
            let length = text.chars().count();
            if length > 512 {
                return Err(Refusal::long_string(&place, 512, length));
            }
        }
        Ok(())
    }

    /// Where a parameter stands, as refusals name it.
    pub(crate) fn path(&self, name: &str) -> String {
        Place::Key(&self.place, name).to_string()
    }

    /// Where this object stands.
    pub(crate) fn place(&self) -> &Place<'p> {
        &self.place
    }

    /// The names of parameters that are not `known`.
    pub(crate) fn unknown(&self, known: &[&str]) -> impl Iterator<Item = &'v str> {
        self.object.keys().filter(|name| !known.contains(name))
    }

    fn as_string(&self, name: &str, value: &'v Node<'v>) -> Result<&'v str, Refusal> {
        value.as_str().ok_or_else(|| self.wrong_type(name, "string", value))
    }

    fn as_object<'s>(&'s self, name: &'s str, value: &'v Node<'v>) -> Result<Arguments<'v, 's>, Refusal> {
        match value.as_object() {
            Some(object) => {
                Ok(Arguments { object, place: Place::Key(&self.place, name), wording: self.wording })
            }
            None => Err(self.wrong_type(name, "object", value)),
        }
    }

    /// A value of the wrong type, where `kind` is the name JSON Schema has for the right one.
    fn wrong_type(&self, name: &str, kind: &str, value: &Node<'_>) -> Refusal {
        match (self.wording, kind) {
            (Wording::Schema, _) => {
                Refusal::invalid(format!("{} is not of type '{kind}' - '{name}'", python(value)))
            }
            (Wording::Named, "number") => Refusal::wrong_type(&self.path(name), "a decimal", value),
            (Wording::Named, "integer" | "object" | "array") => {
                Refusal::wrong_type(&self.path(name), &format!("an {kind}"), value)
            }
            (Wording::Named, _) => Refusal::wrong_type(&self.path(name), &format!("a {kind}"), value),
        }
    }

    fn below(&self, name: &str, kind: &str, minimum: &Node<'_>, value: &Node<'_>) -> Refusal {
        match self.wording {
            Wording::Named => Refusal::below_minimum(&self.path(name), kind, minimum, value),
            Wording::Schema => {
                Refusal::invalid(format!("{value} is less than the minimum of {minimum} - '{name}'"))
            }
        }
    }

    fn above(&self, name: &str, kind: &str, maximum: &Node<'_>, value: &Node<'_>) -> Refusal {
        match self.wording {
            Wording::Named => Refusal::above_maximum(&self.path(name), kind, maximum, value),
            Wording::Schema => {
                Refusal::invalid(format!("{value} is greater than the maximum of {maximum} - '{name}'"))
            }
        }
    }
}

/// A value as Python writes it, which is how the JSON Schema wording quotes it.
fn python(value: &Node<'_>) -> String {
    match value {
        Node::Null => "None".to_owned(),
        Node::Bool(true) => "True".to_owned(),
        Node::Bool(false) => "False".to_owned(),
        Node::Number(number) => number.to_string(),
        Node::String(text) => format!("'{text}'"),
        Node::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Node::Object(object) => {
            let entries: Vec<String> =
                object.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::arguments::any_json;

    fn message<T: fmt::Debug>(
        read: impl Fn(Arguments<'_, 'static>) -> Result<T, Refusal>,
        body: &Value,
    ) -> String {
        let body = Object::from(body.as_object().unwrap());
        let named = read(Arguments::new(&body)).unwrap_err().error.message;
        let schema = read(Arguments::in_schema_words(&body)).unwrap_err().error.message;
        format!("{named}\n{schema}")
    }

    #[test]
    fn both_wordings_name_the_fault() {
        insta::assert_snapshot!(message(|a| a.integer("n", 1..=128), &json!({"n": "2"})), @r#"
        Invalid type for 'n': expected an integer, but got a string instead.
        '2' is not of type 'integer' - 'n'
        "#);
        insta::assert_snapshot!(message(|a| a.integer("n", 1..=128), &json!({"n": 0})), @r#"
        Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.
        0 is less than the minimum of 1 - 'n'
        "#);
        insta::assert_snapshot!(message(|a| a.decimal("top_p", 0..=1), &json!({"top_p": 1.5})), @r#"
        Invalid 'top_p': decimal above maximum value. Expected a value <= 1, but got 1.5 instead.
        1.5 is greater than the maximum of 1 - 'top_p'
        "#);
        insta::assert_snapshot!(message(|a| a.choice("f", &["a", "b"]), &json!({"f": "c"})), @r#"
        Invalid value: 'c'. Supported values are: 'a' and 'b'.
        'c' is not one of ['a', 'b'] - 'f'
        "#);
        insta::assert_snapshot!(message(|a| a.required("prompt").map(Node::to_value), &json!({})), @r#"
        Missing required parameter: 'prompt'.
        'prompt' is a required property
        "#);
    }

    #[test]
    fn places_are_written_as_paths() {
        let tools = Place::Key(&Place::Top, "tools");
        let first = Place::Item(&tools, 0);
        assert_eq!(Place::Key(&first, "function").to_string(), "tools[0].function");
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused_with_its_name(value in any_json(any::<String>())) {
            let body = json!({"n": value.clone(), "metadata": value});
            let body = Object::from(body.as_object().unwrap());
            for body in [Arguments::new(&body), Arguments::in_schema_words(&body)] {
                let refusals = [
                    body.integer("n", -1..=1).err(),
                    body.count("n", 1).err(),
                    body.decimal("n", 0..=1).err(),
                    body.boolean("n").err(),
                    body.choice("n", &["a", "b"]).err(),
                    body.required_name("n").err(),
                    body.object("n").err(),
                    body.array("n", "an array").err(),
                    body.required_objects("n").err(),
                ];
                for refusal in refusals.into_iter().flatten() {
                    let is_named = refusal.error.param.as_deref() == Some("n");
                    prop_assert!(is_named || refusal.error.message.contains("'n'"), "{}", refusal.error.message);
                }
                let _ = body.check_metadata();
                let _ = body.model();
            }
        }
    }
}
