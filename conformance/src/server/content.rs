//! `GET /files/{id}` and `GET /files/{id}/content`.

use super::{REQUESTS, unknown};
use crate::case::{Case, Level, documented, observed, run};
use crate::exchange::Request;
use crate::expect::{Answer, OnTheWay as _, Outcome};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "files/retrieve/same-as-uploaded",
        title: "a file is retrieved as it was uploaded",
        requirement: "Retrieving a file answers the same object as its upload did, as the official document has it.",
        evidence: &[documented("F-101")],
        run: run!(same_as_uploaded),
        ..REQUESTS
    },
    Case {
        id: "files/retrieve/unknown",
        title: "an unknown file is not found",
        requirement: "Retrieving a file that there is not is refused with status 404.",
        evidence: &[observed("F-124")],
        run: run!(unknown_retrieved),
        ..REQUESTS
    },
    Case {
        id: "files/retrieve/unknown-message",
        title: "what is said of an unknown file",
        level: Level::Should,
        requirement: "The refusal of a file that there is not says `No such File object: …`, with param `id`.",
        evidence: &[observed("F-124")],
        run: run!(unknown_message),
        ..REQUESTS
    },
    Case {
        id: "files/content/bytes",
        title: "content is the bytes that were uploaded",
        requirement: "The content of a file is, byte by byte, what was uploaded, and no JSON string.",
        evidence: &[documented("F-131")],
        run: run!(bytes),
        ..REQUESTS
    },
    Case {
        id: "files/content/purposes",
        title: "files for batches and for training can be downloaded",
        requirement: "The content of files for `batch` and `fine-tune` can be had.",
        evidence: &[observed("F-133")],
        run: run!(purposes),
        ..REQUESTS
    },
    Case {
        id: "files/content/vision",
        title: "files for vision can be downloaded",
        level: Level::Should,
        requirement: "The content of files for `vision` can be had.",
        evidence: &[observed("F-504")],
        run: run!(vision),
        ..REQUESTS
    },
    Case {
        id: "files/content/not-of-assistants",
        title: "files for assistants cannot be downloaded",
        level: Level::Should,
        requirement: "The content of files for `assistants` and `user_data` is refused with status 400.",
        evidence: &[observed("F-132")],
        run: run!(not_of_assistants),
        ..REQUESTS
    },
    Case {
        id: "files/content/attachment",
        title: "content is an attachment of known length",
        level: Level::Should,
        requirement: "Content is `application/octet-stream`, an attachment with the file's name, with its length.",
        evidence: &[observed("F-130")],
        run: run!(attachment),
        ..REQUESTS
    },
    Case {
        id: "files/content/unknown",
        title: "an unknown file has no content",
        requirement: "The content of a file that there is not is refused with status 404.",
        evidence: &[observed("F-124")],
        run: run!(unknown_content),
        ..REQUESTS
    },
];

/// Bytes that a server which reads them as text would change.
const BYTES: &[u8] = concat!(
    r#"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "#,
    r#""body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "猫"#,
    "\u{2028}",
    r#""}]}}"#,
    "\r\n\n"
)
.as_bytes();

async fn same_as_uploaded(session: &mut Session) -> Outcome {
    let uploaded = session.file("batch", &session.file_name("jsonl"), BYTES).await?;
    let body = session.get(format!("/files/{}", uploaded.text("/id")?)).await?.success()?;
    body.has_schema_of("retrieveFile")?;
    for (name, value) in uploaded.value.as_object().into_iter().flatten() {
        // It may be shown only later (F-505).
        if name != "expires_at" && name != "status" {
            body.equals(&format!("/{name}"), value.clone())?;
        }
    }
    Ok(())
}

async fn unknown_retrieved(session: &mut Session) -> Outcome {
    let id = unknown::file(session).await?;
    session.get(format!("/files/{id}")).await?.refusal(404).map(drop)
}

async fn unknown_message(session: &mut Session) -> Outcome {
    unknown::file(session).await?;
    // Of another form than most servers have: it is not looked at (F-124).
    let error = session.get("/files/file-AbCdEfGhJkLmNpQrStUvWx").await?.refusal(404)?;
    error.equals("/message", "No such File object: file-AbCdEfGhJkLmNpQrStUvWx")?;
    error.equals("/param", "id")
}

async fn content(session: &mut Session, purpose: &str, name: &str) -> Outcome<Answer> {
    let id = session.file(purpose, name, BYTES).await?.text("/id")?;
    session.send(Request::get(format!("/files/{id}/content")).header("accept", "application/binary")).await
}

fn has_bytes(answer: &Answer) -> Outcome {
    answer.has_status(200)?;
    let actual = format!("{:?}", String::from_utf8_lossy(&answer.body));
    let expected = format!("{:?}", String::from_utf8_lossy(BYTES));
    answer.place.check(answer.body == BYTES, "the body", expected, actual)
}

async fn bytes(session: &mut Session) -> Outcome {
    has_bytes(&content(session, "batch", &session.file_name("jsonl")).await?)
}

async fn purposes(session: &mut Session) -> Outcome {
    for purpose in ["batch", "fine-tune"] {
        has_bytes(&content(session, purpose, &session.file_name("jsonl")).await?)?;
    }
    Ok(())
}

async fn vision(session: &mut Session) -> Outcome {
    has_bytes(&content(session, "vision", &session.file_name("png")).await?)
}

async fn not_of_assistants(session: &mut Session) -> Outcome {
    has_bytes(&content(session, "batch", &session.file_name("jsonl")).await?).on_the_way()?;
    for purpose in ["assistants", "user_data"] {
        content(session, purpose, &session.file_name("txt")).await?.refusal(400)?;
    }
    Ok(())
}

async fn attachment(session: &mut Session) -> Outcome {
    let answer = content(session, "batch", "batchmock-conformance-requests.jsonl").await?;
    has_bytes(&answer).on_the_way()?;
    let disposition = answer.header("content-disposition").unwrap_or("not there");
    let is_right =
        disposition.starts_with("attachment") && disposition.contains("batchmock-conformance-requests.jsonl");
    let expected = "attachment; filename=\"batchmock-conformance-requests.jsonl\"";
    answer.place.check(is_right, "the header `content-disposition`", expected, disposition)?;
    let content_type = answer.header("content-type").unwrap_or("not there");
    let is_right = content_type == "application/octet-stream";
    answer.place.check(is_right, "the content type", "application/octet-stream", content_type)?;
    let length = answer.header("content-length").unwrap_or("not there");
    let expected = BYTES.len().to_string();
    answer.place.check(length == expected, "the header `content-length`", expected.clone(), length)
}

async fn unknown_content(session: &mut Session) -> Outcome {
    has_bytes(&content(session, "batch", &session.file_name("jsonl")).await?).on_the_way()?;
    let id = unknown::file(session).await?;
    session.get(format!("/files/{id}/content")).await?.refusal(404).map(drop)
}
