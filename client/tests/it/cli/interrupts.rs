//! Commands that are interrupted, as by Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use batchmock::{ClockMode, MockServer};
use rustix::process::{Pid, Signal, kill_process};

use super::{Said, command, run};
use crate::runs::Work;
use crate::support::{KEY, Listener, Reply, lines};

/// A command against a mock, whose standard error can be read while it runs.
fn begin(server: &MockServer, arguments: &[&str]) -> Child {
    let mut command: Command = command(arguments);
    command.env("OPENAI_BASE_URL", server.base_url()).env("OPENAI_API_KEY", KEY);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Reads what a command says until it says a text, interrupts it then, and waits for its end.
async fn interrupted_at(mut child: Child, text: &'static str) -> Said {
    let reading = move || {
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(text) {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended by itself: {said}");
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        stderr.read_to_string(&mut said).unwrap();
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        Said { code: child.wait().unwrap().code().unwrap(), stdout, stderr: said }
    };
    tokio::task::spawn_blocking(reading).await.unwrap()
}

/// A mock in which nothing goes on by itself.
async fn frozen() -> MockServer {
    MockServer::builder().seed(7).clock(ClockMode::Frozen).start().await.unwrap()
}

#[tokio::test]
async fn a_run_that_is_interrupted_is_gone_on_with() {
    let server = frozen().await;
    let work = Work::of(&lines(&["a", "b", "c"]));
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    let child = begin(&server, &["run", input, "-o", output, "--poll", "1h"]);
    let said = interrupted_at(child, "validating").await;
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{}", said.stderr);
    let batch = &crate::runs::batches(&server).await[0].id.clone();
    let last = format!(
        "batchmock-client: interrupted; {batch} goes on; go on with `batchmock-client resume {output}`"
    );
    assert_eq!(said.stderr.lines().last(), Some(&*last));
    assert!(!work.output.exists() && work.journal().join("journal.jsonl").exists());

    server.clock_of(KEY).set_mode(ClockMode::Stepping);
    let resumed = run(&server, KEY, &["resume", output, "--poll", "1ms"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("3 requests, ") && resumed.stderr.contains("; going on where it was\n"));
    assert_eq!(work.results(), ["a 200", "b 200", "c 200"]);
    assert!(!work.journal().exists());
    server.journal(KEY).assert_count(batchmock::Operation::UploadFile, 1);
    server.journal(KEY).assert_count(batchmock::Operation::CreateBatch, 1);
}

#[tokio::test]
async fn programs_are_told_that_a_run_was_interrupted() {
    let server = frozen().await;
    let work = Work::of(&lines(&["a"]));
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    let mut child = begin(&server, &["run", input, "-o", output, "--poll", "1h", "--json"]);
    let reading = move || {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"looked\"") {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended by itself");
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        line.clear();
        stdout.read_line(&mut line).unwrap();
        (child.wait().unwrap().code(), line)
    };
    let (code, line) = tokio::task::spawn_blocking(reading).await.unwrap();
    let last: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &last["event"], &last["exit_code"]), (Some(130), &"error".into(), &130.into()));
    assert!(last["message"].as_str().unwrap().starts_with("interrupted; batch_"), "{last}");
}

#[tokio::test]
async fn a_watch_that_is_interrupted_leaves_the_batch_alone() {
    let server = frozen().await;
    let work = Work::of(&lines(&["a"]));
    let submitted = run(&server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    let child = begin(&server, &["watch", submitted.stdout.trim(), "--poll", "1h"]);
    let said = interrupted_at(child, "validating").await;
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{}", said.stderr);
    assert!(said.stderr.ends_with("interrupted; the batch goes on without being watched\n"));
    server.journal(KEY).assert_count(batchmock::Operation::CancelBatch, 0);
}

#[tokio::test]
async fn a_download_that_is_interrupted_leaves_no_half_of_a_file() {
    let (told, telling) = std::sync::mpsc::channel();
    let listener = Listener::start(move |_, _| {
        told.send(()).unwrap();
        Reply::Hang
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(["files", "content", "file-1", "-o"]);
    command
        .arg(dir.path().join("out"))
        .env("OPENAI_BASE_URL", listener.base_url())
        .env("OPENAI_API_KEY", KEY);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let interrupting = move || {
        telling.recv().unwrap();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        child.wait().unwrap().code()
    };
    assert_eq!(tokio::task::spawn_blocking(interrupting).await.unwrap(), Some(130));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
