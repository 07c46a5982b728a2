//! `batchmock webhooks`

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use batchmock::WebhookSecret;
use clap::{Args, Subcommand};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use super::exit::Failure;
use super::output::tell;
use super::webhook_args::read_secret;

/// How long a body may be: that of an event has some hundred bytes.
const MAX_BODY: usize = 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct WebhooksArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Receive webhooks until interrupted, and print a line for each: the event, the batch, and whether the signature
    /// is right.
    Listen(ListenArgs),
    /// Print the secret that a mock makes for the endpoints of its command line.
    Secret {
        /// The seed of the mock.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        seed: u64,
    },
}

#[derive(Debug, Args)]
struct ListenArgs {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// The port to listen on; 0 takes a free one.
    #[arg(long, short, value_name = "PORT", default_value_t = 8000)]
    port: u16,

    /// The secret that signatures are held against [default: that of a mock whose seed is 0].
    #[arg(long, value_name = "SECRET", env = "OPENAI_WEBHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,

    /// Answer with this status; any but 2xx is tried again.
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
}

/// Receives webhooks, or prints a secret.
pub(super) async fn run(args: WebhooksArgs) -> Result<ExitCode, Failure> {
    match args.action {
        Action::Listen(listen) => listen.run().await,
        Action::Secret { seed } => {
            tell!("{}", WebhookSecret::from_seed(seed).reveal());
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl ListenArgs {
    #[expect(clippy::print_stderr, reason = "talk goes to standard error")]
    async fn run(self) -> Result<ExitCode, Failure> {
        let secret = read_secret("--secret", self.secret.as_deref())?;
        let secret = secret.unwrap_or_else(|| WebhookSecret::from_seed(0));
        let wanted = SocketAddr::new(self.host, self.port);
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| Failure::address(format!("cannot listen on {wanted}: {error}")))?;
        let address = listener.local_addr().map_err(Failure::internal)?;
        eprintln!("batchmock receives webhooks at http://{address}/ and stops with Ctrl-C");
        loop {
            let (stream, _) = listener
                .accept()
                .await
                .map_err(|error| Failure::internal(format!("no connection can be taken: {error}")))?;
            let (secret, status) = (secret.clone(), StatusCode::from_u16(self.status).unwrap_or_default());
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                let secret = secret.clone();
                async move { Ok::<_, Infallible>(take(request.map(axum::body::Body::new), &secret, status).await) }
            });
            // What breaks off is tried again by who sent it.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }
}

/// Takes a request, and prints what it is worth.
async fn take(request: Request, secret: &WebhookSecret, status: StatusCode) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    tell!("{}", line(&parts.headers, &body, secret));
    status.into_response()
}

fn line(headers: &HeaderMap, body: &Bytes, secret: &WebhookSecret) -> String {
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| shown(value.as_str().unwrap_or("-"));
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or("-");
    let verdict = match key(secret).and_then(|key| key.verify(body, headers)) {
        Ok(()) => "signature right".to_owned(),
        Err(error) => format!("REFUSED: {error}"),
    };
    format!("{}  {}  {}  {verdict}", text(&event["type"]), text(&event["data"]["id"]), shown(id))
}

/// What verifies with a secret.
fn key(secret: &WebhookSecret) -> Result<Webhook, standardwebhooks::WebhookError> {
    let text = secret.reveal();
    if text.starts_with("whsec_") {
        Webhook::new(text)
    } else {
        Webhook::from_bytes(text.as_bytes().to_vec())
    }
}

/// A text that anybody may have sent, as a terminal can show it.
fn shown(text: &str) -> String {
    text.chars().take(100).filter(|character| !character.is_control()).collect()
}
