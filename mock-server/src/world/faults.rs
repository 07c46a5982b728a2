//! The faults of a world: which rules are in force, and which of them is due.
//!
//! They stand under a lock of their own, and are no facts: a data directory keeps none of them, nor how often they have
//! happened.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::files::FileContent;
use super::state::State;
use super::storage::Full;
use super::{BatchView, Behavior, NoSuchBatch, World};
use crate::fault::{Asked, Concerned, FaultPlan, FaultScope, Faults, Fired, Standing};
use crate::operation::{Called, Subject};
use crate::sim::Timestamp;

impl World {
    /// Adds rules after those that are in force.
    pub(crate) fn add_faults(
        &self,
        wall: Timestamp,
        plan: &FaultPlan,
        scope: &FaultScope,
    ) -> Result<(), Full> {
        let now = self.now(wall);
        let mut faults = self.lock_faults();
        self.check_room_for_faults(faults.len() + plan.len())?;
        faults.add(plan, scope, now);
        Ok(())
    }

    /// Puts rules in the place of all that are in force; they count anew.
    pub(crate) fn replace_faults(&self, wall: Timestamp, plan: &FaultPlan) -> Result<(), Full> {
        self.check_room_for_faults(plan.len())?;
        let mut faults = Faults::default();
        faults.add(plan, &FaultScope::World, self.now(wall));
        *self.lock_faults() = faults;
        Ok(())
    }

    /// Clears all rules that are in force.
    pub(crate) fn clear_faults(&self) {
        *self.lock_faults() = Faults::default();
    }

    /// The rules that are in force.
    pub(crate) fn faults(&self) -> Vec<Standing> {
        self.lock_faults().all()
    }

    /// Counts a request, and gives the rule that decides about it.
    pub(crate) fn next_fault(&self, wall: impl FnOnce() -> Timestamp, called: &Called<'_>) -> Option<Fired> {
        if self.lock_faults().is_empty() {
            return None;
        }
        let wall = wall();
        let (now, batches) = {
            let mut state = self.lock();
            let now = self.settle(&mut state, wall);
            (now, concerned(&state, called, now))
        };
        let asked = Asked { operation: called.operation, now, batches: &batches };
        self.lock_faults().decide(&asked, self.seed_of_run.named("faults"))
    }

    /// A batch as it was a while ago, with what had happened to it by then: as a copy of the service's data shows it that
    /// lags behind. One that was not there yet is not there.
    pub(crate) fn batch_as_it_was(
        &self,
        wall: Timestamp,
        id: &str,
        ago: Duration,
    ) -> Result<BatchView, NoSuchBatch> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let place = state.batches().place(id).ok_or(NoSuchBatch)?;
        let entry = state.batches().entry(place);
        let age = now.since(entry.record.plan.created_at());
        let then = now - ago.min(age);
        if ago > age {
            return Err(NoSuchBatch);
        }
        Ok(self.with_problems(entry.view_as_of(then)))
    }

    /// The rules that a server starts with, and those of the scenario that the world is in.
    pub(super) fn faults_at_first(&self, wall: Timestamp) -> Faults {
        let mut faults = Faults::default();
        let now = self.now(wall);
        faults.add(&self.common.config.faults, &FaultScope::World, now);
        if let Some(plan) = self.behavior().faults() {
            faults.add(plan, &FaultScope::Scenario, now);
        }
        faults
    }

    /// Puts the rules of the scenario that the world is in now in the place of those of the last one.
    pub(super) fn change_faults_of_scenario(&self, now: Timestamp) {
        let behavior = self.behavior();
        let mut faults = self.lock_faults();
        faults.leave_scenario();
        if let Some(plan) = behavior.faults() {
            faults.add(plan, &FaultScope::Scenario, now);
        }
    }

    /// Lets a batch meet the rules of the scenario that it alone is in.
    pub(super) fn add_faults_of_batch(&self, batch_id: &str, behavior: &Behavior, now: Timestamp) {
        if let Some(plan) = behavior.faults() {
            self.lock_faults().add(plan, &FaultScope::Batch(batch_id.into()), now);
        }
    }

    pub(super) fn lock_faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, wall: Timestamp) -> Timestamp {
        self.lock().now(wall)
    }

    fn check_room_for_faults(&self, n: usize) -> Result<(), Full> {
        let most = self.common.config.limits.world_faults;
        if n > most { Err(Full::Faults(most)) } else { Ok(()) }
    }
}

/// The batches that a request names: by their ids, or by those of their inputs and results.
fn concerned(state: &State, called: &Called<'_>, now: Timestamp) -> Vec<Concerned> {
    let Some(id) = called.id.as_deref() else { return Vec::new() };
    let places = match called.operation.subject() {
        Subject::Batches => state.batches().place(id).into_iter().collect(),
        Subject::Files => match state.files().get(id).map(|record| &record.content) {
            Some(FileContent::Result(results, _)) => {
                state.batches().place(results.batch_id()).into_iter().collect()
            }
            Some(FileContent::Uploaded(_)) | None => state.batches().reading(id),
        },
        Subject::Uploads | Subject::Models | Subject::Inference | Subject::Nothing => Vec::new(),
    };
    let concerned = |place: usize| {
        let entry = state.batches().entry(place);
        Concerned {
            id: entry.record.id.clone(),
            status: entry.observe(now).status,
            created_at: entry.record.plan.created_at(),
        }
    };
    places.into_iter().map(concerned).collect()
}
