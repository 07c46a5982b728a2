//! Moving a world's clock ahead.

use std::time::Duration;

use super::{NoSuchBatch, State, World};
use crate::sim::{Observation, Status, Timestamp};

/// Where to move a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AdvanceTo {
    /// So much further.
    By(Duration),
    /// To this time.
    Time(Timestamp),
    /// To the next change of any batch.
    NextChange,
    /// To the time at which this batch has this status.
    Status(String, Status),
}

/// What an advance has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advanced {
    /// What the clock showed.
    pub(crate) from: Timestamp,
    /// What it shows.
    pub(crate) to: Timestamp,
    /// What happened between, in order.
    pub(crate) came_due: Vec<(Timestamp, CameDue)>,
}

/// Something that happened because time passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CameDue {
    /// A batch changed.
    Batch {
        /// Which.
        id: String,
        /// What it looks like from then on.
        observation: Observation,
    },
    /// A file expired.
    FileExpired {
        /// Which.
        id: String,
    },
}

/// Why a clock is not moved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AdvanceError {
    /// That time has passed; the clock shows this.
    Backwards(Timestamp),
    /// Nothing will change by itself.
    NothingToCome,
    /// There is no such batch.
    NoSuchBatch,
    /// The batch will never have that status; it will end with this one, or has.
    Never(Status),
    /// That is after the last time a clock may show.
    TooFar,
}

impl World {
    /// Moves the clock ahead. When it answers, everything due has happened.
    pub(crate) fn advance(&self, wall: Timestamp, target: &AdvanceTo) -> Result<Advanced, AdvanceError> {
        let mut state = self.lock();
        let from = self.settle(&mut state, wall);
        let to = state.destination(target, from)?;
        if to > Timestamp::MAX {
            return Err(AdvanceError::TooFar);
        }

        let mut came_due = Vec::new();
        // Between two ends or expiries every batch lives as planned, so the changes up to the next of them
        // can be told before it happens.
        let mut at = from;
        while at < to {
            let next_stop = state.next_stop().map_or(to, |stop| stop.clamp(at, to));
            came_due.extend(state.changes_between(at, next_stop));
            state.advance_clock(next_stop, wall);
            self.settle(&mut state, wall);
            at = next_stop;
        }
        Ok(Advanced { from, to, came_due })
    }
}

impl State {
    fn destination(&self, target: &AdvanceTo, now: Timestamp) -> Result<Timestamp, AdvanceError> {
        match target {
            AdvanceTo::By(duration) => Ok(now + *duration),
            AdvanceTo::Time(time) if *time < now => Err(AdvanceError::Backwards(now)),
            AdvanceTo::Time(time) => Ok(*time),
            AdvanceTo::NextChange => self.next_change(now).ok_or(AdvanceError::NothingToCome),
            AdvanceTo::Status(id, status) => self.status_comes_at(id, *status, now),
        }
    }

    fn status_comes_at(&self, id: &str, status: Status, now: Timestamp) -> Result<Timestamp, AdvanceError> {
        let place =
            self.batches().place(id).ok_or(NoSuchBatch).map_err(|NoSuchBatch| AdvanceError::NoSuchBatch)?;
        let entry = self.batches().entry(place);
        let current = entry.observe(now).status;
        if current == status {
            return Ok(now);
        }
        let foreseen = self.foreseen(entry);
        let mut changes = entry.record.plan.changes(&foreseen, now);
        let mut last = current;
        changes
            .find_map(|change| {
                last = change.observation.status;
                (last == status).then_some(change.at)
            })
            .ok_or(AdvanceError::Never(last))
    }

    /// When a batch ends or a file expires next.
    fn next_stop(&self) -> Option<Timestamp> {
        let end = self.batches().next_end().map(|(at, _)| at);
        let expiry = self.files().next_expiry().map(|(at, _)| at);
        end.into_iter().chain(expiry).min()
    }

    /// What comes due after `from`, up to and including `to`, in order.
    fn changes_between(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, CameDue)> {
        let mut came_due = Vec::new();
        for entry in self.batches().live() {
            let changes = entry.record.plan.changes(&entry.happened.interventions, from);
            came_due.extend(changes.take_while(|change| change.at <= to).map(|change| {
                let id = entry.record.id.clone();
                (change.at, CameDue::Batch { id, observation: change.observation })
            }));
        }
        came_due.extend(self.files().expiring_until(to).map(|(at, id)| (at, CameDue::FileExpired { id })));
        came_due.sort_by_key(|(at, _)| *at);
        came_due
    }
}
