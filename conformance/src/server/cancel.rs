//! `POST /batches/{id}/cancel`.

use serde_json::json;

use super::{REQUESTS, RUNS, lines, unknown};
use crate::case::{Case, Destroys, Level, documented, observed, run};
use crate::expect::{Answer, Body, OnTheWay as _, Outcome};
use crate::session::{FINAL, Session};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/cancel/cancelling",
        title: "a cancellation is answered at once",
        requirement: "Cancelling a batch that runs answers it, as the official document has it, as `cancelling` with \
                      `cancelling_at`.",
        evidence: &[observed("F-263")],
        destroys: Destroys::Work,
        run: run!(cancelling),
        ..RUNS
    },
    Case {
        id: "batches/cancel/cancelled",
        title: "a batch that was cancelled ends as cancelled",
        requirement: "A batch that was cancelled ends as `cancelled`, with `cancelling_at` and `cancelled_at`, and neither completed nor \
                      expired.",
        evidence: &[observed("F-251"), observed("F-254")],
        destroys: Destroys::Work,
        run: run!(cancelled),
        ..RUNS
    },
    Case {
        id: "batches/cancel/partial-results",
        title: "what was done stays",
        requirement: "A batch that was cancelled while it ran has an output file with a line for each request that \
                      `completed` counts.",
        evidence: &[documented("F-260")],
        lines: 8,
        destroys: Destroys::Work,
        run: run!(partial_results),
        ..RUNS
    },
    Case {
        id: "batches/cancel/keeps-counts",
        title: "a cancellation keeps what is known of the batch",
        level: Level::Should,
        requirement: "Cancelling a batch that runs keeps `total`, `model` and `in_progress_at`.",
        evidence: &[observed("F-508")],
        lines: 2,
        destroys: Destroys::Work,
        run: run!(keeps_counts),
        ..RUNS
    },
    Case {
        id: "batches/cancel/while-validating",
        title: "a batch that never ran has no results",
        level: Level::Should,
        requirement: "A batch that was cancelled while validating has counts of 0 and no files.",
        evidence: &[observed("F-264")],
        destroys: Destroys::Work,
        run: run!(while_validating),
        ..RUNS
    },
    Case {
        id: "batches/cancel/after-completed",
        title: "a completed batch cannot be cancelled",
        requirement: "Cancelling a batch that has completed is refused with status 409, and changes nothing.",
        evidence: &[observed("F-262")],
        run: run!(after_completed),
        ..RUNS
    },
    Case {
        id: "batches/cancel/after-failed",
        title: "a failed batch cannot be cancelled",
        requirement: "Cancelling a batch that has failed is refused with status 409.",
        evidence: &[observed("F-262")],
        lines: 1,
        run: run!(after_failed),
        ..RUNS
    },
    Case {
        id: "batches/cancel/twice",
        title: "a cancelled batch may be cancelled again",
        level: Level::Should,
        requirement: "Cancelling a batch that is cancelled answers it as it is.",
        evidence: &[observed("F-262")],
        destroys: Destroys::Work,
        run: run!(twice),
        ..RUNS
    },
    Case {
        id: "batches/cancel/refused-alike",
        title: "a refused cancellation can be tried again",
        requirement: "A 409 is the same each time it is tried, as SDKs do.",
        evidence: &[documented("F-042")],
        run: run!(refused_alike),
        ..RUNS
    },
    Case {
        id: "batches/cancel/unknown",
        title: "an unknown batch cannot be cancelled",
        requirement: "Cancelling a batch that there is not is refused with status 404.",
        evidence: &[observed("F-241")],
        lines: 1,
        run: run!(unknown_cancelled),
        ..REQUESTS
    },
];

async fn cancel(session: &mut Session, id: &str) -> Outcome<Answer> {
    session.post(format!("/batches/{id}/cancel"), &json!({})).await
}

/// A batch that has just been created. It may be cancelled at once, and with some servers only then: they are quick.
async fn begun(session: &mut Session) -> Outcome<String> {
    let batch = session.batch(&lines::chats(session, 1), lines::CHAT).await?;
    batch.one_of("/status", &[json!("validating"), json!("in_progress")]).on_the_way()?;
    batch.text("/id")
}

/// A batch of so many chats that is `in_progress`.
async fn running(session: &mut Session, count: usize) -> Outcome<Body> {
    let id = session.batch(&lines::chats(session, count), lines::CHAT).await?.text("/id")?;
    session.until(&id, &["in_progress"]).await
}

/// A batch that has completed, by its id.
async fn completed(session: &mut Session) -> Outcome<String> {
    let id = session.batch(&lines::chats(session, 1), lines::CHAT).await?.text("/id")?;
    session.until(&id, &["completed"]).await?;
    Ok(id)
}

async fn cancelling(session: &mut Session) -> Outcome {
    let id = begun(session).await?;
    let body = cancel(session, &id).await?.success()?;
    body.has_schema_of("cancelBatch")?;
    body.equals("/id", id)?;
    body.equals("/status", "cancelling")?;
    body.integer("/cancelling_at").map(drop)
}

async fn cancelled(session: &mut Session) -> Outcome {
    let id = begun(session).await?;
    cancel(session, &id).await?.success().on_the_way()?;
    let batch = session.until(&id, &FINAL).await?;
    batch.equals("/status", "cancelled")?;
    let began = batch.integer("/cancelling_at")?;
    let ended = batch.integer("/cancelled_at")?;
    batch.check("/cancelled_at", ended >= began, "at or after `cancelling_at`")?;
    for time in ["/completed_at", "/failed_at", "/expired_at"] {
        batch.is_unset(time)?;
    }
    Ok(())
}

async fn partial_results(session: &mut Session) -> Outcome {
    let id = session.batch(&lines::chats(session, 8), lines::CHAT).await?.text("/id")?;
    session
        .until_holds(&id, "in progress with a part done", |batch| {
            batch.get("/status") == "in_progress"
                && batch.get("/request_counts/completed").as_u64().is_some_and(|done| done > 0)
        })
        .await?;
    cancel(session, &id).await?.success().on_the_way()?;
    let batch = session.until(&id, &["cancelled"]).await?;
    let done = batch.integer("/request_counts/completed")?;
    batch.check("/request_counts/completed", done > 0, "what was done before, and not 0")?;
    batch.text("/output_file_id")?;
    let ended = session.ended(batch).await?;
    let count = i64::try_from(ended.output.len()).unwrap_or(i64::MAX);
    let expected = format!("{count}, the number of lines of the output file");
    ended.batch.check("/request_counts/completed", done == count, expected)?;
    for line in &ended.output {
        line.equals("/response/status_code", 200)?;
    }
    Ok(())
}

async fn keeps_counts(session: &mut Session) -> Outcome {
    let before = running(session, 2).await?;
    let body = cancel(session, &before.text("/id")?).await?.success()?;
    for kept in ["/request_counts/total", "/model", "/in_progress_at"] {
        body.equals(kept, before.get(kept).clone())?;
    }
    Ok(())
}

async fn while_validating(session: &mut Session) -> Outcome {
    let batch = session.batch(&lines::chats(session, 1), lines::CHAT).await?;
    batch.equals("/status", "validating").on_the_way()?;
    let id = batch.text("/id")?;
    let cancelling = cancel(session, &id).await?.success().on_the_way()?;
    cancelling.is_unset("/in_progress_at").on_the_way()?;
    let batch = session.until(&id, &["cancelled"]).await?;
    for count in ["total", "completed", "failed"] {
        batch.equals(&format!("/request_counts/{count}"), 0)?;
    }
    batch.is_unset("/output_file_id")?;
    batch.is_unset("/error_file_id")
}

async fn after_completed(session: &mut Session) -> Outcome {
    let id = completed(session).await?;
    cancel(session, &id).await?.refusal(409)?;
    session.get(format!("/batches/{id}")).await?.success()?.equals("/status", "completed")
}

async fn after_failed(session: &mut Session) -> Outcome {
    let line = lines::failing(session);
    let input = session.file("batch", &session.file_name("jsonl"), line).await?;
    let created = session.create(&input.text("/id")?, lines::CHAT).await?.success().on_the_way()?;
    let id = created.text("/id").on_the_way()?;
    session.until(&id, &["failed"]).await?;
    cancel(session, &id).await?.refusal(409).map(drop)
}

async fn twice(session: &mut Session) -> Outcome {
    let id = begun(session).await?;
    cancel(session, &id).await?.success().on_the_way()?;
    session.until(&id, &["cancelled"]).await?;
    cancel(session, &id).await?.success()?.equals("/status", "cancelled")
}

async fn refused_alike(session: &mut Session) -> Outcome {
    let id = completed(session).await?;
    let first = cancel(session, &id).await?.refusal(409).on_the_way()?;
    for _ in 0..2 {
        cancel(session, &id).await?.refusal(409)?.equals("", first.value.clone())?;
    }
    Ok(())
}

async fn unknown_cancelled(session: &mut Session) -> Outcome {
    let id = unknown::batch(session).await?;
    cancel(session, &id).await?.refusal(404).map(drop)
}
