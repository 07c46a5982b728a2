//! Uploads, whose files come in parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use batchmock_client::types::Purpose;
use serde::{Deserialize, Serialize};

use super::{BlobNaming, BlobRow, millis, time};
use crate::world::{Blob, UploadRecord, UploadStage, UploadView};

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
        Self::naming(upload, &mut BlobRow::of_blob)
    }

    /// The same, with other names for the bytes.
    pub(in crate::store) fn naming<'u>(upload: &'u UploadRecord, name: &mut BlobNaming<'u, '_>) -> Self {
        let UploadRecord { number: _, view, expires_after, parts, n_parts } = upload;
        let UploadView { id, purpose, filename, n_bytes, created_at, expires_at, stage, file: _ } = view;
        let stage = match stage {
            UploadStage::Pending => StageRow::Pending,
            UploadStage::Completed => StageRow::Completed,
            UploadStage::Cancelled => StageRow::Cancelled,
            UploadStage::Expired => StageRow::Expired,
        };
        let part = |(id, bytes): (&String, &'u Arc<Blob>)| Some((id.clone(), name(bytes)?));
        Self {
            id: id.clone(),
            purpose: purpose.as_str().to_owned(),
            filename: filename.clone(),
            n_bytes: *n_bytes,
            created_at: millis(*created_at),
            expires_at: millis(*expires_at),
            file_expires_after: *expires_after,
            stage,
            parts: parts.iter().filter_map(part).collect(),
            n_parts: *n_parts,
        }
    }

    /// The bytes that it needs.
    pub(in crate::store) fn blobs(&self) -> Vec<BlobRow> {
        self.parts.values().copied().collect()
    }

    pub(in crate::store) fn record(self, number: u64, mut part: impl FnMut(BlobRow) -> Blob) -> UploadRecord {
        let Self {
            id,
            purpose,
            filename,
            n_bytes,
            created_at,
            expires_at,
            file_expires_after,
            stage,
            parts,
            n_parts,
        } = self;
        let stage = match stage {
            StageRow::Completed => UploadStage::Completed,
            StageRow::Pending => UploadStage::Pending,
            StageRow::Cancelled => UploadStage::Cancelled,
            StageRow::Expired => UploadStage::Expired,
        };
        UploadRecord {
            number,
            view: UploadView {
                id,
                purpose: Purpose::from(purpose.as_str()),
                filename,
                n_bytes,
                created_at: time(created_at),
                expires_at: time(expires_at),
                stage,
                file: None,
            },
            expires_after: file_expires_after,
            parts: parts.into_iter().map(|(id, row)| (id, Arc::new(part(row)))).collect(),
            n_parts,
        }
    }
}
