//! Moderations. Nothing is ever flagged.

use rand::Rng;
use serde::Serialize;

use super::answer::{Answer, Body, Responder, Usage};
use super::prompt::Prompt;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Object, Place};

/// The parameters of the endpoint. `stream` is not one of them, but batches refuse it by name (F-365).
const KNOWN: &[&str] = &["input", "model", "stream"];

/// The model when the request names none (documented).
const DEFAULT_MODEL: &str = "omni-moderation-latest";

/// A body that `/v1/moderations` accepts.
#[derive(Debug, Clone)]
pub struct ModerationRequest {
    pub(super) model: Option<String>,
    /// All inputs together.
    pub(super) prompt: Prompt,
    pub(super) stream: bool,
    inputs: Vec<Input>,
}

/// One input: a text, or parts that are judged as one.
#[derive(Debug, Clone)]
struct Input {
    text: String,
    has_text: bool,
    has_image: bool,
}

impl ModerationRequest {
    /// Reads a body. The endpoint relays what its validator says, with neither param nor code (observed for
    /// a missing input, 2026-09; assumed for the rest).
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::new(body);
        arguments.refuse_unrecognized(KNOWN)?;
        let model = arguments.string("model")?.map(str::to_owned);
        let mut prompt = Prompt::default();
        let inputs = read_inputs(arguments.get("input"), &mut prompt)?;
        Ok(Self { model, prompt, stream: arguments.boolean("stream")?.unwrap_or(false), inputs })
    }
}

/// The answer: a result for each input. It tells no usage.
pub(super) fn answer(responder: &Responder, request: &ModerationRequest, rng: &mut dyn Rng) -> Answer {
    let model = request.model.as_deref().unwrap_or(DEFAULT_MODEL);
    let is_omni = model.starts_with("omni");
    let results = request.inputs.iter().map(|input| Verdict::of(responder, input, is_omni)).collect();
    // Four digits, as recorded in 2026 (rllm, net).
    let id = format!("modr-{:04}", rng.next_u32() % 10_000);
    Answer {
        body: Body::Moderation(ModerationBody { id, model: model.to_owned(), results }),
        usage: Usage::default(),
    }
}

/// A list of verdicts, keys in the recorded order (rllm, 2026-08).
#[derive(Debug, Clone, Serialize)]
pub struct ModerationBody {
    id: String,
    model: String,
    results: Vec<Verdict>,
}

#[derive(Debug, Clone, Serialize)]
struct Verdict {
    flagged: bool,
    categories: Categories<bool>,
    category_scores: Categories<f64>,
    /// What each category looked at; the text-only models do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    category_applied_input_types: Option<Categories<&'static [&'static str]>>,
}

/// Something for each category. The text-only models do not know the illicit.
#[derive(Debug, Clone, Serialize)]
struct Categories<T> {
    harassment: T,
    #[serde(rename = "harassment/threatening")]
    harassment_threatening: T,
    sexual: T,
    hate: T,
    #[serde(rename = "hate/threatening")]
    hate_threatening: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    illicit: Option<T>,
    #[serde(rename = "illicit/violent", skip_serializing_if = "Option::is_none")]
    illicit_violent: Option<T>,
    #[serde(rename = "self-harm/intent")]
    self_harm_intent: T,
    #[serde(rename = "self-harm/instructions")]
    self_harm_instructions: T,
    #[serde(rename = "self-harm")]
    self_harm: T,
    #[serde(rename = "sexual/minors")]
    sexual_minors: T,
    violence: T,
    #[serde(rename = "violence/graphic")]
    violence_graphic: T,
}

impl Verdict {
    fn of(responder: &Responder, input: &Input, is_omni: bool) -> Self {
        Self {
            flagged: false,
            categories: Categories::each(is_omni, |_, _| false),
            category_scores: Categories::each(is_omni, |index, _| {
                score(responder.number(&input.text, index))
            }),
            category_applied_input_types: is_omni
                .then(|| Categories::each(true, |_, sees| input.types(sees))),
        }
    }
}

impl<T> Categories<T> {
    /// The categories in their order, each with its index and whether it looks at images (documented).
    fn each(is_omni: bool, of: impl Fn(u64, bool) -> T) -> Self {
        Self {
            harassment: of(0, false),
            harassment_threatening: of(1, false),
            sexual: of(2, true),
            hate: of(3, false),
            hate_threatening: of(4, false),
            illicit: is_omni.then(|| of(5, false)),
            illicit_violent: is_omni.then(|| of(6, false)),
            self_harm_intent: of(7, true),
            self_harm_instructions: of(8, true),
            self_harm: of(9, true),
            sexual_minors: of(10, false),
            violence: of(11, true),
            violence_graphic: of(12, true),
        }
    }
}

impl Input {
    /// What a category looked at.
    fn types(&self, sees_images: bool) -> &'static [&'static str] {
        match (self.has_text, self.has_image && sees_images) {
            (true, true) => &["text", "image"],
            (true, false) => &["text"],
            (false, true) => &["image"],
            (false, false) => &[],
        }
    }
}

/// A score that means nothing is wrong: below a thousandth.
fn score(number: u64) -> f64 {
    let part = u32::try_from(number >> 32).expect("32 bits fit");
    (f64::from(part) + 1.0) / (f64::from(u32::MAX) + 1.0) * 1e-3
}

fn read_inputs(input: Option<&Node<'_>>, prompt: &mut Prompt) -> Result<Vec<Input>, Refusal> {
    let items = match input {
        None => {
            return Err(Refusal::invalid(
                "[{'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required'}]",
            ));
        }
        Some(Node::String(text)) => return Ok(vec![Input::text(text, prompt)]),
        Some(Node::Array(items)) => items,
        Some(_) => return Err(invalid_input("string_type", "Input should be a valid string")),
    };
    if items.is_empty() {
        return Err(invalid_input("too_short", "List should have at least 1 item after validation, not 0"));
    }
    if items.iter().all(Node::is_object) {
        return Input::parts(items, prompt).map(|input| vec![input]);
    }
    let text = |item: &Node<'_>| match item.as_str() {
        Some(text) => Ok(Input::text(text, prompt)),
        None => Err(invalid_input("string_type", "Input should be a valid string")),
    };
    items.iter().map(text).collect()
}

impl Input {
    fn text(text: &str, prompt: &mut Prompt) -> Self {
        prompt.push_message([text], true);
        Self { text: text.to_owned(), has_text: true, has_image: false }
    }

    /// Parts that are judged as one.
    fn parts(items: &[Node<'_>], prompt: &mut Prompt) -> Result<Self, Refusal> {
        let mut texts: Vec<&str> = Vec::with_capacity(items.len());
        let mut has_image = false;
        let mut has_text = false;
        let mut urls = String::new();
        for part in Arguments::items(items, &Place::Key(&Place::Top, "input")) {
            let part = part?;
            part.required_string("type")?;
            if part.choice("type", &["text", "image_url"])? == Some("image_url") {
                urls.push_str(part.required_object("image_url")?.required_string("url")?);
                has_image = true;
            } else {
                texts.push(part.required_string("text")?);
                has_text = true;
            }
        }
        let text = format!("{}{urls}", texts.join("\n"));
        prompt.push_message(texts, true);
        Ok(Self { text, has_text, has_image })
    }
}

fn invalid_input(kind: &str, message: &str) -> Refusal {
    Refusal::invalid(format!("[{{'type': '{kind}', 'loc': ('body', 'input'), 'msg': '{message}'}}]"))
}
