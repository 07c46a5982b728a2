//! `batchmock clock`

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::process::{SECRET_KEY, Served, run};
use super::wait::nobody;

/// A mock whose clocks stand still at a known time.
fn frozen() -> Served {
    Served::start(&["--clock", "frozen", "--start-at", "2026-01-01T00:00:00Z"])
}

/// Creates a batch of two lines, one of which fails, and tells its id.
fn create_batch(served: &Served) -> String {
    let line = |custom_id: &str| {
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]});
        json!({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})
            .to_string()
    };
    let input = [line("a"), line("b~429")].join("\n");
    let (_, file) = served.ask(|client, base_url| {
        let file = reqwest::multipart::Part::text(input).file_name("input.jsonl");
        let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", file);
        client.post(format!("{base_url}/files")).multipart(form)
    });
    let file: Value = serde_json::from_str(&file).unwrap();
    let (_, batch) = served.ask(|client, base_url| {
        client.post(format!("{base_url}/batches")).json(&json!({
            "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        }))
    });
    let batch: Value = serde_json::from_str(&batch).unwrap();
    batch["id"].as_str().unwrap().to_owned()
}

#[test]
fn it_shows_sets_and_advances_the_clock_of_the_key() {
    let served = frozen();
    let id = create_batch(&served);
    let until = format!("{id}=finalizing");
    let mut told = String::new();
    for arguments in [
        &["clock"][..],
        &["clock", "show"],
        &["clock", "advance", "1500ms"],
        &["clock", "advance", "--next"],
        &["clock", "advance", "--until", &until],
        &["clock", "advance", "--to", "2026-01-31T00:00:00Z"],
        &["clock", "set", "scaled:0.000001"],
        &["clock", "set", "stepping"],
        &["clock", "show", "--api-key", "sk-somebody-else"],
    ] {
        let said = served.run(arguments);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{arguments:?}");
        writeln!(told, "$ batchmock {}\n{}", arguments.join(" "), said.stdout).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_refusal_of_the_mock_is_told() {
    let served = frozen();
    let id = create_batch(&served);
    let mut told = String::new();
    for arguments in [
        &["clock", "advance", "--to", "2025-01-01T00:00:00Z"][..],
        &["clock", "advance", "--until", &format!("{id}=expired")],
        &["clock", "advance", "--until", &format!("{id}=done")],
        &["clock", "advance", "--until", "batch_none=completed"],
        &["clock", "advance", "--next", "--api-key", "sk-nothing-here"],
        &["clock", "advance", "soon"],
        &["clock", "advance", "9000years"],
    ] {
        let said = served.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (6, ""), "{arguments:?}");
        assert!(!said.stderr.contains(SECRET_KEY));
        writeln!(told, "$ batchmock {}\n{}", arguments.join(" "), said.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn that_nobody_answers_is_told() {
    let base_url = nobody();
    for action in [&["show"][..], &["set", "frozen"], &["advance", "1h"]] {
        let said = run(["clock", "--base-url", &base_url, "--api-key", SECRET_KEY].iter().chain(action));
        assert_eq!((said.code, said.stdout.as_str()), (5, ""));
        assert!(
            said.stderr.starts_with(&format!("batchmock: no batchmock answers at {base_url}: ")),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains("--base-url") && !said.stderr.contains(SECRET_KEY), "{}", said.stderr);
    }
}

#[test]
fn the_key_is_sent_to_no_service_on_the_net() {
    let mut told = String::new();
    for base_url in ["https://api.openai.com/v1", "api.openai.com", "http://", ""] {
        let said = run(["clock", "--base-url", base_url, "--api-key", SECRET_KEY]);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""));
        told.push_str(&said.stderr);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_without_being_shown() {
    for key in ["sk-two\nlines", "sk-two words", "sk-schlüssel", ""] {
        let said = run(["clock", "--base-url", &nobody(), "--api-key", key]);
        assert_eq!(said.code, 2);
        assert_eq!(
            said.stderr,
            "batchmock: --api-key takes printable ASCII characters without spaces, at least one\n"
        );
    }
}
