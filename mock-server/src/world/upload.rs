//! A file on its way in, and its lines when it has come in.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::blob::{Blob, BlobDir, BlobWriter};
use crate::input::{Line, LineContent, LineOutcome, LineRules, Reading, Scan, Scanner, UploadFault};
use crate::responder::Responder;
use crate::store::Vault;

/// How much of a file is read at a time when it is scanned again.
const CHUNK: usize = 256 * 1024;

/// A file on its way in: its bytes go to disk and past the scanner, each once.
#[derive(Debug)]
pub(crate) struct Incoming {
    writer: BlobWriter,
    /// Where the file stays, if it is to outlive the server.
    vault: Option<Arc<Vault>>,
    scanning: Scanning,
    scanner: Scanner,
}

/// A file that has come in.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Its bytes.
    pub(crate) blob: Blob,
    scanning: Scanning,
    /// Known for every file that has come in, since the purpose may come after the bytes; of one that came when
    /// the server last ran, as soon as somebody asks.
    scan: OnceLock<Scan>,
    /// Held while scanning again, so that two who ask at once do the work once.
    turn: Mutex<()>,
}

/// How files are scanned.
#[derive(Debug, Clone)]
pub(crate) struct Scanning {
    /// Who may be asked to answer their lines.
    pub(crate) responder: Arc<Responder>,
    /// How long a line may be.
    pub(crate) max_line: usize,
}

/// Reads lines of an upload in any order, one at a time.
#[derive(Debug)]
pub(super) struct LineReader {
    file: std::fs::File,
    line: Vec<u8>,
}

impl Incoming {
    /// Begins a file. Blocks on the disk.
    pub(super) fn new(
        blobs: &Arc<BlobDir>,
        vault: Option<Arc<Vault>>,
        scanning: Scanning,
    ) -> io::Result<Self> {
        let scanner = scanning.scanner();
        Ok(Self { writer: blobs.create()?, vault, scanning, scanner })
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
        let Self { writer, vault, scanning, scanner } = self;
        let blob = match vault {
            None => writer.finish()?,
            Some(vault) => writer.finish_in(&vault)?,
        };
        Ok(Upload { blob, scanning, scan: OnceLock::from(scanner.finish()), turn: Mutex::default() })
    }
}

impl Scanning {
    fn scanner(&self) -> Scanner {
        Scanner::new(Arc::clone(&self.responder), self.max_line)
    }
}

impl Upload {
    /// A file that came in when the server last ran. Nothing is read yet.
    pub(crate) fn known(blob: Blob, scanning: Scanning) -> Self {
        Self { blob, scanning, scan: OnceLock::new(), turn: Mutex::default() }
    }

    /// What the file is as the input of a batch. Blocks on the disk if it has not been scanned since the server
    /// started.
    pub(super) fn scan(&self) -> io::Result<&Scan> {
        if let Some(scan) = self.scan.get() {
            return Ok(scan);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scan) = self.scan.get() {
            return Ok(scan);
        }
        let (mut file, mut scanner) = (self.blob.open()?, self.scanning.scanner());
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(self.scan.get_or_init(|| scanner.finish())),
                n => scanner.push(&chunk[..n]),
            }
        }
    }

    /// Why the file cannot be uploaded for a batch, as far as it has been scanned.
    pub(super) fn fault(&self) -> Option<UploadFault> {
        self.scan.get().and_then(|scan| scan.fault)
    }

    /// How each line is asked to end by these rules, in the order of [`Scan::lines`]. Blocks on the disk if
    /// names of lines were not kept.
    pub(super) fn outcomes(&self, rules: &LineRules) -> io::Result<Vec<LineOutcome>> {
        let scan = self.scan()?;
        let mut reader: Option<LineReader> = None;
        let mut outcome = |line: &Line| {
            let LineContent::Request(request) = &line.content else { return Ok(LineOutcome::Natural) };
            let model = request.model.and_then(|model| scan.models.get_index(usize::from(model)));
            let model = model.map(String::as_str);
            if let Some(digest) = scan.digest(line) {
                return Ok(rules.outcome(digest.custom_id, model));
            }
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(self.reader()?),
            };
            Ok(rules.outcome(&reader.read(line)?.custom_id, model))
        };
        scan.lines.iter().map(&mut outcome).collect()
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
