//! From an index back to what was recorded.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use batchmock_client::types::LineError;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::{Entry, Kind, RecordedAt, Recording};

/// A result that was recorded.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// A response, its body as it was written.
    Response { status: u16, body: Box<RawValue> },
    /// No response.
    Error(LineError),
}

/// Reads results again, and keeps the files open while it does.
#[derive(Debug, Default)]
pub(crate) struct RecordingReader {
    files: HashMap<(u16, u16), File>,
}

impl RecordingReader {
    /// The result at a place.
    ///
    /// # Errors
    ///
    /// If the disk fails, or the file is not what it was when it was indexed.
    pub(crate) fn read(&mut self, recordings: &[Recording], at: RecordedAt) -> io::Result<Replayed> {
        let index = recordings[usize::from(at.recording)].index()?;
        let Entry { file, line, start, len, kind, checksum } = index.entries[at.entry as usize];
        let path = &index.files[usize::from(file)];
        let has_changed = || {
            let path = path.display();
            io::Error::other(format!(
                "the recording {path} has changed since it was read: see its line {line}"
            ))
        };
        let opened = match self.files.entry((at.recording, file)) {
            std::collections::hash_map::Entry::Occupied(opened) => opened.into_mut(),
            std::collections::hash_map::Entry::Vacant(none) => none.insert(File::open(path)?),
        };
        let mut bytes = vec![0; len as usize];
        opened.seek(SeekFrom::Start(start))?;
        opened.read_exact(&mut bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof { has_changed() } else { error }
        })?;
        if xxh3_64(&bytes) != checksum {
            return Err(has_changed());
        }
        Ok(match kind {
            Kind::Response { status } => {
                let text = String::from_utf8(bytes).map_err(io::Error::other)?;
                Replayed::Response { status, body: RawValue::from_string(text)? }
            }
            Kind::Error => Replayed::Error(read_error(&bytes)?),
        })
    }
}

/// A reason; what it does not say is nothing.
fn read_error(bytes: &[u8]) -> io::Result<LineError> {
    let error: serde_json::Value = serde_json::from_slice(bytes)?;
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    Ok(LineError { code: text("code"), message: text("message") })
}
