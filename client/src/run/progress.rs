//! What a run tells while it goes on.

use std::time::Duration;

use crate::error::Error;
use crate::received::Received;
use crate::types::Batch;

/// Something that happened in a run, and how far it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// What happened.
    pub event: Event<'a>,
    /// How many requests there are.
    pub requests: usize,
    /// How many are done, as far as the service tells: those of batches that have ended, and those that running ones
    /// count. A request that is tried again is done only once.
    pub done: usize,
    /// How many of these failed.
    pub failed: usize,
    /// How many batches are planned.
    pub batches: usize,
    /// How many of these run.
    pub running: usize,
    /// How many have ended.
    pub ended: usize,
}

/// What happens in a run. Batches are numbered from 0, in the order in which they are planned.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The input has no problem.
    Checked {
        /// How many bytes it has.
        bytes: u64,
        /// Whether an earlier run is gone on with.
        resumed: bool,
    },
    /// A batch is to be made.
    Planned {
        /// Which.
        batch: usize,
        /// Of how many requests.
        requests: usize,
        /// How often each was tried before: 0 in the first round.
        attempt: u32,
    },
    /// The input of a batch is about to be uploaded.
    Uploading {
        /// Which.
        batch: usize,
        /// How many bytes that is.
        bytes: u64,
    },
    /// A part of the input of a batch is on its way. This is told about once for each percent, and not of inputs that are
    /// sent at once.
    Sent {
        /// Which.
        batch: usize,
        /// How many bytes there are.
        bytes: u64,
        /// How many of these were handed to the connection.
        sent: u64,
    },
    /// The input of a batch was uploaded, or found.
    Uploaded {
        /// Which.
        batch: usize,
        /// What the service calls the file.
        file_id: &'a str,
    },
    /// A batch is about to be created.
    Creating {
        /// Which.
        batch: usize,
    },
    /// A batch was created, or found.
    Created {
        /// Which.
        batch: usize,
        /// What the service calls it.
        id: &'a str,
    },
    /// A batch has to be created another time: the queue is full, or the service does not find its input yet.
    Deferred {
        /// Which.
        batch: usize,
        /// What the service said.
        why: &'a str,
        /// When it is tried again, unless something changes before.
        pause: Duration,
    },
    /// Something failed that may pass.
    Failed {
        /// What.
        error: &'a Error,
        /// When it is tried again.
        pause: Duration,
    },
    /// A look at a batch.
    Looked {
        /// Which.
        batch: usize,
        /// What it showed.
        shown: &'a Received<Batch>,
    },
    /// Results of a batch are about to be downloaded.
    Fetching {
        /// Which.
        batch: usize,
        /// What the service calls the file.
        file_id: &'a str,
    },
    /// The results of a batch are on the disk.
    Fetched {
        /// Which.
        batch: usize,
    },
    /// The output is about to be written.
    Writing,
    /// The output is there.
    Written,
}
