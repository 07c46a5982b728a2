//! What grows in a world, how far it may, and what is let go again.

use batchmock::{Limits, MockServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::limits::pour;
use super::wire::Bench;
use crate::support::{Answer, CHAT, Client, Form, chats, frozen, new_batch, seconds};

async fn start(limits: Limits) -> (MockServer, Client) {
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

/// A refusal of the mock itself, which leaves other worlds alone.
async fn assert_full(client: &Client, refused: &Answer, message: &str) {
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused}");
    assert_eq!(refused.message(), message);
    assert_eq!(refused.json()["error"]["type"], "server_error");
    let other = client.with_key(refused.header("x-request-id").unwrap());
    assert_eq!(other.upload("batch", "a", "{}").await.status, StatusCode::OK);
}

async fn reset(client: &Client) {
    let answer = client.send(Method::POST, "/../_mock/v1/reset", None, Vec::new()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
}

const QUOTA: &str = "You have exceeded your file storage quota. Organizations are limited to 1 KB of files. Please \
                     delete old files or attempt with a smaller file size.";

#[tokio::test]
async fn files_beyond_the_storage_quota_are_refused_until_others_are_deleted() {
    let (_server, client) = start(Limits { world_bytes: 1_000, ..Limits::default() }).await;
    let first = client.upload("vision", "a", [b'a'; 600]).await;
    assert_eq!(first.status, StatusCode::OK, "{first}");
    assert_eq!(
        client.upload("vision", "b", [b'b'; 400]).await.status,
        StatusCode::OK,
        "all of it may be used"
    );
    let refused = client.upload("vision", "c", [b'c'; 1]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused}");
    let error = &refused.json()["error"];
    assert_eq!((&error["message"], &error["type"]), (&json!(QUOTA), &json!("invalid_request_error")));
    assert_eq!((&error["param"], &error["code"]), (&json!(null), &json!(null)));
    let other = client.with_key("sk-of-another-world");
    assert_eq!(other.upload("vision", "a", [b'a'; 600]).await.status, StatusCode::OK);

    client.delete(&format!("/files/{}", first.id())).await;
    assert_eq!(client.upload("vision", "c", [b'c'; 600]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_quota_is_told_in_units_people_read() {
    for (world_bytes, told) in [(1_500_000, "1500 KB"), (3_000_000, "3 MB"), (1, "1 bytes"), (0, "0 bytes")] {
        let (_server, client) = start(Limits { world_bytes, ..Limits::default() }).await;
        let refused = client.upload("vision", "a", vec![b'a'; 4_000_000]).await;
        assert_eq!(refused.message(), QUOTA.replace("1 KB", told));
    }
}

#[tokio::test]
async fn results_take_of_the_quota_and_are_never_refused() {
    let input = chats(4);
    let n_bytes: usize = input.iter().map(|line| line.len() + 1).sum();
    let (server, client) = start(Limits { world_bytes: n_bytes as u64, ..Limits::default() }).await;
    let id = client.batch(&input).await;
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.results(&id).await.0.lines().count(), 4);
    let batch = client.retrieve(&id).await.json();
    let delete = async |key: &str| {
        let id = batch[key].as_str().unwrap();
        assert_eq!(client.delete(&format!("/files/{id}")).await.status, StatusCode::OK);
    };
    delete("input_file_id").await;
    let refused = client.upload("batch", "a", input.join("\n")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused}");
    delete("output_file_id").await;
    assert_eq!(client.upload("batch", "a", input.join("\n")).await.status, StatusCode::OK);
}

#[test]
fn an_upload_is_cut_off_when_the_quota_is_used_up() {
    // What nobody wants any more is still read, up to twice the longest file.
    let limits = Limits { batch_file_bytes: 2_000_000, file_bytes: 2_000_000, ..Limits::default() };
    let bench = Bench::start(frozen().limits(Limits { world_bytes: 1_000_000, ..limits }));
    let mut wire = bench.connect();
    let head = bench.head("POST", "/v1/files");
    let content_type = Form::content_type();
    let head = format!("{head}Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let form = Form::new().field("purpose", "vision").file("a", "a".repeat(100)).body();
    let begin = &form[..form.len() - 60];
    wire.send(head.as_bytes()).unwrap();
    wire.send(&[format!("{:x}\r\n", begin.len()).as_bytes(), begin, b"\r\n"].concat()).unwrap();
    pour(&mut wire, &vec![b' '; 100_000]);
    let answer = wire.answer("POST").unwrap();
    assert_eq!((answer.status, answer.message()), (400, QUOTA.replace("KB", "MB")));
    drop(wire);
    // What had come of it counts no more.
    bench.wait(async {
        while bench.client.upload("vision", "a", vec![b'a'; 900_000]).await.status != StatusCode::OK {}
    });
}

#[tokio::test]
async fn a_world_takes_no_more_files_than_it_may() {
    let (server, client) = start(Limits { world_files: 2, ..Limits::default() }).await;
    let id = client.batch(&chats(2)).await;
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.results(&id).await.0.lines().count(), 2, "files of batches are made all the same");
    let refused = client.upload("batch", "a", "{}").await;
    let message = "batchmock has 2 files in this world, and takes no more: delete some, or reset the world.";
    assert_full(&client, &refused, message).await;
    let files = client.get("/files").await.json();
    client.delete(&format!("/files/{}", files["data"][0]["id"].as_str().unwrap())).await;
    assert_eq!(client.upload("batch", "a", "{}").await.status, StatusCode::OK);
}

#[tokio::test]
async fn uploads_and_their_parts_are_files_among_others() {
    let (_server, client) = start(Limits { world_files: 2, world_bytes: 1_000, ..Limits::default() }).await;
    let message = "batchmock has 2 files in this world, and takes no more: delete some, or reset the world.";
    let new = |bytes: usize| json!({"filename": "a", "purpose": "vision", "bytes": bytes, "mime_type": "image/png"});
    let add = async |upload: &str, bytes: usize| {
        let head = "Content-Disposition: form-data; name=\"data\"; filename=\"d\"";
        let form = Form::new().part(head, vec![b'a'; bytes]);
        let path = format!("/uploads/{upload}/parts");
        client.send(Method::POST, &path, Some(&Form::content_type()), form.body()).await
    };
    let upload = client.post("/uploads", &new(600)).await.id();
    let refused = add(&upload, 1_001).await;
    assert_eq!((refused.status, refused.message().as_str()), (StatusCode::BAD_REQUEST, QUOTA));
    assert_eq!(add(&upload, 600).await.status, StatusCode::OK);
    assert_full(&client, &add(&upload, 1).await, message).await;
    assert_full(&client, &client.post("/uploads", &new(1)).await, message).await;
    assert_full(&client, &client.upload("vision", "a", "a").await, message).await;
    client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await;
    assert_eq!(client.upload("vision", "a", [b'a'; 1_000]).await.status, StatusCode::OK, "the part is gone");
}

#[tokio::test]
async fn a_world_takes_no_more_batches_than_it_may() {
    let (_server, client) = start(Limits { world_batches: 2, ..Limits::default() }).await;
    let input = client.upload_lines(&chats(2)).await;
    for _ in 0..2 {
        assert_eq!(client.create(&input, CHAT).await.status, StatusCode::OK);
    }
    let refused = client.create(&input, CHAT).await;
    let message =
        "batchmock has 2 batches in this world, and takes no more: reset the world, or use another key.";
    assert_full(&client, &refused, message).await;
    reset(&client).await;
    let input = client.upload_lines(&chats(2)).await;
    assert_eq!(client.create(&input, CHAT).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_world_keeps_no_more_lines_than_it_may() {
    let (server, client) = start(Limits { world_lines: 5, ..Limits::default() }).await;
    let message = "batchmock has 5 lines of batches in this world, and takes no more: delete files, reset the world, \
                   or use another key.";
    let ten_lines = "{}\n".repeat(10);
    assert_full(&client, &client.upload("batch", "a", &ten_lines).await, message).await;
    assert_eq!(
        client.upload("vision", "a", &ten_lines).await.status,
        StatusCode::OK,
        "they are no lines here"
    );

    let input = client.upload_lines(&chats(2)).await;
    let id = client.create(&input, CHAT).await.id();
    assert_full(&client, &client.create(&input, CHAT).await, message).await;
    server.clock().advance(seconds(4)).unwrap();
    assert_eq!(client.results(&id).await.0.lines().count(), 2);
    // Of the batch two lines are kept, and of its input none any more.
    client.delete(&format!("/files/{input}")).await;
    assert_eq!(client.upload("batch", "a", "{}\n".repeat(3)).await.status, StatusCode::OK);
    assert_full(&client, &client.upload("batch", "a", "{}").await, message).await;
}

#[tokio::test]
async fn a_world_remembers_no_more_deleted_models_than_it_may() {
    let (_server, client) = start(Limits { world_deleted_models: 1, ..Limits::default() }).await;
    assert_eq!(client.delete("/models/ft:gpt-4o-mini:a:b:c").await.status, StatusCode::OK);
    let refused = client.delete("/models/ft:gpt-4o-mini:a:b:d").await;
    let message = "batchmock has 1 deleted models in this world, and takes no more: reset the world.";
    assert_full(&client, &refused, message).await;
    assert_eq!(client.delete("/models/ft:gpt-4o-mini:a:b:c").await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/models/ft:gpt-4o-mini:a:b:d").await.status, StatusCode::OK, "it is still there");
}

#[tokio::test]
async fn an_id_and_a_name_have_a_length_that_is_enough() {
    let (_server, client) = start(Limits { form_field_bytes: 1_000, ..Limits::default() }).await;
    assert_eq!(client.create(&"i".repeat(512), CHAT).await.status, StatusCode::OK);
    let refused = client.post("/batches", &new_batch(&"i".repeat(513), CHAT)).await;
    assert_eq!(
        refused.message(),
        "Invalid 'input_file_id': string too long. Expected a string with maximum length 512, but got a string \
         with length 513 instead."
    );
    assert_eq!(client.upload("vision", &"n".repeat(1_000), "a").await.status, StatusCode::OK);
    let refused = client.upload("vision", &"n".repeat(1_001), "a").await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{refused}");
}
