//! Whether a client reads right what is hard to read, and passes on what it is told. K14, K16, K17, K19 and K26.

use crate::case::Level;
use crate::client::account::{End, Outcome};
use crate::client::check::{Check, mismatch, some};
use crate::client::evidence::{Evidence, Fate, STATUSES};
use crate::expect::Mismatch;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "K14",
        title: "tells why validation has failed",
        requirement: "The summary has each entry of `errors.data` of a batch that failed, with its code and its line; \
                      and no key is taken for answered.",
        gated_by: "The client was told that a batch has failed, and why.",
        reason: "`failed` alone says nothing: which line is wrong, and how, stands in `errors.data`, and nowhere else.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-211"],
        gate: told_of_problems,
        judge: tells_problems,
    },
    Check {
        id: "K16",
        title: "reads lines however they come",
        requirement: "Lines end at a line feed and nowhere else; each that can be read is in the account, with its text to \
                      the letter.",
        gated_by: "The client was told of an output file that holds answers.",
        reason: "A reader that splits elsewhere, or decodes each piece for itself, breaks answers that are paid for.",
        level: Level::Must,
        needs_account: true,
        facts: &["F-454"],
        gate: told_of_answers,
        judge: reads_every_line,
    },
    Check {
        id: "K17",
        title: "counts tokens right",
        requirement: "The usage in the summary is the sum over all batches, each counted once.",
        gated_by: "The summary has a usage, and the client was told of the end of a batch.",
        reason: "Costs are worked out from it. It stands in every look at a batch, and must not be added up.",
        level: Level::Should,
        needs_account: true,
        facts: &["F-207"],
        gate: says_usage,
        judge: counts_tokens_right,
    },
    Check {
        id: "K19",
        title: "takes what is new for what it is",
        requirement: "A client goes on past a status that it does not know, and takes it for no end; fields that it does \
                      not know it passes over.",
        gated_by: "The client was told of a status that nobody knows.",
        reason: "The service grows: who stops at the first unknown word stops working one day.",
        level: Level::Should,
        needs_account: true,
        facts: &[],
        gate: told_of_an_unknown_status,
        judge: takes_what_is_new,
    },
    Check {
        id: "K26",
        title: "tells what is missing",
        requirement: "A key of which no line can be read is in the account as missing, or as an error, and never as \
                      answered or left out.",
        gated_by: "The client was told of the end of a batch of which some lines are told nowhere.",
        reason: "What an output lacks can only be seen by holding it against the input.",
        level: Level::Should,
        needs_account: true,
        facts: &["F-360", "F-361"],
        gate: told_of_an_end_with_gaps,
        judge: tells_what_is_missing,
    },
];

fn told_of_problems(evidence: &Evidence) -> Result<(), String> {
    let has_problems =
        |problems: &serde_json::Value| problems.as_array().is_some_and(|list| !list.is_empty());
    if evidence.ended().any(|(_, end)| end.status == "failed" && has_problems(end.problems)) {
        Ok(())
    } else {
        Err(format!("the client was never told that a batch has failed; {}", evidence.account.end))
    }
}

fn tells_problems(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let claimed: Vec<&str> = account.claimed().collect();
    if !claimed.is_empty() {
        return Err(mismatch(
            "the keys of a batch that failed",
            "none is answered",
            format!("`ok`: {}", some(&claimed)),
        ));
    }
    for (batch, _) in evidence.ended().filter(|(_, end)| end.status == "failed") {
        for problem in &batch.problems {
            let told = account
                .summary
                .errors
                .iter()
                .any(|told| told.code == problem.code && told.line == problem.line);
            if !told {
                let line = problem.line.map(|line| format!(", line {line}")).unwrap_or_default();
                let said: Vec<String> = account
                    .summary
                    .errors
                    .iter()
                    .map(|told| {
                        format!("{}, line {:?}", told.code.as_deref().unwrap_or("no code"), told.line)
                    })
                    .collect();
                return Err(mismatch(
                    "the errors in the summary",
                    format!("`{}`{line}", problem.code.as_deref().unwrap_or_default()),
                    if said.is_empty() { format!("there are none; {}", account.end) } else { some(&said) },
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
        Err(format!("the client was never told of an output file; {}", evidence.account.end))
    }
}

fn reads_every_line(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    let mut wrong = Vec::new();
    let courses = evidence.courses();
    for course in courses.iter().filter(|course| course.is_answered()) {
        match account.about(course.key).find(|line| line.outcome == Outcome::Ok) {
            None => wrong.push(format!("{} is not answered", course.key)),
            Some(line) => {
                let said = line.text.as_deref().unwrap_or_default();
                if !course.texts().any(|text| text == said) {
                    let right = course.texts().next().unwrap_or_default();
                    wrong.push(format!("{} is {}", course.key, difference(right, said)));
                }
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let n_answered = courses.iter().filter(|course| course.is_answered()).count();
    Err(mismatch(
        "the answers of an output that is hard to read",
        format!("all {n_answered} are in the account, to the letter"),
        format!("{} missing or spoiled: {}; {}", wrong.len(), some(&wrong), account.end),
    ))
}

/// Where two texts begin to differ.
fn difference(right: &str, said: &str) -> String {
    const AROUND: usize = 12;
    let at = right.chars().zip(said.chars()).take_while(|(a, b)| a == b).count();
    let part =
        |text: &str| -> String { text.chars().skip(at.saturating_sub(AROUND)).take(2 * AROUND).collect() };
    format!("{:?} instead of {:?} at character {}", part(said), part(right), at + 1)
}

fn says_usage(evidence: &Evidence) -> Result<(), String> {
    if evidence.account.summary.usage.is_none() {
        return Err("the summary has no usage".to_owned());
    }
    match evidence.ended().next() {
        Some(_) => Ok(()),
        None => Err("the client was never told of the end of a batch".to_owned()),
    }
}

fn counts_tokens_right(evidence: &Evidence) -> Result<(), Mismatch> {
    let Some(said) = evidence.account.summary.usage else { return Ok(()) };
    let sum = |tokens: fn(&crate::client::account::Usage) -> u64| -> u64 {
        evidence.ended().map(|(batch, _)| tokens(&batch.usage)).sum()
    };
    let right =
        [sum(|usage| usage.input_tokens), sum(|usage| usage.output_tokens), sum(|usage| usage.total_tokens)];
    let said = [said.input_tokens, said.output_tokens, said.total_tokens];
    if said == right {
        return Ok(());
    }
    let words = |tokens: [u64; 3]| format!("{} in, {} out, {} in all", tokens[0], tokens[1], tokens[2]);
    Err(mismatch("the usage in the summary", words(right), words(said)))
}

fn told_of_an_unknown_status(evidence: &Evidence) -> Result<(), String> {
    let is_unknown = |status: &str| !STATUSES.contains(&status);
    if evidence.batches.iter().any(|batch| evidence.told(batch).any(|told| is_unknown(told.status))) {
        Ok(())
    } else {
        Err(format!("the client was never told of a status that nobody knows; {}", evidence.account.end))
    }
}

fn takes_what_is_new(evidence: &Evidence) -> Result<(), Mismatch> {
    let lost = evidence.lost();
    let end = &evidence.account.end;
    if lost.is_empty() && *end == End::Exit(0) {
        return Ok(());
    }
    Err(mismatch(
        "how the client gets through a status and fields that it cannot know",
        "it goes on to the end, with every answer",
        format!("{} answers are lost; {end}", lost.len()),
    ))
}

/// Keys of batches of whose end the client was told, of which no line can be read.
fn gaps(evidence: &Evidence) -> Vec<String> {
    let courses = evidence.courses();
    let is_gap = |key: &str| {
        courses
            .iter()
            .any(|course| course.key == key && !course.is_answered() && course.last() == Some(&Fate::Untold))
    };
    let ended =
        evidence.ended().filter(|(_, end)| ["completed", "expired", "cancelled"].contains(&end.status));
    let keys = ended.flat_map(|(batch, _)| batch.input.iter().filter_map(|line| line.key.clone()));
    keys.filter(|key| is_gap(key)).collect()
}

fn told_of_an_end_with_gaps(evidence: &Evidence) -> Result<(), String> {
    if gaps(evidence).is_empty() {
        return Err(format!(
            "the client was never told of the end of a batch with gaps; {}",
            evidence.account.end
        ));
    }
    Ok(())
}

fn tells_what_is_missing(evidence: &Evidence) -> Result<(), Mismatch> {
    let account = &evidence.account;
    for key in gaps(evidence) {
        let mut said = account.about(&key).map(|line| line.outcome);
        let outcome = said.next();
        if matches!(outcome, Some(Outcome::Missing | Outcome::Error | Outcome::Expired | Outcome::Cancelled))
        {
            continue;
        }
        return Err(mismatch(
            format!("the outcome of {key}, of which no line can be read"),
            "`missing`",
            match outcome {
                None => format!("it is not in the account; {}", account.end),
                Some(outcome) => format!("`{}`", outcome.as_str()),
            },
        ));
    }
    Ok(())
}
