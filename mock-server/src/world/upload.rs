//! A file on its way in.

use std::io;
use std::sync::Arc;

use super::blob::{Blob, BlobDir, BlobWriter};
use crate::input::{LineRules, Scan, Scanner};

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

impl Incoming {
    /// Begins a file.
    pub(crate) fn new(blobs: &Arc<BlobDir>, rules: Arc<LineRules>, max_line: usize) -> io::Result<Self> {
        Ok(Self { writer: blobs.create()?, scanner: Scanner::new(rules, max_line) })
    }

    /// Takes the next bytes. Blocks on the disk.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.scanner.push(bytes);
        self.writer.write(bytes)
    }

    /// Ends the file. Blocks on the disk.
    pub(crate) fn finish(self) -> io::Result<Upload> {
        Ok(Upload { blob: self.writer.finish()?, scan: self.scanner.finish() })
    }
}
