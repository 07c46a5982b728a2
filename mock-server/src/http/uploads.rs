//! `/v1/uploads`: files that come in parts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use batchmock_client::types::{Purpose, Upload, UploadPart};
use serde_json::{Map, Value};

use super::batches::expiry;
use super::files::off_the_runtime;
use super::{Account, ApiError, App, Id, Json, JsonBody, Recorded, multipart, view};
use crate::arguments::{Arguments, Object, Refusal};
use crate::config::Limits;
use crate::world::{NewUpload, UploadError, UploadView};

/// The parameters of an upload to begin (F-150).
const CREATE_PARAMETERS: [&str; 5] = ["filename", "purpose", "bytes", "mime_type", "expires_after"];

/// The purposes that files can be uploaded for (F-150, where the official SDKs take all that files have).
const PURPOSES: [&str; 6] = ["fine-tune", "assistants", "batch", "user_data", "vision", "evals"];

/// `POST /v1/uploads`
pub(super) async fn create(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    JsonBody(body): JsonBody,
) -> Result<Json<Upload>, ApiError> {
    let new = new_upload(&body, &app.worlds.config().limits)?;
    let upload = world.begin_upload(app.wall(), new).map_err(ApiError::world_is_full)?;
    recorded.touched(&upload.id);
    Ok(shown(&upload))
}

/// `POST /v1/uploads/{upload_id}/parts`
pub(super) async fn add_part(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    Id(id): Id,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<UploadPart>, ApiError> {
    let refusal = |error| ApiError::upload(error, &id);
    world.check_pending(app.wall(), &id).map_err(refusal)?;
    let limits = app.worlds.config().limits;
    let came = multipart::receive_part(&world, limits, &headers, request.into_body()).await?;
    recorded.brought(came.blob.len(), came.hash());
    let part = world.add_part(app.wall(), &id, came.blob).map_err(refusal)?;
    recorded.touched(&part.id);
    Ok(Json::indented_line(UploadPart {
        id: part.id,
        object: "upload.part".to_owned(),
        created_at: part.created_at.unix_seconds(),
        upload_id: id,
    }))
}

/// `POST /v1/uploads/{upload_id}/complete`
pub(super) async fn complete(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Upload>, ApiError> {
    let (part_ids, wanted) = completion(&body)?;
    let refusal = |error| ApiError::upload(error, &id);
    let assembly = world.assembly(app.wall(), &id, &part_ids).map_err(refusal)?;
    let receiver = Arc::clone(&world);
    let (file, checksum) = off_the_runtime(false, move || assembly.assemble(receiver.receive()?)).await?;
    if wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&checksum)) {
        return Err(refusal(UploadError::WrongChecksum(checksum)));
    }
    let upload = world.complete_upload(app.wall(), &id, file).map_err(refusal)?;
    if let Some(file) = &upload.file {
        recorded.touched(&file.id);
    }
    Ok(shown(&upload))
}

/// `POST /v1/uploads/{upload_id}/cancel`
pub(super) async fn cancel(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<Upload>, ApiError> {
    Ok(shown(&world.cancel_upload(app.wall(), &id).map_err(|error| ApiError::upload(error, &id))?))
}

fn shown(record: &UploadView) -> Json<Upload> {
    Json::indented_line(view::upload(record))
}

/// Reads an upload to begin. It is refused in the words of JSON Schema, as on the file routes (assumed: no refusal
/// of an upload was recorded).
fn new_upload(body: &Map<String, Value>, limits: &Limits) -> Result<NewUpload, ApiError> {
    let body = Object::from(body);
    let body = Arguments::in_schema_words(&body);
    let filename = body.required_string("filename")?.to_owned();
    if filename.len() > limits.form_field_bytes {
        return Err(ApiError::too_long());
    }
    body.required_string("purpose")?;
    let purpose = body.choice("purpose", &PURPOSES)?.map(Purpose::from);
    let purpose = purpose.ok_or_else(|| Refusal::invalid("'purpose' is a required property"))?;
    body.required("bytes")?;
    let most = i64::try_from(limits.upload_bytes).unwrap_or(i64::MAX);
    let n_bytes = body.integer("bytes", 1..=most)?.map_or(0, i64::unsigned_abs);
    // That it must fit the purpose is documented; which do is not, so any will do.
    body.required_string("mime_type")?;
    let expires_after = expiry(&body, "expires_after")?;
    let unknown: Vec<_> = body.unknown(&CREATE_PARAMETERS).map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(ApiError::unknown_form_fields(&unknown));
    }
    Ok(NewUpload { purpose, filename, n_bytes, expires_after })
}

/// Reads which parts make up the file, and its checksum (F-158).
fn completion(body: &Map<String, Value>) -> Result<(Vec<String>, Option<String>), ApiError> {
    let body = Object::from(body);
    let body = Arguments::in_schema_words(&body);
    body.required("part_ids")?;
    let part_ids = body.array("part_ids", "an array of strings")?.unwrap_or_default();
    let part_ids = part_ids.iter().map(|id| {
        let refusal = || Refusal::invalid(format!("{id} is not of type 'string' - 'part_ids'"));
        id.as_str().map(str::to_owned).ok_or_else(refusal)
    });
    let part_ids = part_ids.collect::<Result<Vec<_>, _>>()?;
    let checksum = body.string("md5")?.map(str::to_owned);
    let unknown: Vec<_> = body.unknown(&["part_ids", "md5"]).map(str::to_owned).collect();
    if !unknown.is_empty() {
        return Err(ApiError::unknown_form_fields(&unknown));
    }
    Ok((part_ids, checksum))
}
