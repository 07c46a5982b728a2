//! The headers of an answer: those of the API and those that its edge adds (F-007 to F-011).
//!
//! Two headers of the edge are never sent. `alt-svc` would send a client away from the mock, to a port that
//! speaks another protocol. `set-cookie` stands on some recorded answers only, and an API is not used with
//! cookies.

use std::ops::RangeInclusive;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, SERVER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use batchmock_client::types::ErrorBody;
use bytes::Bytes;
use rand::RngExt as _;

use super::error;
use super::faults::OfTheEdge;
use crate::ids;
use crate::responder::Refusal;
use crate::sim::Seed;
use crate::world::AccountIds;

const CF_CACHE_STATUS: HeaderName = HeaderName::from_static("cf-cache-status");
const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const ORGANIZATION: HeaderName = HeaderName::from_static("openai-organization");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
const PROJECT: HeaderName = HeaderName::from_static("openai-project");
const PROXY_WASM: HeaderName = HeaderName::from_static("x-openai-proxy-wasm");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VERSION: HeaderName = HeaderName::from_static("openai-version");

/// How many headers an answer is given, at most: room for all of them is made at once, by who makes the answer if it can.
pub(super) const N_ADDED: usize = 16;

/// Routes that are answered by the same service, and so have the same headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Files,
    Batches,
    Models,
    Moderations,
    Responses,
    /// Chat completions and embeddings; that completions are like them is assumed.
    Inference,
    /// No service: a path that is none.
    Nobody,
}

impl Service {
    fn of(path: &str) -> Self {
        let mut segments = path.strip_prefix("/v1/").unwrap_or_default().split('/');
        match segments.next().unwrap_or_default() {
            "files" | "uploads" => Self::Files,
            "batches" => Self::Batches,
            "models" => Self::Models,
            "moderations" => Self::Moderations,
            "responses" => Self::Responses,
            "chat" | "completions" | "embeddings" => Self::Inference,
            _ => Self::Nobody,
        }
    }

    /// The values of `access-control-expose-headers`, a line each (F-008; recordings of 2026-05 to 2026-08,
    /// which do not agree on the order).
    fn exposed(self) -> &'static [&'static str] {
        match self {
            Self::Files | Self::Moderations => &["CF-Ray"],
            Self::Batches => &["CF-Ray", "X-Request-ID"],
            Self::Responses | Self::Inference => &["CF-Ray", "CF-Ray", "X-Request-ID"],
            Self::Models | Self::Nobody => &[],
        }
    }
}

/// Gives an answer its headers, and on some routes the form of an older front. Without an account it is
/// nobody's.
pub(super) fn complete(
    response: Response,
    method: &Method,
    path: &str,
    seed: Seed,
    account: Option<&AccountIds>,
) -> Response {
    let service = Service::of(path);
    let is_of_the_old_front = is_of_the_old_front(path, &response);
    let mut response =
        if is_of_the_old_front { error::in_the_form_of_the_old_front(response) } else { response };
    let is_of_the_edge = response.extensions().get::<OfTheEdge>().is_some();
    let headers = response.headers_mut();
    headers.reserve(N_ADDED);

    let mut rng = seed.rng();
    let processing_ms = rng.random_range(processing_ms(service, method, path));
    let request_id = ids::request(&mut rng);
    if !is_of_the_edge {
        headers.insert(REQUEST_ID, text(request_id));
    }
    headers.insert(CF_RAY, text(ids::ray(&mut rng)));
    if !is_of_the_old_front && !is_of_the_edge {
        headers.insert(PROCESSING_MS, text(processing_ms.to_string()));
        headers.insert(VERSION, HeaderValue::from_static("2020-10-01"));
        for name in service.exposed() {
            headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(name));
        }
        // Answers about models name nobody (net 2025-09).
        if let Some(account) = account.filter(|_| service != Service::Models) {
            headers.insert(ORGANIZATION, text(account.organization_id.clone()));
            headers.insert(PROJECT, text(account.project_id.clone()));
        }
    }
    add_edge(headers, service);
    response
}

/// Whether an older front answers: on chat completions, when it is not even known whose request it is or
/// what it says (F-006, F-024).
fn is_of_the_old_front(path: &str, response: &Response) -> bool {
    path == "/v1/chat/completions"
        && response.extensions().get::<ErrorBody>().is_some_and(|error| {
            response.status() == StatusCode::UNAUTHORIZED || *error == Refusal::unparsable().error
        })
}

fn add_edge(headers: &mut HeaderMap, service: Service) {
    headers.insert(CF_CACHE_STATUS, HeaderValue::from_static("DYNAMIC"));
    headers.insert(SERVER, HeaderValue::from_static("cloudflare"));
    headers.insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains; preload"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // In no recording of `/responses`, 2025-09 to 2026-08.
    if service != Service::Responses {
        headers.insert(PROXY_WASM, HeaderValue::from_static("v0.1"));
    }
    if service == Service::Files {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// How long the service says it was busy (F-011, where one cancel of 95 ms in net
/// BatchTests/CreateGetAndCancelBatchProtocol.json is missing): a number that is drawn, since the mock needs
/// no time worth telling. What is not recorded has the range of a look at a batch (assumed).
fn processing_ms(service: Service, method: &Method, path: &str) -> RangeInclusive<u16> {
    match service {
        Service::Files if *method == Method::POST => 240..=700,
        Service::Batches if *method == Method::POST && path == "/v1/batches" => 80..=450,
        Service::Batches if *method == Method::POST => 95..=626,
        Service::Files
        | Service::Batches
        | Service::Models
        | Service::Moderations
        | Service::Responses
        | Service::Inference
        | Service::Nobody => 14..=34,
    }
}

fn text(value: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(value)).expect("ids and numbers are ASCII")
}
