//! One line of an output or error file.

use serde::{Deserialize, Serialize};

/// One line of an output or error file, keys in the order of the wire (F-350).
///
/// A line failed if `error` is set **or** the status code of `response` is not 2xx: a refused request
/// has `error: null` (F-356), an unfinished one `response: null` (F-357).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultLine<Body = serde_json::Value> {
    /// `batch_req_` and 32 hexadecimal digits (F-353).
    pub id: String,
    /// The name the input gave the request: what results are joined by.
    pub custom_id: String,
    /// The answer, if there was one.
    pub response: Option<LineResponse<Body>>,
    /// Why there was none.
    pub error: Option<LineError>,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineResponse<Body = serde_json::Value> {
    /// As over HTTP.
    pub status_code: u16,
    /// Names the request in the service's logs (F-354).
    pub request_id: String,
    /// What the synchronous endpoint would have answered (F-355).
    pub body: Body,
}

/// Why a request has no answer (F-352).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// `batch_expired`, `batch_cancelled` or `request_timeout`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
