//! What every exchange has: an account, the headers of the API, a line in the log.

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::DATE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use rand::RngExt as _;

use super::{Account, App};
use crate::ids;
use crate::sim::{Seed, Timestamp};
use crate::world::World;

/// Finds the account of a request, if it has one, and gives the answer the headers of the API, whatever the
/// answer is.
pub(super) async fn answer_as_the_api(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let account = Account::from_request_parts(&mut parts, &app).await.ok();
    if let Some(account) = &account {
        parts.extensions.insert(account.clone());
    }
    let processing_ms = processing_ms(&parts.method, parts.uri.path());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match account {
        Some(Account(world)) => {
            let (seed, now) = world.next_exchange(app.wall());
            add_headers(response.headers_mut(), seed, processing_ms);
            add_account_headers(response.headers_mut(), &world, now);
            response.extensions_mut().insert(WorldLabel(world.label().to_owned()));
        }
        None => add_headers(response.headers_mut(), app.worlds.next_stranger(), processing_ms),
    }
    response
}

/// Finds the account of a request, without which there is no answer, for what is not part of the API: only the
/// log is told whose it was.
pub(crate) async fn open_world(account: Account, mut request: Request, next: Next) -> Response {
    let label = WorldLabel(account.0.label().to_owned());
    request.extensions_mut().insert(account);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(label);
    response
}

/// Lets nobody in without an account.
pub(super) async fn refuse_strangers(_: Account, request: Request, next: Next) -> Response {
    next.run(request).await
}

/// The headers on every answer of the API that do not come from its edge (F-007, F-010).
fn add_headers(headers: &mut HeaderMap, seed: Seed, processing_ms: RangeInclusive<u16>) {
    let mut rng = seed.rng();
    let values = [
        ("openai-processing-ms", Ok(HeaderValue::from(rng.random_range(processing_ms)))),
        ("openai-version", Ok(HeaderValue::from_static("2020-10-01"))),
        ("x-content-type-options", Ok(HeaderValue::from_static("nosniff"))),
        ("x-request-id", HeaderValue::from_str(&ids::request(&mut rng))),
    ];
    for (name, value) in values {
        headers.insert(HeaderName::from_static(name), value.expect("ids are ASCII"));
    }
}

/// The headers that tell of an account. `Date` follows the clock of its world.
fn add_account_headers(headers: &mut HeaderMap, world: &World, now: Timestamp) {
    let since_epoch = std::time::Duration::from_millis(now.unix_millis().unsigned_abs());
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since_epoch);
    let values = [
        (DATE, date.as_str()),
        (HeaderName::from_static("openai-organization"), world.account().organization_id.as_str()),
        (HeaderName::from_static("openai-project"), world.account().project_id.as_str()),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_str(value).expect("ids and dates are ASCII"));
    }
}

/// How long the service says it was busy (F-011, where one cancel of 95 ms in net
/// BatchTests/CreateGetAndCancelBatchProtocol.json is missing): a number that is drawn, since the mock needs
/// no time worth telling. What is not recorded has the range of a look at a batch (assumed).
fn processing_ms(method: &Method, path: &str) -> RangeInclusive<u16> {
    match path {
        "/v1/files" if method == Method::POST => 240..=700,
        "/v1/batches" if method == Method::POST => 80..=450,
        _ if path.starts_with("/v1/batches/") && method == Method::POST => 95..=626,
        _ => 14..=34,
    }
}

/// Which world a request was for, as the log may show it.
#[derive(Debug, Clone)]
struct WorldLabel(String);

/// One line a request: method, path, status, world and time. Never a key, never a query or a body.
pub(super) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let began = app.wall.elapsed();
    let response = next.run(request).await;
    let took = app.wall.elapsed().saturating_sub(began);
    let world = response.extensions().get::<WorldLabel>().map_or("-", |label| label.0.as_str());
    let status = response.status().as_u16();
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(target: "batchmock::request", %method, path, status, world, took_us);
    response
}
