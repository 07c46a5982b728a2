//! What validation finds in an input, and how it tells it.

use serde_json::{Value, json};

use super::{RUNS, lines};
use crate::case::{Case, Level, documented, observed, run};
use crate::expect::{Body, OnTheWay as _, Outcome};
use crate::session::{FINAL, Session};

/// A case in which nothing should run.
const FAILS: Case = Case { lines: 0, ..RUNS };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "validation/failed",
        title: "one bad line fails the batch",
        requirement: "A batch with one bad line ends as `failed` with `failed_at`, and nothing runs.",
        evidence: &[observed("F-320"), observed("F-255")],
        lines: 1,
        run: run!(failed),
        ..FAILS
    },
    Case {
        id: "validation/errors-list",
        title: "what was found is a list",
        requirement: "`errors` of a failed batch is a list of entries with code and message, as documented; of another it is null.",
        evidence: &[observed("F-211")],
        lines: 2,
        run: run!(errors_list),
        ..FAILS
    },
    Case {
        id: "validation/all-lines-told",
        title: "all bad lines are told",
        level: Level::Should,
        requirement: "Each bad line has an entry with its number, counted from 1, in the order of the lines.",
        evidence: &[observed("F-300"), observed("F-301")],
        lines: 1,
        run: run!(all_lines_told),
        ..FAILS
    },
    Case {
        id: "validation/no-json",
        title: "a line that is no JSON",
        requirement: "A line that is no JSON fails the batch with code `invalid_json_line` and its number.",
        evidence: &[observed("F-300")],
        lines: 1,
        run: run!(no_json),
        ..FAILS
    },
    Case {
        id: "validation/missing-custom-id",
        title: "a line without a custom_id",
        requirement: "A line without `custom_id` fails the batch with code `missing_required_parameter` and its number, and names what \
                      is missing.",
        evidence: &[observed("F-301")],
        lines: 2,
        run: run!(missing_custom_id),
        ..FAILS
    },
    Case {
        id: "validation/missing-method",
        title: "a line without a method",
        requirement: "A line without `method` fails the batch with code `missing_required_parameter` and its number, and names what \
                      is missing.",
        evidence: &[observed("F-301")],
        lines: 2,
        run: run!(missing_method),
        ..FAILS
    },
    Case {
        id: "validation/missing-url",
        title: "a line without a url",
        requirement: "A line without `url` fails the batch with code `missing_required_parameter` and its number, and names what \
                      is missing.",
        evidence: &[observed("F-301")],
        lines: 2,
        run: run!(missing_url),
        ..FAILS
    },
    Case {
        id: "validation/missing-body",
        title: "a line without a body",
        requirement: "A line without `body` fails the batch with code `missing_required_parameter` and its number, and names what \
                      is missing.",
        evidence: &[observed("F-301")],
        lines: 1,
        run: run!(missing_body),
        ..FAILS
    },
    Case {
        id: "validation/duplicate-custom-id",
        title: "a custom_id that another line has",
        requirement: "A repeated `custom_id` fails the batch with code `duplicate_custom_id`.",
        evidence: &[observed("F-302")],
        lines: 2,
        run: run!(duplicate_custom_id),
        ..FAILS
    },
    Case {
        id: "validation/mismatched-model",
        title: "two models in one batch",
        requirement: "A batch has one model: lines with two fail it with code `mismatched_model`.",
        evidence: &[observed("F-303"), documented("F-239")],
        lines: 2,
        run: run!(mismatched_model),
        ..FAILS
    },
    Case {
        id: "validation/unknown-model",
        title: "a model that there is not",
        requirement: "A model that there is not fails the batch with code `model_not_found`.",
        evidence: &[observed("F-304")],
        lines: 1,
        run: run!(unknown_model),
        ..FAILS
    },
    Case {
        id: "validation/wrong-url",
        title: "a url that is not the endpoint",
        requirement: "A line whose `url` is not the endpoint of the batch fails it with code `invalid_url` and its number.",
        evidence: &[observed("F-305")],
        lines: 2,
        run: run!(wrong_url),
        ..FAILS
    },
    Case {
        id: "validation/stream",
        title: "a line that wants a stream",
        requirement: "A line with `stream: true` fails the batch with code `streaming_unsupported` and its number.",
        evidence: &[observed("F-306")],
        lines: 2,
        run: run!(stream),
        ..FAILS
    },
    Case {
        id: "validation/no-model",
        title: "a body without a model",
        requirement: "A body without `model` fails the batch with code `invalid_request` and param `body.model`.",
        evidence: &[observed("F-307")],
        lines: 2,
        run: run!(no_model),
        ..FAILS
    },
    Case {
        id: "validation/no-messages",
        title: "a chat without messages",
        requirement: "A chat without `messages` fails the batch with code `invalid_request` and param `body.messages`.",
        evidence: &[observed("F-308")],
        lines: 2,
        run: run!(no_messages),
        ..FAILS
    },
    Case {
        id: "validation/messages",
        title: "the words of validation",
        level: Level::Should,
        requirement: "What is said of a line is said in the words of the service.",
        evidence: &[observed("F-300"), observed("F-301"), observed("F-306"), observed("F-307")],
        lines: 6,
        run: run!(messages),
        ..FAILS
    },
    Case {
        id: "validation/input-not-found",
        title: "what is said of an input that there is not",
        level: Level::Should,
        requirement: "An input that there is not fails the batch with code `invalid_request`, param `file_id` and no line.",
        evidence: &[observed("F-309")],
        run: run!(input_not_found),
        ..FAILS
    },
    Case {
        id: "validation/no-results",
        title: "a failed batch has no files",
        level: Level::May,
        requirement: "A batch that failed in validation has counts of 0 and no files.",
        evidence: &[crate::case::assumed("F-214")],
        lines: 1,
        run: run!(no_results),
        ..FAILS
    },
    Case {
        id: "validation/other-faults-pass",
        title: "other faults of a body refuse their line alone",
        requirement: "A body with a role that there is not passes validation; the batch completes and that line fails.",
        evidence: &[observed("F-321")],
        lines: 2,
        run: run!(other_faults_pass),
        ..FAILS
    },
    Case {
        id: "validation/crlf",
        title: "lines may end with CR and LF",
        requirement: "A batch whose lines end with CR and LF runs.",
        evidence: &[observed("F-122")],
        lines: 2,
        run: run!(crlf),
        ..FAILS
    },
    Case {
        id: "validation/line-separators",
        title: "line separators inside strings end no line",
        requirement: "U+2028, U+2029 and U+0085 inside a string are a part of it; names with them come back whole.",
        evidence: &[observed("F-454")],
        lines: 1,
        run: run!(line_separators),
        ..FAILS
    },
];

/// Runs a text as the input of a batch of chats, to the end.
async fn ended(session: &mut Session, text: &str) -> Outcome<Body> {
    let input = session.file("batch", &session.file_name("jsonl"), text).await?;
    let created = session.create(&input.text("/id")?, lines::CHAT).await?.success().on_the_way()?;
    session.until(&created.text("/id").on_the_way()?, &FINAL).await
}

/// A good line and then this one.
fn after_a_good_one(session: &Session, bad: &str) -> String {
    format!("{}\n{bad}\n", lines::chat(session, "good"))
}

/// What is found in an input, of which there must be something.
async fn found(session: &mut Session, text: &str) -> Outcome<Vec<Body>> {
    let batch = ended(session, text).await?;
    batch.equals("/status", "failed")?;
    let errors = batch.list("/errors/data")?;
    batch.check("/errors/data", !errors.is_empty(), "at least one entry")?;
    Ok(errors)
}

/// The second line is found to be bad in this way. Gives the entry.
async fn found_in_second(session: &mut Session, bad: &Value, code: &str, param: Option<&str>) -> Outcome {
    let text = after_a_good_one(session, &bad.to_string());
    let errors = found(session, &text).await?;
    errors[0].equals("/code", code)?;
    errors[0].equals("/line", 2)?;
    errors[0].text("/message")?;
    match param {
        Some(param) => errors[0].equals("/param", param),
        None => Ok(()),
    }
}

async fn failed(session: &mut Session) -> Outcome {
    let text = after_a_good_one(session, "{broken");
    let batch = ended(session, &text).await?;
    batch.equals("/status", "failed")?;
    batch.integer("/failed_at")?;
    batch.is_unset("/in_progress_at")?;
    batch.is_unset("/completed_at")
}

async fn errors_list(session: &mut Session) -> Outcome {
    let text = after_a_good_one(session, "{broken");
    let batch = ended(session, &text).await?;
    batch.equals("/status", "failed")?;
    batch.has_schema_of("retrieveBatch")?;
    batch.equals("/errors/object", "list")?;
    let errors = batch.list("/errors/data")?;
    batch.check("/errors/data", !errors.is_empty(), "at least one entry")?;
    for error in errors {
        error.text("/code")?;
        error.text("/message")?;
    }
    session.batch(&lines::chats(session, 1), lines::CHAT).await?.is_unset("/errors")
}

async fn all_lines_told(session: &mut Session) -> Outcome {
    let good = lines::chat(session, "good");
    let errors = found(session, &format!("{{\"custom_id\": \"a\"}}\n{good}\n{{broken\n")).await?;
    let told: Vec<_> = errors.iter().filter_map(|error| error.get("/line").as_u64()).collect();
    let mut lines = told.clone();
    lines.dedup();
    errors[0].place.check(lines == [1, 3], "the lines of the errors", "1, 3", format!("{told:?}"))
}

async fn no_json(session: &mut Session) -> Outcome {
    let text = after_a_good_one(session, "{broken");
    let errors = found(session, &text).await?;
    errors[0].equals("/code", "invalid_json_line")?;
    errors[0].equals("/line", 2)
}

/// A line without one of its members.
async fn missing(session: &mut Session, name: &str) -> Outcome {
    let mut bad = lines::chat(session, "bad");
    bad.as_object_mut().map(|line| line.shift_remove(name));
    found_in_second(session, &bad, "missing_required_parameter", Some(name)).await
}

async fn missing_custom_id(session: &mut Session) -> Outcome {
    missing(session, "custom_id").await
}

async fn missing_method(session: &mut Session) -> Outcome {
    missing(session, "method").await
}

async fn missing_url(session: &mut Session) -> Outcome {
    missing(session, "url").await
}

async fn missing_body(session: &mut Session) -> Outcome {
    missing(session, "body").await
}

async fn duplicate_custom_id(session: &mut Session) -> Outcome {
    let text = after_a_good_one(session, &lines::chat(session, "good").to_string());
    found(session, &text).await?[0].equals("/code", "duplicate_custom_id")
}

/// A chat with one member of its body changed.
fn changed(session: &Session, name: &str, value: Value) -> Value {
    let mut bad = lines::chat(session, "bad");
    bad["body"][name] = value;
    bad
}

/// A chat that lacks a member of its body.
fn without(session: &Session, name: &str) -> Value {
    let mut bad = lines::chat(session, "bad");
    bad["body"].as_object_mut().map(|body| body.shift_remove(name));
    bad
}

async fn mismatched_model(session: &mut Session) -> Outcome {
    let other = json!(session.models().other_chat);
    let text = after_a_good_one(session, &changed(session, "model", other).to_string());
    found(session, &text).await?[0].equals("/code", "mismatched_model")
}

async fn unknown_model(session: &mut Session) -> Outcome {
    let line = changed(session, "model", json!("no-such-model-of-anybody"));
    found(session, &format!("{line}\n")).await?[0].equals("/code", "model_not_found")
}

async fn wrong_url(session: &mut Session) -> Outcome {
    let mut bad = lines::chat(session, "bad");
    bad["url"] = json!("/v1/embeddings");
    found_in_second(session, &bad, "invalid_url", Some("url")).await
}

async fn stream(session: &mut Session) -> Outcome {
    let bad = changed(session, "stream", json!(true));
    found_in_second(session, &bad, "streaming_unsupported", Some("body.stream")).await
}

async fn no_model(session: &mut Session) -> Outcome {
    let bad = without(session, "model");
    found_in_second(session, &bad, "invalid_request", Some("body.model")).await
}

async fn no_messages(session: &mut Session) -> Outcome {
    let bad = without(session, "messages");
    found_in_second(session, &bad, "invalid_request", Some("body.messages")).await
}

async fn messages(session: &mut Session) -> Outcome {
    for (bad, message) in [
        ("{broken".to_owned(), "This line is not parseable as valid JSON."),
        (json!({"custom_id": "bad"}).to_string(), "Missing required parameter: 'method'."),
        (
            changed(session, "stream", json!(true)).to_string(),
            "Chat Completions: Streaming is not supported in the Batch API.",
        ),
        (without(session, "model").to_string(), "Model parameter is required."),
    ] {
        let text = after_a_good_one(session, &bad);
        found(session, &text).await?[0].equals("/message", message)?;
    }
    Ok(())
}

async fn input_not_found(session: &mut Session) -> Outcome {
    let created = session.create("file-AbCdEfGhJkLmNpQrStUvWx", lines::CHAT).await?.success()?;
    let batch = session.until(&created.text("/id")?, &FINAL).await?;
    batch.equals("/status", "failed")?;
    batch.equals("/errors/data/0/code", "invalid_request")?;
    batch.equals("/errors/data/0/param", "file_id")?;
    batch.equals("/errors/data/0/line", Value::Null)
}

async fn no_results(session: &mut Session) -> Outcome {
    let text = after_a_good_one(session, "{broken");
    let batch = ended(session, &text).await?;
    batch.equals("/status", "failed").on_the_way()?;
    for count in ["total", "completed", "failed"] {
        batch.equals(&format!("/request_counts/{count}"), 0)?;
    }
    batch.is_unset("/output_file_id")?;
    batch.is_unset("/error_file_id")
}

async fn other_faults_pass(session: &mut Session) -> Outcome {
    let bad = lines::refused_chat(session, "bad");
    let text = after_a_good_one(session, &bad.to_string());
    let batch = ended(session, &text).await?;
    batch.equals("/status", "completed")?;
    batch.equals("/request_counts/completed", 1)?;
    batch.equals("/request_counts/failed", 1)
}

async fn crlf(session: &mut Session) -> Outcome {
    let lines: Vec<_> = lines::chats(session, 2).iter().map(Value::to_string).collect();
    let text = lines.join("\r\n") + "\r\n";
    let batch = ended(session, &text).await?;
    batch.equals("/status", "completed")?;
    batch.equals("/request_counts/completed", 2)
}

async fn line_separators(session: &mut Session) -> Outcome {
    let name = "a\u{2028}b\u{2029}c\u{85}d";
    let text = format!("{}\n", lines::chat(session, name));
    let batch = ended(session, &text).await?;
    batch.equals("/status", "completed")?;
    let ended = session.ended(batch).await?;
    match ended.output.as_slice() {
        [line] => line.equals("/custom_id", name),
        lines => ended.batch.place.check(false, "the output", "one line", format!("{} lines", lines.len())),
    }
}
