//! Clients that are wrong in one way each: exactly the checks that name it find it out, and none finds fault with the
//! same client without the flaw, nor with our own.
//!
//! The clients are this same program, which is told so by its first argument.

mod client;
mod flaw;
mod wire;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use batchmock_client::RealTime;
use batchmock_conformance::client::certify::{self, Found, Judged, Played, Settings};
use batchmock_conformance::client::check::Judgment;
use batchmock_conformance::client::choice::Choice;
use batchmock_conformance::client::drive::{Driver, Exec, Stdio};
use batchmock_conformance::client::scenario::Scenario;
use batchmock_conformance::client::{checks, scenarios};
use client::ByHand;
use flaw::{BROKEN, Broken};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use wire::Waits;

/// The time in which clients wait where it is judged: how soon they try again, how often they look, whether they give
/// up; and where they are killed while they wait.
const WALL: &str = "wall";
const JUDGED_BY_THE_WALL: [&str; 4] = ["K11", "K13", "K20", "K29"];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("as-client") {
        let mut argument = || arguments.next().unwrap_or_default();
        return act(&argument(), &argument());
    }
    let runtime = Arc::new(Runtime::new().expect("threads can be had"));
    let mut trials = vec![Trial::test("every check has a broken client", every_check_has_a_broken_client)];
    for (way, name) in [(Way::Exec, "own"), (Way::Stdio, "own"), (Way::Stdio, "by-hand")] {
        let runtime = Arc::clone(&runtime);
        trials.push(Trial::test(format!("right: {name}, {way:?}"), move || is_right(&runtime, way, name)));
    }
    for broken in BROKEN {
        let runtime = Arc::clone(&runtime);
        trials.push(Trial::test(broken.name, move || is_caught(&runtime, broken)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Acts as a client: `own`, `by-hand`, or one that is wrong in one way, which waits in the time of the wall or not at all.
fn act(name: &str, time: &str) -> ExitCode {
    let runtime = Runtime::new().expect("threads can be had");
    let waits = if time == WALL { Waits::Wall(RealTime::default()) } else { Waits::Virtual };
    let driven = match name {
        "own" => runtime.block_on(batchmock_adapter::drive(batchmock_adapter::Own)),
        "by-hand" => runtime.block_on(batchmock_adapter::drive(ByHand { broken: None, waits })),
        name => {
            let broken = flaw::find(name).expect("whoever starts it gives a name that there is");
            runtime.block_on(batchmock_adapter::drive(ByHand { broken: Some(broken), waits }))
        }
    };
    driven.expect("the protocol is kept").into()
}

/// How a client is driven.
#[derive(Debug, Clone, Copy)]
enum Way {
    Exec,
    Stdio,
}

/// Puts a client through scenarios, and judges it by all of their checks. It waits where that is judged, or where it is
/// given a deadline since it would look on and on; elsewhere the clock of its batches moves by its looks alone.
async fn put_through(
    way: Way,
    name: &str,
    scenarios: &[&'static Scenario],
    deadline: Option<Duration>,
) -> Vec<Played> {
    let takes_time = |scenario: &Scenario| {
        deadline.is_some() || scenario.checks().any(|(check, _)| JUDGED_BY_THE_WALL.contains(&check.id))
    };
    let (timed, others): (Vec<_>, Vec<_>) = scenarios.iter().partition(|scenario| takes_time(scenario));
    let mut played = play(way, [name, "virtual"], &others, None).await;
    played.extend(play(way, [name, WALL], &timed, deadline).await);
    played
}

async fn play(
    way: Way,
    client: [&str; 2],
    scenarios: &[&Scenario],
    deadline: Option<Duration>,
) -> Vec<Played> {
    if scenarios.is_empty() {
        return Vec::new();
    }
    let this = env::current_exe().expect("a program knows where it is");
    let [name, time] = client.map(OsString::from);
    let command = [this.into(), "as-client".into(), name, time];
    let here = Path::new(".");
    let driver = match way {
        Way::Exec => Exec::new(&command, here).map(Driver::Exec),
        Way::Stdio => Stdio::new(&command, here).map(Driver::Stdio),
    };
    let driver = Arc::new(driver.expect("there is a command"));
    let rooms = tempfile::tempdir().expect("directories can be made");
    let poll_hint = Duration::from_millis(5);
    let settings = Settings { seed: 1, deadline, poll_hint, reveal: false, jobs: 4 };
    let only: Vec<_> = scenarios.iter().map(|scenario| scenario.id.to_owned()).collect();
    let choice = Choice::new(&only, &[]).expect("there are these scenarios");
    certify::all(&driver, &choice, &settings, rooms.path(), |_| ()).await
}

/// What is told of a check that was not passed.
fn told(played: &Played, found: &Found) -> String {
    format!("{}/{}: {:?}", played.scenario.id, found.check.id, found.verdict)
}

/// Every check of every scenario is passed.
fn is_right(runtime: &Runtime, way: Way, name: &str) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    let all: Vec<_> = scenarios::all().collect();
    for played in runtime.block_on(put_through(way, name, &all, None)) {
        let not_passed = played.found.iter().filter(|found| found.verdict != Judged::By(Judgment::Passed));
        wrong.extend(not_passed.map(|found| told(&played, found)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// In all scenarios that have one of the checks that name the flaw, those checks fail, each somewhere, and no others.
fn is_caught(runtime: &Runtime, broken: &'static Broken) -> Result<(), Failed> {
    let named: BTreeSet<_> = broken.caught_by.iter().copied().collect();
    let about: Vec<_> = scenarios::all()
        .filter(|scenario| scenario.checks().any(|(check, _)| named.contains(check.id)))
        .collect();
    let (mut failed, mut wrong) = (BTreeSet::new(), Vec::new());
    for played in runtime.block_on(put_through(Way::Stdio, broken.name, &about, broken.deadline)) {
        for found in &played.found {
            match &found.verdict {
                Judged::By(Judgment::Failed(_)) => {
                    failed.insert(found.check.id);
                    if !named.contains(found.check.id) {
                        wrong.push(told(&played, found));
                    }
                }
                Judged::By(_) => {}
                Judged::Unsupported(_) | Judged::Error(_) => wrong.push(told(&played, found)),
            }
        }
    }
    if failed == named && wrong.is_empty() {
        return Ok(());
    }
    Err(format!("named: {named:?}\nfailed: {failed:?}\n{}", wrong.join("\n")).into())
}

fn every_check_has_a_broken_client() -> Result<(), Failed> {
    let named: BTreeSet<_> = BROKEN.iter().flat_map(|broken| broken.caught_by).copied().collect();
    let missing: Vec<_> = checks::all().map(|check| check.id).filter(|id| !named.contains(id)).collect();
    let unknown: Vec<_> = named.iter().filter(|id| checks::find(id).is_none()).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(format!("checks that no client fails: {missing:?}\nno checks at all: {unknown:?}").into())
}
