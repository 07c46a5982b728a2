//! What is left of a request when its text is let go.
//!
//! The text of a prompt has a bearing on the answer through its canary and its number of tokens only. Where that
//! is so, a few numbers are enough to answer the request as if it had been read again.

use super::answer::{AnswerStyle, Responder};
use super::chat::ChatRequest;
use super::request::Request;

/// What an answer needs of a request, without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gist {
    /// What the canary is made from. It depends on the seed of the responder.
    pub(super) canary: u64,
    pub(super) input_tokens: u64,
    pub(super) limit: Option<u32>,
    pub(super) reasoning_tokens: u16,
    pub(super) service_tier: &'static str,
}

impl Request {
    /// The gist of the request of a line with this name, if it has one: a chat with one plain answer.
    pub(crate) fn gist(&self, responder: &Responder, custom_id: &str) -> Option<Gist> {
        match self {
            Self::Chat(request) if responder.style() == AnswerStyle::Canary => {
                request.gist(|prompt| responder.canary_number(custom_id, prompt, 0))
            }
            Self::Chat(_)
            | Self::Completion(_)
            | Self::Embedding(_)
            | Self::Responses(_)
            | Self::Moderation(_)
            | Self::Image(_)
            | Self::Video(_) => None,
        }
    }

    /// A request that is answered as the one that the gist was made of.
    pub(crate) fn from_gist(gist: &Gist, model: &str) -> Self {
        Self::Chat(ChatRequest::from_gist(gist, model))
    }
}
