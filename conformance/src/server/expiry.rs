//! Batches that expire.

use std::collections::BTreeSet;

use super::{RUNS, lines};
use crate::case::{Case, Takes, documented, observed, run};
use crate::expect::{OnTheWay as _, Outcome};
use crate::session::{Ended, Session};

/// A case in which a batch expires with a part done.
const EXPIRES: Case = Case { takes: Takes::Day, lines: 8, ..RUNS };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/expiry/times",
        title: "a batch that expires says when",
        requirement: "A batch that expires ends as `expired` with `expired_at`, and neither completed nor cancelled.",
        evidence: &[observed("F-254"), documented("F-250")],
        run: run!(times),
        ..EXPIRES
    },
    Case {
        id: "batches/expiry/partial-results",
        title: "what was done stays",
        requirement: "The output file has a line for each request that `completed` counts.",
        evidence: &[documented("F-270")],
        run: run!(partial_results),
        ..EXPIRES
    },
    Case {
        id: "batches/expiry/the-rest",
        title: "the rest is told to have expired",
        requirement: "Each request that was not done has a line in the error file, without a response, with code \
                      `batch_expired` and the documented message.",
        evidence: &[documented("F-270"), documented("F-357")],
        run: run!(the_rest),
        ..EXPIRES
    },
    Case {
        id: "batches/expiry/counts",
        title: "what never ran is not counted as failed",
        requirement: "Requests that never ran count as neither completed nor failed, so that the counts need not add up.",
        evidence: &[observed("F-272"), observed("F-273")],
        run: run!(counts),
        ..EXPIRES
    },
];

/// A batch of eight chats that has expired with a part of them done.
async fn expired(session: &mut Session) -> Outcome<Ended> {
    let id = session.batch(&lines::chats(session, 8), lines::CHAT).await?.text("/id")?;
    // An end that nobody brings about comes when it comes; nothing need be looked at before it.
    if session.can_bring_about() {
        session
            .until_holds(&id, "in progress with a part done", |batch| {
                batch.get("/status") == "in_progress"
                    && batch.get("/request_counts/completed").as_u64().is_some_and(|done| done > 0)
            })
            .await?;
    }
    let batch = session.bring_about(&id, "expired").await?;
    session.ended(batch).await
}

async fn times(session: &mut Session) -> Outcome {
    let batch = expired(session).await?.batch;
    batch.integer("/expired_at")?;
    batch.integer("/in_progress_at")?;
    for time in ["/completed_at", "/failed_at", "/cancelled_at"] {
        batch.is_unset(time)?;
    }
    Ok(())
}

async fn partial_results(session: &mut Session) -> Outcome {
    let ended = expired(session).await?;
    ended.batch.text("/output_file_id")?;
    ended.batch.equals("/request_counts/completed", ended.output.len())?;
    for line in &ended.output {
        line.equals("/response/status_code", 200)?;
        line.is_unset("/error")?;
    }
    Ok(())
}

async fn the_rest(session: &mut Session) -> Outcome {
    let ended = expired(session).await?;
    ended.batch.text("/error_file_id")?;
    for line in &ended.errors {
        line.is_unset("/response")?;
        line.equals("/error/code", "batch_expired")?;
        let message = "This request could not be executed before the completion window expired.";
        line.equals("/error/message", message)?;
    }
    let told: BTreeSet<_> =
        ended.output.iter().chain(&ended.errors).filter_map(|line| line.get("/custom_id").as_str()).collect();
    let lines = ended.output.len() + ended.errors.len();
    let actual = format!("{} custom ids in {lines} lines", told.len());
    let place = &ended.batch.place;
    place.check(told.len() == 8 && lines == 8, "the files", "each of the 8 requests once", actual)
}

async fn counts(session: &mut Session) -> Outcome {
    let ended = expired(session).await?;
    ended.batch.text("/error_file_id").on_the_way()?;
    ended.batch.equals("/request_counts/total", 8)?;
    ended.batch.equals("/request_counts/completed", ended.output.len())?;
    ended.batch.equals("/request_counts/failed", 0)
}
