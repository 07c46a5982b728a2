//! The help, and what is made of the same definitions.

use std::ffi::OsStr;

use super::{command, local, said};

#[test]
fn every_command_explains_itself() {
    for name in [
        "",
        "run",
        "resume",
        "check",
        "submit",
        "status",
        "watch",
        "results",
        "cancel",
        "list",
        "files",
        "files upload",
        "files list",
        "files get",
        "files content",
        "files delete",
        "make",
        "completions",
        "man",
    ] {
        let help = local(name.split_whitespace().chain(["--help"]));
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{name}");
        let name =
            if name.is_empty() { "help".to_owned() } else { format!("help_{}", name.replace(' ', "_")) };
        insta::assert_snapshot!(name, help.stdout);
    }
}

#[test]
fn the_help_shows_no_values_of_the_environment() {
    let mut command = command(["run", "--help"]);
    let help =
        said(command.env("OPENAI_API_KEY", "sk-real").env("OPENAI_BASE_URL", "http://somewhere.example"));
    assert!(!help.stdout.contains("sk-real") && !help.stdout.contains("somewhere.example"));
}

#[test]
fn what_cannot_be_is_wrong_usage() {
    for arguments in [
        &["run", "in.jsonl"][..],
        &["run", "in.jsonl", "-o", "out", "--price-input", "-1"],
        &["run", "in.jsonl", "-o", "out", "--max-attempts", "0"],
        &["run", "in.jsonl", "-o", "out", "--metadata", "job"],
        &["results", "batch_1"],
        &["status", "batch_1", "--poll", "soon"],
        // No key anywhere.
        &["status", "batch_1"],
        &["check", "/there/is/none.jsonl"],
    ] {
        let said = local(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{arguments:?}: {}", said.stderr);
    }
}

#[test]
fn completions_and_pages_follow_from_the_arguments() {
    let script = local(["completions", "bash"]);
    assert!(script.code == 0 && script.stdout.contains("--price-input"), "{}", script.stderr);
    assert!(local(["man"]).stdout.contains(".TH batchmock-client 1"));
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(local([OsStr::new("man"), OsStr::new("--dir"), dir.path().as_os_str()]).code, 0);
    assert!(dir.path().join("batchmock-client-run.1").exists());
}

#[test]
fn who_has_closed_the_output_has_seen_enough() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let said = said(command(["completions", "bash"]).stdout(writer));
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}
