//! What becomes of batches and files.

use std::fmt;

use crate::sim::{Counts, Status};

/// Something that happened in a world. Its time is when it happened, and not when somebody noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorldEvent {
    /// A batch was created: its status is `validating`.
    BatchCreated {
        /// Which.
        batch_id: String,
        /// Its input, whether there is such a file or not.
        input_file_id: String,
        /// Where its lines run.
        endpoint: &'static str,
    },
    /// A batch has a new status.
    BatchStatus {
        /// Which.
        batch_id: String,
        /// What it is from then on.
        status: Status,
        /// How far its lines were.
        counts: Counts,
    },
    /// There is a new file.
    FileAdded {
        /// Which.
        file_id: String,
        /// What it is for.
        purpose: String,
        /// Its name.
        filename: String,
        /// Its length; that of a result is known when somebody has looked at it.
        bytes: Option<u64>,
    },
    /// A file is gone, since its time was over.
    FileExpired {
        /// Which.
        file_id: String,
    },
    /// A file was deleted.
    FileDeleted {
        /// Which.
        file_id: String,
    },
}

impl WorldEvent {
    /// A name for it, as the journal writes it: `batch_created`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BatchCreated { .. } => "batch_created",
            Self::BatchStatus { .. } => "batch_status",
            Self::FileAdded { .. } => "file_added",
            Self::FileExpired { .. } => "file_expired",
            Self::FileDeleted { .. } => "file_deleted",
        }
    }

    /// The batch or file that it is about.
    pub fn id(&self) -> &str {
        match self {
            Self::BatchCreated { batch_id, .. } | Self::BatchStatus { batch_id, .. } => batch_id,
            Self::FileAdded { file_id, .. }
            | Self::FileExpired { file_id }
            | Self::FileDeleted { file_id } => file_id,
        }
    }

    /// The status that a batch has from then on, if it is about one.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::BatchCreated { .. } => Some(Status::Validating),
            Self::BatchStatus { status, .. } => Some(*status),
            Self::FileAdded { .. } | Self::FileExpired { .. } | Self::FileDeleted { .. } => None,
        }
    }

    pub(super) fn is_about(&self, id: &str) -> bool {
        self.id() == id || matches!(self, Self::BatchCreated { input_file_id, .. } if input_file_id == id)
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.id().len()
            + match self {
                Self::BatchCreated { input_file_id, .. } => input_file_id.len(),
                Self::FileAdded { purpose, filename, .. } => purpose.len() + filename.len(),
                Self::BatchStatus { .. } | Self::FileExpired { .. } | Self::FileDeleted { .. } => 0,
            }
    }
}

impl fmt::Display for WorldEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BatchCreated { batch_id, input_file_id, endpoint } => {
                write!(f, "{batch_id} created of {input_file_id} for {endpoint}")
            }
            Self::BatchStatus { batch_id, status, counts: Counts { total: 0, .. } } => {
                write!(f, "{batch_id} {}", status.as_str())
            }
            Self::BatchStatus { batch_id, status, counts: Counts { total, completed, failed } } => {
                write!(f, "{batch_id} {}, {completed} completed, {failed} failed of {total}", status.as_str())
            }
            Self::FileAdded { file_id, purpose, filename, bytes } => {
                write!(f, "{file_id} added, {purpose}, {filename:?}")?;
                bytes.map_or(Ok(()), |bytes| write!(f, ", {bytes} bytes"))
            }
            Self::FileExpired { file_id } => write!(f, "{file_id} expired"),
            Self::FileDeleted { file_id } => write!(f, "{file_id} deleted"),
        }
    }
}
