//! The states a batch goes through: its plan, bent by what happened to it from outside.

use super::plan::{Plan, Work};
use super::{Status, Timestamp};

/// Something that happened to a batch from outside, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervention {
    /// When it happened.
    pub at: Timestamp,
    /// What it was.
    pub kind: InterventionKind,
}

/// What can happen to a batch from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterventionKind {
    /// Somebody asked to cancel it. It matters while the batch is `validating` or `in_progress`; later it
    /// is too late (in `finalizing` that is assumed, F-262).
    Cancel,
    /// Its input file was deleted or expired. It matters while the batch is `validating` (F-509);
    /// afterwards the input has been read (assumed).
    InputGone,
    /// The user of the mock asked for an ending, at once. It matters as long as the batch has not ended.
    Force(Ending),
}

/// A final state to force a batch into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All lines end now, then `completed`.
    Completed,
    /// `failed`, as if validation had refused the input. It matters only while the batch is `validating`:
    /// no other way to `failed` has been seen (F-251).
    Failed,
    /// `expired`, with what has ended by now.
    Expired,
    /// `cancelled`, with what has ended by now.
    Cancelled,
}

impl InterventionKind {
    /// Whether it makes a difference to a batch in this state.
    fn matters_in(self, status: Status) -> bool {
        match self {
            Self::Cancel => matches!(status, Status::Validating | Status::InProgress),
            Self::InputGone | Self::Force(Ending::Failed) => status == Status::Validating,
            Self::Force(Ending::Completed | Ending::Expired | Ending::Cancelled) => !status.is_terminal(),
        }
    }
}

impl Plan {
    /// Whether something that happens now would change the batch's life. What would not is no fact worth
    /// keeping.
    pub fn is_changed_by(&self, interventions: &[Intervention], next: Intervention) -> bool {
        next.kind.matters_in(Course::new(self, interventions).status_at(next.at))
    }
}

/// How many states a life has as a rule, at most.
const USUAL_STEPS: usize = 6;

/// The whole life of a batch as a list of states.
pub(super) struct Course {
    /// The states in order, each with the time it begins. Never empty; the last one is final.
    pub(super) steps: Vec<(Timestamp, Status)>,
    /// When lines stop ending; `None` if they end as planned.
    work_stops_at: Option<Timestamp>,
    /// When lines stop ending that were under way when cancelling was asked for.
    cancelling_stops_at: Option<Timestamp>,
    /// When all lines that had not ended end at once.
    work_completes_at: Option<Timestamp>,
}

impl Course {
    /// The course of a plan, bent by interventions in the order of their times.
    pub(super) fn new(plan: &Plan, interventions: &[Intervention]) -> Self {
        debug_assert!(interventions.is_sorted_by_key(|intervention| intervention.at), "facts come in order");
        let by_others =
            plan.cancelled_by_others_at.map(|at| Intervention { at, kind: InterventionKind::Cancel });
        let before_it =
            by_others.map_or(0, |other| interventions.partition_point(|known| known.at <= other.at));
        let (before, after) = interventions.split_at(before_it);
        let mut course = Self::planned(plan);
        for intervention in before.iter().chain(&by_others).chain(after) {
            course.bend(plan, *intervention);
        }
        course
    }

    fn planned(plan: &Plan) -> Self {
        let mut steps = Vec::with_capacity(USUAL_STEPS);
        steps.push((plan.created_at, Status::Validating));
        let mut work_stops_at = None;
        let expires = plan.work.as_ref().is_some_and(|work| work.ends_at >= plan.expires_at);
        if plan.validated_at < plan.expires_at || !expires {
            let validated = if plan.is_rejected() { Status::Failed } else { Status::InProgress };
            steps.push((plan.validated_at, validated));
        }
        if expires {
            let noticed_at = plan.expires_at + plan.expiry_noticed_after;
            steps.push((noticed_at, Status::Finalizing));
            steps.push((noticed_at + plan.expiring_for, Status::Expired));
            work_stops_at = Some(plan.expires_at);
        } else if let Some(work) = &plan.work {
            steps.push((work.ends_at, Status::Finalizing));
            steps.push((work.ends_at + plan.finalizing_for, Status::Completed));
        }
        Self { steps, work_stops_at, cancelling_stops_at: None, work_completes_at: None }
    }

    fn bend(&mut self, plan: &Plan, Intervention { at, kind }: Intervention) {
        if !kind.matters_in(self.status_at(at)) {
            return;
        }
        self.leave_at(at);
        match kind {
            InterventionKind::Cancel => {
                self.steps.push((at, Status::Cancelling));
                self.steps.push((at + plan.cancelling_for, Status::Cancelled));
            }
            InterventionKind::InputGone => self.steps.push((plan.validated_at.max(at), Status::Failed)),
            InterventionKind::Force(Ending::Failed) => self.steps.push((at, Status::Failed)),
            InterventionKind::Force(Ending::Completed) => {
                self.pass_through(&[Status::InProgress, Status::Finalizing, Status::Completed], at);
                self.work_completes_at = Some(at);
            }
            InterventionKind::Force(Ending::Expired) => {
                self.pass_through(&[Status::Finalizing, Status::Expired], at);
            }
            InterventionKind::Force(Ending::Cancelled) => {
                self.pass_through(&[Status::Cancelling, Status::Cancelled], at);
            }
        }
    }

    /// Enters all these states at once, but for those that have begun already.
    fn pass_through(&mut self, path: &[Status], at: Timestamp) {
        for status in path {
            if !self.steps.iter().any(|(_, begun)| begun == status) {
                self.steps.push((at, *status));
            }
        }
    }

    /// Takes back all that was to come after `at`.
    fn leave_at(&mut self, at: Timestamp) {
        self.steps.retain(|(begins, _)| *begins <= at);
        let stop = |stops_at: Option<Timestamp>| Some(stops_at.map_or(at, |stop| stop.min(at)));
        self.work_stops_at = stop(self.work_stops_at);
        if self.steps.iter().any(|(_, begun)| *begun == Status::Cancelling) {
            self.cancelling_stops_at = stop(self.cancelling_stops_at);
        }
    }

    /// The state at a time: the last one that has begun. Before creation the batch counts as new.
    pub(super) fn status_at(&self, at: Timestamp) -> Status {
        let begun = self.steps.partition_point(|(begins, _)| *begins <= at).max(1);
        self.steps[begun - 1].1
    }

    /// When the final state begins.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.steps[self.steps.len() - 1].0
    }

    /// When this state began, if it has begun by `now`.
    pub(super) fn begun(&self, status: Status, now: Timestamp) -> Option<Timestamp> {
        self.steps.iter().find(|(begins, step)| *step == status && *begins <= now).map(|(begins, _)| *begins)
    }

    /// How many lines have ended.
    pub(super) fn lines_ended_at(&self, plan: &Plan, at: Timestamp) -> u32 {
        let Some(work) = &plan.work else { return 0 };
        if self.begun(Status::InProgress, at).is_none() {
            return 0;
        }
        if self.work_completes_at.is_some_and(|completes| completes <= at) {
            return work.total();
        }
        let before = work.ended_at(self.work_stops_at.map_or(at, |stop| stop.min(at)));
        before.max(self.lines_ended_while_cancelling(work, at))
    }

    /// How many lines have ended, counted from the request to cancel.
    fn lines_ended_while_cancelling(&self, work: &Work, at: Timestamp) -> u32 {
        let Some(asked_at) = self.begun(Status::Cancelling, at) else { return 0 };
        let at = self.cancelling_stops_at.map_or(at, |stop| stop.min(at)).min(self.ends_at());
        let ended = work.while_cancelling.iter().take_while(|(after, _)| asked_at + *after <= at);
        ended.last().map_or(0, |(_, ended)| *ended)
    }

    /// When the number of lines that have ended may rise.
    pub(super) fn counting_times<'p>(&self, work: &'p Work) -> impl Iterator<Item = Timestamp> + use<'p> {
        let asked_at = self.steps.iter().find(|(_, begun)| *begun == Status::Cancelling).map(|(at, _)| *at);
        let under_way = asked_at
            .into_iter()
            .flat_map(|asked_at| work.while_cancelling.iter().map(move |(after, _)| asked_at + *after));
        work.progress.iter().map(|(step, _)| *step).chain(under_way)
    }
}
