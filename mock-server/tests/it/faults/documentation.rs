//! `docs/faults.md`: its examples are right, and it has every word.

use std::path::Path;

use batchmock::{FaultPlan, FaultRule, Operation};
use serde_json::Value;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/faults.md");
    std::fs::read_to_string(path).unwrap()
}

fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let begin = format!("```{language}\n");
    document.split(&begin).skip(1).map(|rest| rest.split("```").next().expect("every block ends")).collect()
}

#[test]
fn every_example_is_a_plan() {
    let schema: Value = serde_json::from_str(FaultPlan::SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document = document();
    let examples = blocks(&document, "toml");
    assert!(examples.len() > 1);
    for example in examples {
        if let Err(error) = FaultPlan::from_toml(example) {
            panic!("{example}\n{error}");
        }
        let value: Value = toml::from_str(example).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{example}\n{error}");
        }
    }
    let commands: Vec<_> =
        document.split("--fault '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert!(!commands.is_empty());
    for command in commands {
        if let Err(error) = command.parse::<FaultRule>() {
            panic!("{command}\n{error}");
        }
    }
}

#[test]
fn every_key_and_every_word_is_told() {
    let document = document();
    let schema: Value = serde_json::from_str(FaultPlan::SCHEMA).unwrap();
    let rule = schema["$defs"]["rule"]["properties"].as_object().unwrap();
    for key in rule.keys() {
        let is_told = [format!("`{key}`"), format!("`{key} = ")].iter().any(|told| document.contains(told));
        assert!(is_told, "{key}");
    }
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    for word in words(&rule["error"]["anyOf"][0]["enum"]) {
        assert!(document.contains(&format!("`error = \"{word}\"`")), "{word}");
    }
    for (key, words) in [
        ("connection", words(&rule["connection"]["enum"])),
        ("unseen_input", words(&rule["unseen_input"]["enum"])),
    ] {
        for word in words {
            assert!(document.contains(&format!("`{key} = \"{word}\"`")), "{word}");
        }
    }
    for operation in Operation::ALL {
        assert!(document.contains(&format!("`{}`", operation.name())), "{}", operation.name());
    }
}
