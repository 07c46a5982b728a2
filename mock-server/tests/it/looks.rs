//! Looks that are remembered: who polls gets the bytes that the last one got, and never what is no longer true.

use serde_json::{Value, json};

use crate::support::{CHAT, Client, chat, chats, new_batch, start};

/// More batches than are remembered.
const MANY: usize = 66;

/// What a list shows, where nothing is remembered.
async fn listed(client: &Client) -> Vec<Value> {
    client.get("/batches?limit=100").await.json()["data"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn whoever_looks_sees_what_the_list_shows_at_every_time_of_a_life() {
    let (server, client) = start().await;
    let input = client.upload_lines(&[chats(2), vec![chat("refused~400", "question")]].concat()).await;
    let refused = client.upload_lines(&["{}"]).await;
    for n in 0..MANY {
        client.create(if n % 11 == 0 { &refused } else { &input }, CHAT).await;
    }
    let mut statuses = Vec::new();
    // The quick pace: a second to validate, two to run, one to finalize.
    for _ in 0..11 {
        let listed = listed(&client).await;
        assert_eq!(listed.len(), MANY);
        for batch in &listed {
            let id = batch["id"].as_str().expect("an id");
            assert_eq!(client.retrieve(id).await.json(), *batch);
            assert_eq!(client.retrieve(id).await.json(), *batch, "the second look");
        }
        statuses.extend(listed.iter().map(|batch| batch["status"].as_str().expect("a status").to_owned()));
        server.clock().advance(std::time::Duration::from_millis(400)).expect("clocks move ahead");
    }
    statuses.sort();
    statuses.dedup();
    assert_eq!(statuses, ["completed", "failed", "finalizing", "in_progress", "validating"]);
}

#[tokio::test]
async fn a_batch_of_the_same_id_after_a_reset_is_another() {
    let (server, client) = start().await;
    let before = client.batch(&chats(2)).await;
    client.retrieve(&before).await;
    let url = format!("http://{}/_mock/v1/reset", server.address());
    let reset =
        reqwest::Client::new().post(url).bearer_auth(server.api_key()).send().await.expect("an answer");
    assert_eq!(reset.status(), 200);
    let input = client.upload_lines(&chats(2)).await;
    let mut new = new_batch(&input, CHAT);
    new["metadata"] = json!({"run": "second"});
    let after = client.post("/batches", &new).await.id();
    assert_eq!(after, before, "the same seed and time");
    assert_eq!(client.retrieve(&after).await.json()["metadata"]["run"], "second");
}
