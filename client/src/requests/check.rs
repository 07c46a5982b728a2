//! Reading an input: where its lines are, what they are for, and what is wrong with them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::Problem;
use crate::error::{Error, Kind, Result};

/// How many problems are told of at most.
const MOST_PROBLEMS: usize = 100;

/// An input in which no problem was found. Of each line it keeps a few dozen bytes.
#[derive(Debug)]
pub struct Checked {
    pub(crate) lines: Vec<Line>,
    /// The number of each line in the file, where blank ones count as well.
    pub(crate) numbers: Vec<u32>,
    /// Pairs of endpoint and model, in the order in which they first appear.
    pub(crate) groups: Vec<(String, String)>,
    /// From the digest of a name to the line that bears it.
    pub(crate) by_name: HashMap<u128, u32>,
    pub(crate) digest: u128,
    pub(crate) bytes: u64,
}

/// A line of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) offset: u64,
    /// With the line end.
    pub(crate) length: u32,
    pub(crate) group: u32,
    /// How many texts an embedding is asked of; 0 for other endpoints.
    pub(crate) embeddings: u32,
}

impl Checked {
    /// How many requests there are.
    pub fn requests(&self) -> usize {
        self.lines.len()
    }

    /// How many bytes the input has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The endpoints and models asked for, in the order in which they first appear.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().map(|(endpoint, model)| (endpoint.as_str(), model.as_str()))
    }
}

/// What joins a result to its request.
pub(crate) fn name_digest(custom_id: &str) -> u128 {
    xxh3_128(custom_id.as_bytes())
}

/// Reads an input and holds every line against what the service asks of it: one JSON object a line, with a
/// `custom_id` that no other line has, method `POST`, a `url`, and a `body` with a model. Blank lines are passed over.
///
/// This reads a whole file and does not wait for anything else; from async code, call it on a blocking thread.
///
/// # Errors
///
/// If the file cannot be read, or has problems: then [`Error::problems`] tells the first hundred.
pub fn check_file(path: impl AsRef<Path>) -> Result<Checked> {
    let path = path.as_ref();
    let at = |error| Error::io(path, error);
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path).map_err(at)?);
    let mut scan = Scan::default();
    let mut line = Vec::new();
    while scan.problems.len() < MOST_PROBLEMS {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(at)? == 0 {
            break;
        }
        scan.line(&line);
    }
    scan.checked()
}

#[derive(Default)]
struct Scan {
    lines: Vec<Line>,
    groups: Vec<(String, String)>,
    by_name: HashMap<u128, u32>,
    /// The number of each line that counts, since blank ones do not.
    numbers: Vec<u32>,
    problems: Vec<Problem>,
    digest: Xxh3,
    number: u64,
    offset: u64,
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

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Embedding {
    #[serde(default)]
    input: Texts,
}

/// How many texts there are.
#[derive(Default)]
struct Texts(u32);

impl Scan {
    fn line(&mut self, line: &[u8]) {
        self.digest.update(line);
        self.number += 1;
        let mut offset = self.offset;
        self.offset += line.len() as u64;
        let mut text = line;
        if self.number == 1
            && let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf")
        {
            (text, offset) = (rest, offset + 3);
        }
        let length = text.len();
        let text = text.trim_ascii_end();
        if text.is_empty() {
            return;
        }
        match read(text) {
            Ok((custom_id, group, embeddings)) => {
                let Ok(length) = u32::try_from(length) else {
                    return self.problem(1, "the line is longer than any service takes".to_owned());
                };
                let Ok(at) = u32::try_from(self.lines.len()) else {
                    return self.problem(1, "there are more lines than can be counted".to_owned());
                };
                match self.by_name.entry(name_digest(&custom_id)) {
                    Entry::Vacant(place) => _ = place.insert(at),
                    Entry::Occupied(first) => {
                        let first = self.numbers[*first.get() as usize];
                        let message = format!("custom_id {custom_id:?} is that of line {first} already");
                        return self.problem(position(text, &custom_id), message);
                    }
                }
                let group = self.group(group);
                self.numbers.push(u32::try_from(self.number).unwrap_or(u32::MAX));
                self.lines.push(Line { offset, length, group, embeddings });
            }
            Err((column, message)) => self.problem(column, message),
        }
    }

    fn group(&mut self, group: (Cow<'_, str>, Cow<'_, str>)) -> u32 {
        let is_it = |(url, model): &(String, String)| *url == group.0 && *model == group.1;
        let at = self.groups.iter().position(is_it).unwrap_or_else(|| {
            self.groups.push((group.0.into_owned(), group.1.into_owned()));
            self.groups.len() - 1
        });
        u32::try_from(at).expect("there are no more groups than lines")
    }

    fn problem(&mut self, column: usize, message: String) {
        self.problems.push(Problem { line: self.number, column, message });
    }

    fn checked(self) -> Result<Checked> {
        let Self { lines, groups, by_name, numbers, mut problems, digest, number, offset } = self;
        if lines.is_empty() && problems.is_empty() {
            let message = "there is no request; there should be one JSON object a line".to_owned();
            problems.push(Problem { line: number.max(1), column: 1, message });
        }
        if !problems.is_empty() {
            return Err(Error::new(Kind::Input(problems)));
        }
        let digest = digest.digest128();
        Ok(Checked { lines, numbers, groups, by_name, digest, bytes: offset })
    }
}

type Group<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The name, the group and the number of embeddings of a line; or what is wrong with it, and at which column.
fn read(line: &[u8]) -> Result<(Cow<'_, str>, Group<'_>, u32), (usize, String)> {
    let text = std::str::from_utf8(line)
        .map_err(|error| (error.valid_up_to() + 1, "the line is not UTF-8".to_owned()))?;
    if !text.trim_start().starts_with('{') {
        return Err((1, "the line is no JSON object; it should begin with '{'".to_owned()));
    }
    let parts: Parts<'_> = serde_json::from_str(text)
        .map_err(|error| (error.column().max(1), format!("the line is not JSON: {}", plain(&error))))?;
    let custom_id = text_of(text, parts.custom_id, "custom_id", "such as \"request-1\"")?;
    if custom_id.is_empty() {
        return Err((column(text, parts.custom_id), "custom_id is empty; it names the result".to_owned()));
    }
    let method = text_of(text, parts.method, "method", "\"POST\"")?;
    if method != "POST" {
        let message = format!("method is {method:?}; it should be \"POST\"");
        return Err((column(text, parts.method), message));
    }
    let url = text_of(text, parts.url, "url", "such as \"/v1/chat/completions\"")?;
    let body = parts.body.ok_or_else(|| (1, "there is no body; it holds the request".to_owned()))?;
    if !body.get().starts_with('{') {
        return Err((column(text, parts.body), "body should be an object".to_owned()));
    }
    let wrong = |error: serde_json::Error| {
        let at = column(text, parts.body) + error.column().saturating_sub(1);
        (at, format!("body cannot be read: {}", plain(&error)))
    };
    let head: Head<'_> = serde_json::from_str(body.get()).map_err(wrong)?;
    if head.stream == Some(true) {
        return Err((column(text, parts.body), "body.stream is true; batches do not stream".to_owned()));
    }
    // Not every endpoint asks for a model.
    let model = head.model.unwrap_or_default();
    let embeddings = if url.ends_with("/embeddings") {
        serde_json::from_str::<Embedding>(body.get()).map_err(wrong)?.input.0
    } else {
        0
    };
    Ok((custom_id, (url, model), embeddings))
}

/// A field that has to be a text.
fn text_of<'a>(
    line: &'a str,
    value: Option<&'a RawValue>,
    name: &str,
    right: &str,
) -> Result<Cow<'a, str>, (usize, String)> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let value = value.ok_or_else(|| (1, format!("there is no {name}; it should be {right}")))?;
    if !value.get().starts_with('"') {
        let message = format!("{name} is {}; it should be a text, {right}", value.get());
        return Err((column(line, Some(value)), message));
    }
    match serde_json::from_str::<Text<'a>>(value.get()) {
        Ok(Text(text)) => Ok(text),
        Err(error) => Err((column(line, Some(value)), format!("{name} cannot be read: {}", plain(&error)))),
    }
}

/// Where a value stands in its line, counted from 1.
fn column(line: &str, value: Option<&RawValue>) -> usize {
    value.map_or(1, |value| value.get().as_ptr().addr() - line.as_ptr().addr() + 1)
}

/// Where a text first stands in a line, counted from 1.
fn position(line: &[u8], text: &str) -> usize {
    memchr::memmem::find(line, text.as_bytes()).map_or(1, |at| at + 1)
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
