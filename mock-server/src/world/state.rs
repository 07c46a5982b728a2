//! What changes in a world, and how it comes due.

use std::collections::BTreeSet;
use std::sync::Arc;

use batchmock_client::types::Purpose;

use super::batches::{BatchEntry, Batches};
use super::files::{FileContent, FileRecord, Files};
use super::parts::Uploads;
use super::results::{ResultFile, ResultSource, Results};
use super::upload::Upload;
use crate::clock::Clock;
use crate::sim::{Intervention, InterventionKind, Timestamp};

/// Everything in a world that changes, under its one lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) files: Files,
    pub(super) batches: Batches,
    pub(super) uploads: Uploads,
    /// Models that the account had and deleted.
    pub(super) deleted_models: BTreeSet<String>,
    pub(super) n_uploads: u64,
    pub(super) n_exchanges: u64,
    pub(super) n_answers: u64,
    n_batches: u64,
    /// The latest time anybody has been told. Two requests may read the wall in one order and get the lock
    /// in the other; a world never goes back.
    latest: Timestamp,
}

impl State {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            files: Files::default(),
            batches: Batches::default(),
            uploads: Uploads::default(),
            deleted_models: BTreeSet::new(),
            n_uploads: 0,
            n_exchanges: 0,
            n_answers: 0,
            n_batches: 0,
            latest: Timestamp::from_unix_millis(i64::MIN),
        }
    }

    pub(super) fn now(&mut self, wall: Timestamp) -> Timestamp {
        self.latest = self.latest.max(self.clock.now(wall));
        self.latest
    }

    /// The number of the next batch to be created.
    pub(super) fn n_batches(&mut self) -> u64 {
        let number = self.n_batches;
        self.n_batches += 1;
        number
    }

    /// Lets everything happen that has come due, in the order of its times, and tells the time.
    pub(super) fn settle(&mut self, wall: Timestamp, source: &ResultSource) -> Timestamp {
        let now = self.now(wall);
        self.uploads.settle(now);
        loop {
            let end = self.batches.next_end().filter(|(at, _)| *at <= now);
            let expiry = self.files.next_expiry().filter(|(at, _)| *at <= now);
            match (end, expiry) {
                (None, None) => return now,
                // At the same instant the expiry comes first: a file is gone from the instant on that its
                // `expires_at` names.
                (end, Some((at, id))) if end.is_none_or(|(ends_at, _)| at <= ends_at) => {
                    let id = id.to_owned();
                    self.remove_file(&id, at);
                }
                (Some((at, place)), _) => self.end_batch(at, place, source),
                (None, Some(_)) => unreachable!("an expiry alone is taken above"),
            }
        }
    }

    /// A file that a batch can read: of purpose `batch`, and uploaded (that others are treated as missing is
    /// assumed, F-233).
    pub(super) fn batch_input(&self, id: &str) -> Option<Arc<Upload>> {
        let record = self.files.get(id).filter(|record| record.purpose == Purpose::Batch)?;
        match &record.content {
            FileContent::Uploaded(upload) => Some(Arc::clone(upload)),
            FileContent::Result(..) => None,
        }
    }

    /// Removes a file, and lets batches notice that are still reading it.
    pub(super) fn remove_file(&mut self, id: &str, at: Timestamp) -> bool {
        if self.files.remove(id).is_none() {
            return false;
        }
        for place in self.batches.reading(id) {
            self.batches.intervene(place, Intervention { at, kind: InterventionKind::InputGone });
        }
        true
    }

    /// What happened to a batch, and what will without anybody's doing: its input expires.
    pub(super) fn foreseen(&self, entry: &BatchEntry) -> Vec<Intervention> {
        let input = self.files.get(&entry.record.input_file_id);
        let gone_at = input.and_then(|input| input.expires_at);
        let gone = gone_at.map(|at| Intervention { at, kind: InterventionKind::InputGone });
        entry.interventions.iter().copied().chain(gone).collect()
    }

    /// When something will change by itself.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.batches.live().filter_map(|entry| entry.next_change(now)).min()
    }

    /// Shows the files of a batch that has ended.
    fn end_batch(&mut self, ends_at: Timestamp, place: usize, source: &ResultSource) {
        self.batches.end(ends_at, place);
        let entry = self.batches.entry_mut(place);
        let batch = Arc::clone(&entry.record);
        let last = entry.observe(ends_at);
        let results = Arc::new(Results::new(Arc::clone(&batch), last, source.clone()));
        entry.results = Some(Arc::clone(&results));
        for (id, which, name) in [
            (&results.output_file_id, ResultFile::Output, "output"),
            (&results.error_file_id, ResultFile::Error, "error"),
        ] {
            let Some(id) = id else { continue };
            self.files.add(FileRecord {
                id: id.clone(),
                purpose: Purpose::BatchOutput,
                // F-134; the name of the error file is assumed.
                filename: format!("{}_{name}.jsonl", batch.id),
                created_at: ends_at,
                expires_at: Some(ends_at + batch.results_kept_for),
                content: FileContent::Result(Arc::clone(&results), which),
            });
        }
    }
}
