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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::responder::{Ending, Occasion};
    use crate::sim::Seed;

    const MODELS: [&str; 3] = ["gpt-4o-mini", "o3-mini", "gpt-5-nano"];

    fn answered(responder: &Responder, request: &Request, custom_id: &str, ending: Ending) -> Value {
        let mut rng = Seed::new(3).named(custom_id).rng();
        let occasion = Occasion { custom_id, created_at: 1_800_000_000, ending, rng: &mut rng };
        let answer = responder.answer(request, occasion);
        json!([answer.body, format!("{:?}", answer.usage)])
    }

    proptest! {
        #[test]
        fn a_gist_is_answered_as_the_request_it_was_made_of(
            custom_id: String,
            prompts in proptest::collection::vec(any::<String>(), 1..4),
            model in proptest::sample::select(MODELS.to_vec()),
            more in proptest::sample::select(vec![
                json!({}),
                json!({"max_completion_tokens": 3}),
                json!({"service_tier": "flex"}),
                json!({"reasoning_effort": "high", "max_completion_tokens": 70}),
                json!({"n": 2}),
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}),
            ]),
            ending in proptest::sample::select(vec![Ending::Natural, Ending::Refusal, Ending::Length]),
        ) {
            let messages: Vec<_> =
                prompts.iter().map(|prompt| json!({"role": "user", "content": prompt})).collect();
            let mut body = json!({"model": model, "messages": messages});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let request = Request::parse(Endpoint::ChatCompletions, body.as_object().unwrap()).unwrap();
            let responder = Responder::new(5, AnswerStyle::Canary);
            let gist = request.gist(&responder, &custom_id);
            let is_plain = more.get("n").is_none() && more.get("response_format").is_none();
            prop_assert_eq!(gist.is_some(), is_plain);
            if let Some(gist) = gist {
                prop_assert_eq!(
                    answered(&responder, &Request::from_gist(&gist, model), &custom_id, ending),
                    answered(&responder, &request, &custom_id, ending)
                );
            }
        }
    }

    #[test]
    fn an_echo_has_no_gist_since_it_needs_the_text() {
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "a"}]});
        let request = Request::parse(Endpoint::ChatCompletions, body.as_object().unwrap()).unwrap();
        assert_eq!(request.gist(&Responder::new(5, AnswerStyle::Echo), "a"), None);
    }
}
