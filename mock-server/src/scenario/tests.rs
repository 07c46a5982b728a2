//! What is said of files of scenarios that are wrong, and that the schema says the same.

use serde_json::Value;

use super::{Scenario, Scenarios};

fn refusal(text: &str) -> String {
    Scenario::from_toml("mine", text).map(|scenario| panic!("{scenario} was read")).unwrap_err().to_string()
}

/// Files with one mistake each, which a schema can tell as well.
const WRONG: [&str; 19] = [
    "",
    "summary = ''",
    "summary = 'x'\nstepping = 'yes'",
    "summary = 'x'\nspeed = 1",
    "summary = 'x'\n[pace]\nvalidating = '1m'",
    "summary = 'x'\npace = { base = 'fast' }",
    "summary = 'x'\n[pace]\nprogress = 0",
    "summary = 'x'\n[pace]\nprogress = [{ after = '1h' }]",
    "summary = 'x'\n[pace]\nprogress = [{ after = '1h', ended = 'ten' }]",
    "summary = 'x'\n[[line]]\ncustom_id = 'a'\noutcomes = '429'",
    "summary = 'x'\n[[problem]]\ncode = 'c'",
    "summary = 'x'\n[[problem]]\ncode = 'c'\nmessage = 'm'\nline = 0",
    "summary = 'x'\n[[result]]\nnth = 1",
    "summary = 'x'\n[shown_status]\nrunning = 'r'",
    "summary = 'x'\npage_size = 0",
    "summary = 'x'\n[example]\nn = 3",
    "summary = 'x'\n[variant.A]\nsummary = 'y'",
    "summary = 'x'\n[variant.y]\nsummary = 'y'\n[variant.y.pace]\nbase = 'slow'",
    "summary = 'x'\n[[line]]\ncustom_id = 'a'\noutcome = '42'",
];

/// Others, which it cannot.
const WRONG_IN_THE_WORDS: [&str; 6] = [
    "summary = 'x'\n[pace]\nvalidating_for = '0s'",
    "summary = 'x'\n[pace]\nvalidating_for = 'soon'",
    "summary = 'x'\n[pace]\ncancelled_after = '20y'",
    "summary = 'x'\n[pace]\nprogress = [{ after = '1h', ended = '101%' }]",
    "summary = 'x'\n[switches]\nno-key = 'by-route'",
    "summary = 'x'\n[switches]\nresult-text = 'rwa'",
];

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
    insta::assert_snapshot!(
        [WRONG.as_slice(), &WRONG_IN_THE_WORDS]
            .concat()
            .into_iter()
            .map(refusal)
            .collect::<Vec<_>>()
            .join("\n\n")
    );
    let name = Scenario::from_toml("My scenario", "summary = 'x'").unwrap_err().to_string();
    insta::assert_snapshot!(name, @"a scenario cannot be called `My scenario`: names have small letters, digits and dashes, 60 at most");
}

#[test]
fn the_schema_allows_what_is_read_and_nothing_else() {
    let schema = jsonschema::validator_for(&Scenarios::schema()).unwrap();
    let document = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    let allows = |value: &Value| schema.iter_errors(value).map(|error| error.to_string()).collect::<Vec<_>>();
    for scenario in Scenarios::default().iter() {
        let problems = allows(&document(scenario.source()));
        assert!(problems.is_empty(), "{}: {problems:#?}", scenario.name());
    }
    for text in WRONG {
        assert!(!allows(&document(text)).is_empty(), "the schema allows {text}");
    }
    for text in WRONG_IN_THE_WORDS {
        assert!(allows(&document(text)).is_empty(), "the schema can tell {text}");
    }
}

#[test]
fn a_variant_changes_single_keys_of_pace_and_switches_and_other_parts_whole() {
    let mut scenarios = Scenarios::default();
    let text = "summary = 'x'\nstepping = true\n\
                [pace]\nvalidating_for = '1m'\nfinalizing_for = '2m'\n\
                [switches]\nresult-text = 'raw'\n\
                [[line]]\ncustom_id = 'a'\noutcome = '429'\n\
                [variant.y]\nsummary = 'y'\npace = { finalizing_for = '3m' }\nline = []\n\
                switches = { absent-file-id = 'empty' }";
    scenarios.add_toml("mine", text).unwrap();
    let variant = scenarios.get("mine:y").unwrap();
    let pace = variant.pace(&crate::sim::Pace::QUICK);
    assert_eq!(pace.validating_for, crate::sim::PaceDuration::seconds(60));
    assert_eq!(pace.finalizing_for, crate::sim::PaceDuration::seconds(180));
    assert_eq!(pace.cancelling_for, crate::sim::Pace::QUICK.cancelling_for);
    assert!(variant.rules().unwrap().is_empty() && variant.is_stepping());
    let told = variant.particulars().join("\n");
    assert!(told.contains("result-text=raw") && told.contains("absent-file-id=empty"), "{told}");
}
