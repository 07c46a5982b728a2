//! The catalog: ids that are names, and requirements that have sources.

use std::collections::BTreeSet;

use batchmock_conformance::case::{Case, Kind, Level};
use batchmock_conformance::{facts, server};

fn assert_none(cases: impl Iterator<Item = &'static Case>, rule: &str) {
    let ids: Vec<_> = cases.map(|case| case.id).collect();
    assert_eq!(ids, [""; 0], "{rule}");
}

#[test]
fn ids_are_names_and_each_is_there_once() {
    let mut seen = BTreeSet::new();
    for case in server::all() {
        assert!(seen.insert(case.id), "{} is there twice", case.id);
        let parts: Vec<_> = case.id.split('/').collect();
        assert!((2..=3).contains(&parts.len()), "{}: two or three parts", case.id);
        for part in parts {
            let is_word = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            assert!(is_word && !part.is_empty(), "{}: small letters, digits and hyphens", case.id);
            assert!(!part.bytes().all(|b| b.is_ascii_digit()), "{}: a place is no name", case.id);
        }
    }
    assert!(seen.len() > 150, "{}", seen.len());
}

#[test]
fn what_is_required_is_a_sentence() {
    assert_none(server::all().filter(|case| !case.requirement.ends_with('.')), "a requirement is a sentence");
    // Reports show a requirement without its title.
    assert_none(
        server::all().filter(|case| case.requirement.starts_with("It ")),
        "a requirement says what it is about",
    );
    assert_none(
        server::all().filter(|case| case.title.is_empty() || case.title.ends_with('.')),
        "a title is some words",
    );
}

#[test]
fn all_evidence_stands_in_the_document() {
    for case in server::all() {
        assert!(!case.evidence.is_empty(), "{}: no source", case.id);
        for evidence in case.evidence {
            let rows = facts::of(evidence.fact);
            let kinds: Vec<_> = rows.map(|fact| fact.level).collect();
            let is_there = facts::of(evidence.fact).any(|fact| fact.kind() == Some(evidence.kind));
            assert!(is_there, "{}: {} is not {}, but {kinds:?}", case.id, evidence.fact, evidence.kind);
            assert!(!evidence.source().is_empty(), "{}: {} has no source", case.id, evidence.fact);
        }
    }
}

#[test]
fn what_is_assumed_binds_nobody() {
    assert_none(
        server::all().filter(|case| {
            case.level != Level::May && case.evidence.iter().any(|evidence| evidence.kind == Kind::Assumed)
        }),
        "a requirement that rests on an assumption is a MAY",
    );
}

#[test]
fn cases_of_a_subject_stand_together() {
    let mut subjects: Vec<_> = server::all().map(Case::subject).collect();
    subjects.dedup();
    let all: BTreeSet<_> = subjects.iter().copied().collect();
    assert_eq!(subjects.len(), all.len(), "{subjects:?}");
}

#[test]
fn cases_in_which_lines_run_say_how_many() {
    // Whoever looks at what batches become lets some run, but for those that fail.
    let runs =
        server::all().filter(|case| case.id.starts_with("results/") || case.id.starts_with("endpoints/"));
    assert_none(runs.filter(|case| case.lines == 0), "the number of lines is missing");
}
