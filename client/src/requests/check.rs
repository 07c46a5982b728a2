//! Reading an input: where its lines are, what they are for, and what is wrong with them.

mod line;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::Problem;
use crate::error::{Error, Kind, Result};
use crate::run::Limits;
use line::{Found, Wrong};

/// How an input is held against what the service asks of it.
///
/// ```no_run
/// use batchmock_client::requests::Checks;
///
/// let checked = Checks { is_one_batch: true, ..Checks::default() }.file("requests.jsonl")?;
/// println!("{} requests", checked.requests());
/// # Ok::<(), batchmock_client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// Whether the file is uploaded as it is and made one batch of: then it is for one endpoint and one model, keeps
    /// the limits as a whole, and its first line is a request. A [run](crate::Client::run_file) divides what it is
    /// given, and asks for none of this.
    pub is_one_batch: bool,
    /// How much a batch may hold.
    pub limits: Limits,
    /// Whether requests may be for endpoints that the Batch API does not have, as those of compatible servers may. What
    /// belongs into a body is not known of these.
    pub any_endpoint: bool,
    /// How many problems are told of at most. Reading ends with the last of them.
    pub max_problems: usize,
}

impl Default for Checks {
    fn default() -> Self {
        Self { is_one_batch: false, limits: Limits::default(), any_endpoint: false, max_problems: 100 }
    }
}

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
/// `custom_id` that no other line has, method `POST`, a `url` that is an endpoint of the Batch API, and a `body` with a
/// model, and with messages where it is a chat. Blank lines are passed over. [`Checks`] says otherwise.
///
/// This reads a whole file and does not wait for anything else; from async code, call it on a blocking thread.
///
/// # Errors
///
/// If the file cannot be read, or has problems: then [`Error::problems`] tells the first hundred.
pub fn check_file(path: impl AsRef<Path>) -> Result<Checked> {
    Checks::default().file(path)
}

impl Checks {
    /// Reads an input, as [`check_file`] does, and holds it against this.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has problems.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<Checked> {
        let path = path.as_ref();
        let at = |error| Error::io(path, error);
        let mut reader = BufReader::with_capacity(256 * 1024, File::open(path).map_err(at)?);
        let mut scan = Scan::new(self);
        let mut line = Vec::new();
        while scan.problems.len() < self.max_problems.max(1) {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(at)? == 0 {
                break;
            }
            scan.line(&line);
        }
        scan.checked()
    }
}

struct Scan<'a> {
    checks: &'a Checks,
    lines: Vec<Line>,
    groups: Vec<(String, String)>,
    by_name: HashMap<u128, u32>,
    /// The number of each line that counts, since blank ones do not.
    numbers: Vec<u32>,
    problems: Vec<Problem>,
    digest: Xxh3,
    number: u64,
    offset: u64,
    embeddings: u32,
}

impl<'a> Scan<'a> {
    fn new(checks: &'a Checks) -> Self {
        Self {
            checks,
            lines: Vec::new(),
            groups: Vec::new(),
            by_name: HashMap::new(),
            numbers: Vec::new(),
            problems: Vec::new(),
            digest: Xxh3::new(),
            number: 0,
            offset: 0,
            embeddings: 0,
        }
    }

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
            if self.checks.is_one_batch {
                let message = "the file begins with a byte order mark, with which its first line is no JSON";
                self.problem(Wrong::new(1, format!("{message}; save it as UTF-8 without one")));
            }
        }
        let length = text.len();
        let text = text.trim_ascii_end();
        if text.is_empty() {
            if self.checks.is_one_batch && self.number == 1 {
                let message = "the first line is blank; the service wants a request there";
                self.problem(Wrong::new(1, message));
            }
            return;
        }
        if let Err(wrong) = self.request(text, offset, length) {
            self.problem(wrong);
        }
    }

    /// Takes a line that is not blank.
    fn request(&mut self, text: &[u8], offset: u64, length: usize) -> Result<(), Wrong> {
        let found = Found::read(text, self.checks.any_endpoint)?;
        let Limits { bytes, embeddings, .. } = self.checks.limits;
        let Some(length) = u32::try_from(length).ok().filter(|length| u64::from(*length) <= bytes) else {
            let message = format!("the request has {length} bytes, and a batch {bytes} at most");
            return Err(Wrong::new(1, message));
        };
        if found.embeddings > embeddings {
            let has = found.embeddings;
            let message = format!("the request has {has} texts to embed, and a batch {embeddings} at most");
            return Err(found.about_body(message));
        }
        if self.checks.is_one_batch {
            self.fits_the_batch(&found)?;
        }
        let at = u32::try_from(self.lines.len())
            .map_err(|_| Wrong::new(1, "there are more lines than can be counted"))?;
        match self.by_name.entry(name_digest(&found.custom_id)) {
            Entry::Vacant(place) => _ = place.insert(at),
            Entry::Occupied(first) => {
                let first = self.numbers[*first.get() as usize];
                let name = &found.custom_id;
                return Err(found.about_name(format!("custom_id {name:?} is that of line {first} already")));
            }
        }
        let group = self.group(&found);
        self.numbers.push(u32::try_from(self.number).unwrap_or(u32::MAX));
        self.lines.push(Line { offset, length, group, embeddings: found.embeddings });
        let before = self.embeddings;
        self.embeddings = before.saturating_add(found.embeddings);
        if self.checks.is_one_batch { self.crosses_no_limit(before, &found) } else { Ok(()) }
    }

    /// Whether all limits are kept with the last line, or one was not before it, which was told then.
    fn crosses_no_limit(&self, embeddings_before: u32, found: &Found<'_>) -> Result<(), Wrong> {
        let Limits { requests, bytes, embeddings, .. } = self.checks.limits;
        if self.lines.len() as u64 == u64::from(requests) + 1 {
            return Err(Wrong::new(
                1,
                format!("a batch has {requests} requests at most, and this is one more"),
            ));
        }
        if self.offset > bytes && self.offset - u64::from(self.lines[self.lines.len() - 1].length) <= bytes {
            return Err(Wrong::new(
                1,
                format!("a file has {bytes} bytes at most, and with this line it has more"),
            ));
        }
        if embeddings_before <= embeddings && self.embeddings > embeddings {
            let message = format!("a batch embeds {embeddings} texts at most, and with this line it is more");
            return Err(found.about_body(message));
        }
        Ok(())
    }

    /// Whether a request can be in one batch with those before it.
    fn fits_the_batch(&self, found: &Found<'_>) -> Result<(), Wrong> {
        let Some((endpoint, model)) = self.groups.first() else { return Ok(()) };
        let first = self.numbers[0];
        if found.url != *endpoint {
            let url = &found.url;
            let message = format!("url is {url:?}, that of line {first} is {endpoint:?}; a batch has one");
            return Err(found.about_url(message));
        }
        if found.model != *model {
            let other = &found.model;
            let message =
                format!("body.model is {other:?}, that of line {first} is {model:?}; a batch has one");
            return Err(found.about_model(message));
        }
        Ok(())
    }

    fn group(&mut self, found: &Found<'_>) -> u32 {
        let is_it = |(url, model): &(String, String)| *url == found.url && *model == found.model;
        let at = self.groups.iter().position(is_it).unwrap_or_else(|| {
            self.groups.push((found.url.clone().into_owned(), found.model.clone().into_owned()));
            self.groups.len() - 1
        });
        u32::try_from(at).expect("there are no more groups than lines")
    }

    fn problem(&mut self, Wrong { column, message }: Wrong) {
        self.problems.push(Problem { line: self.number, column, message });
    }

    fn checked(self) -> Result<Checked> {
        let Self { lines, groups, by_name, numbers, mut problems, digest, number, offset, .. } = self;
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
