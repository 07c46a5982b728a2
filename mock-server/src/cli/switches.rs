//! `batchmock switches`

use std::process::ExitCode;

use batchmock::Switches;

use super::output::tell;

/// Lists the switches.
pub(super) fn run() -> ExitCode {
    tell!(
        "Where the evidence about the service contradicts itself, --switch NAME=VALUE chooses. Defaults first."
    );
    for switch in Switches::ALL {
        tell!("\n{}: {}", switch.name, switch.summary.trim());
        for (value, meaning) in switch.values {
            tell!("  {value:<16} {}", meaning.trim());
        }
    }
    ExitCode::SUCCESS
}
