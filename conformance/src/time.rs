//! Time: the only place that reads the clock of the system, or waits.
//!
//! A server with a control API (`/_mock/v1`, as batchmock has it) has a clock that can be moved, and then nothing waits.
//! For any other, cases ask again and again, within a limit.

#![expect(clippy::disallowed_methods, reason = "this is where the suite waits for servers, and nowhere else")]

use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use tokio::process::Command;

/// How a server's time passes.
#[derive(Debug, Clone)]
pub(crate) enum Time {
    /// It is moved: the root of the control API.
    Control(String),
    /// It is waited for.
    Wall {
        /// How long between two looks.
        every: Duration,
        /// The longest that a case waits.
        at_most: Duration,
        /// A program that brings about what else would be waited for. It gets the status and the id of a batch.
        bring_about: Option<String>,
    },
}

/// Until when is waited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

/// A time that is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Deadline {
    /// So far from now.
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// Waits for so long; false if the deadline has passed before.
    pub(crate) async fn wait(self, duration: Duration) -> bool {
        if Instant::now() >= self.0 {
            return false;
        }
        tokio::time::sleep(duration).await;
        true
    }
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Today, in days since 1970, by UTC.
pub(crate) fn today() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / 86_400).unwrap_or(i64::MAX)
}

/// Runs a program that brings a status of a batch about.
///
/// # Errors
///
/// If it cannot be run or says that it failed.
pub(crate) async fn bring_about(program: &str, status: &str, batch: &str) -> Result<(), String> {
    let ended = Command::new(program)
        .args([status, batch])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .await
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if ended.success() { Ok(()) } else { Err(format!("`{program} {status} {batch}` ended with {ended}")) }
}
