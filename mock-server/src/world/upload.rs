//! A file on its way in, and its lines when it has come in.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;

use super::blob::{Blob, BlobDir, BlobWriter};
use crate::input::{Digest, Line, LineContent, LineOutcome, LineRules, Reading, Scan, Scanner};
use crate::responder::Responder;

/// A file on its way in: its bytes go to disk and past the scanner, each once.
#[derive(Debug)]
pub(crate) struct Incoming {
    writer: BlobWriter,
    scanner: Scanner,
}

/// A file that has come in.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Its bytes.
    pub(crate) blob: Blob,
    /// What they are as the input of a batch. Known for every file, since the purpose may come after the
    /// bytes.
    pub(crate) scan: Scan,
}

/// Reads lines of an upload in any order, one at a time.
#[derive(Debug)]
pub(super) struct LineReader {
    file: std::fs::File,
    line: Vec<u8>,
}

impl Incoming {
    /// Begins a file, whose lines this responder may be asked to answer.
    pub(crate) fn new(blobs: &Arc<BlobDir>, responder: Arc<Responder>, max_line: usize) -> io::Result<Self> {
        Ok(Self { writer: blobs.create()?, scanner: Scanner::new(responder, max_line) })
    }

    /// Takes the next bytes, in pieces. Blocks on the disk.
    pub(crate) fn push(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            self.scanner.push(piece);
        }
        self.writer.write_pieces(pieces)
    }

    /// Ends the file. Blocks on the disk.
    pub(crate) fn finish(self) -> io::Result<Upload> {
        Ok(Upload { blob: self.writer.finish()?, scan: self.scanner.finish() })
    }
}

impl Upload {
    /// How each line is asked to end by these rules, in the order of [`Scan::lines`]. Blocks on the disk if
    /// names of lines were not kept.
    pub(super) fn outcomes(&self, rules: &LineRules) -> io::Result<Vec<LineOutcome>> {
        let mut reader: Option<LineReader> = None;
        let mut outcome = |line: &Line| {
            let LineContent::Request(request) = &line.content else { return Ok(LineOutcome::Natural) };
            let model = request.model.and_then(|model| self.scan.models.get_index(usize::from(model)));
            let model = model.map(String::as_str);
            if let Some(digest) = self.digest(line) {
                return Ok(rules.outcome(digest.custom_id, model));
            }
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(self.reader()?),
            };
            Ok(rules.outcome(&reader.read(line)?.custom_id, model))
        };
        self.scan.lines.iter().map(&mut outcome).collect()
    }

    /// What was kept of a line, if it was.
    pub(super) fn digest(&self, line: &Line) -> Option<Digest<'_>> {
        match &line.content {
            LineContent::Request(request) => request.digest.map(|place| self.scan.digests.get(place)),
            LineContent::Unusable(_) => None,
        }
    }

    /// Opens the file to read lines again.
    pub(super) fn reader(&self) -> io::Result<LineReader> {
        Ok(LineReader { file: self.blob.open()?, line: Vec::new() })
    }
}

impl LineReader {
    /// Reads a line that was read well once.
    pub(super) fn read(&mut self, line: &Line) -> io::Result<Reading<'_>> {
        self.line.resize(line.len as usize, 0);
        self.file.seek(SeekFrom::Start(line.range().start))?;
        self.file.read_exact(&mut self.line)?;
        let text = std::str::from_utf8(&self.line).map_err(io::Error::other)?;
        Reading::new(text).map_err(|problem| io::Error::other(problem.message()))
    }
}
