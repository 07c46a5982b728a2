//! Reading one line of an input. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The endpoints of the Batch API (F-231).
const ENDPOINTS: [&str; 8] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
];

/// What a line asks for.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) custom_id: Cow<'a, str>,
    pub(super) url: Cow<'a, str>,
    /// Empty if there is none, which not every endpoint of every server asks for.
    pub(super) model: Cow<'a, str>,
    /// How many texts are to be embedded; 0 for other endpoints.
    pub(super) embeddings: u32,
    columns: Columns,
}

/// Where the parts of a line stand, counted in bytes from 1.
#[derive(Debug)]
struct Columns {
    custom_id: usize,
    url: usize,
    model: usize,
    body: usize,
}

/// What is wrong with a line, and at which column.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) column: usize,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(column: usize, message: impl Into<String>) -> Self {
        Self { column, message: message.into() }
    }
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default)]
    custom_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// What is looked at in a body.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stream: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Embedding {
    #[serde(default)]
    input: Texts,
}

/// How many texts there are.
#[derive(Default)]
struct Texts(u32);

impl<'a> Found<'a> {
    /// Reads a line, and tells the first thing that is wrong with it.
    pub(super) fn read(line: &'a [u8], any_endpoint: bool) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(line)
            .map_err(|error| Wrong::new(error.valid_up_to() + 1, "the line is not UTF-8"))?;
        if !text.trim_start().starts_with('{') {
            return Err(Wrong::new(1, "the line is no JSON object; it should begin with '{'"));
        }
        let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| {
            // A field that stands there twice is JSON, and still nobody's meaning.
            let what = if error.is_data() { "cannot be read" } else { "is not JSON" };
            Wrong::new(error.column().max(1), format!("the line {what}: {}", plain(&error)))
        })?;
        let custom_id = text_of(text, parts.custom_id, "custom_id", "such as \"request-1\"", 1)?;
        if custom_id.is_empty() {
            let column = column(text, parts.custom_id);
            return Err(Wrong::new(column, "custom_id is empty; it names the result"));
        }
        let method = text_of(text, parts.method, "method", "\"POST\"", 1)?;
        if method != "POST" {
            let message = format!("method is {method:?}; it should be \"POST\"");
            return Err(Wrong::new(column(text, parts.method), message));
        }
        let url = text_of(text, parts.url, "url", "such as \"/v1/chat/completions\"", 1)?;
        let is_known = ENDPOINTS.contains(&&*url);
        if !is_known && !any_endpoint {
            return Err(Wrong::new(column(text, parts.url), no_endpoint(&url)));
        }
        let Some(raw_body) = parts.body else {
            return Err(Wrong::new(1, "there is no body; it holds the request"));
        };
        let at = column(text, parts.body);
        if !raw_body.get().starts_with('{') {
            return Err(Wrong::new(at, "body should be an object"));
        }
        let wrong = |error: serde_json::Error| {
            let message = format!("body cannot be read: {}", plain(&error));
            Wrong::new(at + error.column().saturating_sub(1), message)
        };
        let body: Body<'_> = serde_json::from_str(raw_body.get()).map_err(wrong)?;
        if body.stream.is_some_and(|stream| stream.get() == "true") {
            let column = column(text, body.stream);
            return Err(Wrong::new(column, "body.stream is true; batches do not stream"));
        }
        let model = match body.model {
            None if !is_known => Cow::Borrowed(""),
            model => text_of(text, model, "body.model", "the name of one, such as \"gpt-4o-mini\"", at)?,
        };
        if url == "/v1/chat/completions" && body.messages.is_none() {
            return Err(Wrong::new(at, "there are no body.messages; a chat begins with one"));
        }
        let embeddings = if url.ends_with("/embeddings") {
            serde_json::from_str::<Embedding>(raw_body.get()).map_err(wrong)?.input.0
        } else {
            0
        };
        let columns = Columns {
            custom_id: column(text, parts.custom_id),
            url: column(text, parts.url),
            model: body.model.map_or(at, |model| column(text, Some(model))),
            body: at,
        };
        Ok(Self { custom_id, url, model, embeddings, columns })
    }

    pub(super) fn about_name(&self, message: String) -> Wrong {
        Wrong::new(self.columns.custom_id, message)
    }

    pub(super) fn about_url(&self, message: String) -> Wrong {
        Wrong::new(self.columns.url, message)
    }

    pub(super) fn about_model(&self, message: String) -> Wrong {
        Wrong::new(self.columns.model, message)
    }

    pub(super) fn about_body(&self, message: String) -> Wrong {
        Wrong::new(self.columns.body, message)
    }
}

/// That a URL is no endpoint, with the one that may be meant.
fn no_endpoint(url: &str) -> String {
    let likeness = |endpoint: &&str| strsim::jaro_winkler(endpoint, url);
    // Who writes the whole address means its path.
    let meant = ENDPOINTS.into_iter().find(|endpoint| url.ends_with(endpoint)).unwrap_or_else(|| {
        let nearest = ENDPOINTS.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        nearest.expect("there are endpoints")
    });
    format!("url is {url:?}, which is no endpoint of the Batch API; is {meant:?} meant?")
}

/// A field that has to be a text. Where there is none, the column is that of what should hold it.
fn text_of<'a>(
    line: &'a str,
    value: Option<&'a RawValue>,
    name: &str,
    right: &str,
    otherwise: usize,
) -> Result<Cow<'a, str>, Wrong> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let value =
        value.ok_or_else(|| Wrong::new(otherwise, format!("there is no {name}; it should be {right}")))?;
    let column = column(line, Some(value));
    if !value.get().starts_with('"') {
        let message = format!("{name} is {}; it should be a text, {right}", shortened(value.get()));
        return Err(Wrong::new(column, message));
    }
    match serde_json::from_str::<Text<'a>>(value.get()) {
        Ok(Text(text)) => Ok(text),
        Err(error) => Err(Wrong::new(column, format!("{name} cannot be read: {}", plain(&error)))),
    }
}

/// A value in a message: all of it, or what kind it is.
fn shortened(value: &str) -> &str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        _ => value,
    }
}

/// Where a value stands in its line, counted from 1.
fn column(line: &str, value: Option<&RawValue>) -> usize {
    value.map_or(1, |value| value.get().as_ptr().addr() - line.as_ptr().addr() + 1)
}

/// What serde found, without the place, which is told apart.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an array")
    }

    fn visit_str<E>(self, _: &str) -> Result<Texts, E> {
        Ok(Texts(1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Item {
            Token(#[expect(dead_code, reason = "only that it is one matters")] u64),
            Text(IgnoredAny),
        }
        let (mut count, mut tokens) = (0, false);
        while let Some(item) = items.next_element::<Item>()? {
            count += 1;
            tokens |= matches!(item, Item::Token(_));
        }
        // An array of numbers is one text, given as its tokens.
        Ok(Texts(if tokens { 1 } else { count }))
    }
}
