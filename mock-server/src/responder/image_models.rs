//! What each of the image models takes (documented; how it refuses the rest is assumed, in the words of F-028, F-030 and
//! F-032).

use super::pictures::PictureFormat;
use crate::arguments::{Arguments, Refusal};

/// The image models, as far as they differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageModel {
    DallE2,
    DallE3,
    /// GPT image models with a few sizes.
    Gpt,
    /// Those from `gpt-image-2` on, with any size.
    GptOfAnySize,
}

/// The size of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub width: u16,
    pub height: u16,
}

/// Parameters that only GPT image models have.
const OF_GPT: [&str; 6] =
    ["background", "moderation", "output_compression", "output_format", "partial_images", "stream"];

/// What a picture costs in tokens by quality: a square, an upright and a lying one of the usual sizes. Recorded for
/// the first (`gpt-image-1`), documented for the others.
const OUTPUT_TOKENS: [(&str, [u64; 3]); 3] =
    [("high", [4160, 6240, 6208]), ("medium", [1056, 1584, 1568]), ("low", [272, 408, 400])];

const SQUARE: Size = Size { width: 1024, height: 1024 };
const UPRIGHT: Size = Size { width: 1024, height: 1536 };
const LYING: Size = Size { width: 1536, height: 1024 };

impl ImageModel {
    /// The model that a request for a new picture means.
    pub(super) fn of_generation(arguments: &Arguments<'_, '_>) -> Result<Self, Refusal> {
        Ok(match arguments.string("model")? {
            Some(name) => Self::named(name),
            None if OF_GPT.iter().any(|name| arguments.get(name).is_some()) => Self::Gpt,
            None => Self::DallE2,
        })
    }

    /// The model that a request to change a picture means.
    pub(super) fn of_edit(arguments: &Arguments<'_, '_>) -> Result<Self, Refusal> {
        match arguments.string("model")?.map(|name| (name, Self::named(name))) {
            Some((name, Self::DallE3)) => {
                let supported =
                    ["dall-e-2", "gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"];
                Err(Refusal::unsupported_choice("model", name, &supported))
            }
            Some((_, model)) => Ok(model),
            None => Ok(Self::Gpt),
        }
    }

    fn named(name: &str) -> Self {
        if name.starts_with("dall-e-3") {
            Self::DallE3
        } else if name.starts_with("dall-e") {
            Self::DallE2
        } else if name.starts_with("gpt-image-2") {
            Self::GptOfAnySize
        } else {
            Self::Gpt
        }
    }

    /// Whether it is a GPT image model.
    pub(super) fn is_gpt(self) -> bool {
        matches!(self, Self::Gpt | Self::GptOfAnySize)
    }

    /// The parameters of both endpoints that it has.
    pub(super) fn parameters(self) -> Vec<&'static str> {
        let mut names = vec!["prompt", "model", "n", "quality", "size", "user"];
        if self.is_gpt() {
            names.extend(OF_GPT);
        }
        names
    }

    /// How long a prompt may be, in characters.
    pub(super) fn longest_prompt(self) -> usize {
        match self {
            Self::DallE2 => 1_000,
            Self::DallE3 => 4_000,
            Self::Gpt | Self::GptOfAnySize => 32_000,
        }
    }

    /// How many pictures it makes at a time.
    pub(super) fn most_pictures(self) -> i64 {
        if self == Self::DallE3 { 1 } else { 10 }
    }

    /// How many pictures it looks at.
    pub(super) fn most_inputs(self) -> usize {
        if self.is_gpt() { 16 } else { 1 }
    }

    /// The qualities it can be asked for.
    pub(super) fn qualities(self) -> &'static [&'static str] {
        match self {
            Self::DallE2 => &["standard", "auto"],
            Self::DallE3 => &["standard", "hd", "auto"],
            Self::Gpt | Self::GptOfAnySize => &["low", "medium", "high", "auto"],
        }
    }

    /// Reads `size`.
    pub(super) fn read_size(self, arguments: &Arguments<'_, '_>) -> Result<Size, Refusal> {
        let sizes: &[&'static str] = match self {
            Self::DallE2 => &["256x256", "512x512", "1024x1024"],
            Self::DallE3 => &["1024x1024", "1792x1024", "1024x1792"],
            Self::Gpt => &["1024x1024", "1024x1536", "1536x1024", "auto"],
            Self::GptOfAnySize => return read_any_size(arguments),
        };
        let size = arguments.choice("size", sizes)?.unwrap_or("auto");
        Ok(Size::parse(size).unwrap_or(SQUARE))
    }
}

/// Reads a size of which only the limits are given.
fn read_any_size(arguments: &Arguments<'_, '_>) -> Result<Size, Refusal> {
    let text = match arguments.string("size")? {
        None | Some("auto") => return Ok(SQUARE),
        Some(text) => text,
    };
    let refuse = |why: &str| {
        let message = format!("Invalid size '{text}'. {why}");
        Err(Refusal::about("size", message).with_code("invalid_value"))
    };
    let Some(size) = Size::parse(text) else {
        return refuse("Expected a size such as '1536x864', or 'auto'.");
    };
    let Size { width, height } = size;
    if width % 16 != 0 || height % 16 != 0 {
        return refuse("Width and height must both be divisible by 16.");
    }
    let (longer, shorter) = (width.max(height), width.min(height));
    if u32::from(longer) > 3 * u32::from(shorter) {
        return refuse("The aspect ratio must be between 1:3 and 3:1.");
    }
    if longer > 3840 || size.n_pixels() > 3840 * 2160 {
        return refuse("The maximum supported resolution is 3840x2160.");
    }
    Ok(size)
}

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once('x')?;
        let number = |text: &str| text.parse().ok().filter(|pixels| *pixels > 0);
        Some(Self { width: number(width)?, height: number(height)? })
    }

    fn n_pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The tokens of a picture of this size: for an unusual one, as many more or less as it has pixels.
    pub(super) fn tokens(self, quality: &str) -> u64 {
        let Some((_, [square, upright, lying])) = OUTPUT_TOKENS.iter().find(|(name, _)| *name == quality)
        else {
            return 0;
        };
        match self {
            SQUARE => *square,
            UPRIGHT => *upright,
            LYING => *lying,
            other => (square * other.n_pixels()).div_ceil(SQUARE.n_pixels()),
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Reads how pictures are to be written, and holds it against what was asked for besides.
pub(super) fn read_format(arguments: &Arguments<'_, '_>) -> Result<PictureFormat, Refusal> {
    let formats = [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::Webp];
    let name = arguments.choice("output_format", &formats.map(PictureFormat::name))?;
    let format = formats.into_iter().find(|format| Some(format.name()) == name).unwrap_or(PictureFormat::Png);
    let compression = arguments.integer("output_compression", 0..=100)?;
    if format == PictureFormat::Png && compression.is_some_and(|compression| compression < 100) {
        let message = "Compression less than 100 is not supported for PNG output format";
        return Err(Refusal::about("output_compression", message).with_code("invalid_value"));
    }
    Ok(format)
}
