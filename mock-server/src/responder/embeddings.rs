//! Embeddings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::answer::{Answer, Body, Responder, Usage};
use super::prompt::Prompt;
use super::texts;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Object};

/// The parameters of the endpoint, as the spec lists them.
const KNOWN: &[&str] = &["input", "model", "dimensions", "encoding_format", "user"];

/// The most inputs of one request (documented).
const MAX_INPUTS: usize = 2048;

/// A body that `/v1/embeddings` accepts.
#[derive(Debug, Clone)]
pub struct EmbeddingRequest {
    pub(super) model: String,
    pub(super) prompt: Prompt,
    inputs: Vec<Input>,
    dimensions: usize,
    is_base64: bool,
}

/// One text to embed: where it stands in the prompt, which is all of them with a newline between.
#[derive(Debug, Clone)]
struct Input {
    start: usize,
    end: usize,
}

impl EmbeddingRequest {
    /// Reads a body. What the endpoint says of a missing input and of bad numbers was observed (2026-09,
    /// net 2025-09); of an input it cannot use, it only says that it is invalid.
    pub(super) fn parse(body: &Object<'_>) -> Result<Self, Refusal> {
        let arguments = Arguments::in_schema_words(body);
        arguments.refuse_unrecognized(KNOWN)?;
        let model = arguments.model()?;
        let input = arguments.get("input").ok_or_else(|| Refusal::invalid("Please submit an `input`."))?;
        let mut prompt = Prompt::default();
        let inputs = read_inputs(input, &mut prompt).ok_or_else(|| {
            Refusal::invalid(
                "'$.input' is invalid. Please check the API reference: \
                 https://platform.openai.com/docs/api-reference.",
            )
        })?;
        let dimensions = arguments.integer("dimensions", 1..=i64::MAX)?;
        let is_base64 = arguments.choice("encoding_format", &["float", "base64"])? == Some("base64");
        arguments.string("user")?;
        Ok(Self { dimensions: dimensions_of(&model, dimensions)?, model, prompt, inputs, is_base64 })
    }
}

/// The answer: a vector for each input, the same for the same text whatever the request.
pub(super) fn answer(responder: &Responder, request: &EmbeddingRequest) -> Answer {
    let data = request.inputs.iter().zip(0..).map(|(input, index)| {
        let text = &request.prompt.text()[input.start..input.end];
        let vector = Vector {
            values: vector(responder.number(text, 0), request.dimensions),
            is_base64: request.is_base64,
        };
        Embedding { object: "embedding", embedding: vector, index }
    });
    let data = data.collect();
    let usage = Usage { input_tokens: request.prompt.tokens(), ..Usage::default() };
    let body = EmbeddingBody {
        object: "list",
        data,
        model: request.model.clone(),
        usage: EmbeddingUsage { prompt_tokens: usage.input_tokens, total_tokens: usage.input_tokens },
    };
    Answer { body: Body::Embedding(body), usage }
}

/// A list of embeddings, keys in the recorded order (rllm, 2026-08; in 2025 `index` came before `embedding`).
#[derive(Debug, Clone, Serialize)]
pub struct EmbeddingBody {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: EmbeddingUsage,
}

#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
struct Embedding {
    object: &'static str,
    embedding: Vector,
    index: u64,
}

#[derive(Debug, Clone, Serialize)]
struct EmbeddingUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

#[derive(Debug, Clone)]
struct Vector {
    values: Vec<f32>,
    is_base64: bool,
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_base64 {
            let bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            serializer.serialize_str(&STANDARD.encode(bytes))
        } else {
            // As 64 bits, so that every digit is written, as it is on the wire.
            serializer.collect_seq(self.values.iter().copied().map(f64::from))
        }
    }
}

/// Where the texts of an input stand in the prompt; none of them can be empty.
fn read_inputs(input: &Node<'_>, prompt: &mut Prompt) -> Option<Vec<Input>> {
    let texts = texts::read(input).filter(|texts| texts.len() <= MAX_INPUTS)?;
    texts
        .iter()
        .map(|text| {
            prompt.push_text(text);
            let end = prompt.text().len();
            (!text.text.is_empty()).then(|| Input { start: end - text.text.len(), end })
        })
        .collect()
}

/// How long the vectors are. What is said of too many and of ada's was not observed (remembered).
fn dimensions_of(model: &str, asked: Option<i64>) -> Result<usize, Refusal> {
    let maximum = if model.starts_with("text-embedding-3-large") { 3072 } else { 1536 };
    match asked.map(usize::try_from) {
        None => Ok(maximum),
        Some(_) if model.starts_with("text-embedding-ada") => {
            Err(Refusal::invalid("This model does not support specifying dimensions."))
        }
        Some(Ok(dimensions)) if dimensions <= maximum => Ok(dimensions),
        Some(_) => {
            let asked = asked.unwrap_or(i64::MAX);
            let message =
                format!("Invalid value for 'dimensions' = {asked}. Must be less than or equal to {maximum}.");
            Err(Refusal::invalid(message))
        }
    }
}

/// A vector of unit length. A shorter one is the beginning of a longer one, scaled, as with the real models.
fn vector(seed: u64, dimensions: usize) -> Vec<f32> {
    let mut state = seed;
    let mut values: Vec<f64> = (0..dimensions).map(|_| bell(&mut state)).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    for value in &mut values {
        *value /= length.max(f64::MIN_POSITIVE);
    }
    values.into_iter().map(printable).collect()
}

/// A value rounded to half precision, as all recorded values are (rllm 2026-08): eleven binary digits, and no
/// place after the 24th.
#[expect(clippy::cast_possible_truncation, reason = "eleven binary digits fit an f32")]
fn printable(value: f64) -> f32 {
    const BIAS: u64 = 1023;
    let exponent = (value.to_bits() >> 52 & 0x7ff).max(BIAS - 14);
    let step = f64::from_bits((exponent - 10) << 52);
    ((value / step).round() * step) as f32
}

/// A number that is likelier near zero: the sum of four even ones.
fn bell(state: &mut u64) -> f64 {
    // One step of SplitMix64: four 16-bit numbers for one multiplication chain.
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let sum: f64 = [bits, bits >> 16, bits >> 32, bits >> 48]
        .iter()
        .map(|part| f64::from(u16::try_from(part & 0xffff).expect("16 bits fit")))
        .sum();
    // Half a unit keeps the sum off zero, so that a vector of one dimension has a direction.
    sum - 131_069.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_unit_length() {
        for dimensions in [1, 2, 256, 1536, 3072] {
            let length: f64 = vector(7, dimensions).iter().map(|value| f64::from(*value).powi(2)).sum();
            assert!((length - 1.0).abs() < 1e-3, "{dimensions}: {length}");
        }
    }

    #[test]
    fn a_shorter_vector_points_the_same_way() {
        let (long, short) = (vector(7, 1536), vector(7, 4));
        let scale = f64::from(short[0]) / f64::from(long[0]);
        for (long, short) in long.iter().zip(&short) {
            assert!((f64::from(*long) * scale - f64::from(*short)).abs() < 1e-2);
        }
    }
}
