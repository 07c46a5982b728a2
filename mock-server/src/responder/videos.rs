//! Videos: a job that is done, without a film to download.

use serde::Serialize;

use super::answer::{Answer, Body, Occasion, Usage};
use super::ids;
use super::images::check_image;
use super::prompt::Prompt;
use super::script::VideoEnd;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Object};

/// The parameters of the endpoint, as the spec lists them.
const KNOWN: &[&str] = &["prompt", "input_reference", "model", "seconds", "size"];

/// How long a batch keeps its videos (F-365).
const KEPT_FOR: i64 = 24 * 60 * 60;

/// Why a video could not be made (remembered).
const BLOCKED: VideoError =
    VideoError { code: "moderation_blocked", message: "Your request was blocked by our moderation system." };

/// A body that `/v1/videos` accepts.
#[derive(Debug, Clone)]
pub struct VideoRequest {
    pub(super) model: Option<String>,
    pub(super) prompt: Prompt,
    seconds: &'static str,
    size: &'static str,
}

impl VideoRequest {
    /// Reads a body.
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unknown(KNOWN)?;
        let sizes = ["720x1280", "1280x720", "1024x1792", "1792x1024"];
        let prompt = Prompt::of(arguments.required_name("prompt")?);
        if let Some(reference) = arguments.object("input_reference")? {
            check_image(&reference)?;
        }
        Ok(Self {
            model: arguments.string("model")?.map(str::to_owned),
            prompt,
            seconds: arguments.choice("seconds", &["4", "8", "12"])?.unwrap_or("4"),
            size: arguments.choice("size", &sizes)?.unwrap_or("720x1280"),
        })
    }
}

/// The answer: the job as it is when a batch has ended (F-365). It tells no usage. How one that was not completed looks
/// is assumed, but for the keys.
pub(super) fn answer(request: &VideoRequest, occasion: Occasion<'_>) -> Answer {
    let Occasion { custom_id: _, created_at, ending, rng } = occasion;
    let is_completed = ending.video().is_none();
    let body = VideoBody {
        // Remembered: 48 digits that begin with the time.
        id: format!("video_{created_at:08x}{}", ids::hex(rng, 40)),
        object: "video",
        created_at,
        status: ending.video().map_or("completed", VideoEnd::name),
        completed_at: is_completed.then_some(created_at),
        error: (ending.video() == Some(VideoEnd::Failed)).then_some(BLOCKED),
        expires_at: is_completed.then_some(created_at + KEPT_FOR),
        model: request.model.clone().unwrap_or_else(|| "sora-2".to_owned()),
        progress: if is_completed { 100 } else { 0 },
        prompt: request.prompt.text().to_owned(),
        remixed_from_video_id: None,
        seconds: request.seconds,
        size: request.size,
    };
    Answer { body: Body::Video(body), usage: Usage::default() }
}

/// A video, with the keys of the spec; their order is assumed.
#[derive(Debug, Clone, Serialize)]
pub struct VideoBody {
    id: String,
    object: &'static str,
    created_at: i64,
    status: &'static str,
    completed_at: Option<i64>,
    error: Option<VideoError>,
    expires_at: Option<i64>,
    model: String,
    progress: u8,
    prompt: String,
    remixed_from_video_id: Option<()>,
    seconds: &'static str,
    size: &'static str,
}

/// Why a video could not be made.
#[derive(Debug, Clone, Copy, Serialize)]
struct VideoError {
    code: &'static str,
    message: &'static str,
}
