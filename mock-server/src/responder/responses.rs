//! Responses.

use rand::Rng;
use serde_json::{Map, Value};

use super::answer::{Answer, Body, Ended, Ending, Occasion, Responder, Usage, end, refusal};
use super::chat::{EFFORTS, TIERS};
use super::chat_tools::{CallInput, ForcedCall};
use super::ids::{self, ResponseIds};
use super::models::{can_reason, default_effort, reasoning_tokens, snapshot};
use super::prompt::Prompt;
use super::responses_body::{
    Billing, CustomCallItem, FunctionCallItem, IncompleteDetails, Item, MessageItem, Part, Reasoning,
    ReasoningItem, ResponsesBody, TextFormat, TextSettings, ToolUsage,
};
use super::responses_input::{forced, read_input, read_tools};
use super::script::{FinishReason, Script, ScriptedCall};
use super::structured::{Format, json_for};
use super::tokens::{json_tokens, tokens};
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Object};

/// The parameters of the endpoint, as the spec lists them.
const KNOWN: &[&str] = &[
    "input",
    "model",
    "background",
    "context_management",
    "conversation",
    "include",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// A body that `/v1/responses` accepts: what the response repeats, and what decides the answer.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches has the endpoint")]
pub struct ResponsesRequest {
    pub(super) model: String,
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    background: bool,
    effort: Option<&'static str>,
    forced: Option<ForcedCall>,
    format: Format,
    instructions: Option<String>,
    max_output_tokens: Option<u64>,
    max_tool_calls: Option<u64>,
    metadata: Map<String, Value>,
    parallel_tool_calls: bool,
    previous_response_id: Option<String>,
    prompt_cache_key: Option<String>,
    prompt_cache_retention: &'static str,
    safety_identifier: Option<String>,
    service_tier: &'static str,
    store: bool,
    summary: Option<&'static str>,
    temperature: f64,
    text_format: TextFormat,
    tool_choice: Option<Value>,
    tools: Vec<Value>,
    top_logprobs: u64,
    top_p: f64,
    truncation: &'static str,
    user: Option<String>,
    verbosity: &'static str,
    wants_encrypted: bool,
}

impl ResponsesRequest {
    /// Reads a body; an unknown parameter comes first (F-030), then missing ones.
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unknown(KNOWN)?;
        let model = arguments.required_name("model")?.to_owned();
        let mut prompt = Prompt::default();
        let instructions = arguments.string("instructions")?.map(str::to_owned);
        if let Some(instructions) = &instructions {
            prompt.push_message([instructions.as_str()], false);
        }
        read_input(&arguments, &mut prompt)?;
        let tools = read_tools(&arguments, &mut prompt)?;
        let (format, text_format, verbosity) = read_text(&arguments, &mut prompt)?;
        let (effort, summary) = read_reasoning(&arguments)?;
        let include = arguments.array("include", "an array of strings")?.unwrap_or_default();
        arguments.check_metadata()?;
        let owned = |name: &str| arguments.string(name).map(|text| text.map(str::to_owned));
        Ok(Self {
            stream: arguments.boolean("stream")?.unwrap_or(false),
            background: arguments.boolean("background")?.unwrap_or(false),
            effort: effort.filter(|_| can_reason(&model)).or(default_effort(&model)),
            forced: forced(&arguments, &tools)?,
            format,
            instructions,
            max_output_tokens: arguments.count("max_output_tokens", 16)?,
            max_tool_calls: arguments.count("max_tool_calls", 1)?,
            metadata: arguments
                .get("metadata")
                .and_then(Node::as_object)
                .map(Object::to_map)
                .unwrap_or_default(),
            parallel_tool_calls: arguments.boolean("parallel_tool_calls")?.unwrap_or(true),
            previous_response_id: owned("previous_response_id")?,
            prompt_cache_key: owned("prompt_cache_key")?,
            prompt_cache_retention: arguments
                .choice("prompt_cache_retention", &["in_memory", "24h"])?
                .unwrap_or("in_memory"),
            safety_identifier: owned("safety_identifier")?,
            service_tier: match arguments.choice("service_tier", TIERS)? {
                None | Some("auto") => "default",
                Some(tier) => tier,
            },
            store: arguments.boolean("store")?.unwrap_or(true),
            summary,
            temperature: arguments.decimal("temperature", 0..=2)?.unwrap_or(1.0),
            text_format,
            tool_choice: arguments.get("tool_choice").map(Node::to_value),
            tools,
            top_logprobs: arguments.integer("top_logprobs", 0..=20)?.map_or(0, i64::unsigned_abs),
            top_p: arguments.decimal("top_p", 0..=1)?.unwrap_or(1.0),
            truncation: arguments.choice("truncation", &["auto", "disabled"])?.unwrap_or("disabled"),
            user: owned("user")?,
            verbosity,
            wants_encrypted: include.iter().any(|name| name == "reasoning.encrypted_content"),
            model,
            prompt,
        })
    }
}

/// The answer: what the model thought, if it does, and then one message or call.
pub(super) fn answer(responder: &Responder, request: &ResponsesRequest, occasion: Occasion<'_>) -> Answer {
    let Occasion { custom_id, created_at, ending, rng } = occasion;
    let ids = ResponseIds::new(rng, created_at);
    let id = ids.id(rng, "resp_");
    let wanted_reasoning = reasoning_tokens(request.effort);
    // Thinking comes first, and what it takes of the limit is gone.
    let reasoning = wanted_reasoning.min(request.max_output_tokens.unwrap_or(u64::MAX));
    let limit = request.max_output_tokens.map(|limit| limit - reasoning);
    let mut output = Vec::with_capacity(2);
    if wanted_reasoning > 0 {
        output.push(Item::Reasoning(ReasoningItem {
            id: ids.id(rng, "rs_"),
            kind: "reasoning",
            content: [],
            encrypted_content: request.wants_encrypted.then(|| ids::base62(rng, "gAAAAAB", 57)),
            summary: [],
        }));
    }
    let words = match ending.words() {
        Some(script) => Words::written(script),
        None => Words::found(responder, request, custom_id, limit, ending),
    };
    let usage = Usage {
        input_tokens: request.prompt.tokens(),
        output_tokens: reasoning + words.tokens(),
        cached_tokens: 0,
        reasoning_tokens: reasoning,
    };
    let incomplete = match ending.finish_reason() {
        None => words.cut.then_some("max_output_tokens"),
        Some(FinishReason::Length) => Some("max_output_tokens"),
        Some(FinishReason::ContentFilter) => Some("content_filter"),
        Some(FinishReason::Stop | FinishReason::ToolCalls) => None,
    };
    let status = if incomplete.is_some() { "incomplete" } else { "completed" };
    // With nothing left of the limit, there is nothing but thought.
    if limit != Some(0) || ending.words().is_some() {
        words.push_items(&mut output, &ids, rng, status);
    }
    let body = body(request, id, created_at, incomplete, output, usage);
    Answer { body: Body::Responses(Box::new(body)), usage }
}

/// What the model says: messages and calls, in this order.
struct Words<'r> {
    messages: Vec<Part>,
    calls: Vec<(&'r str, CallKind, String)>,
    /// Whether something is missing at the end.
    cut: bool,
}

/// What a call passes.
#[derive(Clone, Copy)]
enum CallKind {
    Arguments,
    Text,
}

impl<'r> Words<'r> {
    /// What was written beforehand.
    fn written(script: &'r Script) -> Self {
        let Script { text, refusal, calls, finish_reason: _, video: _ } = script;
        let texts = text.iter().map(|text| Part::text(text.clone()));
        let refusals = refusal.iter().map(|refusal| Part::Refusal { refusal: refusal.clone() });
        let call = |call: &'r ScriptedCall| (call.name.as_str(), CallKind::Arguments, call.arguments.clone());
        Self {
            messages: texts.chain(refusals).collect(),
            calls: calls.iter().map(call).collect(),
            cut: false,
        }
    }

    /// What the request deserves: one message or one call.
    fn found(
        responder: &Responder,
        request: &'r ResponsesRequest,
        custom_id: &str,
        limit: Option<u64>,
        ending: Ending<'_>,
    ) -> Self {
        if ending == Ending::Refusal {
            let Ended { text, cut } = end(refusal(), limit, ending);
            return Self { messages: vec![Part::Refusal { refusal: text }], calls: Vec::new(), cut };
        }
        let text = responder.text(custom_id, &request.prompt, 0);
        let Some(ForcedCall { name, input, is_named: _ }) = &request.forced else {
            let Ended { text, cut } = end(request.format.write(text), limit, ending);
            return Self { messages: vec![Part::text(text)], calls: Vec::new(), cut };
        };
        let (kind, text) = match input {
            CallInput::Arguments(schema) | CallInput::LegacyArguments(schema) => {
                (CallKind::Arguments, json_for(schema, &text))
            }
            CallInput::Text => (CallKind::Text, text),
        };
        let Ended { text, cut } = end(text, limit, ending);
        Self { messages: Vec::new(), calls: vec![(name, kind, text)], cut }
    }

    fn tokens(&self) -> u64 {
        let texts = self.messages.iter().map(|part| match part {
            Part::OutputText { text, .. } | Part::Refusal { refusal: text } => text.as_str(),
        });
        texts.chain(self.calls.iter().map(|(_, _, input)| input.as_str())).map(tokens).sum()
    }

    fn push_items(self, output: &mut Vec<Item>, ids: &ResponseIds, rng: &mut dyn Rng, status: &'static str) {
        for part in self.messages {
            output.push(message_item(ids, rng, status, part));
        }
        for (name, kind, input) in self.calls {
            output.push(call_item(ids, rng, status, name.to_owned(), kind, input));
        }
    }
}

fn body(
    request: &ResponsesRequest,
    id: String,
    created_at: i64,
    incomplete: Option<&'static str>,
    output: Vec<Item>,
    usage: Usage,
) -> ResponsesBody {
    let can_reason = request.effort.is_some();
    ResponsesBody {
        id,
        object: "response",
        created_at,
        status: if incomplete.is_some() { "incomplete" } else { "completed" },
        background: request.background,
        billing: Billing { payer: "developer" },
        completed_at: incomplete.is_none().then_some(created_at),
        error: None,
        frequency_penalty: 0.0,
        incomplete_details: incomplete.map(|reason| IncompleteDetails { reason }),
        instructions: request.instructions.clone(),
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: request.max_tool_calls,
        model: snapshot(&request.model).to_owned(),
        moderation: None,
        output,
        parallel_tool_calls: request.parallel_tool_calls,
        presence_penalty: 0.0,
        previous_response_id: request.previous_response_id.clone(),
        prompt_cache_key: request.prompt_cache_key.clone(),
        prompt_cache_retention: request.prompt_cache_retention,
        reasoning: Reasoning {
            context: can_reason.then_some("current_turn"),
            effort: request.effort,
            mode: can_reason.then_some("standard"),
            summary: request.summary,
        },
        safety_identifier: request.safety_identifier.clone(),
        service_tier: request.service_tier,
        store: request.store,
        temperature: request.temperature,
        text: TextSettings { format: request.text_format.clone(), verbosity: request.verbosity },
        tool_choice: request.tool_choice.clone().unwrap_or_else(|| Value::from("auto")),
        tool_usage: ToolUsage::default(),
        tools: request.tools.clone(),
        top_logprobs: request.top_logprobs,
        top_p: request.top_p,
        truncation: request.truncation,
        usage: usage.into(),
        user: request.user.clone(),
        metadata: request.metadata.clone(),
    }
}

fn message_item(ids: &ResponseIds, rng: &mut dyn Rng, status: &'static str, part: Part) -> Item {
    let id = ids.id(rng, "msg_");
    Item::Message(MessageItem { id, kind: "message", status, content: [part], role: "assistant" })
}

fn call_item(
    ids: &ResponseIds,
    rng: &mut dyn Rng,
    status: &'static str,
    name: String,
    kind: CallKind,
    input: String,
) -> Item {
    match kind {
        CallKind::Text => {
            let (id, call_id) = (ids.id(rng, "ctc_"), ids::base62(rng, "call_", 24));
            Item::CustomCall(CustomCallItem { id, kind: "custom_tool_call", status, call_id, input, name })
        }
        CallKind::Arguments => {
            let (id, call_id) = (ids.id(rng, "fc_"), ids::base62(rng, "call_", 24));
            Item::FunctionCall(FunctionCallItem {
                id,
                kind: "function_call",
                status,
                arguments: input,
                call_id,
                name,
            })
        }
    }
}

/// Reads `text`: the form of the answer, how the response repeats it, and the verbosity.
fn read_text(
    arguments: &Arguments<'_, '_>,
    prompt: &mut Prompt,
) -> Result<(Format, TextFormat, &'static str), Refusal> {
    let Some(text) = arguments.object("text")? else { return Ok((Format::Text, TextFormat::Text, "medium")) };
    text.refuse_unknown(&["format", "verbosity"])?;
    let verbosity = text.choice("verbosity", &["low", "medium", "high"])?.unwrap_or("medium");
    let Some(arguments) = text.object("format")? else {
        return Ok((Format::Text, TextFormat::Text, verbosity));
    };
    let format = Format::parse(&arguments, None)?;
    let echo = match &format {
        Format::Text => TextFormat::Text,
        Format::JsonObject if !prompt.mentions("json") => {
            let message = "Response input messages must contain the word 'json' in some form to use 'text.format' \
                           of type 'json_object'.";
            return Err(Refusal::about("input", message));
        }
        Format::JsonObject => TextFormat::JsonObject,
        Format::JsonSchema(schema) => {
            prompt.add_tokens(json_tokens(schema));
            TextFormat::JsonSchema {
                description: arguments.string("description")?.map(str::to_owned),
                name: arguments.required_name("name")?.to_owned(),
                schema: schema.clone(),
                strict: arguments.boolean("strict")?.unwrap_or(true),
            }
        }
    };
    Ok((format, echo, verbosity))
}

/// Reads `reasoning`: effort and summary.
fn read_reasoning(
    arguments: &Arguments<'_, '_>,
) -> Result<(Option<&'static str>, Option<&'static str>), Refusal> {
    let Some(reasoning) = arguments.object("reasoning")? else { return Ok((None, None)) };
    reasoning.refuse_unknown(&["effort", "summary", "generate_summary", "context", "mode"])?;
    let effort = reasoning.choice("effort", EFFORTS)?;
    let summary = reasoning.choice("summary", &["auto", "concise", "detailed"])?;
    Ok((effort, if summary == Some("auto") { Some("detailed") } else { summary }))
}
