//! What validation finds: F-300 to F-322, F-452.

use batchmock::MockServer;
use batchmock::switches::{Switches, UrlProblem};
use serde_json::{Value, json};

use crate::support::{CHAT, Client, chat, chat_body, chats, frozen, line, seconds, start};

/// What a batch of these lines shows as `errors.data` once it has been validated.
async fn errors_of<L: AsRef<str>>(lines: &[L], endpoint: &str) -> Value {
    let (server, client) = start().await;
    let input = client.upload_lines(lines).await;
    let id = client.create(&input, endpoint).await.id();
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "failed", "{batch:#}");
    assert_eq!(batch["errors"]["object"], "list");
    batch["errors"]["data"].clone()
}

/// Holds a list of errors against what is expected, the order of keys included.
fn assert_errors(errors: &Value, expected: &[(&str, &str, Option<&str>, Option<u64>)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(code, message, param, line)| {
            json!({"code": code, "message": message, "param": param, "line": line})
        })
        .collect();
    assert_eq!(errors.to_string(), Value::from(expected).to_string());
}

/// The second of two lines has a body with these changes.
async fn errors_of_body(body: &Value) -> Value {
    errors_of(&[chat("good", "hello"), line("bad", CHAT, body)], CHAT).await
}

/// Lets a batch fail with what the mock says when it is told nothing: the queue of tokens is full.
async fn fail_for_tokens(server: &MockServer, client: &Client, id: &str) -> Value {
    let ending = format!("{}/_mock/v1/batches/{id}/ending", server.base_url().trim_end_matches("/v1"));
    let request = reqwest::Client::new().post(ending).bearer_auth(server.api_key());
    let forced = request.body(r#"{"status": "failed"}"#).send().await.unwrap();
    assert!(forced.status().is_success());
    client.retrieve(id).await.json()
}

const NOT_JSON: &str = "This line is not parseable as valid JSON.";
const DUPLICATE: &str = "The custom_id for this request is a duplicate of another request. The custom_id \
                         parameter must be unique for each request in a batch.";
const OTHER_URL: &str = "The URL provided for this request does not match the batch endpoint.";

#[tokio::test]
async fn f_300_a_line_that_is_no_json() {
    let errors = errors_of(&[chat("good", "hello"), "{broken".to_owned()], CHAT).await;
    assert_errors(&errors, &[("invalid_json_line", NOT_JSON, None, Some(2))]);
}

#[tokio::test]
async fn f_301_a_line_that_lacks_a_field() {
    for field in ["custom_id", "method", "url", "body"] {
        let mut bad = json!({"custom_id": "bad", "method": "POST", "url": CHAT, "body": chat_body("hello")});
        bad.as_object_mut().unwrap().shift_remove(field);
        let errors = errors_of(&[chat("good", "hello"), bad.to_string()], CHAT).await;
        let message = format!("Missing required parameter: '{field}'.");
        assert_errors(&errors, &[("missing_required_parameter", &message, Some(field), Some(2))]);
    }
}

#[tokio::test]
async fn f_302_a_custom_id_that_another_line_has() {
    let errors = errors_of(&[chat("same", "one"), chat("other", "two"), chat("same", "three")], CHAT).await;
    // The param is assumed.
    assert_errors(&errors, &[("duplicate_custom_id", DUPLICATE, Some("custom_id"), Some(3))]);
}

#[tokio::test]
async fn f_303_a_model_that_is_not_that_of_the_other_lines() {
    let mut body = chat_body("hello");
    body["model"] = json!("gpt-4o");
    // The code is observed; text and param are assumed.
    let message = "The model 'gpt-4o' for this request does not match the rest of the batch. Each batch must \
                   contain requests for a single model.";
    let errors = errors_of_body(&body).await;
    assert_errors(&errors, &[("mismatched_model", message, Some("body.model"), Some(2))]);
}

#[tokio::test]
async fn f_304_a_model_that_does_not_exist() {
    let mut body = chat_body("hello");
    body["model"] = json!("nonexistent-model-xyz");
    let message = "The provided model 'nonexistent-model-xyz' is not supported by the Batch API.";
    let errors = errors_of_body(&body).await;
    assert_errors(&errors, &[("model_not_found", message, Some("body.model"), Some(2))]);
}

#[tokio::test]
async fn f_305_a_url_that_is_not_the_endpoint() {
    let lines = [chat("good", "hello"), line("bad", "/v1/embeddings", &chat_body("hello"))];
    let errors = errors_of(&lines, CHAT).await;
    assert_errors(&errors, &[("invalid_url", OTHER_URL, Some("url"), Some(2))]);
}

#[tokio::test]
async fn f_306_a_line_that_wants_a_stream() {
    let mut body = chat_body("hello");
    body["stream"] = json!(true);
    let message = "Chat Completions: Streaming is not supported in the Batch API.";
    let errors = errors_of_body(&body).await;
    assert_errors(&errors, &[("streaming_unsupported", message, Some("body.stream"), Some(2))]);
}

#[tokio::test]
async fn f_307_a_line_without_a_model() {
    let errors = errors_of_body(&json!({"messages": [{"role": "user", "content": "hello"}]})).await;
    let message = "Model parameter is required.";
    assert_errors(&errors, &[("invalid_request", message, Some("body.model"), Some(2))]);
}

#[tokio::test]
async fn f_308_a_line_without_messages() {
    let errors = errors_of_body(&json!({"model": "gpt-4o-mini"})).await;
    let message = "Messages parameter is required.";
    assert_errors(&errors, &[("invalid_request", message, Some("body.messages"), Some(2))]);
}

#[tokio::test]
async fn f_309_an_input_that_cannot_be_found() {
    let (server, client) = start().await;
    let id = client.create("file-abc", CHAT).await.id();
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await;
    let organization = batch.header("openai-organization").unwrap();
    let message =
        format!("Cannot find file file-abc, or organization {organization} does not have access to it.");
    let errors = &batch.json()["errors"]["data"];
    assert_errors(errors, &[("invalid_request", &message, Some("file_id"), None)]);
}

#[tokio::test]
async fn f_310_a_queue_of_tokens_that_is_full() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let organization = client.retrieve(&id).await.header("openai-organization").unwrap().to_owned();
    let batch = fail_for_tokens(&server, &client, &id).await;
    let message = format!(
        "Enqueued token limit reached for gpt-4o-mini in organization {organization}. Limit: 2,000,000 enqueued \
         tokens. Please try again once some in_progress batches have been completed."
    );
    assert_errors(&batch["errors"]["data"], &[("token_limit_exceeded", &message, None, None)]);
}

#[tokio::test]
async fn all_errors_are_told_together_in_line_order_one_a_line() {
    // The sentence above the table of F-300 to F-312.
    let lines = [
        "{broken".to_owned(),
        chat("good", "hello"),
        line("elsewhere", "/v1/embeddings", &json!({"stream": true})),
        chat("good", "again"),
        "no JSON".to_owned(),
    ];
    // The first line must be JSON, or the upload is refused.
    let lines = [vec![chat("first", "hello")], lines.to_vec()].concat();
    assert_errors(
        &errors_of(&lines, CHAT).await,
        &[
            ("invalid_json_line", NOT_JSON, None, Some(2)),
            ("invalid_url", OTHER_URL, Some("url"), Some(4)),
            ("duplicate_custom_id", DUPLICATE, Some("custom_id"), Some(5)),
            ("invalid_json_line", NOT_JSON, None, Some(6)),
        ],
    );
}

#[tokio::test]
async fn f_320_one_bad_line_fails_the_whole_batch() {
    let (server, client) = start().await;
    let mut streaming = chat_body("hello");
    streaming["stream"] = json!(true);
    let id = client.batch(&[chats(9), vec![line("bad", CHAT, &streaming)]].concat()).await;
    server.clock().advance(seconds(60)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!((&batch["status"], &batch["in_progress_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(batch["request_counts"], json!({"total": 0, "completed": 0, "failed": 0}));
    assert_eq!((&batch["output_file_id"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn f_321_other_faults_of_a_body_pass_validation_and_refuse_their_line() {
    let (server, client) = start().await;
    let with = |name: &str, value: Value| {
        let mut body = chat_body("hello");
        body[name] = value;
        body
    };
    let schema = json!({"type": "json_schema", "json_schema": {"schema": {}}});
    let lines = [
        chat("good", "hello"),
        line("role", CHAT, &with("messages", json!([{"role": "wizard", "content": "hello"}]))),
        line("schema", CHAT, &with("response_format", schema)),
        chat("tokens~400", "a prompt that is too long"),
    ];
    let id = client.batch(&lines).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({"total": 4, "completed": 1, "failed": 3}));
    let (_, error) = client.results(&id).await;
    assert_eq!(error.matches("\"status_code\": 400").count(), 3, "{error}");
}

#[tokio::test]
async fn f_322_a_full_queue_is_found_in_validation_and_not_at_create() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let created = client.create(&input, CHAT).await;
    assert_eq!((created.status.as_u16(), &created.json()["status"]), (200, &json!("validating")));
    let batch = fail_for_tokens(&server, &client, &created.id()).await;
    assert_eq!((&batch["status"], &batch["in_progress_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(batch["errors"]["data"][0]["code"], "token_limit_exceeded");
}

#[tokio::test]
async fn f_324_azure_calls_a_wrong_url_a_mismatch() {
    let switches = Switches { url_problem: UrlProblem::UrlMismatch, ..Switches::default() };
    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&[line("a", "/v1/embeddings", &chat_body("hello"))]).await;
    server.clock().advance(seconds(1)).unwrap();
    let errors = &client.retrieve(&id).await.json()["errors"]["data"];
    assert_errors(errors, &[("url_mismatch", OTHER_URL, Some("url"), Some(1))]);
}

#[tokio::test]
async fn f_452_lines_for_responses_match_a_batch_for_responses_and_no_other() {
    let responses = "/v1/responses";
    let body = json!({"model": "gpt-4o-mini", "input": "hello"});
    let errors = errors_of(&[line("a", responses, &body)], CHAT).await;
    assert_errors(&errors, &[("invalid_url", OTHER_URL, Some("url"), Some(1))]);
    // Since support reached the endpoint.
    let (server, client) = start().await;
    let input = client.upload_lines(&[line("a", responses, &body)]).await;
    let id = client.create(&input, responses).await.id();
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "completed");
}
