//! `certify`.

use std::env;
use std::fmt::Write as _;

use batchmock_conformance::client::certify::{self, Judged, Played, Settings};
use batchmock_conformance::client::check::Judgment;
use batchmock_conformance::client::drive::Exec;
use batchmock_conformance::client::{account, drive, scenarios, task};

use super::args::{CertifyArgs, CertifyCommand, SchemaArg};
use super::{Failure, say, usage};

pub(super) fn certify(command: &CertifyCommand) -> Result<u8, Failure> {
    match command {
        CertifyCommand::Exec { common, command } => {
            let here = env::current_dir().map_err(|error| fault(&error))?;
            let exec = Exec::new(command, &here).ok_or_else(|| usage("give a command behind `--`"))?;
            run(common, &exec)
        }
        CertifyCommand::List => {
            let mut text = String::new();
            for scenario in scenarios::all() {
                let _ = writeln!(text, "{:28} {}", scenario.id, scenario.title);
                let checks: Vec<_> =
                    scenario.checks().map(|(check, level)| format!("{} {level}", check.id)).collect();
                let _ = writeln!(text, "{:28} {}", "", checks.join(", "));
            }
            say(&text).map(|()| 0)
        }
        CertifyCommand::Schema { what } => say(match what {
            SchemaArg::Task => task::SCHEMA,
            SchemaArg::Result => account::SCHEMA,
            SchemaArg::Stdio => drive::STDIO_SCHEMA,
        })
        .map(|()| 0),
    }
}

fn fault(error: &dyn ToString) -> Failure {
    Failure { code: 4, message: error.to_string() }
}

fn run(args: &CertifyArgs, exec: &Exec) -> Result<u8, Failure> {
    let settings =
        Settings { seed: args.seed, deadline: args.deadline, poll_hint: args.poll_hint, reveal: args.reveal };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| fault(&error))?;
    let rooms = tempfile::tempdir().map_err(|error| fault(&error))?;
    let mut has_failed = false;
    for (at, scenario) in scenarios::all().enumerate() {
        let glob = |pattern: &String| {
            globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(scenario.id))
        };
        if (!args.only.is_empty() && !args.only.iter().any(glob)) || args.skip.iter().any(glob) {
            continue;
        }
        let room = rooms.path().join(format!("{at}"));
        let played = runtime.block_on(certify::play(exec, scenario, &settings, &room));
        has_failed |=
            played.found.iter().any(|found| matches!(found.verdict, Judged::By(Judgment::Failed(_))));
        say(&told(&played))?;
    }
    Ok(u8::from(has_failed))
}

fn told(played: &Played) -> String {
    let mut text = format!("{} ({} ms)\n", played.scenario.id, played.milliseconds);
    for found in &played.found {
        let verdict = match &found.verdict {
            Judged::By(Judgment::Passed) => "passed".to_owned(),
            Judged::By(Judgment::Failed(mismatch)) => format!("FAILED {mismatch}"),
            Judged::By(Judgment::NotExercised(why)) => format!("not exercised: {why}"),
            Judged::Unsupported(why) => format!("unsupported: {why}"),
            Judged::Error(why) => format!("error: {why}"),
        };
        let _ = writeln!(text, "  {:4} {:6} {verdict}", found.check.id, found.level);
    }
    text
}
