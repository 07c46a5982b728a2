//! How a batch is waited for: when to look again, and when to stop. No I/O, no clock: only decisions.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::retry::{Failure, FailureKind};
use crate::types::BatchStatus;

/// How patiently a batch is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct PollPolicy {
    /// How long after the first look the second comes.
    pub first_pause: Duration,
    /// By what each pause is longer than the one before; at least 1.
    pub growth: f64,
    /// How long a pause grows, unless the service asks for more.
    pub longest_pause: Duration,
    /// How long to wait in all; for ever if `None`.
    pub deadline: Option<Duration>,
    /// How many times in a row the batch may be not there: a fresh one can be, for a moment.
    pub tolerated_not_found: u32,
}

/// Two seconds at first, a minute at last, and 30 hours in all: a batch has a day, and takes some minutes to expire.
impl Default for PollPolicy {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(2),
            growth: 1.5,
            longest_pause: Duration::from_mins(1),
            deadline: Some(Duration::from_hours(30)),
            tolerated_not_found: 4,
        }
    }
}

/// What a look at a batch showed.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// The batch has this status, and the service may ask to wait so long before the next look.
    Status(&'a BatchStatus, Option<Duration>),
    /// The look failed.
    Failure(&'a Failure),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Look again after this time.
    Again(Duration),
    /// It has ended.
    Ended,
    /// The time is over.
    Late,
    /// The look failed in a way that waiting does not mend.
    Hopeless,
}

/// The wait for one batch.
#[derive(Debug, Clone)]
pub struct Poll {
    policy: PollPolicy,
    rng: ChaCha8Rng,
    looks: u32,
    not_found: u32,
}

impl Poll {
    /// A wait that has not begun.
    pub fn new(policy: PollPolicy, rng: ChaCha8Rng) -> Self {
        Self { policy, rng, looks: 0, not_found: 0 }
    }

    /// What to do after a look; `waited` is how long the wait has lasted by now.
    pub fn next(&mut self, seen: Seen<'_>, waited: Duration) -> Next {
        let mut asked = None;
        match seen {
            Seen::Status(status, _) if status.is_terminal() => return Next::Ended,
            // All others are on their way, those included that nobody knows yet.
            Seen::Status(_, retry_after) => (self.not_found, asked) = (0, retry_after),
            Seen::Failure(Failure { kind: FailureKind::Status(404), .. })
                if self.not_found < self.policy.tolerated_not_found =>
            {
                self.not_found += 1;
            }
            Seen::Failure(failure) if failure.is_transient() => asked = failure.retry_after,
            Seen::Failure(_) => return Next::Hopeless,
        }
        let left = self.policy.deadline.map(|deadline| deadline.saturating_sub(waited));
        if left.is_some_and(|left| left.is_zero()) {
            return Next::Late;
        }
        let pause = self.pause().max(asked.unwrap_or_default());
        self.looks = self.looks.saturating_add(1);
        Next::Again(left.map_or(pause, |left| pause.min(left)))
    }

    /// A pause a quarter longer than it would be, or any bit less: so that many who wait do not look at once.
    fn pause(&mut self) -> Duration {
        let growth = self.policy.growth.max(1.0).powi(i32::try_from(self.looks).unwrap_or(i32::MAX));
        let seconds =
            (self.policy.first_pause.as_secs_f64() * growth).min(self.policy.longest_pause.as_secs_f64());
        Duration::from_secs_f64(seconds * self.rng.random_range(1.0..1.25))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn poll(policy: PollPolicy) -> Poll {
        Poll::new(policy, ChaCha8Rng::seed_from_u64(7))
    }

    fn status_failure(status: u16) -> Failure {
        Failure { kind: FailureKind::Status(status), code: None, retry_after: None, should_retry: None }
    }

    #[test]
    fn only_what_is_final_ends_a_wait() {
        use BatchStatus::*;
        for status in [Completed, Failed, Expired, Cancelled] {
            assert_eq!(
                poll(PollPolicy::default()).next(Seen::Status(&status, None), Duration::ZERO),
                Next::Ended
            );
        }
        for status in [Validating, InProgress, Finalizing, Cancelling, Other("paused".to_owned())] {
            let next = poll(PollPolicy::default()).next(Seen::Status(&status, None), Duration::ZERO);
            assert!(matches!(next, Next::Again(_)), "{status:?}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut poll = poll(PollPolicy::default());
        let mut pauses = Vec::new();
        for _ in 0..200 {
            let Next::Again(pause) = poll.next(Seen::Status(&BatchStatus::InProgress, None), Duration::ZERO)
            else {
                panic!("it has not ended")
            };
            pauses.push(pause);
        }
        let limits = Duration::from_secs(2)..Duration::from_millis(2_500);
        assert!(limits.contains(&pauses[0]), "{:?}", pauses[0]);
        assert!(pauses[4] > pauses[0] && pauses[199] <= Duration::from_secs(75));
        assert!(pauses[199] >= Duration::from_mins(1));
    }

    #[test]
    fn a_wait_survives_what_passes_and_heeds_what_is_asked() {
        let mut poll = poll(PollPolicy::default());
        let busy = Failure { retry_after: Some(Duration::from_mins(5)), ..status_failure(429) };
        let Next::Again(pause) = poll.next(Seen::Failure(&busy), Duration::ZERO) else { panic!() };
        assert_eq!(pause, Duration::from_mins(5));
        for status in [500, 502, 503] {
            let next = poll.next(Seen::Failure(&status_failure(status)), Duration::ZERO);
            assert!(matches!(next, Next::Again(_)));
        }
        assert_eq!(poll.next(Seen::Failure(&status_failure(401)), Duration::ZERO), Next::Hopeless);
    }

    #[test]
    fn a_good_answer_may_ask_for_a_pause_too() {
        let seen = Seen::Status(&BatchStatus::InProgress, Some(Duration::from_mins(7)));
        let next = poll(PollPolicy::default()).next(seen, Duration::ZERO);
        assert_eq!(next, Next::Again(Duration::from_mins(7)));
    }

    #[test]
    fn a_batch_is_gone_only_if_it_stays_away() {
        let mut poll = poll(PollPolicy { tolerated_not_found: 2, ..PollPolicy::default() });
        let gone = status_failure(404);
        let again = |next| matches!(next, Next::Again(_));
        assert!(again(poll.next(Seen::Failure(&gone), Duration::ZERO)));
        assert!(again(poll.next(Seen::Status(&BatchStatus::Validating, None), Duration::ZERO)));
        assert!(again(poll.next(Seen::Failure(&gone), Duration::ZERO)));
        assert!(again(poll.next(Seen::Failure(&gone), Duration::ZERO)));
        assert_eq!(poll.next(Seen::Failure(&gone), Duration::ZERO), Next::Hopeless);
    }

    #[test]
    fn there_is_a_last_look_at_the_deadline() {
        let policy = PollPolicy { deadline: Some(Duration::from_secs(3)), ..PollPolicy::default() };
        let mut poll = poll(policy);
        let running = Seen::Status(&BatchStatus::InProgress, None);
        assert_eq!(poll.next(running, Duration::from_millis(2_900)), Next::Again(Duration::from_millis(100)));
        assert_eq!(poll.next(running, Duration::from_secs(3)), Next::Late);
        assert_eq!(
            poll.next(Seen::Status(&BatchStatus::Completed, None), Duration::from_secs(3)),
            Next::Ended
        );
    }
}
