//! Running cases.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::case::{Case, Takes};
use crate::expect::{Outcome, Stop};
use crate::session::Session;
use crate::target::Target;
use crate::time::{Stopwatch, Time};
use crate::verdict::{Found, Verdict};

/// Runs cases, so many at a time, and tells of each when it has ended. They are given in the order in which they came.
/// Where all share an account whose clock they move, there is one at a time.
pub async fn all(
    target: &Arc<Target>,
    cases: &[&'static Case],
    jobs: usize,
    tell: impl Fn(&Found),
) -> Vec<Found> {
    let jobs = if target.shares_a_clock() { 1 } else { jobs.max(1) };
    let permits = Arc::new(Semaphore::new(jobs));
    let running: Vec<(&'static Case, JoinHandle<Found>)> = cases
        .iter()
        .map(|&case| {
            let (target, permits) = (Arc::clone(target), Arc::clone(&permits));
            let run = async move {
                // It is never closed, so there is always a permit.
                let _permit = permits.acquire_owned().await;
                one(&target, case).await
            };
            (case, tokio::spawn(run))
        })
        .collect();
    let mut found = Vec::new();
    for (case, run) in running {
        let one = match run.await {
            Ok(found) => found,
            // The case panicked: a fault of the suite.
            Err(error) => Found {
                case,
                verdict: Verdict::Error,
                mismatch: None,
                reason: error.to_string(),
                exchanges: Vec::new(),
                milliseconds: 0,
                left_behind: Vec::new(),
            },
        };
        tell(&one);
        found.push(one);
    }
    found
}

/// Runs a case.
pub async fn one(target: &Arc<Target>, case: &'static Case) -> Found {
    let stopwatch = Stopwatch::start();
    let mut session = Session::new(Arc::clone(target), case.id, case.takes);
    let mut found = Found {
        case,
        verdict: Verdict::Passed,
        mismatch: None,
        reason: String::new(),
        exchanges: Vec::new(),
        milliseconds: 0,
        left_behind: Vec::new(),
    };
    if let Some(why) = case.needs.iter().find_map(|need| Some(format!("{need}: {}", target.lacks(*need)?))) {
        (found.verdict, found.reason) = (Verdict::Unsupported, why);
        return found;
    }
    if let Some(why) = too_long(target, case) {
        (found.verdict, found.reason) = (Verdict::NotExercised, why);
        return found;
    }
    let outcome = (case.run)(&mut session).await;
    judge(&mut found, outcome);
    found.left_behind = session.clean_up().await;
    found.exchanges = session.exchanges;
    found.milliseconds = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
    found
}

/// Why a case is not even begun. One whose batch only has to end is: with some servers that takes a moment.
fn too_long(target: &Target, case: &Case) -> Option<String> {
    let Time::Wall { at_most, bring_about, .. } = &target.time else { return None };
    let can_be_brought_about = bring_about.is_some() && case.takes == Takes::Day;
    (case.takes > Takes::Minutes && case.takes.at_most() > *at_most && !can_be_brought_about)
        .then(|| format!("it takes {}, and no more than {} s are waited", case.takes, at_most.as_secs()))
}

fn judge(found: &mut Found, outcome: Outcome) {
    match outcome {
        Ok(()) => {}
        Err(Stop::Failed(mismatch)) => {
            found.verdict = Verdict::Failed;
            found.reason = mismatch.to_string();
            found.mismatch = Some(mismatch);
        }
        Err(Stop::NotReached(why)) => (found.verdict, found.reason) = (Verdict::NotExercised, why),
        Err(Stop::NotOffered(why)) => (found.verdict, found.reason) = (Verdict::Unsupported, why),
        Err(Stop::Broken(why)) => (found.verdict, found.reason) = (Verdict::Error, why),
    }
}
