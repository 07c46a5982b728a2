//! Files that come in parts: the API's uploads.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Duration;

use batchmock_client::types::Purpose;
use bytes::Bytes;
use md5::{Digest as _, Md5};

use super::blob::Blob;
use super::files::{FileContent, FileRecord};
use super::storage::Full;
use super::upload::Upload;
use super::{AddFileError, Incoming, World};
use crate::ids;
use crate::sim::Timestamp;

/// How long an upload takes parts (F-151, F-153).
const TAKES_PARTS_FOR: Duration = Duration::from_hours(1);

/// How much of a part is read at a time.
const CHUNK: usize = 256 * 1024;

/// An upload to begin.
#[derive(Debug)]
pub(crate) struct NewUpload {
    /// What the file is for.
    pub(crate) purpose: Purpose,
    /// Its name.
    pub(crate) filename: String,
    /// How many bytes it will have.
    pub(crate) n_bytes: u64,
    /// How long it is kept, if not as long as others of its purpose.
    pub(crate) expires_after: Option<Duration>,
}

/// An upload as it looks at a time.
#[derive(Debug, Clone)]
pub(crate) struct UploadView {
    /// Its id.
    pub(crate) id: String,
    /// What the file is for.
    pub(crate) purpose: Purpose,
    /// The name of the file.
    pub(crate) filename: String,
    /// How many bytes it shall have.
    pub(crate) n_bytes: u64,
    /// When it was begun.
    pub(crate) created_at: Timestamp,
    /// Until when it takes parts.
    pub(crate) expires_at: Timestamp,
    /// How far it is.
    pub(crate) stage: UploadStage,
    /// What it has become, told once: an upload does not hold its file.
    pub(crate) file: Option<Arc<FileRecord>>,
}

/// How far an upload is (F-152).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadStage {
    /// It takes parts.
    Pending,
    /// It has become a file.
    Completed,
    /// It was given up.
    Cancelled,
    /// Its time is over.
    Expired,
}

impl UploadStage {
    /// The word for it, as the API says it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A part that was taken.
#[derive(Debug)]
pub(crate) struct PartView {
    /// Its id.
    pub(crate) id: String,
    /// When it came.
    pub(crate) created_at: Timestamp,
}

/// Why nothing is done with an upload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UploadError {
    /// There is none.
    NoSuchUpload,
    /// It is not pending any more, but this.
    Ended(&'static str),
    /// All its parts together would be longer than any file.
    TooLarge,
    /// It has no part with this id.
    NoSuchPart(String),
    /// Its parts have so many bytes together, and not so many as were announced.
    WrongLength { announced: u64, found: u64 },
    /// Its bytes have this checksum, and not the one they should have.
    WrongChecksum(String),
    /// The file, or the part, cannot be added.
    Unusable(AddFileError),
}

impl<E: Into<AddFileError>> From<E> for UploadError {
    fn from(error: E) -> Self {
        Self::Unusable(error.into())
    }
}

/// The parts that make up a file, in their order.
#[derive(Debug)]
pub(crate) struct Assembly {
    parts: Vec<Arc<Blob>>,
}

/// All uploads of a world.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    by_id: HashMap<String, UploadRecord>,
    /// Those that take parts, by the time at which they stop doing so.
    pending: BTreeSet<(Timestamp, String)>,
    /// How many parts are kept for pending uploads.
    n_parts: usize,
}

/// An upload, with its parts.
#[derive(Debug, Clone)]
pub(crate) struct UploadRecord {
    /// Its number among the uploads of its world.
    pub(crate) number: u64,
    /// How it looks.
    pub(crate) view: UploadView,
    /// How long the file is kept, if not as long as others of its purpose.
    pub(crate) expires_after: Option<Duration>,
    /// The parts that it has, by their ids; none once it has ended.
    pub(crate) parts: HashMap<String, Arc<Blob>>,
    /// How many parts it has had.
    pub(crate) n_parts: u64,
}

impl Uploads {
    /// How many things are kept: uploads, of which it stays known that they were there, and parts.
    pub(super) fn len(&self) -> usize {
        self.by_id.len() + self.n_parts
    }

    pub(super) fn add(&mut self, id: &str, record: UploadRecord) {
        self.n_parts += record.parts.len();
        if record.view.stage == UploadStage::Pending {
            self.pending.insert((record.view.expires_at, id.to_owned()));
        }
        self.by_id.insert(id.to_owned(), record);
    }

    /// An upload that takes parts, but whose time is over.
    pub(super) fn next_expired(&self, now: Timestamp) -> Option<String> {
        self.pending.first().filter(|(expires_at, _)| *expires_at <= now).map(|(_, id)| id.clone())
    }

    /// Ends an upload, and gives the bytes that it does not need any more.
    pub(super) fn end(&mut self, id: &str, stage: UploadStage) -> Vec<Arc<Blob>> {
        let Some(record) = self.by_id.get_mut(id) else { return Vec::new() };
        self.pending.remove(&(record.view.expires_at, id.to_owned()));
        record.view.stage = stage;
        self.n_parts -= record.parts.len();
        std::mem::take(&mut record.parts).into_values().collect()
    }

    /// The ids of all uploads.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    pub(super) fn get(&self, id: &str) -> Result<&UploadRecord, UploadError> {
        self.by_id.get(id).ok_or(UploadError::NoSuchUpload)
    }

    /// Adds a part to an upload that takes them.
    pub(super) fn add_part(
        &mut self,
        id: &str,
        part_id: String,
        bytes: Arc<Blob>,
    ) -> Result<(), UploadError> {
        self.check_pending(id)?;
        let record = self.by_id.get_mut(id).ok_or(UploadError::NoSuchUpload)?;
        record.n_parts += 1;
        record.parts.insert(part_id, bytes);
        self.n_parts += 1;
        Ok(())
    }

    pub(super) fn check_pending(&self, id: &str) -> Result<&UploadRecord, UploadError> {
        let record = self.get(id)?;
        match record.view.stage {
            UploadStage::Pending => Ok(record),
            UploadStage::Completed | UploadStage::Cancelled | UploadStage::Expired => {
                Err(UploadError::Ended(record.view.stage.as_str()))
            }
        }
    }
}

impl World {
    /// Begins an upload.
    pub(crate) fn begin_upload(&self, wall: Timestamp, new: NewUpload) -> Result<UploadView, Full> {
        let NewUpload { purpose, filename, n_bytes, expires_after } = new;
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        state.check_room_for_a_file(&self.common.config.limits)?;
        let number = state.next_upload();
        let id = ids::upload(now, &mut self.seed.nth("upload", number).rng());
        let view = UploadView {
            id: id.clone(),
            purpose,
            filename,
            n_bytes,
            created_at: now,
            expires_at: now + TAKES_PARTS_FOR,
            stage: UploadStage::Pending,
            file: None,
        };
        let parts = HashMap::new();
        let record = UploadRecord { number, view: view.clone(), expires_after, parts, n_parts: 0 };
        state.add_upload(&id, record);
        Ok(view)
    }

    /// Whether an upload takes parts: asked before one is read.
    pub(crate) fn check_pending(&self, wall: Timestamp, id: &str) -> Result<(), UploadError> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.uploads().check_pending(id).map(|_| ())
    }

    /// Adds a part that has come in. Parts may come in any order, and at the same time (F-151).
    pub(crate) fn add_part(&self, wall: Timestamp, id: &str, bytes: Blob) -> Result<PartView, UploadError> {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        let limits = &self.common.config.limits;
        let seed = self.seed.named(id);
        let entry = state.uploads().check_pending(id)?;
        let taken: u64 = entry.parts.values().map(|part| part.len()).sum();
        if taken.saturating_add(bytes.len()) > limits.upload_bytes {
            return Err(UploadError::TooLarge);
        }
        if let Some(limit) = self.exceeded_quota() {
            return Err(AddFileError::ExceedsQuota(limit).into());
        }
        state.check_room_for_a_file(limits)?;
        let part_id = ids::part(now, &mut seed.nth("part", entry.n_parts).rng());
        state.add_part(id, part_id.clone(), Arc::new(bytes))?;
        Ok(PartView { id: part_id, created_at: now })
    }

    /// Gives an upload up. One that has been given up stays so.
    pub(crate) fn cancel_upload(&self, wall: Timestamp, id: &str) -> Result<UploadView, UploadError> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        if state.uploads().get(id)?.view.stage != UploadStage::Cancelled {
            state.uploads().check_pending(id)?;
            state.end_upload(id, UploadStage::Cancelled);
        }
        Ok(state.uploads().get(id)?.view.clone())
    }

    /// The parts that shall make up the file, in their order (F-158). Parts that are not named are left out
    /// (assumed).
    pub(crate) fn assembly(
        &self,
        wall: Timestamp,
        id: &str,
        part_ids: &[String],
    ) -> Result<Assembly, UploadError> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let entry = state.uploads().check_pending(id)?;
        let part = |part_id: &String| {
            entry.parts.get(part_id).cloned().ok_or_else(|| UploadError::NoSuchPart(part_id.clone()))
        };
        let parts = part_ids.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        let found = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.len()));
        let announced = entry.view.n_bytes;
        if found != announced {
            return Err(UploadError::WrongLength { announced, found });
        }
        Ok(Assembly { parts })
    }

    /// Makes an upload a file, which is as old as the upload is (F-154).
    pub(crate) fn complete_upload(
        &self,
        wall: Timestamp,
        id: &str,
        mut upload: Upload,
    ) -> Result<UploadView, UploadError> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let entry = state.uploads().check_pending(id)?;
        let UploadView { purpose, filename, created_at, .. } = entry.view.clone();
        let expires_after = entry.expires_after;
        self.check_file(&state, &purpose, &mut upload)?;
        let file_id = self.next_file_id(&mut state);
        let file = state.add_file(FileRecord {
            id: file_id,
            expires_at: super::kept_for(&purpose, expires_after).map(|kept_for| created_at + kept_for),
            purpose,
            filename,
            created_at,
            content: FileContent::Uploaded(Arc::new(upload)),
        });
        state.end_upload(id, UploadStage::Completed);
        Ok(UploadView { file: Some(file), ..state.uploads().get(id)?.view.clone() })
    }
}

impl Assembly {
    /// Puts the parts together, and gives the MD5 checksum of the whole in hexadecimal digits. Blocks on the disk.
    pub(crate) fn assemble(&self, mut incoming: Incoming) -> io::Result<(Upload, String)> {
        let mut checksum = Md5::new();
        for part in &self.parts {
            let mut file = part.open()?;
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
                if chunk.is_empty() {
                    break;
                }
                checksum.update(&chunk);
                incoming.push(&[Bytes::from(chunk)])?;
            }
        }
        Ok((incoming.finish()?, format!("{:032x}", u128::from_be_bytes(checksum.finalize().into()))))
    }
}
