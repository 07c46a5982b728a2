//! The command `batchmock-client`: see `batchmock-client --help`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
