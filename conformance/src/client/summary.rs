//! What a certification comes to, in words that a person understands: what would have been lost.

use std::collections::HashMap;

use super::account::{End, Outcome};
use super::certify::Played;
use super::evidence::Evidence;

/// The checks that say whether answers are lost. Where none of them has failed, a client could not have them, or has told its
/// caller.
const LOSES: [&str; 8] = ["K6", "K8", "K12", "K13", "K16", "K19", "K28", "K31"];

/// What would have been lost, a sentence each; nothing if nothing would.
pub fn sentences(played: &[Played]) -> Vec<String> {
    let count = |of: fn(&Evidence) -> usize, if_failed: &[&str]| -> Vec<(&str, usize)> {
        let counts = |played: &&Played| if_failed.is_empty() || has_failed(played, if_failed);
        let counted = played.iter().filter(counts);
        let counted = counted.filter_map(|played| Some((played.scenario.id, of(played.evidence.as_ref()?))));
        counted.filter(|(_, n)| *n > 0).collect()
    };
    let mut sentences = Vec::new();
    let mut say = |counted: Vec<(&str, usize)>, one: &str, many: &str| {
        let n: usize = counted.iter().map(|(_, n)| n).sum();
        if n > 0 {
            let places: Vec<_> = counted.iter().map(|(id, n)| format!("{id} ({n})")).collect();
            let words = if n == 1 { one.to_owned() } else { format!("{n} {many}") };
            sentences.push(format!("{words}: {}.", places.join(", ")));
        }
    };
    say(
        count(lost, &LOSES),
        "One answer that is paid for is not in its account",
        "answers that are paid for are not in its account",
    );
    say(
        count(paid_twice, &[]),
        "One request was answered, and is paid, twice",
        "requests were answered, and are paid, twice",
    );
    say(count(mixed_up, &[]), "One request has the answer of another", "requests have the answer of another");
    say(
        count(claimed, &[]),
        "One request that was not answered is taken for a success",
        "requests that were not answered are taken for successes",
    );
    say(
        count(abandoned, &["K2"]),
        "One batch was left before it had ended",
        "batches were left before they had ended",
    );
    say(
        count(endless, &["K1", "K21", "K29", "K30"]),
        "Once it had to be ended by force",
        "times it had to be ended by force",
    );
    sentences
}

fn has_failed(played: &Played, checks: &[&str]) -> bool {
    played.failed().any(|check| checks.contains(&check.id))
}

/// Answers of batches that the client has made or was given, which are not in its account.
fn lost(evidence: &Evidence) -> usize {
    evidence.lost().len()
}

/// Requests that were answered in more than one batch.
fn paid_twice(evidence: &Evidence) -> usize {
    evidence
        .courses()
        .iter()
        .filter(|course| course.fates.iter().filter(|(_, _, fate)| fate.is_answered()).count() > 1)
        .count()
}

/// Keys with the answer of another.
fn mixed_up(evidence: &Evidence) -> usize {
    let courses = evidence.courses();
    let owners: HashMap<&str, &str> =
        courses.iter().flat_map(|course| course.texts().map(|text| (text, course.key))).collect();
    let said = evidence.account.lines().iter().filter(|line| line.outcome == Outcome::Ok);
    said.filter_map(|line| Some((&line.key, owners.get(line.text.as_deref()?)?)))
        .filter(|(key, owner)| key.as_str() != **owner)
        .count()
}

/// Keys that are said to be answered, and were not.
fn claimed(evidence: &Evidence) -> usize {
    if evidence.batches.is_empty() {
        // It has asked for none, or has made everything up.
        return 0;
    }
    evidence.claimed_wrongly().len()
}

/// Batches of whose end the client was never told.
fn abandoned(evidence: &Evidence) -> usize {
    evidence.made().filter(|batch| evidence.told_end(batch).is_none()).count()
}

fn endless(evidence: &Evidence) -> usize {
    usize::from(matches!(evidence.account.end, End::OutOfTime | End::Endless))
}
