//! `batchmock-conformance`: judges a server. See the library for what a verdict means.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
