//! `batchmock exec`

use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use batchmock::DEFAULT_KEY;
use clap::Args;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::exit::Failure;
use super::log::{self, LogFormat};
use super::mock_args::MockArgs;
use super::replay_args::tell_problems;
use super::serve::base_url;
use super::webhook_args;

#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    /// The key to export.
    #[arg(long, value_name = "KEY", default_value = DEFAULT_KEY)]
    api_key: String,

    /// Log requests to standard error, in this form [default: no log].
    #[arg(long, value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,

    /// The command and its arguments. It finds `OPENAI_BASE_URL` and `OPENAI_API_KEY` in its environment, and
    /// `OPENAI_WEBHOOK_SECRET` if an endpoint is told when a batch ends.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,

    #[command(flatten)]
    mock: MockArgs,
}

/// Runs a command against a mock of its own.
pub(super) async fn run(args: ExecArgs) -> Result<ExitCode, Failure> {
    let config = args.mock.config()?;
    tell_problems(&config.recordings);
    let _log = args.log_format.map(log::start);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|error| Failure::address(format!("no port can be had: {error}")))?;
    let address = listener.local_addr().map_err(Failure::internal)?;
    let secret = webhook_args::secret(&config).map(|secret| secret.reveal().to_owned());
    let (running, stopped) = oneshot::channel::<()>();
    let stopped = async move {
        let _ = stopped.await;
    };
    // The listener is bound: what connects before the server runs is queued.
    let server = tokio::spawn(batchmock::serve(listener, config, Vec::new(), stopped, Duration::ZERO));

    let signals = Signals::listen()
        .map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))?;
    let (program, arguments) = args.command.split_first().expect("clap requires a command");
    let child = Command::new(program)
        .args(arguments)
        .env("OPENAI_BASE_URL", base_url(address))
        .env("OPENAI_API_KEY", args.api_key)
        .env("NO_PROXY", no_proxy("NO_PROXY"))
        .env("no_proxy", no_proxy("no_proxy"))
        .envs(secret.map(|secret| ("OPENAI_WEBHOOK_SECRET", secret)))
        .spawn()
        .map_err(|error| spawn_failure(program, &error))?;
    let status = signals
        .pass_on_to(child)
        .await
        .map_err(|error| Failure::internal(format!("lost the command: {error}")))?;
    drop(running);
    match server.await {
        Ok(Ok(())) => Ok(exit_code(status)),
        Ok(Err(error)) => Err(Failure::internal(format!("cannot serve: {error}"))),
        Err(error) => Err(Failure::internal(format!("the mock broke off: {error}"))),
    }
}

/// The signals that are for the command, not for the mock. They are listened for before the command starts,
/// so that none ends the mock and leaves the command behind.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the command. It gets Ctrl-C from the terminal itself; a request to terminate is passed on.
    #[cfg(unix)]
    async fn pass_on_to(mut self, mut child: Child) -> io::Result<ExitStatus> {
        use rustix::process::{Pid, Signal, kill_process};

        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        loop {
            tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {
                    // A command that has ended in this moment needs no signal.
                    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
                }
            }
        }
    }

    /// Waits for the command.
    #[cfg(not(unix))]
    async fn pass_on_to(self, mut child: Child) -> io::Result<ExitStatus> {
        child.wait().await
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// A proxy would not find the mock: its loopback is another machine's.
fn no_proxy(name: &str) -> OsString {
    let mut hosts = OsString::from("127.0.0.1");
    if let Some(others) = std::env::var_os(name).filter(|others| !others.is_empty()) {
        hosts.push(",");
        hosts.push(others);
    }
    hosts
}

fn spawn_failure(program: &OsString, error: &io::Error) -> Failure {
    let program = program.display();
    if error.kind() == io::ErrorKind::NotFound {
        Failure::not_found(format!("there is no command `{program}`"))
    } else {
        Failure::not_executable(format!("cannot run `{program}`: {error}"))
    }
}
