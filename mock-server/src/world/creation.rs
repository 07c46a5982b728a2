//! Creating a batch: its input is examined, its life decided.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::allowance::{RateLimited, Wanted};
use super::batches::{BatchRecord, BatchView};
use super::deciding::{Answerers, ByLine, decide};
use super::results::Written;
use super::scene::SCENARIO_METADATA;
use super::state::State;
use super::storage::Full;
use super::upload::{Input, Upload};
use super::{Behavior, World};
use crate::config::BATCH_FILES_KEPT_FOR;
use crate::endpoint::Endpoint;
use crate::ids;
use crate::input::{InputLimits, Problem, check};
use crate::quota::Quotas;
use crate::sim::{LineFate, Timestamp, Workload};
use crate::switches::{IdempotencyKey, MissingInput};

/// A batch to create.
#[derive(Debug)]
pub(crate) struct NewBatch {
    /// Where its lines run.
    pub(crate) endpoint: Endpoint,
    /// Its input.
    pub(crate) input_file_id: String,
    /// What its creator attaches.
    pub(crate) metadata: Option<IndexMap<String, String>>,
    /// How long its result files are kept, if not as long as others.
    pub(crate) output_expires_after: Option<Duration>,
    /// What tells this request from others that are not repetitions of it.
    pub(crate) idempotency_key: Option<String>,
    /// What it is created with.
    pub(crate) behavior: Arc<Behavior>,
    /// That its input cannot be found, though it may be there, and what becomes of the batch then.
    pub(crate) unseen_input: Option<MissingInput>,
}

/// Why a batch is not created.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CreateBatchError {
    /// Its input does not exist (F-232, the older behavior).
    CannotFindInput { project_id: String },
    /// There were too many just before it (F-240).
    RateLimited(RateLimited),
    /// There is no room for it.
    WorldIsFull(Full),
}

impl From<Full> for CreateBatchError {
    fn from(full: Full) -> Self {
        Self::WorldIsFull(full)
    }
}

impl From<RateLimited> for CreateBatchError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

/// An input in order.
#[derive(Debug)]
struct Accepted {
    /// The model of all lines.
    model: String,
    /// The tokens of all prompts.
    input_tokens: u64,
    /// How each line ends if it gets to run.
    fates: Vec<LineFate>,
    /// Who answers each line.
    answerers: ByLine,
}

/// An input, held against what a batch wants of it.
#[derive(Debug)]
pub(crate) struct Examined {
    upload: Arc<Upload>,
    verdict: Result<Accepted, Vec<(Problem, Option<u32>)>>,
}

impl World {
    /// Examines the input of a batch to come; nothing if there is none. This goes through all lines, and may
    /// block on the disk, so it is done before the world is asked to create the batch.
    pub(crate) fn examine(&self, wall: Timestamp, new: &NewBatch) -> io::Result<Option<Examined>> {
        let (upload, deleted_models) = {
            let mut state = self.lock();
            self.settle(&mut state, wall);
            let upload = state.batch_input(&new.input_file_id).filter(|_| new.unseen_input.is_none());
            let Some(upload) = upload else { return Ok(None) };
            (upload, state.deleted_models().clone())
        };
        let limits = InputLimits {
            lines: self.common.config.limits.batch_lines,
            embedding_inputs: self.common.config.limits.batch_embedding_inputs,
        };
        let is_there = |model: &str| self.may_be_there(model) && !deleted_models.contains(model);
        let scan = upload.scan()?;
        let verdict = match check(scan, new.endpoint, limits, is_there) {
            Ok(_) if !new.behavior.problems().is_empty() => Err(new.behavior.problems().to_vec()),
            Ok(model) => {
                let (fates, answerers) = decide(&upload, &new.behavior.answers, new.endpoint)?;
                Ok(Accepted { model, input_tokens: scan.input_tokens, fates, answerers })
            }
            Err(problems) => Err(problems),
        };
        Ok(Some(Examined { upload, verdict }))
    }

    /// Creates a batch: decides its life.
    pub(crate) fn create_batch(
        &self,
        wall: Timestamp,
        new: NewBatch,
        input: Option<Examined>,
    ) -> Result<BatchView, CreateBatchError> {
        let NewBatch {
            endpoint,
            input_file_id,
            metadata,
            output_expires_after,
            idempotency_key,
            behavior,
            unseen_input,
        } = new;
        let idempotency_key =
            idempotency_key.filter(|_| behavior.switches.idempotency_key == IdempotencyKey::GivesAgain);
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        if let Some(place) = idempotency_key.as_ref().and_then(|key| state.batches().created_with(key)) {
            return Ok(self.view(&state, place, now));
        }
        state.allowance().check_creation(now)?;
        let limits = &self.common.config.limits;
        if state.batches().len() >= limits.world_batches {
            return Err(Full::Batches(limits.world_batches).into());
        }
        // It may have been deleted since it was examined.
        let is_seen = unseen_input.is_none() && state.batch_input(&input_file_id).is_some();
        let input = input.filter(|_| is_seen);
        let missing_input = unseen_input.unwrap_or(behavior.switches.missing_input);
        if input.is_none() && missing_input == MissingInput::RefusesCreate {
            return Err(CreateBatchError::CannotFindInput { project_id: self.account.project_id.clone() });
        }
        let (upload, verdict) = match input {
            Some(Examined { upload, verdict }) => (Some(upload), verdict),
            None => (None, Err(vec![(self.cannot_find(&input_file_id), None)])),
        };
        let has_own_scenario =
            metadata.as_ref().is_some_and(|metadata| metadata.contains_key(SCENARIO_METADATA));
        let own_quotas = behavior.quotas().filter(|_| has_own_scenario);
        let verdict = verdict.and_then(|accepted| self.enqueue(&state, own_quotas, now, accepted));
        let n_lines = verdict.as_ref().map_or_else(Vec::len, |accepted| accepted.fates.len());
        self.scratch.storage.check_room_for_lines(n_lines as u64, limits)?;
        let (workload, model, input_tokens, answerers, problems) = match verdict {
            Ok(Accepted { model, input_tokens, fates, answerers }) => {
                (Workload::Accepted(fates), Some(model), input_tokens, answerers, Vec::new())
            }
            Err(problems) => (Workload::Rejected, None, 0, ByLine::default(), problems),
        };
        let seed = self.seed.nth("batch", state.next_batch());
        let record = BatchRecord {
            id: ids::batch(now, &mut seed.named("id").rng()),
            seed,
            account: Arc::clone(&self.account),
            plan: behavior.plan(&workload, seed, now),
            behavior,
            endpoint,
            input_file_id,
            input: Input::new(upload),
            model,
            input_tokens,
            answerers: Answerers::from(answerers),
            written: Written::default(),
            metadata,
            results_kept_for: output_expires_after.unwrap_or(BATCH_FILES_KEPT_FOR),
            problems: problems.into(),
            first_file_number: state.next_file_numbers(2),
        };
        state.take_creation(now);
        let place = state.add_batch(record, idempotency_key);
        let view = state.batches().entry(place).view(now);
        drop(state);
        if has_own_scenario {
            self.add_faults_of_batch(&view.record.id, &view.record.behavior, now);
        }
        Ok(view)
    }

    /// Lets an input in order wait for its model if the queue takes it. That it does not is found in validation (F-322),
    /// and decided now, by what has not ended now. A batch that is in a scenario alone is under its quotas.
    fn enqueue(
        &self,
        state: &State,
        own_quotas: Option<&Arc<Quotas>>,
        now: Timestamp,
        accepted: Accepted,
    ) -> Result<Accepted, Vec<(Problem, Option<u32>)>> {
        let wanted = Wanted {
            model: &accepted.model,
            tokens: accepted.input_tokens,
            requests: accepted.fates.len() as u64,
        };
        match state.allowance().with(own_quotas).check_queue(
            state.batches(),
            &self.account.organization_id,
            wanted,
            now,
        ) {
            Ok(()) => Ok(accepted),
            Err(problem) => Err(vec![(problem, None)]),
        }
    }
}
