//! The lines of result files.

use batchmock::responder::canary;
use batchmock::{AnswerStyle, LineRules};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    CHAT, Client, SEED, Transcript, chat, chat_body, chats, frozen, line, results_of, seconds,
    slower_than_the_window, start,
};

/// Runs lines to their end and gives both files.
async fn run(server: &batchmock::MockServer, client: &Client, lines: &[String]) -> (String, String) {
    let id = client.batch(lines).await;
    server.clock().advance(seconds(4)).unwrap();
    client.results(&id).await
}

/// The result with this name, wherever it is.
fn result<'r>(results: &'r [Value], custom_id: &str) -> &'r Value {
    results.iter().find(|line| line["custom_id"] == custom_id).unwrap_or_else(|| panic!("no {custom_id}"))
}

fn text_of(line: &Value) -> &str {
    line["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{line}"))
}

/// What a value is made of, without what it says: keys in their order, and kinds of values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "yes or no".into(),
        Value::Null => Value::Null,
    }
}

// Bytes

#[tokio::test]
async fn result_files_have_the_bytes_of_the_recordings() {
    let (server, client) = start().await;
    let lines = [
        chat("request-1", "What is 2+2?"),
        chat("request-2", "猫は何と鳴きますか? \u{1f431}"),
        chat("질문~400", "한국의 수도는 어디입니까?"),
        chat("busy~429", "hello"),
        chat("broken~500", "hello"),
        chat("slow~timeout", "hello"),
    ];
    let (output, error) = run(&server, &client, &lines).await;
    for file in [&output, &error] {
        assert!(file.is_ascii(), "F-351: {file}");
        assert!(file.ends_with("}\n") && !file.contains("\n\n"), "F-350: {file}");
        for line in file.lines() {
            let result: Value = serde_json::from_str(line).unwrap();
            let keys: Vec<_> = result.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["id", "custom_id", "response", "error"]);
            if let Some(response) = result["response"].as_object() {
                assert_eq!(response.keys().collect::<Vec<_>>(), ["status_code", "request_id", "body"]);
            }
        }
    }
    insta::assert_snapshot!(format!("output\n{output}error\n{error}"));
}

#[tokio::test]
async fn lines_that_never_ran_say_why() {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let cancelled = client.batch(&chats(2)).await;
    let expired = client.batch(&chats(2)).await;
    server.clock().advance(seconds(1)).unwrap();
    client.cancel(&cancelled).await;
    server.clock().advance(seconds(2 * 86_400)).unwrap();
    let (_, cancelled) = client.results(&cancelled).await;
    let (output, expired) = client.results(&expired).await;
    assert_eq!(output.lines().count(), 1);
    insta::assert_snapshot!(format!("cancelled\n{cancelled}expired\n{expired}"));
}

#[tokio::test]
async fn ids_tell_when_the_files_were_written() {
    let (server, client) = start().await;
    let id = client.batch(&chats(3)).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    let (output, _) = client.results(&id).await;
    let finalizing_at = batch["finalizing_at"].as_i64().unwrap();
    for line in results_of(&output) {
        let digits = line["id"].as_str().unwrap().strip_prefix("batch_req_").unwrap();
        let time = i64::from_str_radix(&digits[..8], 16).unwrap();
        assert_eq!(digits.len(), 32);
        assert!((finalizing_at..=finalizing_at + 1).contains(&time), "F-353, F-502: {digits}");
    }
}

// Outcomes

#[tokio::test]
async fn the_end_of_a_custom_id_decides_how_a_line_ends() {
    let (server, client) = start().await;
    let lines = ["a~400", "b~429", "c~500", "d~timeout", "e~refusal", "f~length", "g", "h~other"]
        .map(|custom_id| chat(custom_id, "Tell me something."));
    let (output, error) = run(&server, &client, &lines).await;
    let (output, error) = (results_of(&output), results_of(&error));

    for (custom_id, status, code) in [
        ("a~400", 400, json!("context_length_exceeded")),
        ("b~429", 429, json!("rate_limit_exceeded")),
        ("c~500", 500, Value::Null),
    ] {
        let line = result(&error, custom_id);
        assert_eq!(line["response"]["status_code"], status);
        assert_eq!(line["response"]["body"]["error"]["code"], code);
        assert_eq!(line["error"], Value::Null, "F-356");
    }
    let slow = result(&error, "d~timeout");
    assert_eq!((&slow["response"], &slow["error"]["code"]), (&Value::Null, &json!("request_timeout")));
    assert_eq!(error.len(), 4);

    for line in &output {
        assert_eq!((&line["response"]["status_code"], &line["error"]), (&json!(200), &Value::Null));
    }
    let choice = |custom_id| &result(&output, custom_id)["response"]["body"]["choices"][0];
    assert!(choice("e~refusal")["message"]["refusal"].is_string());
    assert_eq!(choice("e~refusal")["message"]["content"], Value::Null);
    assert_eq!(choice("f~length")["finish_reason"], "length");
    assert_eq!(choice("g")["finish_reason"], "stop");
    assert_eq!(choice("h~other")["finish_reason"], "stop");
    assert_eq!(output.len(), 4);
}

#[tokio::test]
async fn a_line_that_hits_a_rate_limit_names_the_account() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("busy~429", "hello")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await;
    let (_, error) = client.results(&id).await;
    for header in ["openai-organization", "openai-project"] {
        assert!(error.contains(&format!(" {} ", batch.header(header).unwrap())), "{error}");
    }
}

#[tokio::test]
async fn rules_decide_by_custom_id_and_model() {
    let rules = LineRules::new(vec![
        "custom_id=order-1*:429".parse().unwrap(),
        "custom_id=order-*:timeout".parse().unwrap(),
        "model=gpt-4o-*:500".parse().unwrap(),
    ]);
    let server = frozen().rules(rules).start().await.unwrap();
    let client = Client::new(&server);
    let lines = ["order-17", "order-2", "other", "order-3~refusal"].map(|custom_id| chat(custom_id, "hello"));
    let (output, error) = run(&server, &client, &lines).await;
    let (output, error) = (results_of(&output), results_of(&error));
    assert_eq!(result(&error, "order-17")["response"]["status_code"], 429);
    assert_eq!(result(&error, "order-2")["error"]["code"], "request_timeout");
    assert_eq!(result(&error, "other")["response"]["status_code"], 500);
    assert_eq!(result(&output, "order-3~refusal")["response"]["status_code"], 200, "the id comes first");

    let other = json!({"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "hello"}]});
    let (output, error) = run(&server, &client, &[line("other", CHAT, &other)]).await;
    assert_eq!((output.lines().count(), error.as_str()), (1, ""));
}

#[tokio::test]
async fn a_body_that_the_endpoint_refuses_fails_its_line_only() {
    let (server, client) = start().await;
    let body = |extra: Value| {
        let mut body = chat_body("hello");
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let lines = [
        chat("good", "hello"),
        line("role", CHAT, &body(json!({"messages": [{"role": "wizard", "content": "hello"}]}))),
        line("empty", CHAT, &body(json!({"messages": []}))),
        line("temperature", CHAT, &body(json!({"temperature": 3}))),
        line("unknown", CHAT, &body(json!({"surprise": true}))),
    ];
    let id = client.batch(&lines).await;
    server.clock().advance(seconds(4)).unwrap();
    let counts = &client.retrieve(&id).await.json()["request_counts"];
    assert_eq!(*counts, json!({"total": 5, "completed": 1, "failed": 4}), "F-321");
    let (_, error) = client.results(&id).await;
    let error = results_of(&error);

    let mut transcript = Transcript::default();
    for line in &lines[1..] {
        let line: Value = serde_json::from_str(line).unwrap();
        let custom_id = line["custom_id"].as_str().unwrap();
        let synchronous = client.post("/chat/completions", &line["body"]).await;
        let response = &result(&error, custom_id)["response"];
        assert_eq!(response["status_code"], synchronous.status.as_u16());
        assert_eq!(response["body"], synchronous.json(), "a line is refused as the endpoint refuses it");
        transcript.add(custom_id, &synchronous);
    }
    insta::assert_snapshot!(transcript);
}

// Answers

#[tokio::test]
async fn the_answer_to_a_line_is_its_canary() {
    let (server, client) = start().await;
    let prompts = [
        ("a", "hello"),
        ("b", "hello"),
        ("c", "日本の首都は?"),
        ("d", "한국의 수도는 어디입니까?"),
        ("e", ""),
    ];
    let lines = prompts.map(|(custom_id, prompt)| chat(custom_id, prompt));
    let output = results_of(&run(&server, &client, &lines).await.0);
    for (custom_id, prompt) in prompts {
        assert_eq!(text_of(result(&output, custom_id)), canary(SEED, custom_id, prompt));
    }
}

#[tokio::test]
async fn the_answer_may_be_the_question() {
    let server = frozen().answers(AnswerStyle::Echo).start().await.unwrap();
    let client = Client::new(&server);
    for prompt in ["日本の首都は?", "한국의 수도는 어디입니까?", "a \"quoted\"\nline\u{2028}\u{1f600}"]
    {
        let (output, _) = run(&server, &client, &[chat("a", prompt)]).await;
        assert_eq!(output.lines().count(), 1);
        assert_eq!(text_of(&results_of(&output)[0]), prompt);
    }
}

#[tokio::test]
async fn several_messages_make_one_prompt() {
    let (server, client) = start().await;
    let messages = json!([
        {"role": "system", "content": "너는 친절한 비서야."},
        {"role": "system", "content": "한 문장으로 답해."},
        {"role": "user", "content": "대한민국의 수도는?"},
    ]);
    let body = json!({"model": "gpt-3.5-turbo-0125", "messages": messages, "max_tokens": 1000});
    let (output, error) = run(&server, &client, &[line("request-1", CHAT, &body)]).await;
    assert_eq!(error, "");
    insta::assert_snapshot!(output);
}

#[tokio::test]
async fn the_usage_of_a_batch_is_the_sum_over_its_output() {
    let (server, client) = start().await;
    let mut lines = chats(7);
    lines.push(chat("cut~length", "a longer question than the others"));
    lines.push(chat("busy~429", "not counted"));
    let id = client.batch(&lines).await;
    for _ in 0..6 {
        let usage = client.retrieve(&id).await.json()["usage"].clone();
        assert_eq!((&usage["input_tokens"], &usage["total_tokens"]), (&json!(0), &json!(0)), "F-207");
        server.clock().advance_to_next_change().unwrap();
    }
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    let (output, _) = client.results(&id).await;
    let sum = |name: &str| -> u64 {
        results_of(&output).iter().map(|line| line["response"]["body"]["usage"][name].as_u64().unwrap()).sum()
    };
    assert!(sum("prompt_tokens") > 0 && sum("completion_tokens") > 0);
    assert_eq!(batch["usage"]["input_tokens"], sum("prompt_tokens"));
    assert_eq!(batch["usage"]["output_tokens"], sum("completion_tokens"));
    assert_eq!(batch["usage"]["total_tokens"], sum("total_tokens"));
}

#[tokio::test]
async fn a_line_is_answered_as_the_endpoint_answers() {
    let (server, client) = start().await;
    for (endpoint, body) in [
        (CHAT, chat_body("hello")),
        ("/v1/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"})),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": ["hello", "world"]})),
        ("/v1/responses", json!({"model": "gpt-4o-mini", "input": "hello"})),
        ("/v1/moderations", json!({"model": "omni-moderation-latest", "input": "hello"})),
    ] {
        let input = client.upload_lines(&[line("a", endpoint, &body)]).await;
        let id = client.create(&input, endpoint).await.id();
        server.clock().advance(seconds(4)).unwrap();
        let batch = client.retrieve(&id).await.json();
        let (output, error) = client.results(&id).await;
        assert_eq!(error, "", "{endpoint}");
        let in_batch = &results_of(&output)[0]["response"]["body"];
        let synchronous = client.post(endpoint.strip_prefix("/v1").unwrap(), &body).await;
        assert_eq!(synchronous.status, StatusCode::OK);
        let synchronous = synchronous.json();
        // F-355. The shape as text, since equal maps may differ in the order of their keys.
        assert_eq!(shape(in_batch).to_string(), shape(&synchronous).to_string(), "{endpoint}");

        let usage = &in_batch["usage"];
        let read = usage.get("prompt_tokens").or(usage.get("input_tokens")).and_then(Value::as_u64);
        assert_eq!(batch["usage"]["input_tokens"].as_u64(), read.or(Some(0)), "{endpoint}");
    }
}

#[tokio::test]
async fn the_model_of_a_batch_is_the_dated_one_and_comes_with_the_first_line() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    assert_eq!(client.retrieve(&id).await.json()["model"], Value::Null, "F-204");
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["model"], "gpt-4o-mini-2024-07-18");
    server.clock().advance(seconds(3)).unwrap();
    let (output, _) = client.results(&id).await;
    assert_eq!(results_of(&output)[0]["response"]["body"]["model"], "gpt-4o-mini-2024-07-18");
}

// Synchronous endpoints

#[tokio::test]
async fn synchronous_answers_have_the_form_of_their_endpoints() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for (path, body) in [
        ("/chat/completions", chat_body("日本の首都は?")),
        ("/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"})),
        ("/embeddings", json!({"model": "text-embedding-3-small", "input": "hello", "dimensions": 4})),
        ("/responses", json!({"model": "gpt-4o-mini", "input": "hello"})),
        ("/moderations", json!({"model": "omni-moderation-latest", "input": "hello"})),
    ] {
        transcript.add(path, &client.post(path, &body).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn what_synchronous_endpoints_refuse() {
    let (_server, client) = start().await;
    let with = |name: &str, value: Value| {
        let mut body = chat_body("hello");
        body[name] = value;
        body
    };
    let mut transcript = Transcript::default();
    for (title, body) in [
        ("a list of requests", json!({"model": "gpt-3.5-turbo", "batch_requests": [chat_body("hello")]})),
        ("a list of requests beside messages (F-031)", with("batch_requests", json!([]))),
        ("streaming, which the mock cannot", with("stream", json!(true))),
        ("an unknown model", with("model", json!("nonexistent-model-xyz"))),
        ("no model", json!({"messages": []})),
    ] {
        transcript.add(title, &client.post("/chat/completions", &body).await);
    }
    let broken = client.send(reqwest::Method::POST, "/chat/completions", None, b"{broken".to_vec()).await;
    transcript.add("no JSON (F-024)", &broken);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn models_can_be_listed_and_looked_up() {
    let (_server, client) = start().await;
    let models = client.get("/models").await;
    assert_eq!(models.status, StatusCode::OK);
    let models = models.json();
    for model in models["data"].as_array().unwrap() {
        let name = model["id"].as_str().unwrap();
        assert_eq!(client.get(&format!("/models/{name}")).await.json(), *model);
    }
    insta::assert_snapshot!(client.get("/models/nonexistent-model-xyz").await);
}
