//! Images, made and edited: one pixel each, whose comment is the canary.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::answer::{Answer, Body, Occasion, Responder, Usage};
use super::png::png;
use super::prompt::Prompt;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Object, Place};

/// The parameters of `/v1/images/generations`, as the spec lists them.
const KNOWN_GENERATION: &[&str] = &[
    "prompt",
    "background",
    "model",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "partial_images",
    "quality",
    "response_format",
    "size",
    "stream",
    "style",
    "user",
];

/// The parameters of `/v1/images/edits` as JSON, as the spec lists them.
const KNOWN_EDIT: &[&str] = &[
    "images",
    "prompt",
    "background",
    "input_fidelity",
    "mask",
    "model",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "partial_images",
    "quality",
    "size",
    "stream",
    "user",
];

/// What an image costs by quality, in tokens; recorded for the first (`gpt-image-1`), documented for the others.
const OUTPUT_TOKENS: [(&str, u64); 3] = [("high", 4160), ("medium", 1056), ("low", 272)];

/// What an image in the input costs (recorded for a small one: rllm).
const INPUT_TOKENS: u64 = 64;

/// A body that `/v1/images/generations` or `/v1/images/edits` accepts.
#[derive(Debug, Clone)]
pub struct ImageRequest {
    pub(super) model: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    n: u64,
    n_images: u64,
    background: &'static str,
    output_format: &'static str,
    quality: &'static str,
    size: String,
}

impl ImageRequest {
    /// Reads the body of a generation.
    pub(super) fn parse_generation(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unknown(KNOWN_GENERATION)?;
        let prompt = Prompt::of(arguments.required_name("prompt")?);
        arguments.choice("response_format", &["url", "b64_json"])?;
        arguments.choice("style", &["vivid", "natural"])?;
        Self::parse(&arguments, prompt, 0)
    }

    /// Reads the body of an edit.
    pub(super) fn parse_edit(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unknown(KNOWN_EDIT)?;
        let images = arguments.required_objects("images")?;
        for image in Arguments::items(images, &Place::Key(&Place::Top, "images")) {
            let image = image?;
            image.string("image_url")?;
            image.string("file_id")?;
        }
        let mut prompt = Prompt::of(arguments.required_name("prompt")?);
        arguments.choice("input_fidelity", &["high", "low"])?;
        let n_images = u64::try_from(images.len()).expect("a length fits 64 bits");
        prompt.add_tokens(n_images * INPUT_TOKENS);
        Self::parse(&arguments, prompt, n_images)
    }

    fn parse(arguments: &Arguments<'_, '_>, prompt: Prompt, n_images: u64) -> Result<Self, Refusal> {
        let qualities = ["standard", "hd", "low", "medium", "high", "auto"];
        arguments.integer("output_compression", 0..=100)?;
        arguments.integer("partial_images", 0..=3)?;
        arguments.choice("moderation", &["low", "auto"])?;
        arguments.string("user")?;
        let background = arguments.choice("background", &["transparent", "opaque", "auto"])?;
        let size = arguments.string("size")?.filter(|size| *size != "auto").unwrap_or("1024x1024");
        Ok(Self {
            model: arguments.string("model")?.map(str::to_owned),
            prompt,
            stream: arguments.boolean("stream")?.unwrap_or(false),
            n: arguments.integer("n", 1..=10)?.map_or(1, i64::unsigned_abs),
            n_images,
            background: background.filter(|background| *background != "auto").unwrap_or("opaque"),
            output_format: arguments.choice("output_format", &["png", "jpeg", "webp"])?.unwrap_or("png"),
            quality: match arguments.choice("quality", &qualities)? {
                None | Some("auto" | "hd" | "standard") => "high",
                Some(quality) => quality,
            },
            size: size.to_owned(),
        })
    }
}

/// The answer: `n` pictures, always as data and always PNG, whatever the body says of their format.
pub(super) fn answer(responder: &Responder, request: &ImageRequest, occasion: &Occasion<'_>) -> Answer {
    let picture = |index| {
        let comment = responder.canary(occasion.custom_id, &request.prompt, index);
        Picture { b64_json: STANDARD.encode(png(&comment)) }
    };
    let data = (0..request.n).map(picture).collect();
    let created = occasion.created_at;
    // The older models say no more than this (documented), not even what they used.
    if request.model.as_deref().is_none_or(|model| model.starts_with("dall-e")) {
        let body = ImageBody { created, background: None, data, details: None };
        return Answer { body: Body::Image(body), usage: Usage::default() };
    }
    let each = OUTPUT_TOKENS.iter().find(|(quality, _)| *quality == request.quality).map_or(0, |(_, n)| *n);
    let usage =
        Usage { input_tokens: request.prompt.tokens(), output_tokens: each * request.n, ..Usage::default() };
    let image_tokens = request.n_images * INPUT_TOKENS;
    let details = Details {
        output_format: request.output_format,
        quality: request.quality,
        size: request.size.clone(),
        usage: ImageUsage {
            input_tokens: usage.input_tokens,
            input_tokens_details: Kinds { image_tokens, text_tokens: usage.input_tokens - image_tokens },
            output_tokens: usage.output_tokens,
            output_tokens_details: Kinds { image_tokens: usage.output_tokens, text_tokens: 0 },
            total_tokens: usage.total_tokens(),
        },
    };
    let body = ImageBody { created, background: Some(request.background), data, details: Some(details) };
    Answer { body: Body::Image(body), usage }
}

/// A list of images, keys in the recorded order (rllm, 2026-08).
#[derive(Debug, Clone, Serialize)]
pub struct ImageBody {
    created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<&'static str>,
    data: Vec<Picture>,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Debug, Clone, Serialize)]
struct Picture {
    b64_json: String,
}

#[derive(Debug, Clone, Serialize)]
struct Details {
    output_format: &'static str,
    quality: &'static str,
    size: String,
    usage: ImageUsage,
}

#[derive(Debug, Clone, Serialize)]
struct ImageUsage {
    input_tokens: u64,
    input_tokens_details: Kinds,
    output_tokens: u64,
    output_tokens_details: Kinds,
    total_tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Kinds {
    image_tokens: u64,
    text_tokens: u64,
}
