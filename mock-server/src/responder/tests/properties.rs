//! What holds for every request.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::scripts::call;
use super::*;

/// The pointers to all values in a value but itself.
fn pointers(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    children
        .into_iter()
        .flat_map(|(name, value)| {
            let below = pointers(value).into_iter().map(|rest| format!("/{name}{rest}")).collect::<Vec<_>>();
            std::iter::once(format!("/{name}")).chain(below)
        })
        .collect()
}

/// Any JSON, with the names of parameters more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_é]{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "user",
            "text",
            "function",
            "json_schema",
            "required",
            "message",
            "input_text"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any_name(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let names = [
        "model",
        "messages",
        "input",
        "prompt",
        "role",
        "content",
        "type",
        "text",
        "tools",
        "tool_choice",
        "function",
        "name",
        "parameters",
        "response_format",
        "json_schema",
        "schema",
        "format",
        "n",
        "max_tokens",
        "dimensions",
        "metadata",
        "reasoning",
        "instructions",
        "images",
        "logprobs",
        "top_logprobs",
        "image_url",
        "url",
    ];
    prop_oneof![9 => prop::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => "[a-z]{1,6}"]
}

/// Schemas of the kind that strict mode allows.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..20_u64, 0..20_u64)
            .prop_map(|(low, more)| { json!({"type": "string", "minLength": low, "maxLength": low + more}) }),
        prop::sample::select(vec![
            "date-time",
            "date",
            "time",
            "email",
            "uuid",
            "ipv4",
            "ipv6",
            "hostname",
            "duration"
        ])
        .prop_map(|format| json!({"type": "string", "format": format})),
        prop::sample::select(vec![r"^[A-Z]{2}\d{3}$", r"^(a|b)+c?$", r"^\S+@\S+$", r"^[^a-y]+$"])
            .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        (-500..500_i64, 0..500_i64, any::<bool>()).prop_map(|(low, more, whole)| {
            json!({"type": if whole { "integer" } else { "number" }, "minimum": low, "maximum": low + more})
        }),
        (-500..500_i64, 1..9_i64).prop_map(|(low, step)| {
            json!({"type": "integer", "exclusiveMinimum": low, "multipleOf": step})
        }),
        (0..10_i64, 1..100_i64).prop_map(|(low, more)| {
            json!({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low * 1000 + more})
        }),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": ["string", "null"]})),
        Just(json!({"const": {"a": [1]}})),
        Just(json!({"type": "integer", "enum": ["x", 2, 3]})),
        Just(json!({"$ref": "#/$defs/node"})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4_u64, 0..3_u64).prop_map(|(items, low, more)| {
                json!({"type": "array", "items": items, "minItems": low, "maxItems": low + more})
            }),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|branches| json!({ "anyOf": branches })),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|properties| {
                let required: Vec<&String> = properties.keys().collect();
                json!({
                    "type": "object",
                    "required": required,
                    "properties": properties.clone(),
                    "additionalProperties": false,
                })
            }),
        ]
    })
    .prop_map(|mut schema| {
        let node = json!({
            "type": "object",
            "properties": {
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["next", "children"],
            "additionalProperties": false,
        });
        schema["$defs"] = json!({ "node": node });
        schema
    })
}

fn any_script() -> impl Strategy<Value = Script> {
    let reasons = prop::sample::select(FinishReason::ALL.to_vec());
    let texts = || prop::option::of(".{0,20}");
    let calls = prop::collection::vec(("[a-z]{1,5}", ".{0,20}"), 0..3);
    (texts(), texts(), calls, prop::option::of(reasons)).prop_map(|(text, refusal, calls, finish_reason)| {
        Script {
            text,
            refusal,
            calls: calls.iter().map(|(name, arguments)| call(name, arguments)).collect(),
            finish_reason,
            video: None,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics_and_what_is_parsed_is_answered(
        endpoint in prop::sample::select(Endpoint::ALL.to_vec()),
        patches in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..3),
        ending in prop::sample::select(vec![Ending::Natural, Ending::Refusal, Ending::Length]),
        style in prop::sample::select(vec![AnswerStyle::Canary, AnswerStyle::Echo]),
    ) {
        let mut body = full_body(endpoint);
        let n_patches = patches.len();
        for (place, value) in patches {
            let places = pointers(&body);
            *body.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        }
        let request = match parse(endpoint, &body) {
            Ok(request) => request,
            Err(refusal) => {
                prop_assert!(n_patches > 0 && refusal.status == 400, "{refusal:?}");
                return Ok(());
            }
        };
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let occasion = Occasion { custom_id: "", created_at: NOON, ending, rng: &mut rng };
        let answer = Responder::new(1, style).answer(&request, occasion);
        prop_assert!(serde_json::to_string(&answer.body).is_ok());
    }

    #[test]
    fn parsing_never_panics_whatever_the_body(body in prop::collection::vec((any_name(), any_json()), 0..6)) {
        let body: serde_json::Map<String, Value> = body.into_iter().collect();
        for endpoint in Endpoint::ALL {
            if let Err(refusal) = Request::parse(endpoint, &body) {
                prop_assert_eq!(refusal.status, 400);
            }
        }
    }

    #[test]
    fn usage_adds_up(
        texts in prop::collection::vec(".{0,40}", 1..4),
        n in 1..4_u64,
        limit in 16..40_u64,
        ending in prop::sample::select(vec![Ending::Natural, Ending::Refusal, Ending::Length]),
        model in prop::sample::select(vec!["gpt-4o", "gpt-5-nano"]),
        style in prop::sample::select(vec![AnswerStyle::Canary, AnswerStyle::Echo]),
        script in prop::option::of(any_script()),
    ) {
        let ending = script.as_ref().map_or(ending, Ending::Scripted);
        let messages: Vec<Value> = texts.iter().map(|text| json!({"role": "user", "content": text})).collect();
        let requests = [
            (Endpoint::ChatCompletions, json!({"model": model, "messages": messages, "n": n, "max_completion_tokens": limit})),
            (Endpoint::Responses, json!({"model": model, "input": messages, "max_output_tokens": limit})),
            (Endpoint::Completions, json!({"model": model, "prompt": texts, "n": n})),
        ];
        for (endpoint, body) in requests {
            let request = parse(endpoint, &body).unwrap();
            let mut rng = ChaCha12Rng::seed_from_u64(1);
            let occasion = Occasion { custom_id: "a", created_at: NOON, ending, rng: &mut rng };
            let answer = Responder::new(1, style).answer(&request, occasion);
            let body = serde_json::to_value(&answer.body).unwrap();
            let told = |names: [&str; 2]| names.iter().find_map(|name| body["usage"][name].as_u64()).unwrap();
            prop_assert_eq!(told(["input_tokens", "prompt_tokens"]), answer.usage.input_tokens);
            prop_assert_eq!(told(["output_tokens", "completion_tokens"]), answer.usage.output_tokens);
            prop_assert_eq!(told(["total_tokens", ""]), answer.usage.input_tokens + answer.usage.output_tokens);
            prop_assert_eq!(request.input_tokens(), answer.usage.input_tokens);
            prop_assert!(answer.usage.reasoning_tokens <= answer.usage.output_tokens);
            if endpoint == Endpoint::Responses && ending.words().is_none() {
                prop_assert!(answer.usage.output_tokens <= limit);
            }
        }
    }

    #[test]
    fn structured_text_is_valid_for_its_schema(schema in any_schema(), text in "[a-z-]{0,30}") {
        let json = structured::json_for(&schema, &text);
        let value: Value = serde_json::from_str(&json).unwrap();
        prop_assert!(jsonschema::is_valid(&schema, &value), "{schema}\n{json}");
    }
}
