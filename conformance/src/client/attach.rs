//! Clients that are not started here: scenarios are set up, somebody points a program at each, and what it asked is judged.
//!
//! Each scenario has a directory, which is called by a number and tells no name: `env` has the base URL and the key, and
//! `task.json` the task, for who wants to do that and none other. Whoever leaves a `result.ndjson` there is judged by it, too.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;

use super::account::{Account, End};
use super::certify::{Found, Judged, Played, Set, Settings, judge, told};
use super::check::Check;
use super::choice::Choice;
use super::scenario::Scenario;
use crate::case::Level;
use crate::time::Stopwatch;

/// Scenarios that wait for programs.
pub struct Attached {
    places: Vec<Place>,
    stopwatch: Stopwatch,
}

struct Place {
    scenario: &'static Scenario,
    checks: Vec<(&'static Check, Level)>,
    directory: PathBuf,
    set: Result<Set, String>,
}

/// The file of an account, below the directory of a scenario.
const RESULT: &str = "result.ndjson";

impl Attached {
    /// Sets scenarios up, with a directory for each.
    ///
    /// # Errors
    ///
    /// If the directories cannot be written.
    pub async fn set_up(choice: &Choice, settings: &Settings, directory: &Path) -> io::Result<Self> {
        let mut places = Vec::new();
        for (at, (scenario, checks)) in choice.scenarios().enumerate() {
            let directory = directory.join(format!("{:02}", at + 1));
            fs::create_dir_all(&directory)?;
            let result = directory.join(RESULT);
            if result.exists() {
                // One that was left by another run says nothing of this one.
                fs::remove_file(result)?;
            }
            let set = Set::up(scenario, settings, &directory).await;
            if let Ok(set) = &set {
                let assignment = &set.assignment;
                fs::write(directory.join("task.json"), serde_json::to_vec_pretty(&assignment.task)?)?;
                let env = format!(
                    "OPENAI_BASE_URL={}\nOPENAI_API_KEY={}\n",
                    assignment.base_url, assignment.api_key
                );
                fs::write(directory.join("env"), env)?;
            }
            places.push(Place { scenario, checks, directory, set });
        }
        Ok(Self { places, stopwatch: Stopwatch::start() })
    }

    /// Where each scenario is to be found, a line each.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for place in &self.places {
            if let Ok(set) = &place.set {
                let Place { directory, .. } = place;
                let assignment = &set.assignment;
                let _ = writeln!(
                    table,
                    "{}  {}  {}  {}",
                    directory.display(),
                    assignment.base_url,
                    assignment.api_key,
                    assignment.task.verb.as_str()
                );
            }
        }
        table
    }

    /// Waits until programs have done what they will, and judges them.
    pub async fn judged(self, done: impl Future<Output = ()>) -> Vec<Played> {
        let Self { places, stopwatch } = self;
        let mut failed: Vec<Option<String>> = places.iter().map(|_| None).collect();
        {
            let later = places.iter().zip(&mut failed).filter_map(|(place, failed)| {
                let set = place.set.as_ref().ok()?;
                Some(async move { *failed = Some(told(set.stage.change_for_later_batches().await)) })
            });
            let changes = join_all(later);
            tokio::select! {
                () = done => {}
                // They end only if they cannot be made.
                _ = changes => {}
            }
        }
        let milliseconds = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut played = Vec::new();
        for (place, failed) in places.into_iter().zip(failed) {
            let Place { scenario, checks, directory, set } = place;
            let evidence = match (set, failed) {
                (Ok(set), None) => match account(&directory) {
                    Ok(account) => set.taken_down(account, 0).await,
                    Err(error) => Err(format!("{} cannot be read: {error}", directory.display())),
                },
                (Err(why), _) | (Ok(_), Some(why)) => Err(why),
            };
            let verdict = |check: &Check| match &evidence {
                Err(why) => Judged::Error(why.clone()),
                Ok(evidence) => judge(check, evidence),
            };
            let found = checks
                .iter()
                .map(|&(check, level)| Found { check, level, verdict: verdict(check) })
                .collect();
            played.push(Played { scenario, found, evidence: evidence.ok(), milliseconds });
        }
        played
    }
}

/// The account that was left in a directory.
fn account(directory: &Path) -> io::Result<Account> {
    let mut account = Account::silent(End::Unknown);
    match fs::read(directory.join(RESULT)) {
        Ok(bytes) => account.read(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(account)
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").field("n_places", &self.places.len()).finish_non_exhaustive()
    }
}
