//! Answers by rule, by recording and by name: what lines and calls get, and that plans and files agree on it.

mod agreement;
mod documentation;
mod replay;
mod rules;

use batchmock::{Builder, LineRules, MockServer};
use serde_json::Value;

use crate::support::{CHAT, Client, frozen, seconds};

/// A server with these rules.
async fn with_rules(rules: &str) -> (MockServer, Client) {
    started(frozen().rules(LineRules::from_toml(rules).unwrap())).await
}

async fn started(builder: Builder) -> (MockServer, Client) {
    let server = builder.start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

/// Runs lines of an endpoint to their end: the counts of the batch, and both files.
async fn run_at(
    endpoint: &str,
    server: &MockServer,
    client: &Client,
    lines: &[String],
) -> (Value, String, String) {
    let input = client.upload_lines(lines).await;
    let id = client.create(&input, endpoint).await.id();
    server.clock().advance(seconds(4)).unwrap();
    let counts = client.retrieve(&id).await.json()["request_counts"].clone();
    let (output, error) = client.results(&id).await;
    (counts, output, error)
}

/// Runs chat lines to their end.
async fn run(server: &MockServer, client: &Client, lines: &[String]) -> (Value, String, String) {
    run_at(CHAT, server, client, lines).await
}

/// The line with this name in either file.
fn find(files: [&str; 2], custom_id: &str) -> Value {
    let lines = files.iter().flat_map(|file| file.lines());
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    lines
        .iter()
        .find(|line| line["custom_id"] == custom_id)
        .unwrap_or_else(|| panic!("no {custom_id}"))
        .clone()
}

/// What the first choice of a chat line says.
fn content(line: &Value) -> &Value {
    &line["response"]["body"]["choices"][0]["message"]["content"]
}
