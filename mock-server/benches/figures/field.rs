//! Other mocks that have batches, measured by the same client in the same run.
//!
//! Which ones, and how they are started, comes from outside (`conformance/field/run` installs some): an argument
//! `NAME=COMMAND` each, in which `{port}` stands for a port that is free.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::load::throughput;
use super::process::memory_of;
use super::sections::{Outcome, get, line, ms};

/// How long a batch may take before it is given up.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many lines are tried, and how long each is: of the size that people's first batches have, and a full batch.
const LINES: [usize; 2] = [1_000, 50_000];
const PROMPT: usize = 80;

/// Measures this mock, then the others.
pub(crate) async fn run(others: &[String]) -> Outcome<()> {
    let ours = concat!(env!("CARGO_BIN_EXE_batchmock"), " serve --port {port} --clock stepping");
    println!(
        "{:<24} {:>12} {:>10} {:>12} {:>16} {:>16}",
        "", "first answer", "idle", "GET a batch", "1,000 lines", "50,000 lines"
    );
    measure("batchmock", ours).await?;
    for other in others {
        let (name, command) = other.split_once('=').ok_or("write NAME=COMMAND")?;
        measure(name, command).await?;
    }
    Ok(())
}

async fn measure(name: &str, command: &str) -> Outcome<()> {
    let mut first_answers = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let _server = Server::start(command).await?;
        first_answers.push(began.elapsed());
    }
    first_answers.sort();
    let server = Server::start(command).await?;
    let idle = memory_of(server.child.id()).map_or("-".to_owned(), |(now, _)| format!("{now:.1} MiB"));

    let mut cells = Vec::new();
    let mut rate = "-".to_owned();
    for lines in LINES {
        let input: String = (0..lines).map(|n| line(n, PROMPT) + "\n").collect();
        let began = Instant::now();
        match server.batch(input).await {
            Ok((id, n)) if n == lines => {
                #[expect(clippy::cast_precision_loss, reason = "few lines")]
                let per_second = lines as f64 / began.elapsed().as_secs_f64();
                cells.push(format!("{per_second:.0} lines/s"));
                let path = format!("/batches/{id}");
                let asked =
                    throughput(&server.authority, |_| get(&server.authority, &path, "sk-field")).await;
                rate = asked.map_or("-".to_owned(), |rate| format!("{rate:.0}/s"));
            }
            Ok((_, n)) => cells.push(format!("{n} results")),
            Err(error) => {
                eprintln!("{name}, {lines} lines: {error}");
                cells.push("none".to_owned());
            }
        }
    }
    let first = ms(first_answers[first_answers.len() / 2]);
    println!("{name:<24} {first:>12} {idle:>10} {rate:>12} {:>16} {:>16}", cells[0], cells[1]);
    Ok(())
}

/// A mock in a process of its own, killed when it is dropped.
struct Server {
    child: Child,
    authority: String,
    client: Client,
}

impl Server {
    /// Starts it, and waits for its first answer.
    async fn start(command: &str) -> Outcome<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let command = command.replace("{port}", &port.to_string());
        let mut words = command.split_whitespace();
        let mut process = Command::new(words.next().ok_or("an empty command")?);
        let child = process.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let client = Client::builder().no_proxy().build()?;
        let server = Self { child, authority: format!("127.0.0.1:{port}"), client };
        let began = Instant::now();
        while server.client.get(server.url("/batches")).bearer_auth("sk-field").send().await.is_err() {
            if began.elapsed() > PATIENCE {
                return Err("it does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(server)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1{path}", self.authority)
    }

    async fn json(&self, request: RequestBuilder) -> Outcome<Value> {
        let answer = request.bearer_auth("sk-field").send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() {
            Ok(serde_json::from_str(&text)?)
        } else {
            Err(format!("{status}: {}", text.chars().take(200).collect::<String>()).into())
        }
    }

    /// Uploads, runs and downloads a batch: its id, and how many results there are.
    async fn batch(&self, input: String) -> Outcome<(String, usize)> {
        let part = Part::text(input).file_name("input.jsonl");
        let form = Form::new().text("purpose", "batch").part("file", part);
        let file = self.json(self.client.post(self.url("/files")).multipart(form)).await?;
        let new = json!({
            "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        });
        let batch = self.json(self.client.post(self.url("/batches")).json(&new)).await?;
        let id = batch["id"].as_str().ok_or("a batch without id")?.to_owned();
        let began = Instant::now();
        let batch = loop {
            let batch = self.json(self.client.get(self.url(&format!("/batches/{id}")))).await?;
            match batch["status"].as_str() {
                Some("completed") => break batch,
                Some("failed" | "expired" | "cancelled") => return Err(batch.to_string().into()),
                _ if began.elapsed() > PATIENCE => return Err("it does not end".into()),
                _ => {}
            }
        };
        let output = batch["output_file_id"].as_str().ok_or("a completed batch without output")?;
        let answer = self.client.get(self.url(&format!("/files/{output}/content"))).bearer_auth("sk-field");
        let output = answer.send().await?.error_for_status()?.text().await?;
        Ok((id, output.lines().count()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
