//! Requests that are answered before they have been read.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header::EXPECT;
use futures_util::StreamExt as _;

/// A body of which something may be left when the request has been answered.
pub(super) struct Unread(SharedBody);

/// Keeps hold of the body of a request, if it has one and does not wait to be asked for it.
pub(super) fn listen(request: Request) -> (Request, Option<Unread>) {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() || parts.headers.contains_key(EXPECT) {
        return (Request::from_parts(parts, body), None);
    }
    let body = SharedBody(Arc::new(Mutex::new(body.into_data_stream())));
    let reader = body.clone();
    let readable = Body::from_stream(futures_util::stream::poll_fn(move |context| reader.poll(context)));
    (Request::from_parts(parts, readable), Some(Unread(body)))
}

impl Unread {
    /// Reads what is left of a body before the answer goes out. Most clients send a body whole before they
    /// look for an answer; one that is refused in the middle of an upload would see a broken connection and
    /// not why. One without end is cut off all the same, when `most` bytes have been read in vain.
    pub(super) async fn hear_out(self, most: u64) {
        let mut unwanted = 0;
        while let Some(Ok(chunk)) = std::future::poll_fn(|context| self.0.poll(context)).await {
            unwanted += chunk.len() as u64;
            if unwanted > most {
                break;
            }
        }
    }
}

/// A body that is still there when its reader has gone.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<BodyDataStream>>);

impl SharedBody {
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}
