//! `DELETE /files/{id}`.

use super::paging::{holds, walk, which};
use super::{REQUESTS, RUNS, lines};
use crate::case::{Case, Destroys, Level, observed, run};
use crate::expect::{OnTheWay as _, Outcome, Stop};
use crate::session::{FINAL, Session};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "files/delete/answer",
        title: "a deletion says what was deleted",
        requirement: "A deletion is answered, as the official document has it, with the id and `deleted` true.",
        evidence: &[observed("F-125")],
        destroys: Destroys::Files,
        run: run!(answer),
        ..REQUESTS
    },
    Case {
        id: "files/delete/gone",
        title: "a deleted file is gone",
        requirement: "A file that was deleted is a 404 to retrieve, to download, and to delete again.",
        evidence: &[observed("F-125"), observed("F-124")],
        destroys: Destroys::Files,
        run: run!(gone),
        ..REQUESTS
    },
    Case {
        id: "files/delete/not-listed",
        title: "no list has a deleted file",
        requirement: "A file that was deleted is in no list, and others stay there.",
        evidence: &[observed("F-125"), observed("F-124")],
        destroys: Destroys::Files,
        run: run!(not_listed),
        ..REQUESTS
    },
    Case {
        id: "files/delete/input-of-new-batch",
        title: "a batch fails without its input",
        level: Level::Should,
        requirement: "A batch whose input is deleted right after its creation fails.",
        evidence: &[observed("F-509")],
        destroys: Destroys::Files,
        run: run!(input_of_new_batch),
        ..RUNS
    },
];

async fn file(session: &mut Session) -> Outcome<String> {
    let id = session.input(&lines::chats(session, 1)).await?;
    session.get(format!("/files/{id}")).await?.success().on_the_way()?;
    Ok(id)
}

async fn answer(session: &mut Session) -> Outcome {
    let id = file(session).await?;
    let body = session.delete(format!("/files/{id}")).await?.success()?;
    body.has_schema_of("deleteFile")?;
    body.equals("/id", id)?;
    body.equals("/deleted", true)
}

async fn gone(session: &mut Session) -> Outcome {
    let id = file(session).await?;
    let path = format!("/files/{id}");
    session.get(format!("{path}/content")).await?.has_status(200).on_the_way()?;
    session.delete(path.clone()).await?.success().on_the_way()?;
    session.get(path.clone()).await?.refusal(404)?;
    session.get(format!("{path}/content")).await?.refusal(404)?;
    session.delete(path).await?.refusal(404).map(drop)
}

async fn not_listed(session: &mut Session) -> Outcome {
    let (stays, id) = (file(session).await?, file(session).await?);
    let both = [stays.clone(), id.clone()];
    let files = walk(session, "/files", "&purpose=batch", 100, &both).await.on_the_way()?;
    if which(&files, &both).len() != both.len() {
        return Err(Stop::NotReached("the list does not have both files before one is deleted".to_owned()));
    }
    session.delete(format!("/files/{id}")).await?.success().on_the_way()?;
    session.get(format!("/files/{stays}")).await?.success()?;
    let files = walk(session, "/files", "&purpose=batch", 100, std::slice::from_ref(&stays)).await?;
    holds(&files, &both, &[stays])
}

async fn input_of_new_batch(session: &mut Session) -> Outcome {
    let batch = session.batch(&lines::chats(session, 1), lines::CHAT).await?;
    let input = batch.text("/input_file_id").on_the_way()?;
    session.delete(format!("/files/{input}")).await?.success().on_the_way()?;
    session.until(&batch.text("/id")?, &FINAL).await?.equals("/status", "failed")
}
