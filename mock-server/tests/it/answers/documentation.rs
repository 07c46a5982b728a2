//! `docs/answers.md`: its examples are right, and it has every key.

use std::path::Path;

use batchmock::{LineRule, LineRules};
use serde_json::Value;

/// A file of the repository.
fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of a language in a document.
fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let begin = format!("```{language}\n");
    document.split(&begin).skip(1).map(|rest| rest.split("```").next().expect("every block ends")).collect()
}

#[test]
fn every_example_is_a_file_of_rules() {
    let schema: Value = serde_json::from_str(LineRules::SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let documents = ["docs/answers.md", "README.md"].map(read);
    let examples: Vec<&str> = documents.iter().flat_map(|document| blocks(document, "toml")).collect();
    assert!(examples.len() > 5);
    for example in examples {
        if let Err(error) = LineRules::from_toml(example) {
            panic!("{example}\n{error}");
        }
        let value: Value = toml::from_str(example).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{example}\n{error}");
        }
    }
}

#[test]
fn every_rule_in_a_command_is_one() {
    let documents = ["docs/answers.md", "README.md"].map(read);
    let mut n_rules = 0;
    for document in &documents {
        for rest in document.split("--line '").skip(1) {
            let rule = rest.split('\'').next().unwrap();
            if let Err(error) = rule.parse::<LineRule>() {
                panic!("{rule}\n{error}");
            }
            n_rules += 1;
        }
    }
    assert!(n_rules > 3);
}

#[test]
fn every_key_is_told() {
    let document = read("docs/answers.md");
    let schema: Value = serde_json::from_str(LineRules::SCHEMA).unwrap();
    for table in ["rule", "call"] {
        for key in schema["$defs"][table]["properties"].as_object().unwrap().keys() {
            assert!(document.contains(&format!("`{key}`")), "{key}");
        }
    }
}
