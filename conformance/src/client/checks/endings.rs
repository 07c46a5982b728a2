//! Whether a client ends when its batch has ended: not before, and not much later. K1 and K2.

use crate::case::Level;
use crate::client::account::End;
use crate::client::check::{Check, mismatch};
use crate::client::evidence::{Evidence, TERMINAL};
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K1",
        title: "ends on every final status",
        requirement: "A client that has been told that its batch is completed, failed, expired or cancelled stops \
                      waiting: it looks at most once more, and ends.",
        gated_by: "The client was told of the end of a batch.",
        reason: "A loop that waits for `completed` alone never ends when a batch expires or is cancelled, and what is \
                 paid for is never fetched.",
        level: Level::Must,
        needs_account: false,
        facts: &["F-250", "F-251"],
        gate: told_of_an_end,
        judge: ends_on_every_final_status,
    },
    Check {
        id: "K2",
        title: "waits for a final status",
        requirement: "A client goes on looking while a batch is validating, in progress, finalizing or cancelling.",
        gated_by: "The client has looked at its batch, and has ended by itself; and it did not tell its caller that its last look \
                   went wrong.",
        reason: "`finalizing` and `cancelling` are not the end: there are no files yet, and lines still run.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-250", "F-251"],
        gate: looked_and_ended,
        judge: waits_for_a_final_status,
    },
];

/// At most so many looks after the one that told of the end.
const LOOKS_AFTER: usize = 1;

fn told_of_an_end(evidence: &Evidence) -> Result<(), String> {
    match evidence.ended().next() {
        Some(_) => Ok(()),
        None => Err(format!("the client was never told of the end of a batch; {}", evidence.account.end)),
    }
}

fn ends_on_every_final_status(evidence: &Evidence) -> Result<(), Mismatch> {
    for (batch, end) in evidence.ended() {
        let after = evidence.told(batch).filter(|told| told.request.number > end.request.number).count();
        let told = format!("was told that the batch is `{}` ({})", end.status, end.request.line());
        if after > LOOKS_AFTER {
            return Err(mismatch(
                format!("looks at the batch after the client {told}"),
                format!("at most {LOOKS_AFTER}"),
                format!("{after}; {}", evidence.account.end),
            ));
        }
        if matches!(evidence.account.end, End::OutOfTime | End::Endless) {
            return Err(mismatch(
                format!("how the client ended after it {told}"),
                "by itself",
                evidence.account.end.to_string(),
            ));
        }
    }
    Ok(())
}

fn looked_and_ended(evidence: &Evidence) -> Result<(), String> {
    if !evidence.batches.iter().any(|batch| evidence.told(batch).next().is_some()) {
        return Err("the client never looked at a batch".to_owned());
    }
    if evidence.account.end != End::Exit(0) && last_look_failed(evidence) {
        return Err(format!("its last look went wrong, and it told its caller: {}", evidence.account.end));
    }
    if evidence.account.ended_by_itself() {
        Ok(())
    } else {
        Err(format!("the client did not end by itself: {}", evidence.account.end))
    }
}

/// Whether the client could not see how its batch was when it looked last.
fn last_look_failed(evidence: &Evidence) -> bool {
    evidence.asked("retrieve_batch").last().is_some_and(|request| !request.gave_all())
}

fn waits_for_a_final_status(evidence: &Evidence) -> Result<(), Mismatch> {
    for batch in &evidence.batches {
        let Some(last) = evidence.told(batch).last() else { continue };
        if evidence.told_end(batch).is_none() {
            return Err(mismatch(
                format!("the last status of {} that the client was told before it ended", batch.id),
                format!("one of {}", TERMINAL.join(", ")),
                format!("`{}` ({}); then {}", last.status, last.request.line(), evidence.account.end),
            ));
        }
    }
    Ok(())
}
