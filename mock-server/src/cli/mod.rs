//! The command line: what can be said, and where it leads.

mod clock;
mod control;
mod demo;
mod env;
mod exec;
mod exit;
mod faults;
mod journal;
mod limit_args;
mod lines;
mod log;
mod mock_args;
mod output;
mod replay_args;
mod scenarios;
mod serve;
mod switches;
mod wait;
mod webhook_args;
mod webhooks;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use exit::Failure;

/// A local fake of the OpenAI Files and Batches API, on a clock you control.
///
/// Without a command it serves. Any client is pointed at it by base URL and key alone.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until interrupted (the default).
    Serve(Box<serve::ServeArgs>),
    /// Start a mock on a free port, run a command against it, stop, and exit as the command did.
    Exec(Box<exec::ExecArgs>),
    /// Print the lines that point the programs of a shell at a running mock.
    Env(env::EnvArgs),
    /// Wait until a mock takes requests.
    Wait(wait::WaitArgs),
    /// Show the clock of a running mock, or move it.
    Clock(clock::ClockArgs),
    /// Show what happened in a running mock: requests, what became of batches and files, mistakes of clients.
    Journal(journal::JournalArgs),
    /// Write the world of a key to a file: files, batches, clock and all else.
    Export(world::ExportArgs),
    /// Let the world in such a file take the place of that of a key.
    Import(world::ImportArgs),
    /// Check rules for lines, and try them out.
    Lines(lines::LinesArgs),
    /// List scenarios, and show what happens in them.
    Scenarios(scenarios::ScenariosArgs),
    /// Check files of faults.
    Faults(faults::FaultsArgs),
    /// List what `--switch` can switch, with what speaks for each value.
    Switches,
    /// Receive webhooks, and tell what each is worth.
    Webhooks(webhooks::WebhooksArgs),
    /// Play a whole batch, then an expired one, and tell what happens.
    Demo,
}

/// Reads the command line, does what it says, and tells how it went.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::internal(format!("could not start: {error}")).report(),
    };
    let done = runtime.block_on(async {
        match cli.command {
            None => serve::run(cli.serve).await,
            Some(Command::Serve(args)) => serve::run(*args).await,
            Some(Command::Exec(args)) => exec::run(*args).await,
            Some(Command::Env(args)) => env::run(&args),
            Some(Command::Wait(args)) => wait::run(&args).await,
            Some(Command::Clock(args)) => clock::run(args).await,
            Some(Command::Journal(args)) => journal::run(args).await,
            Some(Command::Export(args)) => world::export(args).await,
            Some(Command::Import(args)) => world::import(args).await,
            Some(Command::Lines(args)) => lines::run(args),
            Some(Command::Scenarios(args)) => scenarios::run(args).await,
            Some(Command::Faults(args)) => faults::run(args),
            Some(Command::Switches) => Ok(switches::run()),
            Some(Command::Webhooks(args)) => webhooks::run(args).await,
            Some(Command::Demo) => demo::run().await,
        }
    });
    // What still writes to the disk may take a moment; nothing waits for it longer than this.
    runtime.shutdown_timeout(Duration::from_secs(2));
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
