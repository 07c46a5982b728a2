//! One thing to be told to one endpoint.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::endpoint::WebhookEndpoint;
use super::super::event::Event;
use super::super::plan::WebhookPlan;
use super::super::schedule::wait_after;
use crate::sim::Timestamp;

/// How many attempts of a delivery are remembered: more than there are unless somebody asks for them.
const MOST_ATTEMPTS: usize = 50;

/// One thing to be told to one endpoint.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) listener: u32,
    endpoint: Arc<WebhookEndpoint>,
    pub(super) event: Arc<Event>,
    /// How it is told.
    pub(super) plan: Arc<WebhookPlan>,
    attempts: VecDeque<Attempt>,
    /// Attempts since it was begun, or begun anew.
    n_attempts: u32,
    state: DeliveryState,
}

/// An attempt to tell something, in wall time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When it was made.
    pub(crate) at: Timestamp,
    /// How long it took and what became of it, if it has ended.
    pub(crate) ended: Option<(Duration, Outcome)>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint answered with this status.
    Answered(u16),
    /// There was no answer, and why.
    Failed(String),
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    /// It is tried at this time of the wall.
    Waits(Timestamp),
    /// It is being tried.
    IsTried,
    /// The endpoint took it.
    Delivered,
    /// It is not tried again.
    GivenUp,
}

/// A delivery, to be shown.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryView {
    /// Its number in the world.
    pub(crate) number: u64,
    /// What is told.
    pub(crate) event: Arc<Event>,
    /// The number of the endpoint.
    pub(crate) listener: u32,
    /// Who is told.
    pub(crate) endpoint: Arc<WebhookEndpoint>,
    /// How far it is.
    pub(crate) state: DeliveryState,
    /// What was tried, oldest first.
    pub(crate) attempts: Vec<Attempt>,
}

impl Outcome {
    /// Whether the endpoint took it: no redirect counts (F-406).
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

/// As the log has it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "answered with status {status}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl Delivery {
    pub(super) fn new(
        listener: u32,
        endpoint: Arc<WebhookEndpoint>,
        event: Arc<Event>,
        plan: Arc<WebhookPlan>,
    ) -> Self {
        let state = DeliveryState::GivenUp;
        Self { listener, endpoint, event, plan, attempts: VecDeque::new(), n_attempts: 0, state }
    }

    pub(super) fn view(&self, number: u64) -> DeliveryView {
        DeliveryView {
            number,
            event: Arc::clone(&self.event),
            listener: self.listener,
            endpoint: Arc::clone(&self.endpoint),
            state: self.state,
            attempts: self.attempts.iter().cloned().collect(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self.state {
            DeliveryState::Waits(_) | DeliveryState::IsTried => false,
            DeliveryState::Delivered | DeliveryState::GivenUp => true,
        }
    }

    pub(super) fn wait_until(&mut self, due_at: Timestamp) {
        self.state = DeliveryState::Waits(due_at);
    }

    /// Tries all over again from then on.
    pub(super) fn begin_anew(&mut self, due_at: Timestamp) {
        self.n_attempts = 0;
        self.wait_until(due_at);
    }

    /// Begins an attempt, and tells which it is, counted from 1.
    pub(super) fn begin_attempt(&mut self, at: Timestamp) -> u32 {
        if self.attempts.len() >= MOST_ATTEMPTS {
            self.attempts.pop_front();
        }
        self.attempts.push_back(Attempt { at, ended: None });
        self.n_attempts += 1;
        self.state = DeliveryState::IsTried;
        self.n_attempts
    }

    /// Ends the attempt that is under way, if one is.
    pub(super) fn end_attempt(&mut self, outcome: Outcome, wall: Timestamp) -> bool {
        match self.attempts.back_mut() {
            Some(attempt) if self.state == DeliveryState::IsTried => {
                attempt.ended = Some((wall.since(attempt.at), outcome));
                true
            }
            Some(_) | None => false,
        }
    }

    /// Decides after an attempt when it is tried again, if it is.
    pub(super) fn plan_next(&mut self, wall: Timestamp) -> Option<Timestamp> {
        if self.was_taken() {
            return None;
        }
        let next_at = wait_after(self.n_attempts, self.plan.retry_speed).map(|wait| wall + wait);
        if let Some(next_at) = next_at {
            self.wait_until(next_at);
        }
        next_at
    }

    /// Does not try again: it has been taken, or never will be.
    pub(super) fn give_up(&mut self) {
        self.state = if self.was_taken() { DeliveryState::Delivered } else { DeliveryState::GivenUp };
    }

    fn was_taken(&self) -> bool {
        let last = self.attempts.back().and_then(|attempt| attempt.ended.as_ref());
        last.is_some_and(|(_, outcome)| outcome.is_success())
    }
}
