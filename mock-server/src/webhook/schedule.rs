//! When a delivery that failed is tried again.

use std::time::Duration;

/// How long the first retry waits; each further one waits twice as long as the one before (assumed, F-406).
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// How long after the first attempt the last one is made (F-406).
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// How long to wait after so many attempts, if there is to be one more. The last one comes when the time is up.
/// Everything is `speed` times as fast.
pub(super) fn wait_after(n_attempts: u32, speed: u32) -> Option<Duration> {
    let waited =
        FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_attempts.saturating_sub(1)).saturating_sub(1));
    let left = GIVE_UP_AFTER.checked_sub(waited).filter(|left| !left.is_zero())?;
    let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_attempts.saturating_sub(1)));
    Some(wait.min(left) / speed.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(speed: u32) -> Vec<Duration> {
        (1..100).map_while(|n_attempts| wait_after(n_attempts, speed)).collect()
    }

    #[test]
    fn each_wait_is_twice_as_long_until_72_hours_are_over() {
        let waits = waits(1);
        let seconds: Vec<_> = waits.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds[..4], [5, 10, 20, 40]);
        assert_eq!(waits.len(), 16);
        assert_eq!(waits.iter().sum::<Duration>(), Duration::from_hours(72));
    }

    #[test]
    fn a_speed_shortens_all_waits_alike() {
        assert_eq!(waits(1_000).iter().sum::<Duration>(), Duration::from_millis(259_200));
        assert_eq!(wait_after(u32::MAX, 1), None);
    }
}
