//! `batchmock journal`

use std::fmt::Write as _;

use serde_json::Value;

use super::process::{Said, Served};

/// A mock whose clocks stand still at a known time, with some polls of what is not there.
fn polled() -> Served {
    let served = Served::start(&["--clock", "frozen", "--start-at", "2026-01-01T00:00:00Z"]);
    for path in ["batches", "files/None", "batches/batch_none"] {
        served.ask(|client, base_url| client.get(format!("{base_url}/{path}")));
    }
    served
}

#[test]
fn it_prints_entries_as_a_table() {
    let served = polled();
    let mut told = String::new();
    for arguments in [
        &["journal"][..],
        &["journal", "--kind", "note"],
        &["journal", "--operation", "retrieve_batch", "--status", "404"],
        &["journal", "--since", "4"],
        &["journal", "--wait", "3", "--kind", "exchange", "--for", "1h"],
        &["journal", "--clear"],
        &["journal"],
    ] {
        let said = served.run(arguments);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{arguments:?}");
        writeln!(told, "$ batchmock {}\n{}", arguments.join(" "), said.stdout).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn it_prints_entries_as_json_a_line_each() {
    let Said { code, stdout, .. } = polled().run(&["journal", "--json"]);
    let entries: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, entries.len()), (0, 4));
    assert_eq!(entries[2]["note"], "no-id");
}

#[test]
fn it_writes_har() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.har");
    let served = polled();
    let said = served.run(&["journal", "--har", file.to_str().unwrap()]);
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
    let har: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((&har["log"]["version"], har["log"]["entries"].as_array().unwrap().len()), (&"1.2".into(), 3));

    let said = served.run(&["journal", "--har", dir.path().to_str().unwrap()]);
    assert_eq!(said.code, 4);
    assert!(said.stderr.starts_with("batchmock: cannot write "), "{}", said.stderr);
}

#[test]
fn what_does_not_come_and_what_cannot_be_asked_for_is_told() {
    let served = polled();
    let mut told = String::new();
    for (code, arguments) in [
        (7, &["journal", "--operation", "create_batch", "--wait", "1", "--for", "1ms"][..]),
        (6, &["journal", "--operation", "createBatch"]),
        (6, &["journal", "--status", "done"]),
        (2, &["journal", "--for", "1s"]),
        (2, &["journal", "--clear", "--kind", "note"]),
    ] {
        let said = served.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.stderr);
        writeln!(told, "$ batchmock {}\n{}", arguments.join(" "), said.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
}
