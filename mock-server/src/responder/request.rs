//! Requests: bodies that an endpoint accepts, parsed once.

use serde_json::{Map, Value};

use super::chat::ChatRequest;
use super::completions::CompletionRequest;
use super::embeddings::EmbeddingRequest;
use super::images::ImageRequest;
use super::moderations::ModerationRequest;
use super::responses::ResponsesRequest;
use super::videos::VideoRequest;
use crate::arguments::{Object, Refusal};
use crate::endpoint::Endpoint;

/// A body that an endpoint accepts.
#[derive(Debug, Clone)]
pub enum Request {
    /// Of `/v1/chat/completions`.
    Chat(ChatRequest),
    /// Of `/v1/completions`.
    Completion(CompletionRequest),
    /// Of `/v1/embeddings`.
    Embedding(EmbeddingRequest),
    /// Of `/v1/responses`.
    Responses(Box<ResponsesRequest>),
    /// Of `/v1/moderations`.
    Moderation(ModerationRequest),
    /// Of `/v1/images/generations` and `/v1/images/edits`.
    Image(ImageRequest),
    /// Of `/v1/videos`.
    Video(VideoRequest),
}

impl Request {
    /// Reads a body as its endpoint does.
    ///
    /// # Errors
    ///
    /// What the endpoint refuses, in its words. Whether the model exists is the caller's question
    /// ([`is_known`](super::is_known), [`Refusal::unknown_model`]).
    pub fn parse(endpoint: Endpoint, body: &Map<String, Value>) -> Result<Self, Refusal> {
        Self::read(endpoint, &Object::from(body))
    }

    /// Reads a body that borrows its texts.
    pub(crate) fn read(endpoint: Endpoint, body: &Object<'_>) -> Result<Self, Refusal> {
        match endpoint {
            Endpoint::ChatCompletions => ChatRequest::parse(body).map(Self::Chat),
            Endpoint::Completions => CompletionRequest::parse(body).map(Self::Completion),
            Endpoint::Embeddings => EmbeddingRequest::parse(body).map(Self::Embedding),
            Endpoint::Responses => ResponsesRequest::parse(body).map(Box::new).map(Self::Responses),
            Endpoint::Moderations => ModerationRequest::parse(body).map(Self::Moderation),
            Endpoint::ImagesGenerations => ImageRequest::parse_generation(body).map(Self::Image),
            Endpoint::ImagesEdits => ImageRequest::parse_edit(body).map(Self::Image),
            Endpoint::Videos => VideoRequest::parse(body).map(Self::Video),
        }
    }

    /// The model as the request names it, if it does.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Chat(request) => Some(&request.model),
            Self::Completion(request) => Some(&request.model),
            Self::Embedding(request) => Some(&request.model),
            Self::Responses(request) => Some(&request.model),
            Self::Moderation(request) => request.model.as_deref(),
            Self::Image(request) => request.model.as_deref(),
            Self::Video(request) => request.model.as_deref(),
        }
    }

    /// All text of the input, joined by newlines, with roles, images and the arguments of calls left out.
    ///
    /// One text of one message is itself. Instructions of a responses request come first. A list of token
    /// numbers counts as the numbers with a space between them.
    pub fn prompt(&self) -> &str {
        match self {
            Self::Chat(request) => request.prompt.text(),
            Self::Completion(request) => request.prompt.text(),
            Self::Embedding(request) => request.prompt.text(),
            Self::Responses(request) => request.prompt.text(),
            Self::Moderation(request) => request.prompt.text(),
            Self::Image(request) => request.prompt.text(),
            Self::Video(request) => request.prompt.text(),
        }
    }

    /// The tokens of the input: one for every four bytes of each text, rounded up ([`tokens`](super::tokens())).
    ///
    /// On top of that, chat completions and responses count 3 for each message and 3 for the reply (the
    /// overhead the `OpenAI` cookbook gives), 85 for each image (the documented price of a low-detail one) and
    /// the tokens of tools and schemas as compact JSON. A token number counts as one token.
    pub fn input_tokens(&self) -> u64 {
        match self {
            Self::Chat(request) => request.prompt.tokens(),
            Self::Completion(request) => request.prompt.tokens(),
            Self::Embedding(request) => request.prompt.tokens(),
            Self::Responses(request) => request.prompt.tokens(),
            Self::Moderation(request) => request.prompt.tokens(),
            Self::Image(request) => request.prompt.tokens(),
            Self::Video(request) => request.prompt.tokens(),
        }
    }

    /// Whether the request asks for a stream of events, which a batch line must not.
    pub fn wants_stream(&self) -> bool {
        match self {
            Self::Chat(request) => request.stream,
            Self::Completion(request) => request.stream,
            Self::Responses(request) => request.stream,
            Self::Image(request) => request.stream,
            Self::Moderation(request) => request.stream,
            Self::Embedding(_) | Self::Video(_) => false,
        }
    }
}
