//! The routes of the API: extract, ask the world, convert.

mod batches;
mod disposition;
mod download;
mod error;
mod exchange;
mod extract;
mod faults;
mod files;
mod headers;
mod hearing;
mod inference;
mod json;
mod models;
mod multipart;
mod query;
mod rate_limits;
mod recording;
mod uploads;
mod view;

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use tower::Service;

pub(crate) use batches::{Shown, shown};
pub(crate) use error::{ApiError, BodyStalled};
pub(crate) use exchange::open_world;
pub(crate) use extract::{Account, Id, JsonBody, UntypedJsonBody, bearer_key};
pub(crate) use json::Json;
pub(crate) use query::Query;
pub(crate) use recording::Recorded;

use crate::clock::WallClock;
use crate::control;
use crate::endpoint::Endpoint;
use crate::sim::Timestamp;
use crate::store::DataDir;
use crate::switches::Switches;
use crate::world::{NoWorld, World, Worlds};

/// What every handler shares: a cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// All accounts.
    pub(crate) worlds: Arc<Worlds>,
    /// Read once a request.
    wall: WallClock,
    /// From where the control API may be used.
    pub(crate) guard: Arc<control::Guard>,
}

impl App {
    /// An application over these worlds.
    pub(crate) fn new(worlds: Worlds, guard: control::Guard) -> Self {
        let wall = WallClock::start();
        let read_until = worlds.data_dir().and_then(DataDir::wall_was_read_until);
        let wall = read_until.map_or(wall, |read_until| wall.not_before(read_until));
        Self { worlds: Arc::new(worlds), wall, guard: Arc::new(guard) }
    }

    /// The world of a key, if it is there or one more may be made.
    async fn world(&self, key: Cow<'_, str>) -> Result<Arc<World>, ApiError> {
        if let Some(world) = self.worlds.at_hand(&key) {
            return Ok(world);
        }
        let key = key.into_owned();
        let limit = self.worlds.config().limits.worlds;
        let (worlds, wall) = (Arc::clone(&self.worlds), self.wall());
        let at_hand = self.worlds.data_dir().is_none();
        let opened = files::off_the_runtime(at_hand, move || match worlds.world(&key, wall, limit) {
            Ok(world) => Ok(Ok(world)),
            Err(NoWorld::TooMany) => Ok(Err(ApiError::too_many_worlds(limit))),
            Err(NoWorld::NoSuchScenario(error)) => Ok(Err(ApiError::key_of_no_scenario(&error))),
            Err(NoWorld::Unreadable(error)) => Err(error),
        });
        opened.await?
    }

    /// What is done where the evidence contradicts itself.
    pub(crate) fn switches(&self) -> Switches {
        self.worlds.config().switches
    }

    /// What the wall shows.
    pub(crate) fn wall(&self) -> Timestamp {
        self.wall.now()
    }
}

/// The whole application: every route, and around them what every exchange has.
pub(crate) fn service(
    app: App,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
    let routes = Arc::new(Routes { of_the_api: router(app.clone()), of_control: OnceLock::new(), app });
    tower::service_fn(move |request| exchange::hold(Arc::clone(&routes), request))
}

/// All that can be asked for.
#[derive(Debug)]
struct Routes {
    app: App,
    of_the_api: Router,
    /// Put together when the control API is first used: it has many routes, and most servers never need them.
    of_control: OnceLock<Router>,
}

impl Routes {
    fn of_control(&self) -> Router {
        let routes = || control::router(self.app.clone()).with_state(self.app.clone());
        self.of_control.get_or_init(routes).clone()
    }
}

/// What a connection too many is answered: as any answer of the API, but for the headers.
pub(crate) fn too_many_connections(limit: usize) -> Response {
    ApiError::too_many_connections(limit).into_response()
}

/// The whole answer, as bytes, to what is not even a request: hyper hands none of it to the routes.
pub(crate) fn refusal_of_a_head(status: StatusCode, most_bytes: usize) -> Vec<u8> {
    let body = ApiError::no_request(status, most_bytes).to_bytes();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// Every route of the API. Paths stand here whole: to nest them would cost each request a path of its own.
fn router(app: App) -> Router {
    let file_routes = Router::new()
        .route("/v1/files", route(get(files::list).post(files::upload)))
        .route("/v1/files/{file_id}", route(get(files::retrieve).delete(files::delete)))
        .route("/v1/files/{file_id}/content", route(get(files::content)))
        .layer(middleware::map_response_with_state(app.clone(), error::in_the_form_of_file_routes));
    let upload_routes = Router::new()
        .route("/v1/uploads", route(post(uploads::create)))
        .route("/v1/uploads/{upload_id}/parts", route(post(uploads::add_part)))
        .route("/v1/uploads/{upload_id}/complete", route(post(uploads::complete)))
        .route("/v1/uploads/{upload_id}/cancel", route(post(uploads::cancel)))
        .layer(middleware::map_response(error::with_a_line_end));
    let embeddings =
        synchronous(Endpoint::Embeddings).layer(middleware::map_response(error::with_a_line_end));
    let other_routes = Router::new()
        .route("/v1/batches", route(get(batches::list).post(batches::create)))
        .route("/v1/batches/{batch_id}", route(get(batches::retrieve)))
        .route("/v1/batches/{batch_id}/cancel", route(post(batches::cancel)))
        .route("/v1/models", route(get(models::list)))
        .route("/v1/models/{*model}", route(get(models::retrieve).delete(models::delete)))
        .route("/v1/chat/completions", synchronous(Endpoint::ChatCompletions))
        .route("/v1/completions", synchronous(Endpoint::Completions))
        .route("/v1/embeddings", embeddings)
        .route("/v1/responses", synchronous(Endpoint::Responses))
        .route("/v1/moderations", synchronous(Endpoint::Moderations));
    Router::new()
        .merge(file_routes)
        .merge(upload_routes)
        .merge(other_routes)
        .fallback(error::unknown_url)
        .with_state(app)
}

/// The same route, with the API's answer to other methods. Every handler asks for the [`Account`] first, so that
/// nobody gets in without one.
fn route(methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.fallback(error::wrong_method)
}

fn synchronous(endpoint: Endpoint) -> MethodRouter<App> {
    let answer = move |app: State<App>, account: Account, body: JsonBody| {
        inference::answer(endpoint, app, account, body)
    };
    route(post(answer))
}
