//! Random walks: requests in any order, held against a model of what the documentation says.
//!
//! Cases look at one requirement each, in a world that they have made for it. A walk does what no case thought of: it
//! uploads, creates, cancels, lists, downloads, deletes and lets time pass, with two keys, in an order that a seed
//! chooses. After each request a model says what must hold: where the documentation leaves something open, or
//! time passes by itself, it allows all that may be. A walk that meets a fault is cut down to the fewest steps that
//! still meet it.
//!
//! The model is written from the facts of `docs/fidelity.md` and the official document. It shares no code with any
//! server, keeps no plan of what a batch will do, and is not told by the control API; only its time is moved by that.

mod batch;
mod file;
mod lists;
mod model;
mod results;
mod step;
mod walker;
mod wire;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Handle;

use step::Step;

use crate::exchange::Exchange;
use crate::target::Target;

/// How often a walk is tried again to make it shorter.
const TRIES: usize = 500;

/// How much is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walks {
    /// What chooses the steps.
    pub seed: u64,
    /// How many walks there are.
    pub count: u32,
    /// The most steps of a walk.
    pub steps: usize,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What must hold.
    pub rule: &'static str,
    /// The fact that says so.
    pub fact: &'static str,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub actual: String,
}

/// A walk that met a fault, as short as it could be made.
#[derive(Debug, Clone)]
pub struct Stumble {
    /// The fault, at the last of the steps.
    pub fault: Fault,
    /// The steps, in words, each with the requests that it took.
    pub steps: Vec<(String, Vec<Sent>)>,
    /// Below which all paths are.
    pub base_url: String,
}

/// What came of walks.
#[derive(Debug, Clone, Default)]
pub struct Walked {
    /// How many requests were sent, those of walks that were cut down included.
    pub requests: usize,
    /// How many batches were last seen in each status.
    pub batches: BTreeMap<String, usize>,
    /// The shortest walk that was found to meet a fault, if one does.
    pub stumble: Option<Stumble>,
}

/// A request that was sent, and by whom.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Whether it was sent with the key of the other account.
    pub by_other: bool,
    /// It and its answer.
    pub exchange: Exchange,
}

/// Why a walk did not come to its end.
#[derive(Debug)]
enum Halt {
    /// Something does not hold.
    Fault(Fault),
    /// Something that is not judged went wrong, such as the control API.
    Broken(String),
}

/// Why it is not known whether all holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the walk could not go on: {0}")]
pub struct WalkError(String);

/// Walks, until a fault is met.
///
/// Blocks; what is to be awaited is awaited on `runtime`, in which this thread must not be.
///
/// # Errors
///
/// If something that is not judged goes wrong.
pub fn walk(runtime: &Handle, target: &Arc<Target>, walks: Walks) -> Result<Walked, WalkError> {
    let walking =
        RefCell::new(Walking { runtime, target, seed: walks.seed, number: 0, walked: Walked::default() });
    // Shrinking is done here: what a step is about changes with those before it.
    let config =
        Config { cases: walks.count, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&walks.seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let broken = RefCell::new(None);
    let ran = runner.run(&step::walks(walks.steps, wire::has_two_keys(target)), |steps| {
        match walking.borrow_mut().go(&steps) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(TestCaseError::fail("a fault was met")),
            Err(error) => {
                *broken.borrow_mut() = Some(error);
                Err(TestCaseError::fail("the walk is broken"))
            }
        }
    });
    if let Some(error) = broken.into_inner() {
        return Err(error);
    }
    let mut walking = walking.into_inner();
    match ran {
        Ok(()) => {}
        Err(TestError::Fail(_, steps)) => walking.shorten(steps)?,
        Err(TestError::Abort(why)) => return Err(WalkError(why.message().to_owned())),
    }
    Ok(walking.walked)
}

/// What goes one walk after the other.
struct Walking<'a> {
    runtime: &'a Handle,
    target: &'a Arc<Target>,
    seed: u64,
    number: u64,
    walked: Walked,
}

impl Walking<'_> {
    /// Goes one walk, with accounts of its own.
    fn go(&mut self, steps: &[Step]) -> Result<Option<Stumble>, WalkError> {
        self.number += 1;
        let name = format!("walk-{}-{}", self.seed, self.number);
        let (seen, done) = self.runtime.block_on(walker::go(self.target, &name, steps));
        self.walked.add(seen);
        match done {
            Ok(()) => Ok(None),
            Err((Halt::Broken(why), _)) => Err(WalkError(why)),
            Err((Halt::Fault(fault), steps)) => {
                Ok(Some(Stumble { fault, steps, base_url: self.target.base_url().to_owned() }))
            }
        }
    }

    /// Takes away step after step, the last ones first, as long as the rest breaks the same rule.
    fn shorten(&mut self, mut steps: Vec<Step>) -> Result<(), WalkError> {
        // A server whose time passes by itself need not do the same again.
        let Some(mut shortest) = self.go(&steps)? else {
            return Err(WalkError("a fault was met, and not a second time in the same walk".to_owned()));
        };
        let mut tries = 0;
        loop {
            steps.truncate(shortest.steps.len());
            let before = steps.len();
            for at in (0..before).rev() {
                let mut fewer = steps.clone();
                if at >= fewer.len() || tries == TRIES {
                    continue;
                }
                fewer.remove(at);
                tries += 1;
                if let Some(stumble) = self.go(&fewer)?
                    && stumble.fault.rule == shortest.fault.rule
                {
                    (steps, shortest) = (fewer, stumble);
                    steps.truncate(shortest.steps.len());
                }
            }
            if steps.len() == before {
                self.walked.stumble = Some(shortest);
                return Ok(());
            }
        }
    }
}

impl Walked {
    fn add(&mut self, seen: Self) {
        self.requests += seen.requests;
        for (status, count) in seen.batches {
            *self.batches.entry(status).or_default() += count;
        }
    }
}

impl Fault {
    fn new(
        rule: &'static str,
        fact: &'static str,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self { rule, fact, expected: expected.into(), actual: actual.into() }
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Holds, or is a fault.
fn check(
    holds: bool,
    rule: &'static str,
    fact: &'static str,
    expected: impl Into<String>,
    actual: impl Into<String>,
) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::new(rule, fact, expected, actual)) }
}

impl fmt::Display for Stumble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { rule, fact, expected, actual } = &self.fault;
        writeln!(f, "{rule} ({fact})")?;
        writeln!(f, "  expected: {expected}")?;
        writeln!(f, "  actual:   {actual}")?;
        for (at, (step, sent)) in self.steps.iter().enumerate() {
            writeln!(f, "\n{}. {step}", at + 1)?;
            for Sent { by_other, exchange } in sent {
                let asked = exchange.curl(Some(&self.base_url)).unwrap_or_else(|| exchange.asked());
                let key = if *by_other { "$OPENAI_OTHER_API_KEY" } else { "$OPENAI_API_KEY" };
                writeln!(f, "   {}", asked.replace("$OPENAI_API_KEY", key))?;
                let status =
                    exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                writeln!(
                    f,
                    "   # {status}: {}",
                    exchange.body.split_whitespace().collect::<Vec<_>>().join(" ")
                )?;
            }
        }
        Ok(())
    }
}
