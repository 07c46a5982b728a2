//! `batchmock wait`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::Method;

use super::control::TargetArgs;
use super::exit::Failure;
use super::mock_args::duration;

/// How long it takes breath between two attempts.
const INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(super) struct WaitArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// How long to wait before giving up, such as `30s`.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    timeout: Duration,
}

/// Waits until the mock is ready.
#[expect(clippy::disallowed_methods, reason = "another process is waited for, in wall time")]
pub(super) async fn run(args: &WaitArgs) -> Result<ExitCode, Failure> {
    // No waiting makes it better.
    Failure::unless_printable("--api-key", &args.target.api_key)?;
    let mut last = None;
    let ready = async {
        loop {
            match args.target.ask(Method::GET, "/ready", None).await {
                Ok(_) => return,
                Err(failure) => last = Some(failure),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    if tokio::time::timeout(args.timeout, ready).await.is_ok() {
        return Ok(ExitCode::SUCCESS);
    }
    let silent = || Failure::unreachable(format!("nobody has answered at {} yet", args.target.base_url));
    let waited = humantime::format_duration(args.timeout);
    Err(last.unwrap_or_else(silent).after(format!("gave up after {waited}")))
}
