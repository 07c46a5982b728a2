//! What earlier runs have left is found and removed, and nothing else.

use std::process::Command;
use std::sync::Arc;

use batchmock::{ClockMode, FaultPlan, MockServer};
use batchmock_conformance::clean_up::{Account, Left};
use batchmock_conformance::{Keys, Settings, Target, run, server};
use serde_json::{Value, json};

const KEY: &str = "sk-own";

async fn mock() -> MockServer {
    MockServer::builder().clock(ClockMode::Frozen).keys([KEY]).start().await.unwrap()
}

async fn post(mock: &MockServer, path: &str, content_type: &str, body: String) -> Value {
    let url = format!("{}{path}", mock.base_url());
    let post = reqwest::Client::new().post(url).header("authorization", format!("Bearer {KEY}"));
    let answer = post.header("content-type", content_type).body(body).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// A file, and a batch of it, with these names.
async fn made(mock: &MockServer, name: &str, metadata: Value) -> (String, String) {
    let line = json!({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Hi."}]}});
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"{name}\"\r\n\r\n{line}\n\r\n--b--\r\n"
    );
    let file = post(mock, "/files", "multipart/form-data; boundary=b", form).await;
    let file = file["id"].as_str().unwrap().to_owned();
    let body = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "metadata": metadata});
    let batch = post(mock, "/batches", "application/json", body.to_string()).await;
    (file, batch["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_has_the_tag_is_removed_and_nothing_else() {
    let mock = mock().await;
    let foreign = made(&mock, "payroll.jsonl", json!({"made_by": "payroll"})).await;
    let mut ours = Vec::new();
    for (name, metadata) in [
        ("batchmock-conformance-batches-cancel.jsonl", json!({"made_by": "batchmock-conformance"})),
        ("batchmock-conformance-batches-metadata.jsonl", json!({"made_by": "a case about metadata"})),
    ] {
        ours.push(made(&mock, name, metadata).await);
    }
    let account = Account::new(&mock.base_url(), Some(KEY.to_owned())).unwrap();
    let mut left = account.left().await.unwrap();
    left.files.sort();
    left.batches.sort();
    let (mut files, mut batches): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
    files.sort();
    batches.sort();
    assert_eq!(left, Left { batches, files });
    assert_eq!(account.remove(&left).await, []);
    assert_eq!(account.left().await.unwrap(), Left::default());
    for path in [format!("/files/{}", foreign.0), format!("/batches/{}", foreign.1)] {
        let get = reqwest::Client::new().get(format!("{}{path}", mock.base_url()));
        let answer = get.header("authorization", format!("Bearer {KEY}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} is somebody else's");
        assert!(!answer.text().await.unwrap().contains("cancel\""), "{path} goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_what_it_removes() {
    let faults = "[[fault]]\noperation = \"delete_file\"\nnth = 1\nerror = \"rate_limit_requests\"\nretry_after = 0\n\n\
                  [[fault]]\noperation = \"delete_file\"\nnth = 4\nerror = \"server_error\"\n";
    let faults = FaultPlan::from_toml(faults).unwrap();
    let builder = MockServer::builder().clock(ClockMode::Frozen).keys([KEY]).faults(faults);
    let mock = builder.start().await.unwrap();
    let (file, batch) = made(&mock, "batchmock-conformance-a.jsonl", json!({})).await;
    let base_url = mock.base_url();
    let clean_up = async |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchmock-conformance"));
        command.args(["clean-up", "--base-url", &base_url]).args(more).env("OPENAI_API_KEY", KEY);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let would = format!(
        "{batch} would be cancelled\n{file} would be deleted\n2 found, 0 of which could not be removed\n"
    );
    assert_eq!(clean_up(&["--dry-run"]).await, (Some(0), would, String::new()));
    let done = format!("{batch} cancelled\n{file} deleted\n2 found, 0 of which could not be removed\n");
    assert_eq!(clean_up(&[]).await, (Some(0), done, String::new()), "a busy server is asked again");

    let (deleted, cancelled) = made(&mock, "batchmock-conformance-b.jsonl", json!({})).await;
    let (left, more) = made(&mock, "batchmock-conformance-c.jsonl", json!({})).await;
    let (code, told, complaint) = clean_up(&[]).await;
    assert_eq!(code, Some(1));
    assert!(told.ends_with("4 found, 1 of which could not be removed\n"), "{told}");
    for id in [&cancelled, &more] {
        assert!(told.contains(&format!("{id} cancelled\n")), "{told}");
    }
    let is_told = |id: &str| complaint.contains(&format!("DELETE /files/{id}: status 500"));
    assert!(is_told(&deleted) != is_told(&left), "one is left, and told of: {complaint}");
}

#[tokio::test]
async fn what_a_case_makes_has_the_tag() {
    let mock = mock().await;
    let keys = Keys::Given { own: KEY.to_owned(), other: None };
    let target = Arc::new(Target::probe(Settings::new(mock.base_url(), keys)).await.unwrap());
    let mut untagged = Vec::new();
    for case in server::all() {
        let found = run::one(&target, case).await;
        let mut tagged = Vec::new();
        for exchange in found.exchanges {
            let body: Value = serde_json::from_str(&exchange.body).unwrap_or_default();
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            let asked = exchange.asked();
            if exchange.status == Some(200) && ["POST /files", "POST /batches"].contains(&asked.as_str()) {
                let sent = exchange.request_body;
                // Batches are found by their inputs as well.
                let has_tag = sent.contains("filename=\"batchmock-conformance-")
                    || sent.contains("\"made_by\":\"batchmock-conformance\"")
                    || tagged.iter().any(|id: &String| sent.contains(id));
                if has_tag { tagged.push(id) } else { untagged.push(format!("{}: {asked}", case.id)) }
            }
        }
    }
    assert_eq!(untagged, [""; 0]);
}

#[tokio::test]
async fn a_server_that_refuses_is_told_of_without_the_key() {
    let mock = mock().await;
    let account = Account::new(&mock.base_url(), Some("sk-wrong".to_owned())).unwrap();
    let error = account.left().await.unwrap_err();
    assert_eq!(error.asked, "GET /files?limit=100");
    assert!(error.why.starts_with("status 401") && !error.why.contains("sk-wrong"), "{}", error.why);
}
