//! What the API shows: responses take shape here and nowhere else.
//!
//! Records are taken apart without `..` and put together without defaults, so that a new field on either
//! side does not compile until it has its place.
//!
//! Everything can be shown. What is made from bytes that the disk has lost, or does not take, is left out, and
//! the record says so where the API has a place for it: one lost batch does not take a list with it.

use std::time::Duration;

use batchmock_client::types::{
    Batch, BatchError, BatchErrors, BatchPage, BatchUsage, File, FilePage, FileStatus, RequestCounts, Upload,
};

use super::error::disk_trouble;
use crate::responder::snapshot;
use crate::sim::{Counts, Observation, Status, Times, Timestamp};
use crate::switches::{AbsentFileId, ModelShown, PartialUsage};
use crate::world::{BatchView, FileRecord, Page, Results, UploadView};

/// How long before `in_progress` the model can be seen.
const EARLY: Duration = Duration::from_secs(1);

/// A file. Blocks on the disk if it is a result nobody has looked at yet. One that cannot be written is empty,
/// and has failed.
pub(crate) fn file(record: &FileRecord) -> File {
    let FileRecord { id, purpose, filename, created_at, expires_at, content: _ } = record;
    let (bytes, trouble) = match record.blob() {
        Ok(blob) => (blob.len(), None),
        Err(error) => (0, Some(disk_trouble(&error))),
    };
    File {
        object: "file".to_owned(),
        id: id.clone(),
        purpose: purpose.clone(),
        filename: filename.clone(),
        bytes,
        created_at: created_at.unix_seconds(),
        expires_at: expires_at.map(Timestamp::unix_seconds),
        status: if trouble.is_none() { FileStatus::Processed } else { FileStatus::Error },
        status_details: trouble,
    }
}

/// An upload.
pub(super) fn upload(record: &UploadView) -> Upload {
    let UploadView { id, purpose, filename, n_bytes, created_at, expires_at, stage, file: record } = record;
    Upload {
        id: id.clone(),
        object: "upload".to_owned(),
        bytes: *n_bytes,
        created_at: created_at.unix_seconds(),
        filename: filename.clone(),
        purpose: purpose.clone(),
        status: stage.as_str().into(),
        expires_at: expires_at.unix_seconds(),
        file: record.as_deref().map(file),
    }
}

/// A page of files.
pub(super) fn file_page(data: Vec<File>, has_more: bool) -> FilePage {
    FilePage {
        object: "list".to_owned(),
        first_id: data.first().map(|file| file.id.clone()),
        last_id: data.last().map(|file| file.id.clone()),
        has_more,
        data,
    }
}

/// A batch. Blocks on the disk if it has ended and nobody has looked at its results yet. One whose results
/// cannot be written has an error that says so, and no usage.
pub(crate) fn batch(view: &BatchView) -> Batch {
    let BatchView { record, at: _, observation, problems, results } = view;
    let switches = &record.behavior.switches;
    let Observation { status, times, counts, has_output_file: _, has_error_file: _ } = *observation;
    let Times {
        in_progress_at,
        finalizing_at,
        completed_at,
        failed_at,
        expired_at,
        cancelling_at,
        cancelled_at,
    } = times;
    let Counts { total, completed, failed } = counts;
    let seconds = |time: Option<Timestamp>| time.map(Timestamp::unix_seconds);
    let results = results.as_ref().filter(|_| status.is_terminal());

    // Filled at `completed`, zeros before (F-207). What is not needed is not written yet.
    let summed = results
        .filter(|_| status == Status::Completed || switches.partial_usage == PartialUsage::Summed)
        .map(|results| results.usage());
    let usage = match &summed {
        Some(Ok(usage)) => **usage,
        Some(Err(_)) | None => BatchUsage::default(),
    };
    let file_id = |id: fn(&Results) -> &Option<String>| {
        let results = results?;
        let empty = || (switches.absent_file_id == AbsentFileId::Empty).then(String::new);
        id(results).clone().or_else(empty)
    };
    let mut errors = Vec::new();
    if status == Status::Failed {
        errors.extend(problems.iter().map(|(problem, line)| BatchError {
            code: problem.code(switches.url_problem).to_owned(),
            message: problem.message(),
            param: problem.param().map(str::to_owned),
            line: line.map(u64::from),
        }));
    }
    if let Some(Err(error)) = &summed {
        errors.push(BatchError {
            code: "server_error".to_owned(),
            message: format!("The results of this batch cannot be had: {}", disk_trouble(error)),
            param: None,
            line: None,
        });
    }
    let has_errors = status == Status::Failed || !errors.is_empty();
    Batch {
        id: record.id.clone(),
        object: "batch".to_owned(),
        endpoint: record.endpoint.path().to_owned(),
        model: record
            .model
            .as_deref()
            .filter(|_| in_progress_at.is_some() || shows_model_early(view))
            .map(|model| snapshot(model).to_owned()),
        errors: has_errors.then(|| BatchErrors { object: "list".to_owned(), data: errors }),
        input_file_id: record.input_file_id.clone(),
        completion_window: "24h".to_owned(),
        status: record.behavior.word(status).into(),
        output_file_id: file_id(|results| &results.output_file_id),
        error_file_id: file_id(|results| &results.error_file_id),
        created_at: record.plan.created_at().unix_seconds(),
        in_progress_at: seconds(in_progress_at),
        expires_at: Some(record.plan.expires_at().unix_seconds()),
        finalizing_at: seconds(finalizing_at),
        completed_at: seconds(completed_at),
        failed_at: seconds(failed_at),
        expired_at: seconds(expired_at),
        cancelling_at: seconds(cancelling_at),
        cancelled_at: seconds(cancelled_at),
        request_counts: Some(RequestCounts { total, completed, failed }),
        usage: Some(usage),
        metadata: record.metadata.clone(),
    }
}

/// Whether a batch names its model before lines run: null while validating, or until just before its end, then the
/// dated model (F-204).
pub(super) fn shows_model_early(BatchView { record, at, observation, .. }: &BatchView) -> bool {
    record.behavior.switches.model_shown == ModelShown::Before
        && observation.status == Status::Validating
        && *at > record.plan.created_at()
        && *at + EARLY >= record.plan.validated_at()
}

/// A page of batches.
pub(super) fn batch_page(page: &Page<BatchView>) -> BatchPage {
    let data: Vec<_> = page.items.iter().map(batch).collect();
    BatchPage {
        object: "list".to_owned(),
        first_id: data.first().map(|batch| batch.id.clone()),
        last_id: data.last().map(|batch| batch.id.clone()),
        has_more: page.has_more,
        data,
    }
}
