//! What the control API shows.

use batchmock_client::types::RequestCounts;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::ClockMode;
use crate::quota::Level;
use crate::sim::{Change, Counts, Observation, Timestamp};
use crate::world::{Advanced, AllowanceView, CallLimits, CameDue, ClockView, Enqueued};

/// A point in time, for programs and for people.
#[derive(Debug, Serialize)]
pub(super) struct Time {
    unix: i64,
    rfc3339: String,
}

/// What a clock shows.
#[derive(Debug, Serialize)]
pub(super) struct Clock {
    mode: String,
    now: Time,
    next_change_at: Option<Time>,
}

/// What an advance has done.
#[derive(Debug, Serialize)]
pub(super) struct Advance {
    from: Time,
    to: Time,
    came_due: Vec<Due>,
}

/// Something that came due.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Due {
    Batch { at: Time, batch_id: String, status: &'static str, request_counts: RequestCounts },
    FileExpired { at: Time, file_id: String },
}

/// What an account may use, and what is used.
#[derive(Debug, Serialize)]
pub(super) struct Allowance {
    quotas: Map<String, Value>,
    since: Time,
    phantom_until: Option<Time>,
    used: Used,
}

/// What is used: of the queue always, of the rest what is limited.
#[derive(Debug, Serialize)]
struct Used {
    enqueued: Vec<QueueOfModel>,
    batches_per_hour: Option<Filled>,
    uploads_per_minute: Option<Filled>,
    file_bytes: u64,
    calls: Vec<CallsOfModel>,
}

/// What batches have enqueued for a model.
#[derive(Debug, Serialize)]
struct QueueOfModel {
    model: String,
    batches: u64,
    requests: u64,
    tokens: u64,
    requests_limit: Option<u64>,
    tokens_limit: Option<u64>,
}

/// How much of a rate is used, and in how many seconds nothing will be if nothing more is.
#[derive(Debug, Serialize)]
struct Filled {
    limit: u64,
    used: u64,
    resets_in: f64,
}

/// Synchronous calls of a model.
#[derive(Debug, Serialize)]
struct CallsOfModel {
    model: String,
    requests_per_minute: Option<Filled>,
    tokens_per_minute: Option<Filled>,
}

/// What is to come for a batch.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    batch_id: String,
    now: Time,
    status: &'static str,
    request_counts: RequestCounts,
    changes: Vec<PlannedChange>,
}

/// One coming change.
#[derive(Debug, Serialize)]
struct PlannedChange {
    at: Time,
    status: &'static str,
    request_counts: RequestCounts,
    has_output_file: bool,
    has_error_file: bool,
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self { unix: time.unix_seconds(), rfc3339: time.to_string() }
    }
}

impl Clock {
    pub(super) fn new(view: ClockView) -> Self {
        let ClockView { mode, now, next_change_at } = view;
        Self {
            mode: ClockMode::to_string(&mode),
            now: now.into(),
            next_change_at: next_change_at.map(Time::from),
        }
    }
}

impl Allowance {
    pub(super) fn new(view: AllowanceView) -> Self {
        let AllowanceView { quotas, since, phantom_until, enqueued, creations, uploads, file_bytes, calls } =
            view;
        let queue = |(model, enqueued): (String, Enqueued)| {
            let Enqueued { tokens, requests, batches } = enqueued;
            let (requests_limit, tokens_limit) =
                (quotas.enqueued_requests.of(&model), quotas.enqueued_tokens.of(&model));
            QueueOfModel { model, batches, requests, tokens, requests_limit, tokens_limit }
        };
        let calls = calls.into_iter().map(|(model, CallLimits { requests, tokens })| CallsOfModel {
            model,
            requests_per_minute: requests.map(Filled::from),
            tokens_per_minute: tokens.map(Filled::from),
        });
        Self {
            quotas: quotas.to_json(),
            since: since.into(),
            phantom_until: phantom_until.map(Time::from),
            used: Used {
                enqueued: enqueued.into_iter().map(queue).collect(),
                batches_per_hour: creations.map(Filled::from),
                uploads_per_minute: uploads.map(Filled::from),
                file_bytes,
                calls: calls.collect(),
            },
        }
    }
}

impl From<Level> for Filled {
    fn from(level: Level) -> Self {
        let Level { limit, used, resets_in } = level;
        Self { limit, used, resets_in: resets_in.as_secs_f64() }
    }
}

impl Advance {
    pub(super) fn new(advanced: Advanced) -> Self {
        let Advanced { from, to, came_due } = advanced;
        let due = |(at, due): (Timestamp, CameDue)| match due {
            CameDue::Batch { id, observation } => Due::Batch {
                at: at.into(),
                batch_id: id,
                status: observation.status.as_str(),
                request_counts: counts(observation.counts),
            },
            CameDue::FileExpired { id } => Due::FileExpired { at: at.into(), file_id: id },
        };
        Self { from: from.into(), to: to.into(), came_due: came_due.into_iter().map(due).collect() }
    }
}

impl Plan {
    pub(super) fn new(batch_id: String, now: Timestamp, seen: &Observation, changes: &[Change]) -> Self {
        let change = |Change { at, observation }: &Change| PlannedChange {
            at: (*at).into(),
            status: observation.status.as_str(),
            request_counts: counts(observation.counts),
            has_output_file: observation.has_output_file,
            has_error_file: observation.has_error_file,
        };
        Self {
            batch_id,
            now: now.into(),
            status: seen.status.as_str(),
            request_counts: counts(seen.counts),
            changes: changes.iter().map(change).collect(),
        }
    }
}

pub(super) fn counts(counts: Counts) -> RequestCounts {
    let Counts { total, completed, failed } = counts;
    RequestCounts { total, completed, failed }
}
