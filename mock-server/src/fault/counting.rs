//! Whose turn it is: the rules of a world, and how often each has been due.

use std::collections::HashMap;
use std::sync::Arc;

use rand::RngExt as _;

use super::{AppliedFault, FaultPlan, FaultRule};
use crate::operation::Operation;
use crate::sim::{Seed, Status, Timestamp};

/// The rules of a world, and how often each has been due. Nothing of this is kept in a data directory: a world that is
/// read again has the rules that its server starts with, and they count anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    of_world: Vec<Standing>,
    of_batches: HashMap<Arc<str>, Vec<Standing>>,
}

/// Which requests rules are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultScope {
    /// All of the world.
    World,
    /// All of the world, as long as it is in the scenario that these rules are from.
    Scenario,
    /// Those that name this batch, its input or its results.
    Batch(Arc<str>),
}

/// A rule that is in force.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Its number among those of its scope, from 1.
    pub(crate) number: u64,
    /// The batch that it is limited to, if it is.
    pub(crate) batch_id: Option<Arc<str>>,
    /// The rule.
    pub(crate) rule: Arc<FaultRule>,
    /// Whether it is in force because the world is in a scenario.
    pub(crate) is_of_scenario: bool,
    /// When it was given to the world.
    pub(crate) given_at: Timestamp,
    /// How many requests were right for it.
    pub(crate) n_matched: u32,
    /// To how many of them it has happened.
    pub(crate) n_fired: u32,
}

/// A request, as far as rules go by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) operation: Operation,
    /// What the clock of the world shows.
    pub(crate) now: Timestamp,
    /// The batches that it names, by themselves, their input or their results.
    pub(crate) batches: &'a [Concerned],
}

/// A batch that a request names.
#[derive(Debug, Clone)]
pub(crate) struct Concerned {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
}

/// A rule that is due.
#[derive(Debug, Clone)]
pub(crate) struct Fired {
    /// The rule.
    pub(crate) rule: Arc<FaultRule>,
    /// What is told of it.
    pub(crate) applied: AppliedFault,
    /// From which follows what its answer draws.
    pub(crate) seed: Seed,
}

impl Faults {
    /// Adds rules after those of the same scope.
    pub(crate) fn add(&mut self, plan: &FaultPlan, scope: &FaultScope, now: Timestamp) {
        let (rules, batch_id) = match scope {
            FaultScope::World | FaultScope::Scenario => (&mut self.of_world, None),
            FaultScope::Batch(id) => (self.of_batches.entry(Arc::clone(id)).or_default(), Some(id)),
        };
        for rule in plan.shared() {
            let number = rules.last().map_or(0, |last| last.number) + 1;
            let batch_id = batch_id.map(Arc::clone);
            let is_of_scenario = *scope == FaultScope::Scenario;
            let standing =
                Standing { number, batch_id, rule, is_of_scenario, given_at: now, n_matched: 0, n_fired: 0 };
            rules.push(standing);
        }
    }

    /// Takes back the rules of the scenario that the world is in.
    pub(crate) fn leave_scenario(&mut self) {
        self.of_world.retain(|standing| !standing.is_of_scenario);
    }

    /// How many rules there are.
    pub(crate) fn len(&self) -> usize {
        self.of_world.len() + self.of_batches.values().map(Vec::len).sum::<usize>()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_world.is_empty() && self.of_batches.is_empty()
    }

    /// All rules: those of the world in their order, then those of batches, by their ids.
    pub(crate) fn all(&self) -> Vec<Standing> {
        let mut batches: Vec<_> = self.of_batches.iter().collect();
        batches.sort_by_key(|(id, _)| *id);
        self.of_world.iter().chain(batches.into_iter().flat_map(|(_, rules)| rules)).cloned().collect()
    }

    /// Counts a request, and gives the rule that decides about it: those of its batches come first.
    pub(crate) fn decide(&mut self, asked: &Asked<'_>, seed: Seed) -> Option<Fired> {
        let mut decided = None;
        for batch in asked.batches {
            if let Some(rules) = self.of_batches.get_mut(batch.id.as_str()) {
                count(rules, asked, seed.named(&batch.id), &mut decided);
            }
        }
        count(&mut self.of_world, asked, seed, &mut decided);
        decided
    }
}

fn count(rules: &mut [Standing], asked: &Asked<'_>, seed: Seed, decided: &mut Option<Fired>) {
    for standing in rules {
        if standing.rule.condition.holds_for(asked, standing.given_at) {
            standing.n_matched = standing.n_matched.saturating_add(1);
            if decided.is_none() && standing.is_due(seed) {
                standing.n_fired = standing.n_fired.saturating_add(1);
                *decided = Some(standing.fired(seed));
            }
        }
    }
}

impl Standing {
    /// Whether it is the turn of the request that was counted last. Each rule has dice of its own, and throws them once
    /// for each request that it counts, whether it matters or not.
    fn is_due(&self, seed: Seed) -> bool {
        let condition = &self.rule.condition;
        let is_lucky = |probability: f64| self.seed(seed).named("throw").rng().random::<f64>() < probability;
        condition.turn.is(self.n_matched)
            && condition.times.is_none_or(|times| self.n_fired < times)
            && condition.probability.is_none_or(is_lucky)
    }

    /// The seed of what happens to the request that was counted last.
    fn seed(&self, seed: Seed) -> Seed {
        seed.nth("fault", self.number).nth("request", u64::from(self.n_matched))
    }

    fn fired(&self, seed: Seed) -> Fired {
        let effect = self.rule.effect();
        let applied = AppliedFault {
            rule: self.number,
            name: self.rule.name.clone(),
            batch_id: self.batch_id.clone(),
            kind: effect.kind(),
            is_answered: effect.silence().is_none(),
        };
        Fired { rule: Arc::clone(&self.rule), applied, seed: self.seed(seed).named("answer") }
    }
}
