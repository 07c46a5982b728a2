//! Bringing an answer to its client late, slowly, or not whole, as a fault says.
//!
//! A connection is broken in two steps. What is being sent ends with a [`BrokenOff`] as its error, at which hyper gives
//! the connection up without another word; it is then in hand ([`break_off`]), and is reset, closed, or kept in silence.
//! What was to come before the break has been handed to the system by then: a body waits for that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::Sleep;

use super::patience::{Exchange, PatientStream, timer};
use crate::fault::{Cut, Delivery, Dribble, End, Silence};

/// What stands where a chunk should: no number in hexadecimal digits.
const NO_CHUNK: &[u8] = b"batchmock\r\n";

/// Why an answer ends: a fault says so.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a fault breaks the connection: {0:?}")]
pub(super) struct BrokenOff(Break);

/// How a connection ends.
#[derive(Debug, Clone, Copy)]
enum Break {
    Silence(Silence),
    Cut(Cut),
}

impl BrokenOff {
    /// What broke a connection, if a fault did.
    pub(super) fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        causes.find_map(|cause| cause.downcast_ref::<Self>()).copied()
    }
}

/// Waits as long as an answer is to be late, and gives it the body that it is to have.
pub(super) async fn deliver(mut response: Response, exchange: &Arc<Exchange>) -> Result<Response, BrokenOff> {
    let Some(delivery) = response.extensions_mut().remove::<Delivery>() else { return Ok(response) };
    let Delivery { delay, first_byte_after, dribble, end } = delivery;
    if let Some(delay) = delay {
        timer(delay).await;
    }
    let (rest, cut) = match end {
        End::Never(silence) => return Err(BrokenOff(Break::Silence(silence))),
        End::Whole => (u64::MAX, None),
        End::Cut(at, cut) => (at.of(length(&response)), Some(cut)),
    };
    if cut == Some(Cut::BrokenChunk) {
        // What has a length is not sent in chunks.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(response.map(|body| {
        let exchange = Arc::clone(exchange);
        let waiting = first_byte_after.map(timer);
        Body::new(FaultyBody { body, exchange, waiting, dribble, at_hand: Bytes::new(), rest, cut })
    }))
}

/// How long the body of an answer is, if that is known.
fn length(response: &Response) -> Option<u64> {
    let told = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    told.or_else(|| response.body().size_hint().exact())
}

/// Ends a connection that hyper has given up, as the fault says.
pub(super) async fn break_off(
    BrokenOff(how): BrokenOff,
    mut stream: PatientStream,
    mut stopping: watch::Receiver<()>,
) {
    match how {
        // It may be reset by its client already.
        Break::Silence(Silence::Reset) | Break::Cut(Cut::Reset) => drop(stream.reset_when_closed()),
        Break::Silence(Silence::Close) | Break::Cut(Cut::Close) => {}
        Break::Cut(Cut::BrokenChunk) => {
            // Who does not take it has gone before it could be told.
            let _ = stream.write_all(NO_CHUNK).await;
            let _ = stream.shutdown().await;
        }
        Break::Silence(Silence::Hang(lasts_for)) => {
            let ends = async {
                match lasts_for {
                    Some(lasts_for) => timer(lasts_for).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ends => {}
                () = leaves(stream.bare()) => {}
                _ = stopping.changed() => {}
            }
        }
    }
}

/// Waits until a client has closed its side; what it may still say is read and forgotten.
async fn leaves(stream: &mut tokio::net::TcpStream) {
    let mut unwanted = [0; 4096];
    while let Ok(1..) = stream.read(&mut unwanted).await {}
}

/// The body of an answer that comes slowly, or not whole.
#[derive(Debug)]
struct FaultyBody {
    body: Body,
    exchange: Arc<Exchange>,
    /// When more may come.
    waiting: Option<Pin<Box<Sleep>>>,
    dribble: Option<Dribble>,
    /// What has come of the body, and may not go on yet.
    at_hand: Bytes,
    /// How much may still come.
    rest: u64,
    cut: Option<Cut>,
}

impl FaultyBody {
    /// As much of what is at hand as may go on at once.
    fn next_piece(&mut self) -> Bytes {
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX);
        let most = most.min(self.dribble.map_or(usize::MAX, |dribble| dribble.bytes));
        let piece = self.at_hand.split_to(self.at_hand.len().min(most));
        self.rest -= piece.len() as u64;
        let is_more_to_come = self.rest > 0 && !(self.at_hand.is_empty() && self.body.is_end_stream());
        self.waiting = self.dribble.filter(|_| is_more_to_come).map(|dribble| timer(dribble.every));
        piece
    }
}

impl HttpBody for FaultyBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Some(waiting) = &mut this.waiting {
            ready!(waiting.as_mut().poll(context));
            this.waiting = None;
        }
        while this.rest > 0 && this.at_hand.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                // What is no data are trailers, of which no route of ours has any.
                Some(Ok(frame)) => this.at_hand = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => break,
            }
        }
        if this.rest > 0 && !this.at_hand.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(this.next_piece()))));
        }
        let Some(cut) = this.cut else { return Poll::Ready(None) };
        ready!(this.exchange.poll_flushed(context));
        Poll::Ready(Some(Err(BrokenOff(Break::Cut(cut)).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.at_hand.is_empty() && self.body.is_end_stream()
    }

    /// That of the whole: a cut body says that it is not cut.
    fn size_hint(&self) -> SizeHint {
        match self.cut {
            Some(Cut::BrokenChunk) => SizeHint::default(),
            Some(Cut::Close | Cut::Reset) | None => self.body.size_hint(),
        }
    }
}
