//! What careful clients do beside their results. K13, K15, K18, K23 to K25, K27 and K32.

use std::collections::BTreeSet;

use crate::case::Level;
use crate::client::account::End;
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::{Batch, Evidence, File, Request};
use crate::client::task::Verb;
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K13",
        title: "goes on where it was",
        requirement: "A client that is started again, or is given a batch, collects the results of that batch and makes no \
                      other.",
        gated_by: "The client was started again, or was given a batch, and has asked for something.",
        reason: "A batch takes longer than many programs live. One that begins anew pays twice.",
        level: Level::Should,
        needs_account: true,
        facts: &[],
        gate: has_something_to_go_on_with,
        judge: goes_on,
    },
    Check {
        id: "K15",
        title: "sends an input as it must be",
        requirement: "Each line of the input is one request: JSON in UTF-8, with a custom_id that is a text and stands \
                      there once, the right method, URL and model, and a prompt of the task to the letter. The file is \
                      not called something that is no .jsonl.",
        gated_by: "The client has made a batch.",
        reason: "One bad line fails the whole batch, and two lines with one custom_id cannot be told apart. A prompt that \
                 was changed on the way is answered, and paid for, all the same.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-239", "F-320", "F-351"],
        gate: made_a_batch_of_a_file,
        judge: sends_a_good_input,
    },
    Check {
        id: "K18",
        title: "deletes nothing too soon",
        requirement: "An input is deleted only after the client was told of the end of its batch, and a result only after \
                      it was fetched.",
        gated_by: "The client has deleted a file.",
        reason: "A batch whose input is gone fails, and a result that is gone is lost.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-509"],
        gate: deleted_a_file,
        judge: deletes_nothing_too_soon,
    },
    Check {
        id: "K23",
        title: "shows its key to nobody else",
        requirement: "The key stands in no URL, and is not sent to another host than the one it is for.",
        gated_by: "The client has made a request; where it is led to another host, it met the redirect.",
        reason: "URLs stand in logs. Whoever has the key spends the money of its owner.",
        level: Level::Should,
        needs_account: false,
        facts: &["F-001"],
        gate: made_a_request,
        judge: shows_its_key_to_nobody,
    },
    Check {
        id: "K24",
        title: "believes no webhook that is forged, and acts on each once",
        requirement: "A webhook whose signature is right and whose time is near is acted upon, once for each webhook-id; \
                      every other is refused.",
        gated_by: "The account has a line for a webhook.",
        reason: "Anybody can send a webhook; the service itself sends some twice, and in any order.",
        level: Level::Should,
        needs_account: true,
        facts: &["F-403", "F-404", "F-405", "F-406"],
        gate: said_something_of_webhooks,
        judge: handles_webhooks_right,
    },
    Check {
        id: "K25",
        title: "cleans up when it is asked to",
        requirement: "The input, the output and the errors of each batch are deleted in the end.",
        gated_by: "The task asks for it, and the client was told of the end of a batch.",
        reason: "Files count against the storage of the account, and some hold what should not be kept.",
        level: Level::May,
        needs_account: false,
        facts: &[],
        gate: is_to_clean_up,
        judge: cleans_up,
    },
    Check {
        id: "K27",
        title: "keeps to the limits of a batch",
        requirement: "No batch has more than 50,000 lines or 200 MB: more is divided, or refused before it is sent.",
        gated_by: "The client has sent every key, or has ended by itself, or has said that there is too much.",
        reason: "The service takes the whole upload, and then refuses all of it.",
        level: Level::Should,
        needs_account: true,
        facts: &["F-239", "F-115"],
        gate: sent_or_refused,
        judge: keeps_to_the_limits,
    },
    Check {
        id: "K32",
        title: "carries files unchanged",
        requirement: "Each file is sent with its name and its bytes, fetched whole, and deleted.",
        gated_by: "The client has sent every file.",
        reason: "A library that changes line ends, or names, changes what is asked.",
        level: Level::Should,
        needs_account: true,
        facts: &["F-119"],
        gate: sent_every_file,
        judge: carries_files_unchanged,
    },
];

const MOST_LINES: usize = 50_000;

const MOST_BYTES: usize = 200 * 1024 * 1024;

fn has_something_to_go_on_with(evidence: &Evidence) -> Result<(), String> {
    let has_begun = evidence.n_earlier_runs > 0 || evidence.batches.iter().any(|batch| batch.is_given);
    if !has_begun {
        return Err(format!("the client had nothing to go on with; {}", evidence.account.end));
    }
    match evidence.requests.first() {
        Some(_) => Ok(()),
        None => Err(format!("the client has asked for nothing; {}", evidence.account.end)),
    }
}

fn goes_on(evidence: &Evidence) -> Result<(), Mismatch> {
    let n_made = evidence.made().count();
    let n_right = usize::from(!evidence.batches.iter().any(|batch| batch.is_given));
    if n_made > n_right {
        let ids: Vec<&str> = evidence.batches.iter().map(|batch| batch.id.as_str()).collect();
        return Err(mismatch("batches for the same task", "one", format!("{}: {}", ids.len(), some(&ids))));
    }
    let lost = evidence.lost();
    if lost.is_empty() && evidence.account.end == End::Exit(0) {
        return Ok(());
    }
    Err(mismatch(
        "what the client makes of the batch that is there already",
        "every answer of it is in the account",
        format!("{} answers are lost; {}", lost.len(), evidence.account.end),
    ))
}

/// The inputs of the batches that the client has made.
fn inputs(evidence: &Evidence) -> impl Iterator<Item = (&Batch, &File)> {
    evidence.made().filter_map(|batch| {
        let file = evidence.files.iter().find(|file| file.id == batch.input_file_id)?;
        Some((batch, file))
    })
}

fn made_a_batch_of_a_file(evidence: &Evidence) -> Result<(), String> {
    match inputs(evidence).next() {
        Some(_) => Ok(()),
        None => Err(format!("the client has made no batch of a file; {}", evidence.account.end)),
    }
}

fn sends_a_good_input(evidence: &Evidence) -> Result<(), Mismatch> {
    for (batch, file) in inputs(evidence) {
        let what = format!("the input {:?}", file.name);
        let wrong = |expected: &str, actual: String| Err(mismatch(&*what, expected, actual));
        if let Err(error) = std::str::from_utf8(&file.bytes) {
            return wrong("UTF-8", format!("it is none from byte {} on", error.valid_up_to() + 1));
        }
        let problem =
            batch.input.iter().enumerate().find_map(|(at, line)| Some((at + 1, line.problem.as_ref()?)));
        if let Some((line, problem)) = problem {
            return wrong("requests of the task, one a line", format!("line {line}: {problem}"));
        }
        let mut ids = BTreeSet::new();
        if let Some(line) = batch.input.iter().find(|line| !ids.insert(&line.custom_id)) {
            return wrong("each custom_id once", format!("{:?} stands in several lines", line.custom_id));
        }
        let mut keys = BTreeSet::new();
        if let Some(key) =
            batch.input.iter().filter_map(|line| line.key.as_ref()).find(|key| !keys.insert(*key))
        {
            return wrong("each prompt once", format!("that of {key} is asked in several lines"));
        }
        // The official SDKs send bytes that have no name as `upload`, which is taken.
        let is_else = std::path::Path::new(&file.name)
            .extension()
            .is_some_and(|end| !end.eq_ignore_ascii_case("jsonl"));
        if is_else {
            return wrong("a name that ends with .jsonl", format!("{:?}", file.name));
        }
    }
    Ok(())
}

/// What the client has deleted, and by which request.
fn deletions(evidence: &Evidence) -> impl Iterator<Item = (&str, &Request)> {
    let done = evidence.asked("delete_file").filter(|request| request.status == Some(200));
    done.filter_map(|request| Some((request.ids.first()?.as_str(), request)))
}

fn deleted_a_file(evidence: &Evidence) -> Result<(), String> {
    match deletions(evidence).next() {
        Some(_) => Ok(()),
        None => Err("the client has deleted no file".to_owned()),
    }
}

fn deletes_nothing_too_soon(evidence: &Evidence) -> Result<(), Mismatch> {
    for (file_id, deletion) in deletions(evidence) {
        for batch in &evidence.batches {
            let is_result =
                [&batch.output_file_id, &batch.error_file_id].into_iter().flatten().any(|id| id == file_id);
            let was_got = evidence.asked("file_content").any(|request| {
                request.number < deletion.number
                    && request.gave_all()
                    && request.ids.iter().any(|id| id == file_id)
            });
            if is_result && !was_got {
                return Err(mismatch(
                    "a result that the client deletes",
                    "it was fetched before",
                    deletion.line(),
                ));
            }
            let had_ended = evidence.told_end(batch).is_some_and(|end| end.request.number < deletion.number);
            if batch.input_file_id == file_id && !had_ended {
                return Err(mismatch(
                    "an input that the client deletes",
                    "its batch has ended, as far as the client was told",
                    deletion.line(),
                ));
            }
        }
    }
    Ok(())
}

/// Whether a request was redirected on purpose.
fn is_redirected(request: &Request) -> bool {
    request.fault.is_some() && request.status.is_some_and(|status| (300..400).contains(&status))
}

fn made_a_request(evidence: &Evidence) -> Result<(), String> {
    if evidence.staged.redirects && !evidence.requests.iter().any(is_redirected) {
        return Err(format!("the client never met the redirect; {}", evidence.account.end));
    }
    match evidence.requests.first() {
        Some(_) => Ok(()),
        None => Err(format!("the client has asked for nothing; {}", evidence.account.end)),
    }
}

fn shows_its_key_to_nobody(evidence: &Evidence) -> Result<(), Mismatch> {
    let key = evidence.api_key.as_str();
    let in_url =
        evidence.requests.iter().find(|request| request.query.contains(key) || request.path.contains(key));
    if let Some(request) = in_url {
        let line = request.line().replace(key, crate::exchange::REDACTED);
        return Err(mismatch(
            "the URLs of requests",
            "they do not hold the key",
            format!("one does: {line}"),
        ));
    }
    if evidence.strangers.iter().any(|stranger| stranger.has_key) {
        return Err(mismatch(
            "what another host is sent, to which a download is redirected",
            "no key",
            "the key of the account",
        ));
    }
    Ok(())
}

fn said_something_of_webhooks(evidence: &Evidence) -> Result<(), String> {
    if evidence.task.verb == Verb::WebhookConsume
        && evidence
            .task
            .deliveries
            .iter()
            .any(|delivery| evidence.account.about(&delivery.key).next().is_some())
    {
        Ok(())
    } else {
        Err(format!("the account has no line for a webhook; {}", evidence.account.end))
    }
}

fn handles_webhooks_right(evidence: &Evidence) -> Result<(), Mismatch> {
    for (key, (expected, why)) in &evidence.expected {
        let said: Vec<&str> = evidence.account.about(key).map(|line| line.outcome.as_str()).collect();
        if said != [expected.as_str()] {
            return Err(mismatch(
                format!("the outcome of {key}, of which can be said: {why}"),
                format!("`{}`", expected.as_str()),
                if said.is_empty() {
                    "it is not in the account".to_owned()
                } else {
                    format!("`{}`", said.join(", "))
                },
            ));
        }
    }
    Ok(())
}

fn is_to_clean_up(evidence: &Evidence) -> Result<(), String> {
    if evidence.task.cleanup && evidence.ended().next().is_some() {
        Ok(())
    } else {
        Err(format!("the client was never told of the end of a batch; {}", evidence.account.end))
    }
}

fn cleans_up(evidence: &Evidence) -> Result<(), Mismatch> {
    let left: Vec<String> = evidence
        .files
        .iter()
        .filter(|file| file.is_there)
        .map(|file| format!("{} ({})", file.id, file.purpose))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(mismatch("files in the end", "none", some(&left)))
}

/// Files that the client has sent as inputs.
fn sent_inputs(evidence: &Evidence) -> impl Iterator<Item = &File> {
    evidence.files.iter().filter(|file| file.purpose == "batch")
}

/// Whether the client says that there is too much: it names the limit, or the number.
fn says_too_much(evidence: &Evidence) -> bool {
    let summary = &evidence.account.summary;
    let messages =
        summary.errors.iter().filter_map(|problem| problem.message.as_ref()).chain(&summary.message);
    messages.map(|text| text.replace([',', '.', '_', ' ', '\u{a0}', '\''], "")).any(|text| {
        text.contains(&MOST_LINES.to_string()) || text.contains(&evidence.task.items.len().to_string())
    })
}

/// The lines of a file, and its bytes.
fn size(file: &File) -> (usize, usize) {
    (file.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), file.bytes.len())
}

fn is_too_large(file: &File) -> bool {
    let (n_lines, n_bytes) = size(file);
    n_lines > MOST_LINES || n_bytes > MOST_BYTES
}

fn sent_or_refused(evidence: &Evidence) -> Result<(), String> {
    let has_come_to_its_end = evidence.account.end != End::OutOfTime || evidence.has_sent_all();
    if !has_come_to_its_end && !sent_inputs(evidence).any(is_too_large) {
        return Err(format!("the client has not sent every key; {}", evidence.account.end));
    }
    if sent_inputs(evidence).next().is_some() || says_too_much(evidence) {
        Ok(())
    } else {
        Err(format!("the client has sent nothing, and has not said why; {}", evidence.account.end))
    }
}

fn keeps_to_the_limits(evidence: &Evidence) -> Result<(), Mismatch> {
    for file in sent_inputs(evidence) {
        if is_too_large(file) {
            let (n_lines, n_bytes) = size(file);
            return Err(mismatch(
                format!("the size of the input {:?}", file.name),
                format!("at most {MOST_LINES} lines and {MOST_BYTES} bytes"),
                format!("{n_lines} lines and {n_bytes} bytes"),
            ));
        }
    }
    if sent_inputs(evidence).next().is_some() && !evidence.has_sent_all() {
        return Err(mismatch(
            "the inputs of all batches",
            "they have every key of the task",
            format!("keys are missing; {}", evidence.account.end),
        ));
    }
    Ok(())
}

/// The file of the world that holds what a file of the task holds; by its name, or else by its bytes.
fn sent<'e>(evidence: &'e Evidence, name: &str, text: &str) -> Option<&'e File> {
    let mut files = evidence.files.iter();
    files.clone().find(|file| file.name == name).or_else(|| files.find(|file| file.bytes == text.as_bytes()))
}

fn sent_every_file(evidence: &Evidence) -> Result<(), String> {
    let files = &evidence.task.files;
    if !files.is_empty() && evidence.files.len() >= files.len() {
        Ok(())
    } else {
        let (n_sent, n_all) = (evidence.files.len(), files.len());
        Err(format!("the client has sent {n_sent} of {n_all} files; {}", evidence.account.end))
    }
}

fn carries_files_unchanged(evidence: &Evidence) -> Result<(), Mismatch> {
    for asked in &evidence.task.files {
        let what = format!("the file {:?}", asked.name);
        let Some(file) = sent(evidence, &asked.name, &asked.text) else {
            let names: Vec<&str> = evidence.files.iter().map(|file| file.name.as_str()).collect();
            return Err(mismatch(what, "it is sent", format!("there are {}", some(&names))));
        };
        if file.name != asked.name {
            return Err(mismatch(what, "it is sent by this name", format!("{:?}", file.name)));
        }
        if file.bytes != asked.text.as_bytes() {
            let (n_sent, n_right) = (file.bytes.len(), asked.text.len());
            return Err(mismatch(
                what,
                format!("its {n_right} bytes are sent"),
                format!("{n_sent} others are"),
            ));
        }
        if !evidence.got(&file.id) {
            return Err(mismatch(what, "it is fetched whole", "it is not"));
        }
        if file.is_there {
            return Err(mismatch(what, "it is deleted", "it is still there"));
        }
    }
    Ok(())
}
