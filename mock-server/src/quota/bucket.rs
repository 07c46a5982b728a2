//! How much of a rate is used: a bucket that leaks.
//!
//! What was taken comes free evenly, as much in a period as the limit. That is how the numbers of a recorded refusal add
//! up: limit 50,000 a minute, used 47,949, requested 3,006, try again in 1.146 s (F-035).

use std::time::Duration;

use crate::sim::Timestamp;

/// So much in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How much.
    pub(crate) limit: u64,
    /// In which time.
    pub(crate) period: Duration,
}

/// What is used of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// What was used then, times the milliseconds of the period, so that no millisecond is lost to rounding.
    used: u64,
    at: Timestamp,
}

/// How full a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// How much it takes.
    pub(crate) limit: u64,
    /// How much of that is used, rounded up.
    pub(crate) used: u64,
    /// When it will be empty, if nothing more is taken; rounded down, as recorded (F-009).
    pub(crate) resets_in: Duration,
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// How much may be used.
    pub(crate) limit: u64,
    /// How much is.
    pub(crate) used: u64,
    /// How much more was asked for.
    pub(crate) requested: u64,
    /// When there will be so much; never if it is more than the limit.
    pub(crate) free_in: Option<Duration>,
}

impl Rate {
    fn period_ms(self) -> u64 {
        u64::try_from(self.period.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// How long it takes until so much, times the milliseconds of the period, has come free.
    fn time_for(self, scaled: u64) -> Option<Duration> {
        (self.limit > 0).then(|| Duration::from_millis(scaled.div_ceil(self.limit)))
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self { used: 0, at: Timestamp::from_unix_millis(0) }
    }
}

impl Bucket {
    /// A bucket as it was, from its [parts](Self::parts).
    pub(crate) fn known(used: u64, at: Timestamp) -> Self {
        Self { used, at }
    }

    /// What it is made of, to be kept.
    pub(crate) fn parts(self) -> (u64, Timestamp) {
        (self.used, self.at)
    }

    /// Whether nothing was ever taken.
    pub(crate) fn is_new(self) -> bool {
        self == Self::default()
    }

    /// Whether so much could be taken now.
    pub(crate) fn check(self, n: u64, rate: Rate, now: Timestamp) -> Result<(), Exceeded> {
        let used = self.used_at(rate, now);
        let wanted = used.saturating_add(n.saturating_mul(rate.period_ms()));
        let most = rate.limit.saturating_mul(rate.period_ms());
        if wanted <= most {
            return Ok(());
        }
        Err(Exceeded {
            limit: rate.limit,
            used: used.div_ceil(rate.period_ms()),
            requested: n,
            free_in: if n > rate.limit { None } else { rate.time_for(wanted - most) },
        })
    }

    /// Takes so much, which may be more than there is.
    pub(crate) fn take(&mut self, n: u64, rate: Rate, now: Timestamp) {
        let used = self.used_at(rate, now).saturating_add(n.saturating_mul(rate.period_ms()));
        *self = Self { used, at: now.max(self.at) };
    }

    /// How full it is.
    pub(crate) fn level(self, rate: Rate, now: Timestamp) -> Level {
        let used = self.used_at(rate, now);
        Level {
            limit: rate.limit,
            used: used.div_ceil(rate.period_ms()),
            resets_in: Duration::from_millis(used.checked_div(rate.limit).unwrap_or(0)),
        }
    }

    fn used_at(self, rate: Rate, now: Timestamp) -> u64 {
        let passed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.used.saturating_sub(passed.saturating_mul(rate.limit))
    }
}

impl Level {
    /// How full a bucket is that was empty before so much was taken.
    pub(crate) fn after(n: u64, rate: Rate, now: Timestamp) -> Self {
        let mut bucket = Bucket::default();
        bucket.take(n, rate, now);
        bucket.level(rate, now)
    }

    /// How much is left.
    pub(crate) fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}
