//! What a request answers: the body and the usage, or the refusal.
//!
//! A request is parsed once ([`Request::parse`]) and answered as often as wanted ([`Responder::answer`]).
//! The answer is a function of the seed, the request and the [`Occasion`]: the same three give the same
//! bytes. By default the text of an answer is a [canary](canary()), so that a client that joins results
//! to the wrong requests is caught exactly.
//!
//! Nothing here knows of batches, time or HTTP. Streaming is left to the caller
//! ([`Request::wants_stream`]). Stop sequences, penalties and temperature are accepted and without effect.

mod answer;
mod canary;
mod chat;
mod chat_body;
mod chat_tools;
mod completions;
mod embeddings;
mod gist;
mod given;
mod ids;
mod image_models;
mod images;
mod models;
mod moderations;
mod pattern;
mod pictures;
mod prompt;
mod request;
mod responses;
mod responses_body;
mod responses_input;
mod schema;
mod script;
mod structured;
#[cfg(test)]
mod tests;
mod texts;
mod tokens;
mod videos;

pub use crate::arguments::Refusal;
pub use answer::{Answer, AnswerStyle, Body, Ending, Occasion, Responder, Usage};
pub use canary::canary;
pub use chat::ChatRequest;
pub(crate) use chat_body::{ChatBody, ChatKind};
pub use completions::CompletionRequest;
pub use embeddings::EmbeddingRequest;
pub(crate) use gist::Gist;
pub(crate) use given::with_usage;
pub use images::ImageRequest;
pub(crate) use models::is_fine_tuned;
pub use models::{MODELS, Model, is_known, snapshot};
pub use moderations::ModerationRequest;
pub use request::Request;
pub use responses::ResponsesRequest;
pub use script::{FinishReason, Script, ScriptedCall, VideoEnd};
pub use tokens::tokens;
pub use videos::VideoRequest;
