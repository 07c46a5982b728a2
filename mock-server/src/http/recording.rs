//! What the journal is told of an exchange, from the request to the last byte of the answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::App;
use super::extract::Held;
use super::hearing::Hearsay;
use crate::fault::{AppliedFault, Delivery};
use crate::journal::{Answer, Arrival, Exchange, Journal, More, Outcome, PathId, RequestId};
use crate::operation::Called;
use crate::sim::Timestamp;
use crate::world::World;

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How many characters of a header are kept.
const MAX_HEADER: usize = 512;

/// An exchange that goes on. When this goes without an answer, nobody waits for one any more.
pub(super) struct Recording {
    /// None when the answer is there.
    open: Option<Page>,
    hearsay: Option<Hearsay>,
    is_head: bool,
}

/// Where it is recorded.
struct Page {
    journal: Arc<Journal>,
    exchange: Arc<Exchange>,
}

/// The exchange of a request, for who knows more of it than can be seen from outside; none if no journal is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(pub(crate) Option<Arc<Exchange>>);

impl FromRequestParts<App> for Recorded {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Held>().map_or_else(Self::default, |held| held.recorded.clone()))
    }
}

impl Recorded {
    /// The exchange is about this as well.
    pub(super) fn touched(&self, id: &str) {
        if let Some(exchange) = &self.0 {
            exchange.touched(id);
        }
    }

    /// Its answer tells that the batch has ended.
    pub(super) fn tells_end(&self) {
        if let Some(exchange) = &self.0 {
            exchange.tells_end();
        }
    }

    /// It brought a file of this length and hash.
    pub(super) fn brought(&self, n_bytes: u64, hash: u64) {
        if let Some(exchange) = &self.0 {
            exchange.brought(n_bytes, hash);
        }
    }
}

impl Recording {
    /// Begins to record an exchange in the journal of a world, if it has one.
    pub(super) fn begin(
        world: &World,
        wall: Timestamp,
        parts: &Parts,
        called: &Called<'_>,
        hearsay: Option<Hearsay>,
    ) -> Option<Self> {
        if !world.journal().is_kept() {
            return None;
        }
        let journal = Arc::clone(world.journal());
        // What came due before the request came stands before it.
        let at = world.settled(wall);
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = user_agent.map(|text| text.get(..MAX_HEADER).unwrap_or(text));
        let exchange = journal.arrived(arrival(at, wall, parts, called), user_agent);
        let is_head = parts.method == Method::HEAD;
        Some(Self { open: Some(Page { journal, exchange }), hearsay, is_head })
    }

    /// What is recorded, for the handler.
    pub(super) fn recorded(&self) -> Recorded {
        Recorded(self.open.as_ref().map(|page| Arc::clone(&page.exchange)))
    }

    /// Records the answer, and from now on how much of it is sent.
    pub(super) fn answer(mut self, response: Response, took: Duration) -> Response {
        let Some(page) = self.open.take() else { return response };
        let headers = response.headers();
        let content_type = content_type(headers);
        let is_file = content_type.as_deref() == Some("application/octet-stream");
        let most_kept = if is_file { 0 } else { page.journal.body_bytes() };
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let n_bytes =
            if self.is_head { Some(0) } else { length.or_else(|| response.body().size_hint().exact()) };
        let at_most = n_bytes.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let answer = Answer {
            status: response.status().as_u16(),
            request_id: text(headers, &REQUEST_ID).map(RequestId::new),
            retry_after: text(headers, &RETRY_AFTER)
                .map(Into::into)
                .or_else(|| text(headers, &RETRY_AFTER_MS).map(|millis| format!("{millis}ms").into())),
            content_type,
            n_bytes,
            n_kept: most_kept.min(at_most),
            took,
        };
        let fault = response.extensions().get::<AppliedFault>();
        if let Some(fault) = fault {
            page.exchange.befell(fault.to_string());
        }
        let is_answered = fault.is_none_or(|fault| fault.is_answered);
        let request = self.hearsay.as_ref().map(Hearsay::take).unwrap_or_default();
        page.journal.answered(&page.exchange, request, is_answered.then_some(answer));
        if !is_answered {
            return response;
        }
        let cut_after =
            response.extensions().get::<Delivery>().and_then(|delivery| delivery.cut_after(n_bytes));
        response.map(|body| {
            let mut body = RecordedBody {
                body,
                page: Some(page),
                left: n_bytes,
                most_kept,
                n_sent: 0,
                kept: Kept::Nothing,
                cut_after,
            };
            if cut_after == Some(0) {
                body.end(Outcome::BrokenOff);
            } else if n_bytes == Some(0) {
                body.end(Outcome::Sent);
            }
            Body::new(body)
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(page) = self.open.take() {
            let request = self.hearsay.as_ref().map(Hearsay::take).unwrap_or_default();
            page.journal.answered(&page.exchange, request, None);
        }
    }
}

/// What is asked for must stand in the path of these parts.
fn arrival(at: Timestamp, wall: Timestamp, parts: &Parts, called: &Called<'_>) -> Arrival {
    let headers = &parts.headers;
    let path = parts.uri.path();
    let more = More {
        query: parts.uri.query().map(Into::into),
        content_type: text(headers, &CONTENT_TYPE).map(Into::into),
        idempotency_key: text(headers, &IDEMPOTENCY_KEY).map(Into::into),
    };
    Arrival {
        at,
        wall,
        method: match parts.method {
            Method::GET => "GET".into(),
            Method::POST => "POST".into(),
            Method::DELETE => "DELETE".into(),
            _ => parts.method.as_str().to_owned().into(),
        },
        operation: called.operation,
        id: PathId::new(path, called.id.as_ref()),
        path: path.into(),
        more: (more != More::default()).then(|| Box::new(more)),
        retry_count: headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()?.parse().ok()),
    }
}

/// The content type of an answer, which is mostly the same.
fn content_type(headers: &HeaderMap) -> Option<Cow<'static, str>> {
    match headers.get(CONTENT_TYPE)?.as_bytes() {
        b"application/json" => Some(Cow::Borrowed("application/json")),
        b"application/octet-stream" => Some(Cow::Borrowed("application/octet-stream")),
        _ => text(headers, &CONTENT_TYPE).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// The beginning of a header, as text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, str>> {
    let value = headers.get(name)?;
    Some(match value.to_str() {
        Ok(text) => Cow::Borrowed(text.get(..MAX_HEADER).unwrap_or(text)),
        Err(_) => String::from_utf8_lossy(value.as_bytes()).chars().take(MAX_HEADER).collect(),
    })
}

/// The body of an answer, which tells the journal how far it got.
struct RecordedBody {
    body: Body,
    /// None when all has been told.
    page: Option<Page>,
    /// How much is still to come, if that is known.
    left: Option<u64>,
    most_kept: usize,
    n_sent: u64,
    kept: Kept,
    /// After how many bytes a fault will cut it: what it gives beyond them is not sent.
    cut_after: Option<u64>,
}

/// The beginning of a body.
enum Kept {
    Nothing,
    /// As it is in most answers.
    OnePiece(Bytes),
    Pieces(Vec<u8>),
}

impl RecordedBody {
    fn sends(&mut self, chunk: &Bytes) {
        let chunk = match self.cut_after {
            None => chunk,
            Some(cut_after) => {
                let rest = usize::try_from(cut_after - self.n_sent).unwrap_or(usize::MAX);
                &chunk.slice(..chunk.len().min(rest))
            }
        };
        let room = self.most_kept.saturating_sub(self.kept.len()).min(chunk.len());
        if room > 0 {
            // A part of a piece would hold all of it.
            let piece =
                if room == chunk.len() { chunk.clone() } else { Bytes::copy_from_slice(&chunk[..room]) };
            self.kept.push(piece);
        }
        let n = chunk.len() as u64;
        self.n_sent += n;
        self.left = self.left.map(|left| left.saturating_sub(n));
        // Told before the last bytes are handed over: who has them finds the journal complete.
        if self.left == Some(0) {
            self.end(Outcome::Sent);
        } else if self.cut_after == Some(self.n_sent) {
            self.end(Outcome::BrokenOff);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(Page { journal, exchange }) = self.page.take() {
            let beginning = std::mem::replace(&mut self.kept, Kept::Nothing).into();
            journal.sent(&exchange, self.n_sent, beginning, outcome);
        }
    }
}

impl Kept {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::OnePiece(bytes) => bytes.len(),
            Self::Pieces(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, chunk: Bytes) {
        match self {
            Self::Nothing => *self = Self::OnePiece(chunk),
            Self::OnePiece(first) => *self = Self::Pieces([&**first, &*chunk].concat()),
            Self::Pieces(bytes) => bytes.extend_from_slice(&chunk),
        }
    }
}

impl From<Kept> for Bytes {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Nothing => Self::new(),
            Kept::OnePiece(bytes) => bytes,
            Kept::Pieces(bytes) => bytes.into(),
        }
    }
}

impl HttpBody for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(chunk) = frame.data_ref() {
                    self.sends(chunk);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(Outcome::BrokenOff),
            // A body that is shorter than was told breaks the connection.
            Poll::Ready(None) => {
                let outcome =
                    if self.left.is_none_or(|left| left == 0) { Outcome::Sent } else { Outcome::BrokenOff };
                self.end(outcome);
            }
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let outcome = if self.body.is_end_stream() && self.left.is_none() {
            Outcome::Sent
        } else {
            Outcome::ClientLeft
        };
        self.end(outcome);
    }
}
