//! What a run shows to programs: JSON, an object a line. `docs/client.md` has each event.

use batchmock_client::types::BatchError;
use batchmock_client::{Event, Problem, Progress, Summary, Usage};
use serde::Serialize;
use std::collections::BTreeMap;

/// A line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: u64,
    /// Since the run began, in seconds.
    pub(super) elapsed: f64,
    #[serde(flatten)]
    pub(super) event: Told<'a>,
    /// How far the run is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<HowFar>,
    /// What it has cost so far, if prices are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<f64>,
}

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Told<'a> {
    Checked {
        bytes: u64,
        resumed: bool,
    },
    Planned {
        batch: usize,
        requests: usize,
        attempt: u32,
    },
    Uploading {
        batch: usize,
        bytes: u64,
    },
    Sent {
        batch: usize,
        bytes: u64,
        sent: u64,
    },
    Uploaded {
        batch: usize,
        file_id: &'a str,
    },
    Creating {
        batch: usize,
    },
    Created {
        batch: usize,
        id: &'a str,
    },
    Deferred {
        batch: usize,
        why: &'a str,
        pause: f64,
    },
    Retrying {
        error: String,
        pause: f64,
    },
    Looked {
        batch: usize,
        id: &'a str,
        status: &'a str,
        total: u32,
        completed: u32,
        failed: u32,
    },
    Fetching {
        batch: usize,
        file_id: &'a str,
    },
    Fetched {
        batch: usize,
    },
    Writing,
    Written,
    /// The last line of a run that has ended.
    Summary(Account<'a>),
    /// The last line of one that has not.
    Error {
        exit_code: u8,
        message: &'a str,
        problems: Vec<Found<'a>>,
    },
    /// What a later library tells of.
    Other,
}

/// How far a run is.
#[derive(Debug, Serialize)]
pub(super) struct HowFar {
    requests: usize,
    done: usize,
    failed: usize,
    batches: usize,
    running: usize,
    ended: usize,
}

/// What a run came to.
#[derive(Debug, Serialize)]
pub(super) struct Account<'a> {
    exit_code: u8,
    requests: usize,
    succeeded: usize,
    failed: usize,
    expired: usize,
    cancelled: usize,
    missing: usize,
    usage: &'a BTreeMap<String, Usage>,
    batches: Vec<Ended<'a>>,
}

/// A batch that has ended.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    id: &'a str,
    status: &'a str,
    requests: usize,
    errors: &'a [BatchError],
}

/// What is wrong with an input.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Found<'a> {
    line: u64,
    column: usize,
    message: &'a str,
}

impl<'a> Told<'a> {
    pub(super) fn of(event: &'a Event<'a>) -> Self {
        match event {
            &Event::Checked { bytes, resumed } => Self::Checked { bytes, resumed },
            &Event::Planned { batch, requests, attempt } => Self::Planned { batch, requests, attempt },
            &Event::Uploading { batch, bytes } => Self::Uploading { batch, bytes },
            &Event::Sent { batch, bytes, sent } => Self::Sent { batch, bytes, sent },
            &Event::Uploaded { batch, file_id } => Self::Uploaded { batch, file_id },
            &Event::Creating { batch } => Self::Creating { batch },
            &Event::Created { batch, id } => Self::Created { batch, id },
            &Event::Deferred { batch, why, pause } => {
                Self::Deferred { batch, why, pause: pause.as_secs_f64() }
            }
            Event::Failed { error, pause } => {
                Self::Retrying { error: error.to_string(), pause: pause.as_secs_f64() }
            }
            &Event::Looked { batch, shown } => {
                let counts = shown.request_counts.unwrap_or_default();
                Self::Looked {
                    batch,
                    id: &shown.id,
                    status: shown.status.as_str(),
                    total: counts.total,
                    completed: counts.completed,
                    failed: counts.failed,
                }
            }
            &Event::Fetching { batch, file_id } => Self::Fetching { batch, file_id },
            &Event::Fetched { batch } => Self::Fetched { batch },
            Event::Writing => Self::Writing,
            Event::Written => Self::Written,
            _ => Self::Other,
        }
    }
}

impl HowFar {
    pub(super) fn of(progress: &Progress<'_>) -> Self {
        let &Progress { requests, done, failed, batches, running, ended, .. } = progress;
        Self { requests, done, failed, batches, running, ended }
    }
}

impl<'a> Account<'a> {
    pub(super) fn of(summary: &'a Summary, exit_code: u8) -> Self {
        let &Summary { requests, succeeded, failed, expired, cancelled, missing, .. } = summary;
        let ended = summary.batches.iter().map(|batch| Ended {
            id: &batch.id,
            status: batch.status.as_str(),
            requests: batch.requests,
            errors: &batch.errors,
        });
        let (usage, batches) = (&summary.usage, ended.collect());
        Self { exit_code, requests, succeeded, failed, expired, cancelled, missing, usage, batches }
    }
}

impl<'a> From<&'a Problem> for Found<'a> {
    fn from(Problem { line, column, message }: &'a Problem) -> Self {
        Self { line: *line, column: *column, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each.
    fn all(usage: &BTreeMap<String, Usage>) -> Vec<Told<'_>> {
        let account = Account {
            exit_code: 0,
            requests: 0,
            succeeded: 0,
            failed: 0,
            expired: 0,
            cancelled: 0,
            missing: 0,
            usage,
            batches: Vec::new(),
        };
        let (batch, bytes) = (0, 0);
        vec![
            Told::Checked { bytes, resumed: false },
            Told::Planned { batch, requests: 0, attempt: 0 },
            Told::Uploading { batch, bytes },
            Told::Sent { batch, bytes, sent: 0 },
            Told::Uploaded { batch, file_id: "" },
            Told::Creating { batch },
            Told::Created { batch, id: "" },
            Told::Deferred { batch, why: "", pause: 0.0 },
            Told::Retrying { error: String::new(), pause: 0.0 },
            Told::Looked { batch, id: "", status: "", total: 0, completed: 0, failed: 0 },
            Told::Fetching { batch, file_id: "" },
            Told::Fetched { batch },
            Told::Writing,
            Told::Written,
            Told::Summary(account),
            Told::Error { exit_code: 0, message: "", problems: Vec::new() },
        ]
    }

    #[test]
    fn every_event_is_documented_with_its_fields() {
        let rows: Vec<String> = all(&BTreeMap::new())
            .iter()
            .map(|event| {
                let serde_json::Value::Object(fields) = serde_json::to_value(event).unwrap() else {
                    panic!("an event is an object");
                };
                let fields: Vec<_> =
                    fields.keys().filter(|name| *name != "event").map(|name| format!("`{name}`")).collect();
                let name = serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
                format!(
                    "| `{name}` | {} |",
                    if fields.is_empty() { "–".to_owned() } else { fields.join(", ") }
                )
            })
            .collect();
        let documented: Vec<_> = include_str!("../../../../docs/client.md")
            .split_once("| event | fields |")
            .expect("there is a table of events")
            .1
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.rsplit_once(" | ").expect("a row tells when").0.to_owned() + " |")
            .collect();
        assert_eq!(documented, rows);
    }
}
