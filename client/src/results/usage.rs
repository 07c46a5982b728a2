//! What answers cost, in the words of each endpoint.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Tokens. Chats, completions and embeddings call them `prompt_tokens` and `completion_tokens`, responses and images
/// `input_tokens` and `output_tokens`; here they have one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Tokens of what was asked.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
    /// How many of the input were answered from a cache.
    pub cached_tokens: u64,
    /// How many of the output were spent on reasoning.
    pub reasoning_tokens: u64,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    usage: Option<Words>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Words {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// What the body of an answer says.
    pub(crate) fn of_body(body: &RawValue) -> Option<Self> {
        let words = serde_json::from_str::<Body>(body.get()).ok()?.usage?;
        let input_tokens = words.input_tokens.or(words.prompt_tokens).unwrap_or(0);
        let output_tokens = words.output_tokens.or(words.completion_tokens).unwrap_or(0);
        let cached = words.input_tokens_details.or(words.prompt_tokens_details);
        let reasoning = words.output_tokens_details.or(words.completion_tokens_details);
        Some(Self {
            input_tokens,
            output_tokens,
            total_tokens: words.total_tokens.unwrap_or(input_tokens.saturating_add(output_tokens)),
            cached_tokens: cached.and_then(|details| details.cached_tokens).unwrap_or(0),
            reasoning_tokens: reasoning.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        })
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.total_tokens = self.total_tokens.saturating_add(other.total_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_has_its_words() {
        let usage = |body: &str| Usage::of_body(&RawValue::from_string(body.to_owned()).unwrap());
        let chat = r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,
            "prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":null}}"#;
        let response = r#"{"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5,
            "input_tokens_details":{"cached_tokens":1}}}"#;
        let all = Usage {
            input_tokens: 3,
            output_tokens: 2,
            total_tokens: 5,
            cached_tokens: 1,
            ..Usage::default()
        };
        assert_eq!(usage(chat), Some(all));
        assert_eq!(usage(response), Some(all));
        let embedding = usage(r#"{"usage":{"prompt_tokens":4,"total_tokens":4}}"#).unwrap();
        assert_eq!((embedding.input_tokens, embedding.total_tokens), (4, 4));
        assert_eq!(usage("{}"), None);
        assert_eq!(usage(r#"{"usage":null}"#), None);
    }
}
