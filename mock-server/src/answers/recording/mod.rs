//! Answers that were recorded: result files, as they were downloaded from the service, given again.
//!
//! A [`Recording`] is an index of the lines of result files. Their bodies stay in the files, which are read again when
//! an answer is given. By itself a recording is asked by `custom_id`; with the input that belongs to it, by the request:
//! its lines are joined to the results by `custom_id`, and what then is looked for is an equal body.

mod canonical;
mod reading;
mod replaying;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

pub(crate) use canonical::digest;
pub(crate) use replaying::{RecordingReader, Replayed};
use xxhash_rust::xxh3::xxh3_128;

/// Results that were recorded from the service, to be given again.
///
/// It is cheap to clone. The files must stay as they are while it is in use.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use batchmock::{MockServer, Recording};
///
/// let recording = Recording::open(["output.jsonl", "error.jsonl"])?.with_input(["input.jsonl"])?;
/// for problem in recording.problems() {
///     eprintln!("{problem}");
/// }
/// let server = MockServer::builder().recording(recording).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Recording(Arc<Source>);

/// Where a recording comes from, and what is known of it.
#[derive(Debug)]
struct Source {
    results: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
    /// Of the index.
    fingerprint: u128,
    /// Read when somebody asks, if the recording was known when the server last ran.
    index: OnceLock<Index>,
}

/// What becomes of a request for which nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unrecorded {
    /// It fails, with status 404 and code `no_recording`.
    #[default]
    Fails,
    /// It is answered as if there were no recordings.
    IsAnswered,
}

/// Something in a file that cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingProblem {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No line of a file can be used. Most often the file is another than was meant.
    #[error("no line can be replayed; {0}")]
    Unusable(RecordingProblem),
    /// A file has no lines.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
}

/// What is known of the lines of result files.
#[derive(Debug, Clone, Default)]
struct Index {
    files: Vec<PathBuf>,
    /// Of the names and requests and of what they got, in their order.
    fingerprint: u128,
    entries: Vec<Entry>,
    by_name: HashMap<u128, u32>,
    /// Digest of the request, digest of the name, entry; in this order. Only of a recording that has an input.
    by_request: Option<Vec<(u128, u128, u32)>>,
    problems: Vec<RecordingProblem>,
    n_unfinished: usize,
}

/// One result.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Its file.
    file: u16,
    line: u32,
    /// Where what is given again begins in the file, and how long it is.
    start: u64,
    len: u32,
    kind: Kind,
    /// Of what is given again, to see whether it is still there.
    checksum: u64,
}

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A response; what is given again is its body.
    Response { status: u16 },
    /// No response; what is given again is the reason.
    Error,
}

/// A place in a list of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordedAt {
    recording: u16,
    entry: u32,
    /// Whether a line with this result fails.
    pub(crate) fails: bool,
}

/// What recordings know of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Its result.
    At(RecordedAt),
    /// Nothing.
    Nothing,
    /// Nobody has asked them about such requests.
    OutOfScope,
}

impl Recording {
    /// Reads result files: the output and the error file of a batch, or several, in the order in which they are looked
    /// into. Results are then found by `custom_id`.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or none of its lines can be replayed.
    pub fn open<P: Into<PathBuf>>(results: impl IntoIterator<Item = P>) -> Result<Self, RecordingError> {
        let results: Vec<PathBuf> = results.into_iter().map(Into::into).collect();
        let index = Index::read(&results, &[])?;
        Ok(Self::of(results, Vec::new(), index))
    }

    /// The same results, found by their requests, which are in these inputs.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or none of its lines is a request with a result.
    pub fn with_input<P: Into<PathBuf>>(
        self,
        inputs: impl IntoIterator<Item = P>,
    ) -> Result<Self, RecordingError> {
        let Source { results, inputs: before, .. } = &*self.0;
        let mut index = match self.0.index.get() {
            Some(index) => index.clone(),
            None => Index::read(results, before)?,
        };
        let (results, mut all) = (results.clone(), before.clone());
        for file in inputs {
            let file = file.into();
            index.read_input(&file)?;
            all.push(file);
        }
        Ok(Self::of(results, all, index))
    }

    fn of(results: Vec<PathBuf>, inputs: Vec<PathBuf>, index: Index) -> Self {
        let fingerprint = index.fingerprint;
        Self(Arc::new(Source { results, inputs, fingerprint, index: OnceLock::from(index) }))
    }

    /// A recording that was known when the server last ran. Nothing is read yet.
    pub(crate) fn known(results: Vec<PathBuf>, inputs: Vec<PathBuf>, fingerprint: u128) -> Self {
        Self(Arc::new(Source { results, inputs, fingerprint, index: OnceLock::new() }))
    }

    /// What it is known by: the files of results, those of inputs, and what tells whether they are what they were.
    pub(crate) fn origin(&self) -> (&[PathBuf], &[PathBuf], u128) {
        let Source { results, inputs, fingerprint, index: _ } = &*self.0;
        (results, inputs, *fingerprint)
    }

    /// What is known of its lines. Blocks on the disk if they have not been read yet.
    fn index(&self) -> io::Result<&Index> {
        let Source { results, inputs, fingerprint, index } = &*self.0;
        if let Some(index) = index.get() {
            return Ok(index);
        }
        let read = Index::read(results, inputs).map_err(io::Error::other)?;
        if read.fingerprint != *fingerprint {
            let names: Vec<_> = results.iter().chain(inputs).map(|file| file.display().to_string()).collect();
            let names = names.join(", ");
            return Err(io::Error::other(format!(
                "the recording {names} has changed since a batch was created with it"
            )));
        }
        Ok(index.get_or_init(|| read))
    }

    /// The lines that cannot be used, in the order in which they were met.
    pub fn problems(&self) -> &[RecordingProblem] {
        self.0.index.get().map_or(&[], |index| &index.problems)
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.0.index.get().map_or(0, |index| index.entries.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lines say that their batch expired or was cancelled before they ran. Nothing was recorded of these.
    pub fn n_unfinished(&self) -> usize {
        self.0.index.get().map_or(0, |index| index.n_unfinished)
    }

    /// Whether it is asked by request, and not by name.
    pub(crate) fn goes_by_request(&self) -> bool {
        !self.0.inputs.is_empty()
    }
}

impl Index {
    fn read(results: &[PathBuf], inputs: &[PathBuf]) -> Result<Self, RecordingError> {
        let mut index = Self::default();
        for file in results {
            index.read_results(file)?;
        }
        for file in inputs {
            index.read_input(file)?;
        }
        Ok(index)
    }

    /// The result for a name, or for the digest of a request.
    fn find(&self, custom_id: Option<&str>, request: Option<u128>) -> Option<u32> {
        let Some(by_request) = &self.by_request else {
            return self.by_name.get(&name_digest(custom_id?)).copied();
        };
        let request = request?;
        let first = by_request.partition_point(|(other, _, _)| *other < request);
        let same = by_request[first..].iter().take_while(|(other, _, _)| *other == request);
        // Of several with the same request the one with the same name, or else the first.
        let name = custom_id.map(name_digest);
        let named = same.clone().find(|(_, other, _)| Some(*other) == name);
        named.or_else(|| same.min_by_key(|(_, _, entry)| *entry)).map(|(_, _, entry)| *entry)
    }

    /// Whether a line with this result fails.
    fn fails(&self, entry: u32) -> bool {
        match self.entries[entry as usize].kind {
            Kind::Response { status } => !(200..400).contains(&status),
            Kind::Error => true,
        }
    }

    /// Lets the fingerprint depend on this, too.
    fn note(&mut self, numbers: [u128; 3]) {
        let before = self.fingerprint;
        let bytes: Vec<u8> =
            [before].iter().chain(&numbers).flat_map(|number| number.to_le_bytes()).collect();
        self.fingerprint = xxh3_128(&bytes);
    }
}

/// What the recordings, in their order, know of a request.
pub(crate) fn find(
    recordings: &[Recording],
    custom_id: Option<&str>,
    request: Option<u128>,
) -> io::Result<Found> {
    let mut found = Found::OutOfScope;
    for (recording, place) in recordings.iter().zip(0..) {
        if !recording.goes_by_request() && custom_id.is_none() {
            continue;
        }
        found = Found::Nothing;
        let index = recording.index()?;
        if let Some(entry) = index.find(custom_id, request) {
            return Ok(Found::At(RecordedAt { recording: place, entry, fails: index.fails(entry) }));
        }
    }
    Ok(found)
}

fn name_digest(custom_id: &str) -> u128 {
    xxh3_128(custom_id.as_bytes())
}

impl fmt::Display for RecordingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file.display(), self.line, self.problem)
    }
}
