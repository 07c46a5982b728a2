//! `/v1/files`

use std::io;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use batchmock_client::types::{Deleted, File, FilePage, Purpose};

use super::multipart;
use super::query::Query;
use super::{Account, ApiError, App, Id, Json, Recorded, view};
use crate::switches::UploadExpiry;
use crate::world::{FileQuery, FileRecord};

/// `POST /v1/files`
pub(super) async fn upload(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<File>, ApiError> {
    world.begin_file(app.wall()).map_err(|limited| ApiError::rate_limited(&limited, world.account()))?;
    let new = multipart::receive(&world, app.worlds.config().limits, &headers, request.into_body()).await?;
    recorded.brought(new.upload.blob.len(), new.upload.hash());
    let record = world.add_file(app.wall(), new)?;
    recorded.touched(&record.id);
    let mut file = view::file(&record);
    if world.behavior().switches.upload_expiry == UploadExpiry::ShownLater {
        file.expires_at = None;
    }
    Ok(Json::indented_line(file))
}

/// `GET /v1/files/{file_id}`
pub(super) async fn retrieve(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<File>, ApiError> {
    let record = world.file(app.wall(), &id).map_err(|_| ApiError::no_such_file(&id))?;
    let file = off_the_runtime(record.is_at_hand(), move || Ok(view::file(&record))).await?;
    Ok(Json::indented_line(file))
}

/// `DELETE /v1/files/{file_id}`
pub(super) async fn delete(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    let record = world.file(app.wall(), &id).map_err(|_| ApiError::no_such_file(&id))?;
    if !record.is_at_hand() {
        // What a batch took has to be known before nobody can ask for its lines any more; if it cannot be known,
        // the file is deleted all the same.
        let _ = off_the_runtime(false, move || record.blob().map(drop)).await;
    }
    world.delete_file(app.wall(), &id).map_err(|_| ApiError::no_such_file(&id))?;
    Ok(Json::indented_line(Deleted { object: "file".to_owned(), deleted: true, id }))
}

/// `GET /v1/files`
pub(super) async fn list(
    State(app): State<App>,
    Account(world): Account,
    query: Query,
) -> Result<Json<FilePage>, ApiError> {
    let limit = query.integer("limit", 1..=10_000)?.unwrap_or(10_000);
    let page = world.files(
        app.wall(),
        &FileQuery {
            purpose: query.text("purpose")?.map(Purpose::from),
            limit: usize::try_from(limit).expect("checked to be in range"),
            ascending: query.choice("order", &["asc", "desc"])? == Some("asc"),
            after: query.text("after")?.map(str::to_owned),
        },
    );
    let at_hand = page.items.iter().all(|record| record.is_at_hand());
    let files = move || {
        let files = page.items.iter().map(|record| view::file(record)).collect();
        Ok(view::file_page(files, page.has_more))
    };
    Ok(Json::indented_line(off_the_runtime(at_hand, files).await?))
}

/// `GET /v1/files/{file_id}/content`
pub(super) async fn content(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let record = world.file(app.wall(), &id).map_err(|_| ApiError::no_such_file(&id))?;
    // F-132, F-133, F-504.
    if matches!(record.purpose, Purpose::Assistants | Purpose::UserData) {
        return Err(ApiError::not_downloadable(record.purpose.as_str()));
    }
    let disposition = attachment(&record.filename);
    let (file, len) = off_the_runtime(false, move || open(&record)).await?;
    // The answer is as long as it says, also if the file should have grown: F-130.
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_LENGTH, HeaderValue::from(len)),
    ];
    Ok((headers, Body::from_stream(super::download::chunks(file, len))).into_response())
}

/// Does work that may block on the disk: here, if the caller knows that it will not, or else where blocking
/// holds nobody up.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    at_hand: bool,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = if at_hand {
        work()
    } else {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    };
    done.map_err(|error| ApiError::internal(&error))
}

/// Opens the bytes of a file. An open file stays readable when it is deleted meanwhile.
fn open(record: &FileRecord) -> io::Result<(std::fs::File, u64)> {
    let blob = record.blob()?;
    Ok((blob.open()?, blob.len()))
}

/// `attachment; filename="…"` (F-130). A name that a header cannot hold as it is loses what stands in the
/// way: control characters, and the quotes and backslashes that would end it.
fn attachment(filename: &str) -> HeaderValue {
    let quotable: String = filename
        .chars()
        .filter(|character| !character.is_control() && !"\"\\".contains(*character))
        .collect();
    HeaderValue::from_bytes(format!("attachment; filename=\"{quotable}\"").as_bytes())
        .unwrap_or(HeaderValue::from_static("attachment"))
}
