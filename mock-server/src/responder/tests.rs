//! Whole answers: one body of each endpoint, what is refused, and what holds for every request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::Endpoint;

mod images;
mod properties;
mod scripts;

const NOON: i64 = 1_800_000_000;

fn parse(endpoint: Endpoint, body: &Value) -> Result<Request, Refusal> {
    Request::parse(endpoint, body.as_object().unwrap())
}

fn answer_as(style: AnswerStyle, ending: Ending, endpoint: Endpoint, body: &Value) -> Value {
    let request = parse(endpoint, body).unwrap();
    let mut rng = ChaCha12Rng::seed_from_u64(7);
    let occasion = Occasion { custom_id: "request-1", created_at: NOON, ending, rng: &mut rng };
    serde_json::to_value(Responder::new(7, style).answer(&request, occasion).body).unwrap()
}

fn answer(endpoint: Endpoint, body: &Value) -> Value {
    answer_as(AnswerStyle::Canary, Ending::Natural, endpoint, body)
}

fn chat(extra: Value) -> Value {
    with(json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is 2+2?"}]}), extra)
}

fn response(extra: Value) -> Value {
    with(json!({"model": "gpt-4o-mini", "input": "What is 2+2?"}), extra)
}

fn with(mut body: Value, extra: Value) -> Value {
    let Value::Object(extra) = extra else { panic!("not an object") };
    body.as_object_mut().unwrap().extend(extra);
    body
}

/// Status, message, param and code of what an endpoint refuses.
fn refused(endpoint: Endpoint, body: &Value) -> String {
    match parse(endpoint, body) {
        Ok(_) => "accepted".to_owned(),
        Err(Refusal { status, error }) => {
            let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
            format!("{status} {} | {} | {}", error.message, or_null(error.param), or_null(error.code))
        }
    }
}

/// The same, with each picture as a decoder sees it: its format, its size, and the comment in it.
fn with_pictures_told(mut body: Value) -> Value {
    let canary = regex::Regex::new("[a-z]+-[a-z]+-[0-9a-f]{8}").unwrap();
    for image in body["data"].as_array_mut().unwrap() {
        let Some(data) = image["b64_json"].as_str() else { continue };
        let file = STANDARD.decode(data).unwrap();
        let format = image::guess_format(&file).unwrap();
        let (width, height) = image::GenericImageView::dimensions(&image::load_from_memory(&file).unwrap());
        let text = String::from_utf8_lossy(&file);
        let canary = canary.find(&text).map_or("none", |found| found.as_str());
        image["b64_json"] = format!("{format:?} of {width}x{height}: {canary}").into();
    }
    body
}

fn person_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 18, "maximum": 99},
            "mood": {"enum": ["calm", "merry"]},
            "friends": {"type": "array", "items": {"$ref": "#"}},
        },
        "required": ["name", "age", "mood", "friends"],
        "additionalProperties": false,
    })
}

fn weather_tool() -> Value {
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["city", "days"],
    });
    json!({"type": "function", "function": {"name": "weather", "parameters": parameters}})
}

mod bodies {
    use super::*;

    #[test]
    fn of_a_chat_completion() {
        insta::assert_json_snapshot!(answer(Endpoint::ChatCompletions, &chat(json!({}))));
    }

    #[test]
    fn of_a_chat_completion_with_logprobs_and_two_choices() {
        let body = chat(json!({"n": 2, "logprobs": true, "top_logprobs": 2, "max_tokens": 2}));
        insta::assert_json_snapshot!(answer(Endpoint::ChatCompletions, &body));
    }

    #[test]
    fn of_a_chat_completion_with_a_required_call() {
        let body = chat(json!({"tools": [weather_tool()], "tool_choice": "required"}));
        insta::assert_json_snapshot!(answer(Endpoint::ChatCompletions, &body));
    }

    #[test]
    fn of_a_chat_completion_that_refuses() {
        let body = chat(json!({}));
        let body = answer_as(AnswerStyle::Canary, Ending::Refusal, Endpoint::ChatCompletions, &body);
        insta::assert_json_snapshot!(body["choices"]);
    }

    #[test]
    fn of_a_response() {
        insta::assert_json_snapshot!(answer(Endpoint::Responses, &response(json!({}))));
    }

    #[test]
    fn of_a_response_that_thinks_and_calls() {
        let tool = json!({"type": "function", "name": "weather", "parameters": person_schema()});
        let body = json!({
            "model": "gpt-5-nano",
            "instructions": "Be brief.",
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is 2+2?"}]}],
            "include": ["reasoning.encrypted_content"],
            "tools": [tool],
            "tool_choice": {"type": "function", "name": "weather"},
        });
        insta::assert_json_snapshot!(answer(Endpoint::Responses, &body));
    }

    #[test]
    fn of_a_response_that_is_cut() {
        let body = response(json!({"max_output_tokens": 16}));
        let body = answer_as(AnswerStyle::Canary, Ending::Length, Endpoint::Responses, &body);
        let parts = json!([body["status"], body["completed_at"], body["incomplete_details"], body["output"]]);
        insta::assert_json_snapshot!(parts);
    }

    #[test]
    fn of_a_response_that_refuses() {
        let body = answer_as(AnswerStyle::Canary, Ending::Refusal, Endpoint::Responses, &response(json!({})));
        insta::assert_json_snapshot!(body["output"]);
    }

    #[test]
    fn of_embeddings() {
        let body = json!({"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 3});
        insta::assert_json_snapshot!(answer(Endpoint::Embeddings, &body));
    }

    #[test]
    fn of_a_moderation() {
        let input = json!([
            {"type": "text", "text": "a picture"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]);
        insta::assert_json_snapshot!(answer(Endpoint::Moderations, &json!({"input": input})));
    }

    #[test]
    fn of_a_completion() {
        let body = json!({"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"], "echo": true});
        insta::assert_json_snapshot!(answer(Endpoint::Completions, &body));
    }

    #[test]
    fn of_an_image() {
        let body = json!({"model": "gpt-image-1", "prompt": "a siamese cat"});
        insta::assert_json_snapshot!(with_pictures_told(answer(Endpoint::ImagesGenerations, &body)));
    }

    #[test]
    fn of_an_edited_image() {
        let images = json!([{"image_url": "data:image/png;base64,"}]);
        let body = json!({"model": "gpt-image-2", "prompt": "in green", "images": images, "quality": "low"});
        insta::assert_json_snapshot!(with_pictures_told(answer(Endpoint::ImagesEdits, &body)));
    }

    #[test]
    fn of_an_image_of_an_older_model() {
        let body = json!({"model": "dall-e-3", "prompt": "a siamese cat"});
        insta::assert_json_snapshot!(answer(Endpoint::ImagesGenerations, &body));
    }

    #[test]
    fn of_a_video() {
        insta::assert_json_snapshot!(answer(Endpoint::Videos, &json!({"prompt": "a cat on a roof"})));
    }
}

#[test]
fn the_text_is_the_canary_of_custom_id_and_prompt() {
    let body = chat(json!({"n": 2}));
    let body = answer(Endpoint::ChatCompletions, &body);
    let texts: Vec<&str> =
        body["choices"].as_array().unwrap().iter().filter_map(|c| c["message"]["content"].as_str()).collect();
    assert_eq!(texts[0], canary(7, "request-1", "What is 2+2?"));
    assert_ne!(texts[0], texts[1]);
    let body = answer(Endpoint::Responses, &response(json!({})));
    assert_eq!(body["output"][0]["content"][0]["text"], texts[0]);
}

#[test]
fn an_echo_repeats_the_last_user_message() {
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "text", "text": "line"}]},
        {"role": "assistant", "content": "ok"},
    ]);
    let body = chat(json!({"messages": messages}));
    let body = answer_as(AnswerStyle::Echo, Ending::Natural, Endpoint::ChatCompletions, &body);
    assert_eq!(body["choices"][0]["message"]["content"], "second\nline");
}

#[test]
fn a_named_tool_ends_with_stop_and_valid_arguments() {
    let named = json!({"type": "function", "function": {"name": "weather"}});
    let body = chat(json!({"tools": [weather_tool()], "tool_choice": named}));
    let body = answer(Endpoint::ChatCompletions, &body);
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    let arguments = body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert!(jsonschema::is_valid(&weather_tool()["function"]["parameters"], &arguments), "{arguments}");
    assert_eq!(arguments["city"], canary(7, "request-1", "What is 2+2?"));
}

#[test]
fn a_custom_tool_gets_the_text_itself() {
    let tool = json!({"type": "custom", "custom": {"name": "shell"}});
    let body = answer(Endpoint::ChatCompletions, &chat(json!({"tools": [tool], "tool_choice": "required"})));
    insta::assert_json_snapshot!(body["choices"][0]["message"]["tool_calls"], @r#"
    [
      {
        "id": "call_sXYUjX25WhmyFNzpIqNOhDhi",
        "type": "custom",
        "custom": {
          "name": "shell",
          "input": "silver-jay-b58a8ba0"
        }
      }
    ]
    "#);
}

#[test]
fn structured_outputs_are_valid_and_carry_the_canary() {
    let format = json!({"name": "person", "schema": person_schema(), "strict": true});
    let format = json!({"type": "json_schema", "json_schema": format});
    let body = answer(Endpoint::ChatCompletions, &chat(json!({"response_format": format})));
    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    let person: Value = serde_json::from_str(text).unwrap();
    assert!(jsonschema::is_valid(&person_schema(), &person), "{text}");
    assert_eq!(person["name"], canary(7, "request-1", "What is 2+2?"));
}

#[test]
fn schemas_without_end_come_to_one() {
    for schema in [
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}),
        json!({"type": "array", "items": {"$ref": "#"}, "minItems": 9}),
        json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}),
        json!({"type": "object", "minProperties": 999, "additionalProperties": {"$ref": "#"}}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "#"}),
        json!(false),
    ] {
        assert_eq!(structured::json_for(&schema, "text"), "null", "{schema}");
    }
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"$ref": "#"}))).collect();
    assert!(structured::json_for(&json!({"properties": properties}), "text").len() < 100_000);
}

#[test]
fn tenths_are_written_as_such() {
    let schema = json!({"type": "number", "minimum": 0.3, "maximum": 0.3, "multipleOf": 0.1});
    assert_eq!(structured::json_for(&schema, "text"), "0.3");
}

#[test]
fn thinking_can_use_up_the_limit() {
    let body = response(json!({"model": "gpt-5-nano", "max_output_tokens": 16}));
    let body = answer(Endpoint::Responses, &body);
    assert_eq!(body["status"], "incomplete");
    assert_eq!(body["output"].as_array().unwrap().len(), 1);
    assert_eq!(body["usage"]["output_tokens_details"]["reasoning_tokens"], 16);
    let body = answer(Endpoint::ChatCompletions, &chat(json!({"model": "o3", "max_completion_tokens": 16})));
    assert_eq!(body["choices"][0]["message"]["content"], "");
    assert_eq!(body["choices"][0]["finish_reason"], "length");
}

#[test]
fn the_same_text_has_the_same_vector_in_both_encodings() {
    let embed =
        |extra| answer(Endpoint::Embeddings, &with(json!({"model": "text-embedding-3-small"}), extra));
    let floats = embed(json!({"input": "a", "dimensions": 8}));
    let list = embed(json!({"input": ["b", "a"], "dimensions": 8, "encoding_format": "base64"}));
    let encoded = list["data"][1]["embedding"].as_str().unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    let decoded: Vec<f64> =
        bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect();
    assert_eq!(floats["data"][0]["embedding"], json!(decoded));
    assert_ne!(list["data"][0]["embedding"], list["data"][1]["embedding"]);
}

#[test]
fn embeddings_have_the_length_of_their_model() {
    for (model, length) in
        [("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)]
    {
        let body = answer(Endpoint::Embeddings, &json!({"model": model, "input": [1, 2, 3]}));
        assert_eq!(body["data"][0]["embedding"].as_array().unwrap().len(), length);
        assert_eq!(body["usage"]["prompt_tokens"], 3);
    }
}

#[test]
fn streams_are_accepted_and_told() {
    assert!(parse(Endpoint::ChatCompletions, &chat(json!({"stream": true}))).unwrap().wants_stream());
    assert!(!parse(Endpoint::Responses, &response(json!({"stream": null}))).unwrap().wants_stream());
}

#[test]
fn chat_completions_refuse_in_their_words() {
    let refused = |body: Value| refused(Endpoint::ChatCompletions, &body);
    let rows = [
        refused(json!({"batch_requests": []})),
        refused(chat(json!({"tool": 1, "batch": 2}))),
        refused(json!({"messages": []})),
        refused(json!({"model": "gpt-4o"})),
        refused(chat(json!({"model": 5}))),
        refused(chat(json!({"messages": []}))),
        refused(chat(json!({"messages": "hi"}))),
        refused(chat(json!({"messages": ["hi"]}))),
        refused(chat(json!({"messages": [{"role": "x", "content": "hi"}]}))),
        refused(chat(json!({"messages": [{"content": "hi"}]}))),
        refused(chat(json!({"messages": [{"role": "user"}]}))),
        refused(chat(json!({"messages": [{"role": "user", "content": 7}]}))),
        refused(chat(json!({"messages": [{"role": "user", "content": [{"type": "x"}]}]}))),
        refused(chat(json!({"n": 0}))),
        refused(chat(json!({"max_completion_tokens": "abc"}))),
        refused(chat(json!({"temperature": 2.5}))),
        refused(chat(json!({"model": "gpt-5", "temperature": 0.2}))),
        refused(chat(json!({"model": "o3", "max_tokens": 100}))),
        refused(chat(json!({"response_format": {"type": "bogus"}}))),
        refused(chat(json!({"response_format": {"type": "json_object"}}))),
        refused(chat(json!({"response_format": {"type": "json_schema"}}))),
        refused(chat(json!({"tools": [{"type": "function", "function": {}}]}))),
        refused(chat(json!({"tool_choice": "required"}))),
        refused(chat(
            json!({"tools": [weather_tool()], "tool_choice": {"type": "function", "function": {"name": "x"}}}),
        )),
        refused(chat(json!({"metadata": {"tags": []}}))),
        refused(chat(json!({"top_logprobs": 2}))),
    ];
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn the_other_endpoints_refuse_in_their_words() {
    let embed = |extra| {
        refused(Endpoint::Embeddings, &with(json!({"model": "text-embedding-3-small", "input": "a"}), extra))
    };
    let rows = [
        refused(Endpoint::Responses, &response(json!({"messages": []}))),
        refused(Endpoint::Responses, &json!({"input": "hi"})),
        refused(Endpoint::Responses, &json!({"model": "gpt-4o"})),
        refused(Endpoint::Responses, &response(json!({"max_output_tokens": 5}))),
        refused(Endpoint::Responses, &response(json!({"top_logprobs": 50}))),
        refused(Endpoint::Responses, &response(json!({"reasoning": {"bogus": 1}}))),
        refused(Endpoint::Responses, &response(json!({"text": {"format": {"type": "json_object"}}}))),
        refused(Endpoint::Embeddings, &json!({"model": "text-embedding-3-small"})),
        refused(Endpoint::Embeddings, &json!({"input": "a"})),
        embed(json!({"input": ""})),
        embed(json!({"input": []})),
        embed(json!({"dimensions": -42})),
        embed(json!({"dimensions": 5000})),
        embed(json!({"model": "text-embedding-ada-002", "dimensions": 5})),
        embed(json!({"encoding_format": "hex"})),
        embed(json!({"foo": 1})),
        refused(Endpoint::Moderations, &json!({})),
        refused(Endpoint::Moderations, &json!({"input": 5})),
        refused(Endpoint::Completions, &json!({"model": "gpt-3.5-turbo-instruct"})),
        refused(Endpoint::Completions, &json!({"model": "gpt-3.5-turbo-instruct", "prompt": "a", "n": 0})),
        refused(Endpoint::ImagesGenerations, &json!({"prompt": "a", "n": "abc"})),
        refused(Endpoint::ImagesGenerations, &json!({"prompt": "a", "foo": 1})),
        refused(Endpoint::ImagesEdits, &json!({"prompt": "a", "images": []})),
        refused(Endpoint::Videos, &json!({"prompt": "a", "seconds": "5"})),
    ];
    insta::assert_snapshot!(rows.join("\n"));
}

/// A body with most of what an endpoint takes, all of it accepted.
fn full_body(endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::ChatCompletions => json!({
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Answer in JSON."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ]},
                {"role": "assistant", "tool_calls": [{"id": "call_1"}]},
                {"role": "tool", "content": "rain", "tool_call_id": "call_1"},
            ],
            "tools": [weather_tool(), {"type": "custom", "custom": {"name": "shell"}}],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": person_schema()}},
            "n": 2, "max_completion_tokens": 50, "temperature": 0.5, "logprobs": true, "top_logprobs": 2,
            "metadata": {"a": "b"}, "service_tier": "flex", "reasoning_effort": "low", "stop": ["a"], "seed": 1,
        }),
        Endpoint::Completions => json!({
            "model": "davinci-002", "prompt": ["a", "b"], "n": 2, "max_tokens": 3, "echo": true, "logprobs": 2,
        }),
        Endpoint::Embeddings => json!({
            "model": "text-embedding-3-large", "input": [[1, 2], [3]], "dimensions": 4, "encoding_format": "base64",
        }),
        Endpoint::Responses => json!({
            "model": "gpt-5",
            "instructions": "Answer in JSON.",
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": "https://example.com/a.png"},
                ]},
                {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            ],
            "tools": [{"type": "function", "name": "p", "parameters": person_schema()}, {"type": "web_search"}],
            "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "p"}]},
            "text": {"format": {"type": "json_schema", "name": "p", "schema": person_schema()}, "verbosity": "low"},
            "reasoning": {"effort": "low", "summary": "auto"},
            "max_output_tokens": 100, "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"],
        }),
        Endpoint::Moderations => json!({
            "model": "omni-moderation-latest",
            "input": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        }),
        Endpoint::ImagesGenerations => {
            json!({"model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "auto"})
        }
        Endpoint::ImagesEdits => {
            json!({"model": "gpt-image-2", "prompt": "a cat", "images": [{"file_id": "a"}]})
        }
        Endpoint::Videos => json!({"model": "sora-2", "prompt": "a cat", "seconds": "8", "size": "1280x720"}),
    }
}
