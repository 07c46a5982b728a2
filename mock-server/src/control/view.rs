//! What the control API shows.

use batchmock_client::types::RequestCounts;
use serde::Serialize;

use crate::clock::ClockMode;
use crate::sim::{Change, Counts, Observation, Timestamp};
use crate::world::{Advanced, CameDue, ClockView};

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
