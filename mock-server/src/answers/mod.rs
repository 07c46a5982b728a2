//! Who answers a request, if not the responder as the request deserves: the end of the line's name, a rule, or a
//! recording.
//!
//! The first of these that has something to say decides: the end of the `custom_id` ([`LineOutcome`]), the
//! [rules](LineRules) in order, the [recordings](Recording), the responder. It is decided once, when a batch is created
//! ([`Answers::decide`]), since a plan must know which lines fail; what was decided is given when results are rendered
//! ([`Answers::give`]).
//!
//! Nothing here knows of batches or HTTP. Of files it knows recordings.

mod errors;
mod giving;
mod outcome;
mod recording;
mod rules;
mod trial;

use std::io;
use std::sync::Arc;

pub(crate) use errors::{ErrorSource, quota_exceeded};
pub(crate) use giving::{Asking, Depth, Given};
pub use outcome::LineOutcome;
use recording::{Found, RecordedAt};
pub use recording::{Recording, RecordingError, RecordingProblem, Unrecorded};
pub(crate) use recording::{RecordingReader, digest};
pub(crate) use rules::Decided as DecidedByRule;
use rules::Decided;
pub(crate) use rules::{Facts, Glob, Turn, Turns};
pub use rules::{LineRule, LineRules, RuleError};
pub use trial::{DecidedBy, RuleTrial, TriedLine};

/// Everything that can answer a request before the responder does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    rules: Arc<LineRules>,
    recordings: Arc<[Recording]>,
    unrecorded: Unrecorded,
}

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// The responder; the line's name may say how.
    Responder(LineOutcome),
    /// A rule.
    Rule(Decided),
    /// A result that was recorded.
    Recording(RecordedAt),
    /// Nobody: nothing was recorded.
    Nobody,
}

/// What of a request must be looked at to decide who answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The text of its prompt.
    pub(crate) prompt: bool,
    /// Its digest.
    pub(crate) digest: bool,
}

/// What was found when a request was looked at, as far as it was needed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Read<'r> {
    /// The text of its prompt, if its endpoint takes it.
    pub(crate) prompt: Option<&'r str>,
    /// [What tells it from others](digest()).
    pub(crate) digest: Option<u128>,
}

impl Needs {
    /// Whether there is nothing to be looked at.
    pub(crate) fn are_none(self) -> bool {
        !self.prompt && !self.digest
    }
}

impl Answers {
    /// Those of these rules and recordings.
    pub(crate) fn new(rules: LineRules, recordings: Vec<Recording>, unrecorded: Unrecorded) -> Self {
        Self { rules: Arc::new(rules), recordings: recordings.into(), unrecorded }
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &LineRules {
        &self.rules
    }

    /// The recordings, and what becomes of requests that they do not know.
    pub(crate) fn recordings(&self) -> (&[Recording], Unrecorded) {
        (&self.recordings, self.unrecorded)
    }

    /// Whether a request is decided by nothing but the name of its line.
    pub(crate) fn go_by_names(&self) -> bool {
        self.rules.is_empty() && self.recordings.is_empty()
    }

    /// What must be looked at to decide who answers a request.
    pub(crate) fn needs(&self, facts: &Facts<'_>) -> Needs {
        Needs {
            prompt: self.rules.need_prompt(facts),
            digest: self.recordings.iter().any(Recording::goes_by_request),
        }
    }

    /// Who answers the next request. `take_turn` counts it for the rules at these places, and gives the one that
    /// decides.
    ///
    /// # Errors
    ///
    /// If a recording cannot be read.
    pub(crate) fn decide(
        &self,
        facts: &Facts<'_>,
        read: Read<'_>,
        take_turn: impl FnOnce(&LineRules, &[u32]) -> Option<Decided>,
    ) -> io::Result<Answerer> {
        let matching = self.rules.matching(facts, read.prompt);
        let decided = if matching.is_empty() { None } else { take_turn(&self.rules, &matching) };
        let outcome = facts.custom_id.map(LineOutcome::of_custom_id).unwrap_or_default();
        match (outcome, decided) {
            (LineOutcome::Natural, Some(decided)) => Ok(Answerer::Rule(decided)),
            (LineOutcome::Natural, None) => self.look_up(facts.custom_id, read.digest),
            (outcome, _) => Ok(Answerer::Responder(outcome)),
        }
    }

    fn look_up(&self, custom_id: Option<&str>, digest: Option<u128>) -> io::Result<Answerer> {
        Ok(match (recording::find(&self.recordings, custom_id, digest)?, self.unrecorded) {
            (Found::At(at), _) => Answerer::Recording(at),
            (Found::Nothing, Unrecorded::Fails) => Answerer::Nobody,
            (Found::Nothing, Unrecorded::IsAnswered) | (Found::OutOfScope, _) => {
                Answerer::Responder(LineOutcome::Natural)
            }
        })
    }

    /// Whether a line fails, whose body its endpoint refuses or not. What was recorded has been taken once.
    pub(crate) fn fails(&self, answerer: Answerer, is_refused: bool) -> bool {
        match answerer {
            Answerer::Responder(outcome) => is_refused || outcome.fails(),
            Answerer::Rule(Decided { rule, .. }) => is_refused || self.rules.get(rule).effect().fails(),
            Answerer::Recording(at) => at.fails,
            Answerer::Nobody => true,
        }
    }

    /// Whether the answer is what it is, whatever the endpoint says to the request.
    pub(crate) fn is_settled(&self, answerer: Answerer) -> bool {
        match answerer {
            Answerer::Responder(_) | Answerer::Rule(_) => self.fails(answerer, false),
            Answerer::Recording(_) | Answerer::Nobody => true,
        }
    }
}
