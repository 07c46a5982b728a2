//! What changes in a world, and how it comes due.
//!
//! Whatever changes here is noted, so that it can be kept: that is why all changes go through methods of
//! [`State`]. What users may want to know of is told to the journal.

mod due;

use std::collections::BTreeSet;
use std::sync::Arc;

use batchmock_client::types::Purpose;

use super::Behavior;
use super::allowance::{Allowance, CallCounts, CallLimits, RateLimited};
use super::batches::{BatchEntry, BatchRecord, Batches, Happenings, Problems};
use super::blob::Blob;
use super::changes::Changes;
use super::files::{FileContent, FileRecord, Files};
use super::parts::{UploadError, UploadRecord, UploadStage, Uploads};
use super::results::Results;
use super::storage::{Full, Storage};
use super::upload::Upload;
use crate::answers::{DecidedByRule, LineRules, Turns};
use crate::clock::{Clock, ClockMode};
use crate::config::Limits;
use crate::journal::{Journal, Mistake, WorldEvent};
use crate::quota::Quotas;
use crate::sim::{Intervention, InterventionKind, Timestamp};
use crate::store::{KnownWorld, WorldFacts};
use crate::webhook::Outbox;

/// Everything in a world that changes, under its one lock.
#[derive(Debug)]
pub(super) struct State {
    clock: Clock,
    files: Files,
    batches: Batches,
    uploads: Uploads,
    /// Models that the account had and deleted.
    deleted_models: BTreeSet<String>,
    counters: Counters,
    /// What batches are created with, if a scenario was chosen since the world was made.
    chosen: Option<Arc<Behavior>>,
    n_exchanges: u64,
    n_answers: u64,
    /// Of the rules, by synchronous calls.
    turns: Turns,
    /// The latest time anybody has been told. Two requests may read the wall in one order and get the lock
    /// in the other; a world never goes back.
    latest: Timestamp,
    /// What its account may use, and what of it is used.
    allowance: Allowance,
    calls: CallCounts,
    /// How much all this takes.
    storage: Arc<Storage>,
    /// Where users read what happened.
    journal: Arc<Journal>,
    /// What happened before this, an earlier run has seen.
    told_from: Timestamp,
    /// What is to be told of all this.
    outbox: Outbox,
    /// What is still to be kept of all this; none if nothing is.
    pub(super) changes: Option<Changes>,
}

/// How many there have been of what has a number in its world.
#[expect(clippy::struct_field_names, reason = "`n_` is a count")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Files that users sent, from whose number their ids follow.
    pub(crate) n_sent_files: u64,
    /// Uploads, whose files come in parts.
    pub(crate) n_uploads: u64,
    /// Batches.
    pub(crate) n_batches: u64,
    /// Files, among them those that batches have or would have.
    pub(crate) n_files: u64,
}

/// Why a file is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// Its time is over.
    Expiry,
    /// Somebody wants it gone.
    Deletion,
}

impl State {
    pub(super) fn new(
        clock: Clock,
        allowance: Allowance,
        outbox: Outbox,
        storage: Arc<Storage>,
        journal: Arc<Journal>,
    ) -> Self {
        storage.set_quota(allowance.quotas.file_bytes);
        Self {
            clock,
            files: Files::default(),
            batches: Batches::default(),
            uploads: Uploads::default(),
            deleted_models: BTreeSet::new(),
            counters: Counters::default(),
            chosen: None,
            n_exchanges: 0,
            n_answers: 0,
            turns: Turns::default(),
            latest: Timestamp::from_unix_millis(i64::MIN),
            allowance,
            calls: CallCounts::default(),
            storage,
            journal,
            told_from: Timestamp::from_unix_millis(i64::MIN),
            outbox,
            changes: None,
        }
    }

    /// The state that facts tell. The journal is told of what happens from now on, and endpoints of what the outbox does
    /// not know to be told.
    pub(super) fn known(
        known: KnownWorld,
        chosen: Option<Arc<Behavior>>,
        quotas: &Arc<Quotas>,
        outbox: Outbox,
        storage: Arc<Storage>,
        journal: Arc<Journal>,
        wall: Timestamp,
    ) -> Self {
        let KnownWorld { facts, deleted_models, files, uploads, batches } = known;
        let WorldFacts { label: _, account: _, seed: _, clock, counters, scenario: _, allowance } = facts;
        let told_from = clock.now(wall);
        let new = Self::new(clock, allowance.under(quotas), outbox, storage, journal);
        let mut state = Self { deleted_models, counters, chosen, told_from, ..new };
        for (number, file) in files {
            state.files.add(number, file);
        }
        for upload in uploads {
            let id = upload.view.id.clone();
            state.uploads.add(&id, upload);
        }
        for (batch, happened) in batches {
            state.batches.add(batch, happened, &state.storage);
        }
        state.foretell_all();
        state
    }

    // Looking

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn batches(&self) -> &Batches {
        &self.batches
    }

    pub(super) fn deleted_models(&self) -> &BTreeSet<String> {
        &self.deleted_models
    }

    pub(super) fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    pub(super) fn calls(&self) -> &CallCounts {
        &self.calls
    }

    pub(super) fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// What batches are created with, if a scenario was chosen.
    pub(super) fn chosen(&self) -> Option<&Arc<Behavior>> {
        self.chosen.as_ref()
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The latest time anybody has been told.
    pub(super) fn latest(&self) -> Timestamp {
        self.latest
    }

    pub(super) fn now(&mut self, wall: Timestamp) -> Timestamp {
        self.latest = self.latest.max(self.clock.now(wall));
        self.latest
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

    /// What happened to a batch, and what will without anybody's doing: its input expires.
    pub(super) fn foreseen(&self, entry: &BatchEntry) -> Vec<Intervention> {
        let input = self.files.get(&entry.record.input_file_id);
        let gone_at = input.and_then(|input| input.expires_at);
        let gone = gone_at.map(|at| Intervention { at, kind: InterventionKind::InputGone });
        entry.happened.interventions.iter().copied().chain(gone).collect()
    }

    /// Whether a batch jumps to its next change when it is looked at again: on a stepping clock, and on one that runs as
    /// the wall does if that is what its scenario wants, which would else take hours.
    pub(super) fn steps(&self, place: usize) -> bool {
        match self.clock.mode() {
            ClockMode::Stepping => true,
            ClockMode::Real => self.batches.entry(place).record.behavior.is_stepping(),
            ClockMode::Scaled(_) | ClockMode::Frozen => false,
        }
    }

    /// When something will change by itself.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.batches.live().filter_map(|entry| entry.next_change(now)).min()
    }

    /// When something happens next of which the journal is told.
    pub(super) fn next_event(&self) -> Option<Timestamp> {
        let expiry = self.files.next_expiry().map(|(at, _)| at);
        expiry.into_iter().chain(self.batches.next_turn().map(|(at, _)| at)).min()
    }

    /// Whether one more file, upload or part may be kept.
    pub(super) fn check_room_for_a_file(&self, limits: &Limits) -> Result<(), Full> {
        if self.files.len() + self.uploads.len() >= limits.world_files {
            return Err(Full::Files(limits.world_files));
        }
        Ok(())
    }

    // Counting

    /// The number of the next answer of the world, counted from 1.
    pub(super) fn next_exchange(&mut self) -> u64 {
        self.n_exchanges += 1;
        self.n_exchanges
    }

    /// The number of the next synchronous answer, counted from 1.
    pub(super) fn next_answer(&mut self) -> u64 {
        self.n_answers += 1;
        self.n_answers
    }

    /// Counts a synchronous call for the rules at these places, and gives the one that decides about it.
    pub(super) fn take_turn(&mut self, rules: &LineRules, matching: &[u32]) -> Option<DecidedByRule> {
        self.turns.decide(rules, matching)
    }

    /// Counts answers and calls on from where another state of the same world was.
    pub(super) fn count_answers_on_from(&mut self, other: &Self) {
        (self.n_exchanges, self.n_answers) = (other.n_exchanges, other.n_answers);
        self.turns.clone_from(&other.turns);
        self.calls.clone_from(&other.calls);
    }

    /// Counts a synchronous call and its tokens, if it may be answered.
    pub(super) fn take_call(
        &mut self,
        model: &str,
        tokens: u64,
        now: Timestamp,
    ) -> Result<CallLimits, RateLimited> {
        self.calls.take_call(&self.allowance.quotas, model, tokens, now)
    }

    /// Counts an upload, if there may be one.
    pub(super) fn take_upload(&mut self, now: Timestamp) -> Result<(), RateLimited> {
        if self.allowance.take_upload(now)? {
            self.note(Changes::of_world);
        }
        Ok(())
    }

    /// Counts a batch that is added now.
    pub(super) fn take_creation(&mut self, now: Timestamp) {
        self.allowance.take_creation(now);
    }

    /// The number of the next file to be sent, from which its id follows.
    pub(super) fn next_sent_file(&mut self) -> u64 {
        let number = self.counters.n_sent_files;
        self.counters.n_sent_files += 1;
        number
    }

    /// The number of the next upload to be begun.
    pub(super) fn next_upload(&mut self) -> u64 {
        let number = self.counters.n_uploads;
        self.counters.n_uploads += 1;
        number
    }

    /// The number of the next batch to be created.
    pub(super) fn next_batch(&mut self) -> u64 {
        let number = self.counters.n_batches;
        self.counters.n_batches += 1;
        number
    }

    /// The first of so many numbers for files.
    pub(super) fn next_file_numbers(&mut self, n: u64) -> u64 {
        let number = self.counters.n_files;
        self.counters.n_files += n;
        number
    }

    // Changing

    pub(super) fn set_clock_mode(&mut self, mode: ClockMode, wall: Timestamp) {
        self.clock.set_mode(mode, wall);
        self.note(Changes::of_world);
    }

    pub(super) fn advance_clock(&mut self, to: Timestamp, wall: Timestamp) {
        self.clock.advance_to(to, wall);
        self.note(Changes::of_world);
    }

    /// Lets batches be created with something else from now on, under these quotas. Rules count from the beginning.
    pub(super) fn choose(&mut self, chosen: Option<Arc<Behavior>>, quotas: Arc<Quotas>, now: Timestamp) {
        self.chosen = chosen;
        self.allowance.set(quotas, now);
        self.storage.set_quota(self.allowance.quotas.file_bytes);
        self.turns = Turns::default();
        self.note(Changes::of_world);
    }

    /// Lets other quotas hold from now on.
    pub(super) fn set_quotas(&mut self, quotas: Quotas, now: Timestamp) {
        self.storage.set_quota(quotas.file_bytes);
        self.allowance.set_own(quotas, now);
        self.note(Changes::of_world);
    }

    /// Keeps files that are removed from now on, for who holds the server.
    pub(super) fn keep_removed_files(&mut self) {
        self.files.keep_removed();
    }

    /// Adds a file that was sent.
    pub(super) fn add_file(&mut self, record: FileRecord) -> Arc<FileRecord> {
        let number = self.next_file_numbers(1);
        let record = self.files.add(number, record);
        self.note(|changes| changes.added_file(number, &record));
        self.tell_of_file(&record, self.latest);
        record
    }

    pub(super) fn delete_model(&mut self, name: &str) -> bool {
        let number = self.deleted_models.len() as u64;
        let was_there = self.deleted_models.insert(name.to_owned());
        if was_there {
            self.note(|changes| changes.deleted_model(number, name));
        }
        was_there
    }

    /// Adds an upload.
    pub(super) fn add_upload(&mut self, id: &str, record: UploadRecord) {
        self.uploads.add(id, record);
        self.note(|changes| changes.began_upload(id));
    }

    /// Adds a part to an upload that takes them.
    pub(super) fn add_part(
        &mut self,
        id: &str,
        part_id: String,
        bytes: Arc<Blob>,
    ) -> Result<(), UploadError> {
        self.uploads.add_part(id, part_id, bytes)?;
        self.note(|changes| changes.of_upload(id, Vec::new()));
        Ok(())
    }

    /// Ends an upload, whose parts nobody needs then.
    pub(super) fn end_upload(&mut self, id: &str, stage: UploadStage) {
        let parts = self.uploads.end(id, stage);
        self.note(|changes| changes.of_upload(id, parts));
    }

    /// Adds a new batch, and tells its place. The key by which it can be given again is known in this run only.
    pub(super) fn add_batch(&mut self, record: BatchRecord, idempotency_key: Option<String>) -> usize {
        let BatchRecord { id, input_file_id, endpoint, .. } = &record;
        let at = record.plan.created_at();
        let twin_of = self.batches.live_twin(&record).map(|twin| twin.record.id.clone());
        self.tell(at, || WorldEvent::BatchCreated {
            batch_id: id.clone(),
            input_file_id: input_file_id.clone(),
            endpoint: endpoint.path(),
        });
        if let Some(twin_of) = twin_of {
            let (batch_id, input_file_id) = (id.clone(), input_file_id.clone());
            self.journal.noticed(at, &Mistake::TwinBatch { batch_id, twin_of, input_file_id });
        }
        let place = self.batches.add(record, Happenings::default(), &self.storage);
        self.foretell(place);
        if let Some(key) = idempotency_key {
            self.batches.remember_key(key, place);
        }
        self.note(|changes| changes.created_batch(place));
        place
    }

    /// Notes that somebody looks at a batch; whether somebody had before.
    pub(super) fn retrieve(&mut self, place: usize) -> bool {
        let happened = &mut self.batches.entry_mut(place).happened;
        let was_retrieved = std::mem::replace(&mut happened.was_retrieved, true);
        if !was_retrieved {
            self.note(|changes| changes.of_batch(place, None));
        }
        was_retrieved
    }

    /// Records what happened to a batch, if it makes a difference.
    pub(super) fn intervene(&mut self, place: usize, next: Intervention) -> bool {
        let makes_a_difference = self.batches.intervene(place, next);
        if makes_a_difference {
            self.foretell(place);
            self.note(|changes| changes.of_batch(place, None));
        }
        makes_a_difference
    }

    /// Says what a batch that was forced to fail shows.
    pub(super) fn script_problems(&mut self, place: usize, problems: Problems) {
        self.batches.entry_mut(place).happened.scripted_problems = Some(problems);
        self.note(|changes| changes.of_batch(place, None));
    }

    /// Deletes a file that has not expired.
    pub(super) fn delete_file(&mut self, id: &str, at: Timestamp) -> bool {
        if let Some(FileContent::Result(results, bytes)) = self.files.get(id).map(|record| &record.content)
            && let Some(place) = self.batches.place(results.batch_id())
        {
            let which = bytes.which;
            self.batches.entry_mut(place).happened.deleted_results.push(which);
            self.note(|changes| changes.of_batch(place, None));
        }
        self.remove_file(id, at, Removal::Deletion)
    }

    /// Removes a file, and lets batches notice that are still reading it.
    fn remove_file(&mut self, id: &str, at: Timestamp, why: Removal) -> bool {
        let Some((number, record)) = self.files.remove(id) else { return false };
        let file_id = id.to_owned();
        self.tell(at, || match why {
            Removal::Expiry => WorldEvent::FileExpired { file_id },
            Removal::Deletion => WorldEvent::FileDeleted { file_id },
        });
        match &record.content {
            FileContent::Uploaded(_) => {
                self.note(|changes| changes.removed_file(number, record));
                for place in self.batches.reading(id) {
                    self.intervene(place, Intervention { at, kind: InterventionKind::InputGone });
                }
            }
            // No batch reads a result.
            FileContent::Result(results, _) => self.spend_if_gone(results),
        }
        true
    }

    /// Lets go of the input of a batch if its results have been looked at, and are gone. As long as nobody has
    /// looked, what they add up to is still to be found out.
    fn spend_if_gone(&mut self, results: &Results) {
        let mut ids = [&results.output_file_id, &results.error_file_id].into_iter().flatten();
        let Some(place) = self.batches.place(results.batch_id()) else { return };
        let entry = self.batches.entry_mut(place);
        if entry.happened.spent.is_some() || ids.any(|id| self.files.get(id).is_some()) {
            return;
        }
        if let Some(usage) = results.known_usage() {
            entry.happened.spent = Some(usage);
            let let_go = entry.record.input.let_go();
            self.note(|changes| changes.of_batch(place, let_go));
        }
    }

    /// Changes what is to be told.
    pub(super) fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn tell_of_file(&self, record: &FileRecord, at: Timestamp) {
        self.tell(at, || WorldEvent::FileAdded {
            file_id: record.id.clone(),
            purpose: record.purpose.as_str().to_owned(),
            filename: record.filename.clone(),
            bytes: match &record.content {
                FileContent::Uploaded(upload) => Some(upload.blob.len()),
                FileContent::Result(..) => None,
            },
        });
    }

    /// Tells the journal of something, unless it happened before this run.
    fn tell(&self, at: Timestamp, event: impl FnOnce() -> WorldEvent) {
        if self.journal.is_kept() && at >= self.told_from {
            self.journal.happened(at, event());
        }
    }

    fn note(&mut self, note: impl FnOnce(&mut Changes)) {
        if let Some(changes) = &mut self.changes {
            note(changes);
        }
    }
}
