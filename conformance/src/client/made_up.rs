//! Evidence that nobody had to bring about, for tests of checks.
//!
//! [`good`] is what a client leaves behind that is right: a batch of four that expired, of which two were answered, one was
//! refused, and one never ran. Tests change one thing in it.

use serde_json::{Value, json};

use super::account::{Account, End, Line, Outcome, Problem, Summary, Usage};
use super::evidence::{Batch, Evidence, Fate, File, InputLine, Request, ResultLine, Staged};
use super::task::{Item, Task, Verb};

pub(crate) const KEY: &str = "sk-cert-made-up";

pub(crate) fn item(n: usize) -> Item {
    Item { key: format!("k-{n:03}"), prompt: format!("prompt {n}") }
}

pub(crate) fn answer(text: &str) -> Fate {
    Fate::Answered { text: text.to_owned() }
}

/// A batch that ended so, with these fates of `k-001`, `k-002`, ….
pub(crate) fn batch(name: &str, status: &str, fates: &[Fate]) -> Batch {
    let custom_id = |n: usize| format!("{name}-{n}");
    let key = |n: usize| format!("k-{:03}", n + 1);
    let results = fates.iter().enumerate().filter(|(_, fate)| **fate != Fate::Untold);
    Batch {
        id: format!("batch_{name}"),
        is_given: false,
        input_file_id: format!("file-in-{name}"),
        status_then: status.to_owned(),
        status: status.to_owned(),
        output_file_id: fates.iter().any(Fate::is_answered).then(|| format!("file-out-{name}")),
        error_file_id: fates
            .iter()
            .any(|fate| !fate.is_answered() && *fate != Fate::Untold)
            .then(|| format!("file-err-{name}")),
        problems: Vec::new(),
        usage: Usage { input_tokens: 10, output_tokens: 2, total_tokens: 12 },
        input: (0..fates.len())
            .map(|n| InputLine { custom_id: custom_id(n), key: Some(key(n)), problem: None })
            .collect(),
        results: results
            .map(|(n, fate)| ResultLine {
                custom_id: custom_id(n),
                fate: fate.clone(),
                is_output: fate.is_answered(),
            })
            .collect(),
    }
}

/// What an answer shows of a batch that has this status.
pub(crate) fn shown(batch: &Batch, status: &str) -> Value {
    let is_over = ["completed", "expired", "cancelled", "failed"].contains(&status);
    let ids = |id: &Option<String>| id.clone().filter(|_| is_over);
    let problems: Vec<_> = batch
        .problems
        .iter()
        .map(|problem| json!({"code": problem.code, "line": problem.line, "message": problem.message}))
        .collect();
    json!({
        "id": batch.id,
        "status": status,
        "output_file_id": ids(&batch.output_file_id),
        "error_file_id": ids(&batch.error_file_id),
        "errors": {"data": problems},
    })
}

pub(crate) fn account(end: End, lines: &[(&str, Outcome, Option<&str>)]) -> Account {
    let mut account = Account::silent(end);
    account.has_file = true;
    for (key, outcome, text) in lines {
        account.push(Line {
            key: (*key).to_owned(),
            outcome: *outcome,
            text: text.map(str::to_owned),
            status: None,
            code: None,
        });
    }
    account
}

/// The account of who is right about [`good`].
pub(crate) fn right() -> Account {
    let mut account = account(
        End::Exit(0),
        &[
            ("k-001", Outcome::Ok, Some("a")),
            ("k-002", Outcome::Ok, Some("b")),
            ("k-003", Outcome::Error, None),
            ("k-004", Outcome::Expired, None),
        ],
    );
    account.summary = Summary {
        batch_ids: vec!["batch_1".to_owned()],
        status: Some("expired".to_owned()),
        usage: Some(Usage { input_tokens: 10, output_tokens: 2, total_tokens: 12 }),
        ..Summary::default()
    };
    account
}

impl Evidence {
    /// A client that has done nothing, and ended so.
    pub(crate) fn nothing(end: End) -> Self {
        let mut task = Task::new(Verb::RunBatch);
        task.items = (1..=4).map(item).collect();
        task.endpoint = "/v1/chat/completions".to_owned();
        Self {
            task,
            api_key: KEY.to_owned(),
            expected: std::collections::BTreeMap::new(),
            account: Account::silent(end),
            n_earlier_runs: 0,
            requests: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
            batches: Vec::new(),
            strangers: Vec::new(),
            staged: Staged::default(),
        }
    }

    /// One more request, a second after the one before.
    pub(crate) fn ask(
        &mut self,
        operation: &str,
        path: &str,
        ids: &[&str],
        status: u16,
        answer: Value,
    ) -> &mut Request {
        let number = self.requests.len() as u64 + 1;
        self.requests.push(Request {
            number,
            at_ms: i64::try_from(number).unwrap() * 1000,
            method: match operation {
                "upload_file" | "create_batch" | "cancel_batch" => "POST",
                "delete_file" => "DELETE",
                _ => "GET",
            }
            .to_owned(),
            path: path.to_owned(),
            operation: operation.to_owned(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            status: Some(status),
            is_whole: true,
            answer,
            ..Request::default()
        });
        self.requests.last_mut().unwrap()
    }

    /// Sends the input of a batch, and makes it.
    pub(crate) fn make(&mut self, batch: Batch) {
        let input = batch.input_file_id.clone();
        self.files.push(File {
            id: input.clone(),
            purpose: "batch".to_owned(),
            name: "requests.jsonl".to_owned(),
            bytes: b"{}\n".repeat(batch.input.len()),
            is_there: true,
        });
        self.ask("upload_file", "/v1/files", &[&input], 200, Value::Null);
        let answer = shown(&batch, "validating");
        self.ask("create_batch", "/v1/batches", &[&input, &batch.id], 200, answer);
        self.batches.push(batch);
    }

    /// Looks at the last batch, which shows this status.
    pub(crate) fn look(&mut self, status: &str) -> &mut Request {
        let batch = self.batches.last().unwrap().clone();
        self.ask(
            "retrieve_batch",
            &format!("/v1/batches/{}", batch.id),
            &[&batch.id],
            200,
            shown(&batch, status),
        )
    }

    /// Fetches a file.
    pub(crate) fn fetch(&mut self, id: &str) -> &mut Request {
        self.ask("file_content", &format!("/v1/files/{id}/content"), &[id], 200, Value::Null)
    }

    /// Deletes a file.
    pub(crate) fn delete(&mut self, id: &str) {
        self.ask("delete_file", &format!("/v1/files/{id}"), &[id], 200, Value::Null);
        for file in self.files.iter_mut().filter(|file| file.id == id) {
            file.is_there = false;
        }
    }

    /// Waits for the last batch and fetches its files.
    pub(crate) fn collect(&mut self) {
        let batch = self.batches.last().unwrap().clone();
        for status in ["validating", "in_progress", &batch.status] {
            self.look(status);
        }
        for id in [&batch.output_file_id, &batch.error_file_id].into_iter().flatten() {
            self.fetch(id);
        }
    }

    /// What was refused last goes wrong for this reason.
    pub(crate) fn trouble(&mut self, operation: &str, path: &str, status: u16) {
        let request = self.ask(operation, path, &[], status, Value::Null);
        request.fault = Some("on purpose".to_owned());
    }

    /// A batch that failed validation, with this error.
    pub(crate) fn failed(problem: Problem) -> Self {
        let mut evidence = Self::nothing(End::Exit(1));
        let mut batch = batch("1", "failed", &[Fate::Untold, Fate::Untold, Fate::Untold, Fate::Untold]);
        batch.problems = vec![problem];
        evidence.make(batch);
        evidence.look("validating");
        evidence.look("failed");
        evidence
    }
}

/// What a client leaves behind that is right.
pub(crate) fn good() -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(0));
    let refused = Fate::Refused { status: 400, code: None };
    evidence.make(batch("1", "expired", &[answer("a"), answer("b"), refused, Fate::Expired]));
    evidence.collect();
    evidence.account = right();
    evidence
}
