//! What is recorded of requests and answers.

use std::time::Duration;

use batchmock::{JournalFilter, MockServer, Operation, Outcome, ReceivedRequest};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{CHAT, Client, Form, START, chat_body, chats, frozen, new_batch, seconds, start};

/// The last request that has come with the default key.
fn last(server: &MockServer) -> ReceivedRequest {
    server.received_requests(server.api_key()).pop().expect("something was received")
}

#[tokio::test]
async fn a_whole_workflow_is_told_in_its_order() {
    let (server, client) = start().await;
    let id = client.batch(&chats(3)).await;
    client.retrieve(&id).await;
    server.clock().advance(seconds(4)).unwrap();
    let (output, _) = client.results(&id).await;
    assert_eq!(output.lines().count(), 3);
    client.get("/batches?limit=2").await;
    client
        .delete(&format!("/files/{}", client.retrieve(&id).await.json()["input_file_id"].as_str().unwrap()))
        .await;
    insta::assert_snapshot!(server.journal(server.api_key()));
}

#[tokio::test]
async fn a_request_is_told_with_all_that_matters_and_without_its_key() {
    let (server, client) = start().await;
    let client = client.with_headers(&[
        ("user-agent", "OpenAI/Python 2.0"),
        ("idempotency-key", "stainless-python-retry-1"),
        ("x-stainless-retry-count", "2"),
        ("x-secret", "sk-another"),
    ]);
    let input = client.upload_lines(&chats(1)).await;
    server.clock().advance(seconds(60)).unwrap();
    let body = new_batch(&input, CHAT);
    let batch = client.post("/batches?beta=1", &body).await;
    let request = last(&server);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/batches"));
    assert_eq!(request.query.as_deref(), Some("beta=1"));
    assert_eq!(request.operation, Operation::CreateBatch);
    assert_eq!(request.at, START + seconds(60));
    assert_eq!(request.ids, [input, batch.id()]);
    assert_eq!((request.retry_count, request.attempt(), request.asked_before), (Some(2), 2, 0));
    let headers = [
        ("user-agent", "OpenAI/Python 2.0"),
        ("content-type", "application/json"),
        ("idempotency-key", "stainless-python-retry-1"),
    ];
    assert_eq!(request.headers, headers.map(|(name, value)| (name, value.to_owned())));
    assert_eq!(request.json(), Some(body));
    assert_eq!(request.status, Some(200));
    assert_eq!(request.request_id.as_deref(), batch.header("x-request-id"));
    assert_eq!(request.answer_json(), Some(batch.json()));
    assert_eq!(request.answer.n_bytes, batch.body.len() as u64);
    assert_eq!((request.outcome, request.retry_after, request.fault), (Outcome::Sent, None, None));
    let told = format!("{:?}", server.journal(server.api_key()).entries());
    assert!(!told.contains("sk-another") && !told.contains(server.api_key()), "{told}");
}

#[tokio::test]
async fn of_an_upload_the_length_and_the_hash_are_kept_and_not_the_bytes() {
    let (server, client) = start().await;
    let bytes = format!("{}\n", chats(1)[0]);
    let file = client.upload("batch", "input.jsonl", &bytes).await;
    let first = last(&server);
    assert_eq!(first.operation, Operation::UploadFile);
    assert_eq!(first.contents, Some((bytes.len() as u64, xxhash_rust::xxh3::xxh3_64(bytes.as_bytes()))));
    assert_eq!(first.ids, [file.id()]);
    assert!(first.request.kept.is_empty() && first.request.n_bytes > bytes.len() as u64);
    assert_eq!(first.answer_json(), Some(file.json()));

    client.upload("batch", "input.jsonl", &bytes).await;
    assert_eq!(last(&server).asked_before, 1, "the same file came again");
    client.upload("batch", "input.jsonl", chats(1)[0].as_bytes()).await;
    assert_eq!(last(&server).asked_before, 0, "another file");

    client.content(&file.id()).await;
    let download = last(&server);
    assert_eq!((download.operation, download.ids.as_slice()), (Operation::FileContent, &[file.id()][..]));
    assert_eq!(
        (download.answer.n_bytes, download.answer_bytes),
        (bytes.len() as u64, Some(bytes.len() as u64))
    );
    assert!(download.answer.kept.is_empty());
}

#[tokio::test]
async fn parts_and_what_is_made_of_them_are_told() {
    let (server, client) = start().await;
    let new = json!({"filename": "a.txt", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"});
    let upload = client.post("/uploads", &new).await.id();
    let form = Form::new().part("Content-Disposition: form-data; name=\"data\"; filename=\"part\"", "abc");
    let path = format!("/uploads/{upload}/parts");
    let part = client.send(Method::POST, &path, Some(&Form::content_type()), form.body()).await.id();
    assert_eq!(last(&server).ids, [upload.clone(), part.clone()]);
    assert_eq!(last(&server).contents, Some((3, xxhash_rust::xxh3::xxh3_64(b"abc"))));
    let done = client.post(&format!("/uploads/{upload}/complete"), &json!({"part_ids": [part]})).await.json();
    assert_eq!(last(&server).ids, [&upload, &part, done["file"]["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn attempts_are_counted_by_what_is_asked() {
    let (server, client) = start().await;
    let (first, second) = (client.batch(&chats(1)).await, client.batch(&chats(2)).await);
    for id in [&first, &second, &first, &first] {
        client.retrieve(id).await;
    }
    client.get("/batches?limit=1").await;
    client.get("/batches?limit=2").await;
    for prompt in ["one", "two", "one"] {
        client.post("/chat/completions", &chat_body(prompt)).await;
    }
    let attempts = |operation| -> Vec<u32> {
        let requests = server.journal(server.api_key()).requests_of(operation);
        requests.iter().map(ReceivedRequest::attempt).collect()
    };
    assert_eq!(attempts(Operation::RetrieveBatch), [0, 0, 1, 2]);
    assert_eq!(attempts(Operation::ListBatches), [0, 0]);
    assert_eq!(attempts(Operation::ChatCompletions), [0, 0, 1]);
    assert_eq!(attempts(Operation::CreateBatch), [0, 0]);
}

#[tokio::test]
async fn refusals_and_what_is_no_route_are_recorded_and_strangers_are_not() {
    let (server, client) = start().await;
    client.get("/nothing/like/it").await;
    client.send(Method::POST, "/batches", Some("application/json"), b"{".to_vec()).await;
    client.with_authorization(None).get("/batches").await;
    client.with_key("sk-else").get("/batches").await;
    let requests = server.received_requests(server.api_key());
    let told: Vec<_> = requests.iter().map(|request| (request.operation, request.status)).collect();
    assert_eq!(told, [(Operation::Unknown, Some(404)), (Operation::CreateBatch, Some(400))]);
    assert_eq!(requests[1].request.kept, "{");
    assert_eq!(server.received_requests("sk-else").len(), 1);
}

#[tokio::test]
async fn the_control_api_leaves_no_trace() {
    let (server, client) = start().await;
    let url = format!("http://{}/_mock/v1/clock", server.address());
    reqwest::Client::new().get(url).bearer_auth(server.api_key()).send().await.unwrap();
    assert_eq!(server.received_requests(server.api_key()), []);
    client.get("/batches").await;
    assert_eq!(last(&server).number, 1);
}

/// Sends bytes, and gives the connection.
async fn raw(server: &MockServer, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn who_leaves_in_the_middle_of_an_answer_is_told_of() {
    let (server, client) = start().await;
    let bytes = vec![b'x'; 64 * 1024 * 1024];
    let id = client.upload("user_data", "long.txt", &bytes).await.id();
    let request = format!(
        "GET /v1/files/{id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        server.api_key()
    );
    // What purpose may be downloaded: one for fine-tuning.
    let id = client.upload("fine-tune", "long.jsonl", &bytes).await.id();
    let mut stream = raw(&server, &request.replace(request.split('/').nth(3).unwrap(), &id)).await;
    stream.read_exact(&mut [0; 1024]).await.unwrap();
    drop(stream);
    let left = JournalFilter { outcome: Some(Outcome::ClientLeft), ..JournalFilter::default() };
    let journal = server.journal(server.api_key());
    assert!(journal.wait_for(&left, 1, Duration::from_mins(1)).await, "{journal}");
    let download = last(&server);
    assert_eq!((download.status, download.answer_bytes), (Some(200), Some(bytes.len() as u64)));
    assert!(download.answer.n_bytes < bytes.len() as u64);
}

#[tokio::test]
async fn who_leaves_before_there_is_an_answer_is_told_of() {
    let (server, _client) = start().await;
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{\"input_",
        server.api_key()
    );
    let stream = raw(&server, &head).await;
    let journal = server.journal(server.api_key());
    let pending = JournalFilter { outcome: Some(Outcome::Pending), ..JournalFilter::default() };
    assert!(journal.wait_for(&pending, 1, Duration::from_mins(1)).await, "{journal}");
    let request = last(&server);
    assert_eq!((request.status, request.outcome, request.took), (None, Outcome::Pending, None));
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert!(journal.wait_for(&JournalFilter::default(), 1, Duration::from_mins(1)).await, "{journal}");
    assert_ne!(last(&server).outcome, Outcome::Pending);
    assert_eq!(last(&server).request.kept, "{\"input_");
}

#[tokio::test]
async fn what_a_head_would_say_is_no_download() {
    let (server, client) = start().await;
    let id = client.upload("batch", "input.jsonl", format!("{}\n", chats(1)[0])).await.id();
    let path = format!("/files/{id}/content");
    for _ in 0..2 {
        client.send(Method::HEAD, &path, None, Vec::new()).await;
    }
    assert_eq!((last(&server).outcome, last(&server).answer.n_bytes), (Outcome::Sent, 0));
    server.journal(server.api_key()).assert_no_notes();
}

#[tokio::test]
async fn a_server_that_keeps_no_journal_records_nothing() {
    let limits = batchmock::Limits { journal_entries: 0, ..batchmock::Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(10)).unwrap();
    assert_eq!(client.retrieve(&id).await.json()["status"], "completed");
    assert_eq!(server.journal(server.api_key()).entries(), []);
}
