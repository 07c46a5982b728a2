//! Scenarios that batches were created in, or that were chosen for a world: whole, since the next release, or another
//! start of the server, may have others of the same names.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::damaged;
use crate::scenario::Scenario;

/// A scenario, by its name and the text of its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioRow {
    name: String,
    toml: String,
}

impl ScenarioRow {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self { name: scenario.name(), toml: scenario.source().to_owned() }
    }

    pub(super) fn scenario(self) -> io::Result<Arc<Scenario>> {
        let Self { name, toml } = self;
        Scenario::known(&name, &toml).map(Arc::new).map_err(damaged)
    }
}
