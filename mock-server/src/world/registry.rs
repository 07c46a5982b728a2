//! All worlds of a server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::World;
use super::blob::BlobDir;
use super::results::ResultSource;
use crate::config::Config;
use crate::responder::Responder;
use crate::sim::{Seed, Timestamp};

/// All worlds of a server, each named by the key that opens it and made when the key is first used.
#[derive(Debug)]
pub(crate) struct Worlds {
    config: Arc<Config>,
    source: ResultSource,
    by_key: DashMap<String, Arc<World>>,
    n_strangers: AtomicU64,
}

impl Worlds {
    /// No worlds yet. Makes the directory for their files.
    pub(crate) fn new(config: Config) -> io::Result<Self> {
        let source = ResultSource {
            blobs: BlobDir::new()?,
            responder: Arc::new(Responder::new(config.seed, config.answers)),
            rules: Arc::new(config.rules.clone()),
            switches: config.switches,
        };
        Ok(Self { config: Arc::new(config), source, by_key: DashMap::new(), n_strangers: AtomicU64::new(0) })
    }

    /// How the server behaves.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// What answers requests.
    pub(crate) fn responder(&self) -> &Responder {
        &self.source.responder
    }

    /// The seed of the next answer to a request without a key.
    pub(crate) fn next_stranger(&self) -> Seed {
        Seed::new(self.config.seed).nth("stranger", self.n_strangers.fetch_add(1, Ordering::Relaxed))
    }

    /// The world of a key, if it is there or one more may be made.
    pub(crate) fn world_if_room(&self, key: &str, wall: Timestamp) -> Option<Arc<World>> {
        if let Some(world) = self.by_key.get(key) {
            return Some(Arc::clone(&world));
        }
        // Of several who come at once each may make one more than that.
        (self.by_key.len() < self.config.limits.worlds).then(|| self.world(key, wall))
    }

    /// The world of a key.
    pub(crate) fn world(&self, key: &str, wall: Timestamp) -> Arc<World> {
        let make = || {
            let seed = Seed::new(self.config.seed).named(key);
            let source = self.source.clone();
            Arc::new(World::new(label(key, seed), seed, Arc::clone(&self.config), source, wall))
        };
        Arc::clone(&self.by_key.entry(key.to_owned()).or_insert_with(make))
    }
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
