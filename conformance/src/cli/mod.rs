//! The command line.

mod args;
mod certify;
mod clean_up;
mod reports;
mod resume;
mod run;
mod show;
mod subject;
mod walk;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use batchmock_conformance::select::{self, Pattern};
use batchmock_conformance::{report, server, traceability};

/// The command was not used rightly.
const USAGE: u8 = 2;

/// The suite is at fault, or the machine that it runs on.
const FAULT: u8 = 4;

/// What a command says when it cannot go on, and with which code it exits.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

pub(crate) fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Resume(args) => resume::resume(&args),
        Command::CleanUp(args) => clean_up::clean_up(&args),
        Command::Report { file, forms, without_exchanges } => {
            reports::report(&file, &forms, without_exchanges)
        }
        Command::Diff { before, after, only_worse, forms } => {
            reports::diff(&before, &after, only_worse, &forms)
        }
        Command::Matrix { files, all, forms } => reports::matrix(&files, all, &forms),
        Command::Walk(args) => walk::walk(&args),
        Command::List { only, skip, json } => list(&only, &skip, json),
        Command::Trace => say(&traceability::table()).map(|()| 0),
        Command::Explain { id, json } => explain(&id, json),
        Command::Certify(command) => certify::certify(&command),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => {
            complain(&message);
            ExitCode::from(code)
        }
    }
}

/// A wrong use of the command.
fn usage(message: impl Into<String>) -> Failure {
    Failure { code: USAGE, message: message.into() }
}

/// A fault of the suite, or of the machine that it runs on.
fn fault(message: impl Into<String>) -> Failure {
    Failure { code: FAULT, message: message.into() }
}

/// Patterns as they were given.
fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Failure> {
    texts
        .iter()
        .map(|text| Pattern::new(text))
        .collect::<Result<_, _>>()
        .map_err(|error: select::PatternError| usage(error.to_string()))
}

fn list(only: &[String], skip: &[String], json: bool) -> Result<u8, Failure> {
    let cases = select::cases(&patterns(only)?, &patterns(skip)?);
    if json {
        say(&report::cases_as_json(&cases))?;
        return Ok(0);
    }
    let mut lines = String::new();
    for case in cases {
        let _ = writeln!(lines, "{:6} {:42} {}", case.level, case.id, case.title);
    }
    say(&lines)?;
    Ok(0)
}

fn explain(id: &str, json: bool) -> Result<u8, Failure> {
    let case = server::find(id).ok_or_else(|| {
        let nearest = select::nearest(id).map(|id| format!("; the nearest is `{id}`")).unwrap_or_default();
        usage(format!("there is no case `{id}`{nearest}"))
    })?;
    say(&if json { report::cases_as_json(&[case]) } else { report::case_as_text(case) })?;
    Ok(0)
}

/// Writes to the standard output. Nobody reading on is no failure.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(fault(format!("the standard output cannot be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells something on the way; there is nobody to tell if that fails.
fn note(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Writes to the standard error; there is nobody to tell if that fails.
fn complain(message: &str) {
    note(&format!("batchmock-conformance: {message}"));
}
