//! Situations that have a name: each plays as it is told, however it was chosen and whatever the clock.

mod choosing;
mod connections;
mod lives;
mod queue;
mod results;

use batchmock::{MockServer, Scenarios};
use serde_json::{Value, json};

use crate::support::{Client, chats, frozen, new_batch};

/// The names of all scenarios that come with batchmock, variants among them.
fn names() -> Vec<String> {
    Scenarios::default().iter().map(|scenario| scenario.name()).collect()
}

/// A frozen server, and a client whose world is in a scenario.
async fn in_scenario(name: &str) -> (MockServer, Client) {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server).with_key(&server.scenario_key(name, "test").unwrap());
    (server, client)
}

/// The status of a batch and its counts, as a client sees them.
fn seen(batch: &Value) -> String {
    let counts = &batch["request_counts"];
    let status = batch["status"].as_str().unwrap_or_default();
    format!("{status} {}/{}/{}", counts["total"], counts["completed"], counts["failed"])
}

/// A batch of ten lines that names a scenario in its metadata.
async fn batch_in(client: &Client, scenario: &str) -> crate::support::Answer {
    let input = client.upload_lines(&chats(10)).await;
    let mut new = new_batch(&input, crate::support::CHAT);
    new["metadata"] = json!({ "mock_scenario": scenario });
    client.post("/batches", &new).await
}
