//! The envelope of errors, and errors that many routes share.

use batchmock::Switches;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, CHAT, Client, chat, chats, frozen, new_batch, results_of, seconds, start};

/// A refusal of every kind, with its status.
async fn refusals() -> Vec<(u16, Answer)> {
    let (server, client) = start().await;
    let batch = client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    vec![
        (400, client.post("/batches", &json!({})).await),
        (400, client.upload("world_domination", "a.jsonl", "{}").await),
        (400, client.get("/batches?limit=101").await),
        (401, client.with_authorization(None).get("/batches").await),
        (401, client.with_authorization(None).get("/files").await),
        (403, client.delete("/models/gpt-4o-mini").await),
        (404, client.get("/files/none").await),
        (404, client.retrieve("batch_1").await),
        (404, client.get("/models/none").await),
        (404, client.get("/nowhere").await),
        (405, client.delete("/batches").await),
        (409, client.cancel(&batch).await),
    ]
}

/// Status, param, code and message of a refusal whose type is `invalid_request_error`.
fn refusal(answer: &Answer) -> (u16, Option<String>, Option<String>, String) {
    let error = &answer.json()["error"];
    assert_eq!(error["type"], "invalid_request_error", "{answer}");
    let text = |key: &str| error[key].as_str().map(str::to_owned);
    (answer.status.as_u16(), text("param"), text("code"), answer.message())
}

/// A refusal with status 400.
fn bad_request(
    param: Option<&str>,
    code: Option<&str>,
    message: &str,
) -> (u16, Option<String>, Option<String>, String) {
    (400, param.map(str::to_owned), code.map(str::to_owned), message.to_owned())
}

async fn create_with(client: &Client, name: &str, value: Value) -> Answer {
    let mut body = new_batch("file-abc", CHAT);
    body[name] = value;
    client.post("/batches", &body).await
}

#[tokio::test]
async fn f_020_an_error_has_four_keys_of_which_two_may_be_null() {
    for (status, answer) in refusals().await {
        assert_eq!(answer.status.as_u16(), status, "{answer}");
        let error = &answer.json()["error"];
        assert_eq!(error.as_object().unwrap().len(), 4, "{answer}");
        assert!(error["message"].is_string() && error["type"].is_string(), "{answer}");
        for key in ["param", "code"] {
            assert!(error[key].is_string() || error.get(key) == Some(&Value::Null), "{answer}");
        }
    }
}

#[tokio::test]
async fn f_021_an_error_says_message_type_param_and_code_in_this_order() {
    for (_, answer) in refusals().await {
        let text = answer.text();
        let places: Vec<_> = ["\"error\"", "\"message\"", "\"type\"", "\"param\"", "\"code\""]
            .iter()
            .map(|key| text.find(key).unwrap_or_else(|| panic!("no {key} in {answer}")))
            .collect();
        assert!(places.is_sorted(), "{answer}");
    }
}

#[tokio::test]
async fn f_022_errors_of_files_say_message_and_code_twice() {
    let (_server, client) = start().await;
    let expected = r#"{
  "error": {
    "message": "No such File object: fake_id",
    "type": "invalid_request_error",
    "param": "id",
    "code": null
  },
  "detail": {
    "message": "No such File object: fake_id",
    "code": null
  }
}
"#;
    assert_eq!(client.get("/files/fake_id").await.text(), expected);
    assert_eq!(client.retrieve("batch_1").await.json().get("detail"), None);

    let mut switches = Switches::default();
    switches.set("file-error-detail", "absent").unwrap();
    let server = frozen().switches(switches).start().await.unwrap();
    let (error, _) = expected.split_once(",\n  \"detail\"").unwrap();
    assert_eq!(Client::new(&server).get("/files/fake_id").await.text(), format!("{error}\n}}\n"));
}

#[tokio::test]
async fn f_023_an_error_has_a_status_that_the_sdks_tell_apart() {
    let mut statuses = std::collections::BTreeSet::new();
    for (_, answer) in refusals().await {
        // What they expose of the body.
        let error = answer.json()["error"].clone();
        assert!(["code", "param", "type"].iter().all(|key| error.get(key).is_some()), "{answer}");
        statuses.insert(answer.status.as_u16());
    }
    // 422, 429 and 500 are never answered as a whole; 405 is one that the SDKs have no class for.
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [400, 401, 403, 404, 405, 409]);
}

#[tokio::test]
async fn f_024_a_body_that_is_no_json_is_told_so_with_a_hint() {
    let (_server, client) = start().await;
    for path in ["/batches", "/chat/completions"] {
        let answer = client.send(Method::POST, path, Some("application/json"), b"{\"model\":".to_vec()).await;
        let message = "We could not parse the JSON body of your request. (HINT: This likely means you aren't \
                       using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was \
                       sent was not valid JSON. If you have trouble figuring out how to fix this, please \
                       contact us through our help center at help.openai.com.)";
        assert_eq!(refusal(&answer), bad_request(None, None, message), "{path}");
    }
}

#[tokio::test]
async fn f_025_an_unknown_path_is_an_invalid_url() {
    let (_server, client) = start().await;
    let answer = client.post("/chat/not-found", &json!({})).await;
    let message = "Invalid URL (POST /v1/chat/not-found)".to_owned();
    assert_eq!(refusal(&answer), (404, None, None, message));
}

#[tokio::test]
async fn f_026_a_wrong_method_is_a_405_that_says_which_are_allowed() {
    let (_server, client) = start().await;
    for (method, path, allowed) in [
        (Method::PUT, "/files", "GET,HEAD,POST"),
        (Method::POST, "/files/file-abc", "GET,HEAD,DELETE"),
        (Method::DELETE, "/batches", "GET,HEAD,POST"),
        (Method::GET, "/batches/batch_1/cancel", "POST"),
        (Method::POST, "/models/gpt-4o-mini", "GET,HEAD,DELETE"),
    ] {
        let answer = client.send(method.clone(), path, None, Vec::new()).await;
        let message = format!("Invalid method for URL ({method} /v1{path})");
        assert_eq!(refusal(&answer), (405, None, None, message));
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn f_027_a_missing_field_is_named() {
    let (_server, client) = start().await;
    for field in ["input_file_id", "endpoint", "completion_window"] {
        let mut body = new_batch("file-abc", CHAT);
        body.as_object_mut().unwrap().shift_remove(field);
        let answer = client.post("/batches", &body).await;
        let message = format!("Missing required parameter: '{field}'.");
        let expected = bad_request(Some(field), Some("missing_required_parameter"), &message);
        assert_eq!(refusal(&answer), expected);
    }
}

#[tokio::test]
async fn f_028_a_value_that_is_no_choice_is_told_the_choices() {
    let (_server, client) = start().await;
    let answer = create_with(&client, "endpoint", json!("/v1/invalid")).await;
    let (status, param, code, message) = refusal(&answer);
    assert_eq!((status, param.as_deref(), code.as_deref()), (400, Some("endpoint"), Some("invalid_value")));
    assert!(message.starts_with("Invalid value: '/v1/invalid'. Supported values are: '/v1/"), "{message}");
    let last = message.rsplit_once(", and '/v1/").unwrap_or_else(|| panic!("{message}")).1;
    assert!(last.ends_with("'."), "{message}");
}

#[tokio::test]
async fn f_029_a_value_of_a_wrong_type_is_told_both_types() {
    let (_server, client) = start().await;
    let answer = create_with(&client, "metadata", json!({"tags": ["a"]})).await;
    let message = "Invalid type for 'metadata.tags': expected a string, but got an array instead.";
    assert_eq!(refusal(&answer), bad_request(Some("metadata.tags"), Some("invalid_type"), message));
}

#[tokio::test]
async fn f_030_newer_endpoints_name_an_unknown_field() {
    let (_server, client) = start().await;
    let expected = bad_request(Some("quality"), Some("unknown_parameter"), "Unknown parameter: 'quality'.");
    let response = json!({"model": "gpt-4o-mini", "input": "hello", "quality": "high"});
    assert_eq!(refusal(&client.post("/responses", &response).await), expected);
    // Assumed for batches.
    assert_eq!(refusal(&create_with(&client, "quality", json!("high")).await), expected);
}

#[tokio::test]
async fn f_031_older_endpoints_do_not_recognize_an_unknown_field() {
    let (_server, client) = start().await;
    let message = "Unrecognized request argument supplied: quality";
    for (path, body) in [
        (
            "/chat/completions",
            json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}]}),
        ),
        ("/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"})),
    ] {
        let mut body = body;
        body["quality"] = json!("high");
        assert_eq!(refusal(&client.post(path, &body).await), bad_request(None, None, message), "{path}");
    }
}

#[tokio::test]
async fn f_032_a_number_out_of_range_is_told_the_bound() {
    let (_server, client) = start().await;
    assert_eq!(
        refusal(&client.get("/batches?limit=101").await),
        bad_request(
            Some("limit"),
            Some("integer_above_max_value"),
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead."
        )
    );
    assert_eq!(
        refusal(&client.get("/batches?limit=-1").await),
        bad_request(
            Some("limit"),
            Some("integer_below_min_value"),
            "Invalid 'limit': integer below minimum value. Expected a value >= 0, but got -1 instead."
        )
    );
    let body = json!({"model": "gpt-4o-mini", "input": "hello", "temperature": -1.5});
    let (_, param, code, _) = refusal(&client.post("/responses", &body).await);
    assert_eq!((param.as_deref(), code.as_deref()), (Some("temperature"), Some("decimal_below_min_value")));
}

#[tokio::test]
async fn f_033_an_id_must_begin_with_batch_and_no_more() {
    let (_server, client) = start().await;
    let message = "Invalid 'batch_id': 'invalid'. Expected an ID that begins with 'batch'.";
    for answer in [client.retrieve("invalid").await, client.cancel("invalid").await] {
        assert_eq!(refusal(&answer), bad_request(Some("batch_id"), Some("invalid_value"), message));
    }
    assert_eq!(client.retrieve("batch-nonexistent-xyz").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn f_034_a_repeated_query_parameter_is_refused() {
    let (_server, client) = start().await;
    let message = "Duplicate parameter: 'limit'. You provided multiple values for this parameter, whereas only \
                   one is allowed. If you are trying to provide a list of values, use the array syntax instead \
                   e.g. 'limit[]=<value>'.";
    for path in ["/files", "/batches"] {
        let answer = client.get(&format!("{path}?limit=1&limit=1")).await;
        assert_eq!(
            refusal(&answer),
            bad_request(Some("limit"), Some("duplicate_parameter"), message),
            "{path}"
        );
        let unknown = client.get(&format!("{path}?probe=1&probe=2")).await;
        assert_eq!(unknown.status, StatusCode::OK, "{path}");
    }
}

/// The error of a line whose `custom_id` asks for it, and the headers of an answer about its account.
async fn error_of_a_line(custom_id: &str) -> (Value, Answer) {
    let (server, client) = start().await;
    let batch = client.batch(&[chat(custom_id, "hello")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let (_, errors) = client.results(&batch).await;
    (results_of(&errors)[0]["response"]["body"]["error"].clone(), client.get("/batches").await)
}

#[tokio::test]
async fn f_035_a_rate_limit_on_tokens_names_model_account_and_numbers() {
    let (error, account) = error_of_a_line("a~429").await;
    let project = account.header("openai-project").unwrap();
    let organization = account.header("openai-organization").unwrap();
    let message = format!(
        "Rate limit reached for gpt-4o-mini in project {project} organization {organization} on tokens per min \
         (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s. Visit \
         https://platform.openai.com/account/rate-limits to learn more."
    );
    let expected =
        json!({"message": message, "type": "tokens", "param": null, "code": "rate_limit_exceeded"});
    assert_eq!(error, expected);
}

#[tokio::test]
async fn f_038_a_broken_server_is_sorry() {
    let (error, _) = error_of_a_line("a~500").await;
    let message = "The server had an error while processing your request. Sorry about that!";
    let expected = json!({"message": message, "type": "server_error", "param": null, "code": null});
    assert_eq!(error, expected);
}

#[tokio::test]
async fn f_042_a_409_of_a_cancel_is_the_same_each_time_it_is_tried() {
    let (server, client) = start().await;
    let batch = client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    let before = client.retrieve(&batch).await;
    let first = client.cancel(&batch).await;
    assert_eq!(first.status, StatusCode::CONFLICT);
    for _ in 0..2 {
        assert_eq!(client.cancel(&batch).await.to_string(), first.to_string());
    }
    assert_eq!(client.retrieve(&batch).await.body, before.body);
}
