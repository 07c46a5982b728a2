//! What is known of a server in the course of a walk: what was made, by whom, and what was seen of it.

use std::collections::BTreeSet;

use super::batch::Batch;
use super::file::File;
use super::step::{Pick, Who};

/// From which number on a pick is of what all have.
const ANY: u8 = 208;

/// All that a walk knows.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) files: Vec<File>,
    pub(super) batches: Vec<Batch>,
    /// Ids that accounts had before the walk began.
    pub(super) before: BTreeSet<String>,
}

/// What a pick chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Picked {
    /// This one of those that there are.
    Known(usize),
    /// There is none, so one that there never was.
    Unknown,
}

impl Model {
    /// A file, of one's own as a rule.
    pub(super) fn pick_file(&self, who: Who, pick: Pick) -> Picked {
        picked(pick, who, self.files.iter().map(|file| file.owner))
    }

    /// A batch, of one's own as a rule.
    pub(super) fn pick_batch(&self, who: Who, pick: Pick) -> Picked {
        picked(pick, who, self.batches.iter().map(|batch| batch.owner))
    }

    pub(super) fn file_by_id(&mut self, id: &str) -> Option<&mut File> {
        self.files.iter_mut().find(|file| file.id == id)
    }

    /// Files that results brought with them are known as soon as a batch names them.
    pub(super) fn know_results(&mut self, batch: usize) {
        let Batch { owner, ref last, .. } = self.batches[batch];
        let names = ["output_file_id", "error_file_id"];
        let ids: Vec<_> =
            names.iter().filter_map(|name| last[name].as_str()).filter(|id| !id.is_empty()).collect();
        let new: Vec<_> = ids.into_iter().filter(|id| self.files.iter().all(|file| file.id != *id)).collect();
        let new: Vec<_> = new.into_iter().map(|id| File::of_results(owner, id)).collect();
        self.files.extend(new);
    }

    /// The batches of an account.
    pub(super) fn batches_of(&self, who: Who) -> impl Iterator<Item = &Batch> {
        self.batches.iter().filter(move |batch| batch.owner == who)
    }
}

/// One of things that have these owners: one's own, or now and then any, or one that there is not.
fn picked(pick: Pick, who: Who, owners: impl Iterator<Item = Who>) -> Picked {
    let Pick(pick) = pick;
    let is_any = pick >= ANY;
    let there_are: Vec<_> =
        owners.enumerate().filter(|(_, owner)| is_any || *owner == who).map(|(at, _)| at).collect();
    if there_are.is_empty() || pick == u8::MAX {
        return Picked::Unknown;
    }
    Picked::Known(there_are[there_are.len() - 1 - usize::from(pick % ANY) % there_are.len()])
}
