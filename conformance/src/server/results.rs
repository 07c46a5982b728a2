//! Files of results, and their lines.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{RUNS, lines};
use crate::case::{Case, Destroys, Level, Takes, documented, observed, run};
use crate::expect::{Body, OnTheWay as _, Outcome};
use crate::session::{Ended, Session};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "results/line-keys",
        title: "the keys of a line",
        requirement: "A line of results has `id`, `custom_id`, `response` and `error`; a response has `status_code`, \
                      `request_id` and `body`.",
        evidence: &[documented("F-366"), observed("F-350")],
        lines: 2,
        run: run!(line_keys),
        ..RUNS
    },
    Case {
        id: "results/every-request-once",
        title: "every request has one line",
        requirement: "Each `custom_id` of the input stands in exactly one line of the two files, as it was written.",
        evidence: &[observed("F-215"), documented("F-366")],
        lines: 4,
        run: run!(every_request_once),
        ..RUNS
    },
    Case {
        id: "results/success",
        title: "a line that succeeds",
        requirement: "A line that succeeds has status 200, `error` null, and the body that the endpoint answers, with the model that \
                      was asked.",
        evidence: &[observed("F-355")],
        run: run!(success),
        ..RUNS
    },
    Case {
        id: "results/refused",
        title: "a line that is refused",
        requirement: "A line that the endpoint refuses stands in the error file, with the status of the refusal and the error in the \
                      body of its response.",
        evidence: &[observed("F-356")],
        lines: 2,
        run: run!(refused),
        ..RUNS
    },
    Case {
        id: "results/refused-error-is-null",
        title: "`error` is for what is no answer",
        requirement: "`error` is null in a line that was answered with an error.",
        evidence: &[observed("F-510"), documented("F-352")],
        lines: 2,
        run: run!(refused_error_is_null),
        ..RUNS
    },
    Case {
        id: "results/all-succeed",
        title: "without failures there is no error file",
        requirement: "If all lines succeed, `error_file_id` is null.",
        evidence: &[observed("F-213")],
        lines: 2,
        run: run!(all_succeed),
        ..RUNS
    },
    Case {
        id: "results/all-fail",
        title: "a batch whose lines all fail completes without output",
        requirement: "If all lines fail, the batch is `completed`, `output_file_id` is null and the error file has each line.",
        evidence: &[observed("F-213")],
        lines: 2,
        run: run!(all_fail),
        ..RUNS
    },
    Case {
        id: "results/files",
        title: "files of results are files",
        requirement: "A file of results can be retrieved as a file of purpose `batch_output`, with the length of its content.",
        evidence: &[documented("F-108"), observed("F-133")],
        lines: 2,
        run: run!(files),
        ..RUNS
    },
    Case {
        id: "results/file-name",
        title: "a file of results is named after its batch",
        level: Level::Should,
        requirement: "The output file is called `batch_…_output.jsonl` and is kept for 30 days.",
        evidence: &[observed("F-134")],
        run: run!(file_name),
        ..RUNS
    },
    Case {
        id: "results/file-id",
        title: "ids of files of results are ids of files",
        level: Level::Should,
        requirement: "The id of an output file is `file-` and 22 letters and digits.",
        evidence: &[observed("F-105")],
        run: run!(file_id),
        ..RUNS
    },
    Case {
        id: "results/request-ids",
        title: "the ids of requests in lines",
        level: Level::Should,
        requirement: "`request_id` of a response is a UUID with dashes, or, as before 2026, 32 hexadecimal digits.",
        evidence: &[observed("F-354")],
        run: run!(request_ids),
        ..RUNS
    },
    Case {
        id: "results/deletable",
        title: "files of results can be deleted",
        requirement: "A file of results can be deleted as any other, and is gone then.",
        evidence: &[observed("F-125"), documented("F-108")],
        destroys: Destroys::Files,
        run: run!(deletable),
        ..RUNS
    },
    Case {
        id: "results/line-ids",
        title: "the ids of lines",
        level: Level::Should,
        requirement: "The id of a line is `batch_req_` and 32 hexadecimal digits, each another.",
        evidence: &[observed("F-353")],
        lines: 3,
        run: run!(line_ids),
        ..RUNS
    },
    Case {
        id: "results/expire",
        title: "results are gone after 30 days",
        level: Level::Should,
        requirement: "The output file of a batch is gone 30 days after the batch has completed.",
        evidence: &[documented("F-135")],
        takes: Takes::Month,
        run: run!(expire),
        ..RUNS
    },
    Case {
        id: "results/line-ends",
        title: "each line ends with a line feed",
        level: Level::Should,
        requirement: "A file of results ends with a line feed and has no blank line.",
        evidence: &[observed("F-350")],
        lines: 2,
        run: run!(line_ends),
        ..RUNS
    },
];

/// A batch of two chats of which the second is refused.
async fn mixed(session: &mut Session) -> Outcome<Ended> {
    let lines = [lines::chat(session, "good"), lines::refused_chat(session, "bad")];
    session.run(&lines, lines::CHAT).await
}

/// There are so many lines.
fn has_lines(ended: &Ended, file: &str, lines: &[Body], count: usize) -> Outcome {
    let place = &ended.batch.place;
    place.check(
        lines.len() == count,
        format!("the {file} file of the batch that was seen by the last look"),
        format!("{count} lines"),
        lines.len().to_string(),
    )
}

async fn line_keys(session: &mut Session) -> Outcome {
    let ended = mixed(session).await?;
    let lines: Vec<_> = ended.output.iter().chain(&ended.errors).collect();
    ended.batch.place.check(lines.len() == 2, "the files", "two lines", lines.len().to_string())?;
    for line in lines {
        for key in ["id", "custom_id"] {
            line.text(&format!("/{key}"))?;
        }
        for key in ["response", "error"] {
            line.check(&format!("/{key}"), line.value.get(key).is_some(), "there, if only as null")?;
        }
        line.integer("/response/status_code")?;
        line.text("/response/request_id")?;
        line.check("/response/body", line.get("/response/body").is_object(), "an object")?;
    }
    Ok(())
}

async fn every_request_once(session: &mut Session) -> Outcome {
    let names = ["request-1", "ünï/cödé \"quoted\" \\", "猫", "refused"];
    let mut lines: Vec<_> = names[..3].iter().map(|name| lines::chat(session, name)).collect();
    lines.push(lines::refused_chat(session, names[3]));
    let ended = session.run(&lines, lines::CHAT).await?;
    let mut told: Vec<_> =
        ended.output.iter().chain(&ended.errors).filter_map(|line| line.get("/custom_id").as_str()).collect();
    told.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    let is_right = told == expected;
    ended.batch.place.check(
        is_right,
        "the custom ids in the files",
        format!("{expected:?}"),
        format!("{told:?}"),
    )
}

async fn success(session: &mut Session) -> Outcome {
    let ended = session.run(&lines::chats(session, 1), lines::CHAT).await?;
    has_lines(&ended, "output", &ended.output, 1)?;
    let line = &ended.output[0];
    line.equals("/response/status_code", 200)?;
    line.is_unset("/error")?;
    line.equals("/response/body/object", "chat.completion")?;
    line.text("/response/body/choices/0/message/content")?;
    let asked = &session.models().chat;
    let names = line.text("/response/body/model")?.starts_with(asked);
    line.check("/response/body/model", names, format!("a name that begins with {asked}"))
}

async fn refused(session: &mut Session) -> Outcome {
    let ended = mixed(session).await?;
    has_lines(&ended, "error", &ended.errors, 1)?;
    let line = &ended.errors[0];
    line.equals("/custom_id", "bad")?;
    line.equals("/response/status_code", 400)?;
    line.text("/response/body/error/message")?;
    line.text("/response/body/error/type").map(drop)
}

async fn refused_error_is_null(session: &mut Session) -> Outcome {
    let ended = mixed(session).await?;
    let lines = ended.output.iter().chain(&ended.errors);
    let refused: Vec<_> = lines.filter(|line| line.get("/response/status_code") != 200).collect();
    ended
        .batch
        .place
        .check(refused.len() == 1, "the files", "one line that was refused", "none")
        .on_the_way()?;
    refused[0].is_unset("/error")
}

async fn all_succeed(session: &mut Session) -> Outcome {
    let ended = session.run(&lines::chats(session, 2), lines::CHAT).await?;
    ended.batch.text("/output_file_id")?;
    has_lines(&ended, "output", &ended.output, 2)?;
    // One client saw an empty text for a file that does not exist (F-212).
    ended.batch.one_of("/error_file_id", &[Value::Null, "".into()])
}

async fn all_fail(session: &mut Session) -> Outcome {
    let lines = [lines::refused_chat(session, "one"), lines::refused_chat(session, "two")];
    let ended = session.run(&lines, lines::CHAT).await?;
    ended.batch.one_of("/output_file_id", &[Value::Null, "".into()])?;
    ended.batch.text("/error_file_id")?;
    has_lines(&ended, "error", &ended.errors, 2)
}

async fn files(session: &mut Session) -> Outcome {
    let ended = mixed(session).await?;
    for id in ["/output_file_id", "/error_file_id"] {
        let id = ended.batch.text(id).on_the_way()?;
        let file = session.get(format!("/files/{id}")).await?.success()?;
        file.has_schema_of("retrieveFile")?;
        file.equals("/purpose", "batch_output")?;
        let content = session.get(format!("/files/{id}/content")).await?;
        content.has_status(200)?;
        file.equals("/bytes", content.body.len())?;
    }
    Ok(())
}

async fn file_name(session: &mut Session) -> Outcome {
    let batch = session.run(&lines::chats(session, 1), lines::CHAT).await?.batch;
    let output = batch.text("/output_file_id").on_the_way()?;
    let file = session.get(format!("/files/{output}")).await?.success()?;
    file.equals("/filename", format!("{}_output.jsonl", batch.text("/id")?))?;
    file.equals("/expires_at", file.integer("/created_at")? + 30 * 86_400)
}

async fn expire(session: &mut Session) -> Outcome {
    let batch = session.run(&lines::chats(session, 1), lines::CHAT).await?.batch;
    let path = format!("/files/{}", batch.text("/output_file_id").on_the_way()?);
    session.get(path.clone()).await?.success().on_the_way()?;
    // An hour more: the file may be a little younger than the end of its batch.
    session.advance(Duration::from_hours(30 * 24 + 1)).await?;
    session.get(path).await?.refusal(404).map(drop)
}

async fn file_id(session: &mut Session) -> Outcome {
    let batch = session.run(&lines::chats(session, 1), lines::CHAT).await?.batch;
    let id = batch.text("/output_file_id").on_the_way()?;
    let is_right = id
        .strip_prefix("file-")
        .is_some_and(|rest| rest.len() == 22 && rest.chars().all(|c| c.is_ascii_alphanumeric()));
    batch.check("/output_file_id", is_right, "`file-` and 22 letters and digits")
}

async fn request_ids(session: &mut Session) -> Outcome {
    let ended = session.run(&lines::chats(session, 1), lines::CHAT).await?;
    has_lines(&ended, "output", &ended.output, 1)?;
    let line = &ended.output[0];
    let id = line.text("/response/request_id")?;
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    let dashes: Vec<_> = id.match_indices('-').map(|(at, _)| at).collect();
    let is_right = digits.len() == 32
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && (dashes.is_empty() || dashes == [8, 13, 18, 23]);
    line.check("/response/request_id", is_right, "a UUID, or 32 hexadecimal digits")
}

async fn deletable(session: &mut Session) -> Outcome {
    let batch = session.run(&lines::chats(session, 1), lines::CHAT).await?.batch;
    let output = batch.text("/output_file_id").on_the_way()?;
    let body = session.delete(format!("/files/{output}")).await?.success()?;
    body.equals("/deleted", true)?;
    session.get(format!("/files/{output}/content")).await?.refusal(404).map(drop)
}

async fn line_ids(session: &mut Session) -> Outcome {
    let ended = session.run(&lines::chats(session, 3), lines::CHAT).await?;
    has_lines(&ended, "output", &ended.output, 3)?;
    let mut seen = BTreeSet::new();
    for line in &ended.output {
        let id = line.text("/id")?;
        let is_right = id
            .strip_prefix("batch_req_")
            .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        line.check("/id", is_right, "`batch_req_` and 32 hexadecimal digits")?;
        line.check("/id", seen.insert(id), "an id of its own")?;
    }
    Ok(())
}

async fn line_ends(session: &mut Session) -> Outcome {
    let batch = session.run(&lines::chats(session, 2), lines::CHAT).await?.batch;
    let output = batch.text("/output_file_id").on_the_way()?;
    let answer = session.get(format!("/files/{output}/content")).await?;
    answer.has_status(200).on_the_way()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let is_right = text.ends_with('\n') && !text.contains("\n\n") && !text.contains('\r');
    answer.place.check(is_right, "the body", "lines that end with a line feed each", format!("{text:?}"))
}
