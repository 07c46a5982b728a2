//! The body of a chat completion, keys in the recorded order (2025-09 to 2026-08: rllm, and the chat tests of net).

use serde::Serialize;

use super::answer::Usage;
use super::tokens::pieces;

/// A chat completion.
#[derive(Debug, Clone, Serialize)]
pub struct ChatBody {
    pub(super) id: String,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: String,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: ChatUsage,
    pub(super) service_tier: &'static str,
    pub(super) system_fingerprint: String,
}

/// What sets the answers to plain requests of one model and time apart, but for what [`ChatBody::differing`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChatKind {
    finish_reason: &'static str,
    service_tier: &'static str,
    reasoning_tokens: u64,
}

impl ChatBody {
    /// Of which kind it is, if it has one answer, which is a text.
    pub(crate) fn kind(&self) -> Option<ChatKind> {
        let [Choice { index: 0, message, logprobs: None, finish_reason }] = self.choices.as_slice() else {
            return None;
        };
        let Message {
            role: _,
            content: Some(_),
            tool_calls,
            function_call: None,
            refusal: None,
            annotations: [],
        } = message
        else {
            return None;
        };
        let reasoning_tokens = self.usage.completion_tokens_details.reasoning_tokens;
        tool_calls.is_empty().then_some(ChatKind {
            finish_reason,
            service_tier: self.service_tier,
            reasoning_tokens,
        })
    }

    /// Its id, its text, and the tokens of prompt, text and both.
    pub(crate) fn differing(&self) -> (&str, &str, [u64; 3]) {
        let content = self.choices.first().and_then(|choice| choice.message.content.as_deref());
        let ChatUsage { prompt_tokens, completion_tokens, total_tokens, .. } = self.usage;
        (&self.id, content.unwrap_or_default(), [prompt_tokens, completion_tokens, total_tokens])
    }

    /// Another one of its kind.
    pub(crate) fn with_differing(&self, id: String, content: String, tokens: [u64; 3]) -> Self {
        let mut other = Self { id, ..self.clone() };
        if let Some(choice) = other.choices.first_mut() {
            choice.message.content = Some(content);
        }
        [other.usage.prompt_tokens, other.usage.completion_tokens, other.usage.total_tokens] = tokens;
        other
    }
}

/// One of the answers that were asked for.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Choice {
    pub index: u64,
    pub message: Message,
    pub logprobs: Option<Logprobs>,
    pub finish_reason: &'static str,
}

/// What the model says. The calls stand between content and refusal, and only if there are any.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    pub role: &'static str,
    pub content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    pub refusal: Option<String>,
    pub annotations: [(); 0],
}

/// A call of a tool.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ToolCall {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCall>,
}

/// A call of a function.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FunctionCall {
    pub name: String,
    pub arguments: String,
}

/// A call of a tool that takes text.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CustomCall {
    pub name: String,
    pub input: String,
}

/// How sure the model was.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Logprobs {
    content: Option<Vec<TokenLogprob>>,
    refusal: Option<Vec<TokenLogprob>>,
}

#[derive(Debug, Clone, Serialize)]
struct TokenLogprob {
    #[serde(flatten)]
    token: Logprob,
    top_logprobs: Vec<Logprob>,
}

#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
struct Logprob {
    token: String,
    logprob: f64,
    bytes: Vec<u8>,
}

/// The tokens of a chat completion.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChatUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    audio_tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl Logprobs {
    /// The logprobs of a message, with the `n` likeliest tokens at each place: the token itself first.
    pub(super) fn of(content: Option<&str>, refusal: Option<&str>, n: u64) -> Self {
        let each = |text: &str| pieces(text).map(|piece| TokenLogprob::of(piece, n)).collect();
        Self { content: content.map(each), refusal: refusal.map(each) }
    }
}

impl TokenLogprob {
    fn of(piece: &str, n: u64) -> Self {
        let top_logprobs = (0..n).map(|rank| Logprob::of(piece, rank)).collect();
        Self { token: Logprob::of(piece, 0), top_logprobs }
    }
}

impl Logprob {
    /// The token at a rank, each half as likely as the one before.
    fn of(piece: &str, rank: u64) -> Self {
        let token = if rank == 0 { piece.to_owned() } else { format!("{piece}{rank}") };
        let rank = u32::try_from(rank).unwrap_or(u32::MAX);
        let logprob = -std::f64::consts::LN_2 * (f64::from(rank) + 1.0);
        Self { bytes: token.as_bytes().to_vec(), token, logprob }
    }
}

impl From<Usage> for ChatUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached_tokens, audio_tokens: 0 },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning_tokens,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}
