//! Whether a client fetches what there is, and gives a true account of it. K3 to K8.

use std::collections::BTreeMap;

use crate::case::Level;
use crate::client::account::Outcome;
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::{Course, Evidence, Fate, Request};
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K3",
        title: "asks for no file that there is not",
        requirement: "A client never asks for a file whose id is null, empty, or the word that a language writes for \
                      nothing.",
        gated_by: "The client was told of the end of a batch that lacks a file.",
        reason: "A request for `/files/None/content` fails, and takes the results of the other file with it.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-212", "F-213"],
        gate: told_of_a_missing_file,
        judge: asks_for_no_file_that_there_is_not,
    },
    Check {
        id: "K4",
        title: "reads both files",
        requirement: "A client that is told of an output file and of an error file fetches all of each.",
        gated_by: "The client was told of the end of a batch that has a file.",
        reason: "Lines that failed stand in the error file alone: who does not read it takes them for missing, or never \
                 notices.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-213", "F-215", "F-270"],
        gate: told_of_a_file,
        judge: reads_both_files,
    },
    Check {
        id: "K5",
        title: "joins answers by custom_id",
        requirement: "Each key has the answer to its own prompt.",
        gated_by: "The account has a text for a key that was answered.",
        reason: "The output is in another order than the input: who joins by position gives every user the answer of \
                 another.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-362"],
        gate: has_a_text,
        judge: joins_by_custom_id,
    },
    Check {
        id: "K6",
        title: "gives account of every key once",
        requirement: "The account has each key of the task exactly once, and no other.",
        gated_by: "Every key was sent, and the client was told of the end of a batch.",
        reason: "What is not in the account is lost, and nobody knows.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-362"],
        gate: sent_all_and_told_of_an_end,
        judge: accounts_for_every_key,
    },
    Check {
        id: "K7",
        title: "judges each line by its status and its error",
        requirement: "A line with a status code of 400 or more, or with an error, or that never ran, is not taken for a \
                      success.",
        gated_by: "The client has got a file with a line that is no success.",
        reason: "A line in the output file can hold an error; a line of an expired batch has no response at all.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-352", "F-356"],
        gate: got_a_line_that_failed,
        judge: takes_no_failure_for_a_success,
    },
    Check {
        id: "K8",
        title: "keeps every answer that is paid for",
        requirement: "Each key that was answered is in the account as answered, whichever way its batch ended.",
        gated_by: "The client was told of the end of a batch with answers.",
        reason: "A batch that expires or is cancelled has partial results, which are paid for.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-260", "F-270"],
        gate: told_of_answers,
        judge: keeps_every_answer,
    },
];

/// What languages write for nothing.
const NOTHING: [&str; 8] = ["", "None", "null", "undefined", "nil", "NaN", "%00", "%20"];

fn told_of_a_missing_file(evidence: &Evidence) -> Result<(), String> {
    let lacks = |id: Option<&str>| id.is_none_or(str::is_empty);
    if evidence.ended().any(|(_, end)| end.file_ids.into_iter().any(lacks)) {
        Ok(())
    } else {
        Err("the client was never told of the end of a batch that lacks a file".to_owned())
    }
}

fn asks_for_no_file_that_there_is_not(evidence: &Evidence) -> Result<(), Mismatch> {
    let asks_for_nothing = |path: &str| {
        let rest = path.split_once("/files/").map(|(_, rest)| rest);
        rest.is_some_and(|rest| NOTHING.contains(&rest.split('/').next().unwrap_or_default()))
    };
    let noticed =
        |number: u64| evidence.notes.iter().any(|(slug, at)| slug == "no-id" && *at == Some(number));
    match evidence.requests.iter().find(|request| asks_for_nothing(&request.path) || noticed(request.number))
    {
        None => Ok(()),
        Some(request) => Err(mismatch(
            "the file that the client asks for",
            "one that the batch names",
            format!("one that there is not: {}", request.line()),
        )),
    }
}

fn told_of_a_file(evidence: &Evidence) -> Result<(), String> {
    let is_there = |id: Option<&str>| id.is_some_and(|id| !id.is_empty());
    if evidence.ended().any(|(_, end)| end.file_ids.into_iter().any(is_there)) {
        Ok(())
    } else {
        Err("the client was never told of the end of a batch that has a file".to_owned())
    }
}

fn reads_both_files(evidence: &Evidence) -> Result<(), Mismatch> {
    for (batch, end) in evidence.ended() {
        for (name, id) in ["output_file_id", "error_file_id"].into_iter().zip(end.file_ids) {
            let Some(id) = id.filter(|id| !id.is_empty()) else { continue };
            if !evidence.got(id) {
                let tried =
                    evidence.asked("file_content").filter(|request| request.ids.iter().any(|it| it == id));
                let tried = tried.map(Request::line).last();
                let holds = match name {
                    "output_file_id" => format!("{} answers that are paid for", batch.n_answered()),
                    _ => "the lines that failed".to_owned(),
                };
                return Err(mismatch(
                    format!("the file that {} of the batch names, which is `{}`", name, end.status),
                    format!("it is fetched, since it holds {holds}"),
                    tried.map_or_else(
                        || "it is never asked for".to_owned(),
                        |line| format!("not all of it was got: {line}"),
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn has_a_text(evidence: &Evidence) -> Result<(), String> {
    let courses = evidence.courses();
    let said = |course: &Course<'_>| {
        evidence.account.about(course.key).any(|line| line.outcome == Outcome::Ok && line.text.is_some())
    };
    if courses.iter().any(|course| course.is_answered() && said(course)) {
        Ok(())
    } else {
        Err(format!("the account has no text for any key that was answered; {}", evidence.account.end))
    }
}

fn joins_by_custom_id(evidence: &Evidence) -> Result<(), Mismatch> {
    let courses = evidence.courses();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for course in &courses {
        for text in course.texts() {
            owners.insert(text, course.key);
        }
    }
    let (mut mixed_up, mut strange) = (Vec::new(), Vec::new());
    for course in courses.iter().filter(|course| course.is_answered()) {
        for line in evidence.account.about(course.key).filter(|line| line.outcome == Outcome::Ok) {
            let Some(text) = line.text.as_deref() else {
                strange.push(format!("{} has no text", course.key));
                continue;
            };
            if course.texts().any(|right| right == text) {
                continue;
            }
            match owners.get(text) {
                Some(owner) => mixed_up.push(format!("{} has the answer of {owner}", course.key)),
                None => {
                    strange.push(format!(
                        "{} has {:?}, which is the answer of none",
                        course.key,
                        short(text)
                    ));
                }
            }
        }
    }
    let n_answered = courses.iter().filter(|course| course.is_answered()).count();
    if mixed_up.is_empty() && strange.is_empty() {
        return Ok(());
    }
    let actual = if mixed_up.is_empty() {
        some(&strange)
    } else {
        format!("{} of {n_answered} are mixed up: {}", mixed_up.len(), some(&mixed_up))
    };
    Err(mismatch("the texts of the account", "each key has the answer to its own prompt", actual))
}

fn short(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).chain(['…']).collect()
    }
}

fn sent_all_and_told_of_an_end(evidence: &Evidence) -> Result<(), String> {
    if !evidence.has_sent_all() {
        return Err(format!("the client has not sent every key of the task; {}", evidence.account.end));
    }
    if evidence.ended().next().is_none() {
        return Err(format!("the client was never told of the end of a batch; {}", evidence.account.end));
    }
    Ok(())
}

fn accounts_for_every_key(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let wrong = |actual: String| {
        Err(mismatch(
            "the keys of the account",
            "each key of the task, once",
            format!("{actual}; {}", account.end),
        ))
    };
    if !account.unreadable.is_empty() {
        return wrong(format!("lines cannot be read: {}", some(&account.unreadable)));
    }
    let keys: Vec<&str> = evidence.task.all_keys().collect();
    let missing: Vec<&str> = keys.iter().copied().filter(|key| account.about(key).next().is_none()).collect();
    if missing.len() == keys.len() {
        return wrong(format!("none of {} keys is there", keys.len()));
    }
    if !missing.is_empty() {
        return wrong(format!("{} of {} keys are not there: {}", missing.len(), keys.len(), some(&missing)));
    }
    let doubled: Vec<&str> = keys.iter().copied().filter(|key| account.about(key).nth(1).is_some()).collect();
    if !doubled.is_empty() {
        return wrong(format!("more than once: {}", some(&doubled)));
    }
    let strange: Vec<&str> =
        account.lines().iter().map(|line| line.key.as_str()).filter(|key| !keys.contains(key)).collect();
    if !strange.is_empty() {
        return wrong(format!("no keys of the task: {}", some(&strange)));
    }
    Ok(())
}

/// Whether the client has all of the file in which a fate stands.
fn got_line(evidence: &Evidence, course: &Course<'_>) -> bool {
    course.fates.iter().any(|(batch, custom_id, _)| {
        let line = batch.results.iter().find(|line| line.custom_id == **custom_id);
        let file = line.and_then(|line| {
            if line.is_output { batch.output_file_id.as_ref() } else { batch.error_file_id.as_ref() }
        });
        file.is_some_and(|file| evidence.got(file))
    })
}

fn got_a_line_that_failed(evidence: &Evidence) -> Result<(), String> {
    if evidence.courses().iter().any(|course| !course.is_answered() && got_line(evidence, course)) {
        Ok(())
    } else {
        Err("the client has got no file with a line that failed".to_owned())
    }
}

fn takes_no_failure_for_a_success(evidence: &Evidence) -> Result<(), Mismatch> {
    for course in evidence.courses().iter().filter(|course| !course.is_answered()) {
        let Some(fate) = course.last() else { continue };
        for line in evidence.account.about(course.key) {
            let is_right = match (fate, line.outcome) {
                (_, Outcome::Ok) => false,
                (Fate::Refused { status, .. }, Outcome::Error) => {
                    line.status.is_none_or(|said| said == *status)
                }
                (Fate::Refused { .. }, Outcome::Missing) => !got_line(evidence, course),
                _ => true,
            };
            if !is_right {
                let said = line.status.map(|status| format!(" with status {status}")).unwrap_or_default();
                return Err(mismatch(
                    format!("the outcome of {} in the account", course.key),
                    format!("that it was {fate}"),
                    format!("`{}`{said}", line.outcome.as_str()),
                ));
            }
        }
    }
    Ok(())
}

fn told_of_answers(evidence: &Evidence) -> Result<(), String> {
    if evidence.ended().any(|(batch, _)| batch.n_answered() > 0) {
        Ok(())
    } else {
        Err(format!("the client was never told of the end of a batch with answers; {}", evidence.account.end))
    }
}

fn keeps_every_answer(evidence: &Evidence) -> Result<(), Mismatch> {
    let lost = evidence.lost();
    if lost.is_empty() {
        return Ok(());
    }
    let n_answered = evidence.courses().iter().filter(|course| course.is_answered()).count();
    Err(mismatch(
        "the keys that were answered",
        "each is in the account as `ok`",
        format!(
            "{} of {n_answered} answers that are paid for are lost: {}; {}",
            lost.len(),
            some(&lost),
            evidence.account.end
        ),
    ))
}
