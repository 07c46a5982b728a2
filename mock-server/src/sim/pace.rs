//! How long each phase of a batch takes.

use std::borrow::Cow;
use std::time::Duration;

use rand::{Rng, RngExt};

use super::progress::{Milestone, Progress};

/// How long each phase of a batch takes, and when its counts rise.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// From creation to `in_progress` or `failed`.
    pub validating_for: PaceDuration,
    /// From `in_progress` to `finalizing`, if the window does not end first.
    pub in_progress_for: PaceDuration,
    /// From `finalizing` to `completed`.
    pub finalizing_for: PaceDuration,
    /// From the request to cancel to `cancelled`.
    pub cancelling_for: PaceDuration,
    /// From the end of the window to `finalizing` (F-271).
    pub expiry_noticed_after: PaceDuration,
    /// From that `finalizing` to `expired` (F-271).
    pub expiring_for: PaceDuration,
    /// When the counts rise while lines run.
    pub progress: Progress,
    /// How many lines have ended how long after the request to cancel: lines that were under way then. None more than
    /// had ended before, if there is nothing here.
    pub while_cancelling: Cow<'static, [Milestone]>,
    /// How long after its creation somebody else asks to cancel it, if anybody does.
    pub cancelled_after: Option<Duration>,
}

/// A duration, given or drawn when the batch is created.
#[derive(Debug, Clone, PartialEq)]
pub enum PaceDuration {
    /// Always the same.
    Fixed(Duration),
    /// Drawn from a distribution, given as its quantiles: pairs of a share and the seconds that this share
    /// of all draws does not exceed, straight lines between them; two pairs with the same share are a gap in
    /// which no draw lies. The first share is 0, the last 1.
    Quantiles(Cow<'static, [(f64, f64)]>),
}

impl PaceDuration {
    /// A fixed number of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self::Fixed(Duration::from_millis(millis))
    }

    /// A fixed number of seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self::Fixed(Duration::from_secs(seconds))
    }

    /// Drawn from a distribution that is known beforehand.
    const fn quantiles(knots: &'static [(f64, f64)]) -> Self {
        Self::Quantiles(Cow::Borrowed(knots))
    }

    /// The duration for one batch.
    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Duration {
        // Drawn also when fixed, so that fixing one duration leaves the others as they were.
        let share: f64 = rng.random();
        match self {
            Self::Fixed(duration) => *duration,
            Self::Quantiles(knots) => {
                let above = knots.partition_point(|(below, _)| *below <= share).clamp(1, knots.len() - 1);
                let ((low, least), (high, most)) = (knots[above - 1], knots[above]);
                let seconds = least + (most - least) * (share - low) / (high - low);
                // The API's resolution: the recorded durations are whole seconds. What rounds to none still
                // lasts a moment: a new batch is `validating` (F-238), and no state goes by unseen.
                Duration::from_secs_f64(seconds.round().max(0.001))
            }
        }
    }
}

impl Pace {
    /// The default: a batch takes four seconds, a cancellation one.
    pub const QUICK: Self = Self {
        validating_for: PaceDuration::millis(1_000),
        in_progress_for: PaceDuration::millis(2_000),
        finalizing_for: PaceDuration::millis(1_000),
        cancelling_for: PaceDuration::millis(1_000),
        expiry_noticed_after: PaceDuration::millis(1_000),
        expiring_for: PaceDuration::millis(1_000),
        progress: Progress::Steps(4),
        while_cancelling: Cow::Borrowed(&[]),
        cancelled_after: None,
    };

    /// Every state is there, and all of it is over within half a second, a cancellation as well.
    pub const INSTANT: Self = Self {
        validating_for: PaceDuration::millis(100),
        in_progress_for: PaceDuration::millis(300),
        finalizing_for: PaceDuration::millis(100),
        cancelling_for: PaceDuration::millis(200),
        expiry_noticed_after: PaceDuration::millis(100),
        expiring_for: PaceDuration::millis(100),
        progress: Progress::Steps(2),
        while_cancelling: Cow::Borrowed(&[]),
        cancelled_after: None,
    };

    /// The recorded times of batches of one request (F-252, F-253, F-261, F-271): minutes to hours to run
    /// and ten minutes to cancel. Where the recordings give only some quantiles, what lies between them is
    /// a straight line; that larger batches take as long is assumed.
    pub const REALISTIC: Self = Self {
        // Nothing between 3 and 60 seconds, nor between 64 and 121: the input is looked at again after a
        // minute, and once more after another. 121 s were seen twice; one of a thousand is our guess.
        validating_for: PaceDuration::quantiles(&[
            (0.0, 0.0),
            (0.95, 3.0),
            (0.95, 60.0),
            (0.999, 64.0),
            (0.999, 121.0),
            (1.0, 121.0),
        ]),
        in_progress_for: PaceDuration::quantiles(&[
            (0.0, 5.0),
            (0.5, 114.0),
            (0.75, 2_160.0),
            (0.95, 21_240.0),
            (1.0, 75_600.0),
        ]),
        finalizing_for: PaceDuration::quantiles(&[(0.0, 0.0), (0.95, 3.0), (1.0, 584.0)]),
        cancelling_for: PaceDuration::quantiles(&[(0.0, 605.0), (0.988, 608.0), (1.0, 2_802.0)]),
        expiry_noticed_after: PaceDuration::Fixed(Duration::from_secs(1)),
        expiring_for: PaceDuration::quantiles(&[(0.0, 606.0), (1.0, 607.0)]),
        progress: Progress::Steps(20),
        while_cancelling: Cow::Borrowed(&[]),
        cancelled_after: None,
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Seed;

    /// The share of draws that last at most this many seconds.
    fn share_within(duration: &PaceDuration, seconds: u64) -> f64 {
        let mut rng = Seed::new(1).rng();
        let draws: Vec<_> = (0..10_000).map(|_| duration.draw(&mut rng).as_secs()).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts up to 10,000")]
        let share = draws.iter().filter(|drawn| **drawn <= seconds).count() as f64 / 10_000.0;
        share
    }

    #[test]
    fn realistic_durations_have_the_recorded_quantiles() {
        let pace = Pace::REALISTIC;
        assert!((share_within(&pace.validating_for, 3) - 0.95).abs() < 0.02);
        assert!(share_within(&pace.validating_for, 3) >= share_within(&pace.validating_for, 59));
        assert!((share_within(&pace.validating_for, 64) - 0.999).abs() < 0.001);
        assert!(share_within(&pace.validating_for, 64) >= share_within(&pace.validating_for, 120));
        assert!((share_within(&pace.in_progress_for, 114) - 0.5).abs() < 0.02);
        assert!((share_within(&pace.in_progress_for, 2_160) - 0.75).abs() < 0.02);
        assert!(share_within(&pace.cancelling_for, 604) == 0.0);
        assert!((share_within(&pace.cancelling_for, 608) - 0.988).abs() < 0.01);
        assert!(share_within(&pace.in_progress_for, 75_600) >= 1.0);
    }

    #[test]
    fn no_phase_is_over_before_it_began() {
        let mut rng = Seed::new(1).rng();
        let draws: Vec<_> = (0..1_000).map(|_| Pace::REALISTIC.validating_for.draw(&mut rng)).collect();
        assert!(draws.iter().all(|drawn| !drawn.is_zero()));
        assert!(draws.iter().any(|drawn| drawn.as_secs() == 0));
    }
}
