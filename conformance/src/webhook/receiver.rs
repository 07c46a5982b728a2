//! The endpoint: it keeps all that comes, and answers as cases ask it to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Delivery;
use crate::time::{self, Deadline};

/// Where redirects lead.
const ELSEWHERE: &str = "/redirected";

/// Listens for as long as it is there.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// How an attempt is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// With this status.
    Status(u16),
    /// With a redirect to another place of the suite.
    Redirect,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    /// How many came.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Kept {
    came: Vec<Arc<Delivery>>,
    /// For each batch, how the next attempts are answered; with 204 after that.
    replies: BTreeMap<String, VecDeque<Reply>>,
}

impl Receiver {
    /// Listens.
    ///
    /// # Errors
    ///
    /// If the address cannot be had.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { kept: Mutex::default(), count: watch::channel(0).0 });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            // It ends with the task alone: nobody shuts it down.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How the next attempts to tell of a batch are answered.
    pub(crate) fn reply(&self, batch: &str, replies: impl IntoIterator<Item = Reply>) {
        self.shared.lock().replies.insert(batch.to_owned(), replies.into_iter().collect());
    }

    /// All that was told of a batch by now, in the order in which it came.
    pub(crate) fn told_of(&self, batch: &str) -> Vec<Arc<Delivery>> {
        self.shared.lock().came.iter().filter(|delivery| delivery.is_of(batch)).cloned().collect()
    }

    /// Waits until so much was told of a batch. Gives the last of it; nothing if the deadline passes.
    pub(crate) async fn wait_for(
        &self,
        batch: &str,
        attempt: usize,
        deadline: Deadline,
    ) -> Option<Arc<Delivery>> {
        let mut count = self.shared.count.subscribe();
        loop {
            // From here on, whatever comes is seen as a change.
            count.borrow_and_update();
            if let Some(delivery) = self.told_of(batch).into_iter().nth(attempt - 1) {
                return Some(delivery);
            }
            // That nothing can come any more is no different from that it does not come in time.
            deadline.limit(count.changed()).await?.ok()?;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    /// Nothing is left half done under this lock, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let delivery = Delivery::new(&method, uri.path(), headers, body.into(), time::unix_now());
    let reply = {
        let mut kept = shared.lock();
        let replies = delivery.batch().and_then(|batch| kept.replies.get_mut(&batch));
        let reply = replies.and_then(VecDeque::pop_front).unwrap_or(Reply::Status(204));
        kept.came.push(Arc::new(delivery));
        reply
    };
    shared.count.send_modify(|count| *count += 1);
    match reply {
        Reply::Status(status) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Reply::Redirect => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, ELSEWHERE)]).into_response(),
    }
}

impl Delivery {
    /// Whether it came to where a redirect led.
    pub(crate) fn was_redirected(&self) -> bool {
        self.path == ELSEWHERE
    }
}
