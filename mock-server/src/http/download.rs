//! The bytes of a file on their way out.

use std::fs::File;
use std::io::{self, Read as _};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::task::{JoinHandle, spawn_blocking};

/// How much of a file is read at a time.
const CHUNK: usize = 256 * 1024;

type Reading = JoinHandle<io::Result<(File, Bytes)>>;

/// The first `len` bytes of a file, chunk by chunk: while one is sent, the next one is read, and no more than that,
/// however slow the reader. A file that turns out to be shorter is an error, so that nobody takes the beginning
/// for the whole.
pub(super) fn chunks(file: File, len: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let first = (len > 0).then(|| (read(file, len), len));
    stream::try_unfold(first, |state| async move {
        let Some((reading, left)) = state else { return Ok(None) };
        let (file, chunk) = reading.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
        let left = left - chunk.len() as u64;
        Ok(Some((chunk, (left > 0).then(|| (read(file, left), left)))))
    })
}

fn read(mut file: File, left: u64) -> Reading {
    let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
    spawn_blocking(move || {
        let mut chunk = Vec::with_capacity(length);
        file.by_ref().take(length as u64).read_to_end(&mut chunk)?;
        if chunk.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok((file, chunk.into())) }
    })
}
