//! What every exchange has: an account, the headers of the API, a line in the log.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::middleware::Next;
use axum::response::Response;

use super::{Account, App, headers};
use crate::sim::Timestamp;

/// Finds the account of a request, if it has one, and gives the answer the headers of the API, whatever the
/// answer is.
pub(super) async fn answer_as_the_api(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let account = Account::from_request_parts(&mut parts, &app).await.ok();
    if let Some(account) = &account {
        parts.extensions.insert(account.clone());
    }
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(Account(world)) = account else {
        return headers::complete(response, &method, &path, app.worlds.next_stranger(), None);
    };
    let (seed, now) = world.next_exchange(app.wall());
    let mut response = headers::complete(response, &method, &path, seed, Some(world.account()));
    response.headers_mut().insert(DATE, date(now));
    response.extensions_mut().insert(WorldLabel(world.label().to_owned()));
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

/// `Date` follows the clock of the world.
fn date(now: Timestamp) -> HeaderValue {
    let since_epoch = std::time::Duration::from_millis(now.unix_millis().unsigned_abs());
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since_epoch);
    HeaderValue::from_str(&date).expect("a date is ASCII")
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
