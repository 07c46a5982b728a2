//! What a run shows of itself: on a terminal, without one, and to programs.

use std::fmt::Write as _;
use std::fs;

use batchmock::Timestamp;
use serde_json::Value;

use super::{Said, run};
use crate::runs::Work;
use crate::support::{KEY, lines, stepping};

const PRICES: [&str; 4] = ["--price-input", "1000", "--price-output", "2000"];

fn arguments<'a>(work: &'a Work, more: &[&'a str]) -> Vec<&'a str> {
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    [&["run", input, "-o", output, "--poll", "1ms"][..], &PRICES, more].concat()
}

async fn run_file(work: &Work, more: &[&str]) -> Said {
    // At a time of its own, which is in the ids of batches.
    let server = stepping().start_at(Timestamp::from_unix_seconds(1_767_225_600)).start().await.unwrap();
    run(&server, KEY, &arguments(work, more)).await
}

/// What was said, with a time in place of each.
fn without_times(said: &str) -> String {
    let line = |line: &str| match line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
        Some((_, rest)) => format!("[time] {rest}\n"),
        None => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

#[tokio::test]
async fn without_a_terminal_there_are_lines() {
    let work = Work::of(&lines(&["a", "b~400", "c"]));
    let said = run_file(&work, &[]).await;
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(without_times(&said.stderr));
}

#[tokio::test]
async fn programs_get_an_object_a_line() {
    let work = Work::of(&lines(&["a", "b~400", "c"]));
    let said = run_file(&work, &["--json"]).await;
    assert_eq!((said.code, said.stderr.as_str()), (1, ""));
    let (mut told, mut done) = (String::new(), 0);
    for (at, line) in said.stdout.lines().enumerate() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["number"], at + 1);
        assert!(event["elapsed"].as_f64().unwrap() >= 0.0);
        if let Some(now) = event["progress"]["done"].as_u64() {
            assert!(now >= done, "what is done stays done: {event}");
            done = now;
        }
        event["elapsed"] = "time".into();
        writeln!(told, "{event}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn programs_are_told_what_is_wrong_with_an_input() {
    let work = Work::of("{}\n[]\n");
    let said = run_file(&work, &["--json"]).await;
    assert_eq!(said.code, 3);
    let event: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&event["event"], &event["exit_code"]), (&"error".into(), &3.into()));
    assert_eq!((&event["problems"][1]["line"], event["problems"].as_array().unwrap().len()), (&2.into(), 2));
}

#[tokio::test]
async fn who_wants_quiet_hears_the_end_alone() {
    let work = Work::of(&lines(&["a"]));
    let said = run_file(&work, &["--quiet"]).await;
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
}

#[tokio::test]
async fn a_large_upload_tells_how_far_it_is() {
    let large = |name: &str| {
        let chat = batchmock_client::Request::chat("gpt-4o-mini", "x".repeat(600_000));
        chat.custom_id(name).to_line() + "\n"
    };
    let work = Work::of(&["a", "b", "c"].map(large).concat());
    let said = run_file(&work, &["--json"]).await;
    let events: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sent: Vec<_> = events.iter().filter(|event| event["event"] == "sent").collect();
    assert!(!sent.is_empty(), "{}", said.stdout);
    let bytes = fs::metadata(&work.input).unwrap().len();
    let mut last = 0;
    for event in sent {
        let sent = event["sent"].as_u64().unwrap();
        assert!(sent > last && sent < bytes && event["bytes"] == bytes, "{event}");
        last = sent;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_there_is_a_bar_that_goes_in_the_end() {
    let work = Work::of(&lines(&["a", "b~400", "c"]));
    let server = stepping().start().await.unwrap();
    let mut command = super::command(arguments(&work, &[]));
    command.env("OPENAI_BASE_URL", server.base_url()).env("OPENAI_API_KEY", KEY);
    let (code, shown) = tokio::task::spawn_blocking(|| terminal::shown(command)).await.unwrap();
    assert_eq!(code, 1, "{shown}");
    // It is drawn again below each line.
    let (bar, last) = shown.rsplit_once("\u{1b}[2K").unwrap();
    assert!(bar.contains("░") && bar.contains("/3 "), "{shown:?}");
    assert!(bar.contains("validating, cost 0.0000"), "{shown:?}");
    assert!(bar.contains("1 failed"), "{shown:?}");
    assert!(bar.contains("batch 1: created as batch_") && bar.contains("writing the results"), "{shown:?}");
    assert!(!last.contains('░') && last.contains("2 of 3 requests succeeded, 1 failed; "), "{shown:?}");
    assert!(last.ends_with("\r\n"), "{shown:?}");
}

/// A terminal that nobody sits at.
#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::io::Read as _;
    use std::process::Command;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::Errno;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    /// Runs a command whose standard error is a terminal; gives its exit code and what the terminal was sent.
    pub(super) fn shown(mut command: Command) -> (i32, String) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let its_end = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&its_end, size).unwrap();
        let mut child = command.env("TERM", "xterm").stderr(its_end).spawn().unwrap();
        // It holds the other end as long as it has not ended.
        drop(command);
        let (mut terminal, mut bytes) = (File::from(terminal), Vec::new());
        match terminal.read_to_end(&mut bytes) {
            Ok(_) => {}
            // What Linux says when nobody holds the other end any more.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => {}
            Err(error) => panic!("{error}"),
        }
        (child.wait().unwrap().code().unwrap(), String::from_utf8(bytes).unwrap())
    }
}
