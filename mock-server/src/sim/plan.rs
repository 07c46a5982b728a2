//! What is decided when a batch is created.

use std::time::Duration;

use rand::seq::SliceRandom;

use super::progress::{Milestone, Progress};
use super::{Pace, Seed, Timestamp};

/// How long the service tries to run a batch: always 24 hours (F-203, F-236).
const COMPLETION_WINDOW: Duration = Duration::from_hours(24);

/// How a line ends if it gets to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFate {
    /// It is answered; its result goes to the output file.
    Succeeds,
    /// It is refused or breaks; its result goes to the error file.
    Fails,
}

/// What validation makes of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workload {
    /// The input is in order: the fate of each of its lines, in the input's order.
    Accepted(Vec<LineFate>),
    /// The input is refused; no line runs (F-320).
    Rejected,
}

/// The life of one batch as it will be, unless something intervenes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) validated_at: Timestamp,
    pub(super) finalizing_for: Duration,
    pub(super) cancelling_for: Duration,
    pub(super) expiry_noticed_after: Duration,
    pub(super) expiring_for: Duration,
    /// When somebody else asks to cancel it.
    pub(super) cancelled_by_others_at: Option<Timestamp>,
    /// `None` if validation refuses the input.
    pub(super) work: Option<Work>,
}

/// Which line ends when, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    /// The lines in the order in which they end: also the order of the result files.
    pub(super) order: Vec<u32>,
    /// The places in `order` of the lines that fail, ascending.
    pub(super) failures: Vec<u32>,
    /// When the counts rise, and how many lines have ended from then on. Both ascend; the last step is the
    /// end of the work.
    pub(super) progress: Vec<(Timestamp, u32)>,
    /// How many lines have ended how long after the request to cancel, if not more had by then. Both ascend.
    pub(super) while_cancelling: Vec<(Duration, u32)>,
    /// When the last line ends, if nothing intervenes.
    pub(super) ends_at: Timestamp,
}

impl Plan {
    /// Decides everything about a batch. All randomness is spent here.
    ///
    /// # Panics
    ///
    /// If there are more lines than `u32` can count.
    pub fn new(workload: &Workload, pace: &Pace, seed: Seed, created_at: Timestamp) -> Self {
        let mut rng = seed.rng();
        let validated_at = created_at + pace.validating_for.draw(&mut rng);
        let in_progress_for = pace.in_progress_for.draw(&mut rng);
        Self {
            created_at,
            expires_at: created_at + COMPLETION_WINDOW,
            validated_at,
            finalizing_for: pace.finalizing_for.draw(&mut rng),
            cancelling_for: pace.cancelling_for.draw(&mut rng),
            expiry_noticed_after: pace.expiry_noticed_after.draw(&mut rng),
            expiring_for: pace.expiring_for.draw(&mut rng),
            cancelled_by_others_at: pace.cancelled_after.map(|after| created_at + after),
            work: match workload {
                Workload::Rejected => None,
                Workload::Accepted(fates) => {
                    let order = finish_order(fates, &mut rng);
                    Some(Work::new(fates, order, pace, Span { created_at, validated_at, in_progress_for }))
                }
            },
        }
    }

    /// The same life, with lines that end in the order of the input.
    #[must_use]
    pub fn in_input_order(mut self) -> Self {
        if let Some(work) = &mut self.work {
            for place in &mut work.failures {
                *place = work.order[*place as usize];
            }
            work.failures.sort_unstable();
            work.order.sort_unstable();
        }
        self
    }

    /// What it was made from.
    pub fn workload(&self) -> Workload {
        let Some(work) = &self.work else { return Workload::Rejected };
        let mut fates = vec![LineFate::Succeeds; work.order.len()];
        for place in &work.failures {
            fates[work.order[*place as usize] as usize] = LineFate::Fails;
        }
        Workload::Accepted(fates)
    }

    /// How many lines it says something about: none if the input was refused.
    pub fn n_lines(&self) -> u32 {
        self.work.as_ref().map_or(0, Work::total)
    }

    /// When validation ends.
    pub fn validated_at(&self) -> Timestamp {
        self.validated_at
    }

    /// When the batch was created.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When the completion window ends.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether validation refuses the input.
    pub fn is_rejected(&self) -> bool {
        self.work.is_none()
    }
}

impl Work {
    fn new(fates: &[LineFate], order: Vec<u32>, pace: &Pace, span: Span) -> Self {
        let total = u32::try_from(fates.len()).expect("a batch has fewer lines than u32 can count");
        let failures =
            (0..total).filter(|place| fates[order[*place as usize] as usize] == LineFate::Fails).collect();
        Self {
            order,
            failures,
            progress: span.progress(&pace.progress, total),
            while_cancelling: Milestone::climb(&pace.while_cancelling, total),
            ends_at: span.ends_at(),
        }
    }

    pub(super) fn total(&self) -> u32 {
        u32::try_from(self.order.len()).expect("checked when the work was planned")
    }

    /// How many lines have ended at this time, if nothing stops the work.
    pub(super) fn ended_at(&self, at: Timestamp) -> u32 {
        match self.progress.partition_point(|(step, _)| *step <= at) {
            0 => 0,
            steps => self.progress[steps - 1].1,
        }
    }

    /// How many of the first `ended` lines failed.
    pub(super) fn failed_among(&self, ended: u32) -> u32 {
        let failed = self.failures.partition_point(|place| *place < ended);
        u32::try_from(failed).expect("at most the total")
    }
}

/// When the lines of a batch run.
#[derive(Clone, Copy)]
struct Span {
    created_at: Timestamp,
    validated_at: Timestamp,
    in_progress_for: Duration,
}

impl Span {
    fn ends_at(self) -> Timestamp {
        self.validated_at + self.in_progress_for
    }

    /// When the counts rise to what; the last step is the end.
    fn progress(self, progress: &Progress, total: u32) -> Vec<(Timestamp, u32)> {
        let Self { created_at, validated_at, in_progress_for } = self;
        let mut steps: Vec<(Timestamp, u32)> = Vec::new();
        match progress {
            Progress::Steps(n_steps) => {
                let n_steps = (*n_steps).max(1);
                for step in 1..=n_steps {
                    let ended = u64::from(total) * u64::from(step) / u64::from(n_steps);
                    let ended = u32::try_from(ended).expect("at most the total");
                    if ended > steps.last().map_or(0, |(_, before)| *before) {
                        steps.push((validated_at + in_progress_for * step / n_steps, ended));
                    }
                }
            }
            Progress::Milestones(milestones) => {
                let climb = Milestone::climb(milestones, total).into_iter();
                let climb = climb.map(|(after, ended)| ((created_at + after).max(validated_at), ended));
                steps.extend(climb.take_while(|(at, ended)| *at < self.ends_at() && *ended < total));
                if total > 0 {
                    steps.push((self.ends_at(), total));
                }
            }
        }
        steps
    }
}

/// A random order in which the first two successes, and the first two failures, are never as in the input:
/// so every result file of two or more lines is in another order than the input (F-362), also a partial one.
fn finish_order(fates: &[LineFate], rng: &mut impl rand::Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(fates.len()).expect("checked by the caller")).collect();
    order.shuffle(rng);
    for fate in [LineFate::Succeeds, LineFate::Fails] {
        let mut alike = (0..order.len()).filter(|place| fates[order[*place] as usize] == fate);
        if let (Some(first), Some(second)) = (alike.next(), alike.next())
            && order[first] < order[second]
        {
            order.swap(first, second);
        }
    }
    order
}
