//! JSON whose texts are borrowed from the bytes it was read from.
//!
//! An input has tens of thousands of lines, of which little is kept: reading one should copy nothing that it does
//! not have to. A text is borrowed unless it has escapes in it, and the keys of an object stand in a list, since
//! requests have few. What is accepted is what `serde_json` accepts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// A value: a node of the tree that a text is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'j> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'j, str>),
    Array(Vec<Self>),
    Object(Object<'j>),
}

/// The values of an object by their keys, in the order of the text.
///
/// A repeated key counts with its last value, as the most common JSON readers have it (assumed).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Object<'j>(Vec<(Cow<'j, str>, Node<'j>)>);

impl<'j> Node<'j> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'j>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The value of a key, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The same value, borrowing nothing.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.to_string()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(object) => Value::Object(object.to_map()),
        }
    }
}

impl<'j> Object<'j> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key. Objects of requests have few keys: comparing them costs less than hashing would.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'j>> {
        self.0.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Takes the value of a key out, and leaves a null in its place.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node<'j>> {
        let (_, value) = self.0.iter_mut().find(|(other, _)| other == key)?;
        Some(std::mem::replace(value, Node::Null))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node<'j>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The same object, borrowing nothing.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect()
    }
}

impl<'j> From<&'j Value> for Node<'j> {
    fn from(value: &'j Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::String(Cow::Borrowed(text)),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(object) => Self::Object(Object::from(object)),
        }
    }
}

impl<'j> From<&'j Map<String, Value>> for Object<'j> {
    fn from(map: &'j Map<String, Value>) -> Self {
        Self(map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Node::from(value))).collect())
    }
}

impl From<i64> for Node<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl<'j> From<&'j str> for Node<'j> {
    fn from(text: &'j str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl PartialEq<str> for Node<'_> {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

/// As JSON without spaces.
impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => serializer.collect_map(object.iter()),
        }
    }
}

impl<'de: 'j, 'j> Deserialize<'de> for Node<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

impl<'de: 'j, 'j> Deserialize<'de> for Object<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::String(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::String(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Node::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Node<'de>, A::Error> {
        ObjectVisitor.visit_map(entries).map(Node::Object)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object<'de>, A::Error> {
        let mut object: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        while let Some((Key(key), value)) = entries.next_entry()? {
            object.push((key, value));
        }
        Ok(Object(without_repeated_keys(object)))
    }
}

/// Up to how many keys each is compared with all others to find repeated ones.
const FEW_KEYS: usize = 16;

fn without_repeated_keys<'j>(entries: Vec<(Cow<'j, str>, Node<'j>)>) -> Vec<(Cow<'j, str>, Node<'j>)> {
    let comes_again = |place: usize| entries[place + 1..].iter().any(|(key, _)| *key == entries[place].0);
    if entries.len() <= FEW_KEYS && !(0..entries.len()).any(comes_again) {
        return entries;
    }
    let mut places = HashMap::new();
    let mut unique: Vec<(Cow<'j, str>, Node<'j>)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if let Some(place) = places.get(&key) {
            let (_, before): &mut (_, _) = &mut unique[*place];
            *before = value;
        } else {
            places.insert(key.clone(), unique.len());
            unique.push((key, value));
        }
    }
    unique
}

/// A key, borrowed if it has no escapes.
struct Key<'j>(Cow<'j, str>);

impl<'de: 'j, 'j> Deserialize<'de> for Key<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Any JSON, with texts and keys of this kind.
#[cfg(test)]
pub(crate) fn any_json<T: proptest::strategy::Strategy<Value = String> + Clone + 'static>(
    texts: T,
) -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::collection::vec;
    use proptest::prelude::*;

    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((texts.clone(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Node<'_>, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn only_what_has_escapes_is_copied() {
        let Ok(Node::Object(object)) = read(r#"{"a": "plain", "\u0062": "li\ne"}"#) else {
            panic!("no object")
        };
        let is_borrowed = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        let texts: Vec<_> = object
            .0
            .iter()
            .flat_map(|(key, value)| {
                let Node::String(text) = value else { panic!("no text") };
                [(key.to_string(), is_borrowed(key)), (text.to_string(), is_borrowed(text))]
            })
            .collect();
        let expected = [("a", true), ("plain", true), ("b", false), ("li\ne", false)];
        assert_eq!(texts, expected.map(|(text, borrowed)| (text.to_owned(), borrowed)));
    }

    /// JSON as people write it, and nearly so: with repeated keys, escapes, big numbers and depth.
    fn nearly_json() -> impl Strategy<Value = String> {
        let text = r#""([a-c]|\\n|\\u00e9|\\ud83d\\ude00|é|\\x){0,4}""#;
        let leaf =
            prop_oneof!["null|true|false|nul", "-?[0-9]{1,21}(\\.[0-9]{1,3})?([eE]-?[0-9]{1,3})?", text];
        leaf.prop_recursive(4, 40, 20, move |inner| {
            let entry = (text, inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::vec(entry, 0..20)
                    .prop_map(|entries| format!("{{{}}}", entries.join(", "))),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_reads_as_serde_json_reads_it(text in nearly_json(), any: String) {
            for text in [text, any] {
                match (read(&text), serde_json::from_str::<Value>(&text)) {
                    (Ok(json), Ok(value)) => {
                        prop_assert_eq!(&Node::from(&value), &json);
                        prop_assert_eq!(json.to_string(), value.to_string());
                        prop_assert_eq!(json.to_value(), value);
                    }
                    (Err(_), Err(_)) => {}
                    (json, value) => prop_assert!(false, "{text}: {json:?}, {value:?}"),
                }
            }
        }
    }
}
