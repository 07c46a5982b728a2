//! A file on its way in over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use batchmock_client::types::Purpose;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use multer::{Field, Multipart};

use super::ApiError;
use super::batches::EXPIRY_SECONDS;
use super::disposition::Disposition;
use super::extract::refuse_encoded;
use crate::config::Limits;
use crate::world::{AddFileError, Incoming, NewFile, Upload, World};

/// How much is gathered before it goes to disk and past the scanner.
const GATHERED: usize = 256 * 1024;

/// How much may come before the first boundary, or of the headers of a part: all of it is held in memory.
const MAX_BETWEEN: u64 = 4 * 1024 * 1024;

/// How many bytes of names of fields that there are not are told.
const MAX_UNKNOWN: usize = 16 * 1024;

/// Opens a form, whose bytes are measured as they come.
fn open(headers: &HeaderMap, body: Body, meter: &Meter) -> Result<Multipart<'static>, ApiError> {
    refuse_encoded(headers)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|error| {
        if matches!(error, multer::Error::NoBoundary) {
            ApiError::bad_multipart("the content type names no boundary")
        } else {
            ApiError::unsupported_content_type("multipart/form-data", content_type)
        }
    })?;
    Ok(Multipart::new(meter.measure(body), boundary))
}

/// Reads a form with a part of an upload as its `data` (F-156). Of a field that comes twice the last one counts
/// (assumed).
pub(super) async fn receive_part(
    world: &World,
    limits: Limits,
    headers: &HeaderMap,
    body: Body,
) -> Result<Upload, ApiError> {
    let meter = Meter::new(limits);
    let mut form = open(headers, body, &meter)?;
    let mut data = None;
    let mut unknown = UnknownFields::default();
    while let Some(field) = form.next_field().await.map_err(|error| form_error(&error))? {
        meter.moved_on();
        let Disposition { name, .. } = Disposition::of(field.headers());
        if name == "data" {
            // Lines may go across parts, so what the bytes of one are as an input says nothing.
            data = Some(store(world, field, limits.part_bytes, &meter).await?);
        } else {
            drop(text(field, &meter).await?);
            unknown.add(name);
        }
    }
    let data = data.ok_or_else(|| ApiError::missing_form_field("data"))?;
    unknown.refuse()?;
    Ok(data)
}

/// Reads a form with a `file` and a `purpose`, in any order: some clients send the purpose last. Of a field
/// that comes twice the last one counts (assumed).
pub(super) async fn receive(
    world: &World,
    limits: Limits,
    headers: &HeaderMap,
    body: Body,
) -> Result<NewFile, ApiError> {
    let meter = Meter::new(limits);
    let mut form = open(headers, body, &meter)?;

    let mut purpose = None;
    let mut file = None;
    let mut anchor = None;
    let mut seconds = None;
    let mut expiry_as_text = None;
    let mut unknown = UnknownFields::default();
    while let Some(field) = form.next_field().await.map_err(|error| form_error(&error))? {
        meter.moved_on();
        let Disposition { name, filename } = Disposition::of(field.headers());
        match name.as_str() {
            "purpose" => purpose = Some(text(field, &meter).await?),
            "expires_after[anchor]" => anchor = Some(text(field, &meter).await?),
            "expires_after[seconds]" => seconds = Some(text(field, &meter).await?),
            "expires_after" => expiry_as_text = Some(text(field, &meter).await?),
            "file" => {
                let filename = filename.unwrap_or_else(|| "upload".to_owned());
                if filename.len() > limits.form_field_bytes {
                    return Err(ApiError::too_long());
                }
                let limit = match purpose.as_deref() {
                    Some("batch") => limits.batch_file_bytes,
                    _ => limits.file_bytes.max(limits.batch_file_bytes),
                };
                file = Some((filename, store(world, field, limit, &meter).await?));
            }
            _ => {
                drop(text(field, &meter).await?);
                unknown.add(name);
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
    unknown.refuse()?;
    Ok(NewFile { purpose, filename, expires_after, upload })
}

/// Names of fields that a form does not have.
#[derive(Default)]
struct UnknownFields(Vec<String>);

impl UnknownFields {
    fn add(&mut self, name: String) {
        let is_told = self.0.iter().map(String::len).sum::<usize>() < MAX_UNKNOWN && !self.0.contains(&name);
        if is_told {
            self.0.push(name);
        }
    }

    fn refuse(&self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::unknown_form_fields(&self.0)) }
    }
}

/// The purposes that files can be uploaded for (F-107).
pub(super) fn uploadable(purpose: &str) -> Option<Purpose> {
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
async fn store(world: &World, mut field: Field<'_>, limit: u64, meter: &Meter) -> Result<Upload, ApiError> {
    let mut writing = spawn_first(world.receive().map_err(|error| ApiError::internal(&error))?);
    let mut gathered = Vec::new();
    let mut n_gathered = 0;
    let mut received: u64 = 0;
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        meter.moved_on();
        received += chunk.len() as u64;
        if received > limit {
            return Err(AddFileError::TooLarge.into());
        }
        n_gathered += chunk.len();
        gathered.push(chunk);
        if n_gathered >= GATHERED {
            n_gathered = 0;
            let incoming = finished(writing).await?;
            if let Some(limit) = world.exceeded_quota() {
                return Err(AddFileError::ExceedsQuota(limit).into());
            }
            writing = spawn_push(incoming, std::mem::take(&mut gathered));
        }
    }
    let mut incoming = finished(writing).await?;
    let upload = tokio::task::spawn_blocking(move || {
        incoming.push(&gathered)?;
        incoming.finish()
    });
    upload
        .await
        .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        .map_err(|error| ApiError::internal(&error))
}

/// Measures a form as it comes in.
#[derive(Debug)]
struct Meter {
    limits: Limits,
    /// What has come since a field was last found, or a piece of one.
    n_between: Arc<AtomicU64>,
}

/// Why a form is not read further.
#[derive(Debug, thiserror::Error)]
enum Measured {
    /// There is more of it than of the longest file with its fields.
    #[error("the form is too long")]
    TooLong,
    /// So much has come without a field in it that it cannot be a form.
    #[error("the form has no shape")]
    Shapeless,
}

impl Meter {
    fn new(limits: Limits) -> Self {
        Self { limits, n_between: Arc::default() }
    }

    /// The bytes of a form, until there are too many.
    fn measure(&self, body: Body) -> impl Stream<Item = Result<Bytes, axum::BoxError>> + use<> {
        let n_between = Arc::clone(&self.n_between);
        let fields = (self.limits.form_field_bytes as u64).saturating_mul(16);
        let mut left = self.limits.any_file_bytes().saturating_add(fields).saturating_add(MAX_BETWEEN);
        body.into_data_stream().map(move |chunk| {
            let chunk = chunk?;
            let n = chunk.len() as u64;
            left = left.checked_sub(n).ok_or(Measured::TooLong)?;
            if n_between.fetch_add(n, Ordering::Relaxed) + n > MAX_BETWEEN {
                return Err(Measured::Shapeless.into());
            }
            Ok(chunk)
        })
    }

    /// A field, or a piece of one, has been found.
    fn moved_on(&self) {
        self.n_between.store(0, Ordering::Relaxed);
    }
}

type Writing = tokio::task::JoinHandle<std::io::Result<Incoming>>;

fn spawn_first(incoming: Incoming) -> Writing {
    tokio::spawn(std::future::ready(Ok(incoming)))
}

fn spawn_push(mut incoming: Incoming, pieces: Vec<Bytes>) -> Writing {
    tokio::task::spawn_blocking(move || incoming.push(&pieces).map(|()| incoming))
}

async fn finished(writing: Writing) -> Result<Incoming, ApiError> {
    writing
        .await
        .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        .map_err(|error| ApiError::internal(&error))
}

async fn text(mut field: Field<'_>, meter: &Meter) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| form_error(&error))? {
        meter.moved_on();
        if bytes.len() + chunk.len() > meter.limits.form_field_bytes {
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
        Error::StreamReadFailed(why) => match why.downcast_ref::<Measured>() {
            Some(Measured::TooLong) => ApiError::too_long(),
            Some(Measured::Shapeless) => {
                ApiError::bad_multipart("no boundary, or no end of a part's headers, comes")
            }
            None => ApiError::unreadable_body(&**why),
        },
        Error::ReadHeaderFailed(_) | Error::DecodeHeaderName { .. } | Error::DecodeHeaderValue { .. } => {
            ApiError::bad_multipart("a part has headers that cannot be read")
        }
        _ => ApiError::bad_multipart("it is malformed"),
    }
}
