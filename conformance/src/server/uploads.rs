//! Files that come in parts: `/uploads`.

use serde_json::{Value, json};

use super::REQUESTS;
use crate::case::{Capability, Case, Destroys, Level, Takes, documented, observed, run};
use crate::expect::{Answer, Body, OnTheWay as _, Outcome};
use crate::form::Form;
use crate::session::Session;

/// A case that needs uploads.
const UPLOADS: Case = Case { needs: &[Capability::Uploads], ..REQUESTS };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "uploads/create/object",
        title: "a new upload",
        requirement: "A new upload is, as the official document has it, `pending`, with what was announced.",
        evidence: &[documented("F-150"), documented("F-152")],
        run: run!(object),
        ..UPLOADS
    },
    Case {
        id: "uploads/create/an-hour",
        title: "an upload has an hour",
        requirement: "`expires_at` of an upload is an hour after `created_at`.",
        evidence: &[documented("F-151"), observed("F-153")],
        run: run!(an_hour),
        ..UPLOADS
    },
    Case {
        id: "uploads/create/required",
        title: "an upload needs four parameters",
        requirement: "An upload without `filename`, `purpose`, `bytes` or `mime_type` is refused with status 400.",
        evidence: &[documented("F-150")],
        run: run!(required),
        ..UPLOADS
    },
    Case {
        id: "uploads/create/id-form",
        title: "the form of ids of uploads and parts",
        level: Level::Should,
        requirement: "Ids are `upload_` and `part_` with 32 hexadecimal digits.",
        evidence: &[observed("F-157")],
        run: run!(id_form),
        ..UPLOADS
    },
    Case {
        id: "uploads/parts/object",
        title: "a part",
        requirement: "A part is answered, as the official document has it, with the id of its upload.",
        evidence: &[observed("F-156")],
        run: run!(part_object),
        ..UPLOADS
    },
    Case {
        id: "uploads/complete/file",
        title: "a completed upload shows its file",
        requirement: "Completing answers a `completed` upload with the whole file, of the length that was announced.",
        evidence: &[observed("F-154")],
        run: run!(completed_file),
        ..UPLOADS
    },
    Case {
        id: "uploads/complete/order",
        title: "the order of parts is that of their ids",
        requirement: "The file holds the parts in the order of `part_ids`, however they came.",
        evidence: &[documented("F-151")],
        run: run!(order),
        ..UPLOADS
    },
    Case {
        id: "uploads/complete/wrong-length",
        title: "the parts must have the announced length",
        requirement: "Completing with parts that do not add up to `bytes` is refused with status 400.",
        evidence: &[documented("F-158")],
        run: run!(wrong_length),
        ..UPLOADS
    },
    Case {
        id: "uploads/complete/wrong-checksum",
        title: "the parts must have the announced checksum",
        requirement: "Completing with an `md5` that is not that of the bytes is refused with status 400.",
        evidence: &[documented("F-158")],
        run: run!(wrong_checksum),
        ..UPLOADS
    },
    Case {
        id: "uploads/complete/closed",
        title: "a completed upload takes no more parts",
        requirement: "A part for a completed upload is refused with status 400.",
        evidence: &[documented("F-159")],
        run: run!(closed),
        ..UPLOADS
    },
    Case {
        id: "uploads/cancel/object",
        title: "a cancelled upload",
        requirement: "Cancelling answers the upload as `cancelled`, without a file.",
        evidence: &[observed("F-155")],
        destroys: Destroys::Work,
        run: run!(cancelled),
        ..UPLOADS
    },
    Case {
        id: "uploads/cancel/closed",
        title: "a cancelled upload takes no more parts",
        requirement: "Parts for a cancelled upload, and completing it, are refused with status 400.",
        evidence: &[documented("F-159")],
        destroys: Destroys::Work,
        run: run!(closed_by_cancel),
        ..UPLOADS
    },
    Case {
        id: "uploads/expiry/closed",
        title: "an upload that has expired takes no more parts",
        requirement: "After an hour a part is refused with status 400.",
        evidence: &[documented("F-151")],
        takes: Takes::Hours,
        run: run!(closed_by_expiry),
        ..UPLOADS
    },
];

const FIRST: &str = "{\"custom_id\": \"a\"}\n";
const SECOND: &str = "{\"custom_id\": \"b\"}\n";

fn announced(bytes: usize) -> Value {
    json!({
        "filename": "batchmock-conformance.jsonl", "purpose": "batch", "bytes": bytes,
        "mime_type": "application/jsonl",
    })
}

/// Begins an upload of so many bytes.
async fn begin(session: &mut Session, bytes: usize) -> Outcome<Body> {
    let body = session.post("/uploads", &announced(bytes)).await?.success().on_the_way()?;
    body.text("/id").on_the_way()?;
    Ok(body)
}

async fn send_part(session: &mut Session, upload: &str, bytes: &str) -> Outcome<Answer> {
    let headers = "Content-Disposition: form-data; name=\"data\"; filename=\"part\"\r\n\
                   Content-Type: application/octet-stream";
    session.post_form(format!("/uploads/{upload}/parts"), &Form::new().part(headers, bytes)).await
}

/// Adds a part, which must work.
async fn add(session: &mut Session, upload: &str, bytes: &str) -> Outcome<String> {
    send_part(session, upload, bytes).await?.success().on_the_way()?.text("/id").on_the_way()
}

async fn complete(session: &mut Session, upload: &str, body: &Value) -> Outcome<Answer> {
    session.post(format!("/uploads/{upload}/complete"), body).await
}

/// An upload whose two parts came in the other order, and what completes it.
async fn with_parts(session: &mut Session) -> Outcome<(String, Value)> {
    let upload = begin(session, FIRST.len() + SECOND.len()).await?.text("/id")?;
    let second = add(session, &upload, SECOND).await?;
    let first = add(session, &upload, FIRST).await?;
    Ok((upload, json!({"part_ids": [first, second]})))
}

async fn object(session: &mut Session) -> Outcome {
    let body = session.post("/uploads", &announced(10)).await?.success()?;
    body.has_schema_of("createUpload")?;
    body.equals("/object", "upload")?;
    body.equals("/status", "pending")?;
    body.equals("/bytes", 10)?;
    body.equals("/filename", "batchmock-conformance.jsonl")?;
    body.equals("/purpose", "batch")
}

async fn an_hour(session: &mut Session) -> Outcome {
    let body = session.post("/uploads", &announced(10)).await?.success()?;
    body.equals("/expires_at", body.integer("/created_at")? + 3_600)
}

async fn required(session: &mut Session) -> Outcome {
    begin(session, 10).await?;
    for name in ["filename", "purpose", "bytes", "mime_type"] {
        let mut body = announced(10);
        body.as_object_mut().map(|body| body.shift_remove(name));
        session.post("/uploads", &body).await?.refusal(400)?;
    }
    Ok(())
}

fn has_form(body: &Body, prefix: &str) -> Outcome {
    let is_right = body
        .text("/id")?
        .strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    body.check("/id", is_right, format!("`{prefix}` and 32 hexadecimal digits"))
}

async fn id_form(session: &mut Session) -> Outcome {
    let upload = begin(session, FIRST.len()).await?;
    has_form(&upload, "upload_")?;
    has_form(&send_part(session, &upload.text("/id")?, FIRST).await?.success().on_the_way()?, "part_")
}

async fn part_object(session: &mut Session) -> Outcome {
    let upload = begin(session, FIRST.len()).await?.text("/id")?;
    let part = send_part(session, &upload, FIRST).await?.success()?;
    part.has_schema_of("addUploadPart")?;
    part.equals("/upload_id", upload)
}

async fn completed_file(session: &mut Session) -> Outcome {
    let (upload, parts) = with_parts(session).await?;
    let body = complete(session, &upload, &parts).await?.success()?;
    body.has_schema_of("completeUpload")?;
    body.equals("/status", "completed")?;
    body.equals("/file/object", "file")?;
    body.equals("/file/bytes", FIRST.len() + SECOND.len())?;
    body.equals("/file/filename", "batchmock-conformance.jsonl")?;
    let id = body.text("/file/id")?;
    session.get(format!("/files/{id}")).await?.success()?.equals("/id", id)
}

async fn order(session: &mut Session) -> Outcome {
    let (upload, parts) = with_parts(session).await?;
    let body = complete(session, &upload, &parts).await?.success().on_the_way()?;
    let id = body.text("/file/id").on_the_way()?;
    let answer = session.get(format!("/files/{id}/content")).await?;
    answer.has_status(200)?;
    let expected = format!("{FIRST}{SECOND}");
    let is_right = answer.body == expected.as_bytes();
    answer.place.check(is_right, "the body", expected, String::from_utf8_lossy(&answer.body))
}

async fn wrong_length(session: &mut Session) -> Outcome {
    let upload = begin(session, FIRST.len() + SECOND.len()).await?.text("/id")?;
    let first = add(session, &upload, FIRST).await?;
    complete(session, &upload, &json!({"part_ids": [first]})).await?.refusal(400)?;
    let second = add(session, &upload, SECOND).await?;
    complete(session, &upload, &json!({"part_ids": [first, second]})).await?.success().on_the_way().map(drop)
}

async fn wrong_checksum(session: &mut Session) -> Outcome {
    let (upload, mut parts) = with_parts(session).await?;
    parts["md5"] = json!("00000000000000000000000000000000");
    complete(session, &upload, &parts).await?.refusal(400).map(drop)
}

async fn closed(session: &mut Session) -> Outcome {
    let (upload, parts) = with_parts(session).await?;
    complete(session, &upload, &parts).await?.success().on_the_way()?;
    send_part(session, &upload, FIRST).await?.refusal(400).map(drop)
}

async fn cancel(session: &mut Session, upload: &str) -> Outcome<Answer> {
    session.post(format!("/uploads/{upload}/cancel"), &json!({})).await
}

async fn cancelled(session: &mut Session) -> Outcome {
    let upload = begin(session, FIRST.len()).await?.text("/id")?;
    let body = cancel(session, &upload).await?.success()?;
    body.has_schema_of("cancelUpload")?;
    body.equals("/status", "cancelled")?;
    body.is_unset("/file")
}

async fn closed_by_cancel(session: &mut Session) -> Outcome {
    let (upload, parts) = with_parts(session).await?;
    cancel(session, &upload).await?.success().on_the_way()?;
    send_part(session, &upload, FIRST).await?.refusal(400)?;
    complete(session, &upload, &parts).await?.refusal(400).map(drop)
}

async fn closed_by_expiry(session: &mut Session) -> Outcome {
    let (upload, _) = with_parts(session).await?;
    session.advance(std::time::Duration::from_secs(3_601)).await?;
    send_part(session, &upload, FIRST).await?.refusal(400).map(drop)
}
