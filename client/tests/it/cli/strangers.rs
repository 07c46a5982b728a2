//! What is said to who does not know the command yet: no key, no file, no directory, nobody reading.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{command, local, said};
use crate::runs::Work;
use crate::support::{KEY, lines, stepping};

/// Commands that need a service.
const WITH_A_SERVICE: [&str; 12] = [
    "run in.jsonl -o out.jsonl",
    "submit in.jsonl",
    "status batch_1",
    "watch batch_1",
    "results batch_1 --order output",
    "cancel batch_1",
    "list",
    "files upload in.jsonl",
    "files list",
    "files get file-1",
    "files content file-1",
    "files delete file-1",
];

/// Runs a command line in a directory, with a key and a service that nobody is asked at.
fn here(dir: &Path, line: &str) -> super::Said {
    let mut command = command(line.split_whitespace());
    command.current_dir(dir).env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    said(&mut command)
}

#[test]
fn without_a_key_it_is_told_where_one_belongs() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.jsonl"), lines(&["a"])).unwrap();
    for line in WITH_A_SERVICE {
        let said = said(command(line.split_whitespace()).current_dir(dir.path()));
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{line}");
        let told = "batchmock-client: there is no API key: set OPENAI_API_KEY, or name a file that holds it with \
                    --api-key-file\n";
        assert_eq!(said.stderr, told, "{line}");
    }
}

#[test]
fn files_that_cannot_be_used_are_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("in.jsonl"), lines(&["a"])).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("bytes"), b"\xff\xfe\x00").unwrap();
    fs::write(path("rows.csv"), "text\nhello\n").unwrap();
    fs::write(path("template"), r#"{"url": "/v1/embeddings", "body": {"model": "m", "input": "{text}"}}"#)
        .unwrap();
    fs::create_dir(path("dir")).unwrap();
    let mut told = String::new();
    for name in ["missing", "empty", "dir", "bytes"] {
        for line in [
            format!("run {name} -o out.jsonl"),
            format!("check {name}"),
            format!("submit {name}"),
            format!("make {name} rows.csv"),
            format!("make template {name} --format csv"),
            format!("make template {name} --format jsonl"),
            format!("resume {name}"),
            format!("list --api-key-file {name}"),
        ] {
            let said = here(dir.path(), &line);
            assert!(said.code == 2 || said.code == 3, "{line}: {}", said.stderr);
            write!(told, "$ {line}\n{}{}[{}]\n", said.stdout, said.stderr, said.code).unwrap();
        }
    }
    for line in [
        "make template rows",
        "files upload missing",
        "files upload dir",
        "run in.jsonl -o nowhere/out.jsonl",
        "make template rows.csv -o nowhere/out.jsonl",
        "run in.jsonl -o dir",
        "status --poll 0s batch_1",
        "status --base-url localhost:80 batch_1",
    ] {
        let said = here(dir.path(), line);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{line}: {}", said.stderr);
        write!(told, "$ {line}\n{}[2]\n", said.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
    let mut left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["bytes", "dir", "empty", "in.jsonl", "rows.csv", "template"], "nothing else is left");
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_reads_its_events_any_more() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b"]));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(["run", "--json", "--poll", "1ms", "-o"]);
    command.arg(&work.output).arg(&work.input).stdout(writer);
    command.env("OPENAI_BASE_URL", server.base_url()).env("OPENAI_API_KEY", KEY);
    let said = tokio::task::spawn_blocking(move || said(&mut command)).await.unwrap();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert_eq!(work.results(), ["a 200", "b 200"]);
}

#[test]
fn a_command_that_is_misspelled_is_answered_with_the_nearest() {
    let said = local(["submt", "in.jsonl"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("'submit'"), "{}", said.stderr);
}
