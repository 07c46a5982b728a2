//! What a rule gives a request.

use batchmock_client::types::ErrorBody;
use serde_json::Value;

use super::template::{Filling, JsonTemplate, Template};
use crate::answers::LineOutcome;
use crate::responder::{FinishReason, Script, ScriptedCall, VideoEnd};

/// What a rule gives a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// One of the outcomes that have a name.
    Outcome(LineOutcome),
    /// Something that is written in the rule.
    Written(Written),
}

/// What is written in a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// A status with an error.
    Error(ErrorEffect),
    /// A whole body.
    Body(BodyEffect),
    /// An answer of the endpoint, with something in it that is written here.
    Script(ScriptEffect),
}

/// A status with an error: what the service says with this status, but for what is written here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorEffect {
    pub(crate) status: u16,
    pub(super) message: Option<Template>,
    pub(super) kind: Option<String>,
    pub(super) param: Option<String>,
    pub(super) code: Option<String>,
}

/// A whole body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BodyEffect {
    pub(crate) status: u16,
    pub(super) body: JsonTemplate,
}

/// What is written of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ScriptEffect {
    pub(super) text: Option<Template>,
    pub(super) refusal: Option<Template>,
    pub(super) calls: Vec<CallEffect>,
    pub(super) finish_reason: Option<FinishReason>,
    pub(super) video: Option<VideoEnd>,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CallEffect {
    pub(super) name: String,
    pub(super) arguments: ArgumentsEffect,
}

/// What a call passes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ArgumentsEffect {
    /// JSON.
    Json(JsonTemplate),
    /// A text, which may be no JSON.
    Text(Template),
}

impl Effect {
    /// Whether a line that gets it fails.
    pub(crate) fn fails(&self) -> bool {
        match self {
            Self::Outcome(outcome) => outcome.fails(),
            Self::Written(Written::Error(_)) => true,
            Self::Written(Written::Body(BodyEffect { status, .. })) => *status >= 400,
            Self::Written(Written::Script(_)) => false,
        }
    }

    /// Whether it says which request of those that match it is for.
    pub(super) fn counts(&self) -> bool {
        match self {
            Self::Outcome(_) => false,
            Self::Written(Written::Error(error)) => error.message.as_ref().is_some_and(Template::counts),
            Self::Written(Written::Body(body)) => body.body.counts(),
            Self::Written(Written::Script(ScriptEffect { text, refusal, calls, .. })) => {
                let in_call = |call: &CallEffect| match &call.arguments {
                    ArgumentsEffect::Json(json) => json.counts(),
                    ArgumentsEffect::Text(text) => text.counts(),
                };
                text.iter().chain(refusal).any(Template::counts) || calls.iter().any(in_call)
            }
        }
    }
}

impl ErrorEffect {
    /// The error for a request; `usual` is what the service says with this status.
    pub(crate) fn error(&self, usual: ErrorBody, filling: &Filling<'_>) -> ErrorBody {
        ErrorBody {
            message: self.message.as_ref().map_or(usual.message, |message| message.fill(filling)),
            kind: self.kind.clone().unwrap_or(usual.kind),
            param: self.param.clone().or(usual.param),
            code: self.code.clone().or(usual.code),
        }
    }
}

impl BodyEffect {
    /// The body for a request.
    pub(crate) fn body(&self, filling: &Filling<'_>) -> Value {
        self.body.fill(filling)
    }
}

impl ScriptEffect {
    /// What is written for a request.
    pub(crate) fn script(&self, filling: &Filling<'_>) -> Script {
        let Self { text, refusal, calls, finish_reason, video } = self;
        let call = |CallEffect { name, arguments }: &CallEffect| ScriptedCall {
            name: name.clone(),
            arguments: match arguments {
                ArgumentsEffect::Json(json) => json.fill(filling).to_string(),
                ArgumentsEffect::Text(text) => text.fill(filling),
            },
        };
        Script {
            text: text.as_ref().map(|text| text.fill(filling)),
            refusal: refusal.as_ref().map(|refusal| refusal.fill(filling)),
            calls: calls.iter().map(call).collect(),
            finish_reason: *finish_reason,
            video: *video,
        }
    }
}
