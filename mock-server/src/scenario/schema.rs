//! The JSON Schema of the files of scenarios, put together from those of their parts.

use serde_json::Value;

use super::Scenarios;
use crate::answers::LineRules;

impl Scenarios {
    /// The JSON Schema of the files of scenarios, for editors.
    pub fn schema() -> Value {
        let mut schema = parse(include_str!("schema.json"));
        let mut rules = parse(LineRules::SCHEMA);
        let lines = rules["properties"]["line"].take();
        schema["$defs"]["parts"]["properties"]["line"] = lines;
        if let (Some(all), Value::Object(more)) = (schema["$defs"].as_object_mut(), rules["$defs"].take()) {
            all.extend(more);
        }
        schema
    }
}

fn parse(schema: &str) -> Value {
    serde_json::from_str(schema).expect("a test validates scenarios against it")
}
