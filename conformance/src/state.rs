//! A run that was left: what was found, and which cases wait, in a file without keys.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::case::{Capability, Level};
use crate::exchange::Exchange;
use crate::expect::Mismatch;
use crate::journal::Waiting;
use crate::known_failing::KnownFailing;
use crate::report::Report;
use crate::run::Progress;
use crate::server;
use crate::target::{Keys, Models, Settings};
use crate::verdict::{Found, Verdict};

/// The form of the file.
const FORMAT: u32 = 1;

/// The suite that wrote it: cases are taken up again only by the version that began them.
const SUITE: &str = concat!("batchmock-conformance ", env!("CARGO_PKG_VERSION"));

/// A run that was left.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: u32,
    suite: String,
    /// The server.
    pub base_url: String,
    /// What it is called.
    pub name: Option<String>,
    /// To which level it is held.
    pub level: Level,
    /// Whether keys were given, which must be given again.
    pub has_key: bool,
    /// Whether there was a key of another account.
    pub has_other_key: bool,
    without: BTreeSet<Capability>,
    models: Models,
    poll_every_s: u64,
    request_timeout_s: u64,
    bring_about: Option<String>,
    /// The cases in the order in which they are reported.
    order: Vec<String>,
    ended: Vec<Ended>,
    /// The cases that wait.
    pub waiting: Vec<Waiting>,
}

/// A case that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    case: String,
    verdict: Verdict,
    mismatch: Option<Mismatch>,
    reason: String,
    exchanges: Vec<Exchange>,
    milliseconds: u64,
    left_behind: Vec<String>,
}

/// Why there is no state to go on from, or none could be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("{file}: {cause}")]
    Io {
        /// Which.
        file: String,
        /// Why.
        cause: io::Error,
    },
    /// It is no such file.
    #[error("{file} is no state of a run that was left: {why}")]
    Broken {
        /// Which.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was written by another version.
    #[error(
        "{file} was written by {suite}, and cases are gone on with by the version that began them, which this is not: {SUITE}"
    )]
    OtherVersion {
        /// Which.
        file: String,
        /// By which.
        suite: String,
    },
}

impl State {
    /// A run that has come so far.
    pub fn new(settings: &Settings, level: Level, progress: Vec<(&'static str, Progress)>) -> Self {
        let (has_key, has_other_key) = match &settings.keys {
            Keys::Each(_) => (false, false),
            Keys::Given { other, .. } => (true, other.is_some()),
        };
        let mut state = Self {
            format: FORMAT,
            suite: SUITE.to_owned(),
            base_url: settings.base_url.trim_end_matches('/').to_owned(),
            name: settings.name.clone(),
            level,
            has_key,
            has_other_key,
            without: settings.without.clone(),
            models: settings.models.clone(),
            poll_every_s: settings.poll_every.as_secs(),
            request_timeout_s: settings.request_timeout.as_secs().max(1),
            bring_about: settings.bring_about.clone(),
            order: progress.iter().map(|(case, _)| (*case).to_owned()).collect(),
            ended: Vec::new(),
            waiting: Vec::new(),
        };
        state.add(progress.into_iter().map(|(_, progress)| progress));
        state
    }

    /// What has become of cases that waited.
    pub fn add(&mut self, progress: impl IntoIterator<Item = Progress>) {
        for progress in progress {
            match progress {
                Progress::Waiting(waiting) => self.waiting.push(waiting),
                Progress::Ended(found) => self.ended.push(Ended {
                    case: found.case.id.to_owned(),
                    verdict: found.verdict,
                    mismatch: found.mismatch,
                    reason: found.reason,
                    exchanges: found.exchanges,
                    milliseconds: found.milliseconds,
                    left_behind: found.left_behind,
                }),
            }
        }
    }

    /// The server, with the keys that are given again. Without a control API: its clock was waited for.
    pub fn settings(&self, keys: Keys) -> Settings {
        Settings {
            name: self.name.clone(),
            without: self.without.clone(),
            models: self.models.clone(),
            poll_every: Duration::from_secs(self.poll_every_s),
            request_timeout: Duration::from_secs(self.request_timeout_s),
            bring_about: self.bring_about.clone(),
            control: false,
            ..Settings::new(self.base_url.clone(), keys)
        }
    }

    /// A report of what was found by now, less what is known to fail.
    pub fn report(&self, known: &KnownFailing) -> Report {
        let mut found = self.found();
        known.apply(&mut found);
        let name = self.name.clone().unwrap_or_else(|| self.base_url.clone());
        Report::of_server(name, Some(self.base_url.clone()), self.level, found)
    }

    /// What was found by now. What waits is not exercised yet.
    fn found(&self) -> Vec<Found> {
        let found = self.order.iter().filter_map(|id| {
            let case = server::find(id)?;
            let ended = self.ended.iter().find(|ended| ended.case == *id);
            Some(match ended.cloned() {
                Some(Ended { case: _, verdict, mismatch, reason, exchanges, milliseconds, left_behind }) => {
                    Found { case, verdict, mismatch, reason, exchanges, milliseconds, left_behind }
                }
                None => Found {
                    case,
                    verdict: Verdict::NotExercised,
                    mismatch: None,
                    reason: "it was begun and waits: `resume` goes on with it".to_owned(),
                    exchanges: Vec::new(),
                    milliseconds: 0,
                    left_behind: Vec::new(),
                },
            })
        });
        found.collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or this version cannot go on from it.
    pub fn read(path: &Path) -> Result<Self, StateError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|cause| StateError::Io { file: file.clone(), cause })?;
        let state: Self = serde_json::from_str(&text)
            .map_err(|error| StateError::Broken { file: file.clone(), why: error.to_string() })?;
        if state.suite != SUITE || state.format != FORMAT {
            return Err(StateError::OtherVersion { file, suite: state.suite });
        }
        match state.order.iter().find(|id| server::find(id).is_none()) {
            Some(id) => Err(StateError::Broken { file, why: format!("there is no case `{id}`") }),
            None => Ok(state),
        }
    }

    /// Whether a file can be written where one may be wanted later.
    ///
    /// # Errors
    ///
    /// If it cannot.
    pub fn can_be_written(path: &Path) -> Result<(), StateError> {
        let error = |cause| StateError::Io { file: path.display().to_string(), cause };
        let beside = beside(path);
        private(&beside).and_then(|_| fs::remove_file(&beside)).map_err(error)
    }

    /// Writes a file, whole or not at all, for nobody else to read.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), StateError> {
        let error = |cause| StateError::Io { file: path.display().to_string(), cause };
        let text = serde_json::to_string_pretty(self).map_err(|cause| error(cause.into()))?;
        let beside = beside(path);
        let written = private(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
        written.map_err(error)
    }
}

/// Where a file is written before it takes the place of another.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    beside.into()
}

/// A new file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    // What an interrupted run has left there may be readable by others.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
