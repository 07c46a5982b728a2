//! The batches of a world: facts only, never a status.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use batchmock_client::types::BatchUsage;
use indexmap::IndexMap;

use super::AccountIds;
use super::behavior::Behavior;
use super::deciding::Answerers;
use super::files::Page;
use super::results::{ResultFile, Results, Written};
use super::storage::{Share, Storage};
use super::upload::Input;
use crate::endpoint::Endpoint;
use crate::input::Problem;
use crate::quota::limit_name;
use crate::sim::{Intervention, Observation, Plan, Seed, Status, Timestamp};

/// What is wrong with an input, each with its line if it has one. Shared, since there may be one for every
/// line.
pub(crate) type Problems = Arc<[(Problem, Option<u32>)]>;

/// What was decided when a batch was created.
#[derive(Debug)]
pub(crate) struct BatchRecord {
    /// Its id.
    pub(crate) id: String,
    /// From which everything about it follows.
    pub(crate) seed: Seed,
    /// Whose it is.
    pub(crate) account: Arc<AccountIds>,
    /// What decides about it beside its input.
    pub(crate) behavior: Arc<Behavior>,
    /// Where its lines run.
    pub(crate) endpoint: Endpoint,
    /// The id of its input, whether there is such a file or not.
    pub(crate) input_file_id: String,
    /// Its input, kept also when the file is deleted later.
    pub(crate) input: Input,
    /// The model of its lines as they name it, if its input is in order.
    pub(crate) model: Option<String>,
    /// The tokens of its prompts, which count in the queue until it ends.
    pub(crate) input_tokens: u64,
    /// Who answers each of its lines.
    pub(crate) answerers: Answerers,
    /// Its results, if it came with them from another mock.
    pub(crate) written: Written,
    /// What its creator attached.
    pub(crate) metadata: Option<IndexMap<String, String>>,
    /// How long its result files are kept.
    pub(crate) results_kept_for: Duration,
    /// What is wrong with its input, each with its line.
    pub(crate) problems: Problems,
    /// The number of its output file among the files of the world, if it should have one; the next is that of
    /// its error file.
    pub(crate) first_file_number: u64,
    /// Its life.
    pub(crate) plan: Plan,
}

/// What has happened to a batch since it was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Happenings {
    /// What happened from outside, in the order of the times.
    pub(crate) interventions: Vec<Intervention>,
    /// What the user of the mock wrote when forcing it to fail.
    pub(crate) scripted_problems: Option<Problems>,
    /// Whether anybody has looked at it: a stepping clock lets the first look pass.
    pub(crate) was_retrieved: bool,
    /// Which of its files were deleted before they expired.
    pub(crate) deleted_results: Vec<ResultFile>,
    /// What its lines took, once nobody can ask for them any more: then it needs its input no longer.
    pub(crate) spent: Option<BatchUsage>,
}

/// A batch, and what has happened to it since.
#[derive(Debug)]
pub(super) struct BatchEntry {
    pub(super) record: Arc<BatchRecord>,
    pub(super) happened: Happenings,
    /// Its files, once it has ended.
    pub(super) results: Option<Arc<Results>>,
    /// The last status that the journal was told of.
    told: Status,
    /// What is kept of its lines, of what the world may store.
    _lines: Share,
}

/// A batch as it looks at a time: what an answer is made of.
#[derive(Debug, Clone)]
pub(crate) struct BatchView {
    /// What was decided.
    pub(crate) record: Arc<BatchRecord>,
    /// When it looks so.
    pub(crate) at: Timestamp,
    /// What it looks like.
    pub(crate) observation: Observation,
    /// What validation finds, to be shown if it has failed.
    pub(crate) problems: Problems,
    /// Its files, once it has ended.
    pub(crate) results: Option<Arc<Results>>,
}

/// All batches of a world.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// In the order of their creation.
    entries: Vec<BatchEntry>,
    by_id: HashMap<String, usize>,
    by_input: HashMap<String, Vec<usize>>,
    by_idempotency_key: HashMap<String, usize>,
    /// The batches that have not ended, by the time at which they will.
    live: BTreeSet<(Timestamp, usize)>,
    /// When the next status of each batch begins of which the journal was not told, if one follows.
    turning: BTreeSet<(Timestamp, usize)>,
    /// What they have enqueued for each model, by the name under which its use is counted.
    enqueued: BTreeMap<String, Enqueued>,
}

/// What batches that have not ended have enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Enqueued {
    /// Tokens of their prompts.
    pub(crate) tokens: u64,
    /// Their requests.
    pub(crate) requests: u64,
    /// How many batches there are.
    pub(crate) batches: u64,
}

impl BatchRecord {
    /// Of how many lines something is kept: how they end, or what is wrong with them.
    fn n_lines(&self) -> u64 {
        u64::from(self.plan.n_lines()).max(self.problems.len() as u64)
    }
}

impl BatchEntry {
    fn ends_at(&self) -> Timestamp {
        self.record.plan.ends_at(&self.happened.interventions)
    }

    /// The status of which the journal is to be told next, and when it begins.
    fn next_status(&self) -> Option<(Timestamp, Status)> {
        self.record.plan.status_after(&self.happened.interventions, self.told)
    }

    pub(super) fn observe(&self, now: Timestamp) -> Observation {
        self.record.plan.observe(&self.happened.interventions, now)
    }

    pub(super) fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        self.record.plan.next_change(&self.happened.interventions, after)
    }

    pub(super) fn view(&self, now: Timestamp) -> BatchView {
        self.view_of(self.observe(now), now)
    }

    /// What it looked like at a time that has passed, when less had happened to it.
    pub(super) fn view_as_of(&self, then: Timestamp) -> BatchView {
        let happened = self.happened.interventions.iter().filter(|happened| happened.at <= then);
        let happened: Vec<_> = happened.copied().collect();
        self.view_of(self.record.plan.observe(&happened, then), then)
    }

    fn view_of(&self, observation: Observation, at: Timestamp) -> BatchView {
        let problems = self.happened.scripted_problems.as_ref().unwrap_or(&self.record.problems);
        BatchView {
            record: Arc::clone(&self.record),
            at,
            observation,
            problems: Arc::clone(problems),
            results: self.results.clone().filter(|_| observation.status.is_terminal()),
        }
    }
}

impl Batches {
    /// Adds a batch to which this has happened so far, and tells its place.
    pub(super) fn add(&mut self, record: BatchRecord, happened: Happenings, storage: &Arc<Storage>) -> usize {
        let place = self.entries.len();
        self.by_id.insert(record.id.clone(), place);
        self.by_input.entry(record.input_file_id.clone()).or_default().push(place);
        let mut lines = Share::new(storage);
        lines.set_lines(record.n_lines());
        let told = Status::Validating;
        let entry = BatchEntry { record: Arc::new(record), happened, results: None, told, _lines: lines };
        self.live.insert((entry.ends_at(), place));
        self.turning.extend(entry.next_status().map(|(at, _)| (at, place)));
        self.enqueue(&entry.record);
        self.entries.push(entry);
        place
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn entry(&self, place: usize) -> &BatchEntry {
        &self.entries[place]
    }

    pub(super) fn entry_mut(&mut self, place: usize) -> &mut BatchEntry {
        &mut self.entries[place]
    }

    /// The batch that was created with this key.
    pub(super) fn created_with(&self, idempotency_key: &str) -> Option<usize> {
        self.by_idempotency_key.get(idempotency_key).copied()
    }

    /// Remembers with which key a batch was created.
    pub(super) fn remember_key(&mut self, idempotency_key: String, place: usize) {
        self.by_idempotency_key.insert(idempotency_key, place);
    }

    /// The batches that read this file, oldest first.
    pub(super) fn reading(&self, file_id: &str) -> Vec<usize> {
        self.by_input.get(file_id).cloned().unwrap_or_default()
    }

    /// Records what happened to a batch, if it makes a difference. Facts come in the order of their times.
    pub(super) fn intervene(&mut self, place: usize, next: Intervention) -> bool {
        let entry = &mut self.entries[place];
        if !entry.record.plan.is_changed_by(&entry.happened.interventions, next) {
            return false;
        }
        self.live.remove(&(entry.ends_at(), place));
        if let Some((at, _)) = entry.next_status() {
            self.turning.remove(&(at, place));
        }
        entry.happened.interventions.push(next);
        self.live.insert((entry.ends_at(), place));
        self.turning.extend(entry.next_status().map(|(at, _)| (at, place)));
        true
    }

    /// When a status begins next of which the journal was not told, and of which batch.
    pub(super) fn next_turn(&self) -> Option<(Timestamp, usize)> {
        self.turning.first().copied()
    }

    /// Goes on to the next status of a batch of which the journal was not told, and gives it.
    pub(super) fn turn(&mut self, (at, place): (Timestamp, usize)) -> Option<Status> {
        self.turning.remove(&(at, place));
        let entry = &mut self.entries[place];
        let (_, status) = entry.next_status()?;
        entry.told = status;
        self.turning.extend(entry.next_status().map(|(at, _)| (at, place)));
        Some(status)
    }

    /// A batch that has not ended and is like this one: the same requests, for the same endpoint, with the same
    /// metadata.
    pub(super) fn live_twin(&self, new: &BatchRecord) -> Option<&BatchEntry> {
        let same_input = self.by_input.get(&new.input_file_id).into_iter().flatten();
        same_input.map(|place| &self.entries[*place]).find(|entry| {
            entry.results.is_none()
                && entry.record.endpoint == new.endpoint
                && entry.record.metadata == new.metadata
        })
    }

    /// The next batch to end, and when.
    pub(super) fn next_end(&self) -> Option<(Timestamp, usize)> {
        self.live.first().copied()
    }

    /// Takes a batch off the list of those that have not ended.
    pub(super) fn end(&mut self, ends_at: Timestamp, place: usize) {
        if self.live.remove(&(ends_at, place)) {
            let record = Arc::clone(&self.entries[place].record);
            self.dequeue(&record);
        }
    }

    /// What has been enqueued for a model, by the name under which its use is counted.
    pub(super) fn enqueued(&self, limit_name: &str) -> Enqueued {
        self.enqueued.get(limit_name).copied().unwrap_or_default()
    }

    /// What has been enqueued for each model for which something has.
    pub(super) fn all_enqueued(&self) -> impl Iterator<Item = (&str, Enqueued)> {
        self.enqueued.iter().map(|(name, enqueued)| (name.as_str(), *enqueued))
    }

    fn enqueue(&mut self, record: &BatchRecord) {
        // What validation refuses was never enqueued.
        let Some(model) = &record.model else { return };
        let Enqueued { tokens, requests, batches } =
            self.enqueued.entry(limit_name(model).to_owned()).or_default();
        *tokens = tokens.saturating_add(record.input_tokens);
        *requests += u64::from(record.plan.n_lines());
        *batches += 1;
    }

    fn dequeue(&mut self, record: &BatchRecord) {
        let Some(name) = record.model.as_deref().map(limit_name) else { return };
        let Some(Enqueued { tokens, requests, batches }) = self.enqueued.get_mut(name) else { return };
        *tokens = tokens.saturating_sub(record.input_tokens);
        *requests -= u64::from(record.plan.n_lines());
        *batches -= 1;
        if *batches == 0 {
            self.enqueued.remove(name);
        }
    }

    /// All batches.
    pub(super) fn all(&self) -> impl Iterator<Item = &BatchEntry> {
        self.entries.iter()
    }

    /// The batches that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = &BatchEntry> {
        self.live.iter().map(|(_, place)| &self.entries[*place])
    }

    /// The places of the batches that have not ended.
    pub(super) fn live_places(&self) -> impl Iterator<Item = usize> {
        self.live.iter().map(|(_, place)| *place)
    }

    /// A page, newest first. An id that is not there is the end of the list (assumed, F-246).
    pub(super) fn page(&self, limit: usize, after: Option<&str>) -> Page<&BatchEntry> {
        let older_than = match after {
            None => self.entries.len(),
            Some(id) => self.place(id).unwrap_or(0),
        };
        let newest_first = self.entries[..older_than].iter().rev();
        Page { items: newest_first.take(limit).collect(), has_more: older_than > limit }
    }
}
