//! All worlds of a server.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;

use super::common::Common;
use super::keeping::{Names, Site};
use super::{Agenda, World};
use crate::config::Config;
use crate::journal::Journal;
use crate::scenario::ScenarioError;
use crate::sim::{Seed, Timestamp};
use crate::store::{DataDir, WorldId};

/// All worlds of a server, each named by the key that opens it and made when the key is first used.
#[derive(Debug)]
pub(crate) struct Worlds {
    common: Arc<Common>,
    by_key: DashMap<String, Arc<World>>,
    n_strangers: AtomicU64,
    /// Held while a world is read or made; keys that share a turn wait for each other.
    turns: [Mutex<()>; 16],
}

/// Why a key opens no world.
#[derive(Debug)]
pub(crate) enum NoWorld {
    /// There are as many as there may be.
    TooMany,
    /// It names a scenario that there is not.
    NoSuchScenario(ScenarioError),
    /// It cannot be read.
    Unreadable(io::Error),
}

impl Worlds {
    /// No worlds yet, but those of the data directory. Makes the directory for their files.
    pub(crate) fn new(config: Config) -> io::Result<Self> {
        Ok(Self {
            common: Arc::new(Common::new(config)?),
            by_key: DashMap::new(),
            n_strangers: AtomicU64::new(0),
            turns: Default::default(),
        })
    }

    /// How the server behaves.
    pub(crate) fn config(&self) -> &Config {
        &self.common.config
    }

    /// What outlives the server, if anything does.
    pub(crate) fn data_dir(&self) -> Option<&DataDir> {
        self.common.data_dir.as_ref()
    }

    /// When the courier is to look at which world.
    pub(crate) fn agenda(&self) -> &Agenda {
        &self.common.agenda
    }

    /// The seed of the next answer to a request without a key.
    pub(crate) fn next_stranger(&self) -> Seed {
        let seed = of_run(Seed::new(self.config().seed), self.common.run());
        seed.nth("stranger", self.n_strangers.fetch_add(1, Ordering::Relaxed))
    }

    /// The world of a key, if that can be told without a look at the disk.
    pub(crate) fn at_hand(&self, key: &str) -> Option<Arc<World>> {
        self.by_key.get(key).map(|world| Arc::clone(&world)).filter(|world| !world.is_lost())
    }

    /// The world of a key, which is read if it must be, or made if there are not so many yet. Blocks on the disk if there is a data directory.
    pub(crate) fn world(&self, key: &str, wall: Timestamp, most: usize) -> Result<Arc<World>, NoWorld> {
        if let Some(world) = self.at_hand(key) {
            return Ok(world);
        }
        let id = WorldId::of_key(key);
        let _turn = self.turn(id).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = self.at_hand(key) {
            return Ok(world);
        }
        let names = self.names(key).map_err(NoWorld::NoSuchScenario)?;
        // What happened in a world that was lost has happened.
        let journal = self.journal(key);
        let scratch = self.common.scratch();
        let known = match self.data_dir() {
            None => None,
            Some(data_dir) => data_dir
                .read_world(id, &self.common.scanning(), &scratch.storage)
                .map_err(NoWorld::Unreadable)?,
        };
        let site = Site { id, names, common: Arc::clone(&self.common), scratch, journal };
        let world = if let Some(known) = known {
            World::known(site, known, wall)
        } else {
            // Of several who come at once each may make one more than that.
            let n_worlds = match self.data_dir() {
                None => self.by_key.len(),
                Some(data_dir) => data_dir.n_worlds().map_err(NoWorld::Unreadable)?,
            };
            if n_worlds >= most {
                return Err(NoWorld::TooMany);
            }
            World::new(site, wall)
        };
        let world = Arc::new(world);
        world.take_a_seat();
        if let Some(lost) = self.by_key.insert(key.to_owned(), Arc::clone(&world)) {
            world.count_answers_on_from(&lost);
        }
        Ok(world)
    }
}

impl Worlds {
    pub(super) fn common(&self) -> &Arc<Common> {
        &self.common
    }

    /// Held while a world is read, made or replaced.
    pub(super) fn turn(&self, id: WorldId) -> &Mutex<()> {
        &self.turns[id.among(self.turns.len())]
    }

    /// What a key says about its world.
    pub(super) fn names(&self, key: &str) -> Result<Names, ScenarioError> {
        let config = self.config();
        let seed = Seed::new(config.seed).named(key);
        let scenario = config.scenarios.of_key(key)?;
        let initial = self.common.behavior_in(scenario.or(config.scenario.as_ref()));
        Ok(Names { label: label(key, seed), seed, initial })
    }

    /// The journal of the world of a key, which outlives it.
    pub(super) fn journal(&self, key: &str) -> Arc<Journal> {
        let known = self.get(key).map(|world| Arc::clone(world.journal()));
        known.unwrap_or_else(|| Arc::new(Journal::new(self.config().limits.journal())))
    }

    /// The world of a key, if it was read or made.
    pub(super) fn get(&self, key: &str) -> Option<Arc<World>> {
        self.by_key.get(key).map(|world| Arc::clone(&world))
    }

    /// Puts a world in the place of that of a key.
    pub(super) fn put(&self, key: &str, world: &Arc<World>) {
        self.by_key.insert(key.to_owned(), Arc::clone(world));
    }

    /// Whether this world is there, or one more may be. Blocks on the disk if there is a data directory.
    pub(super) fn has_room_for(&self, key: &str, id: WorldId, most: usize) -> io::Result<bool> {
        if self.by_key.contains_key(key) {
            return Ok(true);
        }
        Ok(match self.data_dir() {
            None => self.by_key.len() < most,
            Some(data_dir) => data_dir.has_world(id)? || data_dir.n_worlds()? < most,
        })
    }
}

/// The seed from which all follows that has a number in one run of a server: that of the first run is the seed.
pub(super) fn of_run(seed: Seed, run: u64) -> Seed {
    if run == 0 { seed } else { seed.nth("run", run) }
}

/// A key as logs may show it: both ends of a long one, nothing of a short one but a fingerprint.
fn label(key: &str, seed: Seed) -> String {
    let characters: Vec<char> = key.chars().filter(char::is_ascii_graphic).collect();
    if characters.len() >= 12 {
        let (head, tail) = (&characters[..3], &characters[characters.len() - 4..]);
        format!("{}…{}", String::from_iter(head), String::from_iter(tail))
    } else {
        format!("key-{:04x}", seed.number() & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_does_not_give_the_key_away() {
        let seed = Seed::new(0xabcd);
        assert_eq!(label("sk-a-long-secret-1234", seed), "sk-…1234");
        assert_eq!(label("short", seed), "key-abcd");
        assert_eq!(label("\u{1b}[31m\n", seed), "key-abcd");
    }
}
