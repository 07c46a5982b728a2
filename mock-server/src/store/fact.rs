//! What is kept of a world, and what comes back.

use std::collections::BTreeSet;
use std::hash::Hasher as _;
use std::sync::Arc;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::clock::Clock;
use crate::scenario::Scenario;
use crate::sim::Seed;
use crate::world::{
    AccountIds, Allowance, BatchRecord, Blob, Counters, FileRecord, Happenings, Upload, UploadRecord,
};

/// A world, whatever the seed of the server is. Its key cannot be read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WorldId(pub(super) u128);

impl WorldId {
    /// The world that this key opens. Two keys share one once in many ages.
    pub(crate) fn of_key(key: &str) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x6261_7463_686d_6f63, 0x6461_7461_2064_6972);
        hasher.write(key.as_bytes());
        Self(hasher.finish128().as_u128())
    }

    /// A number below `n` that is the same for the same world, and evenly spread over worlds.
    pub(crate) fn among(self, n: usize) -> usize {
        usize::try_from(self.0 % n as u128).expect("less than n")
    }
}

/// Something that is so in a world from now on.
#[derive(Debug)]
pub(crate) enum Fact {
    /// Nothing of what was so before is so any more.
    BeginsAnew,
    /// What there is once in a world.
    World(WorldFacts),
    /// A model of the account is deleted.
    ModelDeleted(u64, String),
    /// There is a file that was uploaded.
    FileAdded(u64, Arc<FileRecord>),
    /// There is no such file any more. It is held until that is kept: only then its bytes may go.
    FileRemoved(u64, Arc<FileRecord>),
    /// An upload is so. Bytes that it has let go are held until that is kept: only then they may go.
    Upload {
        /// The upload.
        upload: UploadRecord,
        /// The bytes.
        #[expect(dead_code, reason = "they are held, not looked at")]
        held: Vec<Arc<Blob>>,
    },
    /// There is a batch.
    BatchCreated(u64, Arc<BatchRecord>),
    /// This is all that has happened to a batch. An input that it has let go is held until that is kept.
    Happened {
        /// The number of the batch.
        number: u64,
        /// All that has happened to it.
        happened: Happenings,
        /// The input.
        #[expect(dead_code, reason = "it is held, not looked at")]
        held: Option<Arc<Upload>>,
    },
}

/// What there is once in a world.
#[derive(Debug)]
pub(crate) struct WorldFacts {
    /// How it is called in logs.
    pub(crate) label: String,
    /// Whose it is.
    pub(crate) account: Arc<AccountIds>,
    /// From which follows what is made in it, if that is not its key.
    pub(crate) seed: Option<Seed>,
    /// How its time moves.
    pub(crate) clock: Clock,
    /// How many there have been of what has a number.
    pub(crate) counters: Counters,
    /// The scenario that was chosen for it, if one was.
    pub(crate) scenario: Option<Arc<Scenario>>,
    /// What its account may use, and what of it is used; but for quotas that are not its own.
    pub(crate) allowance: Allowance,
}

/// A world as it comes back from the store.
#[derive(Debug)]
pub(crate) struct KnownWorld {
    /// What there is once in it.
    pub(crate) facts: WorldFacts,
    /// Models that its account had and deleted.
    pub(crate) deleted_models: BTreeSet<String>,
    /// The files that were uploaded and are there, with their numbers.
    pub(crate) files: Vec<(u64, FileRecord)>,
    /// Its uploads, whose files come in parts.
    pub(crate) uploads: Vec<UploadRecord>,
    /// Its batches in the order of their creation, and what has happened to them.
    pub(crate) batches: Vec<(BatchRecord, Happenings)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_the_same_world_in_every_release() {
        assert_eq!(WorldId::of_key("sk-batchmock").0, 210_557_238_216_187_488_895_778_898_877_067_711_128);
        assert_ne!(WorldId::of_key("a"), WorldId::of_key("b"));
    }
}
