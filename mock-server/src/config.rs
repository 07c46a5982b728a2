//! What a server is told once, when it starts.

use std::time::Duration;

use crate::clock::ClockMode;
use crate::input::LineRules;
use crate::responder::AnswerStyle;
use crate::sim::{Pace, Timestamp};
use crate::switches::Switches;

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
    /// How much is accepted.
    pub limits: Limits,
    /// The only keys that are accepted; others are refused with status 401 (F-003). Any key if there are none.
    pub keys: Vec<String>,
    /// Which names of models exist.
    pub models: ModelPolicy,
    /// What is done where the evidence contradicts itself.
    pub switches: Switches,
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
    /// Bytes of a JSON body.
    pub json_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_lines: 50_000,
            batch_embedding_inputs: 50_000,
            batch_file_bytes: 200 * 1024 * 1024,
            file_bytes: 512 * 1024 * 1024,
            json_bytes: 64 * 1024 * 1024,
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
