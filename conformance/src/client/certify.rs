//! Puts a client through scenarios, and judges it.

use std::path::Path;
use std::time::Duration;

use super::account::{Account, End};
use super::blind;
use super::check::{Check, Judgment};
use super::drive::{Assignment, Cut, Exec};
use super::evidence::Evidence;
use super::mock::Stage;
use super::scenario::{Course, Scenario};
use crate::case::Level;
use crate::time::Stopwatch;

/// How a client is certified.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From which keys, prompts, orders and answers follow.
    pub seed: u64,
    /// How long a client has for each scenario, if not as long as usual.
    pub deadline: Option<Duration>,
    /// How long clients are told to wait between two looks.
    pub poll_hint: Duration,
    /// Whether clients are told what scenarios are called.
    pub reveal: bool,
}

/// A check of a scenario, and what was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The check.
    pub check: &'static Check,
    /// How much depends on it here.
    pub level: Level,
    /// The verdict.
    pub verdict: Judged,
}

/// A verdict on a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// By what was observed.
    By(Judgment),
    /// The client does not know what was asked.
    Unsupported(String),
    /// The suite is at fault, or the command cannot be run.
    Error(String),
}

/// What was found in a scenario.
#[derive(Debug, Clone)]
pub struct Played {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// Each of its checks.
    pub found: Vec<Found>,
    /// What was observed, if the scenario could be played.
    pub evidence: Option<Evidence>,
    /// How long it took.
    pub milliseconds: u64,
}

/// Plays a scenario with a client.
pub async fn play(exec: &Exec, scenario: &'static Scenario, settings: &Settings, room: &Path) -> Played {
    let stopwatch = Stopwatch::start();
    let observed = observe(exec, scenario, settings, room).await;
    let found = scenario
        .checks()
        .map(|(check, level)| {
            let verdict = match &observed {
                Err(why) => Judged::Error(why.clone()),
                Ok(evidence) => judge(check, evidence),
            };
            Found { check, level, verdict }
        })
        .collect();
    Played {
        scenario,
        found,
        evidence: observed.ok(),
        milliseconds: u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn judge(check: &Check, evidence: &Evidence) -> Judged {
    match &evidence.account.end {
        End::Unsupported(why) => Judged::Unsupported(why.clone()),
        End::NotStarted(why) => Judged::Error(why.clone()),
        End::Exit(_) | End::Crash(_) | End::OutOfTime | End::Endless | End::OnPurpose | End::Unknown => {
            Judged::By(check.judge(evidence))
        }
    }
}

async fn observe(
    exec: &Exec,
    scenario: &'static Scenario,
    settings: &Settings,
    room: &Path,
) -> Result<Evidence, String> {
    // What prompts, ids and orders follow from is different in each scenario, so that none can be told from another.
    let seed = blind::number(settings.seed, scenario.id);
    let task = scenario.task(seed);
    let key = blind::api_key(settings.seed, scenario.id);
    let stage = Stage::set(&scenario.staging, seed, key).await.map_err(|error| error.to_string())?;
    let assignment = Assignment {
        base_url: stage.base_url(),
        api_key: stage.api_key().to_owned(),
        task: task.clone(),
        deadline: settings.deadline.unwrap_or_else(|| scenario.deadline()),
        poll_hint: settings.poll_hint,
        room: room.to_owned(),
        revealed: settings.reveal.then_some(scenario.id),
    };
    let mut n_earlier_runs = 0;
    if scenario.course == Course::Restarted {
        let cut = async {
            stage.looked(2).await;
            Cut::OnPurpose
        };
        let account = exec.run(&assignment, cut).await;
        if account.end != End::OnPurpose {
            return finish(scenario, task, account, n_earlier_runs, &stage).await;
        }
        n_earlier_runs = 1;
    }
    let cut = async {
        stage.endless().await;
        Cut::Endless
    };
    let account = exec.run(&assignment, cut).await;
    finish(scenario, task, account, n_earlier_runs, &stage).await
}

async fn finish(
    scenario: &Scenario,
    task: super::task::Task,
    account: Account,
    n_earlier_runs: usize,
    stage: &Stage,
) -> Result<Evidence, String> {
    let seen = stage.seen(&task).await.map_err(|error| error.to_string())?;
    Ok(Evidence {
        task,
        account,
        n_earlier_runs,
        requests: seen.requests,
        notes: seen.notes,
        files: seen.files,
        batches: seen.batches,
        strangers: Vec::new(),
        staged: scenario.staged,
    })
}
