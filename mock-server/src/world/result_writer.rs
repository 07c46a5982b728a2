//! Writing a result file, with or without a line end at its end.

use std::io;

use super::blob::{Blob, BlobWriter};

/// Takes the bytes of a result file, in whole lines.
#[derive(Debug)]
pub(super) struct ResultWriter {
    blob: BlobWriter,
    /// Whether the last line end is left off.
    leaves_off: bool,
    /// The line end that is written before more lines, if more come.
    held_back: &'static [u8],
}

impl ResultWriter {
    pub(super) fn new(blob: BlobWriter, leaves_off: bool) -> Self {
        Self { blob, leaves_off, held_back: b"" }
    }

    /// Writes lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if !self.leaves_off {
            return self.blob.write(lines);
        }
        let Some(end) = [b"\r\n".as_slice(), b"\n"].into_iter().find(|end| lines.ends_with(end)) else {
            return self.blob.write(lines);
        };
        self.blob.write(self.held_back)?;
        self.held_back = end;
        self.blob.write(&lines[..lines.len() - end.len()])
    }

    /// The whole file.
    pub(super) fn finish(self) -> io::Result<Blob> {
        self.blob.finish()
    }
}
