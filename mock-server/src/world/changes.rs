//! What has changed in a world since its lock was taken, as far as it is to be kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AccountIds;
use super::blob::Blob;
use super::files::FileRecord;
use super::state::State;
use super::upload::Upload;
use crate::sim::Seed;
use crate::store::{Fact, WorldFacts};

/// What has changed: as notes, not as facts, so that what changes several times at once is told once, as it is
/// in the end.
#[derive(Debug, Default)]
pub(super) struct Changes {
    begins_anew: bool,
    of_world: bool,
    deleted_models: Vec<(u64, String)>,
    added_files: Vec<(u64, Arc<FileRecord>)>,
    removed_files: Vec<(u64, Arc<FileRecord>)>,
    /// Each with the bytes that it has let go: they are held until that is kept.
    of_uploads: BTreeMap<String, Vec<Arc<Blob>>>,
    created_batches: Vec<usize>,
    /// Each with the input that it has let go, which is held as well.
    of_batches: BTreeMap<usize, Option<Arc<Upload>>>,
}

/// What facts tell of a world beside its state.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) label: String,
    pub(super) account: Arc<AccountIds>,
    /// If it does not follow from the key.
    pub(super) seed: Option<Seed>,
}

impl Changes {
    /// Those of a world that has just been made, or emptied: all that was before is gone.
    pub(super) fn of_new_world() -> Self {
        Self { begins_anew: true, of_world: true, ..Self::default() }
    }

    /// All that a world is.
    pub(super) fn of_all(state: &State) -> Self {
        let mut all = Self::of_new_world();
        all.deleted_models = (0..).zip(state.deleted_models().iter().cloned()).collect();
        all.added_files = state.files().uploaded().map(|(number, file)| (number, Arc::clone(file))).collect();
        for id in state.uploads().ids() {
            all.of_upload(id, Vec::new());
        }
        for place in 0..state.batches().len() {
            all.created_batch(place);
            all.of_batch(place, None);
        }
        all
    }

    pub(super) fn are_none(&self) -> bool {
        let Self {
            begins_anew,
            of_world,
            deleted_models,
            added_files,
            removed_files,
            of_uploads,
            created_batches,
            of_batches,
        } = self;
        !begins_anew
            && !of_world
            && deleted_models.is_empty()
            && added_files.is_empty()
            && removed_files.is_empty()
            && of_uploads.is_empty()
            && created_batches.is_empty()
            && of_batches.is_empty()
    }

    /// The clock was moved.
    pub(super) fn of_world(&mut self) {
        self.of_world = true;
    }

    pub(super) fn deleted_model(&mut self, number: u64, name: &str) {
        self.deleted_models.push((number, name.to_owned()));
    }

    pub(super) fn added_file(&mut self, number: u64, file: &Arc<FileRecord>) {
        self.of_world = true;
        self.added_files.push((number, Arc::clone(file)));
    }

    pub(super) fn removed_file(&mut self, number: u64, file: Arc<FileRecord>) {
        self.removed_files.push((number, file));
    }

    pub(super) fn began_upload(&mut self, id: &str) {
        self.of_world = true;
        self.of_upload(id, Vec::new());
    }

    pub(super) fn of_upload(&mut self, id: &str, let_go: Vec<Arc<Blob>>) {
        self.of_uploads.entry(id.to_owned()).or_default().extend(let_go);
    }

    pub(super) fn created_batch(&mut self, place: usize) {
        self.of_world = true;
        self.created_batches.push(place);
    }

    pub(super) fn of_batch(&mut self, place: usize, let_go: Option<Arc<Upload>>) {
        let held = self.of_batches.entry(place).or_default();
        *held = held.take().or(let_go);
    }

    /// The facts that the changes amount to, in an order in which each can stand on those before.
    pub(super) fn into_facts(self, state: &State, told: &Told) -> Vec<Fact> {
        let Self {
            begins_anew,
            of_world,
            deleted_models,
            added_files,
            removed_files,
            of_uploads,
            created_batches,
            of_batches,
        } = self;
        let mut facts = Vec::new();
        if begins_anew {
            facts.push(Fact::BeginsAnew);
        }
        if of_world {
            facts.push(Fact::World(WorldFacts {
                label: told.label.clone(),
                account: Arc::clone(&told.account),
                seed: told.seed,
                clock: state.clock().clone(),
                counters: state.counters(),
                scenario: state.chosen().and_then(|behavior| behavior.scenario.clone()),
                allowance: state.allowance().clone(),
            }));
        }
        facts.extend(deleted_models.into_iter().map(|(number, name)| Fact::ModelDeleted(number, name)));
        facts.extend(added_files.into_iter().map(|(number, file)| Fact::FileAdded(number, file)));
        facts.extend(removed_files.into_iter().map(|(number, file)| Fact::FileRemoved(number, file)));
        facts.extend(of_uploads.into_iter().filter_map(|(id, held)| {
            let upload = state.uploads().get(&id).ok()?.clone();
            Some(Fact::Upload { upload, held })
        }));
        facts.extend(created_batches.into_iter().map(|place| {
            let entry = state.batches().entry(place);
            Fact::BatchCreated(place as u64, Arc::clone(&entry.record))
        }));
        facts.extend(of_batches.into_iter().map(|(place, held)| {
            let entry = state.batches().entry(place);
            Fact::Happened { number: place as u64, happened: entry.happened.clone(), held }
        }));
        facts
    }
}
