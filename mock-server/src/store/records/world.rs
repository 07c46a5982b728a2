//! What there is once in a world, and its files.

use std::io;
use std::sync::Arc;

use batchmock_client::types::Purpose;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BlobNaming, BlobRow, ScenarioRow, damaged, millis, time};
use crate::clock::Clock;
use crate::quota::{Bucket, Quotas};
use crate::sim::Seed;
use crate::store::fact::WorldFacts;
use crate::world::{AccountIds, Allowance, Blob, Counters, FileContent, FileRecord, Upload};

/// What there is once in a world.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct WorldRow {
    label: String,
    organization_id: String,
    project_id: String,
    clock: ClockRow,
    n_sent_files: u64,
    n_uploads: u64,
    n_batches: u64,
    n_files: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scenario: Option<ScenarioRow>,
    /// None if they are those of whoever starts the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quotas: Option<Map<String, Value>>,
    /// Not said before format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quotas_since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    creations: Option<BucketRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uploads: Option<BucketRow>,
    /// None if it follows from the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// How much of a rate was used, times the milliseconds of its period, and when that was so.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BucketRow {
    used: u64,
    at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRow {
    mode: String,
    shows: i64,
    when_the_wall_shows: i64,
}

/// A file that was uploaded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct FileRow {
    id: String,
    purpose: String,
    filename: String,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    pub(in crate::store) blob: BlobRow,
}

impl WorldRow {
    pub(in crate::store) fn new(facts: &WorldFacts) -> Self {
        let WorldFacts { label, account, seed, clock, counters, scenario, allowance } = facts;
        let AccountIds { organization_id, project_id } = &**account;
        let Counters { n_sent_files, n_uploads, n_batches, n_files } = *counters;
        let Allowance { quotas, is_own, since, creations, uploads } = allowance;
        let (mode, shows, when_the_wall_shows) = clock.parts();
        Self {
            label: label.clone(),
            organization_id: organization_id.clone(),
            project_id: project_id.clone(),
            clock: ClockRow {
                mode: mode.to_string(),
                shows: millis(shows),
                when_the_wall_shows: millis(when_the_wall_shows),
            },
            n_sent_files,
            n_uploads,
            n_batches,
            n_files,
            scenario: scenario.as_deref().map(ScenarioRow::new),
            quotas: is_own.then(|| quotas.to_json()),
            quotas_since: Some(millis(*since)),
            creations: BucketRow::new(*creations),
            uploads: BucketRow::new(*uploads),
            seed: seed.map(Seed::number),
        }
    }

    pub(in crate::store) fn facts(self) -> io::Result<WorldFacts> {
        let Self {
            label,
            organization_id,
            project_id,
            clock,
            n_sent_files,
            n_uploads,
            n_batches,
            n_files,
            scenario,
            quotas,
            quotas_since,
            creations,
            uploads,
            seed,
        } = self;
        let ClockRow { mode, shows, when_the_wall_shows } = clock;
        let mode = mode.parse().map_err(|error: String| damaged(error))?;
        Ok(WorldFacts {
            label,
            account: Arc::new(AccountIds { organization_id, project_id }),
            seed: seed.map(Seed::new),
            clock: Clock::new(mode, time(shows), time(when_the_wall_shows)),
            counters: Counters { n_sent_files, n_uploads, n_batches, n_files },
            scenario: scenario.map(ScenarioRow::scenario).transpose()?,
            allowance: Allowance::known(
                quotas.map(|quotas| Quotas::from_json(&quotas).map_err(damaged)).transpose()?,
                time(quotas_since.unwrap_or(shows)),
                creations.map(BucketRow::bucket).unwrap_or_default(),
                uploads.map(BucketRow::bucket).unwrap_or_default(),
            ),
        })
    }
}

impl BucketRow {
    fn new(bucket: Bucket) -> Option<Self> {
        let (used, at) = bucket.parts();
        (!bucket.is_new()).then(|| Self { used, at: millis(at) })
    }

    fn bucket(self) -> Bucket {
        Bucket::known(self.used, time(self.at))
    }
}

impl FileRow {
    /// The row of a file; nothing if it is no upload in the vault, which is kept otherwise.
    pub(in crate::store) fn new(file: &FileRecord) -> Option<Self> {
        Self::naming(file, &mut BlobRow::of_blob)
    }

    /// The same, with another name for the bytes.
    pub(in crate::store) fn naming<'f>(file: &'f FileRecord, name: &mut BlobNaming<'f, '_>) -> Option<Self> {
        let FileRecord { id, purpose, filename, created_at, expires_at, content } = file;
        let FileContent::Uploaded(upload) = content else { return None };
        Some(Self {
            id: id.clone(),
            purpose: purpose.as_str().to_owned(),
            filename: filename.clone(),
            created_at: millis(*created_at),
            expires_at: expires_at.map(millis),
            blob: name(&upload.blob)?,
        })
    }

    pub(in crate::store) fn record(self, upload: Arc<Upload>) -> FileRecord {
        let Self { id, purpose, filename, created_at, expires_at, blob: _ } = self;
        FileRecord {
            id,
            purpose: Purpose::from(purpose.as_str()),
            filename,
            created_at: time(created_at),
            expires_at: expires_at.map(time),
            content: FileContent::Uploaded(upload),
        }
    }
}

impl BlobRow {
    /// The row of the bytes of an upload, if they are in the vault.
    pub(super) fn of(upload: &Upload) -> Option<Self> {
        Self::of_blob(&upload.blob)
    }

    /// The row of bytes, if they are in the vault.
    pub(in crate::store) fn of_blob(blob: &Blob) -> Option<Self> {
        let id = blob.id()?;
        Some(Self { run: id.run, number: id.number, bytes: blob.len() })
    }
}
