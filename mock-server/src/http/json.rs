//! JSON bodies, in the form that each route has (F-012).

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::headers::N_ADDED;

/// How a JSON body is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Indented by two spaces, with a final line end: the file routes, chat completions.
    IndentedLine,
    /// Indented by two spaces: the batch routes and most others.
    Indented,
    /// Indented by four spaces, with a final line end: the older front (F-006, F-024).
    DeeplyIndentedLine,
    /// Without any space: cancelling a batch, embeddings.
    Compact,
}

/// A JSON body in a layout.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) Layout, pub(crate) T);

impl<T> Json<T> {
    /// As the batch routes have it.
    pub(crate) fn indented(value: T) -> Self {
        Self(Layout::Indented, value)
    }

    /// As the file routes have it.
    pub(crate) fn indented_line(value: T) -> Self {
        Self(Layout::IndentedLine, value)
    }

    /// As cancelling a batch has it.
    pub(crate) fn compact(value: T) -> Self {
        Self(Layout::Compact, value)
    }
}

impl<T: Serialize> Json<T> {
    /// It as bytes; the status of the answer if that cannot be, which does not happen.
    pub(super) fn into_bytes(self) -> Result<Bytes, StatusCode> {
        let Self(layout, value) = self;
        let bytes = match layout {
            Layout::Compact => written(&value, CompactFormatter),
            Layout::Indented => written(&value, PrettyFormatter::new()),
            Layout::IndentedLine => written(&value, PrettyFormatter::new()).map(with_line_end),
            Layout::DeeplyIndentedLine => {
                written(&value, PrettyFormatter::with_indent(b"    ")).map(with_line_end)
            }
        };
        // Wire records have text keys and no failing `Serialize`; should one ever fail, the log says it.
        bytes.map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        self.into_bytes().map_or_else(StatusCode::into_response, response)
    }
}

/// An answer that is this JSON.
pub(super) fn response(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.headers_mut() = HeaderMap::with_capacity(N_ADDED + 4);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// How much room is made at first: a batch fits in.
const ROOM: usize = 1024;

fn written(value: &impl Serialize, formatter: impl Formatter) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(ROOM);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    Ok(bytes)
}

fn with_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(b'\n');
    bytes
}
