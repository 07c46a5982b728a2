//! The life of a batch that completes: states, times, counts, files.

use serde_json::json;

use super::{RUNS, lines};
use crate::case::{Case, Level, documented, observed, run};
use crate::expect::{Body, OnTheWay as _, Outcome, Stop};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/life/states",
        title: "states follow each other as documented",
        requirement: "A batch goes from `validating` over `in_progress` and `finalizing` to `completed`, never back.",
        evidence: &[documented("F-250"), observed("F-251")],
        lines: 2,
        run: run!(states),
        ..RUNS
    },
    Case {
        id: "batches/life/times",
        title: "a completed batch has the times of its path",
        requirement: "`created_at`, `in_progress_at`, `finalizing_at` and `completed_at` are set, none before the one \
                      before, and no time of another path is.",
        evidence: &[observed("F-254")],
        run: run!(times),
        ..RUNS
    },
    Case {
        id: "batches/life/expiry-stays",
        title: "the time of expiry stays what it was",
        requirement: "`expires_at` is a day after `created_at` in every state.",
        evidence: &[observed("F-203")],
        run: run!(expiry_stays),
        ..RUNS
    },
    Case {
        id: "batches/life/files-at-the-end",
        title: "files of results are there at the end",
        requirement: "`output_file_id` and `error_file_id` are null until the batch has ended; then the results can be had.",
        evidence: &[observed("F-212")],
        run: run!(files_at_the_end),
        ..RUNS
    },
    Case {
        id: "batches/life/counts",
        title: "the counts of a completed batch",
        requirement: "`total` is the number of lines, and `completed` and `failed` are those that the two files have.",
        evidence: &[observed("F-205"), observed("F-215")],
        lines: 3,
        run: run!(counts),
        ..RUNS
    },
    Case {
        id: "batches/life/counts-rise",
        title: "counts never fall",
        requirement: "No count falls while a batch lives, and `completed` and `failed` are never more than `total`.",
        evidence: &[observed("F-206")],
        lines: 8,
        run: run!(counts_rise),
        ..RUNS
    },
    Case {
        id: "batches/life/counts-while-validating",
        title: "nothing is counted while validating",
        level: Level::Should,
        requirement: "All counts are 0 while a batch is `validating`.",
        evidence: &[observed("F-205")],
        lines: 2,
        run: run!(counts_while_validating),
        ..RUNS
    },
    Case {
        id: "batches/life/usage",
        title: "a completed batch tells its usage",
        level: Level::Should,
        requirement: "`usage` of a completed batch is the sum over its lines.",
        evidence: &[observed("F-207"), documented("F-208")],
        lines: 3,
        run: run!(usage),
        ..RUNS
    },
    Case {
        id: "batches/life/model",
        title: "a batch that runs names its model",
        level: Level::Should,
        requirement: "`model` is null while validating, and names the model from then on.",
        evidence: &[observed("F-204")],
        run: run!(model),
        ..RUNS
    },
    Case {
        id: "batches/life/end-stays",
        title: "an end is an end",
        requirement: "A batch that has completed looks the same whenever it is retrieved again.",
        evidence: &[observed("F-251")],
        run: run!(end_stays),
        ..RUNS
    },
    Case {
        id: "batches/life/schema",
        title: "a batch is as documented in every state",
        requirement: "In each of its states a batch is as the official document has it.",
        evidence: &[documented("F-202"), documented("F-250")],
        run: run!(schema),
        ..RUNS
    },
];

/// In which order the states come.
const ORDER: [&str; 4] = ["validating", "in_progress", "finalizing", "completed"];

/// The times of a path, in their order.
const TIMES: [&str; 4] = ["/created_at", "/in_progress_at", "/finalizing_at", "/completed_at"];

/// A batch of so many chats at each look, from its creation to its end, which must be `completed`.
async fn completing(session: &mut Session, count: usize) -> Outcome<Vec<Body>> {
    let created = session.batch(&lines::chats(session, count), lines::CHAT).await?;
    let id = created.text("/id")?;
    let mut life = vec![created];
    life.extend(session.life(&id).await?);
    Ok(life)
}

async fn states(session: &mut Session) -> Outcome {
    let mut before = 0;
    for batch in completing(session, 2).await? {
        let later = &ORDER[before..];
        let expected: Vec<_> = later.iter().map(|status| json!(status)).collect();
        batch.one_of("/status", &expected)?;
        before = ORDER.iter().position(|status| batch.get("/status") == status).unwrap_or(before);
    }
    if before == ORDER.len() - 1 {
        Ok(())
    } else {
        Err(Stop::NotReached("the batch did not complete".to_owned()))
    }
}

/// A batch of so many chats that has completed.
async fn completed(session: &mut Session, count: usize) -> Outcome<Body> {
    let life = completing(session, count).await?;
    let batch = life.last().cloned().ok_or_else(|| Stop::NotReached("no batch was seen".to_owned()))?;
    batch.equals("/status", "completed").on_the_way()?;
    Ok(batch)
}

async fn times(session: &mut Session) -> Outcome {
    let batch = completed(session, 1).await?;
    let mut before = i64::MIN;
    for time in TIMES {
        let at = batch.integer(time)?;
        batch.check(time, at >= before, format!("at or after {before}"))?;
        before = at;
    }
    for time in ["/failed_at", "/expired_at", "/cancelling_at", "/cancelled_at"] {
        batch.is_unset(time)?;
    }
    Ok(())
}

async fn expiry_stays(session: &mut Session) -> Outcome {
    for batch in completing(session, 1).await? {
        batch.equals("/expires_at", batch.integer("/created_at")? + 86_400)?;
    }
    Ok(())
}

async fn files_at_the_end(session: &mut Session) -> Outcome {
    for batch in completing(session, 1).await? {
        if batch.get("/status") == "completed" {
            let output = batch.text("/output_file_id")?;
            session.get(format!("/files/{output}/content")).await?.has_status(200)?;
        } else {
            batch.is_unset("/output_file_id")?;
            batch.is_unset("/error_file_id")?;
        }
    }
    Ok(())
}

async fn counts(session: &mut Session) -> Outcome {
    let mut lines = lines::chats(session, 2);
    lines.push(lines::refused_chat(session, "refused"));
    let id = session.batch(&lines, lines::CHAT).await?.text("/id")?;
    let batch = session.until(&id, &["completed"]).await?;
    let ended = session.ended(batch).await?;
    ended.batch.equals("/request_counts/total", 3)?;
    ended.batch.equals("/request_counts/completed", ended.output.len())?;
    ended.batch.equals("/request_counts/failed", ended.errors.len())
}

async fn counts_rise(session: &mut Session) -> Outcome {
    let mut before = [0, 0, 0];
    for batch in completing(session, 8).await? {
        for (before, name) in before.iter_mut().zip(["total", "completed", "failed"]) {
            let pointer = format!("/request_counts/{name}");
            let count = batch.integer(&pointer)?;
            batch.check(&pointer, count >= *before, format!("at least {before}, as it was before"))?;
            *before = count;
        }
        let [total, completed, failed] = before;
        batch.check("/request_counts", completed + failed <= total, "completed and failed at most total")?;
    }
    if before == [8, 8, 0] {
        return Ok(());
    }
    Err(Stop::NotReached(format!("the batch ended with total, completed and failed {before:?}")))
}

async fn counts_while_validating(session: &mut Session) -> Outcome {
    let batch = session.batch(&lines::chats(session, 2), lines::CHAT).await?;
    batch.equals("/status", "validating").on_the_way()?;
    for name in ["total", "completed", "failed"] {
        batch.equals(&format!("/request_counts/{name}"), 0)?;
    }
    Ok(())
}

async fn usage(session: &mut Session) -> Outcome {
    let ended = session.run(&lines::chats(session, 3), lines::CHAT).await?;
    let sum = |name: &str| -> i64 {
        ended
            .output
            .iter()
            .filter_map(|line| line.get(&format!("/response/body/usage/{name}")).as_i64())
            .sum()
    };
    for (of_batch, of_line) in [
        ("/usage/input_tokens", "prompt_tokens"),
        ("/usage/output_tokens", "completion_tokens"),
        ("/usage/total_tokens", "total_tokens"),
    ] {
        let expected = sum(of_line);
        if expected == 0 {
            return Err(Stop::NotReached(format!("no line tells `{of_line}`")));
        }
        ended.batch.equals(of_batch, expected)?;
    }
    Ok(())
}

async fn model(session: &mut Session) -> Outcome {
    let asked = session.models().chat.clone();
    for batch in completing(session, 1).await? {
        if batch.get("/status") == "validating" {
            batch.is_unset("/model")?;
        } else {
            let names = batch.text("/model")?.starts_with(&asked);
            batch.check("/model", names, format!("a name that begins with {asked}"))?;
        }
    }
    Ok(())
}

async fn end_stays(session: &mut Session) -> Outcome {
    let before = completed(session, 1).await?;
    session.advance(std::time::Duration::from_secs(10)).await?;
    let after = session.get(format!("/batches/{}", before.text("/id")?)).await?.success()?;
    after.equals("", before.value)
}

async fn schema(session: &mut Session) -> Outcome {
    let life = completing(session, 1).await?;
    for batch in &life {
        batch.has_schema_of("retrieveBatch")?;
    }
    if life.last().is_some_and(|batch| batch.get("/status") == "completed") {
        return Ok(());
    }
    Err(Stop::NotReached("the batch did not complete".to_owned()))
}
