//! Which scenario a world is in, and a batch of it.

use std::sync::Arc;

use indexmap::IndexMap;

use super::state::State;
use super::{Behavior, World};
use crate::scenario::{Scenario, ScenarioError};
use crate::sim::Timestamp;

/// The metadata of a batch that chooses its scenario: legal on the real service, and without effect there.
pub(crate) const SCENARIO_METADATA: &str = "mock_scenario";

impl World {
    /// What calls are answered with, and batches created with, from now on.
    pub(crate) fn behavior(&self) -> Arc<Behavior> {
        self.behavior_in(&self.lock())
    }

    fn behavior_in(&self, state: &State) -> Arc<Behavior> {
        Arc::clone(state.chosen().unwrap_or(&self.initial))
    }

    /// What a batch with this metadata is created with: that of the scenario it names, or else of the world's.
    ///
    /// # Errors
    ///
    /// If it names a scenario that there is not.
    pub(crate) fn behavior_for(
        &self,
        metadata: Option<&IndexMap<String, String>>,
    ) -> Result<Arc<Behavior>, ScenarioError> {
        match metadata.and_then(|metadata| metadata.get(SCENARIO_METADATA)) {
            None => Ok(self.behavior()),
            Some(name) => {
                let scenario = self.common.config.scenarios.get(name)?;
                Ok(self.common.behavior_in(Some(scenario)))
            }
        }
    }

    /// The scenario that the world is in.
    pub(crate) fn scenario(&self) -> Option<Arc<Scenario>> {
        self.behavior().scenario.clone()
    }

    /// Puts the world into a scenario: batches that are created from now on live by it. Without one it is back in that
    /// of its key, or of the server.
    pub(crate) fn choose(&self, wall: Timestamp, scenario: Option<&Arc<Scenario>>) {
        let behavior = scenario.map(|scenario| self.common.behavior_in(Some(scenario)));
        let now = {
            let mut state = self.lock();
            let now = self.settle(&mut state, wall);
            let quotas = self.common.quotas_with(behavior.as_ref().unwrap_or(&self.initial));
            state.choose(behavior, quotas, now);
            now
        };
        self.change_faults_of_scenario(now);
    }

    /// How many entries a page of a list has at most, if so many were asked for.
    pub(super) fn page_size(&self, state: &State, asked: usize) -> usize {
        let behavior = self.behavior_in(state);
        let most = behavior.scenario.as_ref().and_then(|scenario| scenario.page_size());
        most.map_or(asked, |most| asked.min(most))
    }
}
