//! Which service, as whom, and how patiently.

use std::fs;

use batchmock::{ClockMode, MockServer};

use super::{command, run, said};
use crate::runs::Work;
use crate::support::{KEY, lines, stepping};

#[tokio::test]
async fn a_key_can_be_in_a_file() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a"]));
    let submitted = run(&server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    let (dir, base_url) = (tempfile::tempdir().unwrap(), server.base_url());
    let path = dir.path().join("key");
    let with_file = |text: Option<&str>| {
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let mut command = command(["list", "--api-key-file", path.to_str().unwrap()]);
        command.env("OPENAI_BASE_URL", &base_url);
        command
    };
    let run = |mut command: std::process::Command| async move {
        tokio::task::spawn_blocking(move || said(&mut command)).await.unwrap()
    };
    let missing = run(with_file(None)).await;
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains(path.to_str().unwrap()), "{}", missing.stderr);
    let empty = run(with_file(Some(" \n"))).await;
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.contains("there is no key in it"), "{}", empty.stderr);
    let listed = run(with_file(Some(&format!("{KEY}\n")))).await;
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.starts_with(submitted.stdout.trim()), "{}", listed.stdout);
    // The file is what was asked for.
    let mut both = with_file(None);
    both.env("OPENAI_API_KEY", "sk-of-somebody-else");
    assert_eq!(run(both).await.stdout, listed.stdout);
}

#[test]
fn where_nobody_listens_no_key_is_told() {
    // A port that was free a moment ago, and that nobody listens at.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = command(["status", "batch_1", "--retries", "0"]);
    let said = said(
        command.env("OPENAI_BASE_URL", format!("http://127.0.0.1:{port}/v1")).env("OPENAI_API_KEY", KEY),
    );
    assert_eq!((said.code, said.stdout.as_str()), (5, ""));
    let told = format!("GET /batches/batch_1: no connection to http://127.0.0.1:{port} could be made: ");
    assert!(said.stderr.contains(&told), "{}", said.stderr);
    assert!(!said.stderr.contains(KEY), "{}", said.stderr);
}

#[tokio::test]
async fn a_wait_that_is_over_leaves_the_batch_running() {
    let server = MockServer::builder().seed(7).clock(ClockMode::Frozen).start().await.unwrap();
    let work = Work::of(&lines(&["a"]));
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    let patience = ["--poll", "1ms", "--max-wait", "2ms"];
    let ended = run(&server, KEY, &[&["run", input, "-o", output][..], &patience].concat()).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with(&format!("go on with `batchmock-client resume {output}`\n")),
        "{}",
        ended.stderr
    );

    let batch = &crate::runs::batches(&server).await[0].id;
    let watched = run(&server, KEY, &[&["watch", batch][..], &patience].concat()).await;
    assert_eq!(watched.code, 4, "{}", watched.stderr);
    server.clock_of(KEY).set_mode(ClockMode::Stepping);
    assert_eq!(run(&server, KEY, &["resume", output, "--poll", "1ms"]).await.code, 0);
    assert_eq!(crate::runs::batches(&server).await.len(), 1);
}
