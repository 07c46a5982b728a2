//! What happens to a request.

use std::time::Duration;

use serde_json::Value;

use super::delivery::{Delivery, Dribble, End, Silence};
use super::preset::ErrorPreset;
use crate::switches::MissingInput;

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) what: What,
    /// Whether the request is carried out, whatever its sender is told.
    pub(crate) is_carried_out: bool,
    pub(super) delay: Option<Duration>,
    pub(super) first_byte_after: Option<Duration>,
    pub(super) dribble: Option<Dribble>,
}

/// What happens to a request, beside that it may take long.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Nothing.
    Usual,
    /// It is answered with an error.
    Error(ErrorEffect),
    /// Its connection breaks.
    Broken {
        /// What this is called.
        name: &'static str,
        /// How.
        end: End,
    },
    /// A batch looks as it did so long ago.
    Stale(Duration),
    /// What it names is not there.
    Vanished,
    /// The input of the batch that it creates is not there.
    UnseenInput(MissingInput),
}

/// An error that is answered.
#[derive(Debug, Clone)]
pub(crate) struct ErrorEffect {
    pub(crate) content: Content,
    /// Headers that stand in for those that the answer would have.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) retry_after: Option<RetryAfter>,
    /// `x-should-retry`, if it is sent.
    pub(crate) should_retry: Option<bool>,
}

/// What an error says.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// One that has a name.
    Preset(ErrorPreset),
    /// One that the rule describes.
    Own(OwnAnswer),
}

/// An error that a rule describes.
#[derive(Debug, Clone)]
pub(crate) struct OwnAnswer {
    pub(crate) status: u16,
    pub(crate) body: OwnBody,
}

/// The body of an error that a rule describes.
#[derive(Debug, Clone)]
pub(crate) enum OwnBody {
    /// The usual error of the status, but for these details.
    Error(ErrorDetails),
    /// JSON.
    Json(Value),
    /// Any text.
    Text(String),
}

/// What is other than usual in an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct ErrorDetails {
    pub(crate) message: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<String>,
}

/// When an error says that the request may be tried again (F-041). Such times are those of the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    /// `retry-after`, in seconds.
    Seconds(u64),
    /// `retry-after-ms`, in milliseconds.
    Millis(u64),
    /// `retry-after`, as the date that is so far ahead.
    Date(Duration),
    /// `retry-after`, as this text: not what anybody expects.
    Text(String),
}

impl RetryAfter {
    /// How long that is, if anybody can tell.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(*seconds)),
            Self::Millis(millis) => Some(Duration::from_millis(*millis)),
            Self::Date(wait) => Some(*wait),
            Self::Text(_) => None,
        }
    }
}

impl Effect {
    /// What happens, in a word of the documentation.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.what {
            What::Error(error) => match &error.content {
                Content::Preset(preset) => preset.name(),
                Content::Own(_) => "status",
            },
            What::Broken { name, .. } => name,
            What::Stale(_) => "stale_read",
            What::Vanished => "vanished",
            What::UnseenInput(MissingInput::RefusesCreate) => "unseen_input_refused",
            What::UnseenInput(MissingInput::FailsBatch) => "unseen_input_fails_batch",
            What::Usual if self.delay.is_some() => "delay",
            What::Usual if self.dribble.is_some() => "dribble",
            What::Usual => "slow_first_byte",
        }
    }

    /// How the answer is brought to the client.
    pub(crate) fn delivery(&self) -> Delivery {
        let end = match &self.what {
            What::Broken { end, .. } => *end,
            What::Usual | What::Error(_) | What::Stale(_) | What::Vanished | What::UnseenInput(_) => {
                End::Whole
            }
        };
        let Self { what: _, is_carried_out: _, delay, first_byte_after, dribble } = *self;
        Delivery { delay, first_byte_after, dribble, end }
    }

    /// What comes instead of an answer, if none does.
    pub(crate) fn silence(&self) -> Option<Silence> {
        match self.delivery().end {
            End::Never(silence) => Some(silence),
            End::Whole | End::Cut(..) => None,
        }
    }
}
