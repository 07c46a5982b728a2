//! `run` and `resume`: a file of requests in, a file of results out.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use batchmock_client::{Limits, RunFile, RunOptions, run as library};
use clap::Args;

use super::check::EndpointArgs;
use super::exit::{self, Failure};
use super::output::NAME;
use super::service::{ServiceArgs, at_least_one, pair};
use super::show::{Show, ShowArgs};
use super::whole::ForceArgs;
use super::{batches, check};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The file of requests, one JSON object a line.
    input: PathBuf,

    /// Where the results go; nothing is there until they are whole. A run that was ended before goes on.
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,

    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The output of the run that was ended.
    output: PathBuf,

    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, Args)]
struct HowArgs {
    /// In how many batches a request may be, if it is missing, expired, or failed in a way that may pass.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,

    /// How many batches may run at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    batches: usize,

    /// How many tokens may be waiting or running at once, as the limits of your account say.
    #[arg(long, value_name = "N")]
    enqueued_tokens: Option<u64>,

    /// Attaches something to every batch; can be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,

    /// Deletes inputs and results from the service when the results are here.
    #[arg(long)]
    delete_files: bool,

    #[command(flatten)]
    endpoints: EndpointArgs,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let RunArgs { input, output, force, how } = args;
    allow(&output, force)?;
    go(&input, &output, force, how).await
}

pub(super) async fn resume(args: ResumeArgs) -> Result<ExitCode, Failure> {
    let Some(unfinished) = library::unfinished(&args.output)? else {
        let output = args.output.display();
        return Err(Failure::usage(format!(
            "there is no run of {output} to go on with: beside it should be {}; begin one with `{NAME} run`",
            library::journal_of(&args.output).display(),
        )));
    };
    go(&unfinished.input, &args.output, ForceArgs { force: false }, args.how).await
}

/// Refuses an output that is there, unless it is to be overwritten, or is that of a run that had all but ended.
pub(super) fn allow(output: &Path, force: ForceArgs) -> Result<(), Failure> {
    if library::journal_of(output).exists() { Ok(()) } else { force.allow(output) }
}

async fn go(input: &Path, output: &Path, force: ForceArgs, how: HowArgs) -> Result<ExitCode, Failure> {
    let HowArgs { max_attempts, batches, enqueued_tokens, metadata, delete_files, endpoints, show, service } =
        how;
    let EndpointArgs { any_endpoint } = endpoints;
    let client = service.client()?;
    let limits = Limits { batches, enqueued_tokens, ..Limits::default() };
    let options = RunOptions { limits, any_endpoint, max_attempts, delete_files, metadata };
    let run = client.run_file(input, output).options(options);
    let run = if force.force { run.overwrite() } else { run };
    shown(run, input, output, show).await
}

/// Runs, shows it, and tells how it ended.
pub(super) async fn shown(
    run: RunFile<'_>,
    input: &Path,
    output: &Path,
    show: ShowArgs,
) -> Result<ExitCode, Failure> {
    let mut show = Show::new(show);
    let run = run.on_progress(|progress| {
        show.progress(progress);
        ControlFlow::Continue(())
    });
    let ended = tokio::select! {
        // First, so that it is listened for before anything is done.
        biased;
        () = batches::interrupt() => None,
        ended = run => Some(ended),
    };
    show.end();
    let (failure, problems) = match ended {
        Some(Ok(summary)) => {
            let code = exit::of_summary(&summary);
            show.summary(&summary, code);
            return Ok(ExitCode::from(code));
        }
        Some(Err(error)) if error.is_input() => {
            let problems = error.problems().to_owned();
            (check::failure(input, error), problems)
        }
        Some(Err(error)) => {
            let failure = Failure::from(error);
            (if let Some(hint) = hint(output) { failure.with(hint) } else { failure }, Vec::new())
        }
        None => {
            let left = hint(output).unwrap_or_else(|| without_a_run(output));
            (Failure::interrupted(format!("interrupted; {left}")), Vec::new())
        }
    };
    show.failure(&failure, &problems);
    Err(failure)
}

/// What is to be said where no run can be gone on with: it had not begun, had just ended, or cannot be read.
fn without_a_run(output: &Path) -> String {
    let journal = library::journal_of(output);
    if journal.exists() {
        format!("what was sent cannot be told from {}", journal.display())
    } else if output.exists() {
        format!("{} is there, whole", output.display())
    } else {
        "nothing was sent".to_owned()
    }
}

/// How to go on, if there is something to go on with.
fn hint(output: &Path) -> Option<String> {
    let unfinished = library::unfinished(output).ok().flatten()?;
    let running = match unfinished.running.len() {
        0 => "no batch runs".to_owned(),
        1 => format!("{} goes on", unfinished.running[0]),
        number => format!("{number} batches go on"),
    };
    Some(format!("{running}; go on with `{NAME} resume {}`", output.display()))
}
