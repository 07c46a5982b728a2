//! What an account may use, and what it is told beyond that. Judged where a control API lets quotas be set: elsewhere a case
//! would have to use up what somebody pays for.

use std::time::Duration;

use serde_json::json;

use super::{REQUESTS, RUNS, lines};
use crate::case::{Capability, Case, Level, assumed, documented, observed, run};
use crate::exchange::Request;
use crate::expect::{Answer, Body, OnTheWay as _, Outcome, Stop};
use crate::session::{FINAL, Session, new_batch};

/// A case about what waits in batches.
const QUEUE: Case = Case { needs: &[Capability::Quotas], ..RUNS };

/// A case about how often something may be asked.
const RATE: Case = Case { needs: &[Capability::Quotas], ..REQUESTS };

/// The longest queue that is tried for a batch of one chat.
const LONGEST_QUEUE: u64 = 1 << 10;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "quotas/queue/full",
        title: "a batch for which the queue has no room",
        requirement: "A batch that does not fit the queue of tokens is created, and then fails with code \
                      `token_limit_exceeded`.",
        evidence: &[observed("F-310"), observed("F-322")],
        lines: 2,
        run: run!(full),
        ..QUEUE
    },
    Case {
        id: "quotas/queue/comes-free",
        title: "the queue comes free when a batch ends",
        requirement: "A batch that does not fit beside one that runs fits when that has ended.",
        evidence: &[documented("F-380")],
        lines: 13,
        run: run!(comes_free),
        ..QUEUE
    },
    Case {
        id: "quotas/queue/by-model",
        title: "each model has a queue of its own",
        requirement: "When the queue of a model is full, a batch for another one runs.",
        evidence: &[documented("F-380")],
        lines: 2,
        run: run!(by_model),
        ..QUEUE
    },
    Case {
        id: "quotas/rates/batches",
        title: "batches beyond those of an hour are refused",
        requirement: "When as many batches as an hour may have were created, another is refused with status 429, and one is \
                      accepted an hour later.",
        evidence: &[documented("F-240")],
        run: run!(batches),
        lines: 4,
        ..RATE
    },
    Case {
        id: "quotas/rates/retry-after",
        title: "whoever is told when to come again is told whole seconds",
        level: Level::Should,
        requirement: "A 429 has `Retry-After` in whole seconds, at least 1, or does not have it.",
        evidence: &[documented("F-037")],
        run: run!(retry_after),
        lines: 3,
        ..RATE
    },
    Case {
        id: "quotas/rates/code",
        title: "a rate that is used up has a code",
        level: Level::May,
        requirement: "A 429 for too many batches has type `requests` and code `rate_limit_exceeded`.",
        evidence: &[assumed("F-035")],
        run: run!(code),
        lines: 3,
        ..RATE
    },
];

/// A batch of a chat for a model. Its metadata says which it is of those of a case.
async fn batch(session: &mut Session, model: &str, turn: &str) -> Outcome<String> {
    let mut chat = lines::chat(session, "request-1");
    chat["body"]["model"] = json!(model);
    let input = session.input(&[chat]).await?;
    let mut new = new_batch(&input, lines::CHAT);
    new["metadata"]["turn"] = json!(turn);
    session.post("/batches", &new).await?.success()?.text("/id")
}

/// A batch as it is when it has been validated.
async fn validated(session: &mut Session, id: &str) -> Outcome<Body> {
    let statuses = [FINAL.as_slice(), &["in_progress", "finalizing"]].concat();
    session.until(id, &statuses).await
}

async fn full(session: &mut Session) -> Outcome {
    let model = session.models().chat.clone();
    session.limit(&json!({"enqueued_tokens": 1_000_000})).await?;
    let fits = batch(session, &model, "first").await.on_the_way()?;
    session.until(&fits, &["completed"]).await?;
    session.limit(&json!({"enqueued_tokens": 1})).await?;
    let id = batch(session, &model, "beyond").await?;
    let refused = session.until(&id, &FINAL).await?;
    refused.equals("/status", "failed")?;
    refused.equals("/errors/data/0/code", "token_limit_exceeded")
}

/// How a server counts tokens is not known, so queues twice as long as the one before are tried, until a batch fits. Then
/// another one does not fit beside it.
async fn running_in_a_queue_for_one(session: &mut Session, model: &str) -> Outcome<String> {
    let mut queue = 1;
    while queue <= LONGEST_QUEUE {
        session.limit(&json!({ "enqueued_tokens": queue })).await?;
        let id = batch(session, model, "first").await.on_the_way()?;
        if validated(session, &id).await?.get("/status") != "failed" {
            return Ok(id);
        }
        queue *= 2;
    }
    Err(Stop::NotReached(format!("a batch of one chat does not fit a queue of {LONGEST_QUEUE} tokens")))
}

async fn comes_free(session: &mut Session) -> Outcome {
    let model = session.models().chat.clone();
    let first = running_in_a_queue_for_one(session, &model).await?;
    let second = batch(session, &model, "second").await.on_the_way()?;
    let second = validated(session, &second).await?;
    second.equals("/status", "failed").on_the_way()?;
    session.until(&first, &FINAL).await?;
    let third = batch(session, &model, "third").await?;
    let third = session.until(&third, &FINAL).await?;
    third.equals("/status", "completed")
}

async fn by_model(session: &mut Session) -> Outcome {
    let (model, other) = (session.models().chat.clone(), session.models().other_chat.clone());
    let mut queues = json!({"enqueued_tokens": {}});
    queues["enqueued_tokens"][&model] = json!(1);
    session.limit(&queues).await?;
    let refused = batch(session, &model, "first").await.on_the_way()?;
    session.until(&refused, &FINAL).await?.equals("/status", "failed").on_the_way()?;
    let id = batch(session, &other, "second").await?;
    session.until(&id, &FINAL).await?.equals("/status", "completed")
}

/// Two batches in an hour that may have two. Gives what comes of a third, and its input.
async fn third_of_two(session: &mut Session) -> Outcome<(Answer, String)> {
    let input = session.input(&lines::chats(session, 1)).await?;
    session.limit(&json!({"batches_per_hour": 2})).await?;
    for _ in 0..2 {
        session.create(&input, lines::CHAT).await?.success().on_the_way()?;
    }
    let third = Request::post("/batches", &new_batch(&input, lines::CHAT)).once();
    Ok((session.send(third).await?, input))
}

async fn batches(session: &mut Session) -> Outcome {
    let (refused, input) = third_of_two(session).await?;
    refused.refusal(429)?;
    session.advance(Duration::from_hours(1)).await?;
    let again = Request::post("/batches", &new_batch(&input, lines::CHAT)).once();
    session.send(again).await?.success().map(drop)
}

async fn retry_after(session: &mut Session) -> Outcome {
    let (refused, _) = third_of_two(session).await?;
    refused.has_status(429).on_the_way()?;
    let Some(told) = refused.header("retry-after") else { return Ok(()) };
    let is_right = told.parse().is_ok_and(|seconds: u64| seconds >= 1);
    refused.place.check(is_right, "`retry-after`", "whole seconds, at least 1", told)
}

async fn code(session: &mut Session) -> Outcome {
    let (refused, _) = third_of_two(session).await?;
    let error = refused.refusal(429).on_the_way()?;
    error.equals("/type", "requests")?;
    error.equals("/code", "rate_limit_exceeded")
}
