//! Completions: the endpoint of before chat.

use serde::Serialize;

use super::answer::{Answer, Body, Ended, Occasion, Responder, Usage, end};
use super::ids;
use super::models::snapshot;
use super::prompt::Prompt;
use super::script::FinishReason;
use super::texts;
use super::tokens::tokens;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Object};

/// The parameters of the endpoint, as the spec lists them.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];

/// How long a completion is when the request does not say (documented).
const DEFAULT_MAX_TOKENS: u64 = 16;

/// A body that `/v1/completions` accepts.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    pub(super) model: String,
    /// All prompts together.
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    prompts: Vec<Prompt>,
    n: u64,
    max_tokens: u64,
    repeats_prompt: bool,
}

impl CompletionRequest {
    /// Reads a body. The wordings are those of embeddings, which runs on the same front (assumed).
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::in_schema_words(body);
        arguments.refuse_unrecognized(KNOWN)?;
        let model = arguments.model()?;
        let texts = texts::read(arguments.required("prompt")?).ok_or_else(|| {
            Refusal::invalid(
                "'$.prompt' is invalid. Please check the API reference: \
                 https://platform.openai.com/docs/api-reference.",
            )
        })?;
        let mut prompt = Prompt::default();
        for text in &texts {
            prompt.push_text(text);
        }
        let max_tokens = arguments.count("max_tokens", 0)?;
        let n = arguments.integer("n", 1..=128)?.map_or(1, i64::unsigned_abs);
        arguments.integer("best_of", 0..=20)?;
        arguments.integer("logprobs", 0..=5)?;
        arguments.integer("seed", i64::MIN..=i64::MAX)?;
        arguments.decimal("temperature", 0..=2)?;
        arguments.decimal("top_p", 0..=1)?;
        arguments.decimal("frequency_penalty", -2..=2)?;
        arguments.decimal("presence_penalty", -2..=2)?;
        arguments.string("suffix")?;
        arguments.string("user")?;
        Ok(Self {
            model,
            prompt,
            stream: arguments.boolean("stream")?.unwrap_or(false),
            prompts: texts.iter().map(|text| Prompt::of(&text.text)).collect(),
            n,
            max_tokens: max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            repeats_prompt: arguments.boolean("echo")?.unwrap_or(false),
        })
    }
}

/// The answer: `n` choices for each prompt, in the order of the prompts.
pub(super) fn answer(responder: &Responder, request: &CompletionRequest, occasion: Occasion<'_>) -> Answer {
    let Occasion { custom_id, created_at, ending, rng } = occasion;
    let mut usage = Usage { input_tokens: request.prompt.tokens(), ..Usage::default() };
    let each = request.prompts.iter().flat_map(|prompt| (0..request.n).map(move |_| prompt));
    let choices = each
        .zip(0..)
        .map(|(prompt, index)| {
            let Ended { text, cut } = match ending.words().and_then(|script| script.text.clone()) {
                Some(text) => Ended { text, cut: false },
                None => end(responder.text(custom_id, prompt, index), Some(request.max_tokens), ending),
            };
            usage.output_tokens += tokens(&text);
            Choice {
                text: if request.repeats_prompt { format!("{}{text}", prompt.text()) } else { text },
                index,
                logprobs: None,
                finish_reason: match ending.finish_reason() {
                    // There are no tools here.
                    None | Some(FinishReason::ToolCalls) if cut => "length",
                    None | Some(FinishReason::ToolCalls) => "stop",
                    Some(reason) => reason.name(),
                },
            }
        })
        .collect();
    let body = CompletionBody {
        id: ids::base62(rng, "cmpl-", 29),
        object: "text_completion",
        created: created_at,
        model: snapshot(&request.model).to_owned(),
        choices,
        usage: CompletionUsage {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
        },
    };
    Answer { body: Body::Completion(body), usage }
}

/// A completion, keys in the order of the spec's example; no batch line of one was found (F-367).
#[derive(Debug, Clone, Serialize)]
pub struct CompletionBody {
    id: String,
    object: &'static str,
    created: i64,
    model: String,
    choices: Vec<Choice>,
    usage: CompletionUsage,
}

#[derive(Debug, Clone, Serialize)]
struct Choice {
    text: String,
    index: u64,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
struct CompletionUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}
