//! What a case has in hand: it sends requests, each of which is recorded, and lets time pass.

mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::case::Takes;
use crate::exchange::{Exchange, Key, REDACTED, Request, shown};
use crate::expect::{Answer, Body, Mismatch, OnTheWay as _, Outcome, Place, Stop};
use crate::form::Form;
use crate::target::{Models, Target, why_none_came};
use crate::time::{self, Deadline, Time};

/// The states that a batch does not leave.
pub(crate) const FINAL: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// How often a clock is moved before a case gives up: a batch has fewer changes.
const MOVES: usize = 200;

/// One run of one case.
#[derive(Debug)]
pub struct Session {
    target: Arc<Target>,
    case: &'static str,
    deadline: Deadline,
    pub(crate) exchanges: Vec<Exchange>,
    /// The key of the account that the case acts for.
    acting: Key,
    /// What was made, and with which key.
    files: Vec<(Key, String)>,
    batches: Vec<(Key, String)>,
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
    /// A session for a case.
    pub(crate) fn new(target: Arc<Target>, case: &'static str, takes: Takes) -> Self {
        let at_most = match &target.time {
            Time::Control(_) => takes.at_most(),
            Time::Wall { at_most, .. } => takes.at_most().min(*at_most),
        };
        Self {
            target,
            case,
            deadline: Deadline::after(at_most),
            exchanges: Vec::new(),
            acting: Key::Own,
            files: Vec::new(),
            batches: Vec::new(),
        }
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

    /// Sends a request, and records it with its answer. That none comes is the server's fault.
    pub(crate) async fn send(&mut self, request: Request) -> Outcome<Answer> {
        let Request { method, path, key, headers, body } = request;
        let key = if key == Key::Own { self.acting } else { key };
        let mut sent = self.target.http.request(method.clone(), format!("{}{path}", self.target.base_url));
        let mut request_headers = Vec::new();
        if let Some(key) = self.target.key(self.case, key) {
            sent = sent.header(AUTHORIZATION, format!("Bearer {key}"));
            request_headers.push(("authorization".to_owned(), REDACTED.to_owned()));
        }
        for (name, value) in headers {
            sent = sent.header(name, &value);
            request_headers.push((name.to_owned(), value));
        }
        let body = body.unwrap_or_default();
        let exchange = self.exchanges.len();
        self.exchanges.push(Exchange {
            method: method.to_string(),
            path,
            request_headers,
            request_body: shown(&body),
            status: None,
            headers: Vec::new(),
            body: String::new(),
        });
        let place = Place { asked: self.exchanges[exchange].asked(), exchange: Some(exchange) };
        let answer = async {
            let answer = sent.body(body).send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok((status, headers, answer.bytes().await?))
        };
        let answer: Result<_, reqwest::Error> = answer.await;
        let recorded = &mut self.exchanges[exchange];
        let (status, headers, body) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                recorded.body = why_none_came(&error);
                let why = recorded.body.clone();
                return place.mismatch("the answer", &["a whole one".to_owned()], why);
            }
        };
        recorded.status = Some(status.as_u16());
        recorded.headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        recorded.body = shown(&body);
        let answer = Answer { status, headers, body: body.into(), place };
        self.note_what_was_made(key, &method, &answer);
        Ok(answer)
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
        format!("batchmock-conformance-{}.{extension}", self.case.replace('/', "-"))
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

    /// Lets time pass until a batch has one of these statuses. Gives it as it is then.
    pub(crate) async fn until(&mut self, id: &str, statuses: &[&str]) -> Outcome<Body> {
        self.until_holds(id, &statuses.join(" or "), |batch| {
            batch.get("/status").as_str().is_some_and(|status| statuses.contains(&status))
        })
        .await
    }

    /// Lets time pass until something holds of a batch. Gives it as it is then.
    pub(crate) async fn until_holds(
        &mut self,
        id: &str,
        what: &str,
        mut holds: impl FnMut(&Body) -> bool,
    ) -> Outcome<Body> {
        for _ in 0..MOVES {
            let batch = self.retrieve(id).await?;
            if holds(&batch) {
                return Ok(batch);
            }
            let status = batch.get("/status").as_str().unwrap_or_default();
            if FINAL.contains(&status) {
                let why = format!("the batch should have become {what}, but it ended as {}", batch.value);
                return Err(Stop::NotReached(why));
            }
            if !self.let_time_pass().await? {
                return Err(Stop::NotReached(format!("the batch did not become {what} in time")));
            }
        }
        Err(Stop::NotReached(format!("the batch did not become {what} after {MOVES} changes")))
    }

    /// Lets time pass until a batch has ended. Gives what it looked like at each look, the end included.
    pub(crate) async fn life(&mut self, id: &str) -> Outcome<Vec<Body>> {
        let mut life = Vec::new();
        self.until_holds(id, "one that has ended", |batch| {
            life.push(batch.clone());
            batch.get("/status").as_str().is_some_and(|status| FINAL.contains(&status))
        })
        .await?;
        Ok(life)
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

    /// Brings it about that a batch ends with this status, and gives it as it is then.
    pub(crate) async fn bring_about(&mut self, id: &str, status: &str) -> Outcome<Body> {
        match self.target.time.clone() {
            Time::Control(control) => {
                let ending = json!({ "status": status });
                self.control(&format!("{control}/batches/{id}/ending"), &ending).await?;
            }
            Time::Wall { bring_about: Some(program), .. } => {
                time::bring_about(&program, status, id).await.map_err(Stop::Broken)?;
            }
            Time::Wall { bring_about: None, .. } => {}
        }
        self.until(id, &[status]).await
    }

    /// Lets so much time pass.
    pub(crate) async fn advance(&mut self, duration: Duration) -> Outcome {
        match self.target.time.clone() {
            Time::Control(control) => {
                self.control(&format!("{control}/clock/advance"), &json!({"by": duration.as_secs()})).await?;
                Ok(())
            }
            Time::Wall { at_most, .. } if duration > at_most => {
                Err(Stop::NotReached(format!("it takes {} s of waiting", duration.as_secs())))
            }
            Time::Wall { .. } if self.deadline.pass(duration).await => Ok(()),
            Time::Wall { .. } => Err(Stop::NotReached(format!(
                "too little is left of the time that the case may take for {} s of waiting",
                duration.as_secs()
            ))),
        }
    }

    /// Moves the clock to the next change, or waits a little; false if there is no time left.
    async fn let_time_pass(&mut self) -> Outcome<bool> {
        match self.target.time.clone() {
            Time::Control(control) => {
                let until = json!({"until": "next_change"});
                self.control(&format!("{control}/clock/advance"), &until).await?;
                Ok(true)
            }
            Time::Wall { every, .. } => Ok(self.deadline.wait(every).await),
        }
    }

    /// Asks the control API, which is not judged, so nothing is recorded.
    async fn control(&self, url: &str, body: &Value) -> Outcome {
        self.ask_control(Method::POST, url, body).await
    }

    async fn ask_control(&self, method: Method, url: &str, body: &Value) -> Outcome {
        let request = self.target.http.request(method, url).header("content-type", "application/json");
        let mut request = request.body(body.to_string());
        if let Some(key) = self.target.key(self.case, self.acting) {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let answer = async {
            let answer = request.send().await?;
            Ok((answer.status(), answer.text().await?))
        };
        let answer: Result<_, reqwest::Error> = answer.await;
        match answer {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((_, text)) => Err(Stop::NotReached(format!("the control API refused {body}: {text}"))),
            Err(error) => {
                Err(Stop::NotReached(format!("the control API is gone: {}", why_none_came(&error))))
            }
        }
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

    /// Files and batches are remembered, to be cleaned up.
    fn note_what_was_made(&mut self, key: Key, method: &Method, answer: &Answer) {
        if *method != Method::POST || !answer.status.is_success() {
            return;
        }
        let Ok(body) = answer.json() else { return };
        let Some(id) = body.get("/id").as_str() else { return };
        match answer.place.asked.as_str() {
            "POST /files" => self.files.push((key, id.to_owned())),
            "POST /batches" => self.batches.push((key, id.to_owned())),
            completed if completed.ends_with("/complete") => {
                self.files.extend(body.get("/file/id").as_str().map(|id| (key, id.to_owned())));
            }
            _ => {}
        }
    }

    /// Cancels batches that run, and deletes the files that the case has made, those of results included. What fails
    /// is told, and changes no verdict. What is done here is no part of the record.
    pub(crate) async fn clean_up(&mut self) -> Vec<String> {
        if self.target.forgets {
            return Vec::new();
        }
        let recorded = self.exchanges.len();
        let mut left = Vec::new();
        for (key, id) in std::mem::take(&mut self.batches) {
            self.act_as(key);
            let Ok(batch) = self.retrieve(&id).await else {
                left.push(id);
                continue;
            };
            let status = batch.get("/status").as_str().unwrap_or_default();
            if !FINAL.contains(&status) && status != "cancelling" {
                let cancelled = self.post(format!("/batches/{id}/cancel"), &json!({})).await;
                if !cancelled.is_ok_and(|answer| answer.status.is_success()) {
                    left.push(id);
                }
            }
            let results = ["/output_file_id", "/error_file_id"].map(|name| batch.get(name).as_str());
            let results = results.into_iter().flatten().filter(|id| !id.is_empty());
            self.files.extend(results.map(|id| (key, id.to_owned())));
        }
        for (key, id) in std::mem::take(&mut self.files) {
            self.act_as(key);
            let deleted = self.delete(format!("/files/{id}")).await;
            // The case itself may have deleted it.
            if !deleted.is_ok_and(|answer| answer.status.is_success() || answer.status == 404) {
                left.push(id);
            }
        }
        self.exchanges.truncate(recorded);
        left
    }
}

/// What creates a batch.
pub(crate) fn new_batch(input: &str, endpoint: &str) -> Value {
    json!({"input_file_id": input, "endpoint": endpoint, "completion_window": "24h"})
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
