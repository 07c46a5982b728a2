//! Uploads: files that come in parts.

use batchmock::Limits;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, CHAT, Client, Form, chats, frozen, seconds, start};

const HOUR: i64 = 3_600;

pub(crate) fn upload_of(purpose: &str, bytes: usize) -> Value {
    json!({"filename": "requests.jsonl", "purpose": purpose, "bytes": bytes, "mime_type": "application/jsonl"})
}

pub(crate) async fn begin(client: &Client, purpose: &str, bytes: usize) -> String {
    let answer = client.post("/uploads", &upload_of(purpose, bytes)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    answer.id()
}

pub(crate) async fn add(client: &Client, upload: &str, bytes: impl AsRef<[u8]>) -> Answer {
    let headers = "Content-Disposition: form-data; name=\"data\"; filename=\"upload\"\r\n\
                   Content-Type: application/octet-stream";
    let body = Form::new().part(headers, bytes).body();
    let path = format!("/uploads/{upload}/parts");
    client.send(Method::POST, &path, Some(&Form::content_type()), body).await
}

pub(crate) async fn complete(client: &Client, upload: &str, part_ids: &[String]) -> Answer {
    client.post(&format!("/uploads/{upload}/complete"), &json!({ "part_ids": part_ids })).await
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn assert_refused(answer: &Answer, message: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer}");
    let error = &answer.json()["error"];
    assert_eq!(
        (error["message"].as_str(), error["type"].as_str()),
        (Some(message), Some("invalid_request_error"))
    );
}

fn is_timed_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[tokio::test]
async fn f_150_an_upload_needs_a_name_a_purpose_a_length_and_a_type() {
    let (_server, client) = start().await;
    let whole = upload_of("batch", 10);
    for field in ["filename", "purpose", "bytes", "mime_type"] {
        let mut lacking = whole.clone();
        lacking.as_object_mut().unwrap().remove(field);
        assert_refused(
            &client.post("/uploads", &lacking).await,
            &format!("'{field}' is a required property"),
        );
    }
    let mut strange = whole;
    strange["colour"] = json!("red");
    let message = "Additional properties are not allowed ('colour' was unexpected)";
    assert_refused(&client.post("/uploads", &strange).await, message);
    for purpose in ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"] {
        begin(&client, purpose, 1).await;
    }
    let wrong = client.post("/uploads", &upload_of("batch_output", 1)).await;
    assert_refused(
        &wrong,
        "'batch_output' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
    );
}

#[tokio::test]
async fn f_151_an_upload_may_have_8_gb_in_parts_of_64_mb() {
    let (_server, client) = start().await;
    let most = 8 * 1024 * 1024 * 1024_usize;
    begin(&client, "user_data", most).await;
    let answer = client.post("/uploads", &upload_of("user_data", most + 1)).await;
    assert_refused(&answer, "8589934593 is greater than the maximum of 8589934592 - 'bytes'");

    let limits = Limits { part_bytes: 4, upload_bytes: 10, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    let upload = begin(&client, "user_data", 8).await;
    assert_refused(&add(&client, &upload, "12345").await, "File is too large.");
    for _ in 0..2 {
        assert_eq!(add(&client, &upload, "1234").await.status, StatusCode::OK);
    }
    assert_refused(&add(&client, &upload, "1234").await, "File is too large.");
}

#[tokio::test]
async fn f_151_an_upload_expires_after_an_hour() {
    let (server, client) = start().await;
    let upload = begin(&client, "user_data", 1).await;
    let part = add(&client, &upload, "a").await.id();
    server.clock().advance(seconds(3_599)).unwrap();
    assert_eq!(add(&client, &upload, "b").await.status, StatusCode::OK);
    server.clock().advance(seconds(1)).unwrap();
    let message = format!("Upload {upload} has status 'expired', and takes no parts any more.");
    assert_refused(&add(&client, &upload, "c").await, &message);
    assert_refused(&complete(&client, &upload, &[part]).await, &message);
    assert_refused(&client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await, &message);
}

#[tokio::test]
async fn f_151_parts_may_come_at_once_and_are_ordered_at_the_end() {
    let (_server, client) = start().await;
    let upload = begin(&client, "fine-tune", 6).await;
    let (a, b, c) =
        tokio::join!(add(&client, &upload, "ab"), add(&client, &upload, "cd"), add(&client, &upload, "ef"));
    let file = complete(&client, &upload, &[c.id(), a.id(), b.id()]).await.json();
    let content = client.content(file["file"]["id"].as_str().unwrap()).await;
    assert_eq!(content.text(), "efabcd");
}

#[tokio::test]
async fn f_152_an_upload_is_pending_completed_cancelled_or_expired() {
    let (_server, client) = start().await;
    let status = |answer: Answer| answer.json()["status"].as_str().map(str::to_owned);
    assert_eq!(status(client.post("/uploads", &upload_of("batch", 1)).await).as_deref(), Some("pending"));
    let upload = begin(&client, "user_data", 1).await;
    let part = add(&client, &upload, "a").await.id();
    assert_eq!(status(complete(&client, &upload, &[part]).await).as_deref(), Some("completed"));
    let upload = begin(&client, "user_data", 1).await;
    let cancelled = client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await;
    assert_eq!(status(cancelled).as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn f_153_a_pending_upload_has_eight_keys_and_an_hour() {
    let (_server, client) = start().await;
    let answer = client.post("/uploads", &upload_of("batch", 10)).await;
    let upload = answer.json();
    let expected = ["id", "object", "bytes", "created_at", "filename", "purpose", "status", "expires_at"];
    assert_eq!(keys(&upload), expected);
    assert_eq!(upload["object"], "upload");
    let [created_at, expires_at] = ["created_at", "expires_at"].map(|at| upload[at].as_i64().unwrap());
    assert_eq!(expires_at, created_at + HOUR);
    assert!(answer.text().ends_with("}\n") && answer.text().starts_with("{\n  \"id\""), "{answer}");
}

#[tokio::test]
async fn f_154_a_completed_upload_shows_its_file_which_is_as_old_as_it_is() {
    let (server, client) = start().await;
    let upload = client.post("/uploads", &upload_of("fine-tune", 8)).await.json();
    let id = upload["id"].as_str().unwrap();
    server.clock().advance(seconds(100)).unwrap();
    let part = add(&client, id, "{\"a\": 1}").await.id();
    let answer = complete(&client, id, &[part]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let completed = answer.json();
    let file = &completed["file"];
    assert_eq!(keys(&completed).last(), Some(&"file"));
    assert_eq!(file["created_at"], upload["created_at"]);
    assert_eq!((&file["expires_at"], &file["bytes"]), (&Value::Null, &json!(8)));
    assert_eq!((&file["filename"], &file["purpose"]), (&upload["filename"], &upload["purpose"]));
    let listed = client.get(&format!("/files/{}", file["id"].as_str().unwrap())).await.json();
    assert_eq!(listed, *file);
}

#[tokio::test]
async fn f_155_a_cancelled_upload_has_no_file() {
    let (_server, client) = start().await;
    let upload = begin(&client, "batch", 10).await;
    let path = format!("/uploads/{upload}/cancel");
    let cancelled = client.post(&path, &json!({})).await;
    assert_eq!(cancelled.status, StatusCode::OK);
    assert_eq!(cancelled.json()["status"], "cancelled");
    assert_eq!(keys(&cancelled.json()).last(), Some(&"expires_at"));
    // That it may be cancelled again is assumed.
    assert_eq!(client.post(&path, &json!({})).await.json(), cancelled.json());
}

#[tokio::test]
async fn f_156_a_part_is_the_data_of_a_form() {
    let (_server, client) = start().await;
    let upload = begin(&client, "batch", 10).await;
    let part = add(&client, &upload, "{}").await.json();
    assert_eq!(keys(&part), ["id", "object", "created_at", "upload_id"]);
    assert_eq!((&part["object"], &part["upload_id"]), (&json!("upload.part"), &json!(upload)));
    let body = Form::new().field("date", "{}").body();
    let path = format!("/uploads/{upload}/parts");
    let answer = client.send(Method::POST, &path, Some(&Form::content_type()), body).await;
    assert_refused(&answer, "'data' is a required property");
}

#[tokio::test]
async fn f_157_ids_of_uploads_and_parts_have_32_hexadecimal_digits() {
    let (_server, client) = start().await;
    let upload = begin(&client, "batch", 10).await;
    assert!(is_timed_id(&upload, "upload_"), "{upload}");
    let parts = [add(&client, &upload, "a").await.id(), add(&client, &upload, "a").await.id()];
    assert!(parts.iter().all(|part| is_timed_id(part, "part_")), "{parts:?}");
    assert_ne!(parts[0], parts[1]);
}

#[tokio::test]
async fn f_158_the_parts_must_have_the_length_and_the_checksum_that_were_announced() {
    let (_server, client) = start().await;
    let upload = begin(&client, "user_data", 5).await;
    let parts = [add(&client, &upload, "he").await.id(), add(&client, &upload, "llo").await.id()];
    assert_refused(
        &complete(&client, &upload, &parts[..1]).await,
        "The parts have 2 bytes in all, but the upload was begun with 'bytes' 5.",
    );
    let path = format!("/uploads/{upload}/complete");
    let wrong = json!({"part_ids": parts, "md5": "0"});
    assert_refused(
        &client.post(&path, &wrong).await,
        "The MD5 checksum of the parts is '5d41402abc4b2a76b9719d911017c592', which is not 'md5'.",
    );
    let right = json!({"part_ids": parts, "md5": "5D41402ABC4B2A76B9719D911017C592"});
    assert_eq!(client.post(&path, &right).await.status, StatusCode::OK);
}

#[tokio::test]
async fn f_159_nothing_is_added_to_an_upload_that_has_ended() {
    let (_server, client) = start().await;
    let upload = begin(&client, "user_data", 1).await;
    let part = add(&client, &upload, "a").await.id();
    let unknown = complete(&client, &upload, &["part_0".to_owned()]).await;
    assert_refused(&unknown, "No such Upload Part object: part_0");
    complete(&client, &upload, std::slice::from_ref(&part)).await;
    let message = format!("Upload {upload} has status 'completed', and takes no parts any more.");
    assert_refused(&add(&client, &upload, "b").await, &message);
    assert_refused(&complete(&client, &upload, &[part]).await, &message);
    assert_refused(&client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await, &message);
    for path in ["parts", "complete", "cancel"] {
        let body = json!({"part_ids": []});
        let answer = client.post(&format!("/uploads/upload_0/{path}"), &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer}");
        assert_eq!(answer.message(), "No such Upload object: upload_0");
    }
}

#[tokio::test]
async fn f_161_a_file_for_a_batch_is_checked_when_it_is_completed() {
    let (_server, client) = start().await;
    let prose = "this is no JSONL";
    let upload = begin(&client, "batch", prose.len()).await;
    let part = add(&client, &upload, prose).await.id();
    let answer = complete(&client, &upload, &[part]).await;
    assert_refused(&answer, "Invalid file format for Batch API. Must be .jsonl");
}

#[tokio::test]
async fn a_batch_runs_on_a_file_whose_lines_go_across_parts() {
    let (server, client) = start().await;
    let input = chats(20).join("\n");
    let upload = begin(&client, "batch", input.len()).await;
    let mut parts = Vec::new();
    for piece in input.as_bytes().chunks(100) {
        parts.push(add(&client, &upload, piece).await.id());
    }
    let file = complete(&client, &upload, &parts).await.json();
    let batch = client.create(file["file"]["id"].as_str().unwrap(), CHAT).await.id();
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&batch).await.json();
    assert_eq!(batch["request_counts"], json!({"total": 20, "completed": 20, "failed": 0}));
}
