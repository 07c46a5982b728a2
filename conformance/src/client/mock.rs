//! The stage: a batchmock that plays one scenario for one client.
//!
//! The only module below `client/` that knows batchmock. It takes down what it sees as plain data, and judges nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

use batchmock::{
    ClockMode, JournalFilter, Limits, MockServer, Operation, Outcome, ReceivedRequest, Scenarios, Timestamp,
};
use serde_json::{Value, json};

use super::account::{Problem, Usage};
use super::evidence::{self, Batch, File, Request};
use super::task::Task;
use crate::form::Form;
use crate::time::Deadline;

/// What clocks show at first: 2026-01-01, midnight.
const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// How long every batch has ended after.
const LONG_ENOUGH: Duration = Duration::from_hours(60);

/// How often a client may ask for a batch of whose end it knows, before it is taken for endless.
const ENDLESS: usize = 25;

/// How much of an answer is kept, so that what a client was told can be read.
const BODY_BYTES: usize = 1024 * 1024;

/// How long after the end of a client its last exchanges are over. One that hangs on purpose never is.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);

/// How a scenario is played.
#[derive(Debug, Clone, Copy)]
pub struct Staging {
    /// The scenario of the mock, by name; or none.
    pub named: Option<&'static str>,
    /// The scenario as TOML, if it has no name. `{elsewhere}` stands for the address of another host.
    pub toml: &'static str,
    /// The scenario by name for batches after the first.
    pub later: Option<&'static str>,
    /// How time passes.
    pub clock: Clock,
}

/// How time passes for batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Each look at a batch, but for the first, jumps to its next change.
    Stepping,
    /// Not at all.
    Frozen,
}

/// A batchmock that plays a scenario.
#[derive(Debug)]
pub(crate) struct Stage {
    server: MockServer,
    key: String,
    http: reqwest::Client,
    later: Option<&'static str>,
    given_batch: Option<String>,
}

/// What was seen on the stage.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) requests: Vec<Request>,
    pub(crate) notes: Vec<(String, Option<u64>)>,
    pub(crate) files: Vec<File>,
    pub(crate) batches: Vec<Batch>,
}

/// Why a scenario cannot be played, or looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error("no batchmock can be started: {0}")]
    Start(#[from] io::Error),
    #[error("the scenario cannot be read: {0}")]
    Scenario(String),
    #[error("the stage cannot be reached: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the stage answers otherwise than it should: {0}")]
    Answer(String),
}

impl Stage {
    /// Sets a scenario up for whoever has this key.
    pub(crate) async fn set(
        staging: &Staging,
        seed: u64,
        key: String,
        elsewhere: &str,
    ) -> Result<Self, StageError> {
        let mut builder = MockServer::builder()
            .seed(seed)
            .clock(match staging.clock {
                Clock::Stepping => ClockMode::Stepping,
                Clock::Frozen => ClockMode::Frozen,
            })
            .start_at(START)
            .keys([key.clone()])
            .limits(Limits { journal_body_bytes: BODY_BYTES, ..Limits::default() })
            .keep_removed_files();
        if let Some(name) = staging.named {
            builder = builder.scenario(name);
        } else if !staging.toml.is_empty() {
            let mut scenarios = Scenarios::default();
            let read = scenarios.add_toml("staged", &staging.toml.replace("{elsewhere}", elsewhere));
            read.map_err(|error| StageError::Scenario(error.to_string()))?;
            builder = builder.scenarios(scenarios).scenario("staged");
        }
        let server = builder.start().await?;
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        Ok(Self { server, key, http, later: staging.later, given_batch: None })
    }

    /// Where it is.
    pub(crate) fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The only key that it takes.
    pub(crate) fn api_key(&self) -> &str {
        &self.key
    }

    /// Ready when the client asks for an ended batch again and again; never, if it does not.
    pub(crate) async fn endless(&self) {
        let filter = JournalFilter { slug: Some("poll-after-end".to_owned()), ..JournalFilter::default() };
        self.recorded(&filter, ENDLESS).await;
    }

    /// Changes the scenario for later batches once there is one. Never ready.
    pub(crate) async fn change_for_later_batches(&self) -> Result<Infallible, StageError> {
        if let Some(name) = self.later {
            self.recorded(
                &JournalFilter { status: Some(200), ..JournalFilter::of_operation(Operation::CreateBatch) },
                1,
            )
            .await;
            let url = format!("http://{}/_mock/v1/scenario", self.server.address());
            let send = self.http.put(url).bearer_auth(&self.key).json(&json!({"name": name}));
            send.send().await?.error_for_status()?;
        }
        std::future::pending().await
    }

    /// Ready when the client has looked at a batch so often.
    pub(crate) async fn looked(&self, times: usize) {
        let filter = JournalFilter {
            outcome: Some(Outcome::Sent),
            ..JournalFilter::of_operation(Operation::RetrieveBatch)
        };
        self.recorded(&filter, times).await;
    }

    async fn recorded(&self, filter: &JournalFilter, times: usize) {
        let journal = self.server.journal(&self.key);
        while !journal.wait_for(filter, times, Duration::from_hours(1)).await {}
    }

    /// Makes a batch of a task before the client comes. Its lines are called by the keys.
    pub(crate) async fn give_batch(&mut self, task: &Task, until: &str) -> Result<String, StageError> {
        let lines: Vec<String> = task
            .items
            .iter()
            .map(|item| {
                let body = json!({
                    "model": task.model, "messages": [{"role": "user", "content": item.prompt}],
                });
                json!({"custom_id": item.key, "method": "POST", "url": task.endpoint, "body": body})
                    .to_string()
            })
            .collect();
        let form = Form::new().field("purpose", "batch").file("requests.jsonl", lines.join("\n"));
        let send = self.http.post(format!("{}/files", self.base_url())).bearer_auth(&self.key);
        let send = send.header("content-type", Form::CONTENT_TYPE).body(form.bytes());
        let file: Value = send.send().await?.error_for_status()?.json().await?;
        let new = json!({
            "input_file_id": file["id"], "endpoint": task.endpoint, "completion_window": task.completion_window,
        });
        let send = self.http.post(format!("{}/batches", self.base_url())).bearer_auth(&self.key).json(&new);
        let batch: Value = send.send().await?.error_for_status()?.json().await?;
        let id = batch["id"].as_str().ok_or_else(|| StageError::Answer(batch.to_string()))?.to_owned();
        let mut status = String::new();
        while status != until {
            let send = self.http.get(format!("{}/batches/{id}", self.base_url())).bearer_auth(&self.key);
            let batch: Value = send.send().await?.error_for_status()?.json().await?;
            status = text(&batch["status"]);
            if evidence::TERMINAL.contains(&status.as_str()) && status != until {
                return Err(StageError::Answer(format!("the batch is never `{until}`, but `{status}`")));
            }
        }
        self.server.journal(&self.key).clear();
        self.given_batch = Some(id.clone());
        Ok(id)
    }

    /// Takes down what there is to be seen, now that the client has ended, and lets its batches come to their end. A client
    /// that was not given the task may have asked something else, if so it is said.
    pub(crate) async fn seen(&self, task: &Task, may_ask_else: bool) -> Result<Seen, StageError> {
        self.settle().await;
        let journal = self.server.journal(&self.key);
        let requests = journal.requests().into_iter().map(request).collect();
        let notes = journal.notes().into_iter().map(|note| (note.slug.to_owned(), note.exchange)).collect();
        self.server.faults_of(&self.key).clear();
        let then: HashMap<String, String> =
            self.batches().await?.iter().map(|batch| (text(&batch["id"]), text(&batch["status"]))).collect();
        self.server
            .clock_of(&self.key)
            .advance(LONG_ENOUGH)
            .map_err(|error| StageError::Answer(error.to_string()))?;
        let files: Vec<File> = self.server.files(&self.key).iter().map(file).collect::<Result<_, _>>()?;
        let mut batches = Vec::new();
        for told in self.batches().await? {
            let mut batch = batch(&told, &then, &files, task, self.given_batch.as_deref());
            if may_ask_else && batch.input.iter().all(|line| line.key.is_none()) {
                evidence::take_as_asked(&mut batch.input);
            }
            batches.push(batch);
        }
        batches.reverse();
        Ok(Seen { requests, notes, files, batches })
    }

    /// All batches, the newest first.
    async fn batches(&self) -> Result<Vec<Value>, StageError> {
        let mut batches: Vec<Value> = Vec::new();
        loop {
            let after =
                batches.last().map(|last| format!("&after={}", text(&last["id"]))).unwrap_or_default();
            let url = format!("{}/batches?limit=100{after}", self.base_url());
            let page: Value =
                self.http.get(url).bearer_auth(&self.key).send().await?.error_for_status()?.json().await?;
            let entries = page["data"].as_array().cloned().unwrap_or_default();
            let is_last = page["has_more"] != true || entries.is_empty();
            batches.extend(entries);
            if is_last {
                return Ok(batches);
            }
        }
    }

    /// Waits until what was sent last is entered in the journal: the client may have ended sooner.
    async fn settle(&self) {
        let journal = self.server.journal(&self.key);
        let pending = JournalFilter { outcome: Some(Outcome::Pending), ..JournalFilter::default() };
        let deadline = Deadline::after(SETTLES_WITHIN);
        while !journal.select(&pending).is_empty() && deadline.wait(Duration::from_millis(5)).await {}
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn request(received: ReceivedRequest) -> Request {
    let (body, answer) = (received.json().unwrap_or_default(), received.answer_json().unwrap_or_default());
    let content_type = received.headers.iter().find(|(name, _)| *name == "content-type");
    Request {
        number: received.number,
        at_ms: received.wall.unix_millis(),
        took_ms: received.took.map_or(0, |took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
        content_type: content_type.map(|(_, value)| value.clone()),
        method: received.method,
        path: received.path,
        query: received.query.unwrap_or_default(),
        operation: received.operation.name().to_owned(),
        ids: received.ids,
        status: received.status,
        fault: received.fault,
        is_whole: received.outcome == Outcome::Sent,
        body,
        answer,
    }
}

fn file(stored: &batchmock::StoredFile) -> io::Result<File> {
    Ok(File {
        id: stored.id.clone(),
        purpose: stored.purpose.clone(),
        name: stored.filename.clone(),
        bytes: stored.read()?,
        is_there: stored.is_there,
    })
}

fn batch(
    told: &Value,
    then: &HashMap<String, String>,
    files: &[File],
    task: &Task,
    given: Option<&str>,
) -> Batch {
    let id = text(&told["id"]);
    let file_id = |name: &str| told[name].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let bytes = |id: Option<&str>| {
        files.iter().find(|file| Some(file.id.as_str()) == id).map_or(&[][..], |file| &file.bytes)
    };
    let input_file_id = text(&told["input_file_id"]);
    let (output_file_id, error_file_id) = (file_id("output_file_id"), file_id("error_file_id"));
    let mut results = evidence::read_results(bytes(output_file_id.as_deref()), true);
    results.extend(evidence::read_results(bytes(error_file_id.as_deref()), false));
    let problems = told["errors"]["data"].as_array().into_iter().flatten();
    let problems = problems.map(|problem| Problem {
        code: problem["code"].as_str().map(str::to_owned),
        line: problem["line"].as_u64(),
        message: problem["message"].as_str().map(str::to_owned),
    });
    let tokens = |name: &str| told["usage"][name].as_u64().unwrap_or_default();
    Batch {
        is_given: given == Some(id.as_str()),
        status_then: then.get(&id).cloned().unwrap_or_default(),
        status: text(&told["status"]),
        input: evidence::read_input(bytes(Some(&input_file_id)), task),
        problems: problems.collect(),
        usage: Usage {
            input_tokens: tokens("input_tokens"),
            output_tokens: tokens("output_tokens"),
            total_tokens: tokens("total_tokens"),
        },
        id,
        input_file_id,
        output_file_id,
        error_file_id,
        results,
    }
}
