//! Mistakes of clients, which leave a note and never a trace in an answer.

use batchmock::{MockServer, Operation};
use reqwest::Method;
use serde_json::json;

use crate::support::{CHAT, chats, new_batch, seconds, start};

/// The notes of the default key, each as a line.
fn notes(server: &MockServer) -> String {
    let notes = server.journal(server.api_key()).notes();
    notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The names of the notes.
fn slugs(server: &MockServer) -> Vec<&'static str> {
    server.journal(server.api_key()).notes().iter().map(|note| note.slug).collect()
}

#[tokio::test]
async fn what_stands_for_nothing_is_no_id() {
    let (server, client) = start().await;
    for path in [
        "/files/None",
        "/files/null/content",
        "/files/undefined/content",
        "/files//content",
        "/files/%22%22/content",
        "/files/",
        "/batches/None",
        "/batches/",
        "/batches/%20",
    ] {
        let answer = client.get(path).await;
        assert!(!answer.text().contains("missing value"), "{answer}");
    }
    client.cancel("null").await;
    client.post("/batches", &new_batch("None", CHAT)).await;
    client.post("/batches", &json!({"input_file_id": null, "endpoint": CHAT})).await;
    insta::assert_snapshot!(notes(&server));
    assert!(slugs(&server).iter().all(|slug| *slug == "no-id"));
}

#[tokio::test]
async fn a_typing_error_in_a_route_is_told_and_what_is_another_api_is_not() {
    let (server, client) = start().await;
    for (method, path) in [
        (Method::POST, "/batchs"),
        (Method::GET, "/batch/batch_1"),
        (Method::GET, "/files/file-1/contents"),
        (Method::GET, "/file"),
        (Method::POST, "/chat/completion"),
        (Method::GET, "/v1/batches"),
        (Method::GET, "/batches/batch_1/"),
        (Method::DELETE, "/batches/batch_1"),
        (Method::PATCH, "/files"),
        (Method::GET, "/uploads/upload_1/parts"),
        // None of these is a slip.
        (Method::GET, "/assistants"),
        (Method::GET, "/fine_tuning/jobs"),
        (Method::POST, "/images/generations"),
        (Method::GET, "/vector_stores/vs_1/files"),
        (Method::GET, "/favicon.ico"),
    ] {
        client.send(method, path, None, Vec::new()).await;
    }
    let root = reqwest::Client::new();
    for path in ["/batches", "/files/file-1", "/", "/v1"] {
        let url = format!("http://{}{path}", server.address());
        root.get(url).bearer_auth(server.api_key()).send().await.unwrap();
    }
    insta::assert_snapshot!(notes(&server));
}

#[tokio::test]
async fn a_poll_is_too_much_when_the_end_has_been_told() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    client.retrieve(&id).await;
    client.retrieve(&id).await;
    server.clock().advance(seconds(10)).unwrap();
    client.get("/batches").await;
    client.retrieve(&id).await;
    assert_eq!(slugs(&server), [""; 0], "each poll could bring something new");

    client.retrieve(&id).await;
    client.retrieve(&id).await;
    assert_eq!(slugs(&server), ["poll-after-end"], "it is noted once a batch");
    let note = server.journal(server.api_key()).notes().remove(0);
    let polls = server.journal(server.api_key()).requests_of(Operation::RetrieveBatch);
    assert_eq!((note.exchange, note.ids), (Some(polls[3].number), vec![id]));
    assert!(note.text.contains(&format!("entry {} said so", polls[2].number)), "{}", note.text);
}

#[tokio::test]
async fn a_file_need_not_be_downloaded_twice() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(10)).unwrap();
    client.results(&id).await;
    assert_eq!(slugs(&server), [""; 0]);
    let input = client.retrieve(&id).await.json()["input_file_id"].as_str().unwrap().to_owned();
    server.journal(server.api_key()).clear();
    client.content(&input).await;
    client.content(&input).await;
    client.get(&format!("/files/{input}")).await;
    assert_eq!(slugs(&server), ["downloaded-again"]);
}

#[tokio::test]
async fn a_second_batch_of_the_same_is_paid_for_twice_as_long_as_the_first_lives() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let first = client.create(&input, CHAT).await.id();
    let other = json!({
        "input_file_id": input, "endpoint": CHAT, "completion_window": "24h", "metadata": {"run": "2"},
    });
    client.post("/batches", &other).await;
    assert_eq!(slugs(&server), [""; 0], "its metadata says that it is meant");

    let second = client.create(&input, CHAT).await.id();
    let notes = server.journal(server.api_key()).notes();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].slug, notes[0].ids.as_slice()), ("twin-batch", &[second, first, input.clone()][..]));

    server.clock().advance(seconds(10)).unwrap();
    client.create(&input, CHAT).await;
    assert_eq!(slugs(&server), ["twin-batch"], "the others have ended");
}

#[tokio::test]
async fn notes_change_no_answer() {
    let (noted, client) = start().await;
    let (plain, other) = {
        let limits = batchmock::Limits { journal_entries: 0, ..batchmock::Limits::default() };
        let server = crate::support::frozen().limits(limits).start().await.unwrap();
        let client = crate::support::Client::new(&server);
        (server, client)
    };
    for path in ["/batchs", "/files/None", "/batches/null", "/files//content", "/batches/"] {
        assert_eq!(client.get(path).await, other.get(path).await, "{path}");
    }
    let (a, b) = (client.batch(&chats(1)).await, other.batch(&chats(1)).await);
    for server in [&noted, &plain] {
        server.clock().advance(seconds(10)).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(client.retrieve(&a).await, other.retrieve(&b).await);
    }
    assert_eq!(slugs(&noted).len(), 6);
    assert_eq!(slugs(&plain), [""; 0]);
}

#[tokio::test]
async fn assertions_say_what_they_saw() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    client.retrieve(&id).await;
    client.get("/files/None").await;
    let journal = server.journal(server.api_key());
    journal.assert_count(Operation::CreateBatch, 1);
    journal.assert_count(Operation::CancelBatch, 0);
    journal.assert_order(&[
        Operation::UploadFile,
        Operation::CreateBatch,
        Operation::RetrieveBatch,
        Operation::RetrieveFile,
    ]);
    let message = |check: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).expect_err("it fails");
        *panic.downcast::<String>().expect("a message")
    };
    let told = [
        message(&|| journal.assert_count(Operation::RetrieveBatch, 3)),
        message(&|| journal.assert_order(&[Operation::UploadFile, Operation::CreateBatch])),
        message(&|| journal.assert_no_notes()),
    ];
    insta::assert_snapshot!(told.join("\n"));
}
