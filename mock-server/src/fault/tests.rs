//! Reading rules, and whose turn it is.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::operation::Operation;
use crate::sim::{Seed, Status, Timestamp};

const START: Timestamp = Timestamp::from_unix_seconds(1_000);

fn plan(text: &str) -> FaultPlan {
    FaultPlan::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

fn rule(table: &str) -> FaultPlan {
    FaultPlan::new(vec![table.parse().unwrap_or_else(|error| panic!("{error}"))])
}

fn refusal(table: &str) -> String {
    let error = format!("{{ {table} }}").parse::<FaultRule>().unwrap_err().to_string();
    error.lines().next().unwrap_or_default().to_owned()
}

/// Which of twelve requests a rule happens to.
fn turns(table: &str) -> Vec<u32> {
    let mut faults = Faults::default();
    faults.add(&rule(table), &FaultScope::World, START);
    let asked = Asked { operation: Operation::ListFiles, now: START, batches: &[] };
    (1..=12).filter(|_| faults.decide(&asked, Seed::new(1)).is_some()).collect()
}

fn batch(id: &str, status: Status) -> Concerned {
    Concerned { id: id.to_owned(), status, created_at: START }
}

#[test]
fn what_is_wrong_with_a_rule_is_told_with_what_would_be_right() {
    let wrong = [
        "nth = 1",
        "operation = 'list_file', error = 'overloaded'",
        "operation = [], error = 'overloaded'",
        "eror = 'overloaded'",
        "error = 'overload'",
        "error = { message = 'no' }",
        "error = 'overloaded', body = 'x'",
        "error = 'overloaded', status = 503",
        "status = 503, error = { mesage = 'no' }",
        "status = 200",
        "status = 600",
        "status = 500, body = 3",
        "status = 500, body = 'x', error = { code = 'y' }",
        "error = 'overloaded', connection = 'hang'",
        "error = 'overloaded', retry_after = 1, retry_after_ms = 1",
        "error = 'overloaded', retry_after = '2s'",
        "error = 'overloaded', retry_after_date = 'soon'",
        "error = 'overloaded', retry_after_text = \"a\\nb\"",
        "error = 'overloaded', headers = { 'a b' = 'c' }",
        "error = 'overloaded', headers = { content-length = '3' }",
        "error = 'overloaded', should_retry = 'yes'",
        "retry_after = 1",
        "body = 'x', delay = '1s'",
        "connection = 'reset'",
        "connection = 'hang', delay = '1s'",
        "connection = 'hang', cut_after = 1",
        "connection = 'cut_body', hang_for = '1s'",
        "connection = 'cut_body', cut_after = '100%'",
        "connection = 'cut_body', carried_out = false",
        "connection = 'lost_acknowledgement', carried_out = false",
        "connection = 'reset_before_headers', dribble = { bytes = 1, every = '1s' }",
        "cut_after = 1",
        "stale_by = '10'",
        "stale_by = '10m', operation = 'list_batches'",
        "vanished = false",
        "vanished = true, operation = '*_batch'",
        "unseen_input = 'refuse'",
        "unseen_input = 'fails_batch', operation = 'upload_file'",
        "dribble = { bytes = 1 }",
        "dribble = { bytes = 0, every = '1s' }",
        "error = 'overloaded', nth = 1, first = 2",
        "error = 'overloaded', nth = 0",
        "error = 'overloaded', probability = 1.5",
        "error = 'overloaded', since = 'creation'",
        "error = 'overloaded', from = '2s', until = '1s'",
        "error = 'overloaded', batch_status = 'in progress'",
        "error = 'overloaded', name = ''",
    ];
    let told: Vec<_> = wrong.iter().map(|table| format!("{table}\n  {}", refusal(table))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_error_has_its_place_in_the_file() {
    let error = FaultPlan::from_toml("[[fault]]\nnth = 1\nerror = 'overloadd'\n").unwrap_err();
    insta::assert_snapshot!(error.to_string());
    assert!("retrieve_batch:503".parse::<FaultRule>().unwrap_err().to_string().contains("in braces"));
}

#[test]
fn rules_are_written_as_they_were_read() {
    let text = "[[fault]]\noperation = \"create_batch\"\nnth = 1\nconnection = \"lost_acknowledgement\"\n";
    let read = plan(text);
    assert_eq!(read.to_toml(), text);
    assert_eq!(
        read.iter().next().unwrap().to_string().parse::<FaultRule>().unwrap(),
        *read.iter().next().unwrap()
    );
}

#[test]
fn json_is_read_as_toml_is() {
    let read = |value| FaultPlan::from_json(&value).map_err(|error| error.to_string());
    let expected = rule("{ nth = 1, error = 'overloaded', headers = { a = 'b' } }");
    let one = json!({"nth": 1, "error": "overloaded", "headers": {"a": "b"}});
    assert_eq!(read(one.clone()), Ok(expected.clone()));
    assert_eq!(read(json!([one])), Ok(expected.clone()));
    let written = expected.iter().next().unwrap().to_json();
    assert_eq!(FaultPlan::from_json(&written), Ok(expected));
    let told = [
        read(json!([{"nth": 1, "error": "overloaded"}, {"nth": "1", "error": "overloaded"}])),
        read(json!([7])),
        read(json!({"error": null})),
        read(json!({"status": 500, "body": {"a": [1, null]}})),
    ];
    insta::assert_snapshot!(told.map(|told| told.unwrap_err()).join("\n"));
}

#[test]
fn turns_are_those_of_the_requests_that_are_right() {
    assert_eq!(turns("{ nth = 3, error = 'overloaded' }"), [3]);
    assert_eq!(turns("{ first = 2, error = 'overloaded' }"), [1, 2]);
    assert_eq!(turns("{ every = 5, error = 'overloaded' }"), [5, 10]);
    assert_eq!(turns("{ after = 10, error = 'overloaded' }"), [11, 12]);
    assert_eq!(turns("{ after = 1, first = 1, error = 'overloaded' }"), [2]);
    assert_eq!(turns("{ every = 2, times = 2, error = 'overloaded' }"), [2, 4]);
    assert_eq!(turns("{ operation = 'create_*', error = 'overloaded' }"), [0; 0]);
}

#[test]
fn dice_follow_from_the_seed_and_each_rule_has_its_own() {
    let thrown = |seed, text: &str| {
        let mut faults = Faults::default();
        faults.add(&plan(text), &FaultScope::World, START);
        let asked = Asked { operation: Operation::ListFiles, now: START, batches: &[] };
        let decide =
            |faults: &mut Faults| faults.decide(&asked, Seed::new(seed)).map(|fired| fired.applied.rule);
        (0..400).map(|_| decide(&mut faults)).collect::<Vec<_>>()
    };
    let rare = "[[fault]]\nprobability = 0.25\nerror = 'overloaded'\n";
    let alone = thrown(1, rare);
    let n_fired = alone.iter().flatten().count();
    assert!((70..130).contains(&n_fired), "{n_fired} of 400");
    assert_eq!(alone, thrown(1, rare), "the same seed, the same throws");
    assert_ne!(alone, thrown(2, rare));
    let two = thrown(1, &format!("{rare}{rare}"));
    let of_the_first = |rule: &Option<u64>| *rule == Some(1);
    assert_eq!(
        two.iter().map(of_the_first).collect::<Vec<_>>(),
        alone.iter().map(of_the_first).collect::<Vec<_>>(),
        "a second rule shifts nothing of the first",
    );
    assert!(two.contains(&Some(2)), "and has dice of its own");
}

#[test]
fn a_rule_counts_what_an_earlier_one_decides() {
    let mut faults = Faults::default();
    let text = "[[fault]]\nfirst = 1\nerror = 'overloaded'\n[[fault]]\nnth = 2\nerror = 'server_error'\n";
    faults.add(&plan(text), &FaultScope::World, START);
    let asked = Asked { operation: Operation::ListFiles, now: START, batches: &[] };
    let decided: Vec<_> =
        (0..3).map(|_| faults.decide(&asked, Seed::new(1)).map(|fired| fired.applied.kind)).collect();
    assert_eq!(decided, [Some("overloaded"), Some("server_error"), None]);
    let counts: Vec<_> = faults.all().iter().map(|rule| (rule.n_matched, rule.n_fired)).collect();
    assert_eq!(counts, [(3, 1), (3, 1)]);
}

#[test]
fn rules_of_a_batch_come_first_and_count_its_requests_only() {
    let mut faults = Faults::default();
    faults.add(&rule("{ nth = 2, error = 'overloaded' }"), &FaultScope::World, START);
    faults.add(&rule("{ first = 2, error = 'bad_gateway' }"), &FaultScope::Batch("batch_1".into()), START);
    let mut ask = |id: &str| {
        let batches = [batch(id, Status::InProgress)];
        let asked = Asked { operation: Operation::RetrieveBatch, now: START, batches: &batches };
        faults.decide(&asked, Seed::new(1)).map(|fired| (fired.applied.kind, fired.applied.batch_id))
    };
    assert_eq!(ask("batch_2"), None);
    assert_eq!(ask("batch_1"), Some(("bad_gateway", Some("batch_1".into()))));
    assert_eq!(ask("batch_1"), Some(("bad_gateway", Some("batch_1".into()))));
    assert_eq!(ask("batch_1"), None, "its count is over, and the second request of the world was another's");
    assert_eq!((faults.len(), faults.all()[0].n_matched), (2, 4));
}

#[test]
fn spans_count_from_the_beginning_or_from_the_creation_of_the_batch() {
    let fires = |table: &str, now: Timestamp, batches: &[Concerned]| {
        let mut faults = Faults::default();
        faults.add(&rule(table), &FaultScope::World, START);
        faults.decide(&Asked { operation: Operation::RetrieveBatch, now, batches }, Seed::new(1)).is_some()
    };
    let at = |seconds| START + Duration::from_secs(seconds);
    let table = "{ from = '10s', until = '20s', error = 'overloaded' }";
    let in_time: Vec<_> = [9, 10, 19, 20].map(|seconds| fires(table, at(seconds), &[])).to_vec();
    assert_eq!(in_time, [false, true, true, false]);
    let table = "{ since = 'creation', until = '15s', error = 'overloaded' }";
    let mut late = batch("batch_1", Status::Validating);
    late.created_at = at(100);
    assert!(fires(table, at(114), std::slice::from_ref(&late)) && !fires(table, at(115), &[late]));
    assert!(!fires(table, at(0), &[]), "no batch, no creation");
    let table = "{ batch_status = ['finalizing', 'completed'], error = 'overloaded' }";
    assert!(fires(table, at(0), &[batch("batch_1", Status::Completed)]));
    assert!(!fires(table, at(0), &[batch("batch_1", Status::InProgress)]) && !fires(table, at(0), &[]));
}

static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> = std::sync::LazyLock::new(|| {
    jsonschema::validator_for(&serde_json::from_str(FaultPlan::SCHEMA).unwrap()).unwrap()
});

#[test]
fn the_schema_has_the_keys_of_the_reader() {
    let schema: Value = serde_json::from_str(FaultPlan::SCHEMA).unwrap();
    let keys: Vec<_> = schema["$defs"]["rule"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, reading::keys());
    let operations = schema["$defs"]["operations"]["anyOf"][0]["examples"].as_array().unwrap();
    assert_eq!(
        operations.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(),
        Operation::ALL.map(Operation::name)
    );
    let presets = schema["$defs"]["rule"]["properties"]["error"]["anyOf"][0]["enum"].as_array().unwrap();
    assert_eq!(
        presets.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(),
        preset::ErrorPreset::ALL.map(preset::ErrorPreset::name)
    );
}

/// What refers to others of the document, refers to them by their names in another one.
fn as_components(value: &Value) -> Value {
    let name = |reference: &Value| {
        let word = reference.as_str().and_then(|reference| reference.strip_prefix("#/$defs/")).unwrap();
        format!("#/components/schemas/Fault{}{}", word[..1].to_uppercase(), &word[1..])
    };
    match value {
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| match key.as_str() {
                "$ref" => (key.clone(), Value::String(name(value))),
                _ => (key.clone(), as_components(value)),
            });
            Value::Object(entries.collect())
        }
        Value::Array(items) => items.iter().map(as_components).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn the_document_of_the_control_api_has_the_same_schema() {
    let schema: Value = serde_json::from_str(FaultPlan::SCHEMA).unwrap();
    let document: Value = serde_json::from_str(include_str!("../control/openapi.json")).unwrap();
    let components = &document["components"]["schemas"];
    for (name, part) in schema["$defs"].as_object().unwrap() {
        let there = &components[format!("Fault{}{}", name[..1].to_uppercase(), &name[1..])];
        assert_eq!(*there, as_components(part), "{name}");
    }
    for plan in ["FaultPlan", "FaultAddition"] {
        let there = &components[plan]["properties"]["fault"];
        assert_eq!(*there, as_components(&schema["properties"]["fault"]), "{plan}");
    }
}

/// Any value for each key: most are right by themselves.
fn any_entries() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let values = [
        ("name", "'a'"),
        ("operation", "['create_batch', '*_file']"),
        ("operation", "'retrieve_batch'"),
        ("nth", "1"),
        ("every", "2"),
        ("first", "3"),
        ("after", "4"),
        ("times", "0"),
        ("batch_status", "'completed'"),
        ("from", "'1s'"),
        ("until", "'2s'"),
        ("since", "'start'"),
        ("probability", "0.5"),
        ("error", "'overloaded'"),
        ("error", "{ message = 'm' }"),
        ("status", "418"),
        ("connection", "'hang'"),
        ("connection", "'cut_body'"),
        ("stale_by", "'1m'"),
        ("vanished", "true"),
        ("unseen_input", "'fails_batch'"),
        ("body", "'x'"),
        ("headers", "{ a = 'b' }"),
        ("retry_after", "1"),
        ("retry_after_ms", "1"),
        ("retry_after_date", "'1s'"),
        ("retry_after_text", "'soon'"),
        ("should_retry", "false"),
        ("cut_after", "'5%'"),
        ("cut_after", "7"),
        ("hang_for", "'1s'"),
        ("carried_out", "true"),
        ("delay", "'1s'"),
        ("first_byte_after", "'1s'"),
        ("dribble", "{ bytes = 1, every = '1s' }"),
    ];
    prop::sample::subsequence(values.to_vec(), 1..6)
}

proptest! {
    #[test]
    fn the_schema_takes_what_the_reader_takes(entries in any_entries()) {
        let text: Vec<_> = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let text = format!("[[fault]]\n{}", text.concat());
        if let Ok(plan) = FaultPlan::from_toml(&text) {
            let document: toml::Table = text.parse().unwrap();
            let document = serde_json::to_value(document).unwrap();
            prop_assert!(VALIDATOR.is_valid(&document), "{text}");
            prop_assert_eq!(FaultPlan::from_toml(&plan.to_toml()), Ok(plan));
        }
    }

    #[test]
    fn any_text_is_a_plan_or_is_refused(text: String) {
        let _ = FaultPlan::from_toml(&text);
        let _ = format!("{{{text}}}").parse::<FaultRule>();
    }
}
