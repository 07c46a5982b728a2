//! The only failure that becomes a response. Every message has its home here, or in
//! [`Refusal`] where batch lines have it too.

use std::io;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use batchmock_client::types::{ErrorBody, ErrorDetail, ErrorEnvelope, LineError};

use super::json::{Json, Layout};
use super::{Account, App};
use crate::arguments::Refusal;
use crate::input::UploadFault;
use crate::scenario::ScenarioError;
use crate::switches::{FileErrorDetail, NoKey};
use crate::world::{
    AccountIds, AddFileError, CancelError, CreateBatchError, Full, SCENARIO_METADATA, UploadError,
};

/// A refusal: a status and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    error: ErrorBody,
    /// Beside those that every answer of its route has.
    headers: Option<Box<HeaderMap>>,
}

/// A body that was waited for in vain.
#[derive(Debug, thiserror::Error)]
#[error("nothing more of the body came for {waited_for:?}")]
pub(crate) struct BodyStalled {
    /// For how long.
    pub(crate) waited_for: std::time::Duration,
}

impl ApiError {
    /// A refusal with this status.
    pub(crate) fn new(status: StatusCode, error: ErrorBody) -> Self {
        Self { status, error, headers: None }
    }

    /// The same refusal with these headers.
    pub(super) fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers: Some(Box::new(headers)), ..self }
    }

    /// A 400 `invalid_request_error`.
    pub(crate) fn bad_request(error: ErrorBody) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// No key (F-005, F-500); `path` is that of the route.
    pub(super) fn no_key(wording: NoKey, path: &str) -> Self {
        let is_newer = ["/v1/batches", "/v1/responses"].iter().any(|route| path.starts_with(route));
        let did_not_provide = "You didn't provide an API key. You need to provide your API key in an Authorization \
                       header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password \
                       field (with blank username) if you're accessing the API from your browser and are \
                       prompted for a username and password. You can obtain an API key from \
                       https://platform.openai.com/account/api-keys.";
        let missing_bearer = "Missing bearer or basic authentication in header";
        let message = match wording {
            NoKey::ByRoute if is_newer => missing_bearer,
            NoKey::ByRoute | NoKey::DidNotProvide => did_not_provide,
            NoKey::MissingBearer => missing_bearer,
        };
        Self::new(StatusCode::UNAUTHORIZED, ErrorBody::invalid_request(message))
    }

    /// A key that is none of those there are (F-003).
    pub(super) fn incorrect_key(key: &str) -> Self {
        let message = format!(
            "Incorrect API key provided: {}. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
            masked(key)
        );
        Self::new(StatusCode::UNAUTHORIZED, ErrorBody::invalid_request(message).with_code("invalid_api_key"))
    }

    /// A key that names a scenario which there is not; the text is ours, the status that of a wrong key.
    pub(super) fn key_of_no_scenario(error: &ScenarioError) -> Self {
        let message = format!("This API key names a scenario of batchmock: {error}.");
        Self::new(StatusCode::UNAUTHORIZED, ErrorBody::invalid_request(message).with_code("invalid_api_key"))
    }

    /// Metadata that names a scenario which there is not; the text is ours.
    pub(super) fn metadata_of_no_scenario(error: &ScenarioError) -> Self {
        let message = format!("Invalid 'metadata.{SCENARIO_METADATA}': {error}.");
        let error = ErrorBody::invalid_request(message).with_param("metadata").with_code("invalid_value");
        Self::bad_request(error)
    }

    /// A body of another type than the route reads; an empty type is none at all. Seen on image edits and
    /// realtime calls, assumed here.
    pub(super) fn unsupported_content_type(accepted: &str, got: &str) -> Self {
        let message = format!(
            "Unsupported content type: '{got}'. This API method only accepts '{accepted}' requests, but you \
             specified the header 'Content-Type: {got}'. Please try again with a supported content type."
        );
        Self::bad_request(ErrorBody::invalid_request(message).with_code("unsupported_content_type"))
    }

    /// A compressed body. None is ever decompressed, so no small one can turn out to be a large one. Whether the
    /// service takes them is not known; the text is ours.
    pub(super) fn unsupported_encoding(got: &str) -> Self {
        let message = format!(
            "Unsupported content encoding: '{got}'. batchmock takes request bodies as they are: send them without \
             the header 'Content-Encoding'."
        );
        let error = ErrorBody::invalid_request(message).with_code("unsupported_content_encoding");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
    }

    /// A body that is no JSON (F-024).
    pub(crate) fn no_json() -> Self {
        Refusal::unparsable().into()
    }

    /// A body that is too long; the text is assumed.
    pub(super) fn too_long() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorBody::invalid_request("The request body is too large."))
    }

    /// A body that broke off; the text is assumed.
    pub(super) fn broken_body() -> Self {
        Self::bad_request(ErrorBody::invalid_request("The request body could not be read to its end."))
    }

    /// A body that did not come in time; the text is ours.
    pub(super) fn stalled_body(stalled: &BodyStalled) -> Self {
        let message =
            format!("The request body stopped coming: batchmock waited {:?} for it.", stalled.waited_for);
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrorBody::invalid_request(message))
    }

    /// Bytes that are no request, or not all of one; the texts are ours, and the statuses those of hyper.
    pub(super) fn no_request(status: StatusCode, most_bytes: usize) -> Self {
        let message = match status {
            StatusCode::REQUEST_TIMEOUT => {
                "The request line and headers did not come to their end in time.".to_owned()
            }
            StatusCode::URI_TOO_LONG => "The URL is too long.".to_owned(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                format!(
                    "The request line and headers are longer than {most_bytes} bytes, or there are more than 100."
                )
            }
            _ => "The request cannot be read: it is not HTTP/1.1.".to_owned(),
        };
        Self::new(status, ErrorBody::invalid_request(message))
    }

    /// A connection too many; the text is ours.
    pub(super) fn too_many_connections(limit: usize) -> Self {
        Self::unavailable(format!("batchmock has {limit} connections open, and takes no more at a time."))
    }

    /// A world too many; the text is ours.
    pub(crate) fn too_many_worlds(limit: usize) -> Self {
        Self::unavailable(format!("batchmock has {limit} worlds, and makes no more: use keys that it knows."))
    }

    /// A world that takes no more of something; the texts are ours.
    pub(crate) fn world_is_full(full: Full) -> Self {
        let (has, so) = match full {
            Full::Files(limit) => (format!("{limit} files"), "delete some, or reset the world"),
            Full::Batches(limit) => (format!("{limit} batches"), "reset the world, or use another key"),
            Full::Lines(limit) => {
                (format!("{limit} lines of batches"), "delete files, reset the world, or use another key")
            }
            Full::DeletedModels(limit) => (format!("{limit} deleted models"), "reset the world"),
            Full::Faults(limit) => (format!("room for {limit} faults"), "clear some, or reset the world"),
        };
        Self::unavailable(format!("batchmock has {has} in this world, and takes no more: {so}."))
    }

    fn unavailable(message: String) -> Self {
        let error = ErrorBody { kind: "server_error".to_owned(), ..ErrorBody::invalid_request(message) };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// A defect of the mock; the text is ours.
    pub(super) fn panicked() -> Self {
        let message =
            "batchmock has a defect, and could not answer: its standard error says where.".to_owned();
        let error = ErrorBody { kind: "server_error".to_owned(), ..ErrorBody::invalid_request(message) };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// What stopped a body from being read to its end.
    pub(crate) fn unreadable_body(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        match causes.find_map(|cause| cause.downcast_ref::<BodyStalled>()) {
            Some(stalled) => Self::stalled_body(stalled),
            None => Self::broken_body(),
        }
    }

    /// The body of the answer.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&ErrorEnvelope { error: self.error.clone(), detail: None })
            .expect("texts can be written as JSON")
    }

    /// A multipart body that is none (assumed).
    pub(super) fn bad_multipart(why: &str) -> Self {
        Self::bad_request(ErrorBody::invalid_request(format!("Could not parse multipart form: {why}.")))
    }

    /// A form field that is not there (F-110; quoted by a user for `file`, without a param).
    pub(super) fn missing_form_field(field: &str) -> Self {
        Self::bad_request(ErrorBody::invalid_request(format!("'{field}' is a required property")))
    }

    /// Form fields that there are not (F-111; that they are refused so is assumed).
    pub(super) fn unknown_form_fields(fields: &[String]) -> Self {
        let were = if fields.len() == 1 { "was" } else { "were" };
        let names: Vec<String> = fields.iter().map(|field| format!("'{field}'")).collect();
        let message =
            format!("Additional properties are not allowed ({} {were} unexpected)", names.join(", "));
        Self::bad_request(ErrorBody::invalid_request(message))
    }

    /// A purpose nobody can upload for (F-109).
    pub(super) fn bad_purpose(purpose: &str) -> Self {
        let purposes = "['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals']";
        let message = format!("'{purpose}' is not one of {purposes} - 'purpose'");
        Self::bad_request(ErrorBody::invalid_request(message).with_param("purpose"))
    }

    /// An `expires_after` of the form that is one text instead of two fields (assumed).
    pub(super) fn expiry_as_text(got: &str) -> Self {
        let message = format!("'{got}' is not of type 'object' - 'expires_after'");
        Self::bad_request(ErrorBody::invalid_request(message).with_param("expires_after"))
    }

    /// An `expires_after` of the form that lacks one of its two (assumed, F-113).
    pub(super) fn missing_of_expiry(field: &str) -> Self {
        let message = format!("'{field}' is a required property - 'expires_after'");
        Self::bad_request(ErrorBody::invalid_request(message).with_param("expires_after"))
    }

    /// An `expires_after` of the form that cannot be (assumed, F-113).
    pub(super) fn bad_expiry(field: &str, message: String) -> Self {
        Self::bad_request(ErrorBody::invalid_request(message).with_param(format!("expires_after.{field}")))
    }

    /// A path that leads nowhere (F-025).
    pub(super) fn no_such_url(method: &Method, uri: &Uri) -> Self {
        let message = format!("Invalid URL ({method} {})", uri.path());
        Self::new(StatusCode::NOT_FOUND, ErrorBody::invalid_request(message))
    }

    /// A file that does not exist (F-124).
    pub(super) fn no_such_file(id: &str) -> Self {
        let error = ErrorBody::invalid_request(format!("No such File object: {id}")).with_param("id");
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// A file that cannot be downloaded (F-132).
    pub(super) fn not_downloadable(purpose: &str) -> Self {
        Self::bad_request(ErrorBody::invalid_request(format!(
            "Not allowed to download files of purpose: {purpose}"
        )))
    }

    /// An upload with which nothing is done. No refusal of an upload was recorded: all texts are assumed (F-159).
    pub(super) fn upload(error: UploadError, id: &str) -> Self {
        let (message, param) = match error {
            UploadError::NoSuchUpload => return Self::no_such_upload(id),
            UploadError::Unusable(error) => return error.into(),
            UploadError::TooLarge => ("File is too large.".to_owned(), None),
            UploadError::Ended(status) => {
                (format!("Upload {id} has status '{status}', and takes no parts any more."), None)
            }
            UploadError::NoSuchPart(part_id) => {
                (format!("No such Upload Part object: {part_id}"), Some("part_ids"))
            }
            UploadError::WrongLength { announced, found } => (
                format!(
                    "The parts have {found} bytes in all, but the upload was begun with 'bytes' {announced}."
                ),
                Some("part_ids"),
            ),
            UploadError::WrongChecksum(found) => {
                (format!("The MD5 checksum of the parts is '{found}', which is not 'md5'."), Some("md5"))
            }
        };
        let error = ErrorBody::invalid_request(message);
        Self::bad_request(match param {
            Some(param) => error.with_param(param),
            None => error,
        })
    }

    /// An upload that does not exist; the text is assumed (F-159).
    pub(super) fn no_such_upload(id: &str) -> Self {
        let error = ErrorBody::invalid_request(format!("No such Upload object: {id}")).with_param("id");
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// A batch that does not exist (F-241).
    pub(crate) fn no_such_batch(id: &str) -> Self {
        let error = ErrorBody::invalid_request(format!("No batch found with id '{id}'."));
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// An id that cannot be a batch's (F-033).
    pub(super) fn no_batch_id(id: &str) -> Self {
        let message = format!("Invalid 'batch_id': '{id}'. Expected an ID that begins with 'batch'.");
        Self::bad_request(
            ErrorBody::invalid_request(message).with_param("batch_id").with_code("invalid_value"),
        )
    }

    /// A batch that cannot be created.
    pub(super) fn create_batch(error: CreateBatchError, input_file_id: &str, account: &AccountIds) -> Self {
        match error {
            // F-232.
            CreateBatchError::CannotFindInput { project_id } => {
                let message = format!(
                    "Cannot find file {input_file_id}, or project {project_id} does not have access to it."
                );
                Self::bad_request(ErrorBody::invalid_request(message).with_param("file_id"))
            }
            CreateBatchError::RateLimited(limited) => Self::rate_limited(&limited, account),
            CreateBatchError::WorldIsFull(full) => Self::world_is_full(full),
        }
    }

    /// A batch that cannot be cancelled.
    pub(super) fn cancel(error: &CancelError, id: &str) -> Self {
        match error {
            CancelError::NoSuchBatch => Self::no_such_batch(id),
            // F-262.
            CancelError::Ended(status) => {
                let message = format!("Cannot cancel a batch with status '{}'.", status.as_str());
                Self::new(StatusCode::CONFLICT, ErrorBody::invalid_request(message))
            }
        }
    }

    /// A model that does not exist, or not any more. Remembered, not captured.
    pub(super) fn no_such_model(name: &str) -> Self {
        let error = ErrorBody::invalid_request(format!("The model '{name}' does not exist"))
            .with_param("model")
            .with_code("model_not_found");
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// A model that is not the account's, and so not its to delete (assumed; documented is that only an owner
    /// may).
    pub(super) fn no_model_of_yours() -> Self {
        let message = "You have insufficient permissions for this operation.";
        Self::new(StatusCode::FORBIDDEN, ErrorBody::invalid_request(message))
    }

    /// A query parameter that was given twice (F-034, assumed here).
    pub(crate) fn duplicate_parameter(name: &str) -> Self {
        let message = format!(
            "Duplicate parameter: '{name}'. You provided multiple values for this parameter, whereas only \
             one is allowed. If you are trying to provide a list of values, use the array syntax instead \
             e.g. '{name}[]=<value>'."
        );
        Self::bad_request(
            ErrorBody::invalid_request(message).with_param(name).with_code("duplicate_parameter"),
        )
    }

    /// A stream that the mock cannot give.
    pub(super) fn no_streaming() -> Self {
        Self::bad_request(
            ErrorBody::invalid_request(
                "batchmock does not stream answers: send the request without 'stream', or with false.",
            )
            .with_param("stream")
            .with_code("unsupported_by_batchmock"),
        )
    }

    /// A call that gets no answer. How the service tells that is not known, if it does; code and text are those of a
    /// line.
    pub(super) fn no_answer(LineError { code, message }: LineError) -> Self {
        let error = ErrorBody { kind: "server_error".to_owned(), ..ErrorBody::invalid_request(message) };
        Self::new(StatusCode::REQUEST_TIMEOUT, error.with_code(code))
    }

    /// The mock itself is in trouble.
    pub(crate) fn internal(error: &io::Error) -> Self {
        let error =
            ErrorBody { kind: "server_error".to_owned(), ..ErrorBody::invalid_request(disk_trouble(error)) };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

/// What is told of a disk that fails: the cause, without paths. The log has all of it.
pub(super) fn disk_trouble(error: &io::Error) -> String {
    tracing::error!(%error, "the disk failed");
    let cause = match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::NotFound, _) => {
            "one is gone, perhaps with the temporary directory that it was in".to_owned()
        }
        // As the system words it, without a path.
        (_, Some(code)) => io::Error::from_raw_os_error(code).to_string(),
        (kind, None) => kind.to_string(),
    };
    format!("batchmock could not read or write its files: {cause}")
}

impl From<Refusal> for ApiError {
    fn from(Refusal { status, error }: Refusal) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), error)
    }
}

impl From<AddFileError> for ApiError {
    fn from(error: AddFileError) -> Self {
        let message = match error {
            // F-116.
            AddFileError::TooLarge => "File is too large.".to_owned(),
            // F-117, F-118.
            AddFileError::Unusable(UploadFault::NotJsonl) => {
                "Invalid file format for Batch API. Must be .jsonl".to_owned()
            }
            // F-121.
            AddFileError::Unusable(UploadFault::NotUtf8) => {
                "Invalid file for Batch API. Must be utf-8 encoded".to_owned()
            }
            // Reported by a user in 2024-12.
            AddFileError::ExceedsQuota(limit) => format!(
                "You have exceeded your file storage quota. Organizations are limited to {} of files. Please \
                 delete old files or attempt with a smaller file size.",
                amount(limit)
            ),
            AddFileError::WorldIsFull(full) => return Self::world_is_full(full),
        };
        Self::bad_request(ErrorBody::invalid_request(message))
    }
}

/// So many bytes, in the largest unit in which they are a whole number.
fn amount(bytes: u64) -> String {
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(1_000_000_000) => format!("{} GB", bytes / 1_000_000_000),
        _ if bytes.is_multiple_of(1_000_000) => format!("{} MB", bytes / 1_000_000),
        _ if bytes.is_multiple_of(1_000) => format!("{} KB", bytes / 1_000),
        _ => format!("{bytes} bytes"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, error, headers } = self;
        let mut response =
            Json::indented(ErrorEnvelope { error: error.clone(), detail: None }).into_response();
        *response.status_mut() = status;
        if status == StatusCode::UNAUTHORIZED {
            // F-006, the newer of the two forms.
            let challenge = HeaderValue::from_static("Bearer realm=\"OpenAI API\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(headers) = headers {
            response.headers_mut().extend(*headers);
        }
        response.extensions_mut().insert(error);
        response
    }
}

/// Gives answers of the file routes what is theirs alone: any page may read them (F-008), and errors have a
/// second key (F-022) and a final line end (F-012).
pub(super) async fn in_the_form_of_file_routes(State(app): State<App>, mut response: Response) -> Response {
    if is_of_strangers(&response) {
        return response;
    }
    if let Some(error) = response.extensions_mut().remove::<ErrorBody>() {
        let detail = (app.switches().file_error_detail == FileErrorDetail::Present)
            .then(|| ErrorDetail { message: error.message.clone(), code: error.code.clone() });
        response =
            in_the_place_of(&response, Json::indented_line(ErrorEnvelope { error, detail }).into_response());
    }
    response
}

/// Gives errors of `/v1/embeddings` (net 2025-09) and `/v1/uploads` (F-012) their final line end.
pub(super) async fn with_a_line_end(mut response: Response) -> Response {
    if is_of_strangers(&response) {
        return response;
    }
    match response.extensions_mut().remove::<ErrorBody>() {
        Some(error) => laid_out(&response, Layout::IndentedLine, error),
        None => response,
    }
}

/// Gives an error the form in which an older front tells it (F-006, F-024).
pub(super) fn in_the_form_of_the_old_front(mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<ErrorBody>() else { return response };
    let mut response = laid_out(&response, Layout::DeeplyIndentedLine, error);
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Origin"));
    response
}

/// Whether nobody was let in: that is told before the service of a route has a say, and the same on all of them.
fn is_of_strangers(response: &Response) -> bool {
    matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE)
}

/// The same error in another layout.
fn laid_out(response: &Response, layout: Layout, error: ErrorBody) -> Response {
    in_the_place_of(response, Json(layout, ErrorEnvelope { error, detail: None }).into_response())
}

/// An answer with another body, and the status and the rate limits that it had before.
fn in_the_place_of(before: &Response, mut response: Response) -> Response {
    *response.status_mut() = before.status();
    for (name, value) in before.headers() {
        if name == RETRY_AFTER || name.as_str().starts_with("x-ratelimit-") {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// A path that is no route.
pub(super) async fn unknown_url(method: Method, uri: Uri) -> ApiError {
    ApiError::no_such_url(&method, &uri)
}

/// A method that a route does not have (F-026: the text is assumed).
pub(super) async fn wrong_method(_: Account, method: Method, uri: Uri) -> ApiError {
    let message = format!("Invalid method for URL ({method} {})", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorBody::invalid_request(message))
}

/// A key as refusals show it: one of at most twelve characters whole, of a longer one the first eight and the
/// last four, with a star for every other (F-004; where short ends is assumed).
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let n_hidden = characters.len().saturating_sub(12);
    if n_hidden == 0 {
        return key.to_owned();
    }
    let (head, tail) = (&characters[..8], &characters[8 + n_hidden..]);
    format!("{}{}{}", String::from_iter(head), "*".repeat(n_hidden), String::from_iter(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_004_a_long_key_is_masked_but_for_its_ends() {
        assert_eq!(masked("invalid-key"), "invalid-key");
        assert_eq!(masked("sk-wrong0000-key"), "sk-wrong****-key");
    }
}
