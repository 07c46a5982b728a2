//! Uploads, whose files come in parts.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use batchmock_client::types::Purpose;
use serde::{Deserialize, Serialize};

use super::{BlobRow, FileRow, damaged, millis, time};
use crate::world::{Blob, Upload, UploadRecord, UploadStage, UploadView};

/// An upload, with the parts that it has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct UploadRow {
    id: String,
    purpose: String,
    filename: String,
    n_bytes: u64,
    created_at: i64,
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_expires_after: Option<Duration>,
    stage: StageRow,
    /// What it has become, which may be deleted by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<FileRow>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<String, BlobRow>,
    n_parts: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StageRow {
    Pending,
    Completed,
    Cancelled,
    Expired,
}

impl UploadRow {
    pub(in crate::store) fn new(upload: &UploadRecord) -> Self {
        let UploadRecord { number: _, view, expires_after, parts, n_parts } = upload;
        let UploadView { id, purpose, filename, n_bytes, created_at, expires_at, stage } = view;
        let (stage, file) = match stage {
            UploadStage::Pending => (StageRow::Pending, None),
            UploadStage::Completed(file) => (StageRow::Completed, FileRow::new(file)),
            UploadStage::Cancelled => (StageRow::Cancelled, None),
            UploadStage::Expired => (StageRow::Expired, None),
        };
        let part = |(id, bytes): (&String, &Arc<Blob>)| Some((id.clone(), BlobRow::of_blob(bytes)?));
        Self {
            id: id.clone(),
            purpose: purpose.as_str().to_owned(),
            filename: filename.clone(),
            n_bytes: *n_bytes,
            created_at: millis(*created_at),
            expires_at: millis(*expires_at),
            file_expires_after: *expires_after,
            stage,
            file,
            parts: parts.iter().filter_map(part).collect(),
            n_parts: *n_parts,
        }
    }

    /// The bytes that it needs. Those of the file that it has become are the file's.
    pub(in crate::store) fn blobs(&self) -> Vec<BlobRow> {
        self.parts.values().copied().collect()
    }

    pub(in crate::store) fn record(
        self,
        number: u64,
        part: impl Fn(BlobRow) -> Blob,
        upload: impl FnOnce(BlobRow) -> Arc<Upload>,
    ) -> io::Result<UploadRecord> {
        let Self {
            id,
            purpose,
            filename,
            n_bytes,
            created_at,
            expires_at,
            file_expires_after,
            stage,
            file,
            parts,
            n_parts,
        } = self;
        let stage = match (stage, file) {
            (StageRow::Completed, Some(file)) => {
                let bytes = upload(file.blob);
                UploadStage::Completed(Arc::new(file.record(bytes)))
            }
            (StageRow::Completed, None) => return Err(damaged("an upload has become no file")),
            (StageRow::Pending, _) => UploadStage::Pending,
            (StageRow::Cancelled, _) => UploadStage::Cancelled,
            (StageRow::Expired, _) => UploadStage::Expired,
        };
        Ok(UploadRecord {
            number,
            view: UploadView {
                id,
                purpose: Purpose::from(purpose.as_str()),
                filename,
                n_bytes,
                created_at: time(created_at),
                expires_at: time(expires_at),
                stage,
            },
            expires_after: file_expires_after,
            parts: parts.into_iter().map(|(id, row)| (id, Arc::new(part(row)))).collect(),
            n_parts,
        })
    }
}
