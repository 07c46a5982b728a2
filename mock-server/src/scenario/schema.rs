//! The JSON Schema of the files of scenarios, put together from those of their parts.

use serde_json::Value;

use super::Scenarios;
use crate::answers::LineRules;
use crate::fault::FaultPlan;

/// Where a schema has what its other places refer to.
const DEFINITIONS: &str = "#/$defs/";

impl Scenarios {
    /// The JSON Schema of the files of scenarios, for editors.
    pub fn schema() -> Value {
        let mut schema = parse(include_str!("schema.json"));
        embed(&mut schema, "line", LineRules::SCHEMA);
        embed(&mut schema, "fault", FaultPlan::SCHEMA);
        schema
    }
}

/// Puts the schema of a part in its place. What it defines gets the name of the part, so that two parts never mean
/// different things by one name.
fn embed(schema: &mut Value, part: &str, of_part: &str) {
    let mut of_part = parse(of_part);
    rename_references(&mut of_part, part);
    schema["$defs"]["parts"]["properties"][part] = of_part["properties"][part].take();
    let (Value::Object(all), Value::Object(more)) = (&mut schema["$defs"], of_part["$defs"].take()) else {
        return;
    };
    all.extend(more.into_iter().map(|(name, definition)| (format!("{part}_{name}"), definition)));
}

fn rename_references(value: &mut Value, part: &str) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(reference)) = entries.get_mut("$ref") {
                *reference = reference.replacen(DEFINITIONS, &format!("{DEFINITIONS}{part}_"), 1);
            }
            entries.values_mut().for_each(|value| rename_references(value, part));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, part)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn parse(schema: &str) -> Value {
    serde_json::from_str(schema).expect("a test validates scenarios against it")
}
