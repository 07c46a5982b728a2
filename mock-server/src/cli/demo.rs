//! `batchmock demo`: the whole workflow over HTTP, as any client would do it, told line by line.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use batchmock::{ClockMode, MockServer, Pace, PaceDuration};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::exit::Failure;
use super::output::tell;

/// How often the demonstration polls.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Plays both acts.
pub(super) async fn run() -> Result<ExitCode, Failure> {
    Box::pin(play()).await.map_err(|error| Failure::internal(format!("the demonstration broke off: {error}")))
}

#[expect(clippy::disallowed_methods, reason = "the first act is played in real time")]
async fn play() -> Result<ExitCode, Box<dyn std::error::Error>> {
    tell!(
        "A batch of five requests, polled as a client would. One asks to fail: its custom_id ends in ~429.\n"
    );
    let server = MockServer::start().await?;
    let api = Api::new(&server)?;
    let id = api.create_batch(&["a", "b", "c~429", "d", "e"]).await?;
    let mut told = String::new();
    let batch = loop {
        let batch = api.batch(&id).await?;
        let line = Api::summary(&batch);
        if line != told {
            tell!("  {line}");
            told = line;
        }
        if batch["status"] == "completed" {
            break batch;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    };
    tell!("\nIts results, in the order of the files, which is not that of the input:\n");
    api.tell_results(&batch).await?;

    tell!("\nA batch that needs 30 hours, on a frozen clock that is moved ahead by 25.\n");
    let slow = Pace { in_progress_for: PaceDuration::Fixed(Duration::from_hours(30)), ..Pace::QUICK };
    let server = MockServer::builder().clock(ClockMode::Frozen).pace(slow).start().await?;
    let api = Api::new(&server)?;
    let id = api.create_batch(&["a", "b", "c", "d"]).await?;
    tell!("  {}", Api::summary(&api.batch(&id).await?));
    server.clock().advance(Duration::from_hours(12))?;
    tell!("  {}", Api::summary(&api.batch(&id).await?));
    server.clock().advance(Duration::from_hours(13))?;
    let batch = api.batch(&id).await?;
    tell!("  {}", Api::summary(&batch));
    tell!("\nWhat was done by then is paid for, and is there; the rest is told in the error file:\n");
    api.tell_results(&batch).await?;
    tell!(
        "\nStart a mock of your own with `batchmock` (from a clone: `cargo run`), and point your client at it by base URL \
         and key.\n`batchmock scenarios` (`cargo run -- scenarios`) lists what can go wrong with a batch, each to be had by \
         a key."
    );
    Ok(ExitCode::SUCCESS)
}

/// A small client.
struct Api {
    client: Client,
    base_url: String,
    key: String,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

impl Api {
    fn new(server: &MockServer) -> Outcome<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, base_url: server.base_url(), key: server.api_key().to_owned() })
    }

    async fn send(&self, request: RequestBuilder) -> Outcome<reqwest::Response> {
        Ok(request.bearer_auth(&self.key).send().await?.error_for_status()?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    async fn create_batch(&self, custom_ids: &[&str]) -> Outcome<String> {
        let line = |custom_id: &&str| {
            let messages = json!([{"role": "user", "content": format!("What is {custom_id}?")}]);
            let body = json!({"model": "gpt-4o-mini", "messages": messages});
            json!({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})
                .to_string()
        };
        let input = custom_ids.iter().map(line).collect::<Vec<_>>().join("\n");
        let form =
            Form::new().text("purpose", "batch").part("file", Part::text(input).file_name("demo.jsonl"));
        let file: Value =
            self.send(self.client.post(self.url("/files")).multipart(form)).await?.json().await?;
        let new = json!({
            "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        });
        let batch: Value = self.send(self.client.post(self.url("/batches")).json(&new)).await?.json().await?;
        Ok(batch["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn batch(&self, id: &str) -> Outcome<Value> {
        Ok(self.send(self.client.get(self.url(&format!("/batches/{id}")))).await?.json().await?)
    }

    fn summary(batch: &Value) -> String {
        let counts = &batch["request_counts"];
        format!(
            "{:<12} {} completed, {} failed of {}",
            batch["status"].as_str().unwrap_or_default(),
            counts["completed"],
            counts["failed"],
            counts["total"]
        )
    }

    async fn tell_results(&self, batch: &Value) -> Outcome<()> {
        let mut by_custom_id = BTreeMap::new();
        for name in ["output_file_id", "error_file_id"] {
            let Some(file) = batch[name].as_str() else { continue };
            let path = format!("/files/{file}/content");
            let content = self.send(self.client.get(self.url(&path))).await?.text().await?;
            for line in content.lines() {
                let line: Value = serde_json::from_str(line)?;
                let custom_id = line["custom_id"].as_str().unwrap_or_default().to_owned();
                let body = &line["response"]["body"];
                let answer = [
                    &body["choices"][0]["message"]["content"],
                    &body["error"]["code"],
                    &line["error"]["code"],
                ];
                let answer = answer.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
                tell!("  {name:<14} {custom_id:<6} {answer}");
                by_custom_id.insert(custom_id, answer);
            }
        }
        let joined: Vec<_> = by_custom_id.iter().map(|(id, answer)| format!("{id} = {answer}")).collect();
        tell!("\n  joined by custom_id: {}", joined.join(", "));
        Ok(())
    }
}
