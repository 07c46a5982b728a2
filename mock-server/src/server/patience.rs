//! How long the other side of a connection is waited for.
//!
//! Nothing here costs a request that comes and goes in time a timer of its own: one is set only when there is
//! something to wait for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::config::ConnectionLimits;
use crate::http;

/// What has to move before patience begins anew.
const LEAST: u64 = 1024;

/// How long a client that is still sending when it has been answered is listened to: who is cut off at once may
/// lose the answer.
const LINGERING: Duration = Duration::from_secs(2);

/// What goes on on a connection. The stream of bytes and what is made of it see different ends of that; here they
/// meet.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    stage: Stage,
    /// How many requests have come.
    n_begun: AtomicU64,
    /// Whether something of a body has not been read.
    has_unread: AtomicBool,
    /// Whether what will be written is part of an answer of ours.
    is_answered: AtomicBool,
    /// Of who waits until what has been written is on its way.
    flush: Flush,
}

/// Waiting until what has been written is on its way, for who breaks a connection after that.
#[derive(Debug, Default)]
struct Flush {
    is_awaited: AtomicBool,
    is_done: AtomicBool,
    waker: AtomicWaker,
}

/// Where a connection is in the course of an exchange.
#[derive(Debug, Default)]
struct Stage(AtomicU8);

impl Stage {
    /// Nothing of the next request has come.
    const BETWEEN: u8 = 0;
    /// The line and headers of a request are coming.
    const HEAD: u8 = 1;
    /// A request has come, and its answer has not been handed over yet.
    const UNDER_WAY: u8 = 2;

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Exchange {
    /// A request has come. Its body, if it has one, is waited for so long.
    pub(super) fn begin(self: &Arc<Self>, request: hyper::Request<Incoming>, patience: Duration) -> Request {
        self.stage.set(Stage::UNDER_WAY);
        self.n_begun.fetch_add(1, Ordering::Relaxed);
        request.map(|body| {
            if body.is_end_stream() {
                return Body::empty();
            }
            self.has_unread.store(true, Ordering::Relaxed);
            Body::new(PatientBody { body, exchange: Arc::clone(self), patience: Patience::new(patience) })
        })
    }

    /// Its answer is there.
    pub(super) fn answer(self: Arc<Self>, response: Response) -> Response<AnswerBody> {
        self.is_answered.store(true, Ordering::Relaxed);
        response.map(|body| AnswerBody { body, exchange: self })
    }

    /// Whether what is written now is none of ours: hyper's own answer to what it cannot read.
    fn is_foreign(&self) -> bool {
        self.stage.get() != Stage::UNDER_WAY && !self.is_answered.load(Ordering::Relaxed)
    }

    /// Waits until all that has been handed over so far is on its way.
    pub(super) fn poll_flushed(&self, context: &mut Context<'_>) -> Poll<()> {
        let Flush { is_awaited, is_done, waker } = &self.flush;
        if is_done.swap(false, Ordering::Relaxed) {
            return Poll::Ready(());
        }
        waker.register(context.waker());
        is_awaited.store(true, Ordering::Relaxed);
        Poll::Pending
    }

    /// Everything that was to be written has been.
    fn is_flushed(&self) {
        if self.flush.is_awaited.swap(false, Ordering::Relaxed) {
            self.flush.is_done.store(true, Ordering::Relaxed);
            self.flush.waker.wake();
        }
        if self.stage.get() != Stage::UNDER_WAY {
            self.is_answered.store(false, Ordering::Relaxed);
        }
    }

    /// Whether more may come that nobody will read.
    fn is_cut_off(&self) -> bool {
        self.stage.get() == Stage::HEAD || self.has_unread.load(Ordering::Relaxed)
    }
}

/// Waits for the other side: so long for each [`LEAST`] bytes.
#[derive(Debug)]
struct Patience {
    lasts_for: Duration,
    n_moved: u64,
    ending: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(lasts_for: Duration) -> Self {
        Self { lasts_for, n_moved: 0, ending: None }
    }

    /// So many bytes have moved.
    fn moved(&mut self, n: usize) {
        self.n_moved += n as u64;
        if self.n_moved >= LEAST {
            self.renew();
        }
    }

    /// Nothing is waited for any more.
    fn renew(&mut self) {
        self.n_moved = 0;
        self.ending = None;
    }

    /// Asked while nothing moves: ready when it is at its end.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.ending.get_or_insert_with(|| timer(self.lasts_for)).as_mut().poll(context)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "clients that stop half-way must not keep a connection, and faults keep clients waiting"
)]
pub(super) fn timer(lasts_for: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(lasts_for))
}

/// The body of a request, waited for while it comes.
#[derive(Debug)]
struct PatientBody {
    body: Incoming,
    exchange: Arc<Exchange>,
    patience: Patience,
}

impl HttpBody for PatientBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => {
                ready!(self.patience.poll_end(context));
                Poll::Ready(Some(Err(http::BodyStalled { waited_for: self.patience.lasts_for }.into())))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.patience.moved(frame.data_ref().map_or(0, Bytes::len));
                if self.body.is_end_stream() {
                    self.exchange.has_unread.store(false, Ordering::Relaxed);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.exchange.has_unread.store(false, Ordering::Relaxed);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it goes, all of the answer has been handed over.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: Body,
    exchange: Arc<Exchange>,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.exchange.stage.set(Stage::BETWEEN);
    }
}

/// A connection whose other side is waited for as long as its limits say.
#[derive(Debug)]
pub(super) struct PatientStream {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    limits: ConnectionLimits,
    /// How long nothing has come, and how many requests had come when that was first asked.
    idle: Option<(Pin<Box<Sleep>>, u64)>,
    /// When the head that is coming must be there, and how many requests came before it.
    head: Option<(Pin<Box<Sleep>>, u64)>,
    /// Whether a head has not come in time.
    is_late: bool,
    writing: Patience,
    refusal: Option<Refusal>,
    /// When a client that is still sending is left.
    lingering: Option<Pin<Box<Sleep>>>,
}

/// An answer to what is no request, on its way out.
#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    n_written: usize,
}

impl PatientStream {
    pub(super) fn new(stream: TcpStream, limits: ConnectionLimits, exchange: Arc<Exchange>) -> Self {
        Self {
            stream,
            exchange,
            limits,
            idle: None,
            head: None,
            is_late: false,
            writing: Patience::new(limits.answer_stalls_for),
            refusal: None,
            lingering: None,
        }
    }

    /// Whether it ended because the head of a request did not come in time.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
    }

    /// Lets the connection be reset as soon as it is dropped: what has not been sent is not sent any more.
    pub(super) fn reset_when_closed(&self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// The stream itself, for who waits for nothing but its end.
    pub(super) fn bare(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Answers what is no request, and closes the connection. Does nothing if no request has begun to come, or
    /// if it has been answered already.
    pub(super) fn poll_refuse(
        &mut self,
        context: &mut Context<'_>,
        status: StatusCode,
    ) -> Poll<io::Result<()>> {
        if self.exchange.stage.get() != Stage::HEAD {
            return Poll::Ready(Ok(()));
        }
        if self.lingering.is_none() {
            ready!(self.poll_write_refusal(context, status))?;
        }
        Pin::new(self).poll_shutdown(context)
    }

    /// Writes an answer of ours to a request whose head cannot be read.
    fn poll_write_refusal(&mut self, context: &mut Context<'_>, status: StatusCode) -> Poll<io::Result<()>> {
        let limits = self.limits;
        let refusal = self.refusal.get_or_insert_with(|| Refusal {
            bytes: http::refusal_of_a_head(status, limits.head_bytes),
            n_written: 0,
        });
        while refusal.n_written < refusal.bytes.len() {
            let rest = &refusal.bytes[refusal.n_written..];
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Ready(written) => refusal.n_written += written?,
                Poll::Pending => return self.writing.poll_end(context).map(|()| Err(stalled())),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The status that hyper answers by itself, if that is what it is about to write.
    fn foreign_status(&self, bytes: &[u8]) -> Option<StatusCode> {
        if !self.exchange.is_foreign() {
            return None;
        }
        StatusCode::from_bytes(bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()
    }

    /// Notes what came of writing.
    fn note(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(n)) => {
                self.writing.moved(n);
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.writing.poll_end(context).map(|()| Err(stalled())),
        }
    }

    /// Asked while nothing comes: ready when that has lasted too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let n_begun = self.exchange.n_begun.load(Ordering::Relaxed);
        let stage = self.exchange.stage.get();
        let (waiting, limit) = match stage {
            // What comes of a body is waited for where it is read.
            Stage::UNDER_WAY => return Poll::Pending,
            Stage::HEAD => (&mut self.head, self.limits.head_for),
            _ => (&mut self.idle, self.limits.idle_for),
        };
        loop {
            let (ending, n_before) = waiting.get_or_insert_with(|| (timer(limit), n_begun));
            // That of an earlier head is over; that of an idle connection goes on, so that requests that follow
            // one another need none of their own.
            if stage == Stage::BETWEEN || *n_before == n_begun {
                ready!(ending.as_mut().poll(context));
            }
            if *n_before == n_begun {
                self.is_late = stage == Stage::HEAD;
                return Poll::Ready(());
            }
            *waiting = None;
        }
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n_before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_silence(context).map(|()| Err(silent())),
            Poll::Ready(read) => {
                if buffer.filled().len() > n_before && self.exchange.stage.get() == Stage::BETWEEN {
                    self.exchange.stage.set(Stage::HEAD);
                }
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(status) = self.foreign_status(bytes) {
            return self.poll_write_refusal(context, status).map_ok(|()| bytes.len());
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(status) = slices.first().and_then(|bytes| self.foreign_status(bytes)) {
            let n = slices.iter().map(|bytes| bytes.len()).sum();
            return self.poll_write_refusal(context, status).map_ok(|()| n);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.writing.renew();
        self.exchange.is_flushed();
        Poll::Ready(Ok(()))
    }

    /// Closes the connection; while something is still coming that was never read, it is read and forgotten for a
    /// moment, since closing a connection with unread bytes takes back what was written last.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if !self.exchange.is_cut_off() {
                return Poll::Ready(Ok(()));
            }
        }
        let this = &mut *self;
        let ending = this.lingering.get_or_insert_with(|| timer(LINGERING));
        loop {
            if ending.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut unwanted = [0; 4096];
            let mut unwanted = ReadBuf::new(&mut unwanted);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut unwanted)) {
                Ok(()) if !unwanted.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no request comes")
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")
}
