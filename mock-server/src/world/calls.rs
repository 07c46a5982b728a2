//! Synchronous calls of the endpoints that batch lines name.

use std::io;
use std::sync::Arc;

use super::allowance::{CallLimits, RateLimited};
use super::{Behavior, World};
use crate::answers::{Answerer, Asking, ErrorSource, Facts, Given, LineRules, Read, RecordingReader, digest};
use crate::arguments::{Node, Object, Refusal};
use crate::endpoint::Endpoint;
use crate::responder::Request;
use crate::sim::Timestamp;

/// A call that is to be answered.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    /// The model that the body names.
    pub(crate) model: Option<String>,
    /// The request, or what its endpoint refuses.
    pub(crate) request: Result<Request, Refusal>,
    answerer: Answerer,
    behavior: Arc<Behavior>,
    /// What is left of the limits of its model.
    pub(crate) limits: CallLimits,
}

/// Why a call is not answered.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There were too many just before it.
    RateLimited(RateLimited),
    /// A recording cannot be read.
    Disk(io::Error),
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl World {
    /// Reads a call, and decides who answers it. It counts as a turn of the rules that it is right for, and as a call of
    /// its model, whatever becomes of it.
    ///
    /// # Errors
    ///
    /// If it comes too early, or a recording cannot be read.
    pub(crate) fn receive_call(
        &self,
        wall: Timestamp,
        endpoint: Endpoint,
        body: &Object<'_>,
    ) -> Result<Call, CallError> {
        let request = Request::read(endpoint, body);
        let model = body.get("model").and_then(Node::as_str).map(str::to_owned);
        let limits = match &model {
            Some(model) => self.take_call(wall, model, request.as_ref().map_or(0, Request::input_tokens))?,
            None => CallLimits::default(),
        };
        let facts = Facts { custom_id: None, endpoint, model: model.as_deref() };
        let behavior = self.behavior();
        let answers = &behavior.answers;
        let needs = answers.needs(&facts);
        let read = Read {
            prompt: request.as_ref().ok().map(Request::prompt),
            digest: needs.digest.then(|| digest(endpoint.path(), body)),
        };
        let take_turn = |rules: &LineRules, matching: &[u32]| self.lock().take_turn(rules, matching);
        let answerer = answers.decide(&facts, read, take_turn)?;
        Ok(Call { endpoint, model, request, answerer, behavior, limits })
    }

    fn take_call(&self, wall: Timestamp, model: &str, tokens: u64) -> Result<CallLimits, CallError> {
        let mut state = self.lock();
        let now = state.now(wall);
        state.take_call(model, tokens, now).map_err(CallError::RateLimited)
    }

    /// Answers a call. Blocks on the disk if the answer was recorded.
    ///
    /// # Errors
    ///
    /// If what was recorded cannot be read again.
    pub(crate) fn answer_call(&self, wall: Timestamp, call: Call) -> io::Result<Given> {
        let (seed, now) = self.next_answer(wall);
        let Call { endpoint, model, request, answerer, behavior, limits: _ } = call;
        let asking = Asking {
            custom_id: "",
            created_at: now.unix_seconds(),
            responder: &behavior.responder,
            errors: ErrorSource {
                model: model.as_deref(),
                endpoint,
                organization_id: &self.account.organization_id,
                project_id: &self.account.project_id,
                server_error_text: behavior.switches.server_error_text,
            },
            read: |_| Ok(request),
        };
        behavior.answers.give(answerer, asking, &mut RecordingReader::default(), &mut seed.rng())
    }
}

impl Call {
    /// Whether the call is answered with an error, whatever its endpoint says to it.
    pub(crate) fn fails(&self) -> bool {
        self.behavior.answers.fails(self.answerer, false)
    }

    /// Whether the answer is what it is, whatever its endpoint says to the call.
    pub(crate) fn is_settled(&self) -> bool {
        self.behavior.answers.is_settled(self.answerer)
    }

    /// Whether the answer has to be read from the disk.
    pub(crate) fn is_recorded(&self) -> bool {
        matches!(self.answerer, Answerer::Recording(_))
    }
}
