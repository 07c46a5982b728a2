//! A pass over the bytes of an upload.

use std::collections::HashSet;
use std::hash::Hasher as _;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexSet;
use memchr::memchr_iter;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::Reading;
use super::line::RequestFacts;
use super::{Digest, Digests, Line, LineContent, Problem};
use crate::responder::{Request, Responder};

/// How many lines are kept, whatever a batch may have: enough for every limit one would set, and little
/// enough that a file of a hundred million empty objects does not fill the memory.
const MAX_LINES: usize = 1_000_000;

/// Reads an input as it passes by, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// How long a line may be.
    max_line: usize,
    /// The beginning of a line whose end has not come yet.
    unfinished: Vec<u8>,
    /// How much of it has been let go, since it is too long or nobody will read it.
    n_let_go: u64,
    /// Where the unfinished line begins.
    line_start: u64,
    /// The number of the unfinished line, counted from 1.
    line_number: u32,
    /// Fingerprints of the names seen so far.
    custom_ids: HashSet<u128>,
    scan: Scan,
}

/// What is kept of an input.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The lines that are not blank, in the order of the file, up to [`MAX_LINES`].
    pub(crate) lines: Vec<Line>,
    /// How many lines are not blank.
    pub(crate) n_lines: u64,
    /// The names of models, in the order in which they first occur.
    pub(crate) models: IndexSet<String>,
    /// The tokens of all prompts that their endpoints accept.
    pub(crate) input_tokens: u64,
    /// What is kept of its requests.
    pub(crate) digests: Digests,
    /// Why the file could not even be uploaded for a batch.
    pub(crate) fault: Option<UploadFault>,
}

/// Why a file cannot be uploaded for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadFault {
    /// Its first line is no JSON, or it is empty (F-117, F-118).
    NotJsonl,
    /// It is not UTF-8 (F-121).
    NotUtf8,
}

impl Scanner {
    /// A scanner that keeps what this responder will need of requests, and holds at most so many bytes of a line.
    pub(crate) fn new(responder: Arc<Responder>, max_line: usize) -> Self {
        Self {
            max_line,
            unfinished: Vec::new(),
            n_let_go: 0,
            line_start: 0,
            line_number: 1,
            custom_ids: HashSet::new(),
            scan: Scan {
                lines: Vec::new(),
                n_lines: 0,
                models: IndexSet::new(),
                input_tokens: 0,
                digests: Digests::new(responder),
                fault: None,
            },
        }
    }

    /// Reads the next chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        let mut consumed = 0;
        for end in memchr_iter(b'\n', chunk) {
            let piece = &chunk[consumed..end];
            if self.unfinished.is_empty() && self.n_let_go == 0 && piece.len() <= self.max_line {
                self.finish_line(piece, 1);
            } else {
                self.keep(piece);
                self.finish_unfinished(1);
            }
            consumed = end + 1;
            rest = &chunk[consumed..];
        }
        self.keep(rest);
    }

    /// Reads the last line, if no line end has come after it, and gives what is known.
    pub(crate) fn finish(mut self) -> Scan {
        if !self.unfinished.is_empty() || self.n_let_go > 0 {
            self.finish_unfinished(0);
        }
        if self.scan.n_lines == 0 && self.scan.fault.is_none() {
            self.scan.fault = Some(UploadFault::NotJsonl);
        }
        self.scan.lines.shrink_to_fit();
        self.scan.digests.shrink_to_fit();
        self.scan
    }

    /// Holds on to a piece of the unfinished line.
    fn keep(&mut self, piece: &[u8]) {
        let len = self.unfinished.len() + piece.len();
        if self.n_let_go > 0 || self.scan.fault.is_some() || len > self.max_line {
            self.n_let_go += len as u64;
            self.unfinished = Vec::new();
        } else {
            self.unfinished.extend_from_slice(piece);
        }
    }

    fn finish_unfinished(&mut self, line_end: usize) {
        let n_let_go = std::mem::take(&mut self.n_let_go);
        if n_let_go > 0 {
            self.finish_long_line(n_let_go, line_end as u64);
        } else {
            let mut line = std::mem::take(&mut self.unfinished);
            self.finish_line(&line, line_end);
            line.clear();
            self.unfinished = line;
        }
    }

    /// Notes a line of which nothing is known but its length.
    fn finish_long_line(&mut self, len: u64, line_end: u64) {
        let (start, number) = (self.line_start, self.line_number);
        self.line_start += len + line_end;
        self.line_number = number.saturating_add(1);
        if self.scan.fault.is_some() {
            return;
        }
        if number == 1 {
            self.scan.fault = Some(UploadFault::NotJsonl);
            return;
        }
        self.scan.n_lines += 1;
        if self.scan.lines.len() < MAX_LINES {
            let content = LineContent::Unusable(Problem::NotJson);
            self.scan.lines.push(Line { start, len: 0, number, content });
        }
    }

    fn finish_line(&mut self, line: &[u8], line_end: usize) {
        let (start, number) = (self.line_start, self.line_number);
        self.line_start += (line.len() + line_end) as u64;
        self.line_number = number.saturating_add(1);
        if self.scan.fault.is_some() {
            return;
        }

        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else {
            self.scan.fault = Some(UploadFault::NotUtf8);
            return;
        };
        if number == 1 && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            self.scan.fault = Some(UploadFault::NotJsonl);
            return;
        }
        if text.trim_ascii().is_empty() {
            return;
        }
        self.scan.n_lines += 1;
        if self.scan.lines.len() < MAX_LINES {
            let content = match u32::try_from(line.len()) {
                Ok(len) => (len, self.content(text)),
                Err(_) => (0, LineContent::Unusable(Problem::NotJson)),
            };
            self.scan.lines.push(Line { start, len: content.0, number, content: content.1 });
        }
    }

    fn content(&mut self, line: &str) -> LineContent {
        match Reading::new(line) {
            Err(problem) => LineContent::Unusable(problem),
            Ok(reading) => {
                let request = reading.request();
                let accepted = request.as_ref().and_then(|read| read.as_ref().ok());
                let tokens = accepted.map_or(0, Request::input_tokens);
                self.scan.input_tokens = self.scan.input_tokens.saturating_add(tokens);
                let digest = self.scan.digests.add(&reading, accepted);
                LineContent::Request(RequestFacts {
                    endpoint: reading.endpoint,
                    is_duplicate: !self.custom_ids.insert(fingerprint(&reading.custom_id)),
                    model: reading.model().map(|name| self.model(name)),
                    streams: reading.streams(),
                    has_messages: reading.has_messages(),
                    n_inputs: reading.n_inputs(),
                    is_refused: request.is_some_and(|request| request.is_err()),
                    digest,
                })
            }
        }
    }

    /// The place of a model's name. A batch has one model, so only the first few names matter: past 65,536
    /// different ones all further ones share the last place.
    fn model(&mut self, name: &str) -> u16 {
        let place = match self.scan.models.get_index_of(name) {
            Some(place) => place,
            None if u16::try_from(self.scan.models.len()).is_ok() => {
                self.scan.models.insert_full(name.to_owned()).0
            }
            None => usize::from(u16::MAX),
        };
        u16::try_from(place).unwrap_or(u16::MAX)
    }
}

impl Scan {
    /// What was kept of a line, if it was.
    pub(crate) fn digest(&self, line: &Line) -> Option<Digest<'_>> {
        match &line.content {
            LineContent::Request(request) => request.digest.map(|place| self.digests.get(place)),
            LineContent::Unusable(_) => None,
        }
    }
}

impl Line {
    /// Where the line stands in the file, without its line end.
    pub(crate) fn range(&self) -> Range<u64> {
        self.start..self.start + u64::from(self.len)
    }
}

/// 128 bits of a name: two names share them once in many ages.
fn fingerprint(custom_id: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(custom_id.as_bytes());
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INPUT: &str = concat!(
        r#"{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "text-embedding-3-small", "input": "猫"}}"#,
        "\r\n\n",
        r#"{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "text-embedding-3-small", "input": ["x", "y"]}}"#,
        "\n",
        "not json\n",
        r#"{"custom_id": "b~429", "method": "POST", "url": "/v1/nowhere", "body": {}}"#,
    );

    fn scan(chunks: &[&[u8]]) -> Scan {
        scan_with(1_000, chunks)
    }

    fn scan_with(max_line: usize, chunks: &[&[u8]]) -> Scan {
        let mut scanner = Scanner::new(Arc::default(), max_line);
        for chunk in chunks {
            scanner.push(chunk);
        }
        scanner.finish()
    }

    #[test]
    fn lines_are_found_where_they_stand() {
        let scan = scan(&[INPUT.as_bytes()]);
        let texts: Vec<_> = scan
            .lines
            .iter()
            .map(|line| {
                let place = |at: u64| usize::try_from(at).unwrap();
                &INPUT[place(line.range().start)..place(line.range().end)]
            })
            .collect();
        let expected: Vec<_> = INPUT.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(texts, expected);
        assert_eq!(scan.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!(scan.fault, None);
        insta::assert_debug_snapshot!(scan.lines);
    }

    #[test]
    fn a_file_whose_first_line_is_no_json_is_no_jsonl() {
        for text in ["", "\n", "prose\n", "\u{feff}{}\n"] {
            assert_eq!(scan(&[text.as_bytes()]).fault, Some(UploadFault::NotJsonl), "{text:?}");
        }
        assert_eq!(scan(&[b"{}\nprose"]).fault, None);
    }

    #[test]
    fn what_is_not_utf_8_is_found_wherever_it_is() {
        assert_eq!(scan(&[b"{}\n{}\n\"\xff\"\n"]).fault, Some(UploadFault::NotUtf8));
    }

    #[test]
    fn a_line_that_is_too_long_is_no_json_and_the_others_are_what_they_are() {
        let long = format!("{{}}\n\"{}\"\n{{}}\n", "a".repeat(2_000));
        for size in [1, 7, 999, 10_000] {
            let scan = scan(&long.as_bytes().chunks(size).collect::<Vec<_>>());
            let starts: Vec<_> = scan.lines.iter().map(|line| (line.number, line.range().start)).collect();
            assert_eq!(starts, [(1, 0), (2, 3), (3, 2_006)]);
            assert_eq!(scan.lines[1].content, LineContent::Unusable(Problem::NotJson));
            assert_eq!(scan.fault, None);
        }
        assert_eq!(scan(&[&[b'1'; 2_000]]).fault, Some(UploadFault::NotJsonl));
    }

    #[test]
    fn nothing_of_a_long_line_is_held() {
        let mut scanner = Scanner::new(Arc::default(), 1_000);
        for _ in 0..1_000 {
            scanner.push(&[b'a'; 1_000]);
            assert!(scanner.unfinished.capacity() <= 1_000);
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(cuts in proptest::collection::vec(0..INPUT.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, INPUT.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &INPUT.as_bytes()[cut[0]..cut[1]]).collect();
            for max_line in [10, 100, 1_000] {
                let whole = scan_with(max_line, &[INPUT.as_bytes()]);
                prop_assert_eq!(scan_with(max_line, &chunks).lines, whole.lines);
            }
        }

        #[test]
        fn any_bytes_can_be_scanned(bytes in any::<Vec<u8>>()) {
            let _ = scan(&[&bytes]);
        }
    }
}
