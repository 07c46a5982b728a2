//! One account: its files, its batches, its clock.
//!
//! A world keeps facts. What is asked of it, it works out from them and from the time on its clock, which
//! every method takes as the wall time of the request; nothing in here runs by itself. Each method first
//! settles what has come due by then: batches that have ended show their files, files that have expired are
//! gone.
//!
//! A world knows no HTTP. Its lock is held for look-ups and changes in memory only; what reads or writes the
//! disk ([`Incoming`], [`Results::usage`]) is done by the caller, outside the lock.

mod advance;
mod agenda;
mod allowance;
mod batches;
mod behavior;
mod blob;
mod calls;
mod changes;
mod common;
mod creation;
mod deciding;
mod faults;
mod files;
mod json_lines;
mod keeping;
mod line_template;
mod looks;
mod moving;
mod parts;
mod registry;
mod result_line;
mod result_writer;
mod results;
mod scene;
mod state;
mod storage;
mod upload;
mod webhooks;

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

pub(crate) use advance::{AdvanceError, AdvanceTo, Advanced, CameDue};
pub(crate) use agenda::Agenda;
use agenda::Seat;
pub(crate) use allowance::{Allowance, AllowanceView, CallLimits, RateLimit, RateLimited};
pub(crate) use batches::{BatchRecord, BatchView, Enqueued, Happenings, Problems};
use batchmock_client::types::Purpose;
pub(crate) use behavior::Behavior;
use blob::Scratch;
pub(crate) use blob::{Blob, make_private};
use bytes::Bytes;
pub(crate) use calls::{Call, CallError};
use common::Common;
pub(crate) use creation::{CreateBatchError, NewBatch};
pub(crate) use deciding::Answerers;
pub(crate) use files::{FileContent, FileQuery, FileRecord, Page};
pub(crate) use moving::{ImportError, Snapshot, WrittenFiles};
pub(crate) use parts::{NewUpload, UploadError, UploadRecord, UploadStage, UploadView};
pub(crate) use registry::{NoWorld, Worlds};
pub(crate) use results::{ResultFile, Results, Written, WrittenResults};
pub(crate) use scene::SCENARIO_METADATA;
pub(crate) use state::Counters;
pub(crate) use storage::{Full, Storage};
pub(crate) use upload::{Incoming, Input, Scanning, Upload};
pub(crate) use webhooks::{TooManyWebhooks, WebhooksView};

use crate::clock::ClockMode;
use crate::config::{BATCH_FILES_KEPT_FOR, ModelPolicy};
use crate::fault::Faults;
use crate::ids;
use crate::input::{Problem, UploadFault};
use crate::journal::Journal;
use crate::responder;
use crate::sim::{Change, Ending, Intervention, InterventionKind, Observation, Seed, Status, Timestamp};
use crate::store::Ledger;
use looks::Looks;
use state::State;

/// One account.
#[derive(Debug)]
pub(crate) struct World {
    /// How the world is called in logs: its key, but for most of it.
    label: String,
    /// From which follows what is made in it from now on.
    seed: Seed,
    /// Whether the seed does not follow from the key, since the world came from another mock.
    has_own_seed: bool,
    /// From which follows what has a number in this run of the server only.
    seed_of_run: Seed,
    /// What batches are created with as long as no other scenario is chosen.
    initial: Arc<Behavior>,
    account: Arc<AccountIds>,
    common: Arc<Common>,
    /// Where its blobs begin.
    scratch: Scratch,
    /// Where its facts are kept, if they are.
    ledger: Option<Ledger>,
    /// What happened in it.
    journal: Arc<Journal>,
    /// Where it says when it has something to be told next.
    seat: OnceLock<Arc<Seat>>,
    state: Mutex<State>,
    /// What its batches were last shown as.
    looks: Looks,
    /// What goes wrong on purpose.
    faults: Mutex<Faults>,
}

/// Whose files and batches these are, as answers name it.
#[derive(Debug)]
pub(crate) struct AccountIds {
    /// The organization.
    pub(crate) organization_id: String,
    /// The project in it.
    pub(crate) project_id: String,
}

/// There is no such file, or not any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSuchFile;

/// There is no such batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSuchBatch;

/// A file to add.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Its name.
    pub(crate) filename: String,
    /// How long it is kept, if not as long as others of its purpose.
    pub(crate) expires_after: Option<Duration>,
    /// Its bytes.
    pub(crate) upload: Upload,
}

/// Why a file is not added.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AddFileError {
    /// It is longer than its purpose allows (F-116).
    TooLarge,
    /// It cannot be the input of a batch (F-117, F-121).
    Unusable(UploadFault),
    /// There is no room for it on the disk, of which so many bytes may be used.
    ExceedsQuota(u64),
    /// There is no room for it.
    WorldIsFull(Full),
}

impl From<Full> for AddFileError {
    fn from(full: Full) -> Self {
        Self::WorldIsFull(full)
    }
}

/// Why a batch is not cancelled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CancelError {
    /// There is none.
    NoSuchBatch,
    /// It has ended (F-262).
    Ended(Status),
}

/// Why an ending is not forced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ForceError {
    /// There is no such batch.
    NoSuchBatch,
    /// The batch is in a state from which this ending cannot come.
    Impossible(Status),
}

/// What a clock shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClockView {
    /// How it moves.
    pub(crate) mode: ClockMode,
    /// What it shows.
    pub(crate) now: Timestamp,
    /// When something will change by itself.
    pub(crate) next_change_at: Option<Timestamp>,
}

/// How long a file is kept: as long as asked, or as others of its purpose (F-102, F-103).
fn kept_for(purpose: &Purpose, expires_after: Option<Duration>) -> Option<Duration> {
    expires_after.or((*purpose == Purpose::Batch).then_some(BATCH_FILES_KEPT_FOR))
}

impl World {
    /// How the world is called in logs.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> &AccountIds {
        &self.account
    }

    /// What happened in it.
    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Lets everything happen that has come due, and tells the time.
    pub(crate) fn settled(&self, wall: Timestamp) -> Timestamp {
        let mut state = self.lock();
        self.settle(&mut state, wall)
    }

    /// How long it is until something happens of which the journal is told, if time goes on by itself.
    pub(crate) fn next_event_in(&self, wall: Timestamp) -> Option<Duration> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.next_event().and_then(|at| state.clock().shows_in(at, wall))
    }

    /// The seed of the next answer: one of a row that counts all answers of the world.
    pub(crate) fn next_exchange(&self, wall: Timestamp) -> (Seed, Timestamp) {
        let mut state = self.lock();
        (self.seed_of_run.nth("exchange", state.next_exchange()), state.now(wall))
    }

    /// The seed of the next synchronous answer, from a row of its own, and the time.
    fn next_answer(&self, wall: Timestamp) -> (Seed, Timestamp) {
        let mut state = self.lock();
        (self.seed_of_run.nth("answer", state.next_answer()), state.now(wall))
    }

    // Files

    /// Begins to take a file in. Blocks on the disk.
    pub(crate) fn receive(&self) -> io::Result<Incoming> {
        let vault = self.common.data_dir.as_ref().map(|data_dir| Arc::clone(data_dir.vault()));
        Incoming::new(&self.scratch, vault, self.common.scanning())
    }

    /// Adds a file that has come in.
    pub(crate) fn add_file(&self, wall: Timestamp, new: NewFile) -> Result<Arc<FileRecord>, AddFileError> {
        let NewFile { purpose, filename, expires_after, mut upload } = new;
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        self.check_file(&state, &purpose, &mut upload)?;
        let id = self.next_file_id(&mut state);
        Ok(state.add_file(FileRecord {
            id,
            expires_at: kept_for(&purpose, expires_after).map(|kept_for| now + kept_for),
            purpose,
            filename,
            created_at: now,
            content: FileContent::Uploaded(Arc::new(upload)),
        }))
    }

    /// Whether a file may be added. What is kept of its lines is let go if nobody will run them.
    fn check_file(&self, state: &State, purpose: &Purpose, upload: &mut Upload) -> Result<(), AddFileError> {
        let limits = &self.common.config.limits;
        let is_batch = *purpose == Purpose::Batch;
        let limit = if is_batch { limits.batch_file_bytes } else { limits.file_bytes };
        if upload.blob.len() > limit {
            return Err(AddFileError::TooLarge);
        }
        if let Some(fault) = upload.fault().filter(|_| is_batch) {
            return Err(AddFileError::Unusable(fault));
        }
        if !is_batch {
            upload.forget_lines();
        }
        if let Some(limit) = self.exceeded_quota() {
            return Err(AddFileError::ExceedsQuota(limit));
        }
        self.scratch.storage.check_room_for_lines(0, limits)?;
        state.check_room_for_a_file(limits)?;
        Ok(())
    }

    /// How much may be stored on disk, if more is. What comes in counts as soon as it is written.
    pub(crate) fn exceeded_quota(&self) -> Option<u64> {
        self.scratch.storage.exceeded_quota(&self.common.config.limits)
    }

    fn next_file_id(&self, state: &mut State) -> String {
        ids::file(&mut self.seed.nth("file", state.next_sent_file()).rng())
    }

    /// A file.
    pub(crate) fn file(&self, wall: Timestamp, id: &str) -> Result<Arc<FileRecord>, NoSuchFile> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.files().get(id).cloned().ok_or(NoSuchFile)
    }

    /// A page of the files.
    pub(crate) fn files(&self, wall: Timestamp, query: &FileQuery) -> Page<Arc<FileRecord>> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let limit = self.page_size(&state, query.limit);
        state.files().page(&FileQuery { limit, ..query.clone() })
    }

    /// All files, and whether each is there: those that were removed come last, if they are kept.
    pub(crate) fn all_files(&self, wall: Timestamp) -> Vec<(bool, Arc<FileRecord>)> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.files().all().map(|(is_there, record)| (is_there, Arc::clone(record))).collect()
    }

    /// Deletes a file. A batch that is validating it will fail (F-509).
    pub(crate) fn delete_file(&self, wall: Timestamp, id: &str) -> Result<(), NoSuchFile> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        if state.delete_file(id, now) { Ok(()) } else { Err(NoSuchFile) }
    }

    // Models

    /// Whether there is a model of this name, as far as the account knows.
    pub(crate) fn has_model(&self, name: &str) -> bool {
        self.is_there(&self.lock(), name)
    }

    /// Deletes a model of the account, if there is one; batches that name it from now on fail.
    pub(crate) fn delete_model(&self, name: &str) -> Result<bool, Full> {
        let mut state = self.lock();
        if !self.is_there(&state, name) {
            return Ok(false);
        }
        let most = self.common.config.limits.world_deleted_models;
        if state.deleted_models().len() >= most {
            return Err(Full::DeletedModels(most));
        }
        Ok(state.delete_model(name))
    }

    // Batches

    /// A batch. If it [steps](State::steps), a second look and all further ones first jump to its next change.
    pub(crate) fn batch(&self, wall: Timestamp, id: &str) -> Result<BatchView, NoSuchBatch> {
        let mut state = self.lock();
        let mut now = self.settle(&mut state, wall);
        let place = state.batches().place(id).ok_or(NoSuchBatch)?;
        let was_retrieved = state.retrieve(place);
        if was_retrieved
            && state.steps(place)
            && let Some(next) = state.batches().entry(place).next_change(now)
        {
            state.advance_clock(next, wall);
            now = self.settle(&mut state, wall);
        }
        Ok(self.view(&state, place, now))
    }

    /// What a batch is shown as, if it was [remembered](Self::remember_look) when it looked as it does now. What it
    /// depends on beside its record and its state is whether its model is shown early.
    pub(crate) fn last_look(&self, view: &BatchView, shows_model: bool) -> Option<Bytes> {
        self.looks.find(view, shows_model)
    }

    /// Remembers what a batch is shown as, for who asks next.
    pub(crate) fn remember_look(&self, view: &BatchView, shows_model: bool, shown: Bytes) {
        self.looks.remember(view, shows_model, shown);
    }

    /// A page of the batches, newest first.
    pub(crate) fn batches(&self, wall: Timestamp, limit: usize, after: Option<&str>) -> Page<BatchView> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let limit = self.page_size(&state, limit);
        let Page { items, has_more } = state.batches().page(limit, after);
        let items = items.into_iter().map(|entry| self.with_problems(entry.view(now))).collect();
        Page { items, has_more }
    }

    /// Cancels a batch. One that is being cancelled, or has been, stays as it is, and so does one whose
    /// lines have all ended (`finalizing`; assumed).
    pub(crate) fn cancel(&self, wall: Timestamp, id: &str) -> Result<BatchView, CancelError> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let place = state.batches().place(id).ok_or(CancelError::NoSuchBatch)?;
        match state.batches().entry(place).observe(now).status {
            ended @ (Status::Completed | Status::Failed | Status::Expired) => Err(CancelError::Ended(ended)),
            Status::Validating
            | Status::InProgress
            | Status::Finalizing
            | Status::Cancelling
            | Status::Cancelled => {
                state.intervene(place, Intervention { at: now, kind: InterventionKind::Cancel });
                self.settle(&mut state, wall);
                Ok(self.view(&state, place, now))
            }
        }
    }

    // Control

    /// What the clock shows.
    pub(crate) fn clock(&self, wall: Timestamp) -> ClockView {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        ClockView { mode: state.clock().mode(), now, next_change_at: state.next_change(now) }
    }

    /// Lets the clock move in another way from now on.
    pub(crate) fn set_clock_mode(&self, wall: Timestamp, mode: ClockMode) -> ClockView {
        {
            let mut state = self.lock();
            self.settle(&mut state, wall);
            state.set_clock_mode(mode, wall);
        }
        self.clock(wall)
    }

    /// What is to come for a batch: what it looks like now, and its changes, if nothing else happens.
    pub(crate) fn course(
        &self,
        wall: Timestamp,
        id: &str,
    ) -> Result<(Timestamp, Observation, Vec<Change>), NoSuchBatch> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let place = state.batches().place(id).ok_or(NoSuchBatch)?;
        let entry = state.batches().entry(place);
        let changes = entry.record.plan.changes(&state.foreseen(entry), now).collect();
        Ok((now, entry.observe(now), changes))
    }

    /// Ends a batch now. `problems` are what a forced `failed` shows; without any it says that the queue of
    /// tokens is full (F-310), which is how good input fails.
    pub(crate) fn force(
        &self,
        wall: Timestamp,
        id: &str,
        ending: Ending,
        problems: Option<Problems>,
    ) -> Result<BatchView, ForceError> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let place = state.batches().place(id).ok_or(ForceError::NoSuchBatch)?;
        let status = state.batches().entry(place).observe(now).status;
        let force = Intervention { at: now, kind: InterventionKind::Force(ending) };
        if !state.intervene(place, force) {
            return Err(ForceError::Impossible(status));
        }
        if ending == Ending::Failed {
            let problems = problems.unwrap_or_else(|| {
                let model = state.batches().entry(place).record.model.as_deref().unwrap_or("the model");
                let problem = state.allowance().full_queue(model, &self.account.organization_id);
                Arc::from([(problem, None)])
            });
            state.script_problems(place, problems);
        }
        self.settle(&mut state, wall);
        Ok(self.view(&state, place, now))
    }

    // Inside

    fn settle(&self, state: &mut State, wall: Timestamp) -> Timestamp {
        state.settle(wall, &self.scratch)
    }

    fn view(&self, state: &State, place: usize, now: Timestamp) -> BatchView {
        self.with_problems(state.batches().entry(place).view(now))
    }

    /// A batch that fails without a reason of its own has lost its input.
    fn with_problems(&self, mut view: BatchView) -> BatchView {
        if view.observation.status == Status::Failed && view.problems.is_empty() {
            view.problems = Arc::from([(self.cannot_find(&view.record.input_file_id), None)]);
        }
        view
    }

    fn cannot_find(&self, file_id: &str) -> Problem {
        Problem::CannotFindFile {
            file_id: file_id.to_owned(),
            organization_id: self.account.organization_id.clone(),
        }
    }

    fn is_there(&self, state: &State, model: &str) -> bool {
        self.may_be_there(model) && !state.deleted_models().contains(model)
    }

    /// Whether there is a model of this name, unless the account has deleted it.
    fn may_be_there(&self, model: &str) -> bool {
        match self.common.config.models {
            ModelPolicy::Any => true,
            ModelPolicy::Known => responder::is_known(model),
        }
    }
}
