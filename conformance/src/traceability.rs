//! From each fact to the cases that judge it, or to the reason why none does.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::facts::{self, Fact};
use crate::server;

/// Facts that no case judges.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// Their numbers.
    pub facts: Vec<String>,
    /// Why.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    not_judged: Vec<NotJudged>,
}

static NOT_JUDGED: LazyLock<Vec<NotJudged>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("not_judged.toml")).expect("a test reads this file");
    file.not_judged
});

/// All facts that no case judges, with the reasons.
pub fn not_judged() -> &'static [NotJudged] {
    &NOT_JUDGED
}

/// Why no case judges a fact, if somebody said so.
pub fn why_not(number: &str) -> Option<&'static str> {
    let entry = not_judged().iter().find(|entry| entry.facts.iter().any(|fact| fact == number))?;
    Some(&entry.why)
}

/// The cases that judge a fact, by their ids.
pub fn cases_of(number: &str) -> Vec<&'static str> {
    server::all()
        .filter(|case| case.evidence.iter().any(|evidence| evidence.fact == number))
        .map(|case| case.id)
        .collect()
}

/// The numbers of all facts, each once, in the order of the document.
pub fn numbers() -> Vec<&'static str> {
    let mut numbers: Vec<&str> = Vec::new();
    for Fact { number, .. } in facts::all() {
        if !numbers.contains(number) {
            numbers.push(number);
        }
    }
    numbers
}

/// The whole table, in Markdown.
pub fn table() -> String {
    let mut table = "| Fact | Judged by |\n| --- | --- |\n".to_owned();
    for number in numbers() {
        let cases: Vec<_> = cases_of(number).iter().map(|id| format!("`{id}`")).collect();
        let judged = if cases.is_empty() {
            format!("– {}", why_not(number).unwrap_or_default())
        } else {
            cases.join(", ")
        };
        let _ = writeln!(table, "| {number} | {judged} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_judged_or_has_a_reason_why_not() {
        let numbers = numbers();
        assert!(numbers.len() > 190, "{}", numbers.len());
        for number in &numbers {
            let (cases, why) = (cases_of(number), why_not(number));
            assert!(
                !cases.is_empty() || why.is_some(),
                "{number}: no case, and no reason in not_judged.toml"
            );
            assert!(cases.is_empty() || why.is_none(), "{number}: {why:?}, but there are {cases:?}");
        }
        for NotJudged { facts, why } in not_judged() {
            assert!(!why.is_empty());
            let unknown: Vec<_> = facts.iter().filter(|fact| !numbers.contains(&fact.as_str())).collect();
            assert!(unknown.is_empty(), "no facts of docs/fidelity.md: {unknown:?}");
        }
    }

    #[test]
    fn reasons_that_name_cases_name_those_there_are() {
        for NotJudged { why, .. } in not_judged() {
            for named in why.split('`').skip(1).step_by(2).filter(|named| named.contains('/')) {
                assert!(crate::select::Pattern::new(named).is_ok(), "{named}");
            }
        }
    }

    #[test]
    fn the_table_has_every_fact_once() {
        let table = table();
        assert!(table.contains("| F-509 | `files/delete/input-of-new-batch` |\n"), "{table}");
        assert!(table.contains("| F-456 | – of 2023, and over |\n"), "{table}");
        assert_eq!(table.lines().count(), numbers().len() + 2);
    }
}
