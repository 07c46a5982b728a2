//! `batchmock exec`

use super::process::{SECRET_KEY, run};

#[test]
fn a_command_that_is_not_there_is_told() {
    let said = run(["exec", "--", "batchmock-no-such-command"]);
    assert_eq!(said.code, 127);
    assert_eq!(said.stderr, "batchmock: there is no command `batchmock-no-such-command`\n");
}

#[test]
fn the_command_finds_the_mock() {
    // The binary itself is a client that runs everywhere.
    let me = env!("CARGO_BIN_EXE_batchmock");
    let said = run(["exec", "--clock", "frozen", "--start-at", "2026-01-01T00:00:00Z", "--", me, "clock"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert_eq!(said.stdout, "2026-01-01T00:00:00Z (frozen), no change to come\n");
}

#[test]
fn the_command_has_the_key_it_is_given_and_no_log_shows_it() {
    let me = env!("CARGO_BIN_EXE_batchmock");
    for format in ["text", "json"] {
        let said = run([
            "exec",
            "--api-key",
            SECRET_KEY,
            "--log-format",
            format,
            "--",
            me,
            "clock",
            "advance",
            "1h",
        ]);
        assert_eq!(said.code, 0);
        assert!(said.stderr.contains("sk-…body"), "the world is that of the key: {}", said.stderr);
        assert!(!said.stderr.contains(SECRET_KEY) && !said.stdout.contains(SECRET_KEY));
    }
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let me = env!("CARGO_BIN_EXE_batchmock");
    assert_eq!(run(["exec", "--", me, "env"]).code, 0);
    assert_eq!(run(["exec", "--", me, "--bogus"]).code, 2);
    assert_eq!(run(["exec", "--", me, "clock", "advance", "--to", "2020-01-01T00:00:00Z"]).code, 6);
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    use rustix::process::Signal;

    use super::super::process::{Guarded, batchmock, said};
    use super::*;

    #[test]
    fn the_environment_names_the_mock_and_keeps_proxies_away() {
        let script = r#"echo "$OPENAI_BASE_URL $OPENAI_API_KEY $NO_PROXY $no_proxy""#;
        let mut command = batchmock(["exec", "--api-key", SECRET_KEY, "--", "sh", "-c", script]);
        let told =
            said(command.env("NO_PROXY", "example.org").env("OPENAI_API_KEY", "sk-the-real-one")).stdout;
        let words: Vec<&str> = told.split_whitespace().collect();
        assert!(words[0].starts_with("http://127.0.0.1:") && words[0].ends_with("/v1"), "{told}");
        assert_eq!(words[1..], [SECRET_KEY, "127.0.0.1,example.org", "127.0.0.1"]);
    }

    #[test]
    fn a_signal_that_ends_the_command_is_told_by_the_exit_code() {
        for (signal, code) in [("TERM", 128 + 15), ("KILL", 128 + 9)] {
            assert_eq!(run(["exec", "--", "sh", "-c", &format!("kill -{signal} $$")]).code, code);
        }
        assert_eq!(run(["exec", "--", "sh", "-c", "exit 42"]).code, 42);
    }

    #[test]
    fn a_command_that_cannot_be_run_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let said = run(["exec".as_ref(), "--".as_ref(), dir.path().as_os_str()]);
        assert_eq!(said.code, 126);
        let shown = dir.path().display();
        assert!(said.stderr.starts_with(&format!("batchmock: cannot run `{shown}`: ")), "{}", said.stderr);
    }

    #[test]
    fn a_request_to_terminate_is_passed_on() {
        let dir = tempfile::tempdir().unwrap();
        // The shell says that it listens; what it then reads never comes, and the signal interrupts it.
        let script = "trap 'echo caught; exit 7' TERM; echo listening; read never";
        let mut command = batchmock(["exec", "--", "sh", "-c", script]);
        command.env("TMPDIR", dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Guarded(command.spawn().unwrap());
        let _never = process.0.stdin.take().unwrap();
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "listening");
        process.signal(Signal::TERM);
        assert_eq!(lines.next().unwrap().unwrap(), "caught");
        assert_eq!(process.0.wait().unwrap().code(), Some(7));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "its files are gone");
    }
}
