//! Puts a client through scenarios, and judges it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::account::{Account, End, Outcome};
use super::asking::Asked;
use super::check::{Check, Judgment};
use super::choice::Choice;
use super::drive::{Assignment, Cut, Driver};
use super::elsewhere::Elsewhere;
use super::evidence::Evidence;
use super::mock::{Stage, StageError};
use super::scenario::{Course, Hint, Scenario, Work};
use super::{asking, blind};
use crate::case::Level;
use crate::time::{self, Stopwatch};

/// After how many looks a client is killed that is to be started again.
const LOOKS_BEFORE_RESTART: usize = 2;

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
    /// How many scenarios are played at a time.
    pub jobs: usize,
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
    /// Each of its checks that was chosen.
    pub found: Vec<Found>,
    /// What was observed, if the scenario could be played.
    pub evidence: Option<Evidence>,
    /// How long it took.
    pub milliseconds: u64,
}

impl Played {
    /// The checks that have failed.
    pub fn failed(&self) -> impl Iterator<Item = &'static Check> {
        let failed =
            self.found.iter().filter(|found| matches!(found.verdict, Judged::By(Judgment::Failed(_))));
        failed.map(|found| found.check)
    }
}

/// Puts a client through scenarios, so many at a time, but for those that are played alone. Each is told of when it is
/// over; they are given in the order in which they came.
pub async fn all(
    client: &Arc<Driver>,
    choice: &Choice,
    settings: &Settings,
    rooms: &Path,
    tell: impl Fn(&Played),
) -> Vec<Played> {
    let (alone, together): (Vec<_>, Vec<_>) =
        choice.scenarios().enumerate().partition(|(_, (scenario, _))| scenario.is_alone);
    let permits = Arc::new(Semaphore::new(settings.jobs.max(1)));
    let mut running = JoinSet::new();
    for (at, (scenario, checks)) in together {
        let (client, permits, settings) = (Arc::clone(client), Arc::clone(&permits), settings.clone());
        let room = rooms.join(at.to_string());
        running.spawn(async move {
            // It is never closed, so there is always a permit.
            let _permit = permits.acquire_owned().await;
            (at, play(&client, scenario, &checks, &settings, &room).await)
        });
    }
    let mut all = Vec::new();
    while let Some(played) = running.join_next().await {
        // A scenario that panics is a fault of the suite, which must not pass for anything else.
        let (at, played) = played.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        tell(&played);
        all.push((at, played));
    }
    for (at, (scenario, checks)) in alone {
        let played = play(client, scenario, &checks, settings, &rooms.join(at.to_string())).await;
        tell(&played);
        all.push((at, played));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, played)| played).collect()
}

/// Plays a scenario with a client, and judges it by some of its checks.
pub async fn play(
    client: &Driver,
    scenario: &'static Scenario,
    checks: &[(&'static Check, Level)],
    settings: &Settings,
    room: &Path,
) -> Played {
    let stopwatch = Stopwatch::start();
    let observed = observe(client, scenario, settings, room).await;
    let verdict = |check: &Check| match &observed {
        Err(why) => Judged::Error(why.clone()),
        Ok(evidence) => judge(check, evidence),
    };
    let found =
        checks.iter().map(|&(check, level)| Found { check, level, verdict: verdict(check) }).collect();
    Played {
        scenario,
        found,
        evidence: observed.ok(),
        milliseconds: u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

pub(super) fn judge(check: &Check, evidence: &Evidence) -> Judged {
    match &evidence.account.end {
        End::Unknown if check.needs_account && !evidence.account.has_file => {
            Judged::By(Judgment::NotExercised("no result file was given".to_owned()))
        }
        End::Unsupported(why) => Judged::Unsupported(why.clone()),
        End::NotStarted(why) => Judged::Error(why.clone()),
        End::Exit(_) | End::Crash(_) | End::OutOfTime | End::Endless | End::OnPurpose | End::Unknown => {
            Judged::By(check.judge(evidence))
        }
    }
}

/// Plays a scenario, and takes down what there is to be seen.
async fn observe(
    client: &Driver,
    scenario: &'static Scenario,
    settings: &Settings,
    room: &Path,
) -> Result<Evidence, String> {
    let set = Set::up(scenario, settings, room).await?;
    let (account, n_earlier_runs) = tokio::select! {
        ended = drive(client, scenario, &set.assignment, &set.stage) => ended,
        failed = set.stage.change_for_later_batches() => return Err(told(failed)),
    };
    set.taken_down(account, n_earlier_runs).await
}

/// A scenario that is set up for a client.
pub(super) struct Set {
    scenario: &'static Scenario,
    pub(super) assignment: Assignment,
    pub(super) stage: Stage,
    expected: BTreeMap<String, (Outcome, &'static str)>,
    elsewhere: Elsewhere,
}

impl Set {
    /// Sets a scenario up.
    pub(super) async fn up(
        scenario: &'static Scenario,
        settings: &Settings,
        room: &Path,
    ) -> Result<Self, String> {
        let seed = scenario.seed(settings.seed);
        let Asked { mut task, expected } = asking::asked(scenario, seed, time::unix_seconds());
        let key = blind::api_key(seed, "key");
        let elsewhere = Elsewhere::listen(key.clone()).await.map_err(|error| error.to_string())?;
        let stage = Stage::set(&scenario.staging, seed, key, elsewhere.address()).await;
        let mut stage = stage.map_err(|error| error.to_string())?;
        if let Work::Collect(_, until) = scenario.work {
            task.batch_id = Some(stage.give_batch(&task, until).await.map_err(|error| error.to_string())?);
            task.keys = task.items.drain(..).map(|item| item.key).collect();
        }
        let assignment = Assignment {
            base_url: stage.base_url(),
            api_key: stage.api_key().to_owned(),
            task,
            deadline: settings.deadline.unwrap_or(scenario.deadline),
            poll_hint: match scenario.hint {
                Hint::AsUsual => Some(settings.poll_hint),
                Hint::Millis(millis) => Some(Duration::from_millis(millis)),
                Hint::None => None,
            },
            room: room.to_owned(),
            revealed: settings.reveal.then_some(scenario.id),
        };
        Ok(Self { scenario, assignment, stage, expected, elsewhere })
    }

    /// All that was observed of a client that has given this account.
    pub(super) async fn taken_down(
        self,
        account: Account,
        n_earlier_runs: usize,
    ) -> Result<Evidence, String> {
        let Self { scenario, assignment, stage, expected, elsewhere } = self;
        let may_ask_else = account.end == End::Unknown;
        let observed = stage.seen(&assignment.task, may_ask_else).await.map_err(|error| error.to_string())?;
        Ok(Evidence {
            task: assignment.task,
            api_key: assignment.api_key,
            expected,
            account,
            n_earlier_runs,
            requests: observed.requests,
            notes: observed.notes,
            files: observed.files,
            batches: observed.batches,
            strangers: elsewhere.seen(),
            staged: scenario.staged,
        })
    }
}

pub(super) fn told(failed: Result<std::convert::Infallible, StageError>) -> String {
    match failed {
        Ok(never) => match never {},
        Err(error) => error.to_string(),
    }
}

/// Runs the client as the scenario says. Gives its last account, and how often it was run before.
async fn drive(
    client: &Driver,
    scenario: &Scenario,
    assignment: &Assignment,
    stage: &Stage,
) -> (Account, usize) {
    let endless = async {
        stage.endless().await;
        Cut::Endless
    };
    let looked = |times| async move {
        stage.looked(times).await;
        Cut::OnPurpose
    };
    match scenario.course {
        Course::Once => (client.run(assignment, endless).await, 0),
        Course::EndedAfter(times) => (client.run(assignment, looked(times)).await, 0),
        Course::Restarted => {
            let account = client.run(assignment, looked(LOOKS_BEFORE_RESTART)).await;
            if account.end == End::OnPurpose {
                (client.run(assignment, endless).await, 1)
            } else {
                (account, 0)
            }
        }
    }
}
