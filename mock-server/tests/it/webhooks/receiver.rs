//! Somebody who is told.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use batchmock::WebhookEndpoint;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What everything is signed with.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that takes webhooks. It stops with the test's runtime.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: UnboundedReceiver<Received>,
}

/// What came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// How something is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Status(u16),
    RedirectTo(&'static str),
    /// Never.
    Hang,
}

type Replies = Arc<Mutex<VecDeque<Reply>>>;

impl Receiver {
    /// One that answers 200.
    pub(crate) async fn start() -> Self {
        Self::answering([]).await
    }

    /// One that first gives these answers, and then 200.
    pub(crate) async fn answering(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::behind(replies, None).await
    }

    /// One that answers 200 over TLS, with this certificate and its key.
    pub(crate) async fn secure(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Self {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Self::behind([], Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn behind(replies: impl IntoIterator<Item = Reply>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let replies: Replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        let router = Router::new().fallback(take).with_state((sender, replies));
        tokio::spawn(serve(listener, tls, router));
        Self { address, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The endpoint that it is.
    pub(crate) fn endpoint(&self) -> WebhookEndpoint {
        WebhookEndpoint::new(&self.url("/hook"), SECRET.parse().unwrap()).unwrap()
    }

    /// What comes next.
    #[track_caller]
    pub(crate) fn next(&mut self) -> impl Future<Output = Received> {
        let caller = std::panic::Location::caller();
        #[expect(clippy::disallowed_methods, reason = "a test that waits in vain is to fail")]
        let received = tokio::time::timeout(PATIENCE, self.received.recv());
        async move {
            let received = received.await.unwrap_or_else(|_| panic!("nothing came: {caller}"));
            received.expect("the receiver runs")
        }
    }

    /// What has come and nobody has looked at.
    pub(crate) fn rest(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What it tells, in short.
    pub(crate) fn told(&self) -> (String, String) {
        let body = self.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&body["type"]), text(&body["data"]["id"]))
    }

    /// What the library of Standard Webhooks has against it, if anything.
    pub(crate) fn objection(&self, secret: &str) -> Option<String> {
        let verified = Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &self.headers);
        verified.err().map(|error| error.to_string())
    }
}

async fn take(
    State((sender, replies)): State<(UnboundedSender<Received>, Replies)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let _ = sender.send(Received { method, path: uri.to_string(), headers, body });
    let reply = replies.lock().unwrap().pop_front();
    match reply {
        None => StatusCode::OK.into_response(),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Reply::RedirectTo(place)) => (StatusCode::FOUND, [("location", place)]).into_response(),
        Some(Reply::Hang) => std::future::pending().await,
    }
}

/// What `axum::serve` does, which the features of the package leave out.
async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    use hyper::server::conn::http1;
    use hyper_util::rt::TokioIo;
    use hyper_util::service::TowerToHyperService;

    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        let tls = tls.clone();
        tokio::spawn(async move {
            let http = http1::Builder::new();
            match tls {
                None => http.serve_connection(TokioIo::new(stream), service).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await,
                    // Who does not trust the certificate goes.
                    Err(_) => Ok(()),
                },
            }
        });
    }
}
