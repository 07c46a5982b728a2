//! `GET /files`.

use std::time::Duration;

use serde_json::{Value, json};

use super::paging::{holds, walk, which};
use super::{REQUESTS, lines};
use crate::case::{Case, Level, assumed, documented, observed, run};
use crate::expect::{OnTheWay as _, Outcome, Stop};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "files/list/envelope",
        title: "the envelope of a list of files",
        requirement: "A list is, as the official document has it, an object with `data`, `has_more` and the first and \
                      last id of its data.",
        evidence: &[observed("F-127"), documented("F-126")],
        run: run!(envelope),
        ..REQUESTS
    },
    Case {
        id: "files/list/newest-first",
        title: "a list shows the newest file first",
        requirement: "Without an order, and with `order=desc`, newer files come before older ones.",
        evidence: &[documented("F-126")],
        run: run!(newest_first),
        ..REQUESTS
    },
    Case {
        id: "files/list/oldest-first",
        title: "a list can show the oldest file first",
        requirement: "With `order=asc`, older files come before newer ones.",
        evidence: &[documented("F-126")],
        run: run!(oldest_first),
        ..REQUESTS
    },
    Case {
        id: "files/list/purpose",
        title: "a list can be asked for one purpose",
        requirement: "With `purpose`, a list shows files of that purpose and no others.",
        evidence: &[documented("F-126")],
        run: run!(purpose),
        ..REQUESTS
    },
    Case {
        id: "files/list/paging",
        title: "every file is met once page by page",
        requirement: "Walking pages by `limit` and `after` meets each file exactly once, and ends with `has_more` false.",
        evidence: &[documented("F-126"), documented("F-247")],
        run: run!(paging),
        ..REQUESTS
    },
    Case {
        id: "files/list/empty",
        title: "an empty list",
        level: Level::May,
        requirement: "An empty list has `data` empty, `has_more` false and null ids.",
        evidence: &[assumed("F-128")],
        run: run!(empty),
        ..REQUESTS
    },
    Case {
        id: "files/list/bad-parameters",
        title: "bad parameters of a list are refused",
        level: Level::May,
        requirement: "A `limit` below 1 or above 10,000 and an unknown `order` are refused with status 400.",
        evidence: &[assumed("F-129")],
        run: run!(bad_parameters),
        ..REQUESTS
    },
];

/// How often the end of a list is looked for while others change it.
const TRIES: usize = 5;

/// Three files, oldest first, a second apart, of which the second is for training.
async fn three(session: &mut Session) -> Outcome<Vec<String>> {
    let mut ids = Vec::new();
    for purpose in ["batch", "fine-tune", "batch"] {
        let file = session.file(purpose, &session.file_name("jsonl"), lines::LINE).await?;
        ids.push(file.text("/id")?);
        session.advance(Duration::from_secs(1)).await?;
    }
    Ok(ids)
}

async fn envelope(session: &mut Session) -> Outcome {
    three(session).await?;
    let page = session.get("/files?limit=2").await?.success()?;
    page.has_schema_of("listFiles")?;
    page.equals("/has_more", true)?;
    let data = page.list("/data")?;
    page.check("/data", data.len() == 2, "two files")?;
    page.equals("/first_id", data[0].text("/id")?)?;
    page.equals("/last_id", data[1].text("/id")?)
}

fn reversed(ids: &[String]) -> Vec<String> {
    ids.iter().rev().cloned().collect()
}

async fn newest_first(session: &mut Session) -> Outcome {
    let ids = three(session).await?;
    for query in ["", "&order=desc"] {
        let files = walk(session, "/files", query, 100, &ids).await?;
        holds(&files, &ids, &reversed(&ids))?;
    }
    Ok(())
}

async fn oldest_first(session: &mut Session) -> Outcome {
    let ids = three(session).await?;
    let files = walk(session, "/files", "&order=asc", 100, &ids).await?;
    holds(&files, &ids, &ids)
}

async fn purpose(session: &mut Session) -> Outcome {
    let ids = three(session).await?;
    let files = walk(session, "/files", "&purpose=fine-tune", 100, &ids).await?;
    for file in &files {
        file.equals("/purpose", "fine-tune")?;
    }
    holds(&files, &ids, &ids[1..2])
}

async fn paging(session: &mut Session) -> Outcome {
    let ids = three(session).await?;
    let whole = walk(session, "/files", "", 100, &ids).await?;
    if which(&whole, &ids).len() != ids.len() {
        return holds(&whole, &ids, &reversed(&ids));
    }
    let files = walk(session, "/files", "", 2, &ids).await?;
    holds(&files, &ids, &reversed(&ids))?;
    // The page after the oldest of all is the last one. If the account is not the case's own, that may be deleted now.
    for _ in 0..TRIES {
        let oldest = session.get("/files?limit=1&order=asc").await?.success()?.text("/data/0/id")?;
        let last = session.get(format!("/files?limit=2&after={oldest}")).await?;
        if session.get(format!("/files/{oldest}")).await?.status == 200 {
            let last = last.success()?;
            last.equals("/data", json!([]))?;
            return last.equals("/has_more", false);
        }
    }
    Err(Stop::NotReached("the oldest file was another each time".to_owned()))
}

async fn empty(session: &mut Session) -> Outcome {
    three(session).await?;
    session.get("/files?limit=2").await?.success().on_the_way()?;
    let page = session.get("/files?purpose=fine-tune-results").await?.success()?;
    page.equals("/data", json!([]))?;
    page.equals("/has_more", false)?;
    for id in ["/first_id", "/last_id"] {
        page.equals(id, Value::Null)?;
    }
    Ok(())
}

async fn bad_parameters(session: &mut Session) -> Outcome {
    session.get("/files?limit=1&order=asc").await?.success().on_the_way()?;
    for query in ["limit=0", "limit=10001", "order=up"] {
        session.get(format!("/files?{query}")).await?.refusal(400)?;
    }
    Ok(())
}
