//! What a client does when requests go wrong. K11, K12, K21, K22, K28, K30 and K31.

use std::collections::BTreeMap;

use crate::case::Level;
use crate::client::account::End;
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::{Evidence, Fate, Request};
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K11",
        title: "waits as it is told",
        requirement: "After a refusal, a client asks the same again no sooner than `retry-after` says; where that says \
                      nothing, no sooner than after a tenth of a second.",
        gated_by: "A request was refused for the moment, and asked again.",
        reason: "Who comes back early is refused again, and makes the others wait, too.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-037", "F-041"],
        gate: asked_again,
        judge: waits_as_told,
    },
    Check {
        id: "K12",
        title: "survives what passes",
        requirement: "A client gets through trouble that passes: in the end its account is complete, and right.",
        gated_by: "A request met trouble that passes.",
        reason: "A batch runs for up to a day, and somebody has to be there for its end: one bad answer must not be the \
                 end of the client.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-040"],
        gate: met_trouble,
        judge: survives,
    },
    Check {
        id: "K21",
        title: "tells its caller when it cannot go on",
        requirement: "A client that is refused for good ends by itself, and tells of it: by its exit code, or by an \
                      account in which no key is answered that was not.",
        gated_by: "A request was refused for good.",
        reason: "A program that goes on for ever, or ends as if all were well, hides the loss.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-040"],
        gate: met_trouble,
        judge: tells_its_caller,
    },
    Check {
        id: "K22",
        title: "does not try again what cannot succeed",
        requirement: "A client does not repeat a request that was refused for what it is; a 429 that means an empty \
                      account it tries three times at most.",
        gated_by: "A request, or a line, was refused for what it is.",
        reason: "It is refused again, and each try counts against the limits of the account.",
        level: Level::Should,
        needs_account: false,
        facts: &["F-036", "F-040"],
        gate: refused_for_what_it_is,
        judge: does_not_repeat,
    },
    Check {
        id: "K28",
        title: "does not take half a file for all of it",
        requirement: "A client notices that a download ends too soon: it fetches the file again, or tells its caller.",
        gated_by: "A download was cut, and the client has ended by itself.",
        reason: "The lines that did not come are taken for missing, or for never sent.",
        level: Level::Must,
        needs_account: true,
        facts: &[],
        gate: download_was_cut,
        judge: notices_the_cut,
    },
    Check {
        id: "K30",
        title: "gives up some time",
        requirement: "A client asks the same in vain no more than thirty times, and then ends by itself.",
        gated_by: "A request met trouble that does not pass.",
        reason: "Endless tries burn limits, and nobody hears of the trouble.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-040"],
        gate: met_trouble,
        judge: gives_up,
    },
    Check {
        id: "K31",
        title: "loses no batch whose creation was not acknowledged",
        requirement: "If the answer to the creation of a batch is lost, its results are in the account all the same, or \
                      the caller is told of an error.",
        gated_by: "A batch was made, and the answer was lost.",
        reason: "The batch runs and is paid for, whether the client knows of it or not.",
        level: Level::Should,
        needs_account: true,
        facts: &[],
        gate: acknowledgement_was_lost,
        judge: loses_no_batch,
    },
];

/// By how much a client may be early: clocks and sockets are not exact.
fn tolerance(wait_ms: u64) -> u64 {
    (wait_ms / 50).max(50)
}

/// The most often that something is asked in vain.
const MOST_TRIES: usize = 30;

/// The most often that a request is made which an empty account refuses: official SDKs try a 429 twice more.
const TRIES_OF_429: usize = 3;

/// Requests that were refused for the moment, each with the next of its kind.
fn asked_again_pairs(evidence: &Evidence) -> impl Iterator<Item = (&Request, &Request)> {
    let refused = evidence.troubled().filter(|request| matches!(request.status, Some(429 | 503)));
    refused.filter_map(|request| {
        let is_same = |other: &&Request| {
            other.number > request.number && other.method == request.method && other.path == request.path
        };
        Some((request, evidence.requests.iter().find(is_same)?))
    })
}

fn asked_again(evidence: &Evidence) -> Result<(), String> {
    if evidence.staged.wait_ms.is_some() && asked_again_pairs(evidence).next().is_some() {
        Ok(())
    } else {
        Err(format!("nothing that was refused for the moment was asked again; {}", evidence.account.end))
    }
}

fn waits_as_told(evidence: &Evidence) -> Result<(), Mismatch> {
    let Some(wait_ms) = evidence.staged.wait_ms else { return Ok(()) };
    for (refused, next) in asked_again_pairs(evidence) {
        let waited = next.at_ms - (refused.at_ms + refused.took_ms);
        let waited = u64::try_from(waited).unwrap_or(0);
        if waited + tolerance(wait_ms) < wait_ms {
            return Err(mismatch(
                format!("how long the client waits after {}", refused.line()),
                format!("at least {wait_ms} ms"),
                format!("less: {waited} ms, then {}", next.line()),
            ));
        }
    }
    Ok(())
}

fn met_trouble(evidence: &Evidence) -> Result<(), String> {
    match evidence.troubled().next() {
        Some(_) => Ok(()),
        None => {
            Err(format!("the client never came to the request that goes wrong; {}", evidence.account.end))
        }
    }
}

/// What went wrong last.
fn last_trouble(evidence: &Evidence) -> String {
    evidence.troubled().last().map_or_else(String::new, Request::line)
}

fn survives(evidence: &Evidence) -> Result<(), Mismatch> {
    let what = format!("how the client gets through {}", last_trouble(evidence));
    let wrong = |actual: String| Err(mismatch(&*what, "it goes on to the end, with every answer", actual));
    let end = &evidence.account.end;
    if *end != End::Exit(0) {
        return wrong(end.to_string());
    }
    if !evidence.has_sent_all() {
        return wrong(format!("no batch has every key of the task; {end}"));
    }
    let lost = evidence.lost();
    if lost.is_empty() { Ok(()) } else { wrong(format!("answers are lost: {}; {end}", some(&lost))) }
}

fn tells_its_caller(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let what = format!("how the client ends after {}", last_trouble(evidence));
    let told = "exit code 1, or an account of every key in which none is answered that was not";
    if !account.ended_by_itself() {
        return Err(mismatch(what, told, account.end.to_string()));
    }
    let claimed = evidence.claimed_wrongly();
    if !claimed.is_empty() {
        return Err(mismatch(what, told, format!("the account takes keys for answered: {}", some(&claimed))));
    }
    let has_all = evidence.task.all_keys().all(|key| account.about(key).next().is_some());
    if account.end == End::Exit(0) && !has_all {
        return Err(mismatch(
            what,
            told,
            "exit code 0, as if the account were complete, and keys are not in it",
        ));
    }
    Ok(())
}

fn is_for_good(request: &Request) -> bool {
    let code = request.answer["error"]["code"].as_str();
    request.fault.is_some()
        && match request.status {
            Some(400..=404 | 409 | 413 | 422) => true,
            Some(429) => code == Some("insufficient_quota"),
            _ => false,
        }
}

/// Keys whose lines were refused for what they are, where the task is to be finished.
fn refused_lines(evidence: &Evidence) -> Vec<&str> {
    let Some(first) =
        evidence.made().next().filter(|batch| evidence.task.finish && evidence.told_end(batch).is_some())
    else {
        return Vec::new();
    };
    let for_good = |fate: &Fate| matches!(fate, Fate::Refused { .. }) && !fate.is_worth_another_try();
    first.fates().filter(|(_, fate)| for_good(fate)).filter_map(|(line, _)| line.key.as_deref()).collect()
}

fn refused_for_what_it_is(evidence: &Evidence) -> Result<(), String> {
    if evidence.requests.iter().any(is_for_good) || !refused_lines(evidence).is_empty() {
        Ok(())
    } else {
        Err(format!("nothing was refused for what it is; {}", evidence.account.end))
    }
}

fn does_not_repeat(evidence: &Evidence) -> Result<(), Mismatch> {
    let mut tries: BTreeMap<(&str, &str), Vec<&Request>> = BTreeMap::new();
    for request in evidence.requests.iter().filter(|request| is_for_good(request)) {
        tries.entry((&request.method, &request.path)).or_default().push(request);
    }
    for requests in tries.values() {
        let most = if requests[0].status == Some(429) { TRIES_OF_429 } else { 1 };
        if requests.len() > most {
            return Err(mismatch(
                format!("how often the client makes the request {}", requests[0].line()),
                format!("at most {most}"),
                requests.len().to_string(),
            ));
        }
    }
    let refused = refused_lines(evidence);
    let again: Vec<&str> = evidence
        .made()
        .skip(1)
        .flat_map(|batch| batch.input.iter().filter_map(|line| line.key.as_deref()))
        .filter(|key| refused.contains(key))
        .collect();
    if again.is_empty() {
        return Ok(());
    }
    Err(mismatch(
        "lines that were refused for what they are",
        "they are not submitted again",
        format!("they are: {}", some(&again)),
    ))
}

/// Downloads of which not all came, by a fault.
fn cut_downloads(evidence: &Evidence) -> impl Iterator<Item = &Request> {
    evidence.troubled().filter(|request| request.operation == "file_content" && !request.is_whole)
}

fn download_was_cut(evidence: &Evidence) -> Result<(), String> {
    if cut_downloads(evidence).next().is_none() {
        return Err(format!("no download was cut; {}", evidence.account.end));
    }
    if evidence.account.ended_by_itself() {
        Ok(())
    } else {
        Err(format!("the client did not end by itself: {}", evidence.account.end))
    }
}

fn notices_the_cut(evidence: &Evidence) -> Result<(), Mismatch> {
    let lost = evidence.lost();
    if lost.is_empty() || evidence.account.end != End::Exit(0) {
        return Ok(());
    }
    let cut = cut_downloads(evidence).last().map_or_else(String::new, Request::line);
    Err(mismatch(
        format!("what the client makes of half a file: {cut}"),
        "it fetches the file again, or ends with exit code 1",
        format!("it takes that for all of it, and has lost {} answers: {}", lost.len(), some(&lost)),
    ))
}

fn gives_up(evidence: &Evidence) -> Result<(), Mismatch> {
    let mut tries: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for request in evidence.troubled() {
        *tries.entry((&request.method, &request.path)).or_default() += 1;
    }
    let most = tries.values().copied().max().unwrap_or(0);
    let what = format!("how often the client tries in vain: {}", last_trouble(evidence));
    if most > MOST_TRIES {
        return Err(mismatch(what, format!("at most {MOST_TRIES} times"), format!("{most} times")));
    }
    if evidence.account.ended_by_itself() || evidence.account.end == End::Unknown {
        return Ok(());
    }
    Err(mismatch(what, "some times, and then it ends", format!("{most} times; {}", evidence.account.end)))
}

/// Creations that were carried out, and of which the client was not told.
fn lost_creations(evidence: &Evidence) -> impl Iterator<Item = &Request> {
    evidence.troubled().filter(|request| request.operation == "create_batch" && !request.is_whole)
}

fn acknowledgement_was_lost(evidence: &Evidence) -> Result<(), String> {
    if lost_creations(evidence).next().is_some() && evidence.made().next().is_some() {
        Ok(())
    } else {
        Err(format!("no creation was left without an answer; {}", evidence.account.end))
    }
}

fn loses_no_batch(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let lost = evidence.lost();
    let is_told = account.ended_by_itself() && account.end != End::Exit(0);
    if is_told || (account.end == End::Exit(0) && lost.is_empty()) {
        return Ok(());
    }
    Err(mismatch(
        "what becomes of a batch whose creation was not acknowledged",
        "its answers are in the account, or the caller is told of an error",
        format!("{} answers are lost; {}", lost.len(), account.end),
    ))
}
