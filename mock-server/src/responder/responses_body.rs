//! The body of a response, keys in the recorded order (rllm, the batch output of 2026-08).

use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Usage;

/// A response.
#[derive(Debug, Clone, Serialize)]
pub struct ResponsesBody {
    pub(super) id: String,
    pub(super) object: &'static str,
    pub(super) created_at: i64,
    pub(super) status: &'static str,
    pub(super) background: bool,
    pub(super) billing: Billing,
    pub(super) completed_at: Option<i64>,
    pub(super) error: Option<()>,
    pub(super) frequency_penalty: f64,
    pub(super) incomplete_details: Option<IncompleteDetails>,
    pub(super) instructions: Option<String>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) max_tool_calls: Option<u64>,
    pub(super) model: String,
    pub(super) moderation: Option<()>,
    pub(super) output: Vec<Item>,
    pub(super) parallel_tool_calls: bool,
    pub(super) presence_penalty: f64,
    pub(super) previous_response_id: Option<String>,
    pub(super) prompt_cache_key: Option<String>,
    pub(super) prompt_cache_retention: &'static str,
    pub(super) reasoning: Reasoning,
    pub(super) safety_identifier: Option<String>,
    pub(super) service_tier: &'static str,
    pub(super) store: bool,
    pub(super) temperature: f64,
    pub(super) text: TextSettings,
    pub(super) tool_choice: Value,
    pub(super) tool_usage: ToolUsage,
    pub(super) tools: Vec<Value>,
    pub(super) top_logprobs: u64,
    pub(super) top_p: f64,
    pub(super) truncation: &'static str,
    pub(super) usage: ResponsesUsage,
    pub(super) user: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

/// Who pays.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Billing {
    pub payer: &'static str,
}

/// Why a response stopped early.
#[derive(Debug, Clone, Serialize)]
pub(super) struct IncompleteDetails {
    pub reason: &'static str,
}

/// How the model thinks; one that cannot has effort and summary only (net 2026-02).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'static str>,
    pub effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    pub summary: Option<&'static str>,
}

/// What form the text takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TextSettings {
    pub format: TextFormat,
    pub verbosity: &'static str,
}

/// The form of the text, as the response repeats it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TextFormat {
    Text,
    JsonObject,
    JsonSchema { description: Option<String>, name: String, schema: Value, strict: bool },
}

/// One item of the output.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Item {
    Reasoning(ReasoningItem),
    Message(MessageItem),
    FunctionCall(FunctionCallItem),
    CustomCall(CustomCallItem),
}

/// What the model thought, which only it can read.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ReasoningItem {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub content: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    pub summary: [(); 0],
}

/// What the model says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MessageItem {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub status: &'static str,
    pub content: [Part; 1],
    pub role: &'static str,
}

/// A part of what the model says.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    OutputText { annotations: [(); 0], logprobs: [(); 0], text: String },
    Refusal { refusal: String },
}

impl Part {
    /// A text without annotations.
    pub(super) fn text(text: String) -> Self {
        Self::OutputText { annotations: [], logprobs: [], text }
    }
}

/// A call of a function.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FunctionCallItem {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub status: &'static str,
    pub arguments: String,
    pub call_id: String,
    pub name: String,
}

/// A call of a tool that takes text.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CustomCallItem {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub status: &'static str,
    pub call_id: String,
    pub input: String,
    pub name: String,
}

/// What the service's own tools cost; the mock runs none.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct ToolUsage {
    image_gen: ImageGenUsage,
    web_search: WebSearchUsage,
}

#[derive(Debug, Clone, Default, Serialize)]
struct ImageGenUsage {
    input_tokens: u64,
    input_tokens_details: ImageGenDetails,
    output_tokens: u64,
    output_tokens_details: ImageGenDetails,
    total_tokens: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct ImageGenDetails {
    image_tokens: u64,
    text_tokens: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct WebSearchUsage {
    num_requests: u64,
}

/// The tokens of a response.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ResponsesUsage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
struct InputDetails {
    cache_write_tokens: u64,
    cached_tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<Usage> for ResponsesUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputDetails { cache_write_tokens: 0, cached_tokens: usage.cached_tokens },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning_tokens },
            total_tokens: usage.total_tokens(),
        }
    }
}
