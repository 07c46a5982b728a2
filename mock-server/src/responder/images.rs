//! Images, made and edited: pictures of one color, whose comment is the canary.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::answer::{Answer, Body, Occasion, Responder, Usage};
use super::image_models::{ImageModel, Size, read_format};
use super::pictures::{Picture, PictureFormat};
use super::prompt::Prompt;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Object, Place};

/// What an image in the input costs, in tokens (recorded for a small one: rllm).
const INPUT_TOKENS: u64 = 64;

/// A body that `/v1/images/generations` or `/v1/images/edits` accepts.
#[derive(Debug, Clone)]
pub struct ImageRequest {
    pub(super) model: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    kind: ImageModel,
    n: u64,
    n_images: u64,
    background: &'static str,
    format: PictureFormat,
    quality: &'static str,
    size: Size,
    /// Whether pictures are told by where they are, and not by what they are.
    by_url: bool,
}

impl ImageRequest {
    /// Reads the body of a generation.
    pub(super) fn parse_generation(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        let kind = ImageModel::of_generation(&arguments)?;
        let mut known = kind.parameters();
        match kind {
            ImageModel::DallE2 => known.push("response_format"),
            ImageModel::DallE3 => known.extend(["response_format", "style"]),
            ImageModel::Gpt | ImageModel::GptOfAnySize => {}
        }
        arguments.refuse_unknown(&known)?;
        let prompt = read_prompt(&arguments, kind)?;
        let form = arguments.choice("response_format", &["url", "b64_json"])?;
        arguments.choice("style", &["vivid", "natural"])?;
        let by_url = !kind.is_gpt() && form != Some("b64_json");
        Ok(Self { by_url, ..Self::parse(&arguments, kind, prompt, 0)? })
    }

    /// Reads the body of an edit. It is JSON only: a picture is named by a URL, which may hold it, or by a file.
    pub(super) fn parse_edit(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        let kind = ImageModel::of_edit(&arguments)?;
        let mut known = kind.parameters();
        known.extend(["images", "mask"]);
        if kind.is_gpt() {
            known.push("input_fidelity");
        }
        arguments.refuse_unknown(&known)?;
        let images = arguments.required_objects("images")?;
        if images.len() > kind.most_inputs() {
            return Err(Refusal::long_array("images", kind.most_inputs(), images.len()));
        }
        for image in Arguments::items(images, &Place::Key(&Place::Top, "images")) {
            check_image(&image?)?;
        }
        if let Some(mask) = arguments.object("mask")? {
            check_image(&mask)?;
        }
        let mut prompt = read_prompt(&arguments, kind)?;
        arguments.choice("input_fidelity", &["high", "low"])?;
        let n_images = u64::try_from(images.len()).expect("a length fits 64 bits");
        prompt.add_tokens(n_images * INPUT_TOKENS);
        Ok(Self { by_url: !kind.is_gpt(), ..Self::parse(&arguments, kind, prompt, n_images)? })
    }

    fn parse(
        arguments: &Arguments<'_, '_>,
        kind: ImageModel,
        prompt: Prompt,
        n_images: u64,
    ) -> Result<Self, Refusal> {
        arguments.integer("partial_images", 0..=3)?;
        arguments.choice("moderation", &["low", "auto"])?;
        arguments.string("user")?;
        let background = arguments.choice("background", &["transparent", "opaque", "auto"])?;
        let format = read_format(arguments)?;
        if background == Some("transparent") && format == PictureFormat::Jpeg {
            let message = "Transparent background is not supported for JPEG output format";
            return Err(Refusal::about("background", message).with_code("invalid_value"));
        }
        Ok(Self {
            model: arguments.string("model")?.map(str::to_owned),
            prompt,
            stream: arguments.boolean("stream")?.unwrap_or(false),
            n: arguments.integer("n", 1..=kind.most_pictures())?.map_or(1, i64::unsigned_abs),
            n_images,
            background: background.filter(|background| *background != "auto").unwrap_or("opaque"),
            format,
            // Recorded for `auto`.
            quality: match arguments.choice("quality", kind.qualities())? {
                None | Some("auto") => "high",
                Some(quality) => quality,
            },
            size: kind.read_size(arguments)?,
            kind,
            by_url: false,
        })
    }

    /// Whether the answer tells what it took.
    pub(super) fn tells_usage(&self) -> bool {
        self.kind.is_gpt()
    }
}

fn read_prompt(arguments: &Arguments<'_, '_>, kind: ImageModel) -> Result<Prompt, Refusal> {
    let prompt = arguments.required_name("prompt")?;
    let (length, most) = (prompt.chars().count(), kind.longest_prompt());
    if length > most {
        return Err(Refusal::long_string("prompt", most, length));
    }
    Ok(Prompt::of(prompt))
}

/// Checks a reference to a picture: one URL, or one file.
pub(super) fn check_image(image: &Arguments<'_, '_>) -> Result<(), Refusal> {
    image.refuse_unknown(&["image_url", "file_id"])?;
    match (image.string("image_url")?, image.string("file_id")?) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        (None, None) => Err(Refusal::missing(&image.path("image_url"))),
        (Some(_), Some(_)) => {
            let place = image.path("file_id");
            let message =
                format!("Invalid value for '{place}': give either 'image_url' or 'file_id', not both.");
            Err(Refusal::about(place, message).with_code("invalid_value"))
        }
    }
}

/// The answer: `n` pictures, as they were asked for.
pub(super) fn answer(responder: &Responder, request: &ImageRequest, occasion: &Occasion<'_>) -> Answer {
    let image = |index| {
        let canary = responder.canary(occasion.custom_id, &request.prompt, index);
        let revised_prompt = (request.kind == ImageModel::DallE3).then(|| request.prompt.text().to_owned());
        if request.by_url {
            // Nothing of the mock's own can be named here, since where it is reached is not known; what is named does
            // not exist, so that nobody asks for it elsewhere.
            let url = format!("https://images.batchmock.invalid/{canary}.png");
            return Image { revised_prompt, url: Some(url), b64_json: None };
        }
        let picture = Picture {
            width: request.size.width,
            height: request.size.height,
            is_transparent: request.background == "transparent",
            comment: &canary,
        };
        Image { revised_prompt, url: None, b64_json: Some(STANDARD.encode(picture.write(request.format))) }
    };
    let data = (0..request.n).map(image).collect();
    let created = occasion.created_at;
    // The older models say no more than this (documented), not even what they used.
    if !request.tells_usage() {
        let body = ImageBody { created, background: None, data, details: None };
        return Answer { body: Body::Image(body), usage: Usage::default() };
    }
    let output_tokens = request.size.tokens(request.quality) * request.n;
    let usage = Usage { input_tokens: request.prompt.tokens(), output_tokens, ..Usage::default() };
    let image_tokens = request.n_images * INPUT_TOKENS;
    let details = Details {
        output_format: request.format.name(),
        quality: request.quality,
        size: request.size.to_string(),
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
    data: Vec<Image>,
    #[serde(flatten)]
    details: Option<Details>,
}

/// One image; the order of the keys is assumed.
#[derive(Debug, Clone, Serialize)]
struct Image {
    #[serde(skip_serializing_if = "Option::is_none")]
    revised_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
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
