//! `/world`: a whole world, to be opened by another mock.

use std::io::{self, Read, Write};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::{Buf as _, Bytes};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::service::refusal;
use super::view::Clock;
use crate::http::{Account, ApiError, App, Json, bearer_key};
use crate::world::{AddFileError, ImportError};

/// How much is written, or read, at a time.
const CHUNK: usize = 256 * 1024;

/// How many chunks may wait.
const WAITING: usize = 2;

/// `GET /world`: all of it, as a file.
pub(super) async fn export(State(app): State<App>, Account(world): Account) -> Response {
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn_blocking(move || {
        world.write_replayed(app.wall());
        let snapshot = world.snapshot(app.wall());
        let mut out = Outgoing { chunk: Vec::with_capacity(CHUNK), sender };
        if let Err(error) = snapshot.write(&mut out) {
            // The answer then ends without its last chunk, which no client takes for the whole.
            let _ = out.sender.blocking_send(Err(error));
        }
    });
    let chunks = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<io::Result<Bytes>>| {
        Some((receiver.recv().await?, receiver))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/x-tar")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"world.tar\"")),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

/// `PUT /world`: lets the world in a file take the place of that of the key.
pub(super) async fn import(
    State(app): State<App>,
    _: Account,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let key = bearer_key(&headers).unwrap_or_default().into_owned();
    let (sender, receiver) = mpsc::channel(WAITING);
    let coming_in = spawn_blocking({
        let app = app.clone();
        move || app.worlds.import(&key, || app.wall(), Incoming { chunk: Bytes::new(), receiver })
    });
    let mut chunks = body.into_data_stream();
    let mut unreadable = None;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            unreadable = Some(ApiError::unreadable_body(&*error.into_inner()));
            io::Error::from(io::ErrorKind::ConnectionAborted)
        });
        if sender.send(chunk).await.is_err() || unreadable.is_some() {
            break;
        }
    }
    drop(sender);
    let came_in =
        coming_in.await.unwrap_or_else(|panic| Err(ImportError::Unreadable(io::Error::other(panic))));
    match (came_in, unreadable) {
        (Ok(world), _) => {
            let clock = Clock::new(world.clock(app.wall()));
            let mut response = Json::indented_line(clock).into_response();
            response.extensions_mut().insert(Account(world));
            Ok(response)
        }
        (Err(_), Some(unreadable)) => Err(unreadable),
        (Err(error), None) => Err(refused(error)),
    }
}

fn refused(error: ImportError) -> ApiError {
    let bad = |message| refusal(StatusCode::BAD_REQUEST, message);
    match error {
        ImportError::NoWorld(how) => {
            bad(format!("that is not a world as `GET /_mock/v1/world` gives it: {how}. Nothing has changed"))
        }
        ImportError::WithoutInput(id) => refusal(
            StatusCode::CONFLICT,
            format!(
                "the input of batch {id} was deleted before the world was exported, and so its results cannot be written \
                 again after a restart: only a mock without --data-dir can have this world. Nothing has changed"
            ),
        ),
        ImportError::ExceedsQuota(limit) => AddFileError::ExceedsQuota(limit).into(),
        ImportError::WorldIsFull(full) => AddFileError::WorldIsFull(full).into(),
        ImportError::TooMany(limit) => ApiError::too_many_worlds(limit),
        ImportError::Unreadable(error) => ApiError::internal(&error),
    }
}

/// Bytes on their way out, in chunks.
struct Outgoing {
    chunk: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        if chunk.is_empty() {
            return Ok(());
        }
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(chunk.into())).map_err(gone)
    }
}

/// Bytes on their way in.
struct Incoming {
    chunk: Bytes,
    receiver: mpsc::Receiver<io::Result<Bytes>>,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk?,
            }
        }
        let n = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..n]);
        Ok(n)
    }
}
