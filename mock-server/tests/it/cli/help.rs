//! The help.

use std::fmt::Write as _;

use super::process::{run, said};

#[test]
fn every_command_explains_itself() {
    for command in [
        "",
        "serve",
        "exec",
        "env",
        "wait",
        "clock",
        "clock show",
        "clock advance",
        "clock set",
        "journal",
        "lines",
        "lines check",
        "lines schema",
        "webhooks",
        "webhooks listen",
        "webhooks secret",
        "demo",
    ] {
        let help = run(command.split_whitespace().chain(["--help"]));
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command}");
        let name = if command.is_empty() { "batchmock".to_owned() } else { command.replace(' ', "_") };
        insta::assert_snapshot!(name, help.stdout);
    }
}

#[test]
fn the_short_help_of_the_whole_fits_a_page() {
    insta::assert_snapshot!(run(["-h"]).stdout);
}

#[test]
fn it_shows_no_values_of_the_environment() {
    let mut command = super::process::batchmock(["clock", "--help"]);
    command.env("OPENAI_API_KEY", "sk-real-key").env("OPENAI_BASE_URL", "http://somewhere.example/v1");
    let help = said(&mut command);
    assert!(
        !help.stdout.contains("sk-real-key") && !help.stdout.contains("somewhere.example"),
        "{}",
        help.stdout
    );
}

#[test]
fn a_bad_flag_is_wrong_usage() {
    let mut told = String::new();
    for arguments in [
        &["--bogus"][..],
        &["serve", "--port", "99999"],
        &["serve", "--key", ""],
        &["--clock", "fast"],
        &["--clock", "scaled:0"],
        &["--start-at", "tomorrow"],
        &["--validating-for", "soon"],
        &["--idle-timeout", "0s"],
        &["--line", "order-*=429"],
        &["--line", "custom_id=*:teapot"],
        &["--webhook-url", "localhost:8000"],
        &["--webhook-url", "http://localhost/", "--webhook-secret", "whsec_no base64"],
        &["--webhook-url", "http://localhost/", "--webhook-event", "batch.canceled"],
        &["--webhook-secret", "key"],
        &["--webhook-plan", "{ copys = 2 }"],
        &["exec"],
        &["clock", "advance"],
        &["clock", "advance", "26h", "--next"],
        &["clock", "advance", "--until", "completed"],
        &["clock", "set", "fast"],
        &["wait", "--timeout", "soon"],
    ] {
        let said = run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{arguments:?}: {}", said.stderr);
        writeln!(told, "$ batchmock {}\n{}", arguments.join(" "), said.stderr).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn it_tells_its_version() {
    assert_eq!(run(["--version"]).stdout, format!("batchmock {}\n", env!("CARGO_PKG_VERSION")));
}
