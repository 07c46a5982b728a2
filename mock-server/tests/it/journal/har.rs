//! The journal as HAR, held against the published schema.

use serde_json::{Value, json};

use crate::support::{chats, seconds, start};

/// The schema of HAR 1.2, as `har-schema` has it.
const SCHEMA: &str = include_str!("../../../../fixtures/schema/har-1.2.json");

/// What is wrong with a document.
fn problems(har: &Value) -> Vec<String> {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    validator.iter_errors(har).map(|problem| format!("{problem} at {}", problem.instance_path())).collect()
}

#[tokio::test]
async fn it_is_valid_and_has_every_exchange() {
    let (server, client) = start().await;
    let client = client.with_headers(&[("user-agent", "a test"), ("idempotency-key", "once")]);
    let id = client.batch(&chats(2)).await;
    server.clock().advance(seconds(10)).unwrap();
    client.results(&id).await;
    client.get("/batches?limit=1&after=batch%20x").await;
    client.get("/files/None").await;
    let url = format!("http://{}/_mock/v1/journal/har", server.address());
    let har = reqwest::Client::new().get(&url).bearer_auth(server.api_key()).send().await.unwrap();
    let har: Value = har.json().await.unwrap();
    assert_eq!(problems(&har), [""; 0]);

    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), server.received_requests(server.api_key()).len());
    let list =
        entries.iter().find(|entry| !entry["request"]["queryString"].as_array().unwrap().is_empty()).unwrap();
    assert_eq!(list["request"]["url"], format!("{}/batches?limit=1&after=batch%20x", server.base_url()));
    assert_eq!(
        list["request"]["queryString"],
        json!([{"name": "limit", "value": "1"}, {"name": "after", "value": "batch x"}])
    );
    let create = &entries[1];
    assert_eq!(create["request"]["postData"]["mimeType"], "application/json");
    assert!(create["request"]["postData"]["text"].as_str().unwrap().contains("input_file_id"));
    assert!(create["response"]["content"]["text"].as_str().unwrap().contains("validating"));
    assert_eq!(create["response"]["status"], 200);
    assert!(!har.to_string().contains(server.api_key()));

    let filtered = reqwest::Client::new().get(format!("{url}?status=404")).bearer_auth(server.api_key());
    let filtered: Value = filtered.send().await.unwrap().json().await.unwrap();
    assert_eq!(filtered["log"]["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn the_schema_refuses_what_is_no_har() {
    assert!(!problems(&json!({"log": {"version": "1.2", "entries": []}})).is_empty(), "it has no creator");
    let entry = json!({"startedDateTime": "yesterday"});
    let har =
        json!({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [entry]}});
    assert!(problems(&har).len() > 1);
}
