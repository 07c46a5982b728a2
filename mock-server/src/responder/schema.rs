//! Looking into JSON schemas, and putting two into one.

use serde_json::{Map, Value};

/// The types a schema allows, the likeliest first; in the deep, the shortest first.
pub(super) fn types(schema: &Map<String, Value>, deep: bool) -> Vec<&str> {
    let mut types: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(kinds @ Value::Array(_)) => strings(Some(kinds)).collect(),
        _ if ["properties", "required", "additionalProperties"]
            .iter()
            .any(|key| schema.contains_key(*key)) =>
        {
            vec!["object"]
        }
        _ if ["items", "prefixItems", "minItems"].iter().any(|key| schema.contains_key(*key)) => {
            vec!["array"]
        }
        _ if ["minimum", "maximum", "multipleOf"].iter().any(|key| schema.contains_key(*key)) => {
            vec!["number"]
        }
        _ => vec!["string"],
    };
    types.sort_by_key(|kind| (*kind == "null") != deep);
    types
}

/// Whether an enumerated value has the type its schema asks for.
pub(super) fn has_type(schema: &Map<String, Value>, value: &Value) -> bool {
    let is = |kind: &str| match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => {
            kind == "number"
                || kind == "integer" && number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => is(kind),
        Some(kinds @ Value::Array(_)) => strings(Some(kinds)).any(is),
        _ => true,
    }
}

/// How likely a branch is to go on without end.
pub(super) fn weight(branch: &Value) -> u8 {
    match branch.get("type").and_then(Value::as_str) {
        Some("null") => 0,
        Some("string" | "integer" | "number" | "boolean") => 1,
        Some("array") => 2,
        _ if branch.get("const").or(branch.get("enum")).is_some() => 1,
        _ => 3,
    }
}

/// A branch of a schema together with what stands beside the branches.
pub(super) fn beside(schema: &Map<String, Value>, keyword: &str, branch: &Value) -> Value {
    let rest = without(schema, keyword);
    if rest.is_empty() { branch.clone() } else { merge(Value::Object(rest), branch) }
}

/// The keywords of a schema that say something, without this one.
pub(super) fn without(schema: &Map<String, Value>, keyword: &str) -> Map<String, Value> {
    let silent = ["$defs", "definitions", "description", "title", "default", "$schema", "discriminator"];
    let keep = |name: &String| name != keyword && !silent.contains(&name.as_str());
    schema.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Both schemas in one: properties and required names are joined, else the part has the last word.
pub(super) fn merge(whole: Value, part: &Value) -> Value {
    let (Value::Object(mut whole), Value::Object(part)) = (whole, part) else { return part.clone() };
    for (name, value) in part {
        match (whole.get_mut(name), value) {
            (Some(Value::Object(all)), Value::Object(more)) if name == "properties" => {
                all.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            (Some(Value::Array(all)), Value::Array(more)) if name == "required" => {
                all.extend(more.iter().cloned());
            }
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(whole)
}

/// The texts of a list.
pub(super) fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// A length; more than a thousand would be no canary any more.
pub(super) fn bound(schema: &Map<String, Value>, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).map(|bound| usize::try_from(bound.min(1000)).unwrap_or(1000))
}
