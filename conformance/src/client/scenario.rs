//! What a scenario of the certification is: what the mock does, what is asked of the client, and by what it is judged.

use std::time::Duration;

use super::check::Check;
use super::evidence::Staged;
use super::mock::Staging;
use super::{blind, checks};
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
    /// By which checks the client is judged, and how much depends on each here.
    pub judged_by: &'static [On],
    /// Whether nothing else runs at the same time, since a time is measured.
    pub is_alone: bool,
    /// How the client is run.
    pub course: Course,
    /// How long a client has.
    pub deadline: Duration,
    /// How long the client is told to wait between two looks.
    pub hint: Hint,
}

/// A check of a scenario.
#[derive(Debug, Clone, Copy)]
pub struct On {
    /// Which.
    pub check: &'static str,
    /// How much depends on it here, if it is not as usual.
    pub level: Option<Level>,
}

/// What is asked of a client.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// Items, and their results.
    Run(Items),
    /// The same, but the batch is cancelled as soon as it is in progress.
    Cancel(Items),
    /// The results of a batch of so many items that is there already, and has this status.
    Collect(usize, &'static str),
    /// Files there and back.
    Files,
    /// Webhooks that came.
    Webhooks,
}

/// What is to be asked, and what else is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Items {
    /// How many.
    pub n: usize,
    /// Where they run.
    pub endpoint: &'static str,
    /// Whether what is missing is to be submitted again.
    pub finish: bool,
    /// Whether files are to be deleted.
    pub cleanup: bool,
    /// Whether prompts hold what careless code spoils.
    pub are_odd: bool,
}

/// How a client is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Once.
    Once,
    /// It is ended after a few looks at its batch, and started again.
    Restarted,
    /// It is ended after so many looks at its batch, since no more is to be seen.
    EndedAfter(usize),
}

/// How long a client is told to wait between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// As the user says, or as usual.
    AsUsual,
    /// So many milliseconds.
    Millis(u64),
    /// It is told nothing.
    None,
}

impl Scenario {
    /// Its checks, with their levels. Those that there are not are left out, but a test holds that there are all.
    pub fn checks(&self) -> impl Iterator<Item = (&'static Check, Level)> {
        self.judged_by.iter().filter_map(|on| {
            let check = checks::find(on.check)?;
            Some((check, on.level.unwrap_or(check.level)))
        })
    }

    /// The first part of its id, by which reports group.
    pub fn group(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }

    /// What follows from the seed of the run is different in each scenario, so that none can be told from another.
    pub fn seed(&self, seed: u64) -> u64 {
        blind::number(seed, self.id)
    }
}

impl Items {
    /// Plain chat lines, to be asked and collected.
    pub const fn new(n: usize) -> Self {
        Self { n, endpoint: "/v1/chat/completions", finish: false, cleanup: false, are_odd: false }
    }
}
