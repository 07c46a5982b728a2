//! `batchmock lines`

use batchmock::LineRules;

use super::process::run;
use crate::support::{chat, chats};

const RULES: &str = r#"
[[line]]
custom_id = "order-*"
outcome = "429"

[[line]]
prompt = "question [2-9]"
every = 2
text = "number {n}"

[[line]]
endpoint = "/v1/videos"
video = "failed"
"#;

/// What is said about these rules and this input.
fn check(files: &[(&str, &str)], more: &[&str]) -> super::process::Said {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = super::process::batchmock(["lines", "check"]);
    let mut said = super::process::said(command.args(more).current_dir(dir.path()));
    said.stderr = said.stderr.replace(dir.path().to_str().unwrap(), "{dir}");
    said
}

#[test]
fn rules_in_order_are_shown_as_they_were_understood() {
    let said = check(&[("rules.toml", RULES), ("none.toml", "")], &["rules.toml"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(said.stdout);
    assert_eq!(check(&[("none.toml", "")], &["none.toml"]).stdout, "There is no rule.\n");
}

#[test]
fn rules_are_tried_out_on_an_input() {
    let mut lines = chats(9);
    lines.extend([chat("order-1", "hello"), chat("order-2~400", "hello"), "{broken".to_owned()]);
    lines.push(r#"{"custom_id": "a", "method": "POST", "url": "/v1/files", "body": {}}"#.to_owned());
    let input = format!("\n{}\n", lines.join("\n"));
    let more = "[[line]]\ncustom_id = 'a-1'\nstatus = 404\n";
    let files = [("rules.toml", RULES), ("more.toml", more), ("input.jsonl", input.as_str())];
    let said = check(&files, &["rules.toml", "more.toml", "--input", "input.jsonl"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(said.stdout);

    let said = check(
        &[("rules.toml", RULES), ("input.jsonl", &chats(8).join("\n"))],
        &["rules.toml", "--input", "input.jsonl", "--each"],
    );
    assert!(
        said.stdout.contains("by their requests alone\n  5 lines: a-1, a-2, a-4, a-6, a-8\n"),
        "{}",
        said.stdout
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let said = check(&[("rules.toml", "[[line]]\ncustom = 'a'")], &["rules.toml"]);
    assert_eq!((said.code, said.stdout.as_str()), (4, ""));
    assert!(
        said.stderr.starts_with("batchmock: cannot understand the rules in rules.toml: line 2, column 1: ")
    );
    let said = check(&[("rules.toml", "")], &["rules.toml", "--input", "none.jsonl"]);
    assert_eq!((said.code, said.stdout.as_str()), (4, ""));
    assert!(said.stderr.starts_with("batchmock: cannot read the input in none.jsonl: "), "{}", said.stderr);
}

#[test]
fn the_schema_is_printed() {
    let said = run(["lines", "schema"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, LineRules::SCHEMA));
}
