//! What was observed: what a client asked and was told, what its world looks like, and what it gives as its account.
//!
//! All of it is plain data, so that checks can be tried on evidence that nobody had to bring about. Nothing in here is the
//! client's word but [`Evidence::account`].

mod lines;

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::account::{Account, Outcome, Problem, Usage};
use super::task::Task;

pub(crate) use lines::take_as_asked;
pub use lines::{Fate, InputLine, ResultLine, read_input, read_results};

/// Statuses after which a batch never changes.
pub const TERMINAL: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// All statuses that are known.
pub const STATUSES: [&str; 8] =
    ["validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled"];

/// What was observed in one scenario.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What was asked of the client.
    pub task: Task,
    /// The key that it was given for the API.
    pub api_key: String,
    /// Outcomes that are known beforehand, and why they are right.
    pub expected: BTreeMap<String, (Outcome, &'static str)>,
    /// The account of its last run.
    pub account: Account,
    /// How runs before that ended.
    pub n_earlier_runs: usize,
    /// What it asked, in order.
    pub requests: Vec<Request>,
    /// What the mock noticed of mistakes: a word, and the number of the request, if it was one.
    pub notes: Vec<(String, Option<u64>)>,
    /// All files that there ever were.
    pub files: Vec<File>,
    /// All batches, by age, as they ended, whether the client waited for that or not.
    pub batches: Vec<Batch>,
    /// What others were asked with the client's requests.
    pub strangers: Vec<Stranger>,
    /// What the mock was told to do, as far as checks must know it.
    pub staged: Staged,
}

/// What the mock was told to do, as far as checks must know it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Staged {
    /// How long clients are told to wait after a refusal, in milliseconds.
    pub wait_ms: Option<u64>,
    /// The shortest that may lie between two looks at a batch, in milliseconds.
    pub poll_ms: Option<u64>,
    /// Whether requests are led to another host.
    pub redirects: bool,
}

/// A request of the client, and what it was told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Its place in the journal.
    pub number: u64,
    /// When it came, in milliseconds of a clock that never goes back.
    pub at_ms: i64,
    /// How long it took until the answer began.
    pub took_ms: i64,
    /// Its method.
    pub method: String,
    /// Its path, as it was sent.
    pub path: String,
    /// Its query.
    pub query: String,
    /// What it asks for, such as `retrieve_batch`.
    pub operation: String,
    /// What it is about, and what it made.
    pub ids: Vec<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What went wrong on purpose.
    pub fault: Option<String>,
    /// Whether all of the answer was sent.
    pub is_whole: bool,
    /// Its body, if that is JSON.
    pub body: Value,
    /// The answer, if that is JSON.
    pub answer: Value,
    /// The type of its body.
    pub content_type: Option<String>,
}

/// A request that was led to another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its path.
    pub path: String,
    /// Whether it bore the key.
    pub has_key: bool,
}

/// A file of the client's world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it was there in the end.
    pub is_there: bool,
}

/// A batch of the client's world, as it ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Its id.
    pub id: String,
    /// Whether it was there before the client came.
    pub is_given: bool,
    /// Its input.
    pub input_file_id: String,
    /// Its status when the client had ended.
    pub status_then: String,
    /// How it ended.
    pub status: String,
    /// The file of its answers.
    pub output_file_id: Option<String>,
    /// The file of its errors.
    pub error_file_id: Option<String>,
    /// What validation found.
    pub problems: Vec<Problem>,
    /// What it cost.
    pub usage: Usage,
    /// What stands in its input.
    pub input: Vec<InputLine>,
    /// What stands in its files, each line that can be read.
    pub results: Vec<ResultLine>,
}

/// What a client was told of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'e> {
    /// By which request.
    pub request: &'e Request,
    /// The status.
    pub status: &'e str,
    /// The file ids of the answer: nothing for null, and an empty text for an empty text.
    pub file_ids: [Option<&'e str>; 2],
    /// The errors of validation.
    pub problems: &'e Value,
}

/// What became of a key in each batch that it was in.
#[derive(Debug, Clone, PartialEq)]
pub struct Course<'e> {
    /// The key.
    pub key: &'e str,
    /// Each batch with the key in its input, and what became of it there.
    pub fates: Vec<(&'e Batch, &'e str, Fate)>,
}

impl Evidence {
    /// Requests for something.
    pub fn asked<'e>(&'e self, operation: &'e str) -> impl Iterator<Item = &'e Request> {
        self.requests.iter().filter(move |request| request.operation == operation)
    }

    /// Batches that the client made.
    pub fn made(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().filter(|batch| !batch.is_given)
    }

    /// What the client was told of a batch by looks at it, in order. What it is told when it creates the batch is no look.
    pub fn told<'e>(&'e self, batch: &'e Batch) -> impl Iterator<Item = Told<'e>> {
        self.requests.iter().filter_map(|request| told(request, &batch.id))
    }

    /// What the client was told first of the end of a batch.
    pub fn told_end<'e>(&'e self, batch: &'e Batch) -> Option<Told<'e>> {
        self.told(batch).find(|told| TERMINAL.contains(&told.status))
    }

    /// The batches of whose end the client was told, with what it was told.
    pub fn ended(&self) -> impl Iterator<Item = (&Batch, Told<'_>)> {
        self.batches.iter().filter_map(|batch| Some((batch, self.told_end(batch)?)))
    }

    /// Whether the client has got all of a file.
    pub fn got(&self, file_id: &str) -> bool {
        self.asked("file_content")
            .any(|request| request.ids.first().is_some_and(|id| id == file_id) && request.gave_all())
    }

    /// What became of each key of the task.
    pub fn courses(&self) -> Vec<Course<'_>> {
        let mut courses: BTreeMap<&str, Vec<(&Batch, &str, Fate)>> = BTreeMap::new();
        for batch in &self.batches {
            for (line, fate) in batch.fates() {
                if let Some(key) = &line.key {
                    courses.entry(key).or_default().push((batch, &line.custom_id, fate));
                }
            }
        }
        self.task
            .all_keys()
            .map(|key| Course { key, fates: courses.remove(key).unwrap_or_default() })
            .collect()
    }

    /// The requests that met trouble which was made on purpose.
    pub fn troubled(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| request.fault.is_some())
    }

    /// The keys that are said to be answered, and were not.
    pub fn claimed_wrongly(&self) -> Vec<String> {
        let courses = self.courses();
        let answered: HashSet<&str> =
            courses.iter().filter(|course| course.is_answered()).map(|course| course.key).collect();
        self.account.claimed().filter(|key| !answered.contains(key)).map(str::to_owned).collect()
    }

    /// The keys that were answered, and are not in the account as answered.
    pub fn lost(&self) -> Vec<String> {
        let is_kept = |key: &str| self.account.about(key).any(|line| line.outcome == Outcome::Ok);
        let courses = self.courses();
        let lost = courses.iter().filter(|course| course.is_answered() && !is_kept(course.key));
        lost.map(|course| course.key.to_owned()).collect()
    }

    /// Whether every key of the task is in the input of a batch.
    pub fn has_sent_all(&self) -> bool {
        self.courses().iter().all(|course| !course.fates.is_empty())
    }
}

impl Request {
    /// Whether it was answered well, and all of the answer sent.
    pub fn gave_all(&self) -> bool {
        self.status == Some(200) && self.is_whole
    }

    /// The request, in a line.
    pub fn line(&self) -> String {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let fault = self.fault.as_ref().map(|fault| format!(", {fault}")).unwrap_or_default();
        format!("#{} {} {} → {status}{fault}", self.number, self.method, self.path)
    }
}

impl Batch {
    /// The lines of the input, and what became of each.
    pub fn fates(&self) -> impl Iterator<Item = (&InputLine, Fate)> {
        let mut by_id: BTreeMap<&str, &Fate> = BTreeMap::new();
        for result in &self.results {
            by_id.entry(&result.custom_id).or_insert(&result.fate);
        }
        self.input.iter().map(move |line| {
            (line, by_id.get(line.custom_id.as_str()).map_or(Fate::Untold, |fate| (*fate).clone()))
        })
    }

    /// How many of its lines were answered, and so are paid for.
    pub fn n_answered(&self) -> usize {
        self.fates().filter(|(_, fate)| fate.is_answered()).count()
    }
}

impl Course<'_> {
    /// The right texts, if it was answered anywhere.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.fates.iter().filter_map(|(_, _, fate)| match fate {
            Fate::Answered { text } => Some(text.as_str()),
            Fate::Refused { .. } | Fate::Expired | Fate::Cancelled | Fate::Failed { .. } | Fate::Untold => {
                None
            }
        })
    }

    /// Whether it was answered anywhere.
    pub fn is_answered(&self) -> bool {
        self.texts().next().is_some()
    }

    /// What became of it in the last batch that it was in.
    pub fn last(&self) -> Option<&Fate> {
        self.fates.last().map(|(_, _, fate)| fate)
    }
}

/// What an answer tells of a batch. Lists tell of several.
fn told<'e>(request: &'e Request, batch_id: &str) -> Option<Told<'e>> {
    let tells = ["retrieve_batch", "cancel_batch", "list_batches"].contains(&request.operation.as_str());
    if !tells || !request.gave_all() {
        return None;
    }
    let batches = match request.answer.get("data").and_then(Value::as_array) {
        Some(list) => list.as_slice(),
        None => std::slice::from_ref(&request.answer),
    };
    let batch = batches.iter().find(|batch| batch["id"] == batch_id)?;
    Some(Told {
        request,
        status: batch["status"].as_str()?,
        file_ids: [batch["output_file_id"].as_str(), batch["error_file_id"].as_str()],
        problems: &batch["errors"]["data"],
    })
}
