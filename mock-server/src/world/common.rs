//! What all worlds of a server share.

use std::io;
use std::sync::Arc;

use super::blob::{BlobDir, Scratch};
use super::upload::Scanning;
use super::{Agenda, Behavior};
use crate::config::Config;
use crate::quota::Quotas;
use crate::scenario::Scenario;
use crate::store::DataDir;

/// What all worlds of a server share.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) config: Config,
    /// What batches are created with where there is no scenario.
    pub(super) plain: Arc<Behavior>,
    /// What accounts may use whose users have not said otherwise.
    pub(super) quotas: Arc<Quotas>,
    /// Where bytes are that go when the server goes.
    blobs: Arc<BlobDir>,
    /// What outlives the server, if anything does.
    pub(super) data_dir: Option<DataDir>,
    /// When the courier is to look at which world.
    pub(super) agenda: Arc<Agenda>,
}

impl Common {
    pub(super) fn new(mut config: Config) -> io::Result<Self> {
        let data_dir = config.data_dir.take();
        if data_dir.as_ref().is_some_and(|data_dir| !data_dir.take()) {
            return Err(io::Error::other("another server of this process has the data directory"));
        }
        let blobs = match &data_dir {
            None => BlobDir::temporary(),
            Some(data_dir) => BlobDir::at(data_dir.scratch()),
        };
        Ok(Self {
            plain: Arc::new(Behavior::new(&config)),
            quotas: Arc::new(config.quotas.clone()),
            blobs: blobs?,
            config,
            data_dir,
            agenda: Arc::default(),
        })
    }

    /// Where a new world begins its blobs.
    pub(super) fn scratch(&self) -> Scratch {
        Scratch { dir: Arc::clone(&self.blobs), storage: Arc::default() }
    }

    /// What batches are created with in a scenario.
    pub(super) fn behavior_in(&self, scenario: Option<&Arc<Scenario>>) -> Arc<Behavior> {
        match scenario {
            Some(scenario) => Arc::new(self.plain.in_scenario(scenario)),
            None => Arc::clone(&self.plain),
        }
    }

    /// What an account may use where batches are created with this.
    pub(super) fn quotas_with(&self, behavior: &Behavior) -> Arc<Quotas> {
        Arc::clone(behavior.quotas().unwrap_or(&self.quotas))
    }

    /// How uploads are scanned.
    pub(super) fn scanning(&self) -> Scanning {
        Scanning { responder: Arc::clone(&self.plain.responder), max_line: self.config.limits.json_bytes }
    }

    /// How often the server was started before on the same data.
    pub(super) fn run(&self) -> u64 {
        self.data_dir.as_ref().map_or(0, |data_dir| u64::from(data_dir.run()))
    }
}

impl Drop for Common {
    fn drop(&mut self) {
        if let Some(data_dir) = &self.data_dir {
            data_dir.give_back();
        }
    }
}
