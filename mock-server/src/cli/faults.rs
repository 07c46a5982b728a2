//! `batchmock faults`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use batchmock::FaultPlan;
use clap::{Args, Subcommand};

use super::exit::Failure;
use super::output;

#[derive(Debug, Args)]
pub(super) struct FaultsArgs {
    #[command(subcommand)]
    command: FaultsCommand,
}

#[derive(Debug, Subcommand)]
enum FaultsCommand {
    /// Say whether files of faults are right, and how they were understood.
    Check {
        /// The files, in the order in which `--faults` would take them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of files of faults, for editors.
    Schema,
}

/// Does what was asked.
pub(super) fn run(args: FaultsArgs) -> Result<ExitCode, Failure> {
    match args.command {
        FaultsCommand::Schema => output::write(format_args!("{}", FaultPlan::SCHEMA)),
        FaultsCommand::Check { files } => {
            let mut plan = FaultPlan::default();
            for path in &files {
                plan.append(read_faults(path)?);
            }
            output::write(format_args!("{}", told(&plan)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(plan: &FaultPlan) -> String {
    let all = match plan.len() {
        0 => "There is no fault.\n".to_owned(),
        1 => "1 fault, and nothing is wrong with it.\n".to_owned(),
        n => format!("{n} faults, and nothing is wrong with them.\n"),
    };
    let each =
        plan.iter().zip(1..).map(|(rule, number)| format!("\nfault {number}, {}: {rule}\n", rule.kind()));
    std::iter::once(all).chain(each).collect()
}

/// Reads a file of faults.
pub(super) fn read_faults(path: &Path) -> Result<FaultPlan, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::file(format!("cannot read the faults in {shown}: {error}")))?;
    FaultPlan::from_toml(&text)
        .map_err(|error| Failure::file(format!("cannot understand the faults in {shown}: {error}")))
}
