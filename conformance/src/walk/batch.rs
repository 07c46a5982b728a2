//! What must hold of a batch each time it is looked at.

use serde_json::{Value, json};

use super::file::{Requests, has_schema};
use super::step::Who;
use super::{Fault, check};

/// The states that a batch does not leave.
const FINAL: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// What a batch is known by, which never changes.
const CONSTANT: [&str; 6] = ["id", "object", "endpoint", "input_file_id", "completion_window", "created_at"];

/// The times that a batch passes, in the order of each path (F-254).
const PATHS: [(&str, &[&str]); 4] = [
    ("completed", &["created_at", "in_progress_at", "finalizing_at", "completed_at"]),
    ("failed", &["created_at", "failed_at"]),
    ("expired", &["created_at", "in_progress_at", "finalizing_at", "expired_at"]),
    ("cancelled", &["created_at", "cancelling_at", "cancelled_at"]),
];

const TIMES: [&str; 8] = [
    "created_at",
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
];

/// A batch that was created.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) owner: Who,
    pub(super) id: String,
    /// As it was last seen.
    pub(super) last: Value,
    /// The requests of its input; none if it must fail.
    pub(super) requests: Option<Requests>,
    /// Whether its input has gone before it was seen to run: then it may fail (F-509).
    pub(super) lost_its_input: bool,
    /// Whether somebody asked to cancel it.
    pub(super) was_cancelled: bool,
}

/// The statuses that may follow on one (F-251).
fn may_follow(before: &str) -> &'static [&'static str] {
    match before {
        "validating" => &[
            "validating",
            "in_progress",
            "finalizing",
            "completed",
            "failed",
            "expired",
            "cancelling",
            "cancelled",
        ],
        "in_progress" => &["in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"],
        "finalizing" => &["finalizing", "completed", "expired", "cancelling", "cancelled"],
        "cancelling" => &["cancelling", "cancelled"],
        "completed" => &["completed"],
        "failed" => &["failed"],
        "expired" => &["expired"],
        "cancelled" => &["cancelled"],
        _ => &[],
    }
}

impl Batch {
    /// A batch as it was answered to its creation.
    pub(super) fn created(
        owner: Who,
        requests: Option<Requests>,
        body: &Value,
        now: Option<i64>,
    ) -> Result<Self, Fault> {
        let first =
            json!({"status": "validating", "request_counts": {"total": 0, "completed": 0, "failed": 0}});
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        let mut batch =
            Self { owner, id, last: first, requests, lost_its_input: false, was_cancelled: false };
        for name in CONSTANT {
            batch.last[name] = body[name].clone();
        }
        batch.last["metadata"] = body["metadata"].clone();
        batch.observe("createBatch", body, now)?;
        Ok(batch)
    }

    pub(super) fn status(&self) -> &str {
        self.last["status"].as_str().unwrap_or_default()
    }

    pub(super) fn has_ended(&self) -> bool {
        FINAL.contains(&self.status())
    }

    /// Takes in what was told of it.
    pub(super) fn observe(&mut self, operation: &str, body: &Value, now: Option<i64>) -> Result<(), Fault> {
        has_schema(operation, body)?;
        self.stays_what_it_is(body)?;
        self.goes_on(body, now)?;
        self.has_its_times(body, now)?;
        self.counts(body)?;
        self.has_its_files(body)?;
        self.last = body.clone();
        Ok(())
    }

    fn stays_what_it_is(&self, body: &Value) -> Result<(), Fault> {
        for name in CONSTANT.iter().chain(&["metadata"]) {
            let (before, now) = (&self.last[name], &body[name]);
            check(
                before == now,
                "a batch stays what it was created as",
                "F-230",
                format!("{name} {before}"),
                now.to_string(),
            )?;
        }
        let day = body["created_at"].as_i64().map(|at| at + 86_400);
        let expires_at = body["expires_at"].as_i64();
        check(
            day == expires_at,
            "a batch expires a day after its creation",
            "F-203",
            format!("{day:?}"),
            format!("{expires_at:?}"),
        )
    }

    fn goes_on(&self, body: &Value, now: Option<i64>) -> Result<(), Fault> {
        let (before, status) = (self.status(), body["status"].as_str().unwrap_or_default());
        let follow = may_follow(before);
        let expected = format!("after {before}: {}", follow.join(", "));
        check(follow.contains(&status), "no status comes back", "F-251", expected, status)?;
        if matches!(status, "cancelling" | "cancelled") {
            check(
                self.was_cancelled,
                "only who is asked to cancels a batch",
                "F-263",
                "another status",
                status,
            )?;
        }
        let may_fail = self.requests.is_none() || self.lost_its_input;
        if status == "failed" {
            check(may_fail, "a batch with a good input does not fail", "F-321", "another status", status)?;
        }
        if self.requests.is_none() {
            let may = ["validating", "failed", "cancelling", "cancelled"];
            check(
                may.contains(&status),
                "a batch with a bad input runs nothing",
                "F-320",
                may.join(", "),
                status,
            )?;
        }
        if status == "expired"
            && let (Some(now), Some(expires_at)) = (now, body["expires_at"].as_i64())
        {
            let actual = format!("expired at {now}");
            check(
                now >= expires_at,
                "no batch expires before its time",
                "F-203",
                format!("not before {expires_at}"),
                actual,
            )?;
        }
        let has_errors = !body["errors"].is_null();
        let expected = if status == "failed" { "errors" } else { "null" };
        check(
            has_errors == (status == "failed"),
            "a batch that failed says why, and no other does",
            "F-211",
            expected,
            body["errors"].to_string(),
        )
    }

    fn has_its_times(&self, body: &Value, now: Option<i64>) -> Result<(), Fault> {
        for name in TIMES {
            let (before, at) = (&self.last[name], &body[name]);
            check(
                before.is_null() || before == at,
                "a time that is set stays",
                "F-254",
                format!("{name} {before}"),
                at.to_string(),
            )?;
            if let (Some(now), Some(at)) = (now, at.as_i64()) {
                check(
                    at <= now,
                    "no time lies in the future",
                    "F-254",
                    format!("{name} not after {now}"),
                    at.to_string(),
                )?;
            }
        }
        let status = body["status"].as_str().unwrap_or_default();
        let Some((_, path)) = PATHS.iter().find(|(end, _)| *end == status) else { return Ok(()) };
        let mut latest = 0;
        for name in *path {
            let at = body[name].as_i64();
            check(
                at.is_some(),
                "each ending sets the times of its path",
                "F-254",
                format!("{name} is set"),
                "null",
            )?;
            let at = at.unwrap_or_default();
            check(
                at >= latest,
                "times stand in their order",
                "F-254",
                format!("{name} not before {latest}"),
                at.to_string(),
            )?;
            latest = at;
        }
        for end in ["completed_at", "failed_at", "expired_at", "cancelled_at"] {
            let is_own = path.contains(&end);
            check(
                is_own || body[end].is_null(),
                "a batch ends once",
                "F-254",
                format!("{end} null"),
                body[end].to_string(),
            )?;
        }
        Ok(())
    }

    fn counts(&self, body: &Value) -> Result<(), Fault> {
        let count = |body: &Value, name: &str| body["request_counts"][name].as_u64();
        let shown = body["request_counts"].to_string();
        for name in ["total", "completed", "failed"] {
            let (before, now) = (count(&self.last, name), count(body, name));
            check(
                now >= before,
                "no count falls",
                "F-206",
                format!("{name} at least {before:?}"),
                shown.clone(),
            )?;
        }
        let [total, completed, failed] =
            ["total", "completed", "failed"].map(|name| count(body, name).unwrap_or_default());
        check(
            completed + failed <= total,
            "no more is done than there is",
            "F-272",
            "completed and failed at most total",
            shown.clone(),
        )?;
        let status = body["status"].as_str().unwrap_or_default();
        let Some(requests) = &self.requests else {
            return check(total == 0, "a batch with a bad input counts nothing", "F-214", "0 in all", shown);
        };
        let [good, refused] = [requests.good.len() as u64, requests.refused.len() as u64];
        let whole = requests.count() as u64;
        if status == "validating" {
            check(total == 0, "nothing is counted while validating", "F-205", "0 in all", shown.clone())?;
        }
        if matches!(status, "in_progress" | "finalizing" | "completed" | "expired") {
            check(
                total == whole,
                "each line of the input counts",
                "F-205",
                format!("{whole} in all"),
                shown.clone(),
            )?;
        }
        check(
            completed <= good && failed <= refused,
            "lines count as what they are",
            "F-321",
            format!("at most {good} and {refused}"),
            shown.clone(),
        )?;
        if status == "completed" {
            check(
                [completed, failed] == [good, refused],
                "all is done when a batch is completed",
                "F-215",
                format!("{good} and {refused}"),
                shown,
            )?;
        }
        Ok(())
    }

    fn has_its_files(&self, body: &Value) -> Result<(), Fault> {
        let status = body["status"].as_str().unwrap_or_default();
        for name in ["output_file_id", "error_file_id"] {
            let (before, id) = (&self.last[name], &body[name]);
            check(
                before.is_null() || before == id,
                "a file of results stays",
                "F-212",
                format!("{name} {before}"),
                id.to_string(),
            )?;
            let is_there = id.as_str().is_some_and(|id| !id.is_empty());
            let may_be = FINAL.contains(&status) && status != "failed";
            check(
                may_be || !is_there,
                "only what has run to an end has results",
                "F-212",
                format!("{name} null"),
                id.to_string(),
            )?;
            if status == "completed" {
                let count = if name == "output_file_id" { "completed" } else { "failed" };
                let has_lines = body["request_counts"][count].as_u64().is_some_and(|count| count > 0);
                let expected = format!("{name} {}", if has_lines { "set" } else { "null" });
                check(
                    has_lines == is_there,
                    "there is a file if there are lines for it",
                    "F-213",
                    expected,
                    id.to_string(),
                )?;
            }
        }
        Ok(())
    }
}
