//! A file on its way in, and its lines when it has come in.

use std::fmt;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

use super::blob::{Blob, BlobWriter, Scratch};
use super::storage::Share;
use crate::input::{Digest, Line, Reading, Scan, Scanner, UploadFault};
use crate::responder::Responder;
use crate::store::Vault;

/// How much of a file is read at a time when it is scanned again.
const CHUNK: usize = 256 * 1024;

/// A file on its way in: its bytes go to disk and past the scanner, each once.
pub(crate) struct Incoming {
    writer: BlobWriter,
    /// Where the file stays, if it is to outlive the server.
    vault: Option<Arc<Vault>>,
    scanning: Scanning,
    scanner: Scanner,
    hasher: Xxh3Default,
}

/// A file that has come in.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Its bytes.
    pub(crate) blob: Blob,
    /// Of its bytes; 0 for a file that came when the server last ran.
    hash: u64,
    scanning: Scanning,
    /// Known for every file that has come in, since the purpose may come after the bytes; of one that came when
    /// the server last ran, as soon as somebody asks. Its lines count in what the world may store.
    scan: OnceLock<(Scan, Share)>,
    /// Held while scanning again, so that two who ask at once do the work once.
    turn: Mutex<()>,
}

/// The input of a batch, until nobody needs it any more.
#[derive(Debug)]
pub(crate) struct Input(Mutex<Option<Arc<Upload>>>);

/// How files are scanned.
#[derive(Debug, Clone)]
pub(crate) struct Scanning {
    /// Who may be asked to answer their lines.
    pub(crate) responder: Arc<Responder>,
    /// How long a line may be.
    pub(crate) max_line: usize,
}

/// The lines of an upload, in any order, one at a time: from what was kept of them, or else read again.
#[derive(Debug)]
pub(super) struct Lines<'u> {
    upload: &'u Upload,
    scan: &'u Scan,
    /// Opened when a line has to be read again.
    reader: Option<LineReader>,
}

#[derive(Debug)]
struct LineReader {
    file: std::fs::File,
    line: Vec<u8>,
}

/// Not with what is under way.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

impl Incoming {
    /// Begins a file. Blocks on the disk.
    pub(super) fn new(scratch: &Scratch, vault: Option<Arc<Vault>>, scanning: Scanning) -> io::Result<Self> {
        let scanner = scanning.scanner();
        Ok(Self { writer: scratch.create()?, vault, scanning, scanner, hasher: Xxh3Default::new() })
    }

    /// Takes the next bytes, in pieces. Blocks on the disk.
    pub(crate) fn push(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            self.scanner.push(piece);
            self.hasher.update(piece);
        }
        self.writer.write_pieces(pieces)
    }

    /// Ends the file. Blocks on the disk.
    pub(crate) fn finish(self) -> io::Result<Upload> {
        let Self { writer, vault, scanning, scanner, hasher } = self;
        let blob = match vault {
            None => writer.finish()?,
            Some(vault) => writer.finish_in(&vault)?,
        };
        let upload = Upload { hash: hasher.digest(), ..Upload::known(blob, scanning) };
        upload.found(scanner.finish());
        Ok(upload)
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
        Self { blob, hash: 0, scanning, scan: OnceLock::new(), turn: Mutex::default() }
    }

    /// The XXH3 hash of a file that has just come in.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// What the file is as the input of a batch. Blocks on the disk if it has not been scanned since the server
    /// started.
    pub(super) fn scan(&self) -> io::Result<&Scan> {
        if let Some((scan, _)) = self.scan.get() {
            return Ok(scan);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((scan, _)) = self.scan.get() {
            return Ok(scan);
        }
        let (mut file, mut scanner) = (self.blob.open()?, self.scanning.scanner());
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(self.found(scanner.finish())),
                n => scanner.push(&chunk[..n]),
            }
        }
    }

    fn found(&self, scan: Scan) -> &Scan {
        let counted = || {
            let mut lines = Share::new(self.blob.storage());
            lines.set_lines(scan.lines.len() as u64);
            (scan, lines)
        };
        &self.scan.get_or_init(counted).0
    }

    /// Lets go of what was kept of its lines: nobody will run them.
    pub(super) fn forget_lines(&mut self) {
        self.scan = OnceLock::new();
    }

    /// Why the file cannot be uploaded for a batch, as far as it has been scanned.
    pub(super) fn fault(&self) -> Option<UploadFault> {
        self.scan.get().and_then(|(scan, _)| scan.fault)
    }
}

impl<'u> Lines<'u> {
    /// The lines of an upload, which was scanned.
    pub(super) fn new(upload: &'u Upload, scan: &'u Scan) -> Self {
        Self { upload, scan, reader: None }
    }

    /// What was kept of a line, if it was.
    pub(super) fn digest(&self, line: &Line) -> Option<Digest<'u>> {
        self.scan.digest(line)
    }

    /// Reads a line again that was read well once. Blocks on the disk.
    pub(super) fn read(&mut self, line: &Line) -> io::Result<Reading<'_>> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(LineReader { file: self.upload.blob.open()?, line: Vec::new() }),
        };
        reader.read(line)
    }
}

impl Input {
    /// An input, if there is one.
    pub(crate) fn new(upload: Option<Arc<Upload>>) -> Self {
        Self(Mutex::new(upload))
    }

    /// The input, if it was not let go.
    pub(crate) fn get(&self) -> Option<Arc<Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of it. Its bytes are there as long as what this gives.
    pub(super) fn let_go(&self) -> Option<Arc<Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl LineReader {
    fn read(&mut self, line: &Line) -> io::Result<Reading<'_>> {
        self.line.resize(line.len as usize, 0);
        self.file.seek(SeekFrom::Start(line.range().start))?;
        self.file.read_exact(&mut self.line)?;
        let text = std::str::from_utf8(&self.line).map_err(io::Error::other)?;
        Reading::new(text).map_err(|problem| io::Error::other(problem.message()))
    }
}
