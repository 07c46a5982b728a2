//! Running cases.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::task::JoinError;

use crate::case::{Capability, Case, Takes};
use crate::cost::Cost;
use crate::expect::{Outcome, Stop};
use crate::journal::Waiting;
use crate::server;
use crate::session::{Patience, Session};
use crate::target::Target;
use crate::time::{Stopwatch, Time};
use crate::verdict::{Found, Verdict};

/// What has become of a case by now.
#[derive(Debug, Clone)]
pub enum Progress {
    /// It has ended.
    Ended(Box<Found>),
    /// It was begun, and waits.
    Waiting(Waiting),
}

/// Something that happens in a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'r> {
    /// A case begins, or is taken up again.
    Began(&'static Case),
    /// It has ended.
    Ended(&'r Found),
    /// It was put down, and waits.
    PutDown(&'static Case),
}

/// What a case did, for those who ask what it would do elsewhere.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What was found.
    pub found: Found,
    /// What requests may have set off, by their places in the record.
    pub costs: Vec<(usize, Cost)>,
}

impl Progress {
    /// What was found in a case that nobody was to put down.
    fn or_broken(self, case: &'static Case) -> Found {
        match self {
            Self::Ended(found) => *found,
            Self::Waiting(_) => broken(case, "it was put down, though nobody takes it up again".to_owned()),
        }
    }
}

/// Runs cases, so many at a time, and tells what happens as it does. They are given in the order in which they came.
/// Where all share an account whose clock they move, there is one at a time.
pub async fn all(
    target: &Arc<Target>,
    cases: &[&'static Case],
    jobs: usize,
    tell: impl Fn(Event<'_>),
) -> Vec<Found> {
    let begun = cases.iter().map(|&case| (case, None)).collect();
    let progress = each(target, begun, Patience::ToTheEnd, jobs, tell).await;
    progress.into_iter().map(|(case, progress)| progress.or_broken(case)).collect()
}

/// Runs cases like [`all`], but those that take longer than is waited are begun and put down.
pub async fn begin(
    target: &Arc<Target>,
    cases: &[&'static Case],
    jobs: usize,
    tell: impl Fn(Event<'_>),
) -> Vec<(&'static Case, Progress)> {
    let begun = cases.iter().map(|&case| (case, None)).collect();
    let wait = match &target.time {
        Time::Control(_) => Duration::ZERO,
        Time::Wall { at_most, .. } => *at_most,
    };
    each(target, begun, Patience::PutDownAfter(wait), jobs, tell).await
}

/// Goes on with cases that wait. Those that still have to wait for longer than this are put down again.
pub async fn go_on(
    target: &Arc<Target>,
    waiting: Vec<Waiting>,
    wait: Duration,
    jobs: usize,
    tell: impl Fn(Event<'_>),
) -> Result<Vec<(&'static Case, Progress)>, NoSuchCase> {
    let begun = waiting.into_iter().map(|waiting| match server::find(&waiting.case) {
        Some(case) => Ok((case, Some(waiting))),
        None => Err(NoSuchCase(waiting.case)),
    });
    let begun = begun.collect::<Result<_, _>>()?;
    Ok(each(target, begun, Patience::PutDownAfter(wait), jobs, tell).await)
}

/// A case that waits, and that this suite does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no case `{0}`: it was begun by another version of the suite")]
pub struct NoSuchCase(String);

async fn each(
    target: &Arc<Target>,
    cases: Vec<(&'static Case, Option<Waiting>)>,
    patience: Patience,
    jobs: usize,
    tell: impl Fn(Event<'_>),
) -> Vec<(&'static Case, Progress)> {
    let jobs = if target.shares_a_clock() { 1 } else { jobs.max(1) };
    let tell = &tell;
    // They are begun in their order, so that a budget goes to the first.
    stream::iter(cases)
        .map(|(case, waiting)| {
            let target = Arc::clone(target);
            async move {
                tell(Event::Began(case));
                let run = tokio::spawn(async move { progress(&target, case, patience, waiting).await.0 });
                // The case panicked: a fault of the suite.
                let broken = |error: JoinError| Progress::Ended(Box::new(broken(case, error.to_string())));
                let progress = run.await.unwrap_or_else(broken);
                tell(match &progress {
                    Progress::Ended(found) => Event::Ended(found),
                    Progress::Waiting(_) => Event::PutDown(case),
                });
                (case, progress)
            }
        })
        .buffered(jobs)
        .collect()
        .await
}

/// Runs a case.
pub async fn one(target: &Arc<Target>, case: &'static Case) -> Found {
    measured(target, case).await.found
}

/// Runs a case, and tells what its requests may have cost.
pub async fn measured(target: &Arc<Target>, case: &'static Case) -> Measured {
    let (progress, costs) = progress(target, case, Patience::ToTheEnd, None).await;
    Measured { found: progress.or_broken(case), costs }
}

async fn progress(
    target: &Arc<Target>,
    case: &'static Case,
    patience: Patience,
    waiting: Option<Waiting>,
) -> (Progress, Vec<(usize, Cost)>) {
    let stopwatch = Stopwatch::start();
    let mut found = nothing_yet(case);
    let is_new = waiting.is_none();
    // Nobody would listen for webhooks meanwhile.
    let is_put_down = !case.needs.contains(&Capability::Webhooks);
    let patience = if is_put_down { patience } else { Patience::ToTheEnd };
    if is_new && let Some((verdict, why)) = why_not(target, case, patience) {
        (found.verdict, found.reason) = (verdict, why);
        return (Progress::Ended(Box::new(found)), Vec::new());
    }
    let patience = match patience {
        // What takes longer than is waited is not waited for at all.
        Patience::PutDownAfter(_) if is_new && too_long(target, case).is_some() => {
            Patience::PutDownAfter(Duration::ZERO)
        }
        Patience::PutDownAfter(_) | Patience::ToTheEnd => patience,
    };
    let mut session = Session::new(Arc::clone(target), case, patience, waiting);
    let outcome = (case.run)(&mut session).await;
    if is_new {
        target.budget.give_back(case, session.cost());
    }
    if matches!(outcome, Err(Stop::Later)) {
        let costs = std::mem::take(&mut session.costs);
        return (Progress::Waiting(session.put_down()), costs);
    }
    judge(&mut found, outcome);
    target.redact_found(&mut found);
    found.left_behind = session.clean_up().await;
    found.exchanges = session.exchanges;
    found.milliseconds = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
    (Progress::Ended(Box::new(found)), session.costs)
}

/// Why a case is not even begun, and what that makes of it.
fn why_not(target: &Target, case: &Case, patience: Patience) -> Option<(Verdict, String)> {
    let lacks = |need: &Capability| Some(format!("{need}: {}", target.lacks(*need)?));
    if let Some(why) = case.needs.iter().find_map(lacks) {
        return Some((Verdict::Unsupported, why));
    }
    let too_long = if patience == Patience::ToTheEnd { too_long(target, case) } else { None };
    let why = too_long.or_else(|| target.budget.set_aside(case).err())?;
    Some((Verdict::NotExercised, why))
}

/// Why a case takes longer than is waited, if it does. A batch that only has to end may do so in a moment.
fn too_long(target: &Target, case: &Case) -> Option<String> {
    let Time::Wall { at_most, bring_about, .. } = &target.time else { return None };
    let can_be_brought_about = bring_about.is_some() && case.takes == Takes::Day;
    (case.takes > Takes::Minutes && case.takes.at_most() > *at_most && !can_be_brought_about)
        .then(|| format!("it takes {}, and no more than {} s are waited", case.takes, at_most.as_secs()))
}

fn nothing_yet(case: &'static Case) -> Found {
    Found {
        case,
        verdict: Verdict::Passed,
        mismatch: None,
        reason: String::new(),
        exchanges: Vec::new(),
        milliseconds: 0,
        left_behind: Vec::new(),
    }
}

/// A case in which the suite is at fault.
fn broken(case: &'static Case, why: String) -> Found {
    Found { verdict: Verdict::Error, reason: why, ..nothing_yet(case) }
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
        Err(Stop::Later) => {
            (found.verdict, found.reason) = (Verdict::NotExercised, "it waits".to_owned());
        }
    }
}
