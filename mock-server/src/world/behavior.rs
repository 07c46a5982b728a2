//! What decides how a batch lives and what its lines are answered, beside its input.

use std::sync::Arc;

use crate::answers::Answers;
use crate::config::Config;
use crate::responder::Responder;
use crate::sim::{Pace, Plan, Seed, Timestamp, Workload};
use crate::switches::{ResultOrder, Switches};

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
}

impl Behavior {
    /// What a server is told when it starts.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            pace: config.pace.clone(),
            responder: Arc::new(Responder::new(config.seed, config.answers)),
            answers: Answers::new(config.rules.clone(), config.recordings.clone(), config.unrecorded),
            switches: config.switches,
        }
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
