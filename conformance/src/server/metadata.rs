//! Metadata of batches.

use serde_json::{Map, Value, json};

use super::{RUNS, lines};
use crate::case::{Case, Level, documented, observed, run};
use crate::expect::{Answer, OnTheWay as _, Outcome};
use crate::session::{Session, new_batch};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/metadata/echo",
        title: "metadata is echoed",
        requirement: "Metadata that was given is shown when the batch is created, retrieved and listed.",
        evidence: &[observed("F-209")],
        run: run!(echo),
        ..RUNS
    },
    Case {
        id: "batches/metadata/omitted",
        title: "without metadata there is none",
        level: Level::Should,
        requirement: "Metadata that was not given is null.",
        evidence: &[observed("F-209")],
        run: run!(omitted),
        ..RUNS
    },
    Case {
        id: "batches/metadata/as-much-as-allowed",
        title: "metadata may have 16 pairs of 64 and 512 characters",
        requirement: "16 pairs with names of 64 and values of 512 characters are accepted.",
        evidence: &[documented("F-210")],
        run: run!(as_much_as_allowed),
        ..RUNS
    },
    Case {
        id: "batches/metadata/too-much",
        title: "more metadata is refused",
        requirement: "17 pairs, a name of 65 characters, or a value of 513 is refused with status 400.",
        evidence: &[documented("F-210")],
        lines: 4,
        run: run!(too_much),
        ..RUNS
    },
    Case {
        id: "batches/metadata/no-text",
        title: "a value that is no text is refused",
        requirement: "A value of metadata that is a number is refused with status 400.",
        evidence: &[documented("F-210")],
        lines: 2,
        run: run!(no_text),
        ..RUNS
    },
];

async fn create(session: &mut Session, metadata: Option<Value>) -> Outcome<Answer> {
    let input = session.input(&lines::chats(session, 1)).await?;
    let mut new = new_batch(&input, lines::CHAT);
    match (metadata, &mut new) {
        (Some(metadata), new) => new["metadata"] = metadata,
        (None, Value::Object(new)) => drop(new.shift_remove("metadata")),
        (None, _) => {}
    }
    session.post("/batches", &new).await
}

fn pairs(count: usize, name: usize, value: usize) -> Value {
    let pair = |number: usize| (format!("{number:0name$}"), json!("v".repeat(value)));
    Value::Object((0..count).map(pair).collect::<Map<_, _>>())
}

async fn echo(session: &mut Session) -> Outcome {
    let metadata = json!({"customer": "batchmock-conformance", "description": "猫"});
    let created = create(session, Some(metadata.clone())).await?.success()?;
    created.equals("/metadata", metadata.clone())?;
    let id = created.text("/id")?;
    session.get(format!("/batches/{id}")).await?.success()?.equals("/metadata", metadata.clone())?;
    let listed = super::paging::walk(session, "/batches", "", 100, std::slice::from_ref(&id)).await?;
    match listed.iter().find(|batch| batch.get("/id") == id.as_str()) {
        Some(batch) => batch.equals("/metadata", metadata),
        None => created.place.mismatch("the list of batches", &[format!("one with {id}")], "without it"),
    }
}

async fn omitted(session: &mut Session) -> Outcome {
    let created = create(session, None).await?.success()?;
    created.text("/id")?;
    created.equals("/metadata", Value::Null)
}

async fn as_much_as_allowed(session: &mut Session) -> Outcome {
    let metadata = pairs(16, 64, 512);
    create(session, Some(metadata.clone())).await?.success()?.equals("/metadata", metadata)
}

async fn too_much(session: &mut Session) -> Outcome {
    create(session, Some(pairs(16, 64, 512))).await?.success().on_the_way()?;
    for metadata in [pairs(17, 64, 512), pairs(1, 65, 1), pairs(1, 1, 513)] {
        create(session, Some(metadata)).await?.refusal(400)?;
    }
    Ok(())
}

async fn no_text(session: &mut Session) -> Outcome {
    create(session, Some(json!({"number": "1"}))).await?.success().on_the_way()?;
    create(session, Some(json!({"number": 1}))).await?.refusal(400).map(drop)
}
