//! How much is kept.

use batchmock::{EntryKind, JournalFilter, Limits};
use serde_json::{Value, json};

use crate::support::{Client, chat_body, chats, frozen, seconds, start};

#[tokio::test]
async fn the_oldest_entries_go_and_numbers_go_on() {
    let limits = Limits { journal_entries: 3, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    for n in 1..=5 {
        client.get(&format!("/batches?limit={n}")).await;
    }
    let journal = server.journal(server.api_key());
    let kept: Vec<_> =
        journal.requests().into_iter().map(|request| (request.number, request.query)).collect();
    let expected = [3, 4, 5].map(|n| (n, Some(format!("limit={n}"))));
    assert_eq!(kept, expected);
    client.get("/batches?limit=1").await;
    assert_eq!(journal.requests()[2].asked_before, 0, "it is not known any more that this was asked before");
}

#[tokio::test]
async fn bytes_are_bounded_as_well() {
    let limits = Limits { journal_bytes: 64 * 1024, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    for n in 0..20 {
        client.post("/chat/completions", &chat_body(&n.to_string().repeat(6_000))).await;
    }
    let kept = server.received_requests(server.api_key());
    assert!((4..=10).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().number, 20);

    // One that is larger than the whole journal leaves nothing.
    let limits = Limits { journal_bytes: 1_000, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    Client::new(&server).post("/chat/completions", &chat_body("long ".repeat(400).as_str())).await;
    assert_eq!(server.received_requests(server.api_key()), []);
}

#[tokio::test]
async fn of_a_long_body_the_beginning_is_kept() {
    let limits = Limits { journal_body_bytes: 100, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let answer = Client::new(&server).post("/chat/completions", &chat_body(&"long ".repeat(100))).await;
    let request = server.received_requests(server.api_key()).remove(0);
    assert_eq!((request.request.kept.len(), request.request.is_whole()), (100, false));
    assert!(request.request.n_bytes > 500 && request.json().is_none());
    assert_eq!(request.answer.kept, answer.body[..100]);
    assert_eq!(request.answer.n_bytes, answer.body.len() as u64);
}

#[tokio::test]
async fn a_cleared_journal_is_empty_and_forgets_what_was_told() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(10)).unwrap();
    client.retrieve(&id).await;
    let journal = server.journal(server.api_key());
    let before = journal.entries().len() as u64;
    journal.clear();
    assert_eq!(journal.entries(), []);
    client.retrieve(&id).await;
    let poll = journal.requests().remove(0);
    assert_eq!((poll.number, poll.asked_before), (before + 1, 0));
    journal.assert_no_notes();
}

#[tokio::test]
async fn a_reset_clears_the_journal() {
    let (server, client) = start().await;
    client.batch(&chats(1)).await;
    let url = format!("http://{}/_mock/v1/reset", server.address());
    let reset: Value = reqwest::Client::new()
        .post(url)
        .bearer_auth(server.api_key())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(reset["mode"], json!("frozen"));
    server.clock().advance(seconds(100)).unwrap();
    assert_eq!(server.journal(server.api_key()).entries(), []);
}

#[tokio::test]
async fn each_key_has_a_journal_of_its_own() {
    let (server, client) = start().await;
    client.batch(&chats(1)).await;
    client.with_key("sk-other").get("/batches").await;
    assert_eq!(server.journal("sk-other").entries().len(), 1);
    let events = JournalFilter::of_kind(EntryKind::Event);
    assert_eq!(server.journal(server.api_key()).select(&events).len(), 2);
    assert_eq!(server.received_requests("sk-nobody"), []);
}
