//! `check`: what is wrong, where, and what would be right.

use std::fs;

use super::local;
use crate::support::lines;

#[test]
fn an_input_without_problems_is_told_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    fs::write(&path, lines(&["a", "b"])).unwrap();
    let said = local(["check", path.to_str().unwrap()]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert!(said.stdout.contains("2 requests") && said.stdout.contains("/v1/chat/completions, gpt-4o-mini"));
}

#[test]
fn every_problem_is_told_with_a_marker() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    let text = [
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}"#,
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}"#,
        r#"{"custom_id":"é","method":"GET","url":"/v1/chat/completions","body":{}}"#,
        r#"{"custom_id":17,"method":"POST","url":"/v1/chat/completions","body":{}}"#,
        r#"{"custom_id":"d","method":"POST","url":"/v1/chat/completions","body":"model"}"#,
        r#"{"custom_id":"e","method":"POST","url":"/v1/chat/completions""#,
        "[]",
    ];
    fs::write(&path, text.join("\n")).unwrap();
    let name = path.to_str().unwrap();
    let said = local(["check", name]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    insta::assert_snapshot!(format!("{}---\n{}", said.stdout, said.stderr).replace(name, "in.jsonl"));
    let json = local(["check", name, "--json"]);
    assert_eq!((json.code, json.stdout.lines().count()), (3, 6));
}
