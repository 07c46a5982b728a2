//! `batchmock switches`

use std::process::ExitCode;

use batchmock::Switches;

/// Lists the switches.
#[expect(clippy::print_stdout, reason = "the list is the command's data")]
pub(super) fn run() -> ExitCode {
    println!(
        "Where the evidence about the service contradicts itself, --switch NAME=VALUE chooses. Defaults first."
    );
    for switch in Switches::ALL {
        println!("\n{}: {}", switch.name, switch.summary.trim());
        for (value, meaning) in switch.values {
            println!("  {value:<16} {}", meaning.trim());
        }
    }
    ExitCode::SUCCESS
}
