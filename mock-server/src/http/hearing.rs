//! Requests that are answered before they have been read.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;

/// How much of a body that nobody wants is still read. One without end is cut off all the same.
const MAX_UNWANTED: usize = 1024 * 1024 * 1024;

/// Reads what is left of a body before the answer goes out. Most clients send a body whole before they look
/// for an answer; one that is refused in the middle of an upload would see a broken connection and not why.
pub(super) async fn hear_out(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Who waits to be asked for the body does not send it.
    if body.is_end_stream() || parts.headers.contains_key(EXPECT) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let body = SharedBody(Arc::new(Mutex::new(body.into_data_stream())));
    let reader = body.clone();
    let readable = Body::from_stream(futures_util::stream::poll_fn(move |context| reader.poll(context)));
    let response = next.run(Request::from_parts(parts, readable)).await;

    let mut unwanted = 0;
    while let Some(Ok(chunk)) = std::future::poll_fn(|context| body.poll(context)).await {
        unwanted += chunk.len();
        if unwanted > MAX_UNWANTED {
            break;
        }
    }
    response
}

/// A body that is still there when its reader has gone.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<BodyDataStream>>);

impl SharedBody {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}
