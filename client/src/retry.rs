//! Which failures are worth another attempt, and after how long. No I/O, no clock: only decisions.

use std::time::Duration;

use rand::{Rng, RngExt};

/// How often and how patiently requests are repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many attempts follow the first, at most.
    pub max_retries: u32,
    /// About how long the first pause is; each further one is twice as long.
    pub first_pause: Duration,
    /// How long a pause grows, unless the service asks for more.
    pub longest_pause: Duration,
    /// How long a pause the service may ask for. Where it asks for more, the request fails, and the error tells the
    /// time in [`retry_after`](crate::Error::retry_after).
    pub longest_asked: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(8),
            longest_asked: Duration::from_mins(2),
        }
    }
}

/// Whether a request may be sent again without knowing what became of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice is the same as sending it once.
    Freely,
    /// It makes something, so only if the service cannot have taken it.
    IfNotTaken,
}

/// What is known of an attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How it failed.
    pub kind: FailureKind,
    /// The code in the service's answer.
    pub code: Option<String>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// What the service says about another attempt (`x-should-retry`).
    pub should_retry: Option<bool>,
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Nothing left this machine.
    NotSent,
    /// It was sent, and no whole answer came.
    Unanswered,
    /// An answer came that makes no sense.
    Unreadable,
    /// The service answered with this status.
    Status(u16),
    /// This machine is at fault.
    Local,
}

impl Failure {
    /// Whether it may pass: the next attempt can find the service as it was before.
    pub fn is_transient(&self) -> bool {
        if let Some(should_retry) = self.should_retry {
            return should_retry;
        }
        match self.kind {
            FailureKind::NotSent | FailureKind::Unanswered | FailureKind::Unreadable => true,
            FailureKind::Status(429) => !self.code.as_deref().is_some_and(is_permanent_code),
            FailureKind::Status(status) => status == 408 || status >= 500,
            FailureKind::Local => false,
        }
    }

    /// Whether the service may have done what was asked.
    fn may_be_taken(&self) -> bool {
        match self.kind {
            FailureKind::Unanswered | FailureKind::Unreadable => true,
            FailureKind::Status(status) => status >= 500,
            FailureKind::NotSent | FailureKind::Local => false,
        }
    }
}

impl RetryPolicy {
    /// After how long to try again; `None` if that is of no use. `retries` counts those that were made already.
    pub fn pause(
        &self,
        repeat: Repeat,
        retries: u32,
        failure: &Failure,
        rng: &mut impl Rng,
    ) -> Option<Duration> {
        let harmless = repeat == Repeat::Freely || !failure.may_be_taken();
        if retries >= self.max_retries || !harmless || !failure.is_transient() {
            return None;
        }
        match failure.retry_after {
            Some(asked) if asked > self.longest_asked => None,
            // Never earlier than asked, and not all clients at the same moment.
            Some(asked) => Some(asked + asked.mul_f64(rng.random_range(0.0..0.1))),
            None => Some(jittered(self.first_pause, self.longest_pause, retries, rng)),
        }
    }
}

/// A pause that doubles from attempt to attempt up to a limit, drawn between next to nothing and that ("full
/// jitter"), so that clients that failed together do not come back together.
pub(crate) fn jittered(first: Duration, longest: Duration, retries: u32, rng: &mut impl Rng) -> Duration {
    let whole = first.saturating_mul(1_u32.checked_shl(retries).unwrap_or(u32::MAX)).min(longest);
    whole.mul_f64(rng.random_range(0.1..=1.0))
}

/// Codes of status 429 that no waiting mends.
pub(crate) fn is_permanent_code(code: &str) -> bool {
    matches!(code, "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active")
}

/// How long headers ask to wait: `retry-after-ms` first, then `retry-after`, as seconds or as a date (F-041). What
/// cannot be read, and what lies in the past, asks for nothing.
pub fn asked_pause(
    retry_after_ms: Option<&str>,
    retry_after: Option<&str>,
    unix_time: Duration,
) -> Option<Duration> {
    let millis = retry_after_ms.and_then(|text| text.trim().parse::<f64>().ok()).map(|millis| millis / 1e3);
    let seconds = || retry_after.and_then(|text| text.trim().parse::<f64>().ok());
    if let Some(seconds) = millis.or_else(seconds) {
        return Duration::try_from_secs_f64(seconds).ok().filter(|asked| !asked.is_zero());
    }
    let date = httpdate::parse_http_date(retry_after?.trim()).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    date.checked_sub(unix_time).filter(|asked| !asked.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, code: None, retry_after: None, should_retry: None }
    }

    fn pause(repeat: Repeat, retries: u32, failure: &Failure) -> Option<Duration> {
        RetryPolicy::default().pause(repeat, retries, failure, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
        let retried = |kind| pause(Repeat::Freely, 0, &failure(kind)).is_some();
        for status in [408, 429, 500, 502, 503, 504, 529] {
            assert!(retried(FailureKind::Status(status)), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 413, 422] {
            assert!(!retried(FailureKind::Status(status)), "{status}");
        }
        assert!(retried(FailureKind::NotSent) && retried(FailureKind::Unanswered));
        assert!(!retried(FailureKind::Local));
    }

    #[test]
    fn what_makes_something_is_repeated_only_if_it_was_not_taken() {
        let retried = |kind| pause(Repeat::IfNotTaken, 0, &failure(kind)).is_some();
        assert!(retried(FailureKind::NotSent) && retried(FailureKind::Status(429)));
        assert!(!retried(FailureKind::Unanswered) && !retried(FailureKind::Unreadable));
        assert!(!retried(FailureKind::Status(502)));
        let told = Failure { should_retry: Some(true), ..failure(FailureKind::Status(500)) };
        assert_eq!(pause(Repeat::IfNotTaken, 0, &told), None);
    }

    #[test]
    fn the_service_has_the_last_word() {
        let no = Failure { should_retry: Some(false), ..failure(FailureKind::Status(500)) };
        let yes = Failure { should_retry: Some(true), ..failure(FailureKind::Status(409)) };
        assert_eq!(pause(Repeat::Freely, 0, &no), None);
        assert!(pause(Repeat::Freely, 0, &yes).is_some());
    }

    #[test]
    fn an_empty_purse_is_not_waited_for() {
        let empty =
            Failure { code: Some("insufficient_quota".to_owned()), ..failure(FailureKind::Status(429)) };
        assert_eq!(pause(Repeat::Freely, 0, &empty), None);
    }

    #[test]
    fn attempts_end() {
        let busy = failure(FailureKind::Status(503));
        assert!(pause(Repeat::Freely, 3, &busy).is_some());
        assert_eq!(pause(Repeat::Freely, 4, &busy), None);
    }

    #[test]
    fn a_pause_that_is_too_long_is_the_callers_business() {
        let tomorrow =
            Failure { retry_after: Some(Duration::from_hours(24)), ..failure(FailureKind::Status(429)) };
        assert_eq!(pause(Repeat::Freely, 0, &tomorrow), None);
    }

    #[test]
    fn headers_ask_for_a_pause_in_every_form() {
        let now = Duration::from_hours(490_896);
        let asked = |ms, plain| asked_pause(ms, plain, now);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(asked(Some("1500"), Some("7")), Some(Duration::from_millis(1500)));
        assert_eq!(asked(None, Some("7")), seconds(7));
        assert_eq!(asked(None, Some("0.5")), Some(Duration::from_millis(500)));
        assert_eq!(asked(None, Some("Thu, 01 Jan 2026 00:00:09 GMT")), seconds(9));
        assert_eq!(asked(Some("soon"), Some("7")), seconds(7));
        for nothing in ["soon", "0", "-3", "NaN", "inf", "", "Wed, 31 Dec 2025 23:59:59 GMT"] {
            assert_eq!(asked(None, Some(nothing)), None, "{nothing}");
        }
        assert_eq!(asked(None, None), None);
    }

    proptest! {
        #[test]
        fn pauses_are_never_early_and_never_too_long(
            retries in 0..4_u32, asked in prop::option::of(1..120_000_u64), seed: u64,
        ) {
            let policy = RetryPolicy::default();
            let asked = asked.map(Duration::from_millis);
            let failure = Failure { retry_after: asked, ..failure(FailureKind::Status(429)) };
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let pause = policy.pause(Repeat::Freely, retries, &failure, rng).unwrap();
            prop_assert!(pause >= asked.unwrap_or(Duration::from_millis(50)));
            prop_assert!(pause <= asked.map_or(policy.longest_pause, |asked| asked.mul_f64(1.1)));
        }
    }
}
