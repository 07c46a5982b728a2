//! The faults of a server in a test.

use std::fmt;

use super::ask;
use crate::fault::{FaultError, FaultPlan, FaultScope, Standing};
use crate::http::App;

/// The faults of one world of a [`MockServer`](super::MockServer).
#[derive(Clone)]
pub struct FaultHandle {
    pub(super) key: String,
    pub(super) app: App,
}

/// How often a rule has been asked, and has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultCount {
    /// Its number among those of the world, or of its batch, from 1.
    pub rule: u64,
    /// What its writer calls it.
    pub name: Option<String>,
    /// The batch that it is limited to, if it is.
    pub batch_id: Option<String>,
    /// What happens, in a word.
    pub kind: &'static str,
    /// How many requests were right for it.
    pub n_matched: u32,
    /// To how many of them it has happened.
    pub n_fired: u32,
}

/// As with a [`ClockHandle`](super::ClockHandle), the methods panic if a data directory cannot be read or written any
/// more.
impl FaultHandle {
    /// Adds rules after those that are in force.
    ///
    /// # Errors
    ///
    /// If there are as many as there may be ([`Limits::world_faults`](crate::Limits::world_faults)).
    pub fn add(&self, plan: &FaultPlan) -> Result<(), FaultError> {
        ask(&self.app, &self.key, |world, wall| world.add_faults(wall, plan, &FaultScope::World))
            .map_err(|_| self.too_many())
    }

    /// Adds rules for requests that name a batch, its input or its results.
    ///
    /// # Errors
    ///
    /// If there are as many as there may be ([`Limits::world_faults`](crate::Limits::world_faults)).
    pub fn add_for_batch(&self, batch_id: &str, plan: &FaultPlan) -> Result<(), FaultError> {
        let scope = FaultScope::Batch(batch_id.into());
        ask(&self.app, &self.key, |world, wall| world.add_faults(wall, plan, &scope))
            .map_err(|_| self.too_many())
    }

    /// Puts rules in the place of all that are in force. They count anew.
    ///
    /// # Errors
    ///
    /// If there are more than there may be ([`Limits::world_faults`](crate::Limits::world_faults)).
    pub fn replace(&self, plan: &FaultPlan) -> Result<(), FaultError> {
        ask(&self.app, &self.key, |world, wall| world.replace_faults(wall, plan)).map_err(|_| self.too_many())
    }

    /// Clears all that are in force.
    pub fn clear(&self) {
        ask(&self.app, &self.key, |world, _| world.clear_faults());
    }

    /// How often each rule has been asked, and has happened.
    pub fn counts(&self) -> Vec<FaultCount> {
        ask(&self.app, &self.key, |world, _| world.faults()).into_iter().map(FaultCount::from).collect()
    }

    fn too_many(&self) -> FaultError {
        FaultError::too_many(self.app.worlds.config().limits.world_faults)
    }
}

impl From<Standing> for FaultCount {
    fn from(standing: Standing) -> Self {
        let Standing { number, batch_id, rule, is_of_scenario: _, given_at: _, n_matched, n_fired } =
            standing;
        Self {
            rule: number,
            name: rule.name().map(str::to_owned),
            batch_id: batch_id.map(|id| id.to_string()),
            kind: rule.kind(),
            n_matched,
            n_fired,
        }
    }
}

/// Not with the key.
impl fmt::Debug for FaultHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultHandle").finish_non_exhaustive()
    }
}
