//! A file on its way in over HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use batchmock_client::types::Purpose;
use bytes::{Bytes, BytesMut};
use multer::{Field, Multipart};

use super::ApiError;
use super::batches::EXPIRY_SECONDS;
use super::disposition::Disposition;
use crate::config::Limits;
use crate::world::{AddFileError, Incoming, NewFile, Upload, World};

/// How much is gathered before it goes to disk and past the scanner.
const GATHERED: usize = 256 * 1024;

/// How long a form field other than the file may be.
const MAX_FIELD: usize = 1024 * 1024;

/// Reads a form with a `file` and a `purpose`, in any order: some clients send the purpose last. Of a field
/// that comes twice the last one counts (assumed).
pub(super) async fn receive(
    world: &World,
    limits: Limits,
    headers: &HeaderMap,
    body: Body,
) -> Result<NewFile, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|error| {
        if matches!(error, multer::Error::NoBoundary) {
            ApiError::bad_multipart("the content type names no boundary")
        } else {
            ApiError::unsupported_content_type("multipart/form-data", content_type)
        }
    })?;
    let mut form = Multipart::new(body.into_data_stream(), boundary);

    let mut purpose = None;
    let mut file = None;
    let mut anchor = None;
    let mut seconds = None;
    let mut expiry_as_text = None;
    let mut unknown = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| form_error(&error))? {
        let Disposition { name, filename } = Disposition::of(field.headers());
        match name.as_str() {
            "purpose" => purpose = Some(text(field).await?),
            "expires_after[anchor]" => anchor = Some(text(field).await?),
            "expires_after[seconds]" => seconds = Some(text(field).await?),
            "expires_after" => expiry_as_text = Some(text(field).await?),
            "file" => {
                let filename = filename.unwrap_or_else(|| "upload".to_owned());
                let limit = match purpose.as_deref() {
                    Some("batch") => limits.batch_file_bytes,
                    _ => limits.file_bytes.max(limits.batch_file_bytes),
                };
                file = Some((filename, store(world, field, limit).await?));
            }
            _ => {
                drop(text(field).await?);
                if !unknown.contains(&name) {
                    unknown.push(name);
                }
            }
        }
    }

    let (filename, upload) = file.ok_or_else(|| ApiError::missing_form_field("file"))?;
    let purpose = purpose.ok_or_else(|| ApiError::missing_form_field("purpose"))?;
    let purpose = uploadable(&purpose).ok_or_else(|| ApiError::bad_purpose(&purpose))?;
    if let Some(text) = expiry_as_text {
        return Err(ApiError::expiry_as_text(&text));
    }
    let expires_after = expires_after(anchor, seconds)?;
    if !unknown.is_empty() {
        return Err(ApiError::unknown_form_fields(&unknown));
    }
    Ok(NewFile { purpose, filename, expires_after, upload })
}

/// The purposes that files can be uploaded for (F-107).
fn uploadable(purpose: &str) -> Option<Purpose> {
    match Purpose::from(purpose) {
        Purpose::AssistantsOutput | Purpose::BatchOutput | Purpose::FineTuneResults | Purpose::Other(_) => {
            None
        }
        uploadable @ (Purpose::Assistants
        | Purpose::Batch
        | Purpose::FineTune
        | Purpose::Vision
        | Purpose::UserData
        | Purpose::Evals) => Some(uploadable),
    }
}

/// How long the file is kept (F-112; texts assumed, F-113).
fn expires_after(anchor: Option<String>, seconds: Option<String>) -> Result<Option<Duration>, ApiError> {
    let (anchor, seconds) = match (anchor, seconds) {
        (None, None) => return Ok(None),
        (Some(anchor), Some(seconds)) => (anchor, seconds),
        (None, Some(_)) => return Err(ApiError::missing_of_expiry("anchor")),
        (Some(_), None) => return Err(ApiError::missing_of_expiry("seconds")),
    };
    if anchor != "created_at" {
        let message = format!("'{anchor}' is not one of ['created_at'] - 'expires_after.anchor'");
        return Err(ApiError::bad_expiry("anchor", message));
    }
    let number: i64 = seconds.parse().map_err(|_| {
        ApiError::bad_expiry(
            "seconds",
            format!("'{seconds}' is not of type 'integer' - 'expires_after.seconds'"),
        )
    })?;
    let (least, most) = (*EXPIRY_SECONDS.start(), *EXPIRY_SECONDS.end());
    let wrong = match number {
        _ if number < least => format!("{number} is less than the minimum of {least}"),
        _ if number > most => format!("{number} is greater than the maximum of {most}"),
        _ => return Ok(Some(Duration::from_secs(number.unsigned_abs()))),
    };
    Err(ApiError::bad_expiry("seconds", format!("{wrong} - 'expires_after.seconds'")))
}

/// Takes the file in, chunk by chunk: while one chunk goes to disk and past the scanner, the next one comes.
async fn store(world: &World, mut field: Field<'_>, limit: u64) -> Result<Upload, ApiError> {
    let mut writing = spawn_first(world.receive().map_err(|error| ApiError::internal(&error))?);
    let mut gathered = BytesMut::with_capacity(GATHERED);
    let mut received: u64 = 0;
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        received += chunk.len() as u64;
        if received > limit {
            return Err(AddFileError::TooLarge.into());
        }
        gathered.extend_from_slice(&chunk);
        if gathered.len() >= GATHERED {
            let incoming = finished(writing).await?;
            writing = spawn_push(incoming, gathered.split().freeze());
            gathered.reserve(GATHERED);
        }
    }
    let mut incoming = finished(writing).await?;
    let last = gathered.freeze();
    let upload = tokio::task::spawn_blocking(move || {
        incoming.push(&last)?;
        incoming.finish()
    });
    upload
        .await
        .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        .map_err(|error| ApiError::internal(&error))
}

type Writing = tokio::task::JoinHandle<std::io::Result<Incoming>>;

fn spawn_first(incoming: Incoming) -> Writing {
    tokio::spawn(std::future::ready(Ok(incoming)))
}

fn spawn_push(mut incoming: Incoming, chunk: Bytes) -> Writing {
    tokio::task::spawn_blocking(move || incoming.push(&chunk).map(|()| incoming))
}

async fn finished(writing: Writing) -> Result<Incoming, ApiError> {
    writing
        .await
        .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        .map_err(|error| ApiError::internal(&error))
}

async fn text(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        if bytes.len() + chunk.len() > MAX_FIELD {
            return Err(ApiError::too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::bad_multipart("a field is not UTF-8"))
}

fn form_error(error: &multer::Error) -> ApiError {
    use multer::Error;
    #[expect(clippy::wildcard_enum_match_arm, reason = "another crate's errors, of which more may come")]
    match error {
        Error::IncompleteStream | Error::IncompleteHeaders | Error::IncompleteFieldData { .. } => {
            ApiError::bad_multipart("it ends before its last boundary")
        }
        Error::StreamReadFailed(_) => ApiError::broken_body(),
        Error::ReadHeaderFailed(_) | Error::DecodeHeaderName { .. } | Error::DecodeHeaderValue { .. } => {
            ApiError::bad_multipart("a part has headers that cannot be read")
        }
        _ => ApiError::bad_multipart("it is malformed"),
    }
}
