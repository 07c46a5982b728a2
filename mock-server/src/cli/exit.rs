//! How the command ends.

use std::fmt::Display;
use std::process::ExitCode;

/// The exit codes, as the help shows them.
pub(super) const HELP: &str = "\
Exit codes: 0 success; 1 an unexpected failure; 2 wrong usage; 3 the address cannot be used;
4 a file, or the data directory, cannot be used; 5 no mock answers; 6 the mock refuses;
7 what was waited for has not happened.
`exec` exits as its command did: 126 if it cannot be run, 127 if it is not found, 128 + N if signal N ended it.";

/// Why the command ends without success.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// Something that should not happen.
    pub(super) fn internal(message: impl Display) -> Self {
        Self::new(1, message)
    }

    /// The command was told something that cannot be.
    pub(super) fn usage(message: impl Display) -> Self {
        Self::new(2, message)
    }

    /// Refuses what neither a header nor a line of a shell can hold. The message does not show it: it may be
    /// a key.
    pub(super) fn unless_printable(flag: &str, value: &str) -> Result<(), Self> {
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(())
        } else {
            Err(Self::usage(format!("{flag} takes printable ASCII characters without spaces, at least one")))
        }
    }

    /// The address is taken or not ours.
    pub(super) fn address(message: impl Display) -> Self {
        Self::new(3, message)
    }

    /// A file, or a directory, cannot be read or understood.
    pub(super) fn file(message: impl Display) -> Self {
        Self::new(4, message)
    }

    /// No mock answers.
    pub(super) fn unreachable(message: impl Display) -> Self {
        Self::new(5, message)
    }

    /// The mock refuses.
    pub(super) fn refused(message: impl Display) -> Self {
        Self::new(6, message)
    }

    /// What was waited for has not happened.
    pub(super) fn in_vain(message: impl Display) -> Self {
        Self::new(7, message)
    }

    /// The command that `exec` was to run cannot be run.
    pub(super) fn not_executable(message: impl Display) -> Self {
        Self::new(126, message)
    }

    /// The command that `exec` was to run is not there.
    pub(super) fn not_found(message: impl Display) -> Self {
        Self::new(127, message)
    }

    /// The same, with what came of it before the reason.
    pub(super) fn after(self, what: impl Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Tells the user.
    #[expect(clippy::print_stderr, reason = "the one place where failures are told")]
    pub(super) fn report(self) -> ExitCode {
        eprintln!("batchmock: {}", self.message);
        ExitCode::from(self.code)
    }

    /// Tells the user, and ends at once: for where nobody could take it further.
    pub(super) fn exit(self) -> ! {
        let code = self.code;
        self.report();
        std::process::exit(i32::from(code));
    }
}
