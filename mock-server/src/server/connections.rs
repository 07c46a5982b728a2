//! Connections: taking them, serving them, letting them end.
//!
//! No connection takes more than [`ConnectionLimits`] says, and whatever comes over one is answered in the form
//! of the API, if there is still somebody to be answered: also what is no HTTP, which hyper would answer with
//! a bare status.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::{Service, ServiceExt as _};

use super::delivery::{self, BrokenOff};
use super::patience::{Exchange, PatientStream};
use crate::config::ConnectionLimits;
use crate::http::{self, App};

/// How long to wait when no connection can be taken, for want of file descriptors as a rule.
const BREATHER: Duration = Duration::from_millis(100);

/// How many clients may wait to be taken.
#[cfg(unix)]
const QUEUE: i32 = 4096;

/// How many connections beyond the limit are told so at a time. Any more are closed without a word.
const MAX_REFUSALS: usize = 64;

/// Serves until `shutdown` is ready, then lets requests under way end, for at most `grace`. What is left then,
/// or when this is dropped, is cut off.
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) {
    let limits = app.worlds.config().connections;
    lengthen_queue(&listener);
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    {
        let (places, refusals) = (Arc::new(places(limits.n_connections)), Arc::new(places(MAX_REFUSALS)));
        let service = http::service(app);
        let refusing = tower::service_fn(move |_: Request| {
            std::future::ready(Ok::<_, Infallible>(http::too_many_connections(limits.n_connections)))
        });
        let mut shutdown = pin!(shutdown);
        loop {
            let stream = tokio::select! {
                () = &mut shutdown => break,
                stream = accept(&listener) => stream,
                Some(_) = connections.join_next() => continue,
            };
            let stopping = stopping.clone();
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                let service = service.clone();
                connections.spawn(async move {
                    serve_connection(stream, service, limits, true, stopping).await;
                    drop(place);
                });
            } else if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                let service = refusing;
                connections.spawn(async move {
                    serve_connection(stream, service, limits, false, stopping).await;
                    drop(place);
                });
            }
        }
    }
    // Nobody is let in while the others end.
    drop((listener, stop, stopping));
    let ended = async { while connections.join_next().await.is_some() {} };
    #[expect(clippy::disallowed_methods, reason = "a request that never ends must not keep the server")]
    let patience = tokio::time::sleep(grace);
    tokio::select! {
        () = ended => {}
        () = patience => {}
    }
}

/// Lets more clients than the usual 128 wait to be taken: who finds the queue full asks again only after a second.
fn lengthen_queue(listener: &TcpListener) {
    // Where it stays as it is, clients wait for longer.
    #[cfg(unix)]
    let _ = rustix::net::listen(listener, QUEUE);
    #[cfg(not(unix))]
    let _ = listener;
}

fn places(n: usize) -> Semaphore {
    Semaphore::new(n.min(Semaphore::MAX_PERMITS))
}

/// The next connection.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // One that has gone before it was taken.
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "asking again at once would be asking in a circle"
                )]
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Serves one connection to its end.
async fn serve_connection<S>(
    stream: TcpStream,
    service: S,
    limits: ConnectionLimits,
    is_kept: bool,
    mut stopping: watch::Receiver<()>,
) where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let exchange = Arc::new(Exchange::default());
    let stream = TokioIo::new(PatientStream::new(stream, limits, Arc::clone(&exchange)));
    let hyper_service = service_fn(|request: hyper::Request<Incoming>| {
        let request = exchange.begin(request, limits.body_stalls_for);
        let (service, exchange) = (service.clone(), Arc::clone(&exchange));
        async move {
            let response = service.oneshot(request).await.unwrap_or_else(|never| match never {});
            delivery::deliver(response, &exchange).await.map(|response| exchange.answer(response))
        }
    });
    let mut http = http1::Builder::new();
    // Who has said all and sends no more is answered nevertheless.
    http.max_header_size(limits.head_bytes).keep_alive(is_kept).half_close(true);
    let mut connection = http.serve_connection(stream, hyper_service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopping.changed() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let Err(error) = ended else { return };
    tracing::debug!(%error, "a connection broke off");
    let mut stream = connection.into_parts().io.into_inner();
    if let Some(broken_off) = BrokenOff::find(&error) {
        return delivery::break_off(broken_off, stream, stopping).await;
    }
    // What hyper gives up without a word.
    let status = match error {
        _ if stream.is_late() => StatusCode::REQUEST_TIMEOUT,
        error if error.is_parse() || error.is_incomplete_message() => StatusCode::BAD_REQUEST,
        _ => return,
    };
    // Who does not take it cannot be helped.
    let _ = std::future::poll_fn(|context| stream.poll_refuse(context, status)).await;
}
