//! What a batch looks like at a time.

use super::course::{Course, Intervention};
use super::plan::Plan;
use super::{LineFate, Timestamp};

/// The states of a batch (F-250).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The input is being read and checked.
    Validating,
    /// The input was refused; final.
    Failed,
    /// Lines run.
    InProgress,
    /// No line runs any more; the files are being written.
    Finalizing,
    /// Done; final, also when every line failed (F-213).
    Completed,
    /// The completion window ended first; final.
    Expired,
    /// Cancelling was asked for and goes on.
    Cancelling,
    /// Cancelled; final.
    Cancelled,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Validating,
        Self::Failed,
        Self::InProgress,
        Self::Finalizing,
        Self::Completed,
        Self::Expired,
        Self::Cancelling,
        Self::Cancelled,
    ];

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }

    /// The word for it, as the API says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::Failed => "failed",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }
}

/// When each state began, as far as it has begun (F-254).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// When lines began to run.
    pub in_progress_at: Option<Timestamp>,
    /// When the files began to be written. Never set on the way to `cancelled`.
    pub finalizing_at: Option<Timestamp>,
    /// When the batch completed.
    pub completed_at: Option<Timestamp>,
    /// When validation failed.
    pub failed_at: Option<Timestamp>,
    /// When the batch expired.
    pub expired_at: Option<Timestamp>,
    /// When cancelling was asked for.
    pub cancelling_at: Option<Timestamp>,
    /// When cancelling was done.
    pub cancelled_at: Option<Timestamp>,
}

/// How many lines there are, and how many have ended each way. Lines that never ran count in neither
/// (F-273).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All lines; 0 until the batch is in progress (F-205).
    pub total: u32,
    /// Lines that succeeded.
    pub completed: u32,
    /// Lines that failed.
    pub failed: u32,
}

/// What a batch looks like at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// Its state.
    pub status: Status,
    /// When its states began.
    pub times: Times,
    /// How far its lines are.
    pub counts: Counts,
    /// Whether there is an output file: only in a final state, and only with a successful line (F-212).
    pub has_output_file: bool,
    /// Whether there is an error file: only in a final state, and only with a line that failed or never
    /// ran (F-264, F-272).
    pub has_error_file: bool,
}

/// How a line has ended in a final state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// It ran.
    Ran(LineFate),
    /// The window ended before it ran (F-270).
    Expired,
    /// The batch was cancelled before it ran (F-264).
    Cancelled,
}

/// One coming change of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When it happens.
    pub at: Timestamp,
    /// What the batch looks like from then on.
    pub observation: Observation,
}

impl Plan {
    /// What the batch looks like at `now`, if `interventions` happened to it.
    ///
    /// An interval includes its start and excludes its end: at the very instant of a change, the change has
    /// happened. Interventions come in the order of their times; those after `now` have no effect yet.
    pub fn observe(&self, interventions: &[Intervention], now: Timestamp) -> Observation {
        let known = interventions.partition_point(|intervention| intervention.at <= now);
        let course = Course::new(self, &interventions[..known]);
        let status = course.status_at(now);
        let counts = self.counts(&course, now);
        // Lines that never ran are told in the error file only once the batch was in progress: recorded
        // batches that were cancelled while validating have no files at all (F-264).
        let has_unsuccessful = counts.completed < counts.total;
        Observation {
            status,
            times: Times {
                in_progress_at: course.begun(Status::InProgress, now),
                finalizing_at: course.begun(Status::Finalizing, now),
                completed_at: course.begun(Status::Completed, now),
                failed_at: course.begun(Status::Failed, now),
                expired_at: course.begun(Status::Expired, now),
                cancelling_at: course.begun(Status::Cancelling, now),
                cancelled_at: course.begun(Status::Cancelled, now),
            },
            counts,
            has_output_file: status.is_terminal() && counts.completed > 0,
            has_error_file: status.is_terminal() && has_unsuccessful,
        }
    }

    /// The first instant after `after` at which the batch looks different, if there is one.
    pub fn next_change(&self, interventions: &[Intervention], after: Timestamp) -> Option<Timestamp> {
        let known = interventions.partition_point(|intervention| intervention.at <= after);
        let course = Course::new(self, &interventions[..known]);
        let next_state = course.steps.iter().map(|(begins, _)| *begins).find(|begins| *begins > after);
        let next_count = self.work.as_ref().and_then(|work| {
            let ended = course.lines_ended_at(self, after);
            course
                .counting_times(work)
                .filter(|step| *step > after && course.lines_ended_at(self, *step) > ended)
                .min()
        });
        next_state.into_iter().chain(next_count).min()
    }

    /// The status that follows on one which the batch has, or has had, and when; nothing follows on a final one.
    ///
    /// Unlike [`changes`](Self::changes) this tells every status that the batch goes through, also those that last no
    /// time.
    pub fn status_after(
        &self,
        interventions: &[Intervention],
        status: Status,
    ) -> Option<(Timestamp, Status)> {
        let course = Course::new(self, interventions);
        let mut steps = course.steps.iter().skip_while(|(_, step)| *step != status);
        steps.nth(1).copied()
    }

    /// All changes after `after`, in order.
    pub fn changes(&self, interventions: &[Intervention], after: Timestamp) -> impl Iterator<Item = Change> {
        let mut last = after;
        std::iter::from_fn(move || {
            last = self.next_change(interventions, last)?;
            Some(Change { at: last, observation: self.observe(interventions, last) })
        })
    }

    /// When the batch reaches its final state, if nothing else happens to it.
    pub fn ends_at(&self, interventions: &[Intervention]) -> Timestamp {
        Course::new(self, interventions).ends_at()
    }

    /// The lines in the order of the result files, each with its end: a line of the input, counted from 0.
    /// Meaningful for an observation of a final state; lines that succeeded go to the output file, all
    /// others to the error file.
    pub fn line_ends(&self, last: &Observation) -> impl Iterator<Item = (u32, LineEnd)> {
        let ended = last.counts.completed + last.counts.failed;
        let never_ran = if last.status == Status::Cancelled { LineEnd::Cancelled } else { LineEnd::Expired };
        let work = self.work.as_ref().filter(|_| last.counts.total > 0);
        work.into_iter().flat_map(move |work| {
            let mut failures = work.failures.iter().copied().peekable();
            (0..).zip(&work.order).map(move |(place, line)| {
                let fails = failures.next_if_eq(&place).is_some();
                let end = match (place < ended, fails) {
                    (false, _) => never_ran,
                    (true, true) => LineEnd::Ran(LineFate::Fails),
                    (true, false) => LineEnd::Ran(LineFate::Succeeds),
                };
                (*line, end)
            })
        })
    }

    fn counts(&self, course: &Course, now: Timestamp) -> Counts {
        match &self.work {
            // A batch that failed has counts of zero, whatever came before (F-214).
            Some(work)
                if course.begun(Status::InProgress, now).is_some()
                    && course.begun(Status::Failed, now).is_none() =>
            {
                let ended = course.lines_ended_at(self, now);
                let failed = work.failed_among(ended);
                Counts { total: work.total(), completed: ended - failed, failed }
            }
            _ => Counts::default(),
        }
    }
}
