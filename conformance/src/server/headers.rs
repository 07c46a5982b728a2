//! Headers.

use serde_json::json;

use super::{REQUESTS, RUNS, lines};
use crate::case::{Case, Level, documented, observed, run};
use crate::exchange::Request;
use crate::expect::{Answer, OnTheWay as _, Outcome};
use crate::session::{Session, new_batch};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "headers/request-id",
        title: "every answer has a request id",
        requirement: "Successes and errors have a header `x-request-id`, each another.",
        evidence: &[documented("F-015")],
        run: run!(request_id),
        ..REQUESTS
    },
    Case {
        id: "headers/request-id-form",
        title: "the form of request ids",
        level: Level::Should,
        requirement: "`x-request-id` is `req_` and 32 hexadecimal digits.",
        evidence: &[observed("F-010")],
        run: run!(request_id_form),
        ..REQUESTS
    },
    Case {
        id: "headers/of-the-api",
        title: "the headers of the API",
        level: Level::Should,
        requirement: "Answers of files and batches have `openai-version` and `openai-processing-ms`.",
        evidence: &[observed("F-007")],
        run: run!(of_the_api),
        ..REQUESTS
    },
    Case {
        id: "headers/no-retry-override",
        title: "clients decide themselves whether they try again",
        level: Level::Should,
        requirement: "Successes and refusals that are final have neither `x-should-retry: true` nor `retry-after`.",
        evidence: &[documented("F-040"), documented("F-041")],
        run: run!(no_retry_override),
        ..REQUESTS
    },
    Case {
        id: "headers/no-rate-limits",
        title: "files and batches tell no rate limit",
        level: Level::Should,
        requirement: "Answers of files and batches have no header `x-ratelimit-…`.",
        evidence: &[observed("F-009")],
        run: run!(no_rate_limits),
        ..REQUESTS
    },
    Case {
        id: "headers/cross-origin",
        title: "pages may read files",
        level: Level::Should,
        requirement: "Answers of files have `access-control-allow-origin: *`.",
        evidence: &[observed("F-008")],
        run: run!(cross_origin),
        ..REQUESTS
    },
    Case {
        id: "headers/sdk-headers-accepted",
        title: "the headers of the SDKs are accepted",
        requirement: "Requests with the headers that the official SDKs send are answered as others are.",
        evidence: &[documented("F-002")],
        run: run!(sdk_headers_accepted),
        ..REQUESTS
    },
    Case {
        id: "headers/utf-8",
        title: "JSON is sent as UTF-8 without escapes",
        level: Level::Should,
        requirement: "What is not ASCII stands in JSON as it is, and not as escapes.",
        evidence: &[observed("F-013")],
        run: run!(utf_8),
        ..RUNS
    },
];

/// A success and a refusal, of files and of batches.
async fn answers(session: &mut Session) -> Outcome<Vec<Answer>> {
    let mut answers = Vec::new();
    let file = session.input(&lines::chats(session, 1)).await?;
    for path in [format!("/files/{file}"), "/batches?limit=1".to_owned()] {
        let answer = session.get(path).await?;
        answer.success().on_the_way()?;
        answers.push(answer);
    }
    for path in ["/files/file-does-not-exist", "/batches/batch_does_not_exist"] {
        let answer = session.get(path).await?;
        answer.has_status_of(&[400, 404]).on_the_way()?;
        answers.push(answer);
    }
    Ok(answers)
}

async fn request_id(session: &mut Session) -> Outcome {
    let mut seen: Vec<String> = Vec::new();
    for answer in answers(session).await? {
        let id = answer.header("x-request-id").unwrap_or_default().to_owned();
        answer.place.check(!id.is_empty(), "the header `x-request-id`", "an id", "not there")?;
        let is_new = !seen.contains(&id);
        answer.place.check(is_new, "the header `x-request-id`", "an id of its own", id.clone())?;
        seen.push(id);
    }
    Ok(())
}

async fn request_id_form(session: &mut Session) -> Outcome {
    for answer in answers(session).await? {
        let id = answer.header("x-request-id").unwrap_or_default();
        let is_right = id
            .strip_prefix("req_")
            .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        answer.place.check(is_right, "the header `x-request-id`", "`req_` and 32 hexadecimal digits", id)?;
    }
    Ok(())
}

async fn of_the_api(session: &mut Session) -> Outcome {
    for answer in answers(session).await? {
        for name in ["openai-version", "openai-processing-ms"] {
            let is_there = answer.header(name).is_some();
            answer.place.check(is_there, format!("the header `{name}`"), "there", "not there")?;
        }
    }
    Ok(())
}

async fn no_retry_override(session: &mut Session) -> Outcome {
    for answer in answers(session).await? {
        let should_retry = answer.header("x-should-retry").unwrap_or("not there");
        answer.place.check(should_retry != "true", "`x-should-retry`", "not there", should_retry)?;
        for name in ["retry-after", "retry-after-ms"] {
            let actual = answer.header(name).unwrap_or_default();
            answer.place.check(actual.is_empty(), format!("the header `{name}`"), "not there", actual)?;
        }
    }
    Ok(())
}

async fn no_rate_limits(session: &mut Session) -> Outcome {
    for answer in answers(session).await? {
        let limit =
            answer.headers.keys().map(ToString::to_string).find(|name| name.starts_with("x-ratelimit-"));
        answer.place.check(
            limit.is_none(),
            "the headers",
            "none about rate limits",
            limit.unwrap_or_default(),
        )?;
    }
    Ok(())
}

async fn cross_origin(session: &mut Session) -> Outcome {
    let file = session.input(&lines::chats(session, 1)).await?;
    let answer = session.get(format!("/files/{file}")).await?;
    answer.success().on_the_way()?;
    let origin = answer.header("access-control-allow-origin").unwrap_or("not there");
    answer.place.check(origin == "*", "the header `access-control-allow-origin`", "*", origin)
}

async fn sdk_headers_accepted(session: &mut Session) -> Outcome {
    let file = session.input(&lines::chats(session, 1)).await?;
    for (path, object) in [(format!("/files/{file}"), "file"), ("/batches?limit=1".to_owned(), "list")] {
        session.get(path.clone()).await?.success().on_the_way()?;
        let request = Request::get(path)
            .header("accept", "application/json")
            .header("user-agent", "OpenAI/Python 2.8.0")
            .header("x-stainless-lang", "python")
            .header("x-stainless-package-version", "2.8.0")
            .header("x-stainless-os", "Linux")
            .header("x-stainless-arch", "x64")
            .header("x-stainless-runtime", "CPython")
            .header("x-stainless-runtime-version", "3.13.0")
            .header("x-stainless-async", "false")
            .header("x-stainless-retry-count", "0")
            .header("x-stainless-read-timeout", "600");
        session.send(request).await?.success()?.equals("/object", object)?;
    }
    Ok(())
}

async fn utf_8(session: &mut Session) -> Outcome {
    let input = session.input(&lines::chats(session, 1)).await?;
    let mut new = new_batch(&input, lines::CHAT);
    new["metadata"] = json!({"description": "猫 über"});
    let answer = session.post("/batches", &new).await?;
    answer.success().on_the_way()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let is_plain = text.contains("猫 über");
    answer.place.check(is_plain, "the body", "text that holds `猫 über` as it is", text)
}
