//! `make`: requests from a template and rows.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;

use super::{Said, local};

const TEMPLATE: &str = r#"{"custom_id": "q-{id}", "url": "/v1/chat/completions", "body": {"model": "gpt-4o-mini",
    "max_tokens": "{limit}", "messages": [{"role": "user", "content": "{question} {{as JSON}}"}]}}"#;

fn make(template: &str, name: &str, rows: &str) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let (template_at, rows_at) = (dir.path().join("template.json"), dir.path().join(name));
    fs::write(&template_at, template).unwrap();
    fs::write(&rows_at, rows).unwrap();
    let mut said = local([OsStr::new("make"), template_at.as_os_str(), rows_at.as_os_str()]);
    said.stderr = said.stderr.replace(&format!("{}/", dir.path().display()), "");
    said
}

#[test]
fn rows_become_requests() {
    let said = make(
        TEMPLATE,
        "rows.jsonl",
        "{\"id\":1,\"limit\":5,\"question\":\"a\"}\n\n{\"id\":2,\"limit\":null,\"question\":\"b\"}\n",
    );
    assert_eq!((said.code, said.stderr.as_str()), (0, "2 requests made\n"));
    insta::assert_snapshot!(said.stdout);
    let template = r#"{"url": "/v1/embeddings", "body": {"model": "m", "input": "{text}"}}"#;
    let said = make(template, "rows.csv", "text\n\"a, \"\"b\"\"\nc\"\n");
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn what_does_not_fit_is_told() {
    let mut told = String::new();
    for (template, name, rows) in [
        (TEMPLATE, "rows.csv", "id,limit,questoin\n1,2,a\n"),
        (TEMPLATE, "rows.csv", "id,limit,question\n1,2,a\n1,2,b\n"),
        (TEMPLATE, "rows.csv", "id,limit,question\n1,2\n"),
        (TEMPLATE, "rows.csv", "id,id\n1,2\n"),
        (TEMPLATE, "rows.csv", "id,limit,question\n"),
        (TEMPLATE, "rows.jsonl", "{\"id\":1,\"limit\":5,\"questions\":\"a\"}\n"),
        (TEMPLATE, "rows.jsonl", "[1]\n"),
        ("{\"url\": \"/v1/embeddings\", \"body\": {\"input\": \"{a\"}}", "rows.csv", "a\n1\n"),
        ("{\"url\": \"/v1/embeddings\"}", "rows.csv", "a\n1\n"),
        ("[]", "rows.csv", "a\n1\n"),
    ] {
        let said = make(template, name, rows);
        assert_eq!(said.code, 3, "{}", said.stderr);
        write!(told, "{}", said.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
}
