//! Servers that are wrong in one way each: for every MUST there is one, and the case catches it.
//!
//! A mutant is batchmock behind a proxy that lies about one thing. All cases of the rooms it is about (`batches/cancel/*`)
//! are run against it, and exactly those that it names must fail. That others are not reached says nothing.
//!
//! Random walks are held to mutants of their own, each of which breaks one rule of their model.

mod batches;
mod files;
mod hooks;
mod proxy;
mod quotas;
mod results;
mod walks;
mod webhooks;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use batchmock_conformance::case::{Case, Level};
use batchmock_conformance::{OwnMock, Verdict, run, server};
use libtest_mimic::{Arguments, Failed, Trial};
use proxy::Lie;

/// A server that is wrong in one way.
struct Mutant {
    /// What is wrong.
    name: &'static str,
    /// The cases that fail, of all in their rooms.
    caught_by: &'static [&'static str],
    lie: Lie,
}

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    [files::MUTANTS, batches::MUTANTS, results::MUTANTS, webhooks::MUTANTS, quotas::MUTANTS]
        .into_iter()
        .flatten()
}

/// The room of a case: its id but for the last part.
fn room(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(room, _)| room)
}

/// The cases that fail against a mutant, of all in the rooms that it is about.
async fn caught(mutant: &Mutant) -> Result<BTreeSet<&'static str>, Box<dyn std::error::Error>> {
    let mock = OwnMock::start(1).await?;
    let base_url = proxy::start(mock.base_url(), mutant.lie).await?;
    let mut settings = OwnMock::settings(base_url);
    // What does not come costs a test so much.
    settings.webhooks.patience = Duration::from_secs(5);
    let target = mock.target_with(settings).await?;
    let rooms: BTreeSet<_> = mutant.caught_by.iter().map(|id| room(id)).collect();
    let cases: Vec<_> = server::all().filter(|case| rooms.contains(room(case.id))).collect();
    let found = run::all(&target, &cases, 4, |_| ()).await;
    Ok(found.iter().filter(|found| found.verdict == Verdict::Failed).map(|found| found.case.id).collect())
}

/// A mutant is caught by the cases that it names, and by no others.
async fn is_caught(mutant: &'static Mutant) -> Result<(), Failed> {
    let caught = caught(mutant).await.map_err(|error| Failed::from(error.to_string()))?;
    let named: BTreeSet<_> = mutant.caught_by.iter().copied().collect();
    if caught == named { Ok(()) } else { Err(format!("named: {named:#?}\ncaught by: {caught:#?}").into()) }
}

/// A server that says that it does not take an endpoint is not at fault: that is not offered.
async fn what_is_refused_is_not_offered() -> Result<(), Failed> {
    let judge = async {
        let mock = OwnMock::start(1).await?;
        let base_url = proxy::start(mock.base_url(), batches::REFUSES_MODERATIONS).await?;
        let target = mock.target_at(base_url).await?;
        let case = server::find("endpoints/moderations").ok_or("there is no such case")?;
        Ok::<_, Box<dyn std::error::Error>>(run::one(&target, case).await)
    };
    let found = judge.await.map_err(|error| Failed::from(error.to_string()))?;
    let is_told = found.reason.starts_with("POST /batches refuses /v1/moderations: ");
    if found.verdict == Verdict::Unsupported && is_told { Ok(()) } else { Err(format!("{found:#?}").into()) }
}

fn every_must_has_a_mutant() -> Result<(), Failed> {
    let named: BTreeSet<_> = mutants().flat_map(|mutant| mutant.caught_by).copied().collect();
    let musts = server::all().filter(|case| case.level == Level::Must);
    let missing: Vec<_> = musts.map(|case: &Case| case.id).filter(|id| !named.contains(id)).collect();
    let unknown: Vec<_> = named.iter().filter(|id| server::find(id).is_none()).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(format!("MUST cases that no mutant is for: {missing:#?}\nno cases at all: {unknown:#?}").into())
}

fn main() {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(tokio::runtime::Runtime::new().expect("threads can be had"));
    let not_offered = Arc::clone(&runtime);
    let mut trials = vec![
        Trial::test("every MUST has a mutant", every_must_has_a_mutant),
        Trial::test("what is refused is not offered", move || {
            not_offered.block_on(what_is_refused_is_not_offered())
        }),
    ];
    for mutant in mutants() {
        let runtime = Arc::clone(&runtime);
        trials.push(Trial::test(mutant.name, move || runtime.block_on(is_caught(mutant))));
    }
    for stray in walks::STRAYS {
        let runtime = Arc::clone(&runtime);
        trials.push(Trial::test(stray.name, move || walks::is_met(&runtime, stray)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
