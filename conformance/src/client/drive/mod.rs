//! Ways in which a client is given a task, and its account taken.

mod exec;
mod process;
mod stdio;

use std::path::PathBuf;
use std::time::Duration;

use super::account::{Account, End};
use super::task::Task;

pub use exec::Exec;
pub use stdio::Stdio;

/// The JSON Schema of the messages between the suite and an adapter.
pub const STDIO_SCHEMA: &str = include_str!("../schema/stdio.schema.json");

/// How much longer than it was told a client may take.
const GRACE: Duration = Duration::from_secs(1);

/// A client that can be given tasks.
#[derive(Debug)]
pub enum Driver {
    /// A command that is run once for each.
    Exec(Exec),
    /// Adapters that stay.
    Stdio(Stdio),
}

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

impl Cut {
    fn end(self) -> End {
        match self {
            Self::Endless => End::Endless,
            Self::OnPurpose => End::OnPurpose,
        }
    }
}

impl Driver {
    /// Gives a task to the client, and takes its account when it has ended, its time is over, or `cut` says so.
    pub async fn run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> Account {
        match self {
            Self::Exec(exec) => exec.run(assignment, cut).await,
            Self::Stdio(stdio) => stdio.run(assignment, cut).await,
        }
    }

    /// What the client calls itself, if it does.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Exec(_) => None,
            Self::Stdio(stdio) => stdio.name(),
        }
    }

    /// Lets it go.
    pub async fn stop(&self) {
        match self {
            Self::Exec(_) => {}
            Self::Stdio(stdio) => stdio.stop().await,
        }
    }
}
