//! Which rule decides, what rules say, and how they are refused.

use batchmock_client::types::ErrorBody;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::answers::LineOutcome;
use crate::endpoint::Endpoint;

fn rules(text: &str) -> LineRules {
    LineRules::from_toml(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The rules that decide about lines with these names and prompts, one after the other; a dash if none does.
fn decisions(rules: &LineRules, lines: &[(&str, &str)]) -> String {
    let mut turns = Turns::default();
    let decide = |(custom_id, prompt): &(&str, &str)| {
        let facts = Facts {
            custom_id: Some(custom_id),
            endpoint: Endpoint::ChatCompletions,
            model: Some("gpt-4o-mini"),
        };
        let prompt = rules.need_prompt(&facts).then_some(*prompt);
        match turns.decide(rules, &rules.matching(&facts, prompt)) {
            Some(Decided { rule, n }) => format!("{rule}/{n}"),
            None => "-".to_owned(),
        }
    };
    lines.iter().map(decide).collect::<Vec<_>>().join(" ")
}

fn named<'n>(names: &[&'n str]) -> Vec<(&'n str, &'n str)> {
    names.iter().map(|name| (*name, "")).collect()
}

#[test]
fn the_first_matching_rule_decides() {
    let short = ["custom_id=order-1*:429", "custom_id=order-*:500", "model=gpt-4*:timeout"];
    let rules = LineRules::new(short.map(|text| text.parse().unwrap()).to_vec());
    assert_eq!(decisions(&rules, &named(&["order-17", "order-2", "other"])), "0/1 1/1 2/1");
    let call = |model| Facts { custom_id: None, endpoint: Endpoint::Responses, model };
    assert_eq!(rules.matching(&call(Some("gpt-4o")), None), [2], "a call has no name");
    assert_eq!(rules.matching(&call(None), None), [0; 0]);
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let rules = rules(
        r#"
        [[line]]
        custom_id = "a*"
        prompt = "(?i)hello"
        text = "one"
        [[line]]
        custom_id = "a*"
        endpoint = "/v1/chat/*"
        model = "gpt-4o*"
        text = "two"
        [[line]]
        endpoint = "/v1/embeddings"
        outcome = "429"
        "#,
    );
    let lines = [("a", "oh, HELLO"), ("a", "bye"), ("b", "hello")];
    assert_eq!(decisions(&rules, &lines), "0/1 1/1 -");
    let facts = |custom_id| Facts { custom_id: Some(custom_id), endpoint: Endpoint::Embeddings, model: None };
    assert!(rules.need_prompt(&facts("a")) && !rules.need_prompt(&facts("b")));
    assert_eq!(rules.matching(&facts("a"), None), [2], "what is refused has no prompt");
}

#[test]
fn each_rule_counts_all_that_is_right_for_it() {
    let every_second =
        rules("[[line]]\nmodel = '*'\nevery = 2\ntext = 'x'\n[[line]]\nmodel = '*'\nnth = 3\ntext = 'x'");
    assert_eq!(decisions(&every_second, &named(&["a"; 6])), "- 0/2 1/3 0/4 - 0/6");

    let counted_behind =
        rules("[[line]]\ncustom_id = 'a'\ntext = 'x'\n[[line]]\nmodel = '*'\nfirst = 2\ntext = '{n}'");
    assert_eq!(decisions(&counted_behind, &named(&["a", "b", "b"])), "0/1 1/2 -");
}

#[test]
fn nothing_is_read_for_a_rule_that_cannot_decide() {
    let rules = rules("[[line]]\ncustom_id = 'a'\ntext = 'x'\n[[line]]\nprompt = '.'\ntext = 'y'");
    let facts = |custom_id| Facts { custom_id: Some(custom_id), endpoint: Endpoint::Responses, model: None };
    assert!(!rules.need_prompt(&facts("a")));
    assert!(rules.need_prompt(&facts("b")));
}

/// What a rule gives to the second of the requests that it matches.
fn given(rule: &str) -> Value {
    let rules = rules(&format!("[[line]]\ncustom_id = 'a'\nprompt = 'sum of (?<of>[0-9 ]+)'\n{rule}"));
    let rule = rules.get(0);
    let prompt = "the sum of 1 2";
    let filling = Filling {
        custom_id: "a\"1",
        prompt,
        model: "gpt-4o",
        canary: "teal-swift-00000001",
        n: 2,
        captures: rule.captures(prompt),
    };
    let fails = rule.effect().fails();
    match rule.effect() {
        Effect::Outcome(outcome) => json!({"fails": fails, "outcome": outcome.name()}),
        Effect::Written(Written::Error(effect)) => {
            let usual = ErrorBody::invalid_request("usual").with_code("usual");
            let error = effect.error(usual, &filling);
            json!({"fails": fails, "status": effect.status, "error": error})
        }
        Effect::Written(Written::Body(effect)) => {
            json!({"fails": fails, "status": effect.status, "body": effect.body(&filling)})
        }
        Effect::Written(Written::Script(effect)) => {
            json!({"fails": fails, "script": format!("{:?}", effect.script(&filling))})
        }
    }
}

#[test]
fn a_rule_gives_what_it_says() {
    assert_eq!(given("outcome = 'quota'"), json!({"fails": true, "outcome": "quota"}));
    assert_eq!(given("outcome = 'length'"), json!({"fails": false, "outcome": "length"}));
    assert_eq!(given("status = 429"), given("outcome = '429'"));
    assert_eq!(given("status = 503"), given("outcome = '503'"));
    assert_eq!(
        given("status = 404\nerror = { message = 'no {of}', code = 'gone' }"),
        json!({"fails": true, "status": 404, "error": {
            "message": "no 1 2", "type": "invalid_request_error", "param": null, "code": "gone",
        }})
    );
    assert_eq!(
        given("body = '{\"text\": \"{custom_id}: {n}\", \"none\": null}'"),
        json!({"fails": false, "status": 200, "body": {"text": "a\"1: 2", "none": null}})
    );
    assert_eq!(
        given("status = 422\n[line.body]\nz = 1\na = [{ b = '{canary}' }]"),
        json!({"fails": true, "status": 422, "body": {"z": 1, "a": [{"b": "teal-swift-00000001"}]}})
    );
    assert_eq!(given("body = { z = 1, a = 2 }")["body"].to_string(), r#"{"z":1,"a":2}"#, "in its order");
}

#[test]
fn a_rule_writes_what_the_model_says() {
    insta::assert_snapshot!(given("text = '{of} is {model}'")["script"].as_str().unwrap(), @r#"Script { text: Some("1 2 is gpt-4o"), refusal: None, calls: [], finish_reason: None, video: None }"#);
    insta::assert_snapshot!(given("finish_reason = 'content_filter'")["script"].as_str().unwrap(), @r#"Script { text: None, refusal: None, calls: [], finish_reason: Some(ContentFilter), video: None }"#);
    insta::assert_snapshot!(given("refusal = true")["script"].as_str().unwrap(), @r#"Script { text: None, refusal: Some("I'm very sorry, but I can't assist with that request."), calls: [], finish_reason: None, video: None }"#);
    insta::assert_snapshot!(given("refusal = 'No {n}.'\nfinish_reason = 'stop'")["script"].as_str().unwrap(), @r#"Script { text: None, refusal: Some("No 2."), calls: [], finish_reason: Some(Stop), video: None }"#);
    insta::assert_snapshot!(given("tool_call = { name = 'f', arguments = { id = '{custom_id}', n = 1 } }")["script"].as_str().unwrap(), @r#"Script { text: None, refusal: None, calls: [ScriptedCall { name: "f", arguments: "{\"id\":\"a\\\"1\",\"n\":1}" }], finish_reason: None, video: None }"#);
    insta::assert_snapshot!(given("text = 'see'\ntool_call = [{ name = 'f' }, { name = 'g', arguments = '{\"cut' }]")["script"].as_str().unwrap(), @r#"Script { text: Some("see"), refusal: None, calls: [ScriptedCall { name: "f", arguments: "{}" }, ScriptedCall { name: "g", arguments: "{\"cut" }], finish_reason: None, video: None }"#);
    insta::assert_snapshot!(given("video = 'failed'")["script"].as_str().unwrap(), @r#"Script { text: None, refusal: None, calls: [], finish_reason: None, video: Some(Failed) }"#);
}

#[test]
fn the_short_form_is_a_rule_like_any_other() {
    for (short, whole) in [
        ("custom_id=order-*:429", "custom_id = 'order-*'\noutcome = '429'"),
        ("model=gpt-4*:timeout", "model = 'gpt-4*'\noutcome = 'timeout'"),
        ("endpoint=/v1/responses:503", "endpoint = '/v1/responses'\noutcome = '503'"),
        ("prompt=(?i)a: b:400", "prompt = '(?i)a: b'\noutcome = '400'"),
        ("{ custom_id = 'a', nth = 2, text = 'x' }", "custom_id = 'a'\nnth = 2\ntext = 'x'"),
    ] {
        let short: LineRule = short.parse().unwrap();
        assert_eq!(LineRules::new(vec![short]), rules(&format!("[[line]]\n{whole}")));
    }
    assert_eq!(LineRule::new(Some("a"), None, "500").unwrap(), "custom_id=a:500".parse().unwrap());
}

#[test]
fn short_forms_that_are_none_are_told_what_would_be_right() {
    let error = |text: &str| text.parse::<LineRule>().unwrap_err().to_string();
    insta::assert_snapshot!(error("order-*=429"), @r#"`order-*=429` is no rule: write `custom_id=PATTERN:OUTCOME`, `model=PATTERN:OUTCOME`, or a whole rule, such as `{ custom_id = "order-*", text = "hello" }`"#);
    insta::assert_snapshot!(error("custom_id=*:teapot"), @"`teapot` is no outcome of a line: there are `400`, `429`, `quota`, `500`, `timeout`, `refusal`, `length`; and any other status from 400 to 599");
    insta::assert_snapshot!(error("custom_id=[:429"), @"`[` is no pattern: unclosed character class; missing ']'");
    insta::assert_snapshot!(error("{ custom_id = 'a', txt = 'x' }"), @r"
    line 1, column 20: there is no key `txt` here; the nearest is `text`, and there are `custom_id`, `model`, `endpoint`, `prompt`, `nth`, `every`, `first`, `after`, `outcome`, `status`, `error`, `body`, `text`, `finish_reason`, `refusal`, `tool_call`, `video`
      |
    1 | { custom_id = 'a', txt = 'x' }
      |                    ^^^
    ");
    assert!(
        LineRule::new(None, None, "429")
            .unwrap_err()
            .to_string()
            .starts_with("a rule needs something to go by")
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_told_with_its_place() {
    let mut told = String::new();
    for text in [
        "[[lines]]",
        "[[line]]\noutcome = '429'",
        "[[line]]\ncustom_id = 'a'",
        "[[line]]\ncustom_id = ['a']\noutcome = '429'",
        "[[line]]\ncustom_id = 'a'\noutcome = 429",
        "[[line]]\ncustom_id = 'a'\noutcome = '302'",
        "[[line]]\ncustom_id = 'a'\nstatus = 302",
        "[[line]]\ncustom_id = 'a'\nstatus = 900",
        "[[line]]\ncustom_id = 'a'\noutcome = '429'\ntext = 'x'",
        "[[line]]\ncustom_id = 'a'\nerror = { message = 'x' }",
        "[[line]]\ncustom_id = 'a'\nstatus = 400\nerror = { mesage = 'x' }",
        "[[line]]\ncustom_id = 'a'\nstatus = 400\nbody = '{}'\nerror = {}",
        "[[line]]\ncustom_id = 'a'\nbody = '{\"a\": }'",
        "[[line]]\ncustom_id = 'a'\nbody = '[]'",
        "[[line]]\ncustom_id = 'a'\nbody = 3",
        "[[line]]\ncustom_id = 'a'\nrefusal = false",
        "[[line]]\ncustom_id = 'a'\nrefusal = true\ntext = 'x'",
        "[[line]]\ncustom_id = 'a'\nfinish_reason = 'lenght'",
        "[[line]]\ncustom_id = 'a'\nfinish_reason = 'tool_calls'",
        "[[line]]\ncustom_id = 'a'\ntool_call = { arguments = {} }",
        "[[line]]\ncustom_id = 'a'\ntool_call = { name = '' }",
        "[[line]]\ncustom_id = 'a'\ntool_call = 'f'",
        "[[line]]\ncustom_id = 'a'\nvideo = 'lost'",
        "[[line]]\nnth = 0\ntext = 'x'",
        "[[line]]\nnth = 2\nevery = 3\ntext = 'x'",
        "[[line]]\nendpoint = '/v1/chat/completion'\ntext = 'x'",
        "[[line]]\nprompt = '(a'\ntext = 'x'",
        "[[line]]\nprompt = '(?<n>a)'\ntext = 'x'",
        "[[line]]\nprompt = '(?<year>[0-9]+)'\ntext = 'in {yaer}'",
        "[[line]]\ncustom_id = 'a'\nbody = { text = '{1}' }",
    ] {
        let error = LineRules::from_toml(text).unwrap_err().to_string();
        // The marks are looked at elsewhere.
        told.push_str(error.lines().next().unwrap());
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[test]
fn rules_can_be_written_and_read_again() {
    let text = r#"
        [[line]]
        custom_id = "a"
        body = '''{"a": "\u00e9", "b": null}'''

        [[line]]
        custom_id = "b"
        text = """
        two
        lines, a tab\t, 'quotes' and \"\"\" """

        [[line]]
        prompt = "(?i)x{2} \"y\""
        nth = 3
        tool_call = [{ name = "f", arguments = { city = "Oslo", days = 2, dry = true } }]
    "#;
    let read = rules(text);
    assert_eq!(rules(&read.to_toml()), read);
    for rule in read.iter() {
        assert_eq!(rule.to_string().parse::<LineRule>().as_ref(), Ok(rule), "{rule}");
    }
    assert_eq!(rules(&LineRules::default().to_toml()), LineRules::default());
}

#[test]
fn outcomes_and_statuses_are_the_same() {
    for outcome in LineOutcome::NAMED {
        let rules = rules(&format!("[[line]]\nmodel = '*'\noutcome = '{outcome}'"));
        assert_eq!(*rules.get(0).effect(), Effect::Outcome(outcome));
    }
}

static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> = std::sync::LazyLock::new(|| {
    jsonschema::validator_for(&serde_json::from_str(LineRules::SCHEMA).unwrap()).unwrap()
});

/// Keys of rules, each with values that are of the right kind and values that are not.
const ENTRIES: [(&str, &[&str]); 18] = [
    ("custom_id", &["'a'", "''", "3", "true"]),
    ("model", &["'a'", "3"]),
    ("endpoint", &["'/v1/responses'", "'*'", "3"]),
    ("prompt", &["'a'", "''", "3"]),
    ("nth", &["1", "2", "0", "-1", "1.5", "'1'", "4294967295", "4294967296"]),
    ("every", &["1", "0"]),
    ("first", &["1", "0"]),
    ("after", &["1", "0"]),
    (
        "outcome",
        &["'429'", "'quota'", "'timeout'", "'length'", "'refusal'", "'503'", "'302'", "'natural'", "429"],
    ),
    ("status", &["200", "400", "503", "199", "600", "'400'", "4.5"]),
    (
        "error",
        &[
            "{}",
            "{ message = 'a', type = 'b', param = 'c', code = 'd' }",
            "{ message = 1 }",
            "{ kind = 'a' }",
            "'a'",
        ],
    ),
    ("body", &["'{}'", "{}", "{ a = 1 }", "3", "[]"]),
    ("text", &["'a'", "''", "3", "{}"]),
    ("finish_reason", &["'stop'", "'tool_calls'", "'length'", "'content_filter'", "'end'", "1"]),
    ("refusal", &["true", "false", "'a'", "3"]),
    (
        "tool_call",
        &[
            "{ name = 'f' }",
            "[{ name = 'f', arguments = {} }, { name = 'g', arguments = 'a' }]",
            "[]",
            "{ name = '' }",
            "{}",
            "{ name = 'f', arguments = 1 }",
            "{ name = 'f', args = 'a' }",
            "'f'",
        ],
    ),
    ("video", &["'failed'", "'expired'", "'completed'"]),
    ("unheard_of", &["1"]),
];

/// Keys and the places of their values; the first value of each is right, and comes more often.
fn any_entries() -> impl Strategy<Value = String> {
    let value = prop_oneof![Just(0_usize), 0..9_usize];
    prop::collection::btree_map(0..ENTRIES.len(), value, 0..5).prop_map(|entries| {
        let written = |(key, value): (usize, usize)| {
            let (key, values) = ENTRIES[key];
            format!("{key} = {}\n", values[value % values.len()])
        };
        entries.into_iter().map(written).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_schema_takes_what_the_reader_takes(entries in any_entries()) {
        let text = format!("[[line]]\n{entries}");
        let value: Value = toml::from_str(&text).unwrap();
        let read = LineRules::from_toml(&text);
        prop_assert_eq!(VALIDATOR.is_valid(&value), read.is_ok(), "{}\n{:?}", text, read);
    }
}

proptest! {
    #[test]
    fn any_text_is_rules_or_is_refused_in_words(
        text: String,
        odd in "(\\[\\[line\\]\\]\n|custom_id = |model = |outcome = |text = |body = |\"429\"\n|\"a[*]\"\n|'[{]n[}]'\n|[\"'\\[\\]{}*?!,\\\\=é\n]){0,12}",
    ) {
        for text in [&text, &odd] {
            match LineRules::from_toml(text) {
                Ok(read) => prop_assert_eq!(rules(&read.to_toml()), read),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
            if let Err(error) = text.parse::<LineRule>() {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
