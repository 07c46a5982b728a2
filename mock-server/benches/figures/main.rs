//! The figures of the README's performance section, measured in one run on one machine.
//!
//! `cargo bench --bench figures` prints them, and `-- retrieve lists` after it only some. What can be a ratio is one: the mock against the least that could do the same
//! work, both measured here and now, since machines differ and are noisy.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are printed")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

mod field;
mod load;
mod process;
mod sections;
mod transfer;

use std::process::ExitCode;

/// With this argument the program is the server that the mock is compared with.
const CONSTANT_SERVER: &str = "constant-server";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == CONSTANT_SERVER) {
        let answer = serde_json::from_str(&arguments[place + 1]).expect("the measurement wrote it");
        load::serve_constant(answer).await;
        return ExitCode::SUCCESS;
    }
    // The first argument is the program; cargo adds flags of its own.
    let names: Vec<_> = arguments[1..].iter().filter(|name| !name.starts_with('-')).cloned().collect();
    let measured = match names.split_first() {
        Some((section, others)) if section == "field" => field::run(others).await,
        _ => sections::run(&names).await,
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the measurement broke off: {error}");
            ExitCode::FAILURE
        }
    }
}
