//! Time: the only place that reads the clock of the system, or waits.
//!
//! A server with a control API (`/_mock/v1`, as batchmock has it) has a clock that can be moved, and then nothing waits.
//! For any other, cases ask again and again, within a limit.

#![expect(clippy::disallowed_methods, reason = "this is where the suite waits for servers, and nowhere else")]

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout_at};

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

    /// Waits between two looks: for so long, but not beyond the deadline; false if that has passed before.
    pub(crate) async fn wait(self, between: Duration) -> bool {
        let now = Instant::now();
        if now >= self.0 {
            return false;
        }
        sleep_until(self.0.min(now + between)).await;
        true
    }

    /// Waits for something, but not beyond the deadline.
    pub(crate) async fn limit<T>(self, something: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.0, something).await.ok()
    }

    /// Lets all of this time pass; false, and at once, if the deadline is before its end.
    pub(crate) async fn pass(self, duration: Duration) -> bool {
        let end = Instant::now() + duration;
        if end > self.0 {
            return false;
        }
        sleep_until(end).await;
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

/// Now, in seconds since 1970.
pub(crate) fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Today, in days since 1970, by UTC.
pub(crate) fn today() -> i64 {
    unix_now() / 86_400
}

/// The time of the system, in whole seconds since 1970: for webhooks, which receivers hold against theirs.
pub(crate) fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
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

#[cfg(test)]
mod tests {
    //! On the virtual clock of tokio: an hour takes no time.

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn looks_go_on_until_the_deadline_and_never_beyond() {
        let began = Instant::now();
        let deadline = Deadline::after(MINUTE * 5 / 2);
        let mut looks = Vec::new();
        while deadline.wait(MINUTE).await {
            looks.push(began.elapsed());
        }
        assert_eq!(looks, [MINUTE, MINUTE * 2, MINUTE * 5 / 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_not_waited_for_beyond_the_deadline() {
        let began = Instant::now();
        assert_eq!(Deadline::after(MINUTE).limit(std::future::pending::<()>()).await, None);
        assert_eq!(began.elapsed(), MINUTE);
        assert_eq!(Deadline::after(MINUTE).limit(std::future::ready(1)).await, Some(1));
        assert_eq!(began.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn time_passes_whole_or_not_at_all() {
        let began = Instant::now();
        let deadline = Deadline::after(MINUTE * 60);
        assert!(deadline.pass(MINUTE * 60).await);
        assert_eq!(began.elapsed(), MINUTE * 60);
        assert!(!deadline.pass(MINUTE).await);
        assert_eq!(began.elapsed(), MINUTE * 60, "what cannot pass is not waited for");
    }
}
