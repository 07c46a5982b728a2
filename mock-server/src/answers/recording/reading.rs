//! From files to an index.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::canonical::digest;
use super::{Entry, Index, Kind, RecordingError, RecordingProblem, name_digest};
use crate::input::Reading;

/// How long a line may be: what a line of a result may take of the memory while it is read.
const MAX_LINE: usize = 512 * 1024 * 1024;

/// A line of a result file, as far as it is looked at.
#[derive(Deserialize)]
struct ResultLine<'l> {
    #[serde(borrow, default)]
    custom_id: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    response: Option<Response<'l>>,
    #[serde(borrow, default)]
    error: Option<&'l RawValue>,
    /// A request has one, and a result has none.
    #[serde(borrow, default)]
    method: Option<&'l RawValue>,
}

#[derive(Deserialize)]
struct Response<'l> {
    status_code: Option<u16>,
    #[serde(borrow)]
    body: Option<&'l RawValue>,
}

#[derive(Deserialize)]
struct LineError<'l> {
    #[serde(borrow)]
    code: Option<Cow<'l, str>>,
}

/// What a line of a result file is.
enum Told<'l> {
    Result {
        custom_id: Cow<'l, str>,
        kind: Kind,
        given: &'l str,
    },
    /// Its batch ended before it ran.
    Unfinished,
}

impl Index {
    /// Adds the results in a file.
    pub(super) fn read_results(&mut self, path: &Path) -> Result<(), RecordingError> {
        let file = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        self.files.push(path.to_owned());
        let (n_entries, n_unfinished, n_problems) = self.counts();
        let mut has_lines = false;
        for_each_line(path, |line, number, start| {
            has_lines = true;
            let told = match std::str::from_utf8(line)
                .map_err(|_| "it is not UTF-8".to_owned())
                .and_then(read_result)
            {
                Ok(told) => told,
                Err(problem) => return self.add_problem(path, number, problem),
            };
            let Told::Result { custom_id, kind, given } = told else {
                self.n_unfinished += 1;
                return;
            };
            let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let name = name_digest(&custom_id);
            if let Some(earlier) = self.by_name.get(&name) {
                let Entry { file, line, .. } = self.entries[*earlier as usize];
                let file = self.files[usize::from(file)].display();
                let problem =
                    format!("`{custom_id}` has a result already, in {file}, line {line}, which is taken");
                return self.add_problem(path, number, problem);
            }
            let offset = given.as_ptr() as usize - line.as_ptr() as usize;
            self.by_name.insert(name, place);
            let status = if let Kind::Response { status } = kind { u128::from(status) + 1 } else { 0 };
            self.note([name, status, xxh3_128(given.as_bytes())]);
            self.entries.push(Entry {
                file,
                line: u32::try_from(number).unwrap_or(u32::MAX),
                start: start + offset as u64,
                len: u32::try_from(given.len()).unwrap_or(u32::MAX),
                kind,
                checksum: xxh3_64(given.as_bytes()),
            });
        })?;
        let is_used = (self.entries.len(), self.n_unfinished) != (n_entries, n_unfinished);
        match self.problems.get(n_problems) {
            Some(first) if !is_used => Err(RecordingError::Unusable(first.clone())),
            // An error file may well be empty, but nobody downloads one.
            None if !has_lines => Err(RecordingError::Empty(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// Joins the requests in a file to the results.
    pub(super) fn read_input(&mut self, path: &Path) -> Result<(), RecordingError> {
        let n_problems = self.problems.len();
        let mut by_request = self.by_request.take().unwrap_or_default();
        let n_joined = by_request.len();
        let mut has_lines = false;
        let mut first_without_result = None;
        for_each_line(path, |line, number, _| {
            has_lines = true;
            let read = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned());
            let reading = read.and_then(|text| Reading::new(text).map_err(|problem| problem.message()));
            match reading {
                Err(problem) => self.add_problem(path, number, problem),
                Ok(reading) => {
                    let name = name_digest(&reading.custom_id);
                    let Some(entry) = self.by_name.get(&name) else {
                        first_without_result.get_or_insert((number, reading.custom_id.into_owned()));
                        return;
                    };
                    let path = reading.endpoint.map_or("", crate::endpoint::Endpoint::path);
                    let (request, entry) = (digest(path, &reading.body), *entry);
                    by_request.push((request, name, entry));
                    self.note([request, name, u128::from(entry)]);
                }
            }
        })?;
        let is_used = by_request.len() > n_joined;
        by_request.sort_unstable();
        self.by_request = Some(by_request);
        if is_used {
            return Ok(());
        }
        let problem = |line, problem| RecordingProblem { file: path.to_owned(), line, problem };
        Err(match (self.problems.get(n_problems), first_without_result) {
            (Some(first), _) => RecordingError::Unusable(first.clone()),
            (None, Some((number, name))) => RecordingError::Unusable(problem(
                number,
                format!("`{name}` has no result in the files before, and no other request has one"),
            )),
            (None, None) => RecordingError::Empty(path.to_owned()),
        })
    }

    fn counts(&self) -> (usize, usize, usize) {
        (self.entries.len(), self.n_unfinished, self.problems.len())
    }

    fn add_problem(&mut self, path: &Path, line: u64, problem: String) {
        self.problems.push(RecordingProblem { file: path.to_owned(), line, problem });
    }
}

/// Reads one line of a result file.
fn read_result(line: &str) -> Result<Told<'_>, String> {
    let ResultLine { custom_id, response, error, method } = serde_json::from_str(line).map_err(|error| {
        // There is one line only.
        let told = error.to_string();
        let told = told.rsplit_once(" at line 1").map_or(told.as_str(), |(told, _)| told);
        format!("it is no JSON of a result: {told} at column {}", error.column())
    })?;
    if method.is_some() {
        return Err("it is a request, not a result: inputs are named apart".to_owned());
    }
    let custom_id = custom_id.ok_or("it has no `custom_id`")?;
    if let Some(Response { status_code, body }) = response {
        let status = status_code.ok_or("its `response` has no `status_code`")?;
        let body = body.ok_or("its `response` has no `body`")?;
        return Ok(Told::Result { custom_id, kind: Kind::Response { status }, given: body.get() });
    }
    let error = error.ok_or("it has neither a `response` nor an `error`")?.get();
    let LineError { code } =
        serde_json::from_str(error).map_err(|_| "its `error` is no object with a `code`".to_owned())?;
    match code.as_deref() {
        // F-357, F-358.
        Some("batch_expired" | "batch_cancelled") => Ok(Told::Unfinished),
        Some(_) => Ok(Told::Result { custom_id, kind: Kind::Error, given: error }),
        None => Err("its `error` has no `code`".to_owned()),
    }
}

/// Hands over the lines of a file that are not blank, each with its number and where it begins.
fn for_each_line(path: &Path, mut each: impl FnMut(&[u8], u64, u64)) -> Result<(), RecordingError> {
    let failure = |error| RecordingError::Unreadable { file: path.to_owned(), error };
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failure)?);
    let (mut line, mut start) = (Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let n_read =
            std::io::Read::take(&mut file, MAX_LINE as u64).read_until(b'\n', &mut line).map_err(failure)?;
        if n_read == 0 {
            break;
        }
        if n_read == MAX_LINE {
            let error = std::io::Error::other(format!("line {number} is longer than {MAX_LINE} bytes"));
            return Err(failure(error));
        }
        // Some editors put a mark of the byte order first.
        let mark = if start == 0 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = &line[mark..];
        if !text.trim_ascii().is_empty() {
            each(text, number, start + mark as u64);
        }
        start += n_read as u64;
    }
    Ok(())
}
