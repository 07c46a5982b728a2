//! How the command ends.

use std::fmt::Display;
use std::process::ExitCode;

use batchmock_client::{Error, Summary, types::Batch, types::BatchStatus};

use super::output::{NAME, talk};

/// The exit codes, as the help shows them.
pub(super) const HELP: &str = "\
Exit codes: 0 success; 1 some lines failed; 2 wrong usage, or a file of this machine cannot be used;
3 the input is rejected, nothing was sent; 4 a batch expired, was cancelled or failed, or has not ended in time;
5 the service cannot be reached, or refuses; 130 interrupted.

Data goes to standard output, all else to standard error.

Environment: OPENAI_API_KEY is the key, OPENAI_BASE_URL where the API is, OPENAI_ORG_ID and OPENAI_PROJECT_ID for
whom requests are, as the official packages read them.";

const SUCCESS: u8 = 0;
pub(super) const SOME_FAILED: u8 = 1;
const USAGE: u8 = 2;
pub(super) const REJECTED: u8 = 3;
pub(super) const ENDED_OTHERWISE: u8 = 4;
const SERVICE: u8 = 5;
const INTERRUPTED: u8 = 130;

/// Why the command ends without success.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
    /// Whether an answer broke off.
    is_cut: bool,
}

impl Failure {
    fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string(), is_cut: false }
    }

    /// The command was told something that cannot be, or a file cannot be used.
    pub(super) fn usage(message: impl Display) -> Self {
        Self::new(USAGE, message)
    }

    /// The input is not what it should be.
    pub(super) fn rejected(message: impl Display) -> Self {
        Self::new(REJECTED, message)
    }

    /// A batch ended otherwise than completed.
    pub(super) fn ended_otherwise(message: impl Display) -> Self {
        Self::new(ENDED_OTHERWISE, message)
    }

    /// The user wants no more.
    pub(super) fn interrupted(message: impl Display) -> Self {
        Self::new(INTERRUPTED, message)
    }

    /// A file cannot be read or written.
    pub(super) fn file(path: &std::path::Path, error: impl Display) -> Self {
        Self::usage(format!("{}: {error}", path.display()))
    }

    /// The same, with what can be done.
    pub(super) fn with(self, hint: impl Display) -> Self {
        Self { message: format!("{}; {hint}", self.message), ..self }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// What the user is told.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether an answer broke off, so that another attempt may bring the whole.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Tells the user.
    pub(super) fn report(self) -> ExitCode {
        talk!("{NAME}: {}", self.message);
        ExitCode::from(self.code)
    }

    /// Tells the user, and ends at once: for where nobody could take it further.
    pub(super) fn exit(self) -> ! {
        let code = self.code;
        self.report();
        std::process::exit(i32::from(code));
    }
}

/// What the library fails with, by what the user can do about it.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = if error.is_input() {
            REJECTED
        } else if error.is_deadline() {
            ENDED_OTHERWISE
        } else if error.is_settings() || error.is_io() || error.is_journal() {
            USAGE
        } else {
            SERVICE
        };
        Self { is_cut: error.is_cut(), ..Self::new(code, error) }
    }
}

/// What a run came to: a line that failed is another thing than one whose batch did not get to it.
pub(super) fn of_summary(summary: &Summary) -> u8 {
    let refused = summary.batches.iter().any(|batch| batch.status == BatchStatus::Failed);
    if summary.is_success() {
        SUCCESS
    } else if refused || summary.expired + summary.cancelled + summary.missing > 0 {
        ENDED_OTHERWISE
    } else {
        SOME_FAILED
    }
}

/// How a batch ended.
pub(super) fn of_batch(batch: &Batch) -> ExitCode {
    if batch.status != BatchStatus::Completed {
        ExitCode::from(ENDED_OTHERWISE)
    } else if batch.request_counts.is_some_and(|counts| counts.failed > 0) {
        ExitCode::from(SOME_FAILED)
    } else {
        ExitCode::SUCCESS
    }
}
