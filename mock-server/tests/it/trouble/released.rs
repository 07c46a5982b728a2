//! What is deleted leaves the disk, as soon as no batch needs it any more.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::cli::process::{SECRET_KEY, Served};
use crate::support::{CHAT, Client, Form, chat};

/// How many files a mock has on disk.
fn n_blobs(served: &Served) -> usize {
    let dirs = std::fs::read_dir(served.files()).unwrap();
    dirs.map(|dir| std::fs::read_dir(dir.unwrap().path()).unwrap().count()).sum()
}

/// A mock with one batch that has ended and has two result files, and a client of the world it is in.
async fn with_a_batch(served: &Served) -> (Client, String) {
    let client = Client::of(&served.base_url, SECRET_KEY);
    let id = client.batch(&[chat("a", "b"), chat("c~429", "d")]).await;
    assert_eq!(served.run(&["clock", "advance", "1m"]).code, 0);
    (client, id)
}

async fn delete(client: &Client, batch: &serde_json::Value, key: &str) {
    let id = batch[key].as_str().unwrap();
    assert_eq!(client.delete(&format!("/files/{id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bytes_go_when_their_file_is_deleted_and_no_batch_needs_them() {
    let served = Served::start(&["--clock", "frozen"]);
    let (client, id) = with_a_batch(&served).await;
    let batch = client.retrieve(&id).await.json();
    assert_eq!(n_blobs(&served), 3);
    for (key, n_left) in [("input_file_id", 2), ("output_file_id", 1), ("error_file_id", 0)] {
        delete(&client, &batch, key).await;
        assert_eq!(n_blobs(&served), n_left, "{key}");
    }
    assert_eq!(client.retrieve(&id).await.json(), batch, "what was known of the batch stays known");
}

#[tokio::test]
async fn a_deleted_input_stays_until_the_results_are_written() {
    let served = Served::start(&["--clock", "frozen"]);
    let client = Client::of(&served.base_url, SECRET_KEY);
    let input = client.upload_lines(&[chat("a", "b")]).await;
    let id = client.create(&input, CHAT).await.id();
    assert_eq!(served.run(&["clock", "advance", "2s"]).code, 0);
    assert_eq!(client.delete(&format!("/files/{input}")).await.status, StatusCode::OK);
    assert_eq!(n_blobs(&served), 1);
    assert_eq!(served.run(&["clock", "advance", "1m"]).code, 0);
    assert_eq!(client.results(&id).await.0.lines().count(), 1);
    assert_eq!(n_blobs(&served), 1, "the output is there, and the input is not");
}

#[tokio::test]
async fn bytes_go_when_files_expire_and_when_a_world_is_reset() {
    let served = Served::start(&["--clock", "frozen"]);
    let (client, id) = with_a_batch(&served).await;
    client.retrieve(&id).await;
    assert_eq!(served.run(&["clock", "advance", "31d"]).code, 0);
    assert_eq!(n_blobs(&served), 0);
    let (client, _) = with_a_batch(&served).await;
    assert_eq!(n_blobs(&served), 1);
    client.send(Method::POST, "/../_mock/v1/reset", None, Vec::new()).await;
    assert_eq!(n_blobs(&served), 0);
}

#[tokio::test]
async fn parts_go_with_their_upload_and_its_file_when_it_is_deleted() {
    let served = Served::start(&[]);
    let client = Client::of(&served.base_url, SECRET_KEY);
    let new = json!({"filename": "a", "purpose": "vision", "bytes": 6, "mime_type": "image/png"});
    for (end, n_left) in [("cancel", 0), ("complete", 1)] {
        let upload = client.post("/uploads", &new).await.id();
        let mut parts = Vec::new();
        for bytes in ["abc", "def"] {
            let form =
                Form::new().part("Content-Disposition: form-data; name=\"data\"; filename=\"d\"", bytes);
            let path = format!("/uploads/{upload}/parts");
            let part = client.send(Method::POST, &path, Some(&Form::content_type()), form.body()).await;
            parts.push(part.id());
        }
        assert_eq!(n_blobs(&served), 2);
        let answer = client.post(&format!("/uploads/{upload}/{end}"), &json!({"part_ids": parts})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer}");
        assert_eq!(n_blobs(&served), n_left, "{end}");
        if let Some(file) = answer.json()["file"]["id"].as_str() {
            assert_eq!(client.content(file).await.text(), "abcdef");
            client.delete(&format!("/files/{file}")).await;
            assert_eq!(n_blobs(&served), 0);
        }
    }
}
