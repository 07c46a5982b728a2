//! Trying rules out on an input, without a server.

use super::{Answerer, Answers, Decided, Facts, LineOutcome, LineRules, Read, Turns, Unrecorded};
use crate::input::Reading;
use crate::responder::Request;

/// Rules that are tried out on the lines of an input, one after the other.
///
/// ```
/// use batchmock::{DecidedBy, LineRules, RuleTrial};
///
/// let rules = LineRules::from_toml("[[line]]\ncustom_id = 'order-*'\nstatus = 503")?;
/// let mut trial = RuleTrial::new(rules);
/// let line = r#"{"custom_id": "order-1", "method": "POST", "url": "/v1/embeddings", "body": {"input": "a"}}"#;
/// let tried = trial.next_line(line).expect("the line is a request");
/// assert_eq!(tried.decided_by, DecidedBy::Rule { place: 0, n: 1 });
/// assert!(tried.fails);
/// # Ok::<(), batchmock::RuleError>(())
/// ```
#[derive(Debug)]
pub struct RuleTrial {
    answers: Answers,
    turns: Turns,
}

/// What was decided about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedLine {
    /// Its name.
    pub custom_id: String,
    /// Who decides.
    pub decided_by: DecidedBy,
    /// Whether the line fails.
    pub fails: bool,
}

/// Who decides about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecidedBy {
    /// A rule, by its place, counted from 0, and the number of the line among those that it matches, counted from 1.
    Rule {
        /// The place of the rule.
        place: usize,
        /// The number of the line.
        n: u32,
    },
    /// The end of its name.
    Name,
    /// Its request: nothing else has something to say.
    Request,
}

impl RuleTrial {
    /// Rules that have not seen a line yet.
    pub fn new(rules: LineRules) -> Self {
        Self { answers: Answers::new(rules, Vec::new(), Unrecorded::default()), turns: Turns::default() }
    }

    /// What is decided about the next line.
    ///
    /// # Errors
    ///
    /// If the line is no request that a batch can have: what is wrong with it, as validation says it.
    pub fn next_line(&mut self, line: &str) -> Result<TriedLine, String> {
        let reading = Reading::new(line).map_err(|problem| problem.message())?;
        let Some(endpoint) = reading.endpoint else {
            return Err("Its url is no endpoint of batches.".to_owned());
        };
        let request = Request::read(endpoint, &reading.body);
        let facts = Facts { custom_id: Some(&reading.custom_id), endpoint, model: reading.model() };
        let read = Read { prompt: request.as_ref().ok().map(Request::prompt), digest: None };
        let take_turn = |rules: &LineRules, matching: &[u32]| self.turns.decide(rules, matching);
        let answerer = self.answers.decide(&facts, read, take_turn).map_err(|error| error.to_string())?;
        let decided_by = match answerer {
            Answerer::Responder(LineOutcome::Natural) | Answerer::Recording(_) | Answerer::Nobody => {
                DecidedBy::Request
            }
            Answerer::Responder(_) => DecidedBy::Name,
            Answerer::Rule(Decided { rule, n }) => DecidedBy::Rule { place: rule as usize, n },
        };
        let fails = self.answers.fails(answerer, request.is_err());
        Ok(TriedLine { custom_id: reading.custom_id.into_owned(), decided_by, fails })
    }
}
