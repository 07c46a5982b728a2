//! `GET /batches`.

use std::time::Duration;

use serde_json::json;

use super::paging::{holds, walk};
use super::{REQUESTS, lines};
use crate::case::{Case, Level, Takes, assumed, documented, observed, run};
use crate::expect::{OnTheWay as _, Outcome};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/list/envelope",
        title: "the envelope of a list of batches",
        requirement: "A list is, as the official document has it, an object with `data`, `has_more` and the first and \
                      last id of its data.",
        evidence: &[observed("F-243"), documented("F-242")],
        lines: 3,
        run: run!(envelope),
        ..REQUESTS
    },
    Case {
        id: "batches/list/newest-first",
        title: "a list shows the newest batch first",
        requirement: "Newer batches come before older ones.",
        evidence: &[observed("F-243")],
        lines: 3,
        run: run!(newest_first),
        ..REQUESTS
    },
    Case {
        id: "batches/list/paging",
        title: "every batch is met once page by page",
        requirement: "Walking pages by the last id of the data meets each batch exactly once.",
        evidence: &[documented("F-247")],
        lines: 3,
        run: run!(paging),
        ..REQUESTS
    },
    Case {
        id: "batches/list/default-limit",
        title: "a page has 20 batches unless asked otherwise",
        requirement: "Without `limit` a page has 20 batches, and `has_more` is true if there are more.",
        evidence: &[documented("F-242")],
        takes: Takes::Minutes,
        lines: 21,
        run: run!(default_limit),
        ..REQUESTS
    },
    Case {
        id: "batches/list/limit-out-of-range",
        title: "a limit above 100 is refused",
        requirement: "A `limit` of 101 is refused with status 400.",
        evidence: &[observed("F-244"), documented("F-242")],
        run: run!(limit_out_of_range),
        ..REQUESTS
    },
    Case {
        id: "batches/list/unknown-after",
        title: "an unknown `after` is the end of the list",
        level: Level::May,
        requirement: "A page after a batch that there is not is empty.",
        evidence: &[assumed("F-246")],
        lines: 1,
        run: run!(unknown_after),
        ..REQUESTS
    },
];

/// So many batches, oldest first, a second apart. They fail, so nothing runs and costs.
pub(super) async fn batches(session: &mut Session, count: usize) -> Outcome<Vec<String>> {
    let name = session.file_name("jsonl");
    let line = lines::failing(session);
    let input = session.file("batch", &name, line).await?.text("/id")?;
    let mut ids = Vec::new();
    for _ in 0..count {
        let created = session.create(&input, lines::CHAT).await?.success().on_the_way()?;
        ids.push(created.text("/id").on_the_way()?);
        session.advance(Duration::from_secs(1)).await?;
    }
    Ok(ids)
}

async fn envelope(session: &mut Session) -> Outcome {
    batches(session, 3).await?;
    let page = session.get("/batches?limit=2").await?.success()?;
    page.has_schema_of("listBatches")?;
    page.equals("/has_more", true)?;
    let data = page.list("/data")?;
    page.check("/data", data.len() == 2, "two batches")?;
    page.equals("/first_id", data[0].text("/id")?)?;
    page.equals("/last_id", data[1].text("/id")?)
}

async fn newest_first(session: &mut Session) -> Outcome {
    let ids = batches(session, 3).await?;
    let listed = walk(session, "/batches", "", 100, &ids).await?;
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    holds(&listed, &ids, &newest)
}

async fn paging(session: &mut Session) -> Outcome {
    let ids = batches(session, 3).await?;
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    let listed = walk(session, "/batches", "", 1, &ids).await?;
    holds(&listed, &ids, &newest)?;
    // Others may have created batches in between, if the account is not the case's own.
    let page = session.get(format!("/batches?limit=1&after={}", ids[1])).await?.success()?;
    let first = page.text("/data/0/id")?;
    page.check("/data/0/id", !ids[1..].contains(&first), format!("a batch that is older than {}", ids[1]))
}

async fn default_limit(session: &mut Session) -> Outcome {
    batches(session, 21).await?;
    let page = session.get("/batches").await?.success()?;
    let data = page.list("/data")?;
    page.check("/data", data.len() == 20, format!("20 batches, not {}", data.len()))?;
    page.equals("/has_more", true)
}

async fn limit_out_of_range(session: &mut Session) -> Outcome {
    session.get("/batches?limit=100").await?.success().on_the_way()?;
    session.get("/batches?limit=101").await?.refusal(400).map(drop)
}

async fn unknown_after(session: &mut Session) -> Outcome {
    batches(session, 1).await?;
    let page = session.get("/batches?after=batch_0123456789abcdef0123456789abcdef").await?.success()?;
    page.equals("/data", json!([]))
}
