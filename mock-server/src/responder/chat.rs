//! Chat completions.

use super::answer::{Answer, Body, Ended, Ending, Occasion, Responder, Usage, end, refusal};
use super::chat_body::{ChatBody, Choice, CustomCall, FunctionCall, Logprobs, Message, ToolCall};
use super::chat_tools::{self, CallInput, ForcedCall};
use super::gist::Gist;
use super::ids;
use super::models::{can_reason, default_effort, reasoning_tokens, snapshot};
use super::prompt::Prompt;
use super::script::{FinishReason, Script, ScriptedCall};
use super::structured::{Format, json_for};
use super::tokens::{json_tokens, tokens};
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Object, Place};

/// The parameters of the endpoint: those of the spec, and the ones before tools.
const KNOWN: &[&str] = &[
    "messages",
    "model",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// Reasoning efforts; which of them a model takes is not looked at.
pub(super) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Service tiers: those of the observed refusal (2026-08), and `scale` of the spec.
pub(super) const TIERS: &[&str] = &["auto", "default", "fast", "flex", "priority", "scale"];

/// The tokens that a message costs beside its text, and the reply before its first.
pub(super) const MESSAGE_TOKENS: u64 = 3;
/// The tokens of an image.
pub(super) const IMAGE_TOKENS: u64 = 85;

/// A body that `/v1/chat/completions` accepts.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    pub(super) model: String,
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    n: u64,
    limit: Option<u64>,
    top_logprobs: Option<u64>,
    format: Format,
    forced: Option<ForcedCall>,
    reasoning_tokens: u64,
    service_tier: &'static str,
}

impl ChatRequest {
    /// Reads a body. Unknown arguments are refused first (F-031), then a missing model, then the rest
    /// in about the order observed in 2026-08.
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unrecognized(KNOWN)?;
        let model = arguments.model()?;
        let mut prompt = Prompt::default();
        read_messages(&arguments, &mut prompt)?;
        let forced = chat_tools::parse(&arguments, &mut prompt)?;
        let max_completion_tokens = arguments.count("max_completion_tokens", 1)?;
        let n = arguments.integer("n", 1..=128)?.map_or(1, i64::unsigned_abs);
        let (stream, service_tier) = read_common(&arguments)?;
        let max_tokens = arguments.count("max_tokens", 1)?;
        if max_tokens.is_some() && can_reason(&model) {
            let advice = " Use 'max_completion_tokens' instead.";
            return Err(Refusal::unsupported_parameter("max_tokens", advice));
        }
        let format = arguments.object("response_format")?;
        let format = format.map(|format| Format::parse(&format, Some("json_schema"))).transpose()?;
        let format = format.unwrap_or(Format::Text);
        if let Format::JsonSchema(schema) = &format {
            prompt.add_tokens(json_tokens(schema));
        }
        let effort = arguments.choice("reasoning_effort", EFFORTS)?;
        let effort = effort.filter(|_| can_reason(&model)).or(default_effort(&model));
        check_temperature(&arguments, &model, effort)?;
        let top_logprobs = read_logprobs(&arguments)?;
        if format == Format::JsonObject && !prompt.mentions("json") {
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of \
                           type 'json_object'.";
            return Err(Refusal::about("messages", message));
        }
        Ok(Self {
            prompt,
            stream,
            n,
            limit: max_completion_tokens.or(max_tokens),
            top_logprobs,
            format,
            forced,
            reasoning_tokens: reasoning_tokens(effort),
            service_tier,
            model,
        })
    }
}

impl ChatRequest {
    /// The gist, if the text of the prompt matters for one canary only.
    pub(super) fn gist(&self, canary_number: impl FnOnce(&Prompt) -> u64) -> Option<Gist> {
        let is_plain = self.n == 1
            && self.top_logprobs.is_none()
            && self.forced.is_none()
            && self.format == Format::Text;
        is_plain.then_some(())?;
        Some(Gist {
            limit: self.limit.map(u32::try_from).transpose().ok()?,
            reasoning_tokens: self.reasoning_tokens.try_into().ok()?,
            canary: canary_number(&self.prompt),
            input_tokens: self.prompt.tokens(),
            service_tier: self.service_tier,
        })
    }

    /// A request that is answered as the one that the gist was made of.
    pub(super) fn from_gist(gist: &Gist, model: &str) -> Self {
        let Gist { canary, input_tokens, limit, reasoning_tokens, service_tier } = gist;
        Self {
            model: model.to_owned(),
            prompt: Prompt::without_text(*canary, *input_tokens),
            stream: false,
            n: 1,
            limit: limit.map(u64::from),
            top_logprobs: None,
            format: Format::Text,
            forced: None,
            reasoning_tokens: u64::from(*reasoning_tokens),
            service_tier,
        }
    }
}

/// The answer: a message for each choice.
pub(super) fn answer(responder: &Responder, request: &ChatRequest, occasion: Occasion<'_>) -> Answer {
    let Occasion { custom_id, created_at, ending, rng } = occasion;
    let id = ids::base62(rng, "chatcmpl-", 29);
    // Thinking comes first, and what it takes of the limit is gone.
    let reasoning = request.reasoning_tokens.min(request.limit.unwrap_or(u64::MAX));
    let limit = request.limit.map(|limit| limit - reasoning);
    let mut usage = Usage { input_tokens: request.prompt.tokens(), ..Usage::default() };
    let mut choices = Vec::with_capacity(usize::try_from(request.n).unwrap_or(1));
    for index in 0..request.n {
        let text = responder.text(custom_id, &request.prompt, index);
        let mut message = Message::empty();
        let (output_tokens, finish_reason) = match (&request.forced, ending) {
            (_, Ending::Scripted(script)) if script.speaks() => {
                message.speak(script, || ids::base62(rng, "call_", 24));
                (message.tokens(), if script.calls.is_empty() { "stop" } else { "tool_calls" })
            }
            (_, Ending::Refusal) => {
                let Ended { text, cut } = end(refusal(), limit, ending);
                (tokens(message.refusal.insert(text)), if cut { "length" } else { "stop" })
            }
            (Some(call), _) => {
                let Ended { text, cut } = end(call.write(text), limit, ending);
                let output_tokens = tokens(&text);
                message.call(call, text, || ids::base62(rng, "call_", 24));
                (output_tokens, call.finish_reason(cut))
            }
            (None, _) => {
                let Ended { text, cut } = end(request.format.write(text), limit, ending);
                (tokens(message.content.insert(text)), if cut { "length" } else { "stop" })
            }
        };
        let finish_reason = ending.finish_reason().map_or(finish_reason, FinishReason::name);
        usage.output_tokens += reasoning + output_tokens;
        usage.reasoning_tokens += reasoning;
        let logprobs = request
            .top_logprobs
            .map(|n| Logprobs::of(message.content.as_deref(), message.refusal.as_deref(), n));
        choices.push(Choice { index, message, logprobs, finish_reason });
    }
    let model = snapshot(&request.model);
    let body = ChatBody {
        id,
        object: "chat.completion",
        created: created_at,
        model: model.to_owned(),
        choices,
        usage: usage.into(),
        service_tier: request.service_tier,
        system_fingerprint: responder.fingerprint(model),
    };
    Answer { body: Body::Chat(body), usage }
}

impl Message {
    fn empty() -> Self {
        Self {
            role: "assistant",
            content: None,
            tool_calls: Vec::new(),
            function_call: None,
            refusal: None,
            annotations: [],
        }
    }

    /// Says what was written beforehand.
    fn speak(&mut self, script: &Script, mut id: impl FnMut() -> String) {
        let Script { text, refusal, calls, finish_reason: _, video: _ } = script;
        self.content.clone_from(text);
        self.refusal.clone_from(refusal);
        self.tool_calls.extend(calls.iter().map(|ScriptedCall { name, arguments }| ToolCall {
            id: id(),
            kind: "function",
            function: Some(FunctionCall { name: name.clone(), arguments: arguments.clone() }),
            custom: None,
        }));
    }

    /// The tokens of all that it says, but for the names of functions.
    fn tokens(&self) -> u64 {
        let texts = self.content.iter().chain(&self.refusal).map(String::as_str);
        let calls = self.tool_calls.iter().filter_map(|call| call.function.as_ref());
        texts.chain(calls.map(|call| call.arguments.as_str())).map(tokens).sum()
    }

    fn call(&mut self, call: &ForcedCall, input: String, id: impl FnOnce() -> String) {
        let name = call.name.clone();
        let mut tool_call = ToolCall { id: String::new(), kind: "function", function: None, custom: None };
        match call.input {
            CallInput::LegacyArguments(_) => {
                self.function_call = Some(FunctionCall { name, arguments: input });
                return;
            }
            CallInput::Arguments(_) => tool_call.function = Some(FunctionCall { name, arguments: input }),
            CallInput::Text => {
                tool_call.kind = "custom";
                tool_call.custom = Some(CustomCall { name, input });
            }
        }
        tool_call.id = id();
        self.tool_calls.push(tool_call);
    }
}

impl ForcedCall {
    /// What the call passes, with this text in it.
    fn write(&self, text: String) -> String {
        match &self.input {
            CallInput::Arguments(schema) | CallInput::LegacyArguments(schema) => json_for(schema, &text),
            CallInput::Text => text,
        }
    }

    fn finish_reason(&self, is_cut: bool) -> &'static str {
        match (is_cut, self.is_named) {
            (true, _) => "length",
            (false, true) => "stop",
            (false, false) => "tool_calls",
        }
    }
}

/// Reads what has no bearing on the answer, and with it `stream` and the service tier.
fn read_common(arguments: &Arguments<'_, '_>) -> Result<(bool, &'static str), Refusal> {
    arguments.integer("seed", i64::MIN..=i64::MAX)?;
    let stream = arguments.boolean("stream")?.unwrap_or(false);
    arguments.boolean("store")?;
    arguments.check_metadata()?;
    arguments.decimal("frequency_penalty", -2..=2)?;
    arguments.decimal("presence_penalty", -2..=2)?;
    arguments.decimal("top_p", 0..=1)?;
    arguments.object("stream_options")?;
    let tier = arguments.choice("service_tier", TIERS)?.unwrap_or("auto");
    arguments.string("user")?;
    arguments.string("safety_identifier")?;
    arguments.string("prompt_cache_key")?;
    arguments.choice("verbosity", &["low", "medium", "high"])?;
    Ok((stream, if tier == "auto" { "default" } else { tier }))
}

/// A model that thinks takes the default temperature only (observed on chat completions, 2026-08).
fn check_temperature(
    arguments: &Arguments<'_, '_>,
    model: &str,
    effort: Option<&str>,
) -> Result<(), Refusal> {
    let Some(temperature) = arguments.decimal("temperature", 0..=2)? else { return Ok(()) };
    let is_default = (temperature - 1.0).abs() < f64::EPSILON;
    if is_default || !can_reason(model) || effort == Some("none") {
        return Ok(());
    }
    let message = format!(
        "Unsupported value: 'temperature' does not support {temperature} with this model. Only the default (1) \
         value is supported."
    );
    Err(Refusal::about("temperature", message).with_code("unsupported_value"))
}

/// How many of the likeliest tokens to tell at each place, if any telling is asked for.
fn read_logprobs(arguments: &Arguments<'_, '_>) -> Result<Option<u64>, Refusal> {
    let is_wanted = arguments.boolean("logprobs")?.unwrap_or(false);
    let n = arguments.integer("top_logprobs", 0..=20)?.map(i64::unsigned_abs);
    if n.is_some() && !is_wanted {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(Refusal::about("top_logprobs", message));
    }
    Ok(is_wanted.then_some(n.unwrap_or(0)))
}

/// Reads the conversation. Types and roles of all messages come before missing contents (observed 2026-08).
fn read_messages(arguments: &Arguments<'_, '_>, prompt: &mut Prompt) -> Result<(), Refusal> {
    let messages = arguments.required_objects("messages")?;
    let place = Place::Key(&Place::Top, "messages");
    let mut contentless = None;
    for (index, message) in Arguments::items(messages, &place).enumerate() {
        let message = message?;
        if !read_message(&message, prompt)? {
            contentless.get_or_insert(index);
        }
        prompt.add_tokens(MESSAGE_TOKENS);
    }
    prompt.add_tokens(MESSAGE_TOKENS);
    match contentless {
        None => Ok(()),
        Some(index) => {
            let message = "Invalid value for 'content': expected a string, got null.";
            Err(Refusal::about(format!("messages.[{index}].content"), message))
        }
    }
}

/// Reads one message; whether it has content or what stands for it.
fn read_message(message: &Arguments<'_, '_>, prompt: &mut Prompt) -> Result<bool, Refusal> {
    message.required_string("role")?;
    let roles = ["system", "assistant", "user", "function", "tool", "developer"];
    let role = message.choice("role", &roles)?;
    let is_user = role == Some("user");
    let calls = message.array("tool_calls", "an array of objects")?;
    let has_content = match message.get("content") {
        None => {
            role == Some("assistant")
                && ["tool_calls", "function_call", "refusal", "audio"]
                    .iter()
                    .any(|name| message.get(name).is_some())
        }
        Some(Node::String(text)) => {
            prompt.push_message([text.as_ref()], is_user);
            true
        }
        Some(Node::Array(parts)) => {
            let place = Place::Key(message.place(), "content");
            let mut texts = Vec::with_capacity(parts.len());
            for part in Arguments::items(parts, &place) {
                texts.extend(read_part(&part?, prompt)?);
            }
            prompt.push_message(texts, is_user);
            true
        }
        Some(other) => {
            let expected = "one of a string or array of objects";
            return Err(Refusal::wrong_type(&message.path("content"), expected, other));
        }
    };
    if calls.is_some_and(<[Node<'_>]>::is_empty) {
        return Err(Refusal::empty_array(&message.path("tool_calls")));
    }
    Ok(has_content)
}

/// The text of a part of a message, if it is one.
fn read_part<'v>(part: &Arguments<'v, '_>, prompt: &mut Prompt) -> Result<Option<&'v str>, Refusal> {
    part.required_string("type")?;
    let kinds = ["text", "image_url", "input_audio", "refusal", "audio", "file"];
    Ok(match part.choice("type", &kinds)? {
        Some("text") => Some(part.required_string("text")?),
        Some("refusal") => Some(part.required_string("refusal")?),
        Some("image_url") => {
            part.required_object("image_url")?.required_string("url")?;
            prompt.add_tokens(IMAGE_TOKENS);
            None
        }
        _ => None,
    })
}
