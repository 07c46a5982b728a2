//! The command line: what can be said, and where it leads.

mod batches;
mod check;
mod exit;
mod files;
mod make;
mod output;
mod results;
mod run;
mod service;
mod shells;
mod show;
mod submit;
mod whole;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use exit::Failure;

/// A client of the OpenAI Files and Batches API that gets every ending right.
///
/// `run` does all of it: a file of requests in, a file of results out, in the same order.
#[derive(Debug, Parser)]
#[command(name = output::NAME, version, after_help = exit::HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the requests of a file and write their results, in their order; go on with a run that was ended.
    Run(run::RunArgs),
    /// Go on with a run that was ended, by its output alone.
    ///
    /// What was done is kept; how the rest is done, as with which metadata, is to be said again.
    Resume(run::ResumeArgs),
    /// Check a file of requests before anything is sent.
    Check(check::CheckArgs),
    /// Upload a file of requests, create a batch of it, and print the batch's id.
    Submit(submit::SubmitArgs),
    /// Show a batch.
    Status(batches::StatusArgs),
    /// Wait until a batch has ended, and show it.
    Watch(batches::StatusArgs),
    /// Fetch the results of a batch, joined with its input.
    Results(results::ResultsArgs),
    /// Cancel a batch: what is done by then is kept.
    Cancel(batches::StatusArgs),
    /// List batches, newest first.
    List(batches::ListArgs),
    /// Upload, list, show, download and delete files.
    Files(files::FilesArgs),
    /// Make a file of requests from a template and rows of CSV or JSONL.
    Make(make::MakeArgs),
    /// Print what completes commands in a shell.
    Completions(shells::CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    Man(shells::ManArgs),
}

/// Reads the command line, does what it says, and tells how it went.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::usage(format!("could not start: {error}")).report(),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Run(args) => run::run(args).await,
            Command::Resume(args) => run::resume(args).await,
            Command::Check(args) => check::run(&args),
            Command::Submit(args) => batches::until_interrupted(submit::run(args)).await,
            Command::Status(args) => batches::until_interrupted(batches::status(&args)).await,
            Command::Watch(args) => batches::watch(&args).await,
            Command::Results(args) => results::run(args).await,
            Command::Cancel(args) => batches::until_interrupted(batches::cancel(&args)).await,
            Command::List(args) => batches::until_interrupted(batches::list(&args)).await,
            Command::Files(args) => batches::until_interrupted(files::run(args)).await,
            Command::Make(args) => make::run(&args),
            Command::Completions(args) => Ok(shells::completions(&args)),
            Command::Man(args) => shells::man(&args),
        }
    });
    // A run that was interrupted may be reading on a thread of its own; nothing waits for it longer than this.
    runtime.shutdown_timeout(Duration::from_millis(100));
    done.unwrap_or_else(Failure::report)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_hold_together() {
        super::Cli::command().debug_assert();
    }
}
