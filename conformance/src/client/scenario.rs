//! What a scenario of the certification is: what the mock does, what is asked of the client, and by what it is judged.

use std::time::Duration;

use super::check::Check;
use super::checks;
use super::evidence::Staged;
use super::mock::Staging;
use super::task::{Item, Task, Verb};
use crate::case::Level;

/// A situation into which a client is put.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called, for good: `expired/partial`. Clients are never told.
    pub id: &'static str,
    /// What the mock does, in one sentence.
    pub title: &'static str,
    /// Where such things have happened to people.
    pub seen: &'static [&'static str],
    /// What the mock does.
    pub staging: Staging,
    /// What checks must know of that.
    pub staged: Staged,
    /// What is asked of the client.
    pub work: Work,
    /// By which checks the client is judged, and how much depends on each here, if it is not as usual.
    pub judged_by: &'static [(&'static str, Option<Level>)],
    /// Whether nothing else runs at the same time, since times are measured.
    pub is_alone: bool,
    /// How the client is run.
    pub course: Course,
}

/// What is asked of a client.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// So many items, and their results.
    Run {
        /// How many.
        items: usize,
        /// Whether what is missing is to be submitted again.
        finish: bool,
        /// Whether files are to be deleted.
        cleanup: bool,
    },
}

/// How a client is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Once.
    Once,
    /// It is ended after a few looks at its batch, and started again.
    Restarted,
}

impl Scenario {
    /// Its checks, with their levels.
    pub fn checks(&self) -> impl Iterator<Item = (&'static Check, Level)> {
        self.judged_by.iter().map(|(id, level)| {
            let check = checks::find(id).expect("a test holds that there are all checks that scenarios name");
            (check, level.unwrap_or(check.level))
        })
    }

    /// What is asked of the client. The same seed asks the same.
    pub fn task(&self, seed: u64) -> Task {
        match self.work {
            Work::Run { items, finish, cleanup } => Task {
                endpoint: "/v1/chat/completions".to_owned(),
                model: "gpt-4o-mini".to_owned(),
                completion_window: "24h".to_owned(),
                items: items_of(seed, items),
                finish,
                cleanup,
                ..Task::new(Verb::RunBatch)
            },
        }
    }

    /// How long a client has, if it is not told otherwise.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(20)
    }
}

/// Prompts that are unlike each other, and of which no part says which key they have.
fn items_of(seed: u64, n_items: usize) -> Vec<Item> {
    let item = |n: usize| Item {
        key: format!("k-{:03}", n + 1),
        prompt: format!(
            "Answer in one word. This is question {}.",
            super::blind::word(seed, &format!("prompt {n}"))
        ),
    };
    (0..n_items).map(item).collect()
}
