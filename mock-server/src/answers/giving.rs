//! A request is given what was decided.

use std::io;

use batchmock_client::types::{ErrorBody, LineError};
use rand::Rng;

use super::errors::{ErrorSource, no_recording, quota_exceeded, request_timeout};
use super::recording::{RecordingReader, Replayed};
use super::rules::{BodyEffect, Decided, Effect, Filling, LineRule, Written};
use super::{Answerer, Answers, LineOutcome};
use crate::arguments::Refusal;
use crate::responder::{Answer, Body, Ending, Occasion, Request, Responder, Usage, with_usage};

/// A request that is to be given something.
#[derive(Debug)]
pub(crate) struct Asking<'a, R> {
    /// The name of the line; empty for a synchronous call.
    pub(crate) custom_id: &'a str,
    /// When it is answered, in whole Unix seconds.
    pub(crate) created_at: i64,
    /// Who answers, if nobody was there first.
    pub(crate) responder: &'a Responder,
    /// Whom errors are about.
    pub(crate) errors: ErrorSource<'a>,
    /// Reads the request, or says what its endpoint refuses; called if that has a bearing on the answer.
    pub(crate) read: R,
}

/// How much of a request has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As much as the responder needs.
    ForResponder,
    /// All of it.
    Whole,
}

/// A request, or what its endpoint refuses.
type Reading = io::Result<Result<Request, Refusal>>;

/// What a request is given.
#[derive(Debug)]
pub(crate) enum Given {
    /// A body with a status.
    Answer { status: u16, answer: Answer },
    /// An error with a status.
    Error { status: u16, error: ErrorBody },
    /// No answer, for a reason.
    NoAnswer(LineError),
}

impl Answers {
    /// Gives a request what was decided.
    ///
    /// # Errors
    ///
    /// If the request, or what was recorded, cannot be read again.
    pub(crate) fn give(
        &self,
        answerer: Answerer,
        asking: Asking<'_, impl FnOnce(Depth) -> Reading>,
        recordings: &mut RecordingReader,
        rng: &mut impl Rng,
    ) -> io::Result<Given> {
        match answerer {
            Answerer::Responder(outcome) => asking.give_outcome(outcome, rng),
            Answerer::Rule(Decided { rule, n }) => asking.give_effect(self.rules.get(rule), n, rng),
            Answerer::Recording(at) => recordings.read(&self.recordings, at).map(Given::from),
            Answerer::Nobody => Ok(Given::error(404, no_recording(asking.custom_id))),
        }
    }
}

impl<R: FnOnce(Depth) -> Reading> Asking<'_, R> {
    fn give_outcome(self, outcome: LineOutcome, rng: &mut impl Rng) -> io::Result<Given> {
        let Self { custom_id, created_at, responder, errors, read } = self;
        let ending = match outcome {
            LineOutcome::Status400 => return Ok(Given::error(400, errors.context_length_exceeded())),
            LineOutcome::Status429 => return Ok(Given::error(429, errors.rate_limit_reached())),
            LineOutcome::Quota => return Ok(Given::error(429, quota_exceeded())),
            LineOutcome::Status500 => return Ok(Given::error(500, errors.server_error(rng))),
            LineOutcome::Timeout => return Ok(Given::NoAnswer(request_timeout())),
            LineOutcome::Refusal => Ending::Refusal,
            LineOutcome::Length => Ending::Length,
            LineOutcome::Natural => Ending::Natural,
        };
        Ok(match read(Depth::ForResponder)? {
            Ok(request) => {
                let answer = responder.answer(&request, Occasion { custom_id, created_at, ending, rng });
                Given::Answer { status: 200, answer }
            }
            Err(refusal) => refusal.into(),
        })
    }

    fn give_effect(self, rule: &LineRule, n: u32, rng: &mut impl Rng) -> io::Result<Given> {
        let written = match rule.effect() {
            Effect::Outcome(outcome) => return self.give_outcome(*outcome, rng),
            Effect::Written(written) => written,
        };
        let Self { custom_id, created_at, responder, errors, read } = self;
        let request = read(Depth::Whole)?;
        let prompt = request.as_ref().map_or("", Request::prompt);
        let canary = responder.canary_of_text(custom_id, prompt);
        let filling = Filling {
            custom_id,
            prompt,
            model: errors.model.unwrap_or_default(),
            canary: &canary,
            n,
            captures: rule.captures(prompt),
        };
        Ok(match (written, &request) {
            (Written::Error(effect), _) => {
                let usual = errors.usual(effect.status, rng);
                Given::error(effect.status, effect.error(usual, &filling))
            }
            (Written::Body(effect @ BodyEffect { status: 400.., .. }), _) => {
                Given::body(effect.status, effect.body(&filling))
            }
            // What the endpoint refuses cannot succeed.
            (_, Err(refusal)) => refusal.clone().into(),
            (Written::Body(effect), Ok(request)) => {
                Given::body(effect.status, with_usage(effect.body(&filling), request))
            }
            (Written::Script(effect), Ok(request)) => {
                let script = effect.script(&filling);
                let occasion = Occasion { custom_id, created_at, ending: Ending::Scripted(&script), rng };
                Given::Answer { status: 200, answer: responder.answer(request, occasion) }
            }
        })
    }
}

impl Given {
    fn error(status: u16, error: ErrorBody) -> Self {
        Self::Error { status, error }
    }

    fn body(status: u16, body: serde_json::Value) -> Self {
        let usage = if status < 400 { Usage::of_body(&body) } else { Usage::default() };
        Self::Answer { status, answer: Answer { body: Body::Fixed(body), usage } }
    }
}

impl From<Replayed> for Given {
    fn from(replayed: Replayed) -> Self {
        match replayed {
            Replayed::Response { status, body } => {
                let usage = if status < 400 { Usage::of_text(body.get()) } else { Usage::default() };
                Self::Answer { status, answer: Answer { body: Body::Recorded(body), usage } }
            }
            Replayed::Error(error) => Self::NoAnswer(error),
        }
    }
}

impl From<Refusal> for Given {
    fn from(Refusal { status, error }: Refusal) -> Self {
        Self::Error { status, error }
    }
}
