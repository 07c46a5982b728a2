//! `POST /batches`.

use serde_json::{Value, json};

use super::{RUNS, lines};
use crate::case::{Case, Level, assumed, documented, observed, run};
use crate::expect::{Answer, Body, OnTheWay as _, Outcome};
use crate::session::{FINAL, Session, new_batch};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "batches/create/object",
        title: "a new batch",
        requirement: "A new batch is answered, in JSON, as the official document has it, and is `validating`.",
        evidence: &[documented("F-202"), observed("F-238")],
        run: run!(object),
        ..RUNS
    },
    Case {
        id: "batches/create/echo",
        title: "a new batch says what was asked",
        requirement: "`input_file_id`, `endpoint` and `completion_window` are what was asked.",
        evidence: &[documented("F-230")],
        run: run!(echo),
        ..RUNS
    },
    Case {
        id: "batches/create/every-key",
        title: "a batch has all its keys",
        level: Level::Should,
        requirement: "A batch has 22 keys in a fixed order, of which those that are unset are null.",
        evidence: &[observed("F-200")],
        run: run!(every_key),
        ..RUNS
    },
    Case {
        id: "batches/create/id-form",
        title: "the form of ids of batches",
        level: Level::Should,
        requirement: "An id of a batch is `batch_` and 32 hexadecimal digits.",
        evidence: &[observed("F-201")],
        run: run!(id_form),
        ..RUNS
    },
    Case {
        id: "batches/create/expires-in-a-day",
        title: "a batch expires a day after its creation",
        requirement: "`expires_at` is there from the beginning, 86,400 seconds after `created_at`.",
        evidence: &[observed("F-203")],
        run: run!(expires_in_a_day),
        ..RUNS
    },
    Case {
        id: "batches/create/required",
        title: "three parameters are required",
        requirement: "A batch without `input_file_id`, `endpoint` or `completion_window` is refused with status 400, and \
                      `param` names what is missing.",
        evidence: &[documented("F-230"), observed("F-027")],
        lines: 3,
        run: run!(required),
        ..RUNS
    },
    Case {
        id: "batches/create/bad-endpoint",
        title: "an endpoint that there is not is refused",
        requirement: "An endpoint for which there are no batches is refused with status 400.",
        evidence: &[observed("F-234")],
        lines: 2,
        run: run!(bad_endpoint),
        ..RUNS
    },
    Case {
        id: "batches/create/endpoints-told",
        title: "a bad endpoint is told the good ones",
        level: Level::Should,
        requirement: "The refusal of an endpoint has code `invalid_value` and names those that there are.",
        evidence: &[observed("F-028"), observed("F-234")],
        lines: 2,
        run: run!(endpoints_told),
        ..RUNS
    },
    Case {
        id: "batches/create/bad-window",
        title: "another completion window is refused",
        requirement: "A `completion_window` that is not `24h` is refused with status 400, and `param` names it.",
        evidence: &[observed("F-235"), documented("F-236")],
        lines: 2,
        run: run!(bad_window),
        ..RUNS
    },
    Case {
        id: "batches/create/wrong-type",
        title: "a value of a wrong type is refused",
        requirement: "A number as `input_file_id` is refused with status 400.",
        evidence: &[observed("F-029")],
        run: run!(wrong_type),
        ..RUNS
    },
    Case {
        id: "batches/create/unknown-parameter",
        title: "an unknown parameter is refused",
        level: Level::May,
        requirement: "A parameter that there is not is refused with status 400 and code `unknown_parameter`.",
        // Observed on other endpoints; that batches do the same is assumed, so this binds nobody.
        evidence: &[observed("F-030")],
        lines: 2,
        run: run!(unknown_parameter),
        ..RUNS
    },
    Case {
        id: "batches/create/unknown-input",
        title: "an unknown input makes no batch run",
        requirement: "A batch whose input there is not is created and fails in validation, or is refused with status 400.",
        evidence: &[observed("F-232")],
        run: run!(unknown_input),
        ..RUNS
    },
    Case {
        id: "batches/create/input-of-other-purpose",
        title: "an input must have been uploaded for batches",
        level: Level::May,
        requirement: "A batch whose input was uploaded for something else fails, or is refused with status 400.",
        evidence: &[assumed("F-233")],
        lines: 2,
        run: run!(input_of_other_purpose),
        ..RUNS
    },
    Case {
        id: "batches/create/output-expires-after",
        title: "results are kept for as long as is asked",
        requirement: "With `output_expires_after`, a file of results expires so many seconds after its creation.",
        evidence: &[documented("F-237")],
        run: run!(output_expires_after),
        ..RUNS
    },
    Case {
        id: "batches/create/output-expires-after-range",
        title: "an expiry of results out of range is refused",
        requirement: "`output_expires_after` takes 3,600 to 2,592,000 seconds; others are refused with status 400.",
        evidence: &[documented("F-237")],
        lines: 4,
        run: run!(output_expires_after_range),
        ..RUNS
    },
];

const KEYS: [&str; 22] = [
    "id",
    "object",
    "endpoint",
    "model",
    "errors",
    "input_file_id",
    "completion_window",
    "status",
    "output_file_id",
    "error_file_id",
    "created_at",
    "in_progress_at",
    "expires_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
    "request_counts",
    "usage",
    "metadata",
];

/// Creates a batch of one chat.
async fn create(session: &mut Session) -> Outcome<Answer> {
    let input = session.input(&lines::chats(session, 1)).await?;
    session.create(&input, lines::CHAT).await
}

/// What creates a batch that is accepted; which is tried, so that a refusal of something else says something.
async fn accepted(session: &mut Session) -> Outcome<Value> {
    let input = session.input(&lines::chats(session, 1)).await?;
    session.create(&input, lines::CHAT).await?.success().on_the_way()?;
    Ok(new_batch(&input, lines::CHAT))
}

async fn object(session: &mut Session) -> Outcome {
    let answer = create(session).await?;
    let body = answer.success()?;
    let content_type = answer.header("content-type").unwrap_or("not there");
    let is_json = content_type.starts_with("application/json");
    answer.place.check(is_json, "the content type", "application/json", content_type)?;
    body.has_schema_of("createBatch")?;
    body.equals("/object", "batch")?;
    body.equals("/status", "validating")
}

async fn echo(session: &mut Session) -> Outcome {
    let input = session.input(&lines::chats(session, 1)).await?;
    let body = session.create(&input, lines::CHAT).await?.success()?;
    body.equals("/input_file_id", input)?;
    body.equals("/endpoint", lines::CHAT)?;
    body.equals("/completion_window", "24h")
}

async fn every_key(session: &mut Session) -> Outcome {
    let answer = create(session).await?;
    let keys = answer.success()?.keys();
    answer.place.check(keys == KEYS, "the keys", KEYS.join(", "), keys.join(", "))
}

async fn id_form(session: &mut Session) -> Outcome {
    let body = create(session).await?.success()?;
    let is_right = body
        .text("/id")?
        .strip_prefix("batch_")
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    body.check("/id", is_right, "`batch_` and 32 hexadecimal digits")
}

async fn expires_in_a_day(session: &mut Session) -> Outcome {
    let body = create(session).await?.success()?;
    body.equals("/expires_at", body.integer("/created_at")? + 86_400)
}

async fn required(session: &mut Session) -> Outcome {
    let good = accepted(session).await?;
    for name in ["input_file_id", "endpoint", "completion_window"] {
        let mut body = good.clone();
        body.as_object_mut().map(|body| body.shift_remove(name));
        session.post("/batches", &body).await?.refusal(400)?.equals("/param", name)?;
    }
    Ok(())
}

/// A batch with one parameter changed is refused. Gives the error.
async fn refused_with(session: &mut Session, name: &str, value: Value) -> Outcome<Body> {
    let mut body = accepted(session).await?;
    body[name] = value;
    session.post("/batches", &body).await?.refusal(400)
}

async fn bad_endpoint(session: &mut Session) -> Outcome {
    refused_with(session, "endpoint", json!("/v1/no/such/endpoint")).await.map(drop)
}

async fn endpoints_told(session: &mut Session) -> Outcome {
    let error = refused_with(session, "endpoint", json!("/v1/no/such/endpoint")).await?;
    error.equals("/code", "invalid_value")?;
    let names = error.text("/message")?.contains(lines::CHAT);
    error.check("/message", names, format!("a text that names `{}`", lines::CHAT))
}

async fn bad_window(session: &mut Session) -> Outcome {
    refused_with(session, "completion_window", json!("48h")).await?.equals("/param", "completion_window")
}

async fn wrong_type(session: &mut Session) -> Outcome {
    refused_with(session, "input_file_id", json!(1)).await.map(drop)
}

async fn unknown_parameter(session: &mut Session) -> Outcome {
    refused_with(session, "surprise", json!(1)).await?.equals("/code", "unknown_parameter")
}

/// A batch of this input is refused, or fails.
async fn comes_to_nothing(session: &mut Session, input: &str) -> Outcome {
    let answer = session.create(input, lines::CHAT).await?;
    if answer.status != 200 {
        return answer.has_status_of(&[200, 400]);
    }
    let id = answer.success()?.text("/id")?;
    session.until(&id, &FINAL).await?.equals("/status", "failed")
}

async fn unknown_input(session: &mut Session) -> Outcome {
    accepted(session).await?;
    comes_to_nothing(session, "file-AbCdEfGhJkLmNpQrStUvWx").await
}

async fn input_of_other_purpose(session: &mut Session) -> Outcome {
    accepted(session).await?;
    let text = format!("{}\n", lines::chat(session, "a"));
    let id = session.file("user_data", &session.file_name("jsonl"), text).await?.text("/id")?;
    comes_to_nothing(session, &id).await
}

fn kept_for(good: &Value, seconds: u32) -> Value {
    let mut body = good.clone();
    body["output_expires_after"] = json!({"anchor": "created_at", "seconds": seconds});
    body
}

async fn output_expires_after(session: &mut Session) -> Outcome {
    let input = session.input(&lines::chats(session, 1)).await?;
    let new = kept_for(&new_batch(&input, lines::CHAT), 7_200);
    let id = session.post("/batches", &new).await?.success()?.text("/id")?;
    let batch = session.until(&id, &["completed"]).await?;
    let output = batch.text("/output_file_id").on_the_way()?;
    let file = session.get(format!("/files/{output}")).await?.success().on_the_way()?;
    file.equals("/expires_at", file.integer("/created_at")? + 7_200)
}

async fn output_expires_after_range(session: &mut Session) -> Outcome {
    let good = accepted(session).await?;
    session.post("/batches", &kept_for(&good, 3_600)).await?.success().on_the_way()?;
    for seconds in [3_599, 2_592_001] {
        session.post("/batches", &kept_for(&good, seconds)).await?.refusal(400)?;
    }
    Ok(())
}
