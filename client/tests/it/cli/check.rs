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
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[]}}"#,
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[]}}"#,
        r#"{"custom_id":"é","method":"GET","url":"/v1/chat/completions","body":{}}"#,
        r#"{"custom_id":17,"method":"POST","url":"/v1/chat/completions","body":{}}"#,
        r#"{"custom_id":"d","method":"POST","url":"/v1/chat/completions","body":"model"}"#,
        r#"{"custom_id":"e","method":"POST","url":"/v1/chat/completions""#,
        "[]",
        r#"{"custom_id":"f","method":"POST","url":"/v1/chat/completion","body":{}}"#,
        r#"{"custom_id":"g","method":"POST","url":"/v1/embeddings","body":{"model":true}}"#,
        r#"{"custom_id":"h","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":1}}"#,
    ];
    fs::write(&path, text.join("\n")).unwrap();
    let name = path.to_str().unwrap();
    let said = local(["check", name]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    insta::assert_snapshot!(format!("{}---\n{}", said.stdout, said.stderr).replace(name, "in.jsonl"));
    let json = local(["check", name, "--json"]);
    assert_eq!((json.code, json.stdout.lines().count()), (3, 9));
}

#[test]
fn the_first_hundred_problems_are_told_or_as_many_as_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    fs::write(&path, "[]\n".repeat(150)).unwrap();
    let name = path.to_str().unwrap();
    let said = local(["check", name]);
    assert_eq!(said.stdout.lines().filter(|line| line.starts_with(name)).count(), 100);
    let verdict = format!(
        "{name} has 100 problems, and maybe more: `batchmock-client check --max-problems 1000` looks further\n"
    );
    assert_eq!(said.stderr, verdict);
    let said = local(["check", name, "--max-problems", "1000"]);
    assert_eq!(said.stderr, format!("{name} has 150 problems\n"));
    assert_eq!(local(["check", name, "--max-problems", "0"]).code, 2);
}

#[test]
fn what_several_batches_may_be_for_is_not_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    let both = [("a", "gpt-4o-mini"), ("b", "gpt-4o")]
        .map(|(name, model)| batchmock_client::Request::chat(model, "x").custom_id(name).to_line() + "\n");
    fs::write(&path, both.concat()).unwrap();
    let name = path.to_str().unwrap();
    let said = local(["check", name]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.ends_with("\n  /v1/chat/completions, gpt-4o-mini\n  /v1/chat/completions, gpt-4o\n"));
    let said = local(["check", "--one-batch", name]);
    assert_eq!(said.code, 3);
    assert!(
        said.stdout.contains("body.model is \"gpt-4o\", that of line 1 is \"gpt-4o-mini\""),
        "{}",
        said.stdout
    );
}

#[test]
fn other_servers_have_other_endpoints() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    fs::write(&path, r#"{"custom_id":"a","method":"POST","url":"/v1/rerank","body":{}}"#).unwrap();
    let name = path.to_str().unwrap();
    assert_eq!(local(["check", name]).code, 3);
    assert_eq!(local(["check", "--any-endpoint", name]).code, 0);
}
