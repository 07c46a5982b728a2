//! Whole answers: one body of each endpoint, what is refused, and what holds for every request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::Endpoint;

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

fn image(extra: Value) -> Value {
    with(json!({"model": "gpt-image-1", "prompt": "a cat"}), extra)
}

#[test]
fn images_are_made_as_they_were_asked_for() {
    let made = |extra| {
        let body = with_pictures_told(answer(Endpoint::ImagesGenerations, &image(extra)));
        let images: Vec<_> =
            body["data"].as_array().unwrap().iter().map(|image| image["b64_json"].clone()).collect();
        format!(
            "{} {} {} {}: {}",
            body["size"],
            body["quality"],
            body["background"],
            body["usage"]["output_tokens"],
            json!(images)
        )
    };
    let rows = [
        made(json!({"n": 2, "size": "1024x1536", "output_format": "jpeg", "quality": "low"})),
        made(json!({"size": "1536x1024", "output_format": "webp", "background": "transparent"})),
        made(
            json!({"model": "gpt-image-2", "size": "1536x864", "quality": "medium", "output_compression": 100}),
        ),
        made(
            json!({"model": "chatgpt-image-latest", "size": "auto", "quality": "auto", "background": "auto"}),
        ),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    "1024x1536" "low" "opaque" 816: ["Jpeg of 1024x1536: teal-bulbul-83140e64","Jpeg of 1024x1536: beige-heron-b84c6f18"]
    "1536x1024" "high" "transparent" 6208: ["WebP of 1536x1024: teal-bulbul-83140e64"]
    "1536x864" "medium" "opaque" 1337: ["Png of 1536x864: teal-bulbul-83140e64"]
    "1024x1024" "high" "opaque" 4160: ["Png of 1024x1024: teal-bulbul-83140e64"]
    "#);
}

#[test]
fn older_models_tell_where_images_are_or_what_they_are() {
    let made = |extra| {
        let body = answer(Endpoint::ImagesGenerations, &image(extra));
        let keys: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["created", "data"]);
        body["data"].clone()
    };
    let by_url = made(json!({"model": "dall-e-2", "n": 3}));
    let urls: std::collections::HashSet<_> =
        by_url.as_array().unwrap().iter().map(|image| image["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(urls.len(), 3);
    let is_named = |url: &String| {
        url.strip_prefix("https://images.batchmock.invalid/")
            .and_then(|name| name.strip_suffix(".png"))
            .is_some()
    };
    assert!(urls.iter().all(is_named), "{urls:?}");
    let by_data = made(json!({"model": "dall-e-2", "response_format": "b64_json", "size": "256x256"}));
    let told = with_pictures_told(json!({ "data": by_data }));
    assert!(told["data"][0]["b64_json"].as_str().unwrap().starts_with("Png of 256x256: "), "{told}");
    assert_eq!(
        made(json!({"model": "dall-e-3", "quality": "hd", "style": "natural"}))[0]["revised_prompt"],
        "a cat"
    );

    let edit = json!({"model": "dall-e-2", "prompt": "a cat", "images": [{"file_id": "file-a"}]});
    assert!(answer(Endpoint::ImagesEdits, &edit)["data"][0]["url"].is_string());
}

#[test]
fn images_are_refused_by_what_their_model_takes() {
    let make = |extra| refused(Endpoint::ImagesGenerations, &image(extra));
    let url = json!({"image_url": "https://example.com/a.png"});
    let edit = |extra| refused(Endpoint::ImagesEdits, &with(image(json!({"images": [url.clone()]})), extra));
    let video =
        |extra| refused(Endpoint::Videos, &with(json!({"model": "sora-2", "prompt": "a cat"}), extra));
    let rows = [
        make(json!({"response_format": "url"})),
        make(json!({"style": "vivid"})),
        make(json!({"size": "256x256"})),
        make(json!({"quality": "hd"})),
        make(json!({"n": 11})),
        make(json!({"background": "transparent", "output_format": "jpeg"})),
        make(json!({"output_compression": 50})),
        make(json!({"output_format": "gif"})),
        make(json!({"prompt": ""})),
        make(json!({"prompt": "a".repeat(32_001)})),
        make(json!({"model": "dall-e-3", "n": 2})),
        make(json!({"model": "dall-e-3", "background": "opaque"})),
        make(json!({"model": "dall-e-2", "size": "1792x1024"})),
        make(json!({"model": "dall-e-2", "prompt": "a".repeat(1_001)})),
        make(json!({"model": "gpt-image-2", "size": "big"})),
        make(json!({"model": "gpt-image-2", "size": "1000x1000"})),
        make(json!({"model": "gpt-image-2", "size": "1600x160"})),
        make(json!({"model": "gpt-image-2", "size": "4096x2048"})),
        make(json!({"model": "gpt-image-2", "size": "3840x3840"})),
        make(json!({"model": "gpt-image-2", "size": "3840x2160"})),
        edit(json!({"image": "data:image/png;base64,"})),
        edit(json!({"images": [{}]})),
        edit(json!({"images": [{"image_url": "https://example.com/a.png", "file_id": "file-a"}]})),
        edit(json!({"images": [{"url": "https://example.com/a.png"}]})),
        edit(json!({"images": vec![url.clone(); 17]})),
        edit(json!({"model": "dall-e-2", "images": vec![url.clone(); 2]})),
        edit(json!({"model": "dall-e-3"})),
        edit(json!({"mask": {"file_id": 7}})),
        edit(json!({"mask": {"file_id": "file-a"}, "input_fidelity": "high"})),
        video(json!({"seconds": 8})),
        video(json!({"size": "1920x1080"})),
        video(json!({"input_reference": {}})),
        video(json!({"input_reference": {"file_id": "file-a"}})),
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

// Answers that were written beforehand

fn scripted(script: &Script, endpoint: Endpoint, body: &Value) -> Value {
    answer_as(AnswerStyle::Canary, Ending::Scripted(script), endpoint, body)
}

fn call(name: &str, arguments: &str) -> ScriptedCall {
    ScriptedCall { name: name.to_owned(), arguments: arguments.to_owned() }
}

#[test]
fn a_written_text_is_said_as_it_is() {
    let script = Script { text: Some("as long as it is".to_owned()), ..Script::default() };
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": person_schema()}});
    let body = chat(json!({"max_completion_tokens": 1, "n": 2, "response_format": format}));
    let answer = scripted(&script, Endpoint::ChatCompletions, &body);
    for choice in answer["choices"].as_array().unwrap() {
        assert_eq!(choice["message"]["content"], "as long as it is");
        assert_eq!(choice["finish_reason"], "stop");
    }
    assert_eq!(answer["usage"]["completion_tokens"], 8);

    let answer = scripted(&script, Endpoint::Responses, &response(json!({"max_output_tokens": 16})));
    assert_eq!(answer["output"][0]["content"][0]["text"], "as long as it is");
    assert_eq!(answer["status"], "completed");

    let body =
        json!({"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"], "max_tokens": 1, "echo": true});
    let answer = scripted(&script, Endpoint::Completions, &body);
    assert_eq!(answer["choices"][1]["text"], "bas long as it is");
    assert_eq!(answer["choices"][1]["finish_reason"], "stop");
}

#[test]
fn a_written_call_is_called_whatever_is_declared() {
    let calls = vec![call("weather", "{\"city\":\"Oslo\"}"), call("broken", "{")];
    let script = Script { calls, ..Script::default() };
    let answer = scripted(&script, Endpoint::ChatCompletions, &chat(json!({})));
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls[0]["function"], json!({"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}));
    assert_eq!(calls[1]["function"], json!({"name": "broken", "arguments": "{"}));
    assert_ne!(calls[0]["id"], calls[1]["id"]);

    let script = Script { text: Some("one moment".to_owned()), ..script };
    let answer = scripted(&script, Endpoint::Responses, &response(json!({})));
    let kinds: Vec<_> =
        answer["output"].as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call"]);
    assert_eq!(answer["output"][1]["arguments"], "{\"city\":\"Oslo\"}");
}

#[test]
fn a_written_reason_to_stop_is_told() {
    let natural =
        answer(Endpoint::ChatCompletions, &chat(json!({})))["choices"][0]["message"]["content"].clone();
    for (reason, name) in [
        (FinishReason::Stop, "stop"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::Length, "length"),
    ] {
        let script = Script { finish_reason: Some(reason), ..Script::default() };
        let choice = scripted(&script, Endpoint::ChatCompletions, &chat(json!({})))["choices"][0].clone();
        assert_eq!(choice["finish_reason"], name);
        let is_whole = choice["message"]["content"] == natural;
        assert_eq!(is_whole, reason != FinishReason::Length, "cut only for its length");
        let body = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "a"});
        assert_eq!(scripted(&script, Endpoint::Completions, &body)["choices"][0]["finish_reason"], name);
    }
    let incomplete = |script: &Script| {
        let answer = scripted(script, Endpoint::Responses, &response(json!({"max_output_tokens": 16})));
        (answer["status"].clone(), answer["incomplete_details"].clone(), answer["completed_at"].clone())
    };
    let script =
        |reason| Script { text: Some("cut".to_owned()), finish_reason: Some(reason), ..Script::default() };
    let expected = (json!("incomplete"), json!({"reason": "content_filter"}), Value::Null);
    assert_eq!(incomplete(&script(FinishReason::ContentFilter)), expected);
    let expected = (json!("incomplete"), json!({"reason": "max_output_tokens"}), Value::Null);
    assert_eq!(incomplete(&script(FinishReason::Length)), expected);
    assert_eq!(incomplete(&script(FinishReason::Stop)), (json!("completed"), Value::Null, json!(NOON)));
}

#[test]
fn a_written_refusal_is_said_instead_of_an_answer() {
    let script = Script { refusal: Some("No.".to_owned()), ..Script::default() };
    let message =
        scripted(&script, Endpoint::ChatCompletions, &chat(json!({})))["choices"][0]["message"].clone();
    assert_eq!((&message["content"], &message["refusal"]), (&Value::Null, &json!("No.")));
    let answer = scripted(&script, Endpoint::Responses, &response(json!({})));
    assert_eq!(answer["output"][0]["content"], json!([{"type": "refusal", "refusal": "No."}]));
}

#[test]
fn a_video_may_end_badly() {
    for end in VideoEnd::ALL {
        let script = Script { video: Some(end), ..Script::default() };
        let video = scripted(&script, Endpoint::Videos, &json!({"prompt": "a cat"}));
        assert_eq!(video["status"], end.name());
        assert_eq!(video["error"].is_object(), end == VideoEnd::Failed);
        for key in ["completed_at", "expires_at"] {
            assert_eq!(video[key], Value::Null);
        }
    }
}

#[test]
fn endpoints_without_words_answer_as_ever() {
    let script = Script {
        text: Some("text".to_owned()),
        finish_reason: Some(FinishReason::Length),
        ..Script::default()
    };
    for endpoint in
        [Endpoint::Embeddings, Endpoint::Moderations, Endpoint::ImagesGenerations, Endpoint::Videos]
    {
        let body = full_body(endpoint);
        assert_eq!(scripted(&script, endpoint, &body), answer(endpoint, &body));
    }
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
