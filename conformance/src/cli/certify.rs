//! `certify`.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use batchmock_conformance::client::attach::Attached;
use batchmock_conformance::client::certificate::{self, Certificate, CertificateError};
use batchmock_conformance::client::certify::{self, Played, Settings};
use batchmock_conformance::client::choice::{self, Choice};
use batchmock_conformance::client::drive::{self, Driver, Exec, Stdio};
use batchmock_conformance::client::{account, explaining, report, task};

use super::args::{CertifyArgs, CertifyCommand, SchemaArg};
use super::show::Show;
use super::{Failure, complain, fault, reports, say, usage};

pub(super) fn certify(command: &CertifyCommand) -> Result<u8, Failure> {
    match command {
        CertifyCommand::Exec { name, common, command } => {
            let exec = Exec::new(command, &here()?).ok_or_else(|| usage("give a command behind `--`"))?;
            judge(common, Driver::Exec(exec), name.as_deref(), command)
        }
        CertifyCommand::Stdio { name, common, command } => {
            let stdio = Stdio::new(command, &here()?).ok_or_else(|| usage("give a command behind `--`"))?;
            judge(common, Driver::Stdio(stdio), name.as_deref(), command)
        }
        CertifyCommand::Attach { name, directory, common } => attach(common, name, directory),
        CertifyCommand::List { only, skip } => list(only, skip),
        CertifyCommand::Explain { id } => explain(id),
        CertifyCommand::Verify { file, key } => verify(file, key.as_deref()),
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

fn explain(id: &str) -> Result<u8, Failure> {
    let text = explaining::text(id).ok_or_else(|| {
        let nearest = choice::nearest(id).map(|id| format!("; the nearest is `{id}`")).unwrap_or_default();
        usage(format!("there is no scenario and no check `{id}`{nearest}"))
    })?;
    say(&text)?;
    Ok(0)
}

/// Exits with 0 for a certificate that can be believed and that certifies, and with 1 for any other.
fn verify(file: &Path, key: Option<&Path>) -> Result<u8, Failure> {
    let text = read(file)?;
    let key = key.map(read).transpose()?;
    match Certificate::verified(&text, key.as_deref()) {
        Ok((certificate, signer)) => {
            say(&format!(
                "{}\n{}\njudged by {}, seed {}, report {}\nsigned with {signer}\n",
                certificate.subject,
                certificate.standing,
                certificate.suite,
                certificate.seed,
                certificate.report_sha256
            ))?;
            Ok(u8::from(!certificate.certified))
        }
        Err(error @ CertificateError::Key(_)) => Err(usage(error.to_string())),
        Err(error) => Err(Failure { code: 1, message: format!("{}: {error}", file.display()) }),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| usage(format!("{} cannot be read: {error}", file.display())))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| fault(format!("{} cannot be written: {error}", file.display())))
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| fault(error.to_string()))
}

/// What was chosen, and how it is to be played.
fn chosen(args: &CertifyArgs) -> Result<(Choice, Settings), Failure> {
    reports::can_go_out(&args.report)?;
    let choice = Choice::new(&args.only, &args.skip).map_err(|error| usage(error.to_string()))?;
    let settings = Settings {
        seed: args.seed,
        deadline: args.deadline,
        poll_hint: args.poll_hint,
        reveal: args.reveal,
        jobs: args.jobs,
    };
    Ok((choice, settings))
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| fault(format!("no threads can be had: {error}")))
}

fn judge(
    args: &CertifyArgs,
    client: Driver,
    name: Option<&str>,
    command: &[OsString],
) -> Result<u8, Failure> {
    let (choice, settings) = chosen(args)?;
    let rooms = tempfile::tempdir().map_err(|error| fault(error.to_string()))?;
    let client = Arc::new(client);
    let played = runtime()?.block_on(async {
        let show = Show::of_scenarios(args.progress, choice.scenarios().count());
        let played =
            certify::all(&client, &choice, &settings, rooms.path(), |played| show.played(played)).await;
        drop(show);
        client.stop().await;
        played
    });
    let name = name.map(str::to_owned).or_else(|| client.name()).unwrap_or_else(|| named(command));
    tell(args, &name, &played)
}

fn attach(args: &CertifyArgs, name: &str, directory: &Path) -> Result<u8, Failure> {
    let (choice, settings) = chosen(args)?;
    let played = runtime()?.block_on(async {
        let attached = Attached::set_up(&choice, &settings, directory).await.map_err(|error| {
            fault(format!("nothing can be written below {}: {error}", directory.display()))
        })?;
        complain(&format!("point the program at each of these, then press Enter\n{}", attached.table()));
        let done = async {
            // Its end is as good as a line, and so is its want.
            let line = || std::io::stdin().read_line(&mut String::new());
            let _ = tokio::task::spawn_blocking(line).await;
        };
        Ok(attached.judged(done).await)
    })?;
    tell(args, name, &played)
}

fn tell(args: &CertifyArgs, name: &str, played: &[Played]) -> Result<u8, Failure> {
    let report = report::report(name, args.level.into(), played);
    reports::tell(&report, &args.report)?;
    if let Some(file) = &args.badge {
        write(file, &certificate::badge(&report))?;
    }
    if let (Some(file), Some(key_file)) = (&args.certificate, &args.sign_with) {
        let key = read(key_file)?;
        let signed = Certificate::of(&report, args.seed).signed(&key);
        write(file, &signed.map_err(|error| usage(format!("{}: {error}", key_file.display())))?)?;
    }
    Ok(report.conclusion().exit_code())
}
