//! Creating, retrieving and listing batches.

use batchmock::switches::{MissingInput, Switches};
use batchmock::{Limits, MockServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Answer, CHAT, Client, chat, chat_body, chats, frozen, line, new_batch, seconds, start, top_keys,
};

/// What creates a batch, with some fields changed; a field that is to be null is left out.
fn with(input: &str, changes: &Value) -> Value {
    let mut body = new_batch(input, CHAT);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().shift_remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

/// Creates a batch with such a body for an input that is there.
pub(super) async fn create_with(changes: Value) -> Answer {
    let (_server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    client.post("/batches", &with(&input, &changes)).await
}

fn assert_refused(answer: &Answer, status: u16, message: &str, param: Option<&str>, code: Option<&str>) {
    assert_eq!(answer.status, status, "{answer}");
    let error = json!({"message": message, "type": "invalid_request_error", "param": param, "code": code});
    // As text, since equal maps may differ in the order of their keys.
    assert_eq!(answer.json()["error"].to_string(), error.to_string());
}

/// A server with so many batches of one line, and their ids, oldest first.
pub(super) async fn with_batches(count: usize) -> (MockServer, Client, Vec<String>) {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(client.create(&input, CHAT).await.id());
    }
    (server, client, ids)
}

fn ids_of(page: &Answer) -> Vec<String> {
    let id = |batch: &Value| batch["id"].as_str().unwrap().to_owned();
    page.json()["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn f_230_three_parameters_are_required_and_two_are_optional() {
    for required in ["input_file_id", "endpoint", "completion_window"] {
        let answer = create_with(json!({ required: null })).await;
        let message = format!("Missing required parameter: '{required}'.");
        assert_refused(&answer, 400, &message, Some(required), Some("missing_required_parameter"));
    }
    let expiry = json!({"anchor": "created_at", "seconds": 3_600});
    let answer = create_with(json!({"metadata": {"a": "b"}, "output_expires_after": expiry})).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn f_231_all_eight_endpoints_are_accepted_and_their_lines_run() {
    let (server, client) = start().await;
    let image = json!({"image_url": "data:image/png;base64,iVBORw0KGgo="});
    for (endpoint, body) in [
        ("/v1/responses", json!({"model": "gpt-4o-mini", "input": "hello"})),
        (CHAT, chat_body("hello")),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": "hello"})),
        ("/v1/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"})),
        ("/v1/moderations", json!({"model": "omni-moderation-latest", "input": "hello"})),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "prompt": "a cat"})),
        ("/v1/images/edits", json!({"model": "gpt-image-1", "prompt": "a cat", "images": [image]})),
        ("/v1/videos", json!({"model": "sora-2", "prompt": "a cat"})),
    ] {
        let input = client.upload_lines(&[line("a", endpoint, &body)]).await;
        let created = client.create(&input, endpoint).await;
        assert_eq!(created.status, StatusCode::OK, "{created}");
        assert_eq!(created.json()["endpoint"], endpoint);
        server.clock().advance(seconds(4)).unwrap();
        let batch = client.retrieve(&created.id()).await.json();
        assert_eq!(batch["status"], "completed", "{batch:#}");
        let (output, error) = client.results(&created.id()).await;
        assert_eq!((output.lines().count(), error.as_str()), (1, ""), "{endpoint}");
    }
}

#[tokio::test]
async fn f_232_a_batch_with_an_unknown_input_is_created_and_fails() {
    let (server, client) = start().await;
    let created = client.create("file-none", CHAT).await;
    assert_eq!((created.status, &created.json()["status"]), (StatusCode::OK, &json!("validating")));
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&created.id()).await;
    let organization = batch.header("openai-organization").unwrap();
    let message =
        format!("Cannot find file file-none, or organization {organization} does not have access to it.");
    assert_eq!(
        batch.json()["errors"]["data"].to_string(),
        json!([{"code": "invalid_request", "message": message, "param": "file_id", "line": null}])
            .to_string()
    );
}

#[tokio::test]
async fn f_232_a_batch_with_an_unknown_input_was_refused_in_2024() {
    let switches = Switches { missing_input: MissingInput::RefusesCreate, ..Switches::default() };
    let server = frozen().switches(switches).start().await.unwrap();
    let answer = Client::new(&server).create("file-none", CHAT).await;
    let project = answer.header("openai-project").unwrap();
    assert!(project.starts_with("proj_"));
    let message = format!("Cannot find file file-none, or project {project} does not have access to it.");
    assert_refused(&answer, 400, &message, Some("file_id"), None);
}

#[tokio::test]
async fn f_234_a_bad_endpoint_is_refused_with_those_there_are() {
    let answer = create_with(json!({"endpoint": "/v1/invalid"})).await;
    // The recordings end with moderations; where the newer ones stand is assumed.
    let message = "Invalid value: '/v1/invalid'. Supported values are: '/v1/chat/completions', \
                   '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/moderations', \
                   '/v1/images/generations', '/v1/images/edits', and '/v1/videos'.";
    assert_refused(&answer, 400, message, Some("endpoint"), Some("invalid_value"));
}

#[tokio::test]
async fn f_235_another_completion_window_is_refused() {
    for window in ["1h", "48h", "invalid", ""] {
        let answer = create_with(json!({ "completion_window": window })).await;
        // The text is assumed.
        let message = format!("Invalid value: '{window}'. Supported values are: '24h'.");
        assert_refused(&answer, 400, &message, Some("completion_window"), Some("invalid_value"));
    }
}

#[tokio::test]
async fn f_236_the_completion_window_is_24h() {
    let answer = create_with(json!({"completion_window": "24h"})).await;
    assert_eq!((answer.status, &answer.json()["completion_window"]), (StatusCode::OK, &json!("24h")));
}

#[tokio::test]
async fn f_237_result_files_may_be_kept_an_hour_to_30_days() {
    for (anchor, lasts, status) in [
        ("created_at", 3_600, 200),
        ("created_at", 2_592_000, 200),
        ("created_at", 3_599, 400),
        ("created_at", 2_592_001, 400),
        ("now", 3_600, 400),
    ] {
        let expiry = json!({"anchor": anchor, "seconds": lasts});
        let answer = create_with(json!({ "output_expires_after": expiry })).await;
        assert_eq!(answer.status, status, "{expiry}: {answer}");
    }
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let expiry = json!({"anchor": "created_at", "seconds": 7_200});
    let body = with(&input, &json!({ "output_expires_after": expiry }));
    let id = client.post("/batches", &body).await.id();
    server.clock().advance(seconds(4)).unwrap();
    let output = client.retrieve(&id).await.json()["output_file_id"].as_str().unwrap().to_owned();
    let file = client.get(&format!("/files/{output}")).await.json();
    assert_eq!(file["expires_at"].as_i64().unwrap(), file["created_at"].as_i64().unwrap() + 7_200);
}

#[tokio::test]
async fn f_238_a_new_batch_is_validating_and_has_two_times() {
    let batch = create_with(json!({})).await.json();
    assert_eq!(batch["status"], "validating");
    let times: Vec<_> = batch
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| key.ends_with("_at") && !value.is_null())
        .map(|(key, _)| key)
        .collect();
    assert_eq!(times, ["created_at", "expires_at"]);
}

#[tokio::test]
async fn f_239_a_batch_has_50_000_lines_and_50_000_embedding_inputs_and_one_model() {
    let limits = Limits::default();
    assert_eq!((limits.batch_lines, limits.batch_embedding_inputs), (50_000, 50_000));

    // The same limits, lower.
    let limits = Limits { batch_lines: 2, batch_embedding_inputs: 3, ..limits };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    let embedding = |custom_id: &str, texts: &[&str]| {
        line(custom_id, "/v1/embeddings", &json!({"model": "text-embedding-3-small", "input": texts}))
    };
    let other_model =
        line("b", CHAT, &json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}));
    for (endpoint, lines, status) in [
        (CHAT, chats(2), "in_progress"),
        (CHAT, chats(3), "failed"),
        (CHAT, vec![chat("a", "x"), other_model], "failed"),
        ("/v1/embeddings", vec![embedding("a", &["x", "y"]), embedding("b", &["z"])], "in_progress"),
        ("/v1/embeddings", vec![embedding("a", &["x", "y"]), embedding("b", &["z", "z"])], "failed"),
    ] {
        let input = client.upload_lines(&lines).await;
        let id = client.create(&input, endpoint).await.id();
        server.clock().advance(seconds(1)).unwrap();
        assert_eq!(client.retrieve(&id).await.json()["status"], status, "{lines:?}");
    }
}

// Retrieving and listing

#[tokio::test]
async fn f_241_a_batch_that_does_not_exist_is_a_404() {
    let (_server, client) = start().await;
    let id = "batch_00000000000081908000000000000000";
    for answer in [client.retrieve(id).await, client.cancel(id).await] {
        assert_refused(&answer, 404, &format!("No batch found with id '{id}'."), None, None);
    }
}

#[tokio::test]
async fn f_242_a_list_has_1_to_100_batches_and_20_unless_asked() {
    let (_server, client, ids) = with_batches(101).await;
    for (query, size) in [("", 20), ("?limit=1", 1), ("?limit=100", 100), ("?order=asc&status=failed", 20)] {
        let page = ids_of(&client.get(&format!("/batches{query}")).await);
        let newest_first: Vec<_> = ids.iter().rev().take(size).cloned().collect();
        assert_eq!(page, newest_first, "{query}: there is no order and no filter");
    }
    let page = ids_of(&client.get(&format!("/batches?limit=2&after={}", ids[50])).await);
    assert_eq!(page, [ids[49].clone(), ids[48].clone()]);
}

#[tokio::test]
async fn f_243_a_list_shows_the_newest_first_in_the_recorded_envelope() {
    let (_server, client, ids) = with_batches(3).await;
    let page = client.get("/batches?limit=2").await;
    assert_eq!(top_keys(page.text()), ["object", "data", "first_id", "last_id", "has_more"]);
    assert_eq!(ids_of(&page), [ids[2].clone(), ids[1].clone()]);
    let json = page.json();
    assert_eq!((&json["object"], &json["has_more"]), (&json!("list"), &json!(true)));
    assert_eq!((&json["first_id"], &json["last_id"]), (&json!(ids[2]), &json!(ids[1])));
    let last = client.get(&format!("/batches?limit=2&after={}", ids[1])).await;
    assert_eq!((ids_of(&last), &last.json()["has_more"]), (vec![ids[0].clone()], &json!(false)));
}

#[tokio::test]
async fn f_244_limits_out_of_range_are_refused_and_zero_is_an_empty_page() {
    let (_server, client, _ids) = with_batches(1).await;
    let above = "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.";
    let below = "Invalid 'limit': integer below minimum value. Expected a value >= 0, but got -1 instead.";
    let refused = client.get("/batches?limit=101").await;
    assert_refused(&refused, 400, above, Some("limit"), Some("integer_above_max_value"));
    let refused = client.get("/batches?limit=-1").await;
    assert_refused(&refused, 400, below, Some("limit"), Some("integer_below_min_value"));
    let empty = client.get("/batches?limit=0").await;
    assert_eq!((empty.status, ids_of(&empty)), (StatusCode::OK, Vec::new()));
}

#[tokio::test]
async fn f_247_paging_by_the_last_id_of_the_data_meets_every_batch_once() {
    let (_server, client, ids) = with_batches(45).await;
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let page = client.get(&format!("/batches{query}")).await;
        let data = ids_of(&page);
        let Some(last) = data.last() else { break };
        query = format!("?after={last}");
        seen.extend(data);
        if page.json()["has_more"] == json!(false) {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, ids);
    // A client that asks once more finds nothing.
    let beyond = client.send(Method::GET, &format!("/batches?after={}", ids[0]), None, Vec::new()).await;
    assert_eq!((ids_of(&beyond), &beyond.json()["has_more"]), (Vec::new(), &json!(false)));
}
