//! Answers that were written beforehand.

use serde_json::{Value, json};

use super::*;

fn scripted(script: &Script, endpoint: Endpoint, body: &Value) -> Value {
    answer_as(AnswerStyle::Canary, Ending::Scripted(script), endpoint, body)
}

pub(super) fn call(name: &str, arguments: &str) -> ScriptedCall {
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
