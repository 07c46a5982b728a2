//! `batchmock env`

use std::process::ExitCode;

use batchmock::DEFAULT_KEY;
use clap::{Args, ValueEnum};

use super::control::DEFAULT_BASE_URL;
use super::exit::Failure;
use super::output::tell;

#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// The base URL of the mock.
    #[arg(long, value_name = "URL", default_value = DEFAULT_BASE_URL)]
    base_url: String,

    /// The key to use; each has a world of its own.
    #[arg(long, value_name = "KEY", default_value = DEFAULT_KEY)]
    api_key: String,

    /// The shell that reads the lines.
    #[arg(long, value_enum, default_value_t = Shell::Posix)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// For sh, bash and zsh: `eval "$(batchmock env)"`.
    Posix,
    /// `batchmock env --shell fish | source`
    Fish,
    /// `batchmock env --shell powershell | Invoke-Expression`
    Powershell,
}

/// Prints the lines.
pub(super) fn run(args: &EnvArgs) -> Result<ExitCode, Failure> {
    let variables =
        [("OPENAI_BASE_URL", "--base-url", &args.base_url), ("OPENAI_API_KEY", "--api-key", &args.api_key)];
    for (_, flag, value) in variables {
        Failure::unless_printable(flag, value)?;
    }
    for (name, _, value) in variables {
        tell!("{}", args.shell.set(name, value));
    }
    Ok(ExitCode::SUCCESS)
}

impl Shell {
    /// The line that sets and exports a variable. The shell takes the value as it is, whatever is in it.
    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Powershell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_inside_the_value() {
        assert_eq!(Shell::Posix.set("K", r"a'b\c"), r"export K='a'\''b\c'");
        assert_eq!(Shell::Fish.set("K", r"a'b\c"), r"set -gx K 'a\'b\\c'");
        assert_eq!(Shell::Powershell.set("K", r"a'b\c"), r"$env:K = 'a''b\c'");
    }
}
