//! `GET /batches/{id}`.

use super::{REQUESTS, RUNS, lines, unknown};
use crate::case::{Case, Level, documented, observed, run};
use crate::expect::{OnTheWay as _, Outcome};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/retrieve/object",
        title: "a batch is retrieved as it was created",
        requirement: "Retrieving a batch answers it as the official document has it, with what it was created with.",
        evidence: &[documented("F-202"), documented("F-230")],
        run: run!(object),
        ..RUNS
    },
    Case {
        id: "batches/retrieve/unknown",
        title: "an unknown batch is not found",
        requirement: "Retrieving a batch that there is not is refused with status 404.",
        evidence: &[observed("F-241")],
        lines: 1,
        run: run!(unknown_retrieved),
        ..REQUESTS
    },
    Case {
        id: "batches/retrieve/unknown-message",
        title: "what is said of an unknown batch",
        level: Level::Should,
        requirement: "The refusal of a batch that there is not says `No batch found with id '…'.`.",
        evidence: &[observed("F-241")],
        lines: 1,
        run: run!(unknown_message),
        ..REQUESTS
    },
    Case {
        id: "batches/retrieve/id-of-another-kind",
        title: "an id that is none of a batch is refused",
        level: Level::Should,
        requirement: "An id that does not begin with `batch` is refused with status 400.",
        evidence: &[observed("F-033")],
        run: run!(id_of_another_kind),
        ..REQUESTS
    },
];

async fn object(session: &mut Session) -> Outcome {
    let created = session.batch(&lines::chats(session, 1), lines::CHAT).await?;
    let id = created.text("/id")?;
    let body = session.get(format!("/batches/{id}")).await?.success()?;
    body.has_schema_of("retrieveBatch")?;
    for name in [
        "id",
        "object",
        "endpoint",
        "input_file_id",
        "completion_window",
        "created_at",
        "expires_at",
        "metadata",
    ] {
        let pointer = format!("/{name}");
        body.equals(&pointer, created.get(&pointer).clone())?;
    }
    Ok(())
}

const UNKNOWN: &str = "batch_0123456789abcdef0123456789abcdef";

async fn unknown_retrieved(session: &mut Session) -> Outcome {
    let id = unknown::batch(session).await?;
    session.get(format!("/batches/{id}")).await?.refusal(404).map(drop)
}

async fn unknown_message(session: &mut Session) -> Outcome {
    unknown::batch(session).await?;
    let error = session.get(format!("/batches/{UNKNOWN}")).await?.refusal(404)?;
    error.equals("/message", format!("No batch found with id '{UNKNOWN}'."))
}

async fn id_of_another_kind(session: &mut Session) -> Outcome {
    session.get("/batches?limit=1").await?.success().on_the_way()?;
    session.get("/batches/file-abc").await?.refusal(400).map(drop)
}
