//! Answers that were written beforehand, in part or in whole.

use super::answer::{Ending, REFUSAL};

/// What an answer shall be, where it is not what the request deserves. Endpoints take from it what they have: all of
/// it chat completions and responses; text, and reasons to stop that are no calls, completions; the end of a video
/// videos; the others nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// What the model says, as it is: the request's limit does not cut it, and its format is not put around it. Each
    /// of several choices says the same.
    pub text: Option<String>,
    /// What the model says instead, refusing.
    pub refusal: Option<String>,
    /// The functions that the model calls, whether the request declares them or not.
    pub calls: Vec<ScriptedCall>,
    /// Why the answer ends; as it would by itself if not set.
    pub finish_reason: Option<FinishReason>,
    /// How a video ends, if not well.
    pub video: Option<VideoEnd>,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedCall {
    /// The name of the function.
    pub name: String,
    /// What is passed: JSON, if it shall be valid.
    pub arguments: String,
}

/// Why an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// All is said.
    Stop,
    /// There were no tokens left. Without a text of its own the answer is cut in the middle.
    Length,
    /// A filter has stopped it.
    ContentFilter,
    /// Tools are to be called.
    ToolCalls,
}

/// How a video ends that is not completed (F-365).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoEnd {
    /// It could not be made.
    Failed,
    /// It was not made in time.
    Expired,
}

impl Script {
    /// What a refusing answer says if nothing else is written.
    pub const REFUSAL: &str = REFUSAL;

    /// Whether it says what the answer is, and not only how it ends.
    pub(super) fn speaks(&self) -> bool {
        self.text.is_some() || self.refusal.is_some() || !self.calls.is_empty()
    }
}

impl FinishReason {
    /// Every reason, in the order in which help and errors list them.
    pub const ALL: [Self; 4] = [Self::Stop, Self::Length, Self::ContentFilter, Self::ToolCalls];

    /// Its name in chat completions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
        }
    }
}

impl VideoEnd {
    /// Both ends.
    pub const ALL: [Self; 2] = [Self::Failed, Self::Expired];

    /// The status of the video.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

impl<'s> Ending<'s> {
    /// What the answer says, if that was written beforehand.
    pub(super) fn words(self) -> Option<&'s Script> {
        if let Self::Scripted(script) = self { Some(script).filter(|script| script.speaks()) } else { None }
    }

    /// The written reason to stop.
    pub(super) fn finish_reason(self) -> Option<FinishReason> {
        if let Self::Scripted(script) = self { script.finish_reason } else { None }
    }

    /// The written end of a video.
    pub(super) fn video(self) -> Option<VideoEnd> {
        if let Self::Scripted(script) = self { script.video } else { None }
    }

    /// Whether an answer that nobody has written is cut in the middle.
    pub(super) fn is_cut(self) -> bool {
        self == Self::Length || self.finish_reason() == Some(FinishReason::Length)
    }
}
