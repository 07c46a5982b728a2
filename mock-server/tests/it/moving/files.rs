//! What is in the file, and what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{assert_same, control, control_of, export, import, look};
use crate::support::{CHAT, Client, chat, chats, frozen, seconds, start};

/// The entries of a tar archive: name and bytes.
fn entries(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut at = 0;
    while file[at] != 0 {
        let text = |range: std::ops::Range<usize>| {
            let field = &file[at + range.start..at + range.end];
            String::from_utf8(field.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
        };
        let len = usize::from_str_radix(text(124..136).trim(), 8).unwrap();
        entries.push((text(0..100), file[at + 512..at + 512 + len].to_vec()));
        at += 512 + len.div_ceil(512) * 512;
    }
    entries
}

/// A world with something of each kind in it.
async fn some_world() -> (batchmock::MockServer, Client, Vec<u8>) {
    let (server, client) = start().await;
    client.batch(&[chats(3), vec![chat("a~500", "x")]].concat()).await;
    client.delete("/models/ft:gpt-4o-mini:acme::1").await;
    let new = json!({"purpose": "batch", "filename": "a", "bytes": 1, "mime_type": "text/jsonl"});
    client.post("/uploads", &new).await;
    server.clock().advance(seconds(10)).unwrap();
    let file = export(&server).await;
    (server, client, file)
}

#[tokio::test]
async fn it_says_what_it_is_and_not_whose() {
    let server = frozen().start().await.unwrap();
    let key = "sk-secret-of-somebody-1234";
    let client = Client::of(&server.base_url(), key);
    client.batch(&chats(2)).await;
    let answer = control_of(&server, key).get("/world").await;
    assert_eq!(answer.header("content-type"), Some("application/x-tar"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"world.tar\""));
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains("sk-s") && !text.contains("1234\""), "neither the key nor an end of it");

    let entries = entries(&answer.body);
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "manifest.json",
            "world.json",
            "files/0.jsonl",
            "behaviors/0.jsonl",
            "batches/0.jsonl",
            "blobs/0",
            "checksums.json"
        ]
    );
    let manifest: Value = serde_json::from_slice(&entries[0].1).unwrap();
    let expected = json!({"what": "batchmock world", "format": 2, "batchmock": env!("CARGO_PKG_VERSION")});
    assert_eq!(manifest, expected);
    assert_eq!(entries[5].1, format!("{}\n", chats(2).join("\n")).as_bytes());
}

#[tokio::test]
async fn a_file_that_is_cut_off_anywhere_changes_nothing() {
    let (_, _, file) = some_world().await;
    let (other, client) = start().await;
    client.batch(&chats(1)).await;
    let before = look(&other, &client).await;
    let end = file.len() - 1_024;
    for len in [0, 1, 511, 512, 513, 1_024, 1_700, end / 2, end - 513, end - 100] {
        let refused = import(&other, file[..len].to_vec()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{len}: {refused}");
        let message = refused.message();
        assert!(message.starts_with("that is not a world as `GET /_mock/v1/world` gives it: "), "{message}");
        assert!(message.ends_with(". Nothing has changed"), "{message}");
    }
    assert_same(&look(&other, &client).await, &before);
}

#[tokio::test]
async fn a_file_with_a_wrong_byte_changes_nothing() {
    let (_, _, file) = some_world().await;
    let (other, client) = start().await;
    client.batch(&chats(1)).await;
    let before = look(&other, &client).await;
    let mut at = 0;
    for (name, bytes) in entries(&file) {
        // The middle of each entry.
        let mut wrong = file.clone();
        wrong[at + 512 + bytes.len() / 2] ^= 1;
        let refused = import(&other, wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}: {refused}");
        at += 512 + bytes.len().div_ceil(512) * 512;
    }
    assert_same(&look(&other, &client).await, &before);
    assert_eq!(import(&other, file).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let (_, _, file) = some_world().await;
    let (other, _) = start().await;
    let changed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&file[..at], to.as_bytes(), &file[at + to.len()..]].concat()
    };
    let mut told = Vec::new();
    for wrong in [
        Vec::new(),
        b"PK, as a zip begins".repeat(100),
        changed("batchmock world", "batchmock w0rld"),
        changed("\"format\":2", "\"format\":9"),
        changed("file-", "FILE-"),
        file[..file.len() / 2].to_vec(),
    ] {
        told.push(import(&other, wrong).await.message());
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn limits_of_the_mock_hold_for_what_comes_in() {
    let (server, client) = start().await;
    client.upload("vision", "a.png", vec![0; 2_000]).await;
    client.create("file-1111111111111111111111", CHAT).await;
    client.create("file-1111111111111111111111", CHAT).await;
    let file = export(&server).await;
    for (limits, status) in [
        (batchmock::Limits { world_bytes: 1_000, ..batchmock::Limits::default() }, 400),
        (batchmock::Limits { world_batches: 1, ..batchmock::Limits::default() }, 503),
        (batchmock::Limits { world_files: 0, ..batchmock::Limits::default() }, 503),
        (batchmock::Limits { worlds: 1, ..batchmock::Limits::default() }, 200),
    ] {
        let other = frozen().limits(limits).start().await.unwrap();
        let answer = import(&other, file.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{answer}");
    }
}

#[tokio::test]
async fn other_worlds_stay_as_they_are() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    let file = export(&server).await;
    let other = client.with_key("sk-other");
    let others = other.batch(&chats(2)).await;
    assert_eq!(import(&server, file.clone()).await.status, StatusCode::OK);
    assert_eq!(other.retrieve(&others).await.status, StatusCode::OK);
    assert_eq!(other.retrieve(&id).await.status, StatusCode::NOT_FOUND);
    // The same world, twice: each goes its own way.
    control_of(&server, "sk-third").send(Method::PUT, "/world", None, file).await;
    server.clock_of("sk-third").advance(seconds(10)).unwrap();
    assert_eq!(client.with_key("sk-third").retrieve(&id).await.json()["status"], "completed");
    assert_eq!(client.retrieve(&id).await.json()["status"], "validating");
    control(&server).post("/reset", &json!({})).await;
    assert_eq!(client.retrieve(&id).await.status, StatusCode::NOT_FOUND);
}
