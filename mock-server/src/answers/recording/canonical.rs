//! When two requests are the same: if they go to the same endpoint and their bodies are equal as JSON.

use serde_json::Number;
use xxhash_rust::xxh3::Xxh3;

use crate::arguments::{Node, Object};

/// 128 bits of a request: two that are not the same share them once in many ages.
///
/// The order of keys, spaces and the writing of numbers and texts make no difference; `1` and `1.0` are the same number.
pub(crate) fn digest(path: &str, body: &Object<'_>) -> u128 {
    let mut hasher = Xxh3::new();
    push_text(&mut hasher, path);
    push_object(&mut hasher, body);
    hasher.digest128()
}

fn push(hasher: &mut Xxh3, node: &Node<'_>) {
    match node {
        Node::Null => hasher.update(b"0"),
        Node::Bool(false) => hasher.update(b"f"),
        Node::Bool(true) => hasher.update(b"t"),
        Node::Number(number) => {
            let number = canonical_number(number);
            hasher.update(b"n");
            push_text(hasher, &number);
        }
        Node::String(text) => {
            hasher.update(b"s");
            push_text(hasher, text);
        }
        Node::Array(items) => {
            hasher.update(b"a");
            push_length(hasher, items.len());
            for item in items {
                push(hasher, item);
            }
        }
        Node::Object(object) => push_object(hasher, object),
    }
}

fn push_object(hasher: &mut Xxh3, object: &Object<'_>) {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    hasher.update(b"o");
    push_length(hasher, entries.len());
    for (key, value) in entries {
        push_text(hasher, key);
        push(hasher, value);
    }
}

/// A number as all that are equal to it are written: a whole one without a fraction, also if it came with one.
fn canonical_number(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() == 0.0 && float.abs() < LARGEST_EXACT => {
            // Adding zero takes the sign off a zero.
            format!("{:.0}", float + 0.0)
        }
        _ => number.to_string(),
    }
}

/// Up to here 64 bits hold every whole number exactly.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

fn push_text(hasher: &mut Xxh3, text: &str) {
    push_length(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn push_length(hasher: &mut Xxh3, length: usize) {
    hasher.update(&(length as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;
    use crate::arguments::any_json;

    fn of(text: &str) -> u128 {
        let object: Object<'_> = serde_json::from_str(text).unwrap();
        digest("/v1/embeddings", &object)
    }

    #[test]
    fn how_json_is_written_makes_no_difference() {
        let same = [
            r#"{"a": {"x": 1, "y": [true, null]}, "b": "\u00e9\n"}"#,
            r#"{"b":"é\u000a","a":{"y":[true,null],"x":1.0}}"#,
            r#"{"b": "é\n", "a": {"y": [true, null], "x": 1e0}, "b": "é\n"}"#,
        ];
        assert!(same.iter().all(|text| of(text) == of(same[0])));
        assert_eq!(of(r#"{"a": -0.0}"#), of(r#"{"a": 0}"#));
    }

    #[test]
    fn what_json_says_does() {
        let all = [
            "{}",
            r#"{"a": 1}"#,
            r#"{"a": "1"}"#,
            r#"{"a": 1.5}"#,
            r#"{"a": -1}"#,
            r#"{"a": [1]}"#,
            r#"{"a": [[1]]}"#,
            r#"{"a": [1, 2]}"#,
            r#"{"a": [2, 1]}"#,
            r#"{"a": {"1": null}}"#,
            r#"{"a": null}"#,
            r#"{"a": false}"#,
            r#"{"a": true}"#,
            r#"{"ab": ""}"#,
            r#"{"a": "b"}"#,
            r#"{"a": 12345678901234567890}"#,
            r#"{"a": 12345678901234567891}"#,
        ];
        let digests: std::collections::HashSet<_> = all.iter().map(|text| of(text)).collect();
        assert_eq!(digests.len(), all.len());
        let object: Object<'_> = serde_json::from_str("{}").unwrap();
        assert_ne!(digest("/v1/responses", &object), digest("/v1/embeddings", &object));
    }

    proptest! {
        #[test]
        fn equal_bodies_have_equal_digests_and_others_others(one in any_json("[ab]{0,2}"), other in any_json("[ab]{0,2}")) {
            let of = |value: &Value| digest("", &Object::from(&Map::from_iter([("a".to_owned(), value.clone())])));
            let again: Value = serde_json::from_str(&serde_json::to_string_pretty(&one).unwrap()).unwrap();
            prop_assert_eq!(of(&one) == of(&other), one == other);
            if one == again {
                prop_assert_eq!(of(&one), of(&again));
            }
        }
    }
}
