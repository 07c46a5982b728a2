//! Whether a client sends each request as often as it must, and no more. K9 and K10.

use std::collections::BTreeSet;

use crate::case::Level;
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::{Batch, Evidence};
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K9",
        title: "submits again what is missing, and nothing else",
        requirement: "A client that is to finish its task submits again exactly what was not answered and may be \
                      answered by another try.",
        gated_by: "The task is to be finished, and the client was told of the end of a batch that left something open.",
        reason: "What was answered is paid for: to send it again is to pay twice.",
        level: Level::Should,
        needs_account: false,
        facts: &["F-270", "F-363"],
        gate: is_to_finish,
        judge: submits_only_what_is_missing,
    },
    Check {
        id: "K10",
        title: "has one batch for a job",
        requirement: "A client never has two batches for the same request, unless it was told that the first has ended \
                      before it made the second.",
        gated_by: "The client has made a batch.",
        reason: "Each batch is paid for. An answer that is lost does not mean that there is no batch.",
        level: Level::Must,
        needs_account: false,
        facts: &[],
        gate: made_a_batch,
        judge: has_one_batch_for_a_job,
    },
];

/// The keys of a batch that were not answered there; all of them, or those that another try may bring.
fn open<'b>(batch: &'b Batch, only_worth: bool) -> BTreeSet<&'b str> {
    let fates = batch
        .fates()
        .filter(|(_, fate)| if only_worth { fate.is_worth_another_try() } else { !fate.is_answered() });
    fates.filter_map(|(line, _)| line.key.as_deref()).collect::<BTreeSet<&'b str>>()
}

fn is_to_finish(evidence: &Evidence) -> Result<(), String> {
    if !evidence.task.finish {
        return Err("the task is not to be finished".to_owned());
    }
    if evidence.ended().any(|(batch, _)| !open(batch, true).is_empty()) {
        Ok(())
    } else {
        Err("the client was never told of the end of a batch that left something open".to_owned())
    }
}

fn submits_only_what_is_missing(evidence: &Evidence) -> Result<(), Mismatch> {
    let Some(first) = evidence.made().next() else { return Ok(()) };
    let missing = open(first, true);
    let again: BTreeSet<&str> = evidence
        .made()
        .skip(1)
        .flat_map(|batch| batch.input.iter().filter_map(|line| line.key.as_deref()))
        .collect();
    let answered: BTreeSet<&str> = first
        .fates()
        .filter(|(_, fate)| fate.is_answered())
        .filter_map(|(line, _)| line.key.as_deref())
        .collect();
    let what = "what is submitted again";
    let all: Vec<&str> = missing.iter().copied().collect();
    let expected = format!("what was not answered: {}", some(&all));
    let too_much: Vec<&str> = again.intersection(&answered).copied().collect();
    if !too_much.is_empty() {
        let actual =
            format!("{} keys that were answered are paid twice: {}", too_much.len(), some(&too_much));
        return Err(mismatch(what, expected, actual));
    }
    let too_little: Vec<&str> = missing.difference(&again).copied().collect();
    if !too_little.is_empty() {
        let actual = format!("not all of it; left out are {}; {}", some(&too_little), evidence.account.end);
        return Err(mismatch(what, expected, actual));
    }
    Ok(())
}

fn made_a_batch(evidence: &Evidence) -> Result<(), String> {
    match evidence.made().next() {
        Some(_) => Ok(()),
        None => Err(format!("the client has made no batch; {}", evidence.account.end)),
    }
}

fn has_one_batch_for_a_job(evidence: &Evidence) -> Result<(), Mismatch> {
    let batches: Vec<&Batch> = evidence.batches.iter().collect();
    for (at, later) in batches.iter().enumerate() {
        let created = evidence.asked("create_batch").find(|request| request.ids.contains(&later.id));
        let created = created.map_or(u64::MAX, |request| request.number);
        for earlier in &batches[..at] {
            let keys: BTreeSet<_> = earlier.input.iter().filter_map(|line| line.key.as_deref()).collect();
            let twice: Vec<_> = later
                .input
                .iter()
                .filter_map(|line| line.key.as_deref())
                .filter(|key| keys.contains(key))
                .collect();
            let had_ended = evidence.told_end(earlier).is_some_and(|end| end.request.number < created);
            if !twice.is_empty() && !had_ended {
                return Err(mismatch(
                    "batches for the same requests at the same time",
                    "one",
                    format!(
                        "{} was made while {} was under way, for {} of the same requests: {}",
                        later.id,
                        earlier.id,
                        twice.len(),
                        some(&twice)
                    ),
                ));
            }
        }
    }
    Ok(())
}
