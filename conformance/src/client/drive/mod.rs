//! Ways in which a client is given a task, and its account taken.

mod exec;

use std::path::PathBuf;
use std::time::Duration;

use super::task::Task;

pub use exec::Exec;

/// The JSON Schema of the messages between the suite and an adapter.
pub const STDIO_SCHEMA: &str = include_str!("../schema/stdio.schema.json");

/// A task for a client, and where it is to be done.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Where the mock is. It does not tell which scenario it plays, and neither does the key.
    pub base_url: String,
    /// The key of the account in which all takes place.
    pub api_key: String,
    /// What is to be done.
    pub task: Task,
    /// How long it may take.
    pub deadline: Duration,
    /// How long is to be waited between two looks at a batch, if the client is told.
    pub poll_hint: Option<Duration>,
    /// A directory of its own: what is in it is kept between the runs of a scenario.
    pub room: PathBuf,
    /// What the scenario is called, if the client is to know.
    pub revealed: Option<&'static str>,
}

/// Why a client is ended before its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It asks for an ended batch again and again.
    Endless,
    /// It is to be started again.
    OnPurpose,
}
