//! The rows of the store, as they stand on disk: JSON, so that a row can be read by a person, and by a later
//! version.
//!
//! Rows and the types of the world are turned into each other by hand, in both directions without `..`: a new
//! field on either side does not compile until it has its place here. What a row holds may change only together
//! with the number of the [format](super::format::FORMAT).

mod batch;
mod behavior;
mod upload;
mod world;

pub(super) use batch::{BatchRow, HappenedRow};
pub(super) use behavior::BehaviorRow;
pub(super) use upload::UploadRow;
pub(super) use world::{FileRow, WorldRow};

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::sim::Timestamp;

use super::vault::BlobId;

/// A row as bytes.
pub(super) fn encode(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("rows have texts as keys")
}

/// A row from bytes.
pub(super) fn decode<R: DeserializeOwned>(bytes: &[u8]) -> io::Result<R> {
    serde_json::from_slice(bytes).map_err(|error| damaged(format!("a row cannot be read: {error}")))
}

/// What is said of something that batchmock has not written.
pub(super) fn damaged(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The bytes of an upload.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlobRow {
    pub(super) run: u32,
    pub(super) number: u32,
    pub(super) bytes: u64,
}

impl BlobRow {
    pub(super) fn id(self) -> BlobId {
        BlobId { run: self.run, number: self.number }
    }
}

fn millis(time: Timestamp) -> i64 {
    time.unix_millis()
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}
