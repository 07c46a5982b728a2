//! When counts rise while lines run.

use std::borrow::Cow;
use std::time::Duration;

/// When counts rise while lines run. All lines have ended when the batch leaves `in_progress` by itself, whatever is
/// said here.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// In so many steps of the same length; at least 1.
    Steps(u32),
    /// At given times after the creation of the batch. Those before it is in progress count from then on.
    Milestones(Cow<'static, [Milestone]>),
}

/// From when on how many lines have ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Milestone {
    /// How long after the beginning of what it belongs to.
    pub after: Duration,
    /// How many lines have ended then, of all.
    pub ended: Amount,
}

/// Some of the lines of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many, or all if there are fewer.
    Lines(u32),
    /// This share of them, from 0 to 1: a part of a line does not count, but of two lines or more there is at least one
    /// if the share is not nothing.
    Share(f64),
}

impl Amount {
    /// How many lines that is of so many.
    pub(super) fn of(self, total: u32) -> u32 {
        match self {
            Self::Lines(lines) => lines.min(total),
            Self::Share(share) => {
                // A share such as 0.29 is a little less than it is written, and 29 of 100 shall be 29.
                let lines = (f64::from(total) * share + 1e-6).floor().clamp(0.0, f64::from(total));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to the total"
                )]
                let lines = lines as u32;
                // Who tries a small batch shall see what a large one shows: some of it.
                if share > 0.0 && total > 1 { lines.max(1) } else { lines }
            }
        }
    }
}

impl Milestone {
    /// Milestones as durations and numbers of lines: in order, each higher than those before.
    pub(super) fn climb(milestones: &[Self], total: u32) -> Vec<(Duration, u32)> {
        let mut steps: Vec<_> =
            milestones.iter().map(|milestone| (milestone.after, milestone.ended.of(total))).collect();
        steps.sort();
        let mut highest = 0;
        steps.retain(|(_, ended)| {
            let rises = *ended > highest;
            highest = highest.max(*ended);
            rises
        });
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_lines() {
        for percent in 0..=100_u32 {
            assert_eq!(Amount::Share(f64::from(percent) / 100.0).of(100), percent);
        }
        assert_eq!(Amount::Share(0.5).of(7), 3);
        assert_eq!(Amount::Share(1.0).of(u32::MAX), u32::MAX);
        assert_eq!(Amount::Lines(3).of(2), 2);
    }

    #[test]
    fn a_share_of_few_lines_is_at_least_one_and_never_the_only_one() {
        assert_eq!([1, 2, 9].map(|total| Amount::Share(0.1).of(total)), [0, 1, 1]);
        assert_eq!(Amount::Share(0.0).of(9), 0);
    }

    #[test]
    fn a_climb_never_goes_down() {
        let milestone =
            |minutes, lines| Milestone { after: Duration::from_mins(minutes), ended: Amount::Lines(lines) };
        let climb =
            Milestone::climb(&[milestone(3, 2), milestone(1, 1), milestone(2, 1), milestone(4, 1)], 9);
        assert_eq!(climb, [(Duration::from_mins(1), 1), (Duration::from_mins(3), 2)]);
    }
}
