//! The command, as a process.

mod check;
mod display;
mod endings;
mod help;
#[cfg(unix)]
mod interrupts;
mod make;
mod outputs;
mod service;
mod strangers;

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use batchmock::MockServer;

/// What a command has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that the environment of the tests does not reach.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batchmock-client"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command to its end that needs no service.
fn local<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    said(&mut command(arguments))
}

/// Runs a command to its end against a mock, which goes on beside it.
async fn run(server: &MockServer, key: &str, arguments: &[&str]) -> Said {
    let mut command = command(arguments);
    command.env("OPENAI_BASE_URL", server.base_url()).env("OPENAI_API_KEY", key);
    tokio::task::spawn_blocking(move || said(&mut command)).await.unwrap()
}
