//! Cases as they are before anything is judged.

use std::fmt::Write as _;

use serde::Serialize;

use crate::case::{Capability, Case, Kind, Level, Takes};
use crate::facts;

/// A case, for programs.
#[derive(Serialize)]
struct Row {
    id: &'static str,
    title: &'static str,
    level: Level,
    requirement: &'static str,
    evidence: Vec<Known>,
    needs: &'static [Capability],
    takes: Takes,
    lines: u32,
    tokens: u64,
    destroys: String,
}

/// Something that a requirement rests on.
#[derive(Serialize)]
struct Known {
    fact: &'static str,
    kind: Kind,
    source: &'static str,
    /// What the service does, in as many sentences as there are rows of this kind.
    behavior: Vec<&'static str>,
}

/// Everything there is to know of a case beforehand, for people.
pub fn case(case: &Case) -> String {
    let mut text = format!("{}\n\n{}\n\n{} {}\n\n", case.id, case.title, case.level, case.requirement);
    for Known { fact, kind, source, behavior } in evidence(case) {
        let _ = writeln!(text, "{fact} ({kind}): {source}");
        for behavior in behavior {
            let _ = writeln!(text, "    {behavior}");
        }
    }
    let needs: Vec<_> = case.needs.iter().map(|need| need.name()).collect();
    if !needs.is_empty() {
        let _ = writeln!(text, "\nneeds: {}", needs.join(", "));
    }
    let _ = writeln!(
        text,
        "\ntakes: {} where time cannot be moved; at most {} lines of batches run, with at most {} tokens",
        case.takes,
        case.lines,
        case.tokens()
    );
    let _ = writeln!(text, "destroys: {}", case.destroys);
    text
}

/// The same for programs: an array of cases.
#[expect(clippy::missing_panics_doc, reason = "it does not panic, as is said where it could")]
pub fn cases_as_json(cases: &[&'static Case]) -> String {
    let rows: Vec<_> = cases
        .iter()
        .map(|case| Row {
            id: case.id,
            title: case.title,
            level: case.level,
            requirement: case.requirement,
            evidence: evidence(case),
            needs: case.needs,
            takes: case.takes,
            lines: case.lines,
            tokens: case.tokens(),
            destroys: case.destroys.to_string(),
        })
        .collect();
    serde_json::to_string_pretty(&rows).expect("all keys are strings") + "\n"
}

fn evidence(case: &Case) -> Vec<Known> {
    let behavior = |fact, kind| {
        facts::of(fact).filter(move |row| row.kind() == Some(kind)).map(|row| row.behavior).collect()
    };
    case.evidence
        .iter()
        .map(|evidence| Known {
            fact: evidence.fact,
            kind: evidence.kind,
            source: evidence.source(),
            behavior: behavior(evidence.fact, evidence.kind),
        })
        .collect()
}
