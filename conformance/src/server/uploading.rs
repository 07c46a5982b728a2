//! `POST /files`.

use std::time::Duration;

use serde_json::json;

use super::lines::LINE;
use super::{REQUESTS, lines};
use crate::case::{Case, Level, Takes, assumed, documented, observed, run};
use crate::expect::{OnTheWay as _, Outcome};
use crate::form::Form;
use crate::session::Session;

const DAY: i64 = 86_400;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "files/upload/object",
        title: "an upload answers a file",
        requirement: "An upload is answered, in JSON, with a file as the official document has it.",
        evidence: &[documented("F-101")],
        run: run!(object),
        ..REQUESTS
    },
    Case {
        id: "files/upload/every-key",
        title: "a file has all its keys",
        level: Level::Should,
        requirement: "A file has nine keys in a fixed order, of which those that are unset are null.",
        evidence: &[observed("F-100")],
        run: run!(every_key),
        ..REQUESTS
    },
    Case {
        id: "files/upload/name-and-size",
        title: "name and size are those of the part",
        requirement: "`filename` and `bytes` are the name and the length of what was sent; `purpose` is what was asked.",
        evidence: &[observed("F-123")],
        run: run!(name_and_size),
        ..REQUESTS
    },
    Case {
        id: "files/upload/encoded-name",
        title: "the encoded name of a file wins",
        level: Level::Should,
        requirement: "Of `filename` and `filename*` the latter is the name of the file.",
        evidence: &[observed("F-506")],
        run: run!(encoded_name),
        ..REQUESTS
    },
    Case {
        id: "files/upload/id-form",
        title: "the form of ids of files",
        level: Level::Should,
        requirement: "An id of a file is `file-` and 22 letters and digits, without `0`, `I`, `O` and `l`.",
        evidence: &[observed("F-104")],
        run: run!(id_form),
        ..REQUESTS
    },
    Case {
        id: "files/upload/processed",
        title: "a file is processed from the first",
        level: Level::Should,
        requirement: "The status of a file that was just uploaded is `processed`.",
        evidence: &[observed("F-106")],
        run: run!(processed),
        ..REQUESTS
    },
    Case {
        id: "files/upload/purposes",
        title: "files are uploaded for six purposes",
        requirement: "Files can be uploaded for `assistants`, `batch`, `fine-tune`, `vision`, `user_data` and `evals`.",
        evidence: &[documented("F-107")],
        run: run!(purposes),
        ..REQUESTS
    },
    Case {
        id: "files/upload/bad-purpose",
        title: "a bad purpose is refused",
        requirement: "A purpose that there is not is refused with status 400, and `param` names it.",
        evidence: &[observed("F-109")],
        run: run!(bad_purpose),
        ..REQUESTS
    },
    Case {
        id: "files/upload/results-are-not-uploaded",
        title: "files of results are only given out",
        requirement: "A file cannot be uploaded for `batch_output`: status 400.",
        evidence: &[documented("F-108")],
        run: run!(results_are_not_uploaded),
        ..REQUESTS
    },
    Case {
        id: "files/upload/required-fields",
        title: "a form without file or purpose is refused",
        requirement: "A form that lacks `file` or `purpose` is refused with status 400.",
        evidence: &[documented("F-111")],
        run: run!(required_fields),
        ..REQUESTS
    },
    Case {
        id: "files/upload/batch-expiry-default",
        title: "a file for a batch is kept for 30 days",
        level: Level::Should,
        requirement: "`expires_at` of a file for a batch is 30 days after `created_at`.",
        evidence: &[observed("F-102")],
        run: run!(batch_expiry_default),
        ..REQUESTS
    },
    Case {
        id: "files/upload/others-stay",
        title: "other files do not expire by themselves",
        requirement: "A file for another purpose has no `expires_at` unless one was asked for.",
        evidence: &[documented("F-103")],
        run: run!(others_stay),
        ..REQUESTS
    },
    Case {
        id: "files/upload/expires-after",
        title: "a file is kept for as long as is asked",
        requirement: "With `expires_after`, `expires_at` is so many seconds after `created_at`.",
        evidence: &[documented("F-112")],
        run: run!(expires_after),
        ..REQUESTS
    },
    Case {
        id: "files/upload/expires-after-range",
        title: "an expiry out of range is refused",
        requirement: "A file cannot be kept for less than 3,600 or more than 2,592,000 seconds: status 400.",
        evidence: &[documented("F-112")],
        run: run!(expires_after_range),
        ..REQUESTS
    },
    Case {
        id: "files/upload/expired-is-gone",
        title: "an expired file is gone",
        level: Level::May,
        requirement: "A file that has expired is a 404.",
        evidence: &[assumed("F-136")],
        takes: Takes::Hours,
        run: run!(expired_is_gone),
        ..REQUESTS
    },
    Case {
        id: "files/upload/prose-for-batch",
        title: "prose is no file for a batch",
        requirement: "A file for a batch that is prose is refused with status 400.",
        evidence: &[observed("F-117")],
        run: run!(prose_for_batch),
        ..REQUESTS
    },
    Case {
        id: "files/upload/empty-for-batch",
        title: "an empty file is none for a batch",
        requirement: "An empty file for a batch is refused with status 400.",
        evidence: &[observed("F-118")],
        run: run!(empty_for_batch),
        ..REQUESTS
    },
    Case {
        id: "files/upload/only-first-line-checked",
        title: "a broken second line is found later",
        requirement: "A file for a batch of which only the first line is JSON can be uploaded.",
        evidence: &[observed("F-118")],
        run: run!(only_first_line_checked),
        ..REQUESTS
    },
    Case {
        id: "files/upload/not-utf-8",
        title: "a file for a batch must be UTF-8",
        requirement: "A file for a batch that is not UTF-8 is refused with status 400.",
        evidence: &[observed("F-121")],
        run: run!(not_utf_8),
        ..REQUESTS
    },
    Case {
        id: "files/upload/any-name",
        title: "the name of a file is not looked at",
        requirement: "A file for a batch can have any name, also one that does not end with `.jsonl`.",
        evidence: &[observed("F-119")],
        run: run!(any_name),
        ..REQUESTS
    },
    Case {
        id: "files/upload/line-without-method",
        title: "lines are not checked at upload",
        level: Level::Should,
        requirement: "A file for a batch whose lines lack a `method` can be uploaded.",
        evidence: &[observed("F-120")],
        run: run!(line_without_method),
        ..REQUESTS
    },
];

/// A file for a batch can be uploaded at all, so that a refusal says something.
async fn something_works(session: &mut Session) -> Outcome {
    session.file("batch", &session.file_name("jsonl"), LINE).await.map(drop)
}

async fn object(session: &mut Session) -> Outcome {
    let answer = session.upload("batch", &session.file_name("jsonl"), LINE).await?;
    let body = answer.success()?;
    let content_type = answer.header("content-type").unwrap_or("not there");
    let is_json = content_type.starts_with("application/json");
    answer.place.check(is_json, "the content type", "application/json", content_type)?;
    body.has_schema_of("createFile")?;
    body.equals("/object", "file")
}

async fn every_key(session: &mut Session) -> Outcome {
    let keys = [
        "object",
        "id",
        "purpose",
        "filename",
        "bytes",
        "created_at",
        "expires_at",
        "status",
        "status_details",
    ];
    for purpose in ["batch", "user_data"] {
        let answer = session.upload(purpose, &session.file_name("jsonl"), LINE).await?;
        let actual = answer.success()?.keys();
        answer.place.check(actual == keys, "the keys", keys.join(", "), actual.join(", "))?;
    }
    Ok(())
}

async fn name_and_size(session: &mut Session) -> Outcome {
    let body = session.upload("batch", "batchmock-conformance-übersetzen 1.jsonl", LINE).await?.success()?;
    body.equals("/filename", "batchmock-conformance-übersetzen 1.jsonl")?;
    body.equals("/bytes", LINE.len())?;
    body.equals("/purpose", "batch")
}

async fn encoded_name(session: &mut Session) -> Outcome {
    let headers = "Content-Disposition: form-data; name=\"file\"; filename=\"batchmock-conformance-plain.jsonl\"; \
                   filename*=UTF-8''batchmock-conformance-%C3%BCber.jsonl\r\nContent-Type: application/octet-stream";
    let form = Form::new().field("purpose", "batch").part(headers, LINE);
    session
        .post_form("/files", &form)
        .await?
        .success()?
        .equals("/filename", "batchmock-conformance-über.jsonl")
}

async fn id_form(session: &mut Session) -> Outcome {
    let body = session.upload("batch", &session.file_name("jsonl"), LINE).await?.success()?;
    let is_digit = |c: char| c.is_ascii_alphanumeric() && !"0IOl".contains(c);
    let is_right = body
        .text("/id")?
        .strip_prefix("file-")
        .is_some_and(|digits| digits.len() == 22 && digits.chars().all(is_digit));
    body.check("/id", is_right, "`file-` and 22 letters and digits")
}

async fn processed(session: &mut Session) -> Outcome {
    let body = session.upload("batch", &session.file_name("jsonl"), LINE).await?.success()?;
    body.equals("/status", "processed")
}

async fn purposes(session: &mut Session) -> Outcome {
    for purpose in ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"] {
        let body = session.upload(purpose, &session.file_name("jsonl"), LINE).await?.success()?;
        body.equals("/purpose", purpose)?;
        body.has_schema_of("createFile")?;
    }
    Ok(())
}

async fn bad_purpose(session: &mut Session) -> Outcome {
    something_works(session).await?;
    let answer = session.upload("world_domination", &session.file_name("jsonl"), LINE).await?;
    answer.refusal(400)?.equals("/param", "purpose")
}

async fn results_are_not_uploaded(session: &mut Session) -> Outcome {
    something_works(session).await?;
    session.upload("batch_output", &session.file_name("jsonl"), LINE).await?.refusal(400)?;
    Ok(())
}

async fn required_fields(session: &mut Session) -> Outcome {
    something_works(session).await?;
    let name = session.file_name("jsonl");
    for form in [Form::new().field("purpose", "batch"), Form::new().file(&name, LINE)] {
        session.post_form("/files", &form).await?.refusal(400)?;
    }
    Ok(())
}

async fn batch_expiry_default(session: &mut Session) -> Outcome {
    let body = session.upload("batch", &session.file_name("jsonl"), LINE).await?.success()?;
    body.equals("/expires_at", body.integer("/created_at")? + 30 * DAY)
}

async fn others_stay(session: &mut Session) -> Outcome {
    for purpose in ["fine-tune", "user_data"] {
        let body = session.upload(purpose, &session.file_name("jsonl"), LINE).await?.success()?;
        body.text("/id")?;
        body.is_unset("/expires_at")?;
    }
    Ok(())
}

fn kept_for(name: &str, purpose: &str, seconds: i64) -> Form {
    Form::new()
        .field("purpose", purpose)
        .field("expires_after[anchor]", "created_at")
        .field("expires_after[seconds]", &seconds.to_string())
        .file(name, LINE)
}

async fn expires_after(session: &mut Session) -> Outcome {
    for (purpose, seconds) in [("batch", 3_600), ("user_data", 3_600), ("batch", 30 * DAY)] {
        let form = kept_for(&session.file_name("jsonl"), purpose, seconds);
        let body = session.post_form("/files", &form).await?.success()?;
        body.equals("/expires_at", body.integer("/created_at")? + seconds)?;
    }
    Ok(())
}

async fn expires_after_range(session: &mut Session) -> Outcome {
    let name = session.file_name("jsonl");
    session.post_form("/files", &kept_for(&name, "batch", 3_600)).await?.success().on_the_way()?;
    for seconds in [3_599, 30 * DAY + 1] {
        session.post_form("/files", &kept_for(&name, "batch", seconds)).await?.refusal(400)?;
    }
    Ok(())
}

async fn expired_is_gone(session: &mut Session) -> Outcome {
    let form = kept_for(&session.file_name("jsonl"), "batch", 3_600);
    let body = session.post_form("/files", &form).await?.success().on_the_way()?;
    let path = format!("/files/{}", body.text("/id").on_the_way()?);
    session.get(path.clone()).await?.success().on_the_way()?;
    session.advance(Duration::from_secs(3_601)).await?;
    session.get(path.clone()).await?.refusal(404)?;
    session.get(format!("{path}/content")).await?.refusal(404)?;
    Ok(())
}

async fn prose_for_batch(session: &mut Session) -> Outcome {
    something_works(session).await?;
    let prose = "Dear model,\nplease answer all my questions.\n";
    session.upload("batch", &session.file_name("jsonl"), prose).await?.refusal(400)?;
    Ok(())
}

async fn empty_for_batch(session: &mut Session) -> Outcome {
    something_works(session).await?;
    session.upload("batch", &session.file_name("jsonl"), "").await?.refusal(400)?;
    Ok(())
}

async fn only_first_line_checked(session: &mut Session) -> Outcome {
    let text = format!("{LINE}{{broken\n");
    session.upload("batch", &session.file_name("jsonl"), text).await?.success()?.text("/id").map(drop)
}

async fn not_utf_8(session: &mut Session) -> Outcome {
    something_works(session).await?;
    let bytes = [LINE.as_bytes(), b"{\"custom_id\": \"\xff\xfe\"}\n"].concat();
    session.upload("batch", &session.file_name("jsonl"), bytes).await?.refusal(400)?;
    Ok(())
}

async fn any_name(session: &mut Session) -> Outcome {
    let body = session.upload("batch", "batchmock-conformance-requests.txt", LINE).await?.success()?;
    body.equals("/filename", "batchmock-conformance-requests.txt")
}

async fn line_without_method(session: &mut Session) -> Outcome {
    let line = json!({"custom_id": "a", "url": lines::CHAT, "body": lines::chat_body(session)});
    let answer = session.upload("batch", &session.file_name("jsonl"), format!("{line}\n")).await?;
    answer.success()?.text("/id").map(drop)
}
