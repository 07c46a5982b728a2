//! Output and error files: F-350 to F-366, F-454, F-502, F-503, F-510.

use std::fmt::Write as _;

use batchmock::switches::{LineRequestId, ResultText, ServerErrorText, Switches};
use batchmock::{AnswerStyle, LineRules, MockServer};
use serde_json::{Value, json};

use crate::support::{
    CHAT, Client, chat, chat_body, chats, custom_ids, days, frozen, line, results_of, seconds,
    slower_than_the_window, start,
};

/// Runs lines to their end and gives both files.
async fn run(lines: &[String], endpoint: &str, switches: Switches) -> (String, String) {
    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let input = client.upload_lines(lines).await;
    let id = client.create(&input, endpoint).await.id();
    server.clock().advance(seconds(4)).unwrap();
    client.results(&id).await
}

/// The only line of the output of one request.
async fn answer(endpoint: &str, body: &Value) -> Value {
    let (output, error) = run(&[line("a", endpoint, body)], endpoint, Switches::default()).await;
    assert_eq!(error, "", "{endpoint}");
    results_of(&output).remove(0)
}

/// The only line of the error file of one request with this name.
async fn refused(custom_id: &str, switches: Switches) -> String {
    let (output, error) = run(&[chat(custom_id, "hello")], CHAT, switches).await;
    assert_eq!((output.as_str(), error.lines().count()), ("", 1));
    error
}

/// What Python's `json.dumps` writes for a value: `, ` and `: ` between, everything outside ASCII escaped.
fn dumps(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let pair = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), dumps(value));
            format!("{{{}}}", object.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(dumps).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(c),
            c => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| write!(quoted, "\\u{unit:04x}").expect("a String takes any text")),
        }
    }
    quoted + "\""
}

/// A batch of four lines that was cancelled after ten hours, with one done, or expired, with two.
async fn ended_early(cancels: bool) -> (MockServer, Client, String) {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(4)).await;
    server.clock().advance(seconds(10 * 3_600 + 1)).unwrap();
    if cancels {
        client.cancel(&id).await;
    }
    server.clock().advance(days(1)).unwrap();
    (server, client, id)
}

/// The time in the id of a result line.
fn time_of(line: &Value) -> i64 {
    let digits = line["id"].as_str().unwrap().strip_prefix("batch_req_").unwrap();
    i64::from_str_radix(&digits[..8], 16).unwrap()
}

#[tokio::test]
async fn f_350_lines_have_the_form_of_the_recorded_files() {
    let lines = [
        chat("one", "What is 2+2?"),
        chat("猫", "猫?"),
        chat("three~400", "\"\\\u{7f}"),
        chat("four~timeout", "x"),
    ];
    let (output, error) = run(&lines, CHAT, Switches::default()).await;
    for file in [&output, &error] {
        assert_eq!(file.lines().count(), 2);
        let rewritten: String = results_of(file).iter().map(|line| dumps(line) + "\n").collect();
        assert_eq!(*file, rewritten, "separators, escapes, a final line end, no blank line");
        for line in results_of(file) {
            assert_eq!(
                line.as_object().unwrap().keys().collect::<Vec<_>>(),
                ["id", "custom_id", "response", "error"]
            );
            if let Some(response) = line["response"].as_object() {
                assert_eq!(response.keys().collect::<Vec<_>>(), ["status_code", "request_id", "body"]);
            }
        }
    }
}

#[tokio::test]
async fn f_351_what_is_not_ascii_is_escaped_unless_the_switch_says_otherwise() {
    let (output, _) = run(&[chat("猫\u{1f431}", "x")], CHAT, Switches::default()).await;
    assert!(output.is_ascii() && output.contains(r#""custom_id": "\u732b\ud83d\udc31""#), "{output}");
    let raw = Switches { result_text: ResultText::Raw, ..Switches::default() };
    let (output, _) = run(&[chat("猫\u{1f431}", "x")], CHAT, raw).await;
    assert!(output.contains("\"custom_id\": \"猫\u{1f431}\""), "{output}");
}

#[tokio::test]
async fn f_352_error_is_for_what_is_no_answer_and_has_one_of_three_codes() {
    let mut codes = Vec::new();
    for cancels in [false, true] {
        let (_server, client, id) = ended_early(cancels).await;
        codes.extend(results_of(&client.results(&id).await.1));
    }
    codes.extend(results_of(&refused("slow~timeout", Switches::default()).await));
    let mut codes: Vec<_> = codes
        .iter()
        .map(|line| {
            assert_eq!(line["response"], Value::Null);
            assert_eq!(line["error"].as_object().unwrap().keys().collect::<Vec<_>>(), ["code", "message"]);
            assert!(!line["error"]["message"].as_str().unwrap().is_empty());
            line["error"]["code"].as_str().unwrap().to_owned()
        })
        .collect();
    codes.dedup();
    assert_eq!(codes, ["batch_expired", "batch_cancelled", "request_timeout"]);
}

#[tokio::test]
async fn f_353_ids_have_the_form_of_batch_ids_and_the_time_of_finalizing() {
    let (server, client) = start().await;
    let id = client.batch(&chats(50)).await;
    server.clock().advance(seconds(4)).unwrap();
    let finalizing_at = client.retrieve(&id).await.json()["finalizing_at"].as_i64().unwrap();
    let lines = results_of(&client.results(&id).await.0);
    for line in &lines {
        let digits = line["id"].as_str().unwrap().strip_prefix("batch_req_").unwrap();
        assert_eq!(digits.len(), 32);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        assert_eq!(u16::from_str_radix(&digits[8..12], 16).unwrap() & 0b11, 0);
        assert!(["8190", "8191"].contains(&&digits[12..16]) && "89ab".contains(&digits[16..17]), "{digits}");
        // Not the time at which the line ran.
        assert!((0..=1).contains(&(time_of(line) - finalizing_at)), "F-502: or one second later");
    }
    assert!(lines.iter().any(|line| time_of(line) == finalizing_at));
}

#[tokio::test]
async fn f_502_ids_are_of_the_first_two_seconds_of_finalizing_and_do_not_rise() {
    let (server, client) = start().await;
    let id = client.batch(&chats(50)).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    let lines = results_of(&client.results(&id).await.0);
    for at in ["finalizing_at", "completed_at"] {
        let seconds = batch[at].as_i64().unwrap();
        assert!(lines.iter().any(|line| time_of(line) == seconds), "{at}");
    }
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert!(!ids.is_sorted(), "in the order of the file");
    let by_input = |n: usize| lines.iter().find(|line| line["custom_id"] == format!("a-{n}")).unwrap();
    let ids: Vec<_> = (1..=50).map(|n| by_input(n)["id"].as_str().unwrap()).collect();
    assert!(!ids.is_sorted(), "in the order of the input");
}

#[tokio::test]
async fn f_354_request_ids_are_dashed_uuids_and_were_32_digits_before() {
    for (form, lengths) in [(LineRequestId::Uuid, &[8, 4, 4, 4, 12][..]), (LineRequestId::Hex, &[32][..])] {
        let switches = Switches { line_request_id: form, ..Switches::default() };
        let (output, error) = run(&[chat("a", "x"), chat("b~500", "y")], CHAT, switches).await;
        for line in [results_of(&output), results_of(&error)].concat() {
            let id = line["response"]["request_id"].as_str().unwrap();
            assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), lengths, "{id}");
            assert!(
                id.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            );
        }
    }
}

#[tokio::test]
async fn f_355_a_success_is_the_answer_of_the_endpoint() {
    let body = json!({"model": "gpt-5-nano", "input": "hello"});
    let line = answer("/v1/responses", &body).await;
    assert_eq!((&line["response"]["status_code"], &line["error"]), (&json!(200), &Value::Null));
    let response = &line["response"]["body"];
    assert!(response["billing"].is_object() && response["usage"].is_object(), "{response:#}");
    assert_eq!((&response["service_tier"], &response["metadata"]), (&json!("default"), &json!({})));

    let (_server, client) = start().await;
    let synchronous = client.post("/responses", &body).await.json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(response), keys(&synchronous));

    let body = json!({"model": "text-embedding-3-small", "input": "hello"});
    let embedding = answer("/v1/embeddings", &body).await["response"]["body"].clone();
    assert_eq!(keys(&embedding), ["object", "data", "model", "usage"]);
    assert_eq!(embedding, client.post("/embeddings", &body).await.json(), "what is not drawn is the same");
}

#[tokio::test]
async fn f_356_a_refused_line_has_a_response_with_the_error_in_its_body() {
    let error = refused("long~400", Switches::default()).await;
    let line = results_of(&error).remove(0);
    let (id, request_id) = (line["id"].as_str().unwrap(), line["response"]["request_id"].as_str().unwrap());
    // How many tokens there are is made up.
    let message = "This model's maximum context length is 128000 tokens. However, your messages resulted in \
                   130000 tokens. Please reduce the length of the messages.";
    assert_eq!(
        error,
        format!(
            "{{\"id\": \"{id}\", \"custom_id\": \"long~400\", \"response\": {{\"status_code\": 400, \
             \"request_id\": \"{request_id}\", \"body\": {{\"error\": {{\"message\": \"{message}\", \"type\": \
             \"invalid_request_error\", \"param\": \"messages\", \"code\": \
             \"context_length_exceeded\"}}}}}}, \"error\": null}}\n"
        )
    );

    let line = results_of(&refused("poor~quota", Switches::default()).await).remove(0);
    assert_eq!((&line["response"]["status_code"], &line["error"]), (&json!(429), &Value::Null));
    let message = "You exceeded your current quota, please check your plan and billing details. For more \
                   information on this error, read the docs: \
                   https://platform.openai.com/docs/guides/error-codes/api-errors.";
    let body = json!({"error": {
        "message": message, "type": "insufficient_quota", "param": null, "code": "insufficient_quota",
    }});
    assert_eq!(line["response"]["body"].to_string(), body.to_string());
}

#[tokio::test]
async fn f_357_an_expired_line_has_these_bytes() {
    let (_server, client, id) = ended_early(false).await;
    let (_, error) = client.results(&id).await;
    assert_eq!(error.lines().count(), 2);
    for line in error.lines() {
        let read: Value = serde_json::from_str(line).unwrap();
        let (id, custom_id) = (read["id"].as_str().unwrap(), read["custom_id"].as_str().unwrap());
        assert_eq!(
            line,
            format!(
                "{{\"id\": \"{id}\", \"custom_id\": \"{custom_id}\", \"response\": null, \"error\": {{\"code\": \
                 \"batch_expired\", \"message\": \"This request could not be executed before the completion \
                 window expired.\"}}}}"
            )
        );
    }
}

/// The output of eight lines, of which some are broken, and their counts.
async fn broken() -> (String, Value) {
    let server = frozen().scenario("stuck-and-nasty:broken-lines").start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(8)).await;
    server.clock().advance(seconds(4)).unwrap();
    (client.results(&id).await.0, client.retrieve(&id).await.json()["request_counts"].clone())
}

#[tokio::test]
async fn f_360_lines_can_have_status_0_while_the_counts_say_nothing() {
    let (output, counts) = broken().await;
    let status_0 = r#""response": {"status_code": 0, "request_id": "", "body": {}}, "error": null}"#;
    assert_eq!(output.matches(status_0).count(), 1, "{output}");
    assert_eq!(counts, json!({"total": 8, "completed": 8, "failed": 0}));
}

#[tokio::test]
async fn f_361_lines_can_be_no_json_and_still_tell_their_names() {
    let (output, _) = broken().await;
    let bad: Vec<_> = output.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).collect();
    assert_eq!(bad.len(), 2);
    assert!(bad.iter().all(|line| line.contains("\"custom_id\": \"a-")), "{bad:?}");
}

#[tokio::test]
async fn f_362_output_is_not_in_the_order_of_the_input() {
    for count in [2, 3, 20] {
        let (output, _) = run(&chats(count), CHAT, Switches::default()).await;
        let mut names = custom_ids(&output);
        let requested: Vec<_> = (1..=count).map(|n| format!("a-{n}")).collect();
        assert_ne!(names, requested);
        names.sort();
        let mut requested = requested;
        requested.sort();
        assert_eq!(names, requested, "each is there once");
    }
}

#[tokio::test]
async fn f_363_a_line_that_the_service_broke_says_sorry_and_the_batch_completes() {
    let (server, client) = start().await;
    let lines: Vec<_> =
        (0..69).map(|n| chat(&format!("a-{n}{}", if n < 9 { "~500" } else { "" }), "x")).collect();
    let id = client.batch(&lines).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({"total": 69, "completed": 60, "failed": 9}));
    let body = json!({"error": {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error",
        "param": null,
        "code": null,
    }});
    for line in results_of(&client.results(&id).await.1) {
        assert_eq!(line["response"]["status_code"], 500);
        assert_eq!(line["response"]["body"].to_string(), body.to_string());
    }
}

#[tokio::test]
async fn f_364_an_expired_batch_may_hold_lines_that_the_service_broke() {
    let switches = Switches { server_error_text: ServerErrorText::Retry, ..Switches::default() };
    let server = frozen().pace(slower_than_the_window()).switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let lines = ["a~500", "b~500", "c~500", "d~500"].map(|custom_id| chat(custom_id, "x"));
    let id = client.batch(&lines).await;
    server.clock().advance(days(2)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "expired");
    assert_eq!(batch["request_counts"], json!({"total": 4, "completed": 0, "failed": 2}));
    let (broken, expired): (Vec<_>, Vec<_>) = results_of(&client.results(&id).await.1)
        .into_iter()
        .partition(|line| line["response"]["status_code"] == 500);
    assert_eq!((broken.len(), expired.len()), (2, 2));
    for line in broken {
        let message = line["response"]["body"]["error"]["message"].as_str().unwrap();
        let id = message
            .strip_prefix(
                "An error occurred while processing your request. You can retry your request, or contact us through \
                 our help center at help.openai.com if the error persists. Please include the request ID ",
            )
            .and_then(|rest| rest.strip_suffix(" in your message"))
            .unwrap_or_else(|| panic!("{message}"));
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
    assert!(expired.iter().all(|line| line["error"]["code"] == "batch_expired"));
}

#[tokio::test]
async fn f_365_videos_are_finished_objects_that_are_kept_a_day() {
    let line = answer("/v1/videos", &json!({"model": "sora-2", "prompt": "a cat"})).await;
    let video = &line["response"]["body"];
    assert_eq!((&video["object"], &video["status"]), (&json!("video"), &json!("completed")));
    let time = |name: &str| video[name].as_i64().unwrap();
    assert_eq!(time("expires_at") - time("completed_at"), 86_400);
}

#[tokio::test]
async fn f_365_videos_may_also_end_as_failed_or_expired() {
    let rules = LineRules::from_toml(
        "[[line]]\ncustom_id = 'a'\nvideo = 'failed'\n[[line]]\ncustom_id = 'b'\nvideo = 'expired'",
    )
    .unwrap();
    let server = frozen().rules(rules).start().await.unwrap();
    let client = Client::new(&server);
    let body = json!({"model": "sora-2", "prompt": "a cat"});
    let lines = ["a", "b", "c"].map(|custom_id| line(custom_id, "/v1/videos", &body));
    let input = client.upload_lines(&lines).await;
    let id = client.create(&input, "/v1/videos").await.id();
    server.clock().advance(seconds(4)).unwrap();
    let (output, error) = client.results(&id).await;
    assert_eq!(error, "", "the request for a video was answered, whatever became of the video");
    let mut found: Vec<_> = results_of(&output)
        .iter()
        .map(|line| {
            let video = &line["response"]["body"];
            format!("{} {} {}", line["custom_id"], video["status"], video["error"]["code"])
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [r#""a" "failed" "moderation_blocked""#, r#""b" "expired" null"#, r#""c" "completed" null"#]
    );
}

#[tokio::test]
async fn f_365_image_and_video_lines_name_pictures_by_url_or_file() {
    for (endpoint, body, refused) in [
        (
            "/v1/images/edits",
            json!({"model": "gpt-image-1", "prompt": "a cat", "images": [{"file_id": "file-a"}]}),
            json!({"model": "gpt-image-1", "prompt": "a cat", "image": "bytes of a form"}),
        ),
        (
            "/v1/videos",
            json!({"model": "sora-2", "prompt": "a cat", "input_reference": {"image_url": "data:,"}}),
            json!({"model": "sora-2", "prompt": "a cat", "input_reference": "bytes of a form"}),
        ),
    ] {
        let (server, client) = start().await;
        let input = client.upload_lines(&[line("a", endpoint, &body), line("b", endpoint, &refused)]).await;
        let id = client.create(&input, endpoint).await.id();
        server.clock().advance(seconds(4)).unwrap();
        let (output, error) = client.results(&id).await;
        assert_eq!((output.lines().count(), error.lines().count()), (1, 1), "{endpoint}: {error}");
        assert_eq!(results_of(&error)[0]["response"]["status_code"], 400);
    }
}

#[tokio::test]
async fn f_365_moderations_with_stream_are_refused() {
    let (server, client) = start().await;
    let body = json!({"model": "omni-moderation-latest", "input": "hello", "stream": true});
    let input = client.upload_lines(&[line("a", "/v1/moderations", &body)]).await;
    let id = client.create(&input, "/v1/moderations").await.id();
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "failed");
    let error = &batch["errors"]["data"][0];
    assert_eq!((&error["code"], &error["param"]), (&json!("streaming_unsupported"), &json!("body.stream")));
}

#[tokio::test]
async fn f_366_lines_have_the_documented_keys() {
    let input = json!({"custom_id": "a", "method": "POST", "url": CHAT, "body": chat_body("hello")});
    let (output, _) = run(&[input.to_string()], CHAT, Switches::default()).await;
    let line = results_of(&output).remove(0);
    assert!(line["id"].is_string() && line["custom_id"] == "a" && line["error"].is_null());
    let response = &line["response"];
    assert!(
        response["status_code"].is_u64()
            && response["request_id"].is_string()
            && response["body"].is_object()
    );
    assert_eq!(line.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn f_367_images_are_data_or_where_to_find_them_by_their_model() {
    let image = |model: &'static str| async move {
        answer("/v1/images/generations", &json!({"model": model, "prompt": "a cat", "n": 1})).await["response"]
            ["body"]["data"][0]
            .clone()
    };
    assert!(image("gpt-image-1").await["b64_json"].is_string());
    assert!(image("dall-e-2").await["url"].is_string());
    let by_url = image("dall-e-3").await;
    assert_eq!((by_url["url"].is_string(), &by_url["revised_prompt"]), (true, &json!("a cat")));
}

#[tokio::test]
async fn f_367_every_endpoint_gives_its_own_body_and_the_usage_of_the_batch_is_their_sum() {
    let image = json!({"image_url": "data:image/png;base64,iVBORw0KGgo="});
    for (endpoint, keys, body) in [
        (
            "/v1/images/generations",
            "created background data output_format quality size usage",
            json!({"model": "gpt-image-1", "prompt": "a cat"}),
        ),
        (
            "/v1/images/edits",
            "created background data output_format quality size usage",
            json!({"model": "gpt-image-1", "prompt": "a cat", "images": [image]}),
        ),
        ("/v1/moderations", "id model results", json!({"model": "omni-moderation-latest", "input": "hello"})),
        (
            "/v1/completions",
            "id object created model choices usage",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}),
        ),
        (CHAT, "id object created model choices usage service_tier system_fingerprint", chat_body("hello")),
        ("/v1/responses", "", json!({"model": "gpt-4o-mini", "input": "hello"})),
        (
            "/v1/embeddings",
            "object data model usage",
            json!({"model": "text-embedding-3-small", "input": ["a", "b"]}),
        ),
    ] {
        let (server, client) = start().await;
        let lines = ["a", "b", "c"].map(|custom_id| line(custom_id, endpoint, &body));
        let input = client.upload_lines(&lines).await;
        let id = client.create(&input, endpoint).await.id();
        server.clock().advance(seconds(4)).unwrap();
        let (output, _) = client.results(&id).await;
        let mut sums = [0; 3];
        for line in results_of(&output) {
            let body = &line["response"]["body"];
            if !keys.is_empty() {
                assert_eq!(
                    body.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" "),
                    keys,
                    "{endpoint}"
                );
            }
            let tokens =
                |names: [&str; 2]| names.iter().find_map(|name| body["usage"][*name].as_u64()).unwrap_or(0);
            sums[0] += tokens(["input_tokens", "prompt_tokens"]);
            sums[1] += tokens(["output_tokens", "completion_tokens"]);
            sums[2] += tokens(["total_tokens", "total_tokens"]);
        }
        let usage = client.retrieve(&id).await.json()["usage"].clone();
        let told =
            ["input_tokens", "output_tokens", "total_tokens"].map(|name| usage[name].as_u64().unwrap());
        assert_eq!(told, sums, "{endpoint}");
        assert_eq!(sums[0] > 0, endpoint != "/v1/moderations", "moderations tell no usage");
    }
}

#[tokio::test]
async fn f_454_line_separators_inside_strings_are_no_line_ends() {
    let prompt = "a\u{2028}b\u{2029}c\u{85}d";
    for (result_text, has_raw) in [(ResultText::Escaped, false), (ResultText::Raw, true)] {
        let switches = Switches { result_text, ..Switches::default() };
        let server = frozen().answers(AnswerStyle::Echo).switches(switches).start().await.unwrap();
        let client = Client::new(&server);
        let lines = [chat("one", prompt), chat("two", prompt)];
        assert!(lines[0].contains('\u{2028}'), "raw in the input");
        let id = client.batch(&lines).await;
        server.clock().advance(seconds(4)).unwrap();
        let (output, _) = client.results(&id).await;
        assert_eq!(output.contains(prompt), has_raw);
        let lines: Vec<_> = output.strip_suffix('\n').unwrap().split('\n').collect();
        assert_eq!(lines.len(), 2, "splitting at \\n alone is right");
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["response"]["body"]["choices"][0]["message"]["content"], prompt);
        }
    }
}

#[tokio::test]
async fn f_503_ids_of_a_response_hold_the_time_and_share_their_first_16_digits() {
    let body = json!({"model": "gpt-5-nano", "input": "hello"});
    let response = answer("/v1/responses", &body).await["response"]["body"].clone();
    let id = response["id"].as_str().unwrap().strip_prefix("resp_").unwrap();
    let created_at = response["created_at"].as_i64().unwrap();
    assert_eq!(id.len(), 16 + 2 + 8 + 24);
    assert_eq!(&id[16..26], format!("01{created_at:08x}"));
    assert!(id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    let items: Vec<_> =
        response["output"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let prefixes = [format!("rs_{}", &id[..16]), format!("msg_{}", &id[..16])];
    assert_eq!(items.len(), 2);
    for (item, prefix) in items.iter().zip(&prefixes) {
        assert!(item.starts_with(prefix), "{item} of {id}");
    }
}

#[tokio::test]
async fn f_510_error_is_null_in_lines_that_were_answered_with_an_error() {
    for custom_id in ["a~400", "b~429", "c~quota", "d~500"] {
        let line = refused(custom_id, Switches::default()).await;
        assert!(line.ends_with("}}}, \"error\": null}\n"), "{line}");
    }
}
