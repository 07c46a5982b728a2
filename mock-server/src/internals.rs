//! What fuzz targets and benches need of the inside. No part of the library: it may change at any time.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::clock::ClockMode;
use crate::config::{Config, Limits};
use crate::control::Guard;
use crate::endpoint::Endpoint;
use crate::http::{self, App};
use crate::input::{Line, Scanner, UploadFault};
use crate::responder::{Ending, Occasion, Request, Responder};
use crate::sim::Seed;
use crate::world::Worlds;

/// A whole mock without a socket.
#[derive(Debug, Clone)]
pub struct Mock {
    app: App,
}

/// An answer of it.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Mock {
    /// # Panics
    ///
    /// If there is no temporary directory.
    pub fn new() -> Self {
        let limits = Limits { batch_file_bytes: 64 * 1024, file_bytes: 64 * 1024, ..Limits::default() };
        let config = Config { clock: ClockMode::Frozen, limits, ..Config::default() };
        let worlds = Worlds::new(config).expect("there is a temporary directory");
        Self { app: App::new(worlds, Guard::default()) }
    }

    /// Answers a request whose body comes in these pieces; nothing if it is no request at all.
    pub async fn answer(
        &self,
        method: &str,
        target: &str,
        content_type: &str,
        body: Vec<Bytes>,
    ) -> Option<Answered> {
        let body = stream::iter(body.into_iter().map(Ok::<_, Infallible>));
        let request = HttpRequest::builder()
            .method(method)
            .uri(target)
            .header(AUTHORIZATION, "Bearer sk-internals")
            .header(CONTENT_TYPE, content_type)
            .body(Body::from_stream(body))
            .ok()?;
        let answer =
            http::service(self.app.clone()).oneshot(request).await.unwrap_or_else(|never| match never {});
        let content_type = answer.headers().get(CONTENT_TYPE);
        let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Some(Answered {
            status: answer.status().as_u16(),
            content_type: content_type.unwrap_or_default(),
            body: answer.into_body().collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default(),
        })
    }
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

/// What a scan finds, whatever the pieces are in which the bytes come.
#[derive(Debug, PartialEq, Eq)]
pub struct Scanned {
    lines: Vec<Line>,
    pub n_lines: u64,
    fault: Option<UploadFault>,
}

/// Scans an input that comes in these pieces.
pub fn scan<'p>(pieces: impl IntoIterator<Item = &'p [u8]>, max_line: usize) -> Scanned {
    let mut scanner = Scanner::new(Arc::default(), max_line);
    for piece in pieces {
        scanner.push(piece);
    }
    let scan = scanner.finish();
    Scanned { lines: scan.lines, n_lines: scan.n_lines, fault: scan.fault }
}

/// Reads a body as an endpoint does, and answers it; nothing if it is refused.
pub fn answer(endpoint: Endpoint, body: &Value, ending: Ending) -> Option<Vec<u8>> {
    let request = Request::parse(endpoint, body.as_object()?).ok()?;
    let occasion =
        Occasion { custom_id: "a", created_at: 1_800_000_000, ending, rng: &mut Seed::new(1).rng() };
    let answer = Responder::default().answer(&request, occasion);
    serde_json::to_vec(&answer.body).ok()
}
