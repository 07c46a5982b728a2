//! A file that comes in parts.

use serde::{Deserialize, Serialize};

use super::File;
use super::file::Purpose;
use super::open_enum::open_enum;

/// An upload, keys in the order of the recorded answers (F-153, F-154).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// `upload_` and 32 hexadecimal digits (F-157).
    pub id: String,
    /// Always `upload`.
    pub object: String,
    /// How many bytes the file will have.
    pub bytes: u64,
    /// When it was begun, in whole Unix seconds.
    pub created_at: i64,
    /// The name of the file.
    pub filename: String,
    /// What the file is for.
    pub purpose: Purpose,
    /// How far it is.
    pub status: UploadStatus,
    /// Until when parts are taken: an hour after it was begun (F-151).
    pub expires_at: i64,
    /// The file, once the upload is completed; until then the key is not there (F-153).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
}

open_enum! {
    /// How far an upload is (F-152). Open, as [`Purpose`] is.
    UploadStatus {
        /// Parts are taken.
        Pending = "pending",
        /// The file is there.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
        /// Not completed in time.
        Expired = "expired",
    }
}

/// A part of an upload, keys in the order of the recorded answers (F-156).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPart {
    /// `part_` and 32 hexadecimal digits (F-157).
    pub id: String,
    /// Always `upload.part`.
    pub object: String,
    /// When it came, in whole Unix seconds.
    pub created_at: i64,
    /// The upload it is a part of.
    pub upload_id: String,
}
