//! The envelope of errors, and refusals that no route has to itself.

use reqwest::Method;
use serde_json::json;

use super::{REQUESTS, RUNS, lines};
use crate::case::{Case, Level, assumed, documented, observed, run};
use crate::exchange::Request;
use crate::expect::{Answer, OnTheWay as _, Outcome};
use crate::session::{Session, new_batch};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "errors/envelope",
        title: "the envelope of errors",
        requirement: "An error is an object `error` with the texts `message` and `type`, and with `param` and `code`, \
                      which may be null.",
        evidence: &[documented("F-020")],
        run: run!(envelope),
        ..REQUESTS
    },
    Case {
        id: "errors/key-order",
        title: "the order of the keys of an error",
        level: Level::Should,
        requirement: "The keys of an error stand in the order message, type, param, code.",
        evidence: &[observed("F-021")],
        run: run!(key_order),
        ..REQUESTS
    },
    Case {
        id: "errors/detail-of-files",
        title: "errors of files say it twice",
        level: Level::Should,
        requirement: "Errors of the file routes have a second key `detail` with the same message and code.",
        evidence: &[observed("F-022")],
        run: run!(detail_of_files),
        ..REQUESTS
    },
    Case {
        id: "errors/body-is-no-json",
        title: "a body that is no JSON is refused",
        requirement: "A body that is no JSON is refused with status 400.",
        evidence: &[observed("F-024")],
        run: run!(body_is_no_json),
        ..RUNS
    },
    Case {
        id: "errors/unknown-path",
        title: "an unknown path is not found",
        requirement: "A path that there is not is refused with status 404, in the envelope of errors.",
        evidence: &[observed("F-025")],
        run: run!(unknown_path),
        ..REQUESTS
    },
    Case {
        id: "errors/wrong-method",
        title: "a wrong method is not allowed",
        level: Level::May,
        requirement: "A method that a path does not have is refused with status 405 and says which it has.",
        evidence: &[assumed("F-026")],
        run: run!(wrong_method),
        ..REQUESTS
    },
    Case {
        id: "errors/repeated-parameter",
        title: "a repeated query parameter is refused",
        level: Level::May,
        requirement: "A query parameter that is given twice is refused with status 400.",
        evidence: &[assumed("F-034")],
        run: run!(repeated_parameter),
        ..REQUESTS
    },
];

/// The refusal of a path by a server that has something, in whatever form.
async fn refused(session: &mut Session, path: &str) -> Outcome<Answer> {
    works(session).await?;
    let answer = session.get(path).await?;
    answer.has_status_of(&[400, 404]).on_the_way()?;
    Ok(answer)
}

/// Something of the server works, so that a refusal says something.
async fn works(session: &mut Session) -> Outcome {
    let file = session.input(&lines::chats(session, 1)).await?;
    session.get(format!("/files/{file}")).await?.success().on_the_way()?;
    session.get("/batches?limit=1").await?.success().on_the_way().map(drop)
}

async fn envelope(session: &mut Session) -> Outcome {
    for path in ["/files/file-does-not-exist", "/batches/batch_does_not_exist"] {
        let answer = refused(session, path).await?;
        let error = answer.in_envelope()?;
        for key in ["param", "code"] {
            let value = error.get(&format!("/{key}"));
            let is_there = error.value.get(key).is_some();
            let is_right = is_there && (value.is_null() || value.is_string());
            error.check(&format!("/{key}"), is_right, "a text or null")?;
        }
        let content_type = answer.header("content-type").unwrap_or("not there");
        let is_json = content_type.starts_with("application/json");
        answer.place.check(is_json, "the content type", "application/json", content_type)?;
    }
    Ok(())
}

async fn key_order(session: &mut Session) -> Outcome {
    let answer = refused(session, "/files/file-does-not-exist").await?;
    let keys = answer.error().keys();
    let is_right = keys == ["message", "type", "param", "code"];
    answer.place.check(is_right, "the keys of the error", "message, type, param, code", keys.join(", "))
}

async fn detail_of_files(session: &mut Session) -> Outcome {
    let answer = refused(session, "/files/file-does-not-exist").await?;
    let error = answer.in_envelope().on_the_way()?;
    let body = answer.json()?;
    body.equals("/detail/message", error.get("/message").clone())?;
    body.equals("/detail/code", error.get("/code").clone())
}

async fn body_is_no_json(session: &mut Session) -> Outcome {
    let input = session.input(&lines::chats(session, 1)).await?;
    session.post("/batches", &new_batch(&input, lines::CHAT)).await?.success().on_the_way()?;
    let broken = Request::new(Method::POST, "/batches").body("application/json", "{broken");
    session.send(broken).await?.refusal(400).map(drop)
}

async fn unknown_path(session: &mut Session) -> Outcome {
    works(session).await?;
    let answer = session.post("/there/is/no/such/path", &json!({})).await?;
    answer.refusal(404)?;
    answer.in_envelope().map(drop)
}

async fn wrong_method(session: &mut Session) -> Outcome {
    works(session).await?;
    let answer = session.send(Request::new(Method::PUT, "/files")).await?;
    answer.refusal(405)?;
    let allow = answer.header("allow").unwrap_or("not there");
    answer.place.check(allow.contains("GET"), "the header `allow`", "a list with GET and POST", allow)
}

async fn repeated_parameter(session: &mut Session) -> Outcome {
    session.get("/files?limit=1").await?.success().on_the_way()?;
    session.get("/files?limit=1&limit=2").await?.refusal(400)?;
    Ok(())
}
