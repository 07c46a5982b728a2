//! What a case has in hand: it sends requests, each of which is recorded, and lets time pass.

mod cleaning;
mod sending;
mod waiting;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::case::{Case, Takes};
use crate::cost::Cost;
use crate::exchange::{Exchange, Key, REDACTED, Request, shown};
use crate::expect::{Answer, Body, Mismatch, OnTheWay as _, Outcome, Place, Stop};
use crate::form::Form;
use crate::journal::{Journal, Waiting};
use crate::tag;
use crate::target::{Models, Target};
use crate::time::{self, Deadline, Time};

pub(crate) use waiting::FINAL;

/// One run of one case.
#[derive(Debug)]
pub struct Session {
    target: Arc<Target>,
    case: &'static str,
    takes: Takes,
    deadline: Deadline,
    /// Whether the case may be put down where it would have to wait for too long.
    may_be_put_down: bool,
    journal: Journal,
    pub(crate) exchanges: Vec<Exchange>,
    /// What each request may have set off, by the place of its first exchange.
    pub(crate) costs: Vec<(usize, Cost)>,
    /// What the lines of each file cost when a batch runs them.
    inputs: BTreeMap<String, Cost>,
    /// The key of the account that the case acts for.
    acting: Key,
    /// What was made, and with which key.
    files: Vec<(Key, String)>,
    batches: Vec<(Key, String)>,
}

/// How a case is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// To its end; what takes longer than may be waited is not exercised.
    ToTheEnd,
    /// It is put down where it would have to wait for longer than this.
    PutDownAfter(Duration),
}

/// A batch that has ended, with its results.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) batch: Body,
    /// The lines of the output file; none if there is no such file.
    pub(crate) output: Vec<Body>,
    /// The lines of the error file; none if there is no such file.
    pub(crate) errors: Vec<Body>,
}

impl Session {
    /// A session for a case that is begun, or taken up again.
    pub(crate) fn new(
        target: Arc<Target>,
        case: &'static Case,
        patience: Patience,
        waiting: Option<Waiting>,
    ) -> Self {
        let takes = case.takes.at_most();
        let at_most = match (patience, &target.time) {
            (_, Time::Control(_)) => takes,
            (Patience::ToTheEnd, Time::Wall { at_most, .. }) => takes.min(*at_most),
            (Patience::PutDownAfter(at_most), Time::Wall { .. }) => at_most,
        };
        let journal = waiting.map_or_else(|| Journal::new(time::unix_now()), Journal::of);
        Self {
            target,
            case: case.id,
            takes: case.takes,
            deadline: Deadline::after(at_most),
            may_be_put_down: patience != Patience::ToTheEnd,
            journal,
            exchanges: Vec::new(),
            costs: Vec::new(),
            inputs: BTreeMap::new(),
            acting: Key::Own,
            files: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// The case is put down.
    pub(crate) fn put_down(self) -> Waiting {
        let keys = self.target.secret_keys();
        self.journal.put_down(self.case, &keys, REDACTED)
    }

    /// What the case may have set off.
    pub(crate) fn cost(&self) -> Cost {
        let mut sum = Cost::default();
        for (_, cost) in &self.costs {
            sum += *cost;
        }
        sum
    }

    pub(crate) fn models(&self) -> &Models {
        &self.target.models
    }

    /// From here on, what is sent with the key of the case is sent with this one, and its time is moved.
    pub(crate) fn act_as(&mut self, key: Key) {
        self.acting = key;
    }

    // Requests

    pub(crate) async fn get(&mut self, path: impl Into<String>) -> Outcome<Answer> {
        self.send(Request::get(path)).await
    }

    pub(crate) async fn delete(&mut self, path: impl Into<String>) -> Outcome<Answer> {
        self.send(Request::new(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&mut self, path: impl Into<String>, body: &Value) -> Outcome<Answer> {
        self.send(Request::post(path, body)).await
    }

    /// Sends a form.
    pub(crate) async fn post_form(&mut self, path: impl Into<String>, form: &Form) -> Outcome<Answer> {
        self.send(Request::new(Method::POST, path).body(Form::CONTENT_TYPE, form.bytes())).await
    }

    // Files and batches, as steps on the way to what is judged

    /// Uploads a file, which must work.
    pub(crate) async fn file(&mut self, purpose: &str, name: &str, bytes: impl AsRef<[u8]>) -> Outcome<Body> {
        let answer = self.upload(purpose, name, bytes).await.on_the_way()?;
        made(&answer)
    }

    /// Uploads a file, and gives what comes.
    pub(crate) async fn upload(
        &mut self,
        purpose: &str,
        name: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Outcome<Answer> {
        self.post_form("/files", &Form::new().field("purpose", purpose).file(name, bytes)).await
    }

    /// Uploads lines as an input, and gives its id.
    pub(crate) async fn input(&mut self, lines: &[Value]) -> Outcome<String> {
        let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
        let text = lines.join("\n") + "\n";
        self.file("batch", &self.file_name("jsonl"), text).await?.text("/id")
    }

    /// A name for a file that tells who made it.
    pub(crate) fn file_name(&self, extension: &str) -> String {
        tag::file_name(self.case, extension)
    }

    /// Creates a batch, and gives what comes.
    pub(crate) async fn create(&mut self, input: &str, endpoint: &str) -> Outcome<Answer> {
        self.post("/batches", &new_batch(input, endpoint)).await
    }

    /// Uploads lines and creates a batch of them, both of which must work.
    pub(crate) async fn batch(&mut self, lines: &[Value], endpoint: &str) -> Outcome<Body> {
        let input = self.input(lines).await?;
        let answer = self.create(&input, endpoint).await.on_the_way()?;
        made(&answer)
    }

    /// A batch as it is now, which must be there.
    pub(crate) async fn retrieve(&mut self, id: &str) -> Outcome<Body> {
        let answer = self.get(format!("/batches/{id}")).await.on_the_way()?;
        answer.success().on_the_way()
    }

    /// Runs lines to the end, which must be `completed`.
    pub(crate) async fn run(&mut self, lines: &[Value], endpoint: &str) -> Outcome<Ended> {
        let id = self.batch(lines, endpoint).await?.text("/id")?;
        let batch = self.until(&id, &["completed"]).await?;
        self.ended(batch).await
    }

    /// A batch that has ended, with the lines of its files.
    pub(crate) async fn ended(&mut self, batch: Body) -> Outcome<Ended> {
        let output = self.result_lines(batch.get("/output_file_id")).await?;
        let errors = self.result_lines(batch.get("/error_file_id")).await?;
        Ok(Ended { batch, output, errors })
    }

    /// The lines of a file of results, or none if there is no file.
    async fn result_lines(&mut self, id: &Value) -> Outcome<Vec<Body>> {
        let id = match id.as_str() {
            Some(id) if !id.is_empty() => id,
            _ => return Ok(Vec::new()),
        };
        let answer = self.get(format!("/files/{id}/content")).await.on_the_way()?;
        answer.has_status(200).on_the_way()?;
        lines_of(&answer)
    }
}

/// What creates a batch, with the tag by which it is found when it is to be cleaned up.
pub(crate) fn new_batch(input: &str, endpoint: &str) -> Value {
    let metadata = tag::metadata();
    json!({"input_file_id": input, "endpoint": endpoint, "completion_window": "24h", "metadata": metadata})
}

/// An object that a step on the way has made: it has an id.
fn made(answer: &Answer) -> Outcome<Body> {
    let body = answer.success().on_the_way()?;
    body.text("/id").on_the_way()?;
    Ok(body)
}

/// The lines of a file, each of which must be JSON.
pub(crate) fn lines_of(answer: &Answer) -> Outcome<Vec<Body>> {
    let mut lines = Vec::new();
    // Only LF ends a line: strings may hold U+2028 and the like (F-454).
    for (at, line) in answer.body.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let place =
            Place { asked: format!("line {} of {}", at + 1, answer.place.asked), ..answer.place.clone() };
        let value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(error) => {
                return Err(Stop::Failed(Mismatch {
                    what: place.asked,
                    expected: vec!["JSON".to_owned()],
                    actual: format!("{} ({error})", shown(line)),
                    exchange: place.exchange,
                }));
            }
        };
        lines.push(Body { value, place });
    }
    Ok(lines)
}
