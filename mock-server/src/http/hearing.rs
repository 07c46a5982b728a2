//! Requests that are answered before they have been read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use futures_util::StreamExt as _;

use crate::journal::RequestBody;

/// A body that is listened to, of which something may be left when the request has been answered.
pub(super) struct Unread {
    body: SharedBody,
    /// Whether the client sends nothing more unless it is asked to.
    waits: bool,
}

/// What is heard of a body without reading it: for the journal.
#[derive(Clone)]
pub(super) struct Hearsay(SharedBody);

/// Keeps hold of the body of a request, if it has one, and of so much of what comes of it; forms are not kept.
pub(super) fn listen(request: Request, most_kept: usize) -> (Request, Option<Unread>) {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return (Request::from_parts(parts, body), None);
    }
    let is_form =
        parts.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"multipart/"));
    let heard = Heard {
        stream: body.into_data_stream(),
        most_kept: if is_form { 0 } else { most_kept },
        body: RequestBody::default(),
    };
    let body = SharedBody(Arc::new(Mutex::new(heard)));
    let reader = body.clone();
    let readable = Body::from_stream(futures_util::stream::poll_fn(move |context| reader.poll(context)));
    let waits = parts.headers.contains_key(EXPECT);
    (Request::from_parts(parts, readable), Some(Unread { body, waits }))
}

impl Hearsay {
    /// What has come of the body.
    pub(super) fn take(&self) -> RequestBody {
        std::mem::take(&mut self.0.lock().body)
    }
}

impl Unread {
    /// Listens as well.
    pub(super) fn hearsay(&self) -> Hearsay {
        Hearsay(self.body.clone())
    }

    /// Reads what is left of a body before the answer goes out. Most clients send a body whole before they
    /// look for an answer; one that is refused in the middle of an upload would see a broken connection and
    /// not why. One without end is cut off all the same, when `most` bytes have been read in vain.
    pub(super) async fn hear_out(self, most: u64) {
        if self.waits {
            return;
        }
        let mut unwanted = 0;
        while let Some(Ok(chunk)) = std::future::poll_fn(|context| self.body.poll(context)).await {
            unwanted += chunk.len() as u64;
            if unwanted > most {
                break;
            }
        }
    }
}

/// A body that is still there when its reader has gone.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Heard>>);

/// A body, and what came of it.
struct Heard {
    stream: BodyDataStream,
    most_kept: usize,
    body: RequestBody,
}

impl SharedBody {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut heard = self.lock();
        let Heard { stream, most_kept, body } = &mut *heard;
        let polled = stream.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            body.n_bytes += chunk.len() as u64;
            let room = most_kept.saturating_sub(body.kept.len());
            body.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        polled
    }
}
