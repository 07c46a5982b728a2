//! `certify`.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::sync::Arc;

use batchmock_conformance::client::certify::{self, Settings};
use batchmock_conformance::client::choice::Choice;
use batchmock_conformance::client::drive::{self, Driver, Exec, Stdio};
use batchmock_conformance::client::{account, report, task};

use super::args::{CertifyArgs, CertifyCommand, SchemaArg};
use super::{Failure, fault, reports, say, usage};

pub(super) fn certify(command: &CertifyCommand) -> Result<u8, Failure> {
    match command {
        CertifyCommand::Exec { common, command } => {
            let here = env::current_dir().map_err(|error| fault(error.to_string()))?;
            let exec = Exec::new(command, &here).ok_or_else(|| usage("give a command behind `--`"))?;
            judge(common, Driver::Exec(exec), command)
        }
        CertifyCommand::Stdio { common, command } => {
            let here = env::current_dir().map_err(|error| fault(error.to_string()))?;
            let stdio = Stdio::new(command, &here).ok_or_else(|| usage("give a command behind `--`"))?;
            judge(common, Driver::Stdio(stdio), command)
        }
        CertifyCommand::List { only, skip } => list(only, skip),
        CertifyCommand::Schema { what } => say(match what {
            SchemaArg::Task => task::SCHEMA,
            SchemaArg::Result => account::SCHEMA,
            SchemaArg::Stdio => drive::STDIO_SCHEMA,
        })
        .map(|()| 0),
    }
}

/// What a command is called if it has no other name.
fn named(command: &[OsString]) -> String {
    command.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn list(only: &[String], skip: &[String]) -> Result<u8, Failure> {
    let choice = Choice::new(only, skip).map_err(|error| usage(error.to_string()))?;
    let mut text = String::new();
    for (scenario, checks) in choice.scenarios() {
        let checks: Vec<_> = checks.iter().map(|(check, level)| format!("{} {level}", check.id)).collect();
        let _ = writeln!(text, "{:32} {}\n{:32} {}", scenario.id, scenario.title, "", checks.join(", "));
    }
    say(&text)?;
    Ok(0)
}

fn judge(args: &CertifyArgs, client: Driver, command: &[OsString]) -> Result<u8, Failure> {
    reports::can_go_out(&args.report)?;
    let choice = Choice::new(&args.only, &args.skip).map_err(|error| usage(error.to_string()))?;
    let settings = Settings {
        seed: args.seed,
        deadline: args.deadline,
        poll_hint: args.poll_hint,
        reveal: args.reveal,
        jobs: args.jobs,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| fault(error.to_string()))?;
    let rooms = tempfile::tempdir().map_err(|error| fault(error.to_string()))?;
    let client = Arc::new(client);
    let played = runtime.block_on(async {
        let played = certify::all(&client, &choice, &settings, rooms.path(), |_| ()).await;
        client.stop().await;
        played
    });
    let name = args.name.clone().or_else(|| client.name()).unwrap_or_else(|| named(command));
    let report = report::report(&name, args.level.into(), &played);
    reports::tell(&report, &args.report)?;
    Ok(report.conclusion().exit_code())
}
