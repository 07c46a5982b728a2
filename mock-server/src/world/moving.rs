//! Worlds that leave for another mock, and come from one.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError};

use batchmock_client::types::BatchUsage;

use super::batches::BatchRecord;
use super::blob::{Blob, Scratch};
use super::changes::{Changes, Told};
use super::common::Common;
use super::files::{FileContent, FileRecord};
use super::keeping::Site;
use super::registry::Worlds;
use super::results::ResultFile;
use super::upload::Upload;
use super::{Full, World};
use crate::clock::Clock;
use crate::quota::Quotas;
use crate::sim::Timestamp;
use crate::store::{Archived, Fact, WorldId, read_archive, write_archive};

/// All of a world at one time. What it holds stays readable as long as it is there.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// All facts. The key is in none of them.
    pub(crate) facts: Vec<Fact>,
    /// The inputs of the batches that may need them, by their numbers.
    pub(crate) inputs: BTreeMap<u64, Arc<Upload>>,
    /// The results of batches whose input is gone, or which were recorded, so that they might not be written again.
    pub(crate) written: BTreeMap<u64, WrittenFiles>,
}

/// Results that were written.
#[derive(Debug)]
pub(crate) struct WrittenFiles {
    /// What the lines took.
    pub(crate) usage: BatchUsage,
    /// The files that are there.
    pub(crate) files: Vec<(ResultFile, Arc<FileRecord>)>,
}

/// Why a world does not come in.
#[derive(Debug)]
pub(crate) enum ImportError {
    /// The file is no world, or not all of one: how so.
    NoWorld(String),
    /// A batch of this id has results that cannot be written again after a restart, and they are to survive one.
    WithoutInput(String),
    /// There is no room for it on the disk, of which so many bytes may be used.
    ExceedsQuota(u64),
    /// It has more than a world may have.
    WorldIsFull(Full),
    /// There are as many worlds as there may be: so many.
    TooMany(usize),
    /// The key names a scenario that there is not, or the disk fails.
    Unreadable(io::Error),
}

/// Why bytes are not taken in.
#[derive(Debug, thiserror::Error)]
#[error("there is no room for it: a world may store {0} bytes")]
struct NoRoom(u64);

impl From<io::Error> for ImportError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|error| error.downcast_ref::<NoRoom>()) {
            Some(NoRoom(limit)) => Self::ExceedsQuota(*limit),
            None if error.kind() == io::ErrorKind::InvalidData => Self::NoWorld(error.to_string()),
            None => Self::Unreadable(error),
        }
    }
}

impl BatchRecord {
    /// Whether some of its lines may be answered from recordings, which the file does not hold.
    fn is_replayed(&self) -> bool {
        !self.behavior.answers.recordings().0.is_empty()
    }
}

impl World {
    /// Writes the results that were recorded, and that nobody has looked at yet: what they are read from may not be there
    /// where the world goes. Blocks on the disk.
    pub(crate) fn write_replayed(&self, wall: Timestamp) {
        let results: Vec<_> = {
            let mut state = self.lock();
            self.settle(&mut state, wall);
            let replayed = state.batches().all().filter(|entry| entry.record.is_replayed());
            replayed.filter_map(|entry| entry.results.clone()).collect()
        };
        for results in results {
            // What cannot be written here tells so to whoever looks at it, here and there.
            let _ = results.usage();
        }
    }

    /// All of it, as it is at this time.
    pub(crate) fn snapshot(&self, wall: Timestamp) -> Snapshot {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let told = Told { label: String::new(), account: Arc::clone(&self.account), seed: Some(self.seed) };
        let mut facts = Changes::of_all(&state).into_facts(&state, &told);
        let scenario = state.chosen().unwrap_or(&self.initial).scenario.clone();
        for fact in &mut facts {
            if let Fact::World(facts) = fact {
                // It stands still until it has come in elsewhere.
                facts.clock = Clock::new(facts.clock.mode(), now, Timestamp::from_unix_millis(0));
                facts.allowance.is_own |= *facts.allowance.quotas != Quotas::default();
                facts.scenario.clone_from(&scenario);
            }
        }
        let (mut inputs, mut written) = (BTreeMap::new(), BTreeMap::new());
        for (number, entry) in (0_u64..).zip(state.batches().all()) {
            if entry.happened.spent.is_some() {
                continue;
            }
            let input = entry.record.input.get().or_else(|| state.batch_input(&entry.record.input_file_id));
            let is_replayed = entry.record.is_replayed();
            if let Some(input) = input {
                inputs.insert(number, input);
                if !is_replayed {
                    continue;
                }
            }
            let Some(results) = &entry.results else { continue };
            let Some(usage) = results.known_usage() else { continue };
            let ids =
                [(ResultFile::Output, &results.output_file_id), (ResultFile::Error, &results.error_file_id)];
            let files = ids.into_iter().filter_map(|(which, id)| {
                let file = state.files().get(id.as_deref()?)?;
                matches!(file.content, FileContent::Result(..)).then(|| (which, Arc::clone(file)))
            });
            written.insert(number, WrittenFiles { usage, files: files.collect() });
        }
        Snapshot { facts, inputs, written }
    }
}

impl Snapshot {
    /// Writes it as one file. Blocks on the disk.
    pub(crate) fn write(&self, to: impl io::Write) -> io::Result<()> {
        write_archive(self, to)
    }
}

impl Worlds {
    /// Reads a world from a file, and lets it take the place of that of the key. If it cannot, nothing has changed. Blocks
    /// on the disk, and on who is read from.
    pub(crate) fn import(
        &self,
        key: &str,
        wall: impl Fn() -> Timestamp,
        from: impl Read,
    ) -> Result<Arc<World>, ImportError> {
        let limits = self.config().limits;
        let scratch = self.common().scratch();
        let keep = |bytes: &mut dyn Read| keep(self.common(), &scratch, bytes);
        let Archived { mut known, without_input } = read_archive(from, &self.common().scanning(), keep)?;
        if let Some(id) = without_input.filter(|_| self.data_dir().is_some()) {
            return Err(ImportError::WithoutInput(id));
        }
        if known.files.len() + known.uploads.len() > limits.world_files {
            return Err(ImportError::WorldIsFull(Full::Files(limits.world_files)));
        }
        if known.batches.len() > limits.world_batches {
            return Err(ImportError::WorldIsFull(Full::Batches(limits.world_batches)));
        }
        let n_lines = known.batches.iter().map(|(batch, _)| u64::from(batch.plan.n_lines())).sum::<u64>();
        if n_lines > limits.world_lines {
            return Err(ImportError::WorldIsFull(Full::Lines(limits.world_lines)));
        }

        let id = WorldId::of_key(key);
        let _turn = self.turn(id).lock().unwrap_or_else(PoisonError::into_inner);
        let names = self.names(key).map_err(|error| ImportError::Unreadable(io::Error::other(error)))?;
        if !self.has_room_for(key, id, limits.worlds)? {
            return Err(ImportError::TooMany(limits.worlds));
        }
        let (wall, facts) = (wall(), &mut known.facts);
        facts.clock = {
            let (mode, shows, _) = facts.clock.parts();
            Clock::new(mode, shows, wall)
        };
        if let Some(before) = self.get(key) {
            before.retire();
        }
        // It is emptied, as by a reset.
        let journal = self.journal(key);
        journal.clear();
        let common = Arc::clone(self.common());
        let site = Site { id, names, common, scratch, journal };
        let world = Arc::new(World::imported(site, known, wall));
        world.take_a_seat();
        self.put(key, &world);
        Ok(world)
    }
}

/// Takes bytes in, where the world may store them.
fn keep(common: &Common, scratch: &Scratch, bytes: &mut dyn Read) -> io::Result<Blob> {
    let mut writer = scratch.create()?;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match bytes.read(&mut chunk)? {
            0 => break,
            n => writer.write(&chunk[..n])?,
        }
        if let Some(limit) = scratch.storage.exceeded_quota(&common.config.limits) {
            return Err(io::Error::other(NoRoom(limit)));
        }
    }
    match &common.data_dir {
        None => writer.finish(),
        Some(data_dir) => writer.finish_in(data_dir.vault()),
    }
}
