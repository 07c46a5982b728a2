//! `/v1/batches`

use batchmock::switches::{MissingInput, Switches};
use batchmock::{Limits, ModelPolicy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Answer, BATCH_KEYS, CHAT, Client, Form, Transcript, chat, chat_body, chats, days, frozen, line,
    new_batch, seconds, slower_than_the_window, start,
};

fn status_of(batch: &Answer) -> String {
    batch.json()["status"].as_str().unwrap().to_owned()
}

/// Follows a batch from change to change until nothing comes any more.
async fn life(server: &batchmock::MockServer, client: &Client, id: &str) -> Transcript {
    let mut transcript = Transcript::default();
    let mut before = server.clock().now();
    loop {
        let now = server.clock().now();
        let passed = now.since(before).as_millis();
        before = now;
        let batch = client.retrieve(id).await;
        transcript.add(&format!("{passed} ms later"), &batch);
        if server.clock().advance_to_next_change().is_err() {
            return transcript;
        }
    }
}

// Lives

#[tokio::test]
async fn a_batch_that_completes_shows_all_its_states() {
    let (server, client) = start().await;
    let id =
        client.batch(&[chat("a", "one"), chat("b~429", "two"), chat("c", "three"), chat("d", "4")]).await;
    insta::assert_snapshot!(life(&server, &client, &id).await);
}

#[tokio::test]
async fn a_batch_that_fails_validation_shows_its_errors() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "one"), "{broken".to_owned()]).await;
    insta::assert_snapshot!(life(&server, &client, &id).await);
}

#[tokio::test]
async fn a_batch_that_expires_keeps_what_was_done() {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(4)).await;
    insta::assert_snapshot!(life(&server, &client, &id).await);
}

#[tokio::test]
async fn a_batch_that_is_cancelled_while_validating_never_ran() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let mut transcript = Transcript::default();
    transcript.add("cancel", &client.cancel(&id).await);
    insta::assert_snapshot!(format!("{transcript}{}", life(&server, &client, &id).await));
}

#[tokio::test]
async fn a_batch_that_is_cancelled_while_it_runs_keeps_what_was_done() {
    let (server, client) = start().await;
    let id = client.batch(&chats(4)).await;
    server.clock().advance(seconds(2)).unwrap();
    let mut transcript = Transcript::default();
    transcript.add("cancel", &client.cancel(&id).await);
    insta::assert_snapshot!(format!("{transcript}{}", life(&server, &client, &id).await));
}

#[tokio::test]
async fn a_batch_whose_lines_all_fail_completes_without_output() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a~400", "one"), chat("b~500", "two")]).await;
    server.clock().advance(days(1)).unwrap();
    insta::assert_snapshot!(client.retrieve(&id).await);
}

#[tokio::test]
async fn every_key_is_there_in_every_state() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    loop {
        let batch = client.retrieve(&id).await.json();
        let keys: Vec<_> = batch.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BATCH_KEYS);
        if server.clock().advance_to_next_change().is_err() {
            break;
        }
    }
}

// Creating

#[tokio::test]
async fn what_creates_a_batch_is_checked() {
    let (_server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let with = |changes: Value| {
        let mut body = new_batch(&input, CHAT);
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let without = |name: &str| {
        let mut body = new_batch(&input, CHAT);
        body.as_object_mut().unwrap().shift_remove(name);
        body
    };
    let expiry = |anchor: Value, seconds: Value| {
        with(json!({"output_expires_after": {"anchor": anchor, "seconds": seconds}}))
    };
    let pairs = |n: usize| (0..n).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>();

    let mut transcript = Transcript::default();
    for (title, body) in [
        ("no input_file_id (F-027)", without("input_file_id")),
        ("no endpoint", without("endpoint")),
        ("no completion_window", without("completion_window")),
        ("input_file_id of another type", with(json!({"input_file_id": 7}))),
        ("input_file_id null", with(json!({"input_file_id": null}))),
        ("endpoint of another type", with(json!({"endpoint": [CHAT]}))),
        ("completion_window of another type", with(json!({"completion_window": 24}))),
        ("unknown parameter", with(json!({"surprise": true}))),
        ("unknown endpoint (F-234)", with(json!({"endpoint": "/v1/invalid"}))),
        ("endpoint without /v1", with(json!({"endpoint": "/chat/completions"}))),
        ("another window (F-235)", with(json!({"completion_window": "48h"}))),
        ("no window at all", with(json!({"completion_window": ""}))),
        ("metadata of another type", with(json!({"metadata": "x"}))),
        ("metadata that is nested (F-029)", with(json!({"metadata": {"tags": ["a"]}}))),
        ("metadata with a number", with(json!({"metadata": {"n": 1}}))),
        ("metadata with a null", with(json!({"metadata": {"n": null}}))),
        ("17 pairs (F-210)", with(json!({"metadata": pairs(17)}))),
        ("a name of 65 characters", with(json!({"metadata": {"k".repeat(65): "x"}}))),
        ("a value of 513 characters", with(json!({"metadata": {"k": "가".repeat(513)}}))),
        ("expiry of another type", with(json!({"output_expires_after": 3_600}))),
        ("expiry without anchor", with(json!({"output_expires_after": {"seconds": 3_600}}))),
        ("expiry without seconds", with(json!({"output_expires_after": {"anchor": "created_at"}}))),
        ("expiry from another anchor", expiry(json!("now"), json!(3_600))),
        ("expiry too soon", expiry(json!("created_at"), json!(3_599))),
        ("expiry too late", expiry(json!("created_at"), json!(2_592_001))),
        ("expiry in words", expiry(json!("created_at"), json!("3600"))),
    ] {
        transcript.add(title, &client.post("/batches", &body).await);
    }
    insta::assert_snapshot!(transcript);
    assert_eq!(client.get("/batches").await.json()["data"], json!([]), "nothing was created");

    for body in [
        with(json!({"metadata": pairs(16)})),
        with(json!({"metadata": {"가".repeat(64): "나".repeat(512)}})),
        with(json!({"metadata": null, "output_expires_after": null})),
        expiry(json!("created_at"), json!(3_600)),
        expiry(json!("created_at"), json!(2_592_000)),
    ] {
        assert_eq!(client.post("/batches", &body).await.status, StatusCode::OK, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_creates_nothing() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for body in ["{broken", "[]", "\"text\"", "{} {}", ""] {
        let answer = client.send(Method::POST, "/batches", Some("application/json"), body.into()).await;
        transcript.add(&format!("{body:?}"), &answer);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_says() {
    let limits = Limits { json_bytes: 1_000, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let body = json!({"input_file_id": "x".repeat(1_000)});
    insta::assert_snapshot!(Client::new(&server).post("/batches", &body).await);
}

#[tokio::test]
async fn metadata_is_echoed_in_its_order() {
    let (_server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    for metadata in [json!({"z": "1", "a": "둘", "m": ""}), json!({}), Value::Null] {
        let mut body = new_batch(&input, CHAT);
        body["metadata"] = metadata.clone();
        let batch = client.post("/batches", &body).await;
        assert_eq!(batch.json()["metadata"].to_string(), metadata.to_string());
        let retrieved = client.retrieve(&batch.id()).await;
        assert_eq!(retrieved.text(), batch.text());
    }
}

#[tokio::test]
async fn every_endpoint_can_be_named() {
    let (server, client) = start().await;
    let small = json!({"model": "text-embedding-3-small", "input": "hello"});
    for (endpoint, body) in [
        (CHAT, chat_body("hello")),
        ("/v1/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"})),
        ("/v1/embeddings", small),
        ("/v1/responses", json!({"model": "gpt-4o-mini", "input": "hello"})),
        ("/v1/moderations", json!({"model": "omni-moderation-latest", "input": "hello"})),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "prompt": "a cat"})),
        ("/v1/videos", json!({"model": "sora-2", "prompt": "a cat"})),
    ] {
        let input = client.upload_lines(&[line("a", endpoint, &body)]).await;
        let id = client.create(&input, endpoint).await.id();
        server.clock().advance(seconds(4)).unwrap();
        let batch = client.retrieve(&id).await.json();
        assert_eq!(batch["status"], "completed", "{batch:#}");
        assert_eq!(batch["endpoint"], endpoint);
        assert_eq!(batch["request_counts"], json!({"total": 1, "completed": 1, "failed": 0}), "{endpoint}");
    }
}

#[tokio::test]
async fn a_batch_whose_input_cannot_be_found_fails() {
    let (server, client) = start().await;
    let deleted = client.upload_lines(&chats(1)).await;
    client.delete(&format!("/files/{deleted}")).await;
    let other_purpose = client.upload("vision", "a.jsonl", chats(1).concat()).await.id();
    let of_another = client.with_key("sk-another").upload_lines(&chats(1)).await;
    let finished = client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    let output = client.retrieve(&finished).await.json()["output_file_id"].as_str().unwrap().to_owned();

    let mut transcript = Transcript::default();
    for (title, input) in [
        ("unknown", "file-abc"),
        ("deleted", &deleted),
        ("of another purpose", &other_purpose),
        ("an output file", &output),
        ("of another account", &of_another),
    ] {
        let created = client.create(input, CHAT).await;
        assert_eq!(status_of(&created), "validating");
        server.clock().advance(seconds(1)).unwrap();
        transcript.add(title, &client.retrieve(&created.id()).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_batch_whose_input_cannot_be_found_may_be_refused_instead() {
    let switches = Switches { missing_input: MissingInput::RefusesCreate, ..Switches::default() };
    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let other_purpose = client.upload("vision", "a.jsonl", chats(1).concat()).await.id();
    let of_another = client.with_key("sk-another").upload_lines(&chats(1)).await;
    let mut transcript = Transcript::default();
    for (title, input) in
        [("unknown", "file-abc"), ("of another purpose", &other_purpose), ("of another account", &of_another)]
    {
        transcript.add(title, &client.create(input, CHAT).await);
    }
    insta::assert_snapshot!(transcript);
    assert_eq!(client.get("/batches").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_batch_fails_if_its_input_goes_while_it_is_validated() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let id = client.create(&input, CHAT).await.id();
    client.delete(&format!("/files/{input}")).await;
    assert_eq!(status_of(&client.retrieve(&id).await), "validating");
    server.clock().advance(seconds(1)).unwrap();
    insta::assert_snapshot!(client.retrieve(&id).await);
}

// Validating

#[tokio::test]
async fn all_bad_lines_are_told_together_in_line_order() {
    let (server, client) = start().await;
    let body = chat_body("hello");
    let id = client
        .batch(&[
            chat("good", "hello"),
            "{broken".to_owned(),
            json!({"method": "POST", "url": CHAT, "body": body}).to_string(),
            json!({"custom_id": "no-method", "url": CHAT, "body": body}).to_string(),
            json!({"custom_id": "no-url", "method": "POST", "body": body}).to_string(),
            json!({"custom_id": "no-body", "method": "POST", "url": CHAT}).to_string(),
            String::new(),
            chat("good", "again"),
            line("other-model", CHAT, &json!({"model": "gpt-4o", "messages": body["messages"]})),
            line("no-such-model", CHAT, &json!({"model": "nonexistent-model-xyz", "messages": []})),
            line("elsewhere", "/v1/embeddings", &body),
            line("nowhere", "/v1/nowhere", &body),
            line("streaming", CHAT, &json!({"model": "gpt-4o-mini", "messages": [], "stream": true})),
            line("no-model", CHAT, &json!({"messages": []})),
            line("no-messages", CHAT, &json!({"model": "gpt-4o-mini"})),
            json!({"custom_id": "get", "method": "GET", "url": CHAT, "body": body}).to_string(),
            json!({"custom_id": 17, "method": "POST", "url": CHAT, "body": body}).to_string(),
            "[]".to_owned(),
        ])
        .await;
    server.clock().advance(seconds(1)).unwrap();
    insta::assert_snapshot!(client.retrieve(&id).await);
}

#[tokio::test]
async fn limits_of_the_input_as_a_whole_are_told_without_a_line() {
    let limits = Limits { batch_lines: 2, batch_embedding_inputs: 2, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    let mut transcript = Transcript::default();
    let id = client.batch(&chats(3)).await;
    server.clock().advance(seconds(1)).unwrap();
    transcript.add("three lines", &client.retrieve(&id).await);

    let texts = json!({"model": "text-embedding-3-small", "input": ["x", "y", "z"]});
    let input = client.upload_lines(&[line("a", "/v1/embeddings", &texts)]).await;
    let id = client.create(&input, "/v1/embeddings").await.id();
    server.clock().advance(seconds(1)).unwrap();
    transcript.add("three texts", &client.retrieve(&id).await);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn any_model_will_do_if_the_server_is_told_so() {
    for (models, status) in [(ModelPolicy::Known, "failed"), (ModelPolicy::Any, "completed")] {
        let server = frozen().models(models).start().await.unwrap();
        let client = Client::new(&server);
        let body = json!({"model": "llama-9", "messages": [{"role": "user", "content": "hello"}]});
        let id = client.batch(&[line("a", CHAT, &body)]).await;
        server.clock().advance(seconds(4)).unwrap();
        assert_eq!(status_of(&client.retrieve(&id).await), status);
    }
}

// Listing

#[tokio::test]
async fn a_list_shows_the_newest_batch_first() {
    let (server, client) = start().await;
    let mut transcript = Transcript::default();
    transcript.add("no batch", &client.get("/batches").await);
    client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    client.batch(&chats(1)).await;
    transcript.add("two batches", &client.get("/batches").await);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_list_can_be_walked_to_its_end() {
    let (_server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let mut newest_first = Vec::new();
    for _ in 0..45 {
        newest_first.insert(0, client.create(&input, CHAT).await.id());
    }
    for (limit, sizes) in [("", vec![20, 20, 5]), ("limit=15", vec![15, 15, 15]), ("limit=100", vec![45])] {
        let (mut seen, mut pages) = (Vec::new(), Vec::new());
        let mut query = limit.to_owned();
        loop {
            let page = client.get(&format!("/batches?{query}")).await.json();
            let ids: Vec<_> =
                page["data"].as_array().unwrap().iter().map(|batch| batch["id"].clone()).collect();
            assert_eq!(page["first_id"], ids[0]);
            assert_eq!(page["last_id"], ids[ids.len() - 1]);
            pages.push(ids.len());
            seen.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
            if page["has_more"] == json!(false) {
                break;
            }
            query = format!("{limit}&after={}", seen.last().unwrap());
        }
        assert_eq!(seen, newest_first);
        assert_eq!(pages, sizes);
    }

    // The official clients ask once more, if they are told nothing of an end (F-247).
    let oldest = newest_first.last().unwrap();
    insta::assert_snapshot!(client.get(&format!("/batches?after={oldest}")).await);
}

#[tokio::test]
async fn query_parameters_of_a_list_are_checked() {
    let (_server, client) = start().await;
    client.batch(&chats(1)).await;
    let mut transcript = Transcript::default();
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=1.5",
        "limit=1&limit=2",
        "after=batch_unknown",
    ] {
        transcript.add(query, &client.get(&format!("/batches?{query}")).await);
    }
    insta::assert_snapshot!(transcript);
    for query in ["limit=100", "limit=", "after=", "surprise=1", "%FF=%FF"] {
        let page = client.get(&format!("/batches?{query}")).await;
        assert_eq!(page.json()["data"].as_array().map(Vec::len), Some(1), "{query}");
    }
}

// Retrieving and cancelling

#[tokio::test]
async fn a_batch_that_is_not_there_cannot_be_had_or_cancelled() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for id in ["batch_1", "batch-nonexistent-xyz", "invalid", "file-abc", "%FF", "batch_%2F"] {
        transcript.add(&format!("GET {id}"), &client.retrieve(id).await);
        transcript.add(&format!("cancel {id}"), &client.cancel(id).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn what_has_ended_otherwise_cannot_be_cancelled() {
    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&server);
    let mut transcript = Transcript::default();
    let failed = client.batch(&["{}"]).await;
    let expired = client.batch(&chats(2)).await;
    let completed = client.batch(&[chat("a", "hello")]).await;
    server.clock().advance(seconds(1)).unwrap();
    let ending = format!("{}/_mock/v1/batches/{completed}/ending", server.base_url().trim_end_matches("/v1"));
    let forced = reqwest::Client::new()
        .post(ending)
        .bearer_auth(server.api_key())
        .body(r#"{"status": "completed"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(forced.status(), StatusCode::OK);
    server.clock().advance(days(2)).unwrap();
    for (id, status) in [(&completed, "completed"), (&failed, "failed"), (&expired, "expired")] {
        let before = client.retrieve(id).await;
        assert_eq!(status_of(&before), status);
        transcript.add(status, &client.cancel(id).await);
        assert_eq!(client.retrieve(id).await.body, before.body);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn cancelling_again_changes_nothing() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let first = client.cancel(&id).await;
    assert_eq!(status_of(&first), "cancelling");
    server.clock().advance(std::time::Duration::from_millis(500)).unwrap();
    assert_eq!(client.cancel(&id).await.to_string(), first.to_string());
    server.clock().advance(std::time::Duration::from_millis(500)).unwrap();
    let cancelled = client.retrieve(&id).await;
    assert_eq!(status_of(&cancelled), "cancelled");
    let again = client.cancel(&id).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json(), cancelled.json());
}

#[tokio::test]
async fn cancelling_comes_too_late_once_the_lines_have_ended() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    server.clock().advance(seconds(3)).unwrap();
    let finalizing = client.retrieve(&id).await;
    assert_eq!(status_of(&finalizing), "finalizing");
    let answer = client.cancel(&id).await;
    assert_eq!(answer.status, StatusCode::OK, "assumed");
    assert_eq!(answer.json(), finalizing.json());
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(status_of(&client.retrieve(&id).await), "completed");
}

#[tokio::test]
async fn cancelling_needs_no_body_and_ignores_one() {
    let (_server, client) = start().await;
    for (content_type, body) in [
        (None, ""),
        (Some("application/json"), ""),
        (Some("application/json"), "{}"),
        (Some("application/json"), "{broken"),
        (Some("text/plain"), "please"),
    ] {
        let id = client.batch(&chats(1)).await;
        let path = format!("/batches/{id}/cancel");
        let answer = client.send(Method::POST, &path, content_type, body.into()).await;
        assert_eq!(status_of(&answer), "cancelling", "{content_type:?} {body}");
        // F-012: compact, without a final line end.
        assert_eq!(answer.text(), answer.json().to_string());
    }
}

#[tokio::test]
async fn layouts_are_those_of_the_recordings() {
    let (_server, client) = start().await;
    let form = Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "hello"));
    let file = client.upload_form(&form).await;
    let batch = client.create(&file.id(), CHAT).await;
    let indented = |answer: &Answer| serde_json::to_string_pretty(&answer.json()).unwrap();
    for answer in [
        file.clone(),
        client.get("/files").await,
        client.get("/files/none").await,
        client.delete(&format!("/files/{}", file.id())).await,
    ] {
        assert_eq!(answer.text(), indented(&answer) + "\n");
    }
    for answer in [
        batch.clone(),
        client.retrieve(&batch.id()).await,
        client.get("/batches").await,
        client.retrieve("batch_1").await,
    ] {
        assert_eq!(answer.text(), indented(&answer));
    }
}
