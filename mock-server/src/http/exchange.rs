//! What every exchange has: an account, the headers of the API, a line in the log, a place in the journal.

use std::cell::RefCell;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::header::DATE;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tower::ServiceExt as _;

use super::extract::Held;
use super::hearing::Unread;
use super::recording::Recording;
use super::{Account, ApiError, Routes, faults, headers, hearing};
use crate::control;
use crate::fault::AppliedFault;
use crate::operation::{Called, Operation};
use crate::sim::Timestamp;

/// Holds one exchange: whatever a request is and is answered, it is read to its end, the answer has the headers
/// of the API, and the log has a line.
///
/// This stands around the routes as a whole, and not as layers of theirs: each layer of a route is copied for
/// each request.
pub(super) async fn hold(routes: Arc<Routes>, request: Request) -> Result<Response, Infallible> {
    let app = &routes.app;
    let began = app.wall.elapsed();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let path = uri.path();
    let (request, unread) = hearing::listen(request, app.worlds.config().limits.journal_body_bytes);
    // Should nobody wait any more, all of this is dropped, and the journal is told.
    let mut recording = None;
    let (response, account) = if control::is_meant(path) {
        let mut response = answer_all_the_same(routes.of_control(), request).await;
        let account = response.extensions_mut().remove::<Account>();
        if let Some(account) = &account {
            response = when_kept(account, app.wall(), response).await;
        }
        (response, account)
    } else {
        let (mut parts, body) = request.into_parts();
        let called = Operation::of(method.as_str(), path);
        let account = Account::from_request_parts(&mut parts, app).await.ok();
        if let Some(account) = &account {
            let hearsay = unread.as_ref().map(Unread::hearsay);
            recording = Recording::begin(&account.0, app.wall.at(began), &parts, &called, hearsay);
            let recorded = recording.as_ref().map(Recording::recorded).unwrap_or_default();
            parts.extensions.insert(Held { account: account.clone(), recorded });
        }
        let request = Request::from_parts(parts, body);
        let response = answer_as_the_api(&routes, request, account.as_ref(), &method, path, &called).await;
        (response, account)
    };
    if let Some(unread) = unread {
        unread.hear_out(app.worlds.config().limits.any_file_bytes().saturating_mul(2)).await;
    }

    let took = app.wall.elapsed().saturating_sub(began);
    let world = account.as_ref().map_or("-", |Account(world)| world.label());
    let is_answered = response.extensions().get::<AppliedFault>().is_none_or(|fault| fault.is_answered);
    // What never goes out has no status.
    let status = if is_answered { response.status().as_u16() } else { 0 };
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let method = method.as_str();
    tracing::info!(target: "batchmock::request", method, path, status, world, took_us);
    Ok(match recording {
        Some(recording) => recording.answer(response, took),
        None => response,
    })
}

/// Lets the routes answer. Should they panic, that is a defect, but the client is told, and the connection lives.
pub(super) async fn answer_all_the_same(routes: Router, request: Request) -> Response {
    match AssertUnwindSafe(routes.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => ApiError::panicked().into_response(),
    }
}

/// Gives the answer the headers of the API, whatever the answer is, and whether the request has an account or not.
async fn answer_as_the_api(
    routes: &Routes,
    request: Request,
    account: Option<&Account>,
    method: &Method,
    path: &str,
    called: &Called<'_>,
) -> Response {
    let app = &routes.app;
    let fired = account.and_then(|Account(world)| world.next_fault(|| app.wall(), called));
    let of_the_api = routes.of_the_api.clone();
    let response = match (account, &fired) {
        (Some(account), Some(fired)) => {
            faults::answer(app, of_the_api, request, account, called, fired).await
        }
        _ => answer_all_the_same(of_the_api, request).await,
    };
    let Some(account) = account else {
        return headers::complete(response, method, path, app.worlds.next_stranger(), None);
    };
    let wall = app.wall();
    let (seed, now) = account.0.next_exchange(wall);
    let response = when_kept(account, wall, response).await;
    let mut response = headers::complete(response, method, path, seed, Some(account.0.account()));
    response.headers_mut().insert(DATE, date(now));
    if let Some(fired) = &fired {
        faults::finish(&mut response, fired, app.wall());
        tell_of(&fired.applied, account.0.label());
    }
    response
}

/// The log tells of a fault, before it tells of the request.
fn tell_of(fault: &AppliedFault, world: &str) {
    let AppliedFault { rule, name, batch_id, kind, is_answered: _ } = fault;
    let (name, batch_id) = (name.as_deref(), batch_id.as_deref());
    tracing::info!(target: "batchmock::fault", kind, rule, name, batch_id, world, "a fault is applied");
}

/// Lets an answer go when all that it can show is kept, up to this wall time: nobody is shown what could still be
/// lost. What cannot be kept is not shown; the answer then is why.
async fn when_kept(Account(world): &Account, wall: Timestamp, response: Response) -> Response {
    match world.kept(wall).await {
        Ok(()) => response,
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

/// Finds the account of a request, without which there is no answer, for what is not part of the API: only the
/// log is told whose it was.
pub(crate) async fn open_world(account: Account, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(account.clone());
    let mut response = next.run(request).await;
    // Another world may have taken its place.
    if response.extensions().get::<Account>().is_none() {
        response.extensions_mut().insert(account);
    }
    response
}

/// `Date` follows the clock of the world. Many answers have the same.
pub(super) fn date(now: Timestamp) -> HeaderValue {
    thread_local! {
        static LAST: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
    }
    let second = now.unix_seconds();
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(known, _)| *known != second) {
            *last = Some((second, written_date(now)));
        }
        last.as_ref().expect("it was just set").1.clone()
    })
}

fn written_date(now: Timestamp) -> HeaderValue {
    let since_epoch = std::time::Duration::from_millis(now.unix_millis().unsigned_abs());
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since_epoch);
    HeaderValue::from_str(&date).expect("a date is ASCII")
}
