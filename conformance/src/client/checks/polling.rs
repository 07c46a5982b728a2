//! How often a client looks, and for how long. K20 and K29.

use crate::case::Level;
use crate::client::account::End;
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::Evidence;
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K20",
        title: "looks no more often than it should",
        requirement: "Between two looks at a batch lies as long as the client was told, or else two seconds at least, by the \
                      median.",
        gated_by: "The client has looked at a batch several times.",
        reason: "Batches take minutes to a day. A look a second is 86,400 of them, each counted against limits.",
        level: Level::Should,
        needs_account: false,
        facts: &["F-253"],
        gate: looked_several_times,
        judge: looks_gently,
    },
    Check {
        id: "K29",
        title: "ends in time, and says what goes on",
        requirement: "A client whose time is over before its batch has ended says so by its exit code or by its account, and \
                      names the batch, so that it can be collected later.",
        gated_by: "The client has looked at a batch, and was never told of its end.",
        reason: "A batch that is forgotten goes on, and is paid for.",
        level: Level::Should,
        needs_account: true,
        facts: &[],
        gate: looked,
        judge: ends_in_time,
    },
];

/// The times between two looks at the same batch that both were answered, in milliseconds.
fn gaps(evidence: &Evidence) -> Vec<i64> {
    let mut gaps = Vec::new();
    for batch in &evidence.batches {
        let looks: Vec<_> = evidence.told(batch).map(|told| told.request).collect();
        gaps.extend(looks.windows(2).map(|two| two[1].at_ms - (two[0].at_ms + two[0].took_ms)));
    }
    gaps.sort_unstable();
    gaps
}

fn looked_several_times(evidence: &Evidence) -> Result<(), String> {
    if evidence.staged.poll_ms.is_some() && !gaps(evidence).is_empty() {
        Ok(())
    } else {
        Err(format!("the client has not looked at a batch several times; {}", evidence.account.end))
    }
}

fn looks_gently(evidence: &Evidence) -> Result<(), Mismatch> {
    let gaps = gaps(evidence);
    let (Some(poll_ms), Some(median)) = (evidence.staged.poll_ms, gaps.get(gaps.len() / 2)) else {
        return Ok(());
    };
    let median = u64::try_from(*median).unwrap_or(0);
    let tolerance = (poll_ms / 50).max(50);
    if median + tolerance >= poll_ms {
        return Ok(());
    }
    let a_day = 86_400_000 / median.max(1);
    Err(mismatch(
        "the time between two looks at a batch, by the median",
        format!("at least {poll_ms} ms"),
        format!("less: {median} ms, which is {a_day} looks for a batch of a day"),
    ))
}

fn looked(evidence: &Evidence) -> Result<(), String> {
    if evidence.ended().next().is_some() {
        return Err("the client was told of the end of its batch".to_owned());
    }
    if evidence.batches.iter().any(|batch| evidence.told(batch).next().is_some()) {
        Ok(())
    } else {
        Err(format!("the client never looked at a batch; {}", evidence.account.end))
    }
}

fn ends_in_time(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let what = "how the client ends when its time is over, and its batch goes on";
    if !account.ended_by_itself() {
        return Err(mismatch(what, "by itself, within the time that it was given", account.end.to_string()));
    }
    let claimed: Vec<&str> = account.claimed().collect();
    if !claimed.is_empty() {
        return Err(mismatch(what, "with no key taken for answered", some(&claimed)));
    }
    let has_all = evidence.task.all_keys().all(|key| account.about(key).next().is_some());
    if account.end == End::Exit(0) && !has_all {
        return Err(mismatch(what, "with exit code 1, or an account of every key", account.end.to_string()));
    }
    let unnamed: Vec<&str> = evidence
        .made()
        .map(|batch| batch.id.as_str())
        .filter(|id| !account.summary.batch_ids.iter().any(|named| named == id))
        .collect();
    if unnamed.is_empty() {
        return Ok(());
    }
    let named = &account.summary.batch_ids;
    let actual = if named.is_empty() { format!("none; {}", account.end) } else { some(named) };
    Err(mismatch("the batches that the summary names", some(&unnamed), actual))
}
