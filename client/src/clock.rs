//! Time, as the client needs it: how long something has lasted, what the date is, and waiting.
//!
//! All waiting between requests goes through [`Time`], so tests and simulations of a day take no time. Timeouts
//! of the network are not told by it: they are about real sockets.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A wait that ends.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a client learns the time, and waits.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use batchmock_client::{Sleep, Time};
///
/// /// A clock that is moved by waiting, and so never lets anybody wait.
/// #[derive(Debug, Default)]
/// struct Jumping(Mutex<Duration>);
///
/// impl Time for Jumping {
///     fn elapsed(&self) -> Duration {
///         *self.0.lock().expect("nobody panics with it")
///     }
///
///     fn unix_time(&self) -> Duration {
///         Duration::from_secs(1_767_225_600) + self.elapsed()
///     }
///
///     fn sleep(&self, duration: Duration) -> Sleep {
///         *self.0.lock().expect("nobody panics with it") += duration;
///         Box::pin(async {})
///     }
/// }
/// ```
pub trait Time: fmt::Debug + Send + Sync {
    /// How long ago something was that does not change; never goes back.
    fn elapsed(&self) -> Duration;

    /// The time since 1970 in UTC, to hold dates of servers against.
    fn unix_time(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The time of the system; what a client uses unless it is given another.
#[derive(Debug, Clone, Copy)]
pub struct RealTime {
    started: Instant,
}

impl Default for RealTime {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Time for RealTime {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn unix_time(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits between requests")]
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
