//! The files of a world, for who holds its server.

use std::io::{self, Read as _};
use std::sync::Arc;

use crate::sim::Timestamp;
use crate::world::FileRecord;

/// A file of a world of a [`MockServer`](super::MockServer).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredFile {
    /// Its id.
    pub id: String,
    /// What it is for: `batch`, `batch_output`, …
    pub purpose: String,
    /// Its name.
    pub filename: String,
    /// When it came to be, in the time of the world.
    pub created_at: Timestamp,
    /// Whether it is there; else it was deleted, or has expired.
    pub is_there: bool,
    record: Arc<FileRecord>,
}

impl StoredFile {
    pub(super) fn new(is_there: bool, record: Arc<FileRecord>) -> Self {
        Self {
            id: record.id.clone(),
            purpose: record.purpose.as_str().to_owned(),
            filename: record.filename.clone(),
            created_at: record.created_at,
            is_there,
            record,
        }
    }

    /// Its bytes, all of them. The results of a batch are made when they are first asked for, which takes its time.
    ///
    /// # Errors
    ///
    /// If the disk cannot be read, or written.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.record.blob()?.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
