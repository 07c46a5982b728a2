//! What a server tells an endpoint of the end of batches.

use std::sync::Arc;

use serde_json::json;

use super::{RUNS, lines};
use crate::case::{Capability, Case, Destroys, Level, Takes, assumed, documented, run};
use crate::exchange::Key;
use crate::expect::{Body, OnTheWay as _, Outcome};
use crate::session::Session;
use crate::webhook::{Delivery, Reply};

/// A case in which the suite is told of a batch.
const TOLD: Case = Case { needs: &[Capability::Webhooks], ..RUNS };

/// How far `created_at` may be from the end of its batch, in seconds.
const CLOSE: i64 = 60;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "webhooks/events/completed",
        title: "a batch that has completed is told",
        requirement: "A batch that has completed is told as `batch.completed`, with its id as `data.id`.",
        evidence: &[documented("F-400")],
        run: run!(completed),
        ..TOLD
    },
    Case {
        id: "webhooks/events/failed",
        title: "a batch that has failed is told",
        requirement: "A batch that has failed is told as `batch.failed`, with its id as `data.id`.",
        evidence: &[documented("F-400")],
        run: run!(failed),
        ..TOLD
    },
    Case {
        id: "webhooks/events/cancelled",
        title: "a batch that was cancelled is told",
        requirement: "A batch that was cancelled is told as `batch.cancelled`, with its id as `data.id`.",
        evidence: &[documented("F-400")],
        destroys: Destroys::Work,
        run: run!(cancelled),
        ..TOLD
    },
    Case {
        id: "webhooks/events/expired",
        title: "a batch that has expired is told",
        requirement: "A batch that has expired is told as `batch.expired`, with its id as `data.id`.",
        evidence: &[documented("F-400")],
        takes: Takes::Day,
        lines: 8,
        run: run!(expired),
        ..TOLD
    },
    Case {
        id: "webhooks/payload/members",
        title: "an event names itself, its type and its time",
        requirement: "An event has an `id`, a `type`, `created_at` in seconds, and `data`; `object`, if it is there, is \
                      `event`.",
        evidence: &[documented("F-401")],
        run: run!(members),
        ..TOLD
    },
    Case {
        id: "webhooks/payload/created-at",
        title: "an event has the time at which its batch ended",
        level: Level::Should,
        requirement: "`created_at` is when the batch ended, give or take a minute.",
        evidence: &[documented("F-400")],
        run: run!(created_at),
        ..TOLD
    },
    Case {
        id: "webhooks/request/form",
        title: "a webhook is a POST of JSON with three headers",
        requirement: "A webhook is a POST of `application/json` with `webhook-id`, `webhook-signature`, and \
                      `webhook-timestamp` in whole seconds.",
        evidence: &[documented("F-402")],
        run: run!(form),
        ..TOLD
    },
    Case {
        id: "webhooks/request/signature",
        title: "a webhook is signed with the secret of its endpoint",
        requirement: "`webhook-signature` is the base64 of HMAC-SHA256 over id, timestamp and body, with dots between.",
        evidence: &[documented("F-403")],
        run: run!(signature),
        ..TOLD
    },
    Case {
        id: "webhooks/request/timestamp",
        title: "a webhook is not refused for its age",
        requirement: "`webhook-timestamp` is at most 300 s from the time at which it comes, as official SDKs require.",
        evidence: &[documented("F-405")],
        run: run!(timestamp),
        ..TOLD
    },
    Case {
        id: "webhooks/request/words",
        title: "ids, signatures and the user agent have their forms",
        level: Level::Should,
        requirement: "Ids are `evt_…` and `wh_…`, the signature begins with `v1,`, and the user agent with `OpenAI/`.",
        evidence: &[documented("F-401"), documented("F-402")],
        run: run!(words),
        ..TOLD
    },
    Case {
        id: "webhooks/delivery/retried",
        title: "what an endpoint does not take is told again",
        requirement: "What is answered with a 503 is told again, as the same event of the same batch.",
        evidence: &[documented("F-406")],
        run: run!(retried),
        ..TOLD
    },
    Case {
        id: "webhooks/delivery/same-id",
        title: "a retry can be known by its id",
        requirement: "What is told again has the same `webhook-id`, and a signature that is right.",
        evidence: &[documented("F-406")],
        run: run!(same_id),
        ..TOLD
    },
    Case {
        id: "webhooks/delivery/no-redirect",
        title: "redirects are not followed",
        requirement: "A redirect counts as refused: it is not followed, and the endpoint is told again.",
        evidence: &[documented("F-406")],
        run: run!(no_redirect),
        ..TOLD
    },
    Case {
        id: "webhooks/delivery/time-of-attempt",
        title: "each attempt has its own time",
        level: Level::May,
        requirement: "`webhook-timestamp` of a later attempt is no earlier than that of the one before.",
        evidence: &[assumed("F-408")],
        run: run!(time_of_attempt),
        ..TOLD
    },
    Case {
        id: "webhooks/delivery/other-accounts",
        title: "an endpoint is told of its own account alone",
        requirement: "Batches of another account are not told to an endpoint of this one.",
        evidence: &[documented("F-407")],
        needs: &[Capability::Webhooks, Capability::TwoKeys],
        lines: 2,
        run: run!(other_accounts),
        ..TOLD
    },
];

/// A batch of a chat that has completed. Its end is told so.
async fn complete(session: &mut Session, replies: &[Reply]) -> Outcome<Body> {
    let id = session.batch(&lines::chats(session, 1), lines::CHAT).await?.text("/id")?;
    session.reply(&id, replies)?;
    session.until(&id, &["completed"]).await
}

/// What is told of a batch that has completed, when a case is about something else than that it is told.
async fn a_webhook(session: &mut Session) -> Outcome<Arc<Delivery>> {
    session.be_told().await?;
    let id = complete(session, &[]).await?.text("/id")?;
    session.told(&id, 1).await.on_the_way()
}

/// The end of a batch is told as this event.
async fn is_told(session: &Session, id: &str, event: &str) -> Outcome {
    let told = session.told(id, 1).await?.event()?;
    told.equals("/type", event)?;
    told.equals("/data/id", id)
}

async fn completed(session: &mut Session) -> Outcome {
    session.be_told().await?;
    let id = complete(session, &[]).await?.text("/id")?;
    is_told(session, &id, "batch.completed").await
}

async fn failed(session: &mut Session) -> Outcome {
    session.be_told().await?;
    let mut wrong = lines::chat(session, "request-1");
    wrong["url"] = json!("/v1/embeddings");
    let id = session.batch(&[wrong], lines::CHAT).await?.text("/id")?;
    session.until(&id, &["failed"]).await?;
    is_told(session, &id, "batch.failed").await
}

async fn cancelled(session: &mut Session) -> Outcome {
    session.be_told().await?;
    let id = session.batch(&lines::chats(session, 1), lines::CHAT).await?.text("/id")?;
    session.until(&id, &["in_progress"]).await?;
    session.post(format!("/batches/{id}/cancel"), &json!({})).await?.success().on_the_way()?;
    session.until(&id, &["cancelled"]).await?;
    is_told(session, &id, "batch.cancelled").await
}

async fn expired(session: &mut Session) -> Outcome {
    session.be_told().await?;
    let id = session.batch(&lines::chats(session, 8), lines::CHAT).await?.text("/id")?;
    if session.can_bring_about() {
        session.until(&id, &["in_progress"]).await?;
    }
    session.bring_about(&id, "expired").await?;
    is_told(session, &id, "batch.expired").await
}

async fn members(session: &mut Session) -> Outcome {
    let event = a_webhook(session).await?.event()?;
    event.text("/id")?;
    event.text("/type")?;
    event.integer("/created_at")?;
    event.text("/data/id")?;
    let object = event.get("/object");
    event.check("/object", object.is_null() || object == "event", "\"event\"")
}

async fn created_at(session: &mut Session) -> Outcome {
    session.be_told().await?;
    let batch = complete(session, &[]).await?;
    let event = session.told(&batch.text("/id")?, 1).await.on_the_way()?.event()?;
    let (told, ended) = (event.integer("/created_at")?, batch.integer("/completed_at").on_the_way()?);
    event.check("/created_at", (told - ended).abs() <= CLOSE, format!("within {CLOSE} s of {ended}"))
}

async fn form(session: &mut Session) -> Outcome {
    a_webhook(session).await?.has_form()
}

async fn signature(session: &mut Session) -> Outcome {
    let secret = session.be_told().await?;
    a_webhook(session).await?.is_signed_with(&secret)
}

async fn timestamp(session: &mut Session) -> Outcome {
    a_webhook(session).await?.is_of_now()
}

async fn words(session: &mut Session) -> Outcome {
    let told = a_webhook(session).await?;
    let event = told.event()?;
    event.check("/id", event.text("/id")?.starts_with("evt_"), "a text that begins with `evt_`")?;
    let is_id = told.has_header("webhook-id")?.starts_with("wh_");
    told.check(is_id, "`webhook-id`", "a text that begins with `wh_`")?;
    let has_version = told.has_header("webhook-signature")?.split(' ').all(|one| one.starts_with("v1,"));
    told.check(has_version, "`webhook-signature`", "`v1,` and a signature")?;
    let is_service = told.has_header("user-agent")?.starts_with("OpenAI/");
    told.check(is_service, "`user-agent`", "a text that begins with `OpenAI/`")
}

/// The first and the second attempt to tell of a batch, the first of which is answered so.
async fn twice(session: &mut Session, reply: Reply) -> Outcome<(Arc<Delivery>, Arc<Delivery>)> {
    session.be_told().await?;
    let id = complete(session, &[reply]).await?.text("/id")?;
    let first = session.told(&id, 1).await.on_the_way()?;
    let second = session.told(&id, 2).await?;
    Ok((first, second))
}

async fn retried(session: &mut Session) -> Outcome {
    let (first, second) = twice(session, Reply::Status(503)).await?;
    let (first, second) = (first.event()?, second.event()?);
    for same in ["/id", "/type", "/data/id"] {
        second.equals(same, first.get(same).clone())?;
    }
    Ok(())
}

async fn same_id(session: &mut Session) -> Outcome {
    let (first, second) = twice(session, Reply::Status(503)).await.on_the_way()?;
    let (before, after) = (first.has_header("webhook-id")?, second.has_header("webhook-id")?);
    second.check(before == after, "`webhook-id`", format!("{before}, as at first"))?;
    let secret = session.be_told().await?;
    second.is_signed_with(&secret)
}

async fn no_redirect(session: &mut Session) -> Outcome {
    let (_, second) = twice(session, Reply::Redirect).await?;
    second.check(!second.was_redirected(), "the path", "that of the endpoint")
}

async fn time_of_attempt(session: &mut Session) -> Outcome {
    let (first, second) = twice(session, Reply::Status(503)).await.on_the_way()?;
    let time = |told: &Delivery| told.header("webhook-timestamp").and_then(|time| time.parse::<i64>().ok());
    let is_later = time(&first).is_some_and(|before| time(&second).is_some_and(|after| after >= before));
    second.check(is_later, "`webhook-timestamp`", format!("{:?} or later", first.header("webhook-timestamp")))
}

async fn other_accounts(session: &mut Session) -> Outcome {
    session.be_told().await?;
    session.act_as(Key::Other);
    let others = complete(session, &[]).await?.text("/id")?;
    session.act_as(Key::Own);
    let own = complete(session, &[]).await?.text("/id")?;
    session.told(&own, 1).await.on_the_way()?;
    match session.all_told(&others)?.first() {
        None => Ok(()),
        Some(told) => told.mismatch("the batch", "one of the account of the endpoint"),
    }
}
