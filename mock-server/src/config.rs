//! What a server is told once, when it starts.

use std::sync::Arc;
use std::time::Duration;

use crate::answers::{LineRules, Recording, Unrecorded};
use crate::clock::ClockMode;
use crate::fault::FaultPlan;
use crate::journal::JournalLimits;
use crate::quota::Quotas;
use crate::responder::AnswerStyle;
use crate::scenario::{Scenario, Scenarios};
use crate::sim::{Pace, Timestamp};
use crate::store::DataDir;
use crate::switches::Switches;
use crate::webhook::Webhooks;

/// How a server behaves. Everything has a default; nothing is read from the environment.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// From which every order, id and answer follows.
    pub seed: u64,
    /// How the clock of a new world moves.
    pub clock: ClockMode,
    /// What the clock of a new world shows at first; wall time if not set.
    pub start_at: Option<Timestamp>,
    /// How long each phase of a batch takes.
    pub pace: Pace,
    /// What requests are answered.
    pub answers: AnswerStyle,
    /// Which lines fail or end otherwise than their requests deserve.
    pub rules: LineRules,
    /// In which scenario worlds are whose key names none.
    pub scenario: Option<Arc<Scenario>>,
    /// The scenarios that can be called by name.
    pub scenarios: Scenarios,
    /// Answers that were recorded. Where several know a request, the first one answers.
    pub recordings: Vec<Recording>,
    /// What becomes of requests that no recording knows.
    pub unrecorded: Unrecorded,
    /// What goes wrong between clients and each world.
    pub faults: FaultPlan,
    /// How much is accepted.
    pub limits: Limits,
    /// What the account of each world may use, until its user says otherwise; as much as anybody wants by default.
    pub quotas: Quotas,
    /// How much a connection may take, and how long.
    pub connections: ConnectionLimits,
    /// The only keys that are accepted; others are refused with status 401 (F-003). Any key if there are none.
    pub keys: Vec<String>,
    /// Which names of models exist.
    pub models: ModelPolicy,
    /// What is done where the evidence contradicts itself.
    pub switches: Switches,
    /// Who is told when a batch ends.
    pub webhooks: Webhooks,
    /// In which everything survives the end of the server; nothing does if not set.
    pub data_dir: Option<DataDir>,
    /// Whether files that are deleted, or expire, can still be read by whoever holds the server. No answer of the API
    /// shows them.
    pub keeps_removed_files: bool,
}

impl Config {
    /// Whether a key opens a world.
    pub(crate) fn accepts(&self, key: &str) -> bool {
        self.keys.is_empty() || self.keys.iter().any(|accepted| accepted == key)
    }
}

/// How much is accepted (F-114, F-115, F-239). Lowered limits keep tests of a client's limits small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lines a batch.
    pub batch_lines: u32,
    /// Texts to embed a batch, over all lines.
    pub batch_embedding_inputs: u32,
    /// Bytes of a file for a batch.
    pub batch_file_bytes: u64,
    /// Bytes of any other file.
    pub file_bytes: u64,
    /// Bytes of all parts of an upload (F-151).
    pub upload_bytes: u64,
    /// Bytes of one part of an upload (F-151).
    pub part_bytes: u64,
    /// Bytes of a JSON body, and of a line of a batch: a longer one is told as one that is no JSON.
    pub json_bytes: usize,
    /// Bytes of a field of a form, other than the file.
    pub form_field_bytes: usize,
    /// Worlds, which are made when a new key is first used and stay until the server stops, or for good in a data
    /// directory.
    pub worlds: usize,
    /// Bytes on disk of one world: files, results, and inputs that a batch still needs.
    pub world_bytes: u64,
    /// Files of one world, uploads, and parts of pending ones. Those that batches make count as well, and are made
    /// all the same.
    pub world_files: usize,
    /// Batches of one world, which stay until it is reset.
    pub world_batches: usize,
    /// Lines of the inputs and of the batches of one world: some dozens of bytes are kept of each.
    pub world_lines: u64,
    /// Deleted models of one world, whose names are kept.
    pub world_deleted_models: usize,
    /// Entries of the journal of one world: beyond that the oldest go. With 0 no journal is kept.
    pub journal_entries: usize,
    /// Bytes of the journal of one world, in memory: beyond that the oldest entries go.
    pub journal_bytes: usize,
    /// Bytes that the journal keeps of each body of a request, and of each of an answer.
    pub journal_body_bytes: usize,
    /// Endpoints that are told of the batches of one world.
    pub world_webhooks: usize,
    /// Deliveries of webhooks that one world remembers. When so many are still to be made, what happens then is told
    /// to nobody.
    pub world_deliveries: usize,
    /// Webhooks that are under way at a time, of all worlds.
    pub webhooks_at_a_time: usize,
    /// Rules for faults of one world.
    pub world_faults: usize,
}

/// How much a connection may take, and how long: for clients that stop half-way, by accident or on purpose. The
/// defaults are such that no client that does its work meets them.
///
/// A duration of zero leaves no time at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at a time. Further ones are answered with status 503.
    pub n_connections: usize,
    /// Bytes of a request line and its headers. Longer ones are answered with status 431, or 414.
    pub head_bytes: usize,
    /// How long a request line and its headers may take from their first byte to their last. What takes longer
    /// is answered with status 408.
    pub head_for: Duration,
    /// How long a connection without a request is kept; at most twice as long.
    pub idle_for: Duration,
    /// How long a body may take for each kibibyte. What takes longer is answered with status 408.
    pub body_stalls_for: Duration,
    /// How long a client may leave an answer lying, for each kibibyte that it takes. Then the connection is
    /// closed.
    pub answer_stalls_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_lines: 50_000,
            batch_embedding_inputs: 50_000,
            batch_file_bytes: 200 * 1024 * 1024,
            file_bytes: 512 * 1024 * 1024,
            upload_bytes: 8 * 1024 * 1024 * 1024,
            part_bytes: 64 * 1024 * 1024,
            json_bytes: 64 * 1024 * 1024,
            form_field_bytes: 1024 * 1024,
            worlds: 100_000,
            world_bytes: 100_000_000_000,
            world_files: 1_000_000,
            world_batches: 1_000_000,
            world_lines: 50_000_000,
            world_deleted_models: 10_000,
            journal_entries: 5_000,
            journal_bytes: 16 * 1024 * 1024,
            journal_body_bytes: 16 * 1024,
            world_webhooks: 20,
            world_deliveries: 10_000,
            webhooks_at_a_time: 64,
            world_faults: 10_000,
        }
    }
}

impl Limits {
    /// How much of a journal is kept.
    pub(crate) fn journal(&self) -> JournalLimits {
        JournalLimits {
            entries: self.journal_entries,
            bytes: self.journal_bytes,
            body_bytes: self.journal_body_bytes,
        }
    }

    /// Bytes of any file, as long as its purpose is not known.
    pub(crate) fn any_file_bytes(&self) -> u64 {
        self.file_bytes.max(self.batch_file_bytes)
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            n_connections: 8192,
            head_bytes: 128 * 1024,
            head_for: Duration::from_mins(1),
            idle_for: Duration::from_hours(1),
            body_stalls_for: Duration::from_mins(5),
            answer_stalls_for: Duration::from_hours(1),
        }
    }
}

/// Which names of models exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelPolicy {
    /// Names of the service's families, such as `gpt-…` and `text-embedding-…`; others fail validation with
    /// `model_not_found` (F-304).
    #[default]
    Known,
    /// Every name: for clients of compatible servers.
    Any,
}

/// How long files for batches, and results, are kept unless asked otherwise: 30 days (F-102, F-134).
pub(crate) const BATCH_FILES_KEPT_FOR: Duration = Duration::from_hours(30 * 24);
