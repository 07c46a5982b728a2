//! A server whose answers are exact, and a client that hides nothing of them.

use std::fmt::{self, Write as _};
use std::time::Duration;

use batchmock::{Builder, ClockMode, MockServer, Pace, PaceDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The keys of a batch in the order of the wire (F-200).
pub(crate) const BATCH_KEYS: [&str; 22] = [
    "id",
    "object",
    "endpoint",
    "model",
    "errors",
    "input_file_id",
    "completion_window",
    "status",
    "output_file_id",
    "error_file_id",
    "created_at",
    "in_progress_at",
    "expires_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
    "request_counts",
    "usage",
    "metadata",
];

/// The times a batch can have, beside `created_at` and `expires_at`.
pub(crate) const BATCH_TIMES: [&str; 7] = [
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
];

/// What clocks show at first: 2026-01-01, midnight.
pub(crate) const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// The seed of every server that is not about seeds.
pub(crate) const SEED: u64 = 7;

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A server on which time stands still and every id is known beforehand.
pub(crate) fn frozen() -> Builder {
    MockServer::builder().seed(SEED).clock(ClockMode::Frozen).start_at(START)
}

/// A server as [`frozen`] describes it, and a client for its default account.
pub(crate) async fn start() -> (MockServer, Client) {
    let server = frozen().start().await.expect("a server starts");
    let client = Client::new(&server);
    (server, client)
}

/// A pace at which a batch works for 40 hours, and so expires with part of its lines done.
pub(crate) fn slower_than_the_window() -> Pace {
    Pace { in_progress_for: PaceDuration::seconds(40 * 3_600), ..Pace::QUICK }
}

/// A batch in each status, in the order in which they are documented.
pub(crate) async fn in_every_status() -> Vec<Answer> {
    let slow = frozen().pace(slower_than_the_window()).start().await.expect("a server starts");
    let (quick, client) = start().await;
    let failing = client.batch(&["{}"]).await;
    let lines = [chats(4), vec![chat("refused~400", "question")]].concat();
    let completing = client.batch(&lines).await;
    let validating = client.retrieve(&completing).await;
    quick.clock().advance(seconds(1)).expect("clocks move ahead");
    let failed = client.retrieve(&failing).await;
    let in_progress = client.retrieve(&completing).await;
    quick.clock().advance(seconds(2)).expect("clocks move ahead");
    let finalizing = client.retrieve(&completing).await;
    quick.clock().advance(seconds(1)).expect("clocks move ahead");
    let completed = client.retrieve(&completing).await;

    let client = Client::new(&slow);
    let (expiring, cancelled) = (client.batch(&lines).await, client.batch(&lines).await);
    slow.clock().advance(seconds(20 * 3_600 + 1)).expect("clocks move ahead");
    client.cancel(&cancelled).await;
    let cancelling = client.retrieve(&cancelled).await;
    slow.clock().advance(days(1)).expect("clocks move ahead");
    let expired = client.retrieve(&expiring).await;
    let cancelled = client.retrieve(&cancelled).await;
    let all = vec![validating, failed, in_progress, finalizing, completed, expired, cancelling, cancelled];
    let statuses: Vec<_> =
        all.iter().map(|batch| batch.json()["status"].as_str().unwrap_or_default().to_owned()).collect();
    let expected = [
        "validating",
        "failed",
        "in_progress",
        "finalizing",
        "completed",
        "expired",
        "cancelling",
        "cancelled",
    ];
    assert_eq!(statuses, expected);
    all
}

/// Sends requests with one key and gives whole answers.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    authorization: Option<String>,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client for the default account of a server.
    pub(crate) fn new(server: &MockServer) -> Self {
        let authorization = Some(format!("Bearer {}", server.api_key()));
        Self { http: reqwest::Client::new(), base_url: server.base_url(), authorization }
    }

    /// A client for the account of a key of a server elsewhere.
    pub(crate) fn of(base_url: &str, key: &str) -> Self {
        let authorization = Some(format!("Bearer {key}"));
        Self { http: reqwest::Client::new(), base_url: base_url.to_owned(), authorization }
    }

    /// The same client for another account.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        self.with_authorization(Some(&format!("Bearer {key}")))
    }

    /// The same client with another header `Authorization`, or without one.
    pub(crate) fn with_authorization(&self, authorization: Option<&str>) -> Self {
        Self { authorization: authorization.map(str::to_owned), ..self.clone() }
    }

    /// The same client with more headers on every request.
    pub(crate) fn with_headers(&self, headers: &[(&'static str, &'static str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let http = reqwest::Client::builder().default_headers(headers.collect());
        Self { http: http.build().expect("a client can be made"), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, Vec::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some("application/json"), body.to_string().into()).await
    }

    /// Sends any request below the base URL.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Answer {
        self.try_send(method, path, content_type, body).await.expect("the server answers")
    }

    /// Sends any request below the base URL, which may come to nothing.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let response = request.body(body).send().await?;
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }

    /// Uploads bytes in the form that most clients send.
    pub(crate) async fn upload(&self, purpose: &str, filename: &str, bytes: impl AsRef<[u8]>) -> Answer {
        self.upload_form(&Form::new().field("purpose", purpose).file(filename, bytes)).await
    }

    pub(crate) async fn upload_form(&self, form: &Form) -> Answer {
        self.send(Method::POST, "/files", Some(&Form::content_type()), form.body()).await
    }

    /// Uploads lines for a batch and gives the id of the file.
    pub(crate) async fn upload_lines<L: AsRef<str>>(&self, lines: &[L]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| format!("{}\n", line.as_ref())).collect();
        self.upload("batch", "requests.jsonl", lines.concat()).await.id()
    }

    /// Creates a batch for an endpoint.
    pub(crate) async fn create(&self, input_file_id: &str, endpoint: &str) -> Answer {
        self.post("/batches", &new_batch(input_file_id, endpoint)).await
    }

    /// Uploads chat lines, creates a batch of them, and gives its id.
    pub(crate) async fn batch<L: AsRef<str>>(&self, lines: &[L]) -> String {
        let input = self.upload_lines(lines).await;
        self.create(&input, CHAT).await.id()
    }

    /// A batch by its id.
    pub(crate) async fn retrieve(&self, id: &str) -> Answer {
        self.get(&format!("/batches/{id}")).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Answer {
        self.send(Method::POST, &format!("/batches/{id}/cancel"), None, Vec::new()).await
    }

    /// The bytes of a file.
    pub(crate) async fn content(&self, file_id: &str) -> Answer {
        self.get(&format!("/files/{file_id}/content")).await
    }

    /// The output and the error file of a batch that has ended, each empty if there is none.
    pub(crate) async fn results(&self, batch_id: &str) -> (String, String) {
        let batch = self.retrieve(batch_id).await.json();
        let mut files = Vec::new();
        for key in ["output_file_id", "error_file_id"] {
            files.push(match batch[key].as_str() {
                Some(id) => self.content(id).await.text().to_owned(),
                None => String::new(),
            });
        }
        let error = files.pop().expect("two files were read");
        (files.pop().expect("two files were read"), error)
    }
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The id of what the answer is about.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id in {self}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("the header is ASCII"))
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {self}")).to_owned()
    }

    /// All headers, one a line in alphabetical order.
    pub(crate) fn header_lines(&self) -> String {
        let mut lines: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        lines.sort();
        lines.concat()
    }
}

/// Status and body together. A final line end, which a snapshot would swallow, is shown as `⏎`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        writeln!(f, "{}", self.status)?;
        match body.strip_suffix('\n') {
            Some(body) => writeln!(f, "{body}⏎"),
            None => writeln!(f, "{body}"),
        }
    }
}

/// Several answers, each under a title.
#[derive(Debug, Default)]
pub(crate) struct Transcript(String);

impl Transcript {
    pub(crate) fn add(&mut self, title: &str, answer: &Answer) {
        writeln!(self.0, "── {title}\n{answer}").expect("a String takes any text");
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A multipart body, written by hand so that each byte of it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    const BOUNDARY: &str = "----batchmock-test-boundary";

    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }

    /// A field `file`, as most clients send it.
    pub(crate) fn file(self, filename: &str, bytes: impl AsRef<[u8]>) -> Self {
        let disposition = format!("form-data; name=\"file\"; filename=\"{filename}\"");
        self.part(
            &format!("Content-Disposition: {disposition}\r\nContent-Type: application/octet-stream"),
            bytes,
        )
    }

    /// A part with these headers.
    pub(crate) fn part(mut self, headers: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(format!("--{}\r\n{headers}\r\n\r\n", Self::BOUNDARY).as_bytes());
        self.0.extend_from_slice(bytes.as_ref());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn content_type() -> String {
        format!("multipart/form-data; boundary={}", Self::BOUNDARY)
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.0.clone();
        body.extend_from_slice(format!("--{}--\r\n", Self::BOUNDARY).as_bytes());
        body
    }
}

/// What creates a batch.
pub(crate) fn new_batch(input_file_id: &str, endpoint: &str) -> Value {
    json!({"input_file_id": input_file_id, "endpoint": endpoint, "completion_window": "24h"})
}

/// A line of a batch's input.
pub(crate) fn line(custom_id: &str, url: &str, body: &Value) -> String {
    json!({"custom_id": custom_id, "method": "POST", "url": url, "body": body}).to_string()
}

/// A line that asks gpt-4o-mini something.
pub(crate) fn chat(custom_id: &str, prompt: &str) -> String {
    line(custom_id, CHAT, &chat_body(prompt))
}

/// Lines `a-1`, `a-2` and so on.
pub(crate) fn chats(count: usize) -> Vec<String> {
    (1..=count).map(|n| chat(&format!("a-{n}"), &format!("question {n}"))).collect()
}

pub(crate) fn chat_body(prompt: &str) -> Value {
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]})
}

/// The lines of a result file, read.
pub(crate) fn results_of(file: &str) -> Vec<Value> {
    file.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// The `custom_id` of each line of a result file.
pub(crate) fn custom_ids(file: &str) -> Vec<String> {
    let custom_id = |line: &Value| line["custom_id"].as_str().expect("every line has one").to_owned();
    results_of(file).iter().map(custom_id).collect()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// The keys at the top of an indented document, in the order of its bytes.
pub(crate) fn top_keys(text: &str) -> Vec<&str> {
    let key = |line: &'_ str| -> Option<usize> {
        let rest = line.strip_prefix("  \"")?;
        rest.find("\":")
    };
    text.lines().filter_map(|line| key(line).map(|length| &line[3..3 + length])).collect()
}
