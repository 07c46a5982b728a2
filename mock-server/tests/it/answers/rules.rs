//! Rules.

use batchmock::responder::canary;
use serde_json::{Value, json};

use super::{content, find, run, run_at, with_rules};
use crate::support::{SEED, Transcript, chat, chat_body, chats, line};

const RULES: &str = r#"
    [[line]]
    custom_id = "fixed"
    text = "Hello, {custom_id}."

    [[line]]
    prompt = "(?i)capital of (?<country>\\w+)"
    text = '{"country": "{country}", "asked": "{prompt}", "by": "{model}", "n": "{n}", "canary": "{canary}"}'

    [[line]]
    custom_id = "gone"
    status = 404
    error = { message = "no such thing as {custom_id}", code = "gone" }

    [[line]]
    custom_id = "busy"
    status = 503

    [[line]]
    custom_id = "whole"
    body = '''{"id": "own-{custom_id}", "choices": [{"message": {"content": "four five"}}], "none": null}'''

    [[line]]
    custom_id = "own-error"
    status = 422
    body = { detail = [{ msg = "wrong" }] }

    [[line]]
    custom_id = "tool"
    tool_call = { name = "lookup", arguments = { id = "{custom_id}" } }

    [[line]]
    custom_id = "no"
    refusal = "I would rather not."

    [[line]]
    custom_id = "filtered"
    text = "half a"
    finish_reason = "content_filter"
"#;

#[tokio::test]
async fn lines_get_what_their_rules_say() {
    let (server, client) = with_rules(RULES).await;
    let names = ["fixed", "gone", "busy", "whole", "own-error", "tool", "no", "filtered"];
    let mut lines: Vec<_> = names.iter().map(|name| chat(name, "hello")).collect();
    let question = "What is the capital of \"대한민국\"? The capital of 대한민국!";
    lines.push(chat("asked", question));
    let (counts, output, error) = run(&server, &client, &lines).await;
    assert_eq!(counts, json!({"total": 9, "completed": 6, "failed": 3}));
    assert_eq!((output.lines().count(), error.lines().count()), (6, 3));
    let find = |custom_id| find([&output, &error], custom_id);

    assert_eq!(content(&find("fixed")), "Hello, fixed.");
    let told: Value = serde_json::from_str(content(&find("asked")).as_str().unwrap()).unwrap();
    let expected = json!({
        "country": "대한민국", "asked": question, "by": "gpt-4o-mini", "n": "1",
        "canary": canary(SEED, "asked", question),
    });
    assert_eq!(told, expected, "what is filled in is escaped, and a pattern finds more than ASCII");

    let gone = &find("gone")["response"];
    assert_eq!(gone["status_code"], 404);
    let expected = json!({
        "message": "no such thing as gone", "type": "invalid_request_error", "param": null, "code": "gone",
    });
    assert_eq!(gone["body"]["error"], expected);
    let busy = &find("busy")["response"];
    assert_eq!((&busy["status_code"], &busy["body"]["error"]["type"]), (&json!(503), &json!("server_error")));

    let whole = &find("whole")["response"]["body"];
    let expected = json!({
        "id": "own-whole", "choices": [{"message": {"content": "four five"}}], "none": null,
        "usage": {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11},
    });
    assert_eq!(*whole, expected);
    let own = &find("own-error")["response"];
    assert_eq!(
        *own,
        json!({
            "status_code": 422, "request_id": own["request_id"], "body": {"detail": [{"msg": "wrong"}]},
        })
    );

    let choice = |custom_id| find(custom_id)["response"]["body"]["choices"][0].clone();
    let tool = choice("tool");
    assert_eq!(tool["finish_reason"], "tool_calls");
    let function = &tool["message"]["tool_calls"][0]["function"];
    assert_eq!(*function, json!({"name": "lookup", "arguments": "{\"id\":\"tool\"}"}));
    assert_eq!(choice("no")["message"]["refusal"], "I would rather not.");
    let filtered = choice("filtered");
    assert_eq!(
        (&filtered["finish_reason"], &filtered["message"]["content"]),
        (&json!("content_filter"), &json!("half a"))
    );
}

#[tokio::test]
async fn turns_are_counted_in_the_order_of_the_input() {
    let (server, client) = with_rules(
        "[[line]]\ncustom_id = '*'\nnth = 3\nstatus = 500\n\
         [[line]]\ncustom_id = '*'\nevery = 2\ntext = 'number {n}'",
    )
    .await;
    for _ in 0..2 {
        let (counts, output, error) = run(&server, &client, &chats(6)).await;
        assert_eq!(counts, json!({"total": 6, "completed": 5, "failed": 1}), "each batch counts by itself");
        let find = |custom_id| find([&output, &error], custom_id);
        assert_eq!(find("a-3")["response"]["status_code"], 500);
        assert_eq!(content(&find("a-2")), "number 2");
        assert_eq!(content(&find("a-6")), "number 6");
        assert_eq!(*content(&find("a-5")), canary(SEED, "a-5", "question 5"));
    }
}

#[tokio::test]
async fn turns_hold_in_batches_that_are_rendered_in_parts() {
    let (server, client) =
        with_rules("[[line]]\nprompt = 'question ([0-9]+)'\nevery = 7\ntext = '{n} is {1}'").await;
    let (counts, output, _) = run(&server, &client, &chats(1_500)).await;
    assert_eq!(counts["completed"], 1_500);
    let lines: std::collections::HashMap<_, _> = crate::support::results_of(&output)
        .into_iter()
        .map(|line| (line["custom_id"].as_str().unwrap().to_owned(), content(&line).clone()))
        .collect();
    for n in 1..=1_500 {
        let expected = if n % 7 == 0 {
            format!("{n} is {n}")
        } else {
            canary(SEED, &format!("a-{n}"), &format!("question {n}"))
        };
        assert_eq!(lines[&format!("a-{n}")], expected);
    }
}

#[tokio::test]
async fn the_order_is_name_then_rule_then_request() {
    let (server, client) =
        with_rules("[[line]]\ncustom_id = 'a*'\ntext = 'by rule'\n[[line]]\ncustom_id = 'b*'\nstatus = 429")
            .await;
    let bad =
        |custom_id| line(custom_id, "/v1/chat/completions", &json!({"model": "gpt-4o-mini", "messages": []}));
    let lines = [chat("a-1", "x"), chat("a-2~500", "x"), bad("a-3"), bad("b-1"), chat("c", "x")];
    let (counts, output, error) = run(&server, &client, &lines).await;
    assert_eq!(counts, json!({"total": 5, "completed": 2, "failed": 3}));
    let status = |custom_id| find([&output, &error], custom_id)["response"]["status_code"].clone();
    assert_eq!(content(&find([&output, &error], "a-1")), "by rule");
    assert_eq!(status("a-2~500"), 500, "the name comes before rules");
    assert_eq!(status("a-3"), 400, "what the endpoint refuses cannot succeed");
    assert_eq!(status("b-1"), 429, "but it can fail otherwise");
    assert_eq!(*content(&find([&output, &error], "c")), canary(SEED, "c", "x"));
}

#[tokio::test]
async fn rules_reach_every_endpoint() {
    let (server, client) = with_rules(
        "[[line]]\nendpoint = '/v1/responses'\ntext = 'from {model}'\n\
         [[line]]\nendpoint = '/v1/embeddings'\nprompt = 'bad'\nstatus = 400\n\
         [[line]]\nendpoint = '/v1/videos'\nprompt = 'cat'\nvideo = 'failed'\n\
         [[line]]\nendpoint = '/v1/images/*'\nnth = 2\nbody = { created = 7, data = [] }",
    )
    .await;
    let response =
        |custom_id, prompt| line(custom_id, "/v1/responses", &json!({"model": "gpt-4o", "input": prompt}));
    let (_, output, error) = run_at("/v1/responses", &server, &client, &[response("a", "hello")]).await;
    let a = find([&output, &error], "a");
    assert_eq!(a["response"]["body"]["output"][0]["content"][0]["text"], "from gpt-4o");

    let embedding = |custom_id, input| {
        line(
            custom_id,
            "/v1/embeddings",
            &json!({"model": "text-embedding-3-small", "input": [input, "and"]}),
        )
    };
    let lines = [embedding("a", "a bad text"), embedding("b", "a good text")];
    let (counts, _, error) = run_at("/v1/embeddings", &server, &client, &lines).await;
    assert_eq!(counts, json!({"total": 2, "completed": 1, "failed": 1}));
    assert!(error.contains("context_length_exceeded") && error.contains("\"param\": \"input\""), "{error}");

    let video = line("a", "/v1/videos", &json!({"model": "sora-2", "prompt": "a cat"}));
    let (counts, output, _) = run_at("/v1/videos", &server, &client, &[video]).await;
    assert_eq!(counts["completed"], 1, "the request for it was answered");
    assert_eq!(find([&output, ""], "a")["response"]["body"]["status"], "failed");

    let image = |custom_id| {
        line(custom_id, "/v1/images/generations", &json!({"model": "gpt-image-1", "prompt": "a cat"}))
    };
    let (_, output, _) = run_at("/v1/images/generations", &server, &client, &[image("a"), image("b")]).await;
    let body = |custom_id| find([&output, ""], custom_id)["response"]["body"].clone();
    assert_eq!(body("b")["created"], 7);
    assert_eq!(body("b")["usage"]["input_tokens"], 2, "a missing usage is filled in");
    assert_ne!(body("a")["created"], 7);
}

#[tokio::test]
async fn the_usage_of_a_batch_is_that_of_its_bodies() {
    let (server, client) = with_rules(
        "[[line]]\ncustom_id = 'a'\nbody = { usage = { prompt_tokens = 100, completion_tokens = 20, total_tokens = 120 } }\n\
         [[line]]\ncustom_id = 'b'\ntext = 'four five'",
    )
    .await;
    let id = client.batch(&[chat("a", "hello"), chat("b", "hello")]).await;
    server.clock().advance(crate::support::seconds(4)).unwrap();
    let usage = client.retrieve(&id).await.json()["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(108), &json!(23)));
}

#[tokio::test]
async fn calls_get_what_rules_say_and_take_their_turns() {
    let (_server, client) = with_rules(
        "[[line]]\ncustom_id = '*'\nstatus = 500\n\
         [[line]]\nprompt = 'hello'\nnth = 2\ntext = 'number {n} of {model}'\n\
         [[line]]\nprompt = 'teapot'\nstatus = 418\nerror = { message = 'short and stout' }\n\
         [[line]]\nprompt = 'slow'\noutcome = 'timeout'\n\
         [[line]]\nprompt = 'body'\nbody = { answer = '{n}' }\n\
         [[line]]\nmodel = 'nobody-has-it'\nstatus = 403",
    )
    .await;
    let ask = |prompt: &'static str| {
        let client = client.clone();
        async move { client.post("/chat/completions", &chat_body(prompt)).await }
    };
    let said = |answer: &crate::support::Answer| answer.json()["choices"][0]["message"]["content"].clone();
    assert_eq!(said(&ask("hello").await), canary(SEED, "", "hello"), "a call has no name");
    assert_eq!(said(&ask("hello again").await), "number 2 of gpt-4o-mini");
    assert_eq!(said(&ask("hello for good").await), canary(SEED, "", "hello for good"));
    let other = client.with_key("sk-other");
    let answer = other.post("/chat/completions", &chat_body("hello")).await;
    assert_eq!(said(&answer), canary(SEED, "", "hello"), "each world counts by itself");

    let mut transcript = Transcript::default();
    for prompt in ["teapot", "slow", "body"] {
        transcript.add(prompt, &ask(prompt).await);
    }
    let unknown = client.post("/chat/completions", &json!({"model": "nobody-has-it", "messages": []})).await;
    transcript.add("an error comes before what the endpoint refuses", &unknown);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_reset_begins_to_count_anew() {
    let (server, client) = with_rules("[[line]]\nmodel = '*'\nnth = 1\ntext = 'first'").await;
    let control = format!("{}/_mock/v1/reset", server.base_url().trim_end_matches("/v1"));
    for _ in 0..2 {
        let answer = client.post("/chat/completions", &chat_body("hello")).await;
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "first");
        let answer =
            reqwest::Client::new().post(&control).bearer_auth(server.api_key()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}
