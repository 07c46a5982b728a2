//! The mock's own API, under [`PREFIX`]: the clock, faults, scenarios, what an account may use, what is to come for a batch,
//! how it shall end, what happened, and who is told.
//!
//! It acts on the world of the request's key, and is described by the document at `openapi.json` below the
//! prefix. Times are whole Unix seconds beside RFC 3339; durations are words such as `26h` or `1h 30m`.

mod batches;
mod clock;
mod faults;
mod guard;
mod har;
mod journal;
mod journal_view;
mod quotas;
mod scenarios;
mod service;
mod view;
mod webhooks;
mod world;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};

pub(crate) use guard::Guard;

use crate::http::{App, open_world};

/// Below which all paths of the control API are: no path of the real API begins so.
pub(crate) const PREFIX: &str = "/_mock/v1";

/// Whether a path is one of the control API, or would like to be.
pub(crate) fn is_meant(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every route of the control API.
pub(crate) fn router(app: App) -> Router<App> {
    let of_the_server = Below::default()
        .route("/health", route(get(service::health)))
        .route("/ready", route(get(service::ready)))
        .route("/openapi.json", route(get(service::openapi)));
    let of_a_world = Below::default()
        .route("/reset", route(post(service::reset)))
        .route("/clock", route(get(clock::show).put(clock::set)))
        .route("/clock/advance", route(post(clock::advance)))
        .route("/faults", route(get(faults::show).put(faults::set).post(faults::add).delete(faults::clear)))
        .route("/world", route(get(world::export).put(world::import)))
        .route("/quotas", route(get(quotas::show).put(quotas::set)))
        .route("/batches/{batch_id}/plan", route(get(batches::plan)))
        .route("/batches/{batch_id}/ending", route(post(batches::force)))
        .route("/scenario", route(get(scenarios::show).put(scenarios::choose).delete(scenarios::leave)))
        .route("/scenarios", route(get(scenarios::list)))
        .route("/journal", route(get(journal::show).delete(journal::clear)))
        .route("/journal/wait", route(get(journal::wait).post(journal::wait_by_body)))
        .route("/journal/har", route(get(journal::har)))
        .route("/webhooks", route(get(webhooks::show).put(webhooks::set)))
        .route("/webhooks", post(webhooks::add).delete(webhooks::remove))
        .route("/webhooks/deliveries", route(get(webhooks::deliveries)))
        .route("/webhooks/deliveries/{delivery_id}/redeliver", route(post(webhooks::redeliver)))
        .0
        .route_layer(middleware::from_fn_with_state(app.clone(), open_world));
    of_the_server
        .0
        .merge(of_a_world)
        .fallback(service::unknown_path)
        .layer(middleware::from_fn_with_state(app, guard::refuse_foreigners))
}

/// Routes below [`PREFIX`]. To nest a router there would cost each request two paths.
#[derive(Debug, Default)]
struct Below(Router<App>);

impl Below {
    fn route(self, path: &str, methods: MethodRouter<App>) -> Self {
        Self(self.0.route(&format!("{PREFIX}{path}"), methods))
    }
}

fn route(methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.fallback(service::wrong_method)
}
