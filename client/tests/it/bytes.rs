//! Requests as the bytes they are: client and mock cannot agree on the same mistake here.

use batchmock_client::{Client, NewBatch, NewFile, NewUpload, TAG_KEY};

use crate::support::{CHAT, Jumping, KEY, Listener, Reply, client_of};

const FILE: &str =
    r#"{"object":"file","id":"file-1","purpose":"batch","filename":"in.jsonl","bytes":3,"created_at":1}"#;
const BATCH: &str = r#"{"id":"batch_1","object":"batch","endpoint":"/v1/chat/completions","status":"validating","created_at":1}"#;
const PAGE: &str = r#"{"object":"list","data":[],"has_more":false}"#;

/// The heads and bodies that were sent, without what differs from run to run.
fn sent(listener: &Listener) -> String {
    let mut all = String::new();
    for asked in listener.asked() {
        let text = asked.head + &String::from_utf8(asked.body).unwrap();
        let address = listener.base_url();
        let host = address.trim_start_matches("http://").trim_end_matches("/v1");
        let mut text = text.replace(host, "HOST").replace("\r\n", "\n");
        if let Some(at) = text.find("boundary=") {
            let boundary = text[at + 9..].lines().next().unwrap().to_owned();
            text = text.replace(&boundary, "BOUNDARY");
        }
        all += &text;
        all += "\n--------\n";
    }
    all
}

#[tokio::test]
async fn an_upload() {
    let listener = Listener::saying(vec![Reply::json(FILE)]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let file = NewFile::from_bytes("in.jsonl", "{}\n").expires_after(3600);
    client.files().upload(file).await.unwrap();
    insta::assert_snapshot!(sent(&listener));
}

#[tokio::test]
async fn the_upload_of_a_stream() {
    let listener = Listener::saying(vec![Reply::json(FILE)]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let chunks = ["{\"a\"", ":1}\n"].map(|chunk| Ok::<_, std::io::Error>(chunk.into()));
    let file = NewFile::from_stream("s.jsonl", 8, futures_util::stream::iter(chunks)).purpose("evals");
    client.files().upload(file).await.unwrap();
    insta::assert_snapshot!(sent(&listener));
}

#[tokio::test]
async fn reading_of_files() {
    let listener = Listener::saying(vec![
        Reply::json(FILE),
        Reply::json(PAGE),
        Reply::json(PAGE),
        Reply::json("{}"),
        Reply::json(r#"{"object":"file","deleted":true,"id":"file-1"}"#),
    ])
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let files = client.files();
    files.retrieve("file-1").await.unwrap();
    assert!(files.list().next().await.is_none());
    assert!(files.find("in.jsonl", 3).await.unwrap().is_none());
    assert_eq!(files.content("file/1").await.unwrap().bytes().await.unwrap(), "{}");
    files.delete("file-1").await.unwrap();
    insta::assert_snapshot!(sent(&listener));
}

#[tokio::test]
async fn batches() {
    let listener = Listener::saying(vec![
        Reply::json(BATCH),
        Reply::json(BATCH),
        Reply::json(BATCH),
        Reply::json(BATCH),
        Reply::json(PAGE),
    ])
    .await;
    let client = Client::builder()
        .base_url(listener.base_url())
        .api_key(KEY)
        .organization("org-1")
        .project("proj_1")
        .build()
        .unwrap();
    let new = NewBatch::new("file-1", CHAT);
    client.batches().create(&new).await.unwrap();
    let new = new.metadata("job", "nightly").output_expires_after(3600);
    client.batches().create_once(&new, "tag-1").await.unwrap();
    client.batches().retrieve("batch_1").await.unwrap();
    client.batches().cancel("batch_1").await.unwrap();
    assert!(client.batches().find("tag-1", None).await.unwrap().is_none());
    assert!(sent(&listener).contains(TAG_KEY));
    insta::assert_snapshot!(sent(&listener));
}

#[tokio::test]
async fn ids_that_are_empty_are_not_asked_for() {
    let listener = Listener::saying(vec![Reply::json("{}")]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    assert!(client.files().content("").await.is_err());
    assert!(client.batches().retrieve("").await.is_err());
    assert_eq!(listener.asked().len(), 0);
}

const UPLOAD: &str = r#"{"id":"upload_1","object":"upload","bytes":3,"created_at":1,"filename":"in.jsonl","purpose":"batch","status":"pending","expires_at":2}"#;
const PART: &str = r#"{"id":"part_1","object":"upload.part","created_at":1,"upload_id":"upload_1"}"#;

#[tokio::test]
async fn an_upload_in_parts() {
    let listener = Listener::saying(vec![
        Reply::json(UPLOAD),
        Reply::json(PART),
        Reply::json(UPLOAD),
        Reply::json(UPLOAD),
    ])
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let uploads = client.uploads();
    uploads.create(&NewUpload::new("in.jsonl", 3)).await.unwrap();
    let part = uploads.add_part("upload_1", "{}\n").await.unwrap();
    uploads.complete("upload_1", std::slice::from_ref(&part.id)).await.unwrap();
    uploads.cancel("upload_1").await.unwrap();
    insta::assert_snapshot!(sent(&listener));
}
