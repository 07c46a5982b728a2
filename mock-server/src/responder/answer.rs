//! The responder: which text answers a request, and how the answer ends.

use rand::Rng;
use serde::Serialize;

use super::canary::{canary_of, hash, number};
use super::chat_body::ChatBody;
use super::completions::CompletionBody;
use super::embeddings::EmbeddingBody;
use super::images::ImageBody;
use super::moderations::ModerationBody;
use super::prompt::Prompt;
use super::request::Request;
use super::responses_body::ResponsesBody;
use super::script::Script;
use super::tokens::{cut, tokens};
use super::videos::VideoBody;
use super::{chat, completions, embeddings, images, moderations, responses, videos};

/// What a refusing answer says (recorded: net ChatTests/StructuredRefusalWorks.json).
pub(super) const REFUSAL: &str = "I'm very sorry, but I can't assist with that request.";

/// Answers requests: batch lines and synchronous ones alike.
#[derive(Debug, Clone, Default)]
pub struct Responder {
    seed: u64,
    style: AnswerStyle,
}

/// What the text of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerStyle {
    /// The [canary](super::canary()) of the request.
    #[default]
    Canary,
    /// The text of the last user message, or of the input.
    Echo,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending<'s> {
    /// By itself, unless the request's own limit cuts it.
    #[default]
    Natural,
    /// With a refusal instead of content; on chat completions and responses only.
    Refusal,
    /// Cut in the middle, as if the request's limit were lower; where there is text only.
    Length,
    /// As it was written beforehand.
    Scripted(&'s Script),
}

/// The circumstances of an answer.
pub struct Occasion<'a> {
    /// The name of the batch line; empty for a synchronous call.
    pub custom_id: &'a str,
    /// When the request is answered, in whole Unix seconds.
    pub created_at: i64,
    /// How the answer ends.
    pub ending: Ending<'a>,
    /// Where ids come from; nothing else does.
    pub rng: &'a mut dyn Rng,
}

impl std::fmt::Debug for Occasion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Occasion")
            .field("custom_id", &self.custom_id)
            .field("created_at", &self.created_at)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the synchronous endpoint would have sent.
    pub body: Body,
    /// What the body says of its tokens; zero where it says nothing.
    pub usage: Usage,
}

/// The body of an answer, keys in the order of the wire.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// Of `/v1/chat/completions`.
    Chat(ChatBody),
    /// Of `/v1/completions`.
    Completion(CompletionBody),
    /// Of `/v1/embeddings`.
    Embedding(EmbeddingBody),
    /// Of `/v1/responses`.
    Responses(Box<ResponsesBody>),
    /// Of `/v1/moderations`.
    Moderation(ModerationBody),
    /// Of `/v1/images/generations` and `/v1/images/edits`.
    Image(ImageBody),
    /// Of `/v1/videos`.
    Video(VideoBody),
    /// As it was written beforehand.
    Fixed(serde_json::Value),
    /// As it was recorded, to the letter.
    Recorded(Box<serde_json::value::RawValue>),
}

/// The tokens of an answer, as the usage of a batch sums them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Read.
    pub input_tokens: u64,
    /// Written, reasoning among them.
    pub output_tokens: u64,
    /// Read from the cache, counted in `input_tokens`; the mock has none.
    pub cached_tokens: u64,
    /// Thought, counted in `output_tokens`.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Read and written.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }
}

impl Responder {
    /// A responder whose canaries, vectors and scores come from the seed.
    pub fn new(seed: u64, style: AnswerStyle) -> Self {
        Self { seed, style }
    }

    /// The number its canaries, vectors and scores come from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The answer to a request.
    ///
    /// ```
    /// # use batchmock::endpoint::Endpoint;
    /// # use batchmock::responder::{AnswerStyle, Ending, Occasion, Request, Responder, canary};
    /// # use rand::SeedableRng;
    /// let body = serde_json::json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]});
    /// let request = Request::parse(Endpoint::ChatCompletions, body.as_object().unwrap()).unwrap();
    /// let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(7);
    /// let occasion =
    ///     Occasion { custom_id: "a", created_at: 1_800_000_000, ending: Ending::Natural, rng: &mut rng };
    /// let answer = Responder::new(7, AnswerStyle::Canary).answer(&request, occasion);
    /// let body = serde_json::to_value(&answer.body).unwrap();
    /// assert_eq!(body["choices"][0]["message"]["content"], canary(7, "a", "hi"));
    /// ```
    pub fn answer(&self, request: &Request, occasion: Occasion<'_>) -> Answer {
        match request {
            Request::Chat(request) => chat::answer(self, request, occasion),
            Request::Completion(request) => completions::answer(self, request, occasion),
            Request::Embedding(request) => embeddings::answer(self, request),
            Request::Responses(request) => responses::answer(self, request, occasion),
            Request::Moderation(request) => moderations::answer(self, request, occasion.rng),
            Request::Image(request) => images::answer(self, request, &occasion),
            Request::Video(request) => videos::answer(request, occasion),
        }
    }

    /// The text that answers a prompt, for the choice with this index.
    pub(super) fn text(&self, custom_id: &str, prompt: &Prompt, index: u64) -> String {
        match self.style {
            AnswerStyle::Canary => self.canary(custom_id, prompt, index),
            AnswerStyle::Echo => prompt.last_user().to_owned(),
        }
    }

    /// The canary of a prompt, for the choice with this index.
    pub(super) fn canary(&self, custom_id: &str, prompt: &Prompt, index: u64) -> String {
        canary_of(self.canary_number(custom_id, prompt, index))
    }

    /// The canary of a request with this text.
    pub(crate) fn canary_of_text(&self, custom_id: &str, prompt: &str) -> String {
        canary_of(number(self.seed, custom_id, prompt, 0))
    }

    /// The number that the canary is made from. A prompt whose text was let go has brought it along.
    pub(super) fn canary_number(&self, custom_id: &str, prompt: &Prompt, index: u64) -> u64 {
        prompt.canary_number().unwrap_or_else(|| number(self.seed, custom_id, prompt.text(), index))
    }

    /// What the text of its answers is.
    pub(crate) fn style(&self) -> AnswerStyle {
        self.style
    }

    /// Whether this one answers a gist that the other has made as it would answer the request itself.
    pub(crate) fn answers_as(&self, other: &Self) -> bool {
        self.seed == other.seed && self.style == other.style
    }

    /// A number for a text, from the seed; `index` sets several uses apart.
    pub(super) fn number(&self, text: &str, index: u64) -> u64 {
        hash(self.seed, &[text], index)
    }

    /// The fingerprint of the system that runs a model.
    pub(super) fn fingerprint(&self, model: &str) -> String {
        format!("fp_{:010x}", self.number(model, 0) >> 24)
    }
}

/// A text with the end it comes to.
pub(super) struct Ended {
    /// What of it is left.
    pub text: String,
    /// Whether something is missing.
    pub cut: bool,
}

/// Cuts a text to the request's limit, or to half if it is to end by its length.
pub(super) fn end(mut text: String, limit: Option<u64>, ending: Ending<'_>) -> Ended {
    let length = tokens(&text);
    let limit = limit.unwrap_or(u64::MAX);
    let limit = if ending.is_cut() { limit.min(length / 2) } else { limit };
    let is_cut = length > limit || ending.is_cut();
    if length > limit {
        text.truncate(cut(&text, limit).len());
    }
    Ended { text, cut: is_cut }
}

/// What a refusing answer says.
pub(super) fn refusal() -> String {
    REFUSAL.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_the_lower_of_limit_and_ending() {
        let ended = |limit, ending| {
            let Ended { text, cut } = end("violet-heron-4f2a91c0".to_owned(), limit, ending);
            (text, cut)
        };
        assert_eq!(ended(None, Ending::Natural), ("violet-heron-4f2a91c0".to_owned(), false));
        assert_eq!(ended(Some(6), Ending::Natural), ("violet-heron-4f2a91c0".to_owned(), false));
        assert_eq!(ended(Some(2), Ending::Natural), ("violet-h".to_owned(), true));
        assert_eq!(ended(Some(2), Ending::Length), ("violet-h".to_owned(), true));
        assert_eq!(ended(None, Ending::Length), ("violet-heron".to_owned(), true));
        assert_eq!(ended(Some(0), Ending::Natural), (String::new(), true));
    }
}
