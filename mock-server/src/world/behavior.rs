//! What decides how a batch lives and what its lines are answered, beside its input.

use std::sync::Arc;

use crate::answers::Answers;
use crate::config::Config;
use crate::deviations::Deviations;
use crate::fault::FaultPlan;
use crate::input::Problem;
use crate::quota::Quotas;
use crate::responder::Responder;
use crate::scenario::Scenario;
use crate::sim::{Pace, Plan, Seed, Status, Timestamp, Workload};
use crate::switches::{ResultOrder, Switches};
use crate::webhook::WebhookPlan;

/// What decides how a batch lives and what its lines are answered, beside its input. A batch keeps what was in
/// force when it was created, whatever the server is told later.
#[derive(Debug, Clone)]
pub(crate) struct Behavior {
    /// How long each phase takes.
    pub(crate) pace: Pace,
    /// What answers its lines.
    pub(crate) responder: Arc<Responder>,
    /// What answers its lines before the responder does.
    pub(crate) answers: Answers,
    /// What is done where the evidence contradicts itself.
    pub(crate) switches: Switches,
    /// The scenario that all this is from, if there is one, and what else it says.
    pub(crate) scenario: Option<Arc<Scenario>>,
}

impl Behavior {
    /// What a server is told when it starts, without any scenario.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            pace: config.pace.clone(),
            responder: Arc::new(Responder::new(config.seed, config.answers)),
            answers: Answers::new(config.rules.clone(), config.recordings.clone(), config.unrecorded),
            switches: config.switches,
            scenario: None,
        }
    }

    /// The same, but for what a scenario says. Its rules for lines come behind those that are there.
    pub(crate) fn in_scenario(&self, scenario: &Arc<Scenario>) -> Self {
        let Self { pace, responder, answers, switches, scenario: _ } = self;
        let mut rules = answers.rules().clone();
        rules.append(scenario.rules().cloned().unwrap_or_default());
        let (recordings, unrecorded) = answers.recordings();
        Self {
            pace: scenario.pace(pace),
            responder: Arc::clone(responder),
            answers: Answers::new(rules, recordings.to_vec(), unrecorded),
            switches: scenario.switches(*switches),
            scenario: Some(Arc::clone(scenario)),
        }
    }

    /// What validation finds in an input that is in order.
    pub(crate) fn problems(&self) -> &[(Problem, Option<u32>)] {
        self.scenario.as_deref().map_or(&[], Scenario::problems)
    }

    /// What goes wrong between the client and the service.
    pub(crate) fn faults(&self) -> Option<&FaultPlan> {
        self.scenario.as_deref().and_then(Scenario::faults)
    }

    /// What the account may use, if a scenario says it.
    pub(crate) fn quotas(&self) -> Option<&Arc<Quotas>> {
        self.scenario.as_deref().and_then(Scenario::quotas)
    }

    /// How result files deviate, if they do.
    pub(crate) fn deviations(&self) -> Option<&Deviations> {
        self.scenario.as_deref().and_then(Scenario::deviations)
    }

    /// Whether a batch jumps to its next change each time it is retrieved again, though the clock runs.
    pub(crate) fn is_stepping(&self) -> bool {
        self.scenario.as_deref().is_some_and(Scenario::is_stepping)
    }

    /// The word for a status.
    pub(crate) fn word(&self, status: Status) -> &str {
        self.scenario.as_deref().map_or(status.as_str(), |scenario| scenario.word(status))
    }

    /// Whether records have fields that nobody knows.
    pub(crate) fn has_unknown_fields(&self) -> bool {
        self.scenario.as_deref().is_some_and(Scenario::has_unknown_fields)
    }

    /// How endpoints are told of a batch, if not as the world does.
    pub(crate) fn webhook(&self) -> Option<&Arc<WebhookPlan>> {
        self.scenario.as_deref().and_then(Scenario::webhook)
    }

    /// Decides the life of a batch with this seed.
    pub(crate) fn plan(&self, workload: &Workload, seed: Seed, created_at: Timestamp) -> Plan {
        let plan = Plan::new(workload, &self.pace, seed.named("plan"), created_at);
        match self.switches.result_order {
            ResultOrder::Shuffled => plan,
            ResultOrder::AsInput => plan.in_input_order(),
        }
    }
}
