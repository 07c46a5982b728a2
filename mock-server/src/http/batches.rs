//! `/v1/batches`

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use batchmock_client::types::{Batch, BatchPage};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::faults::UnseenInput;
use super::files::off_the_runtime;
use super::query::Query;
use super::{Account, ApiError, App, Id, Json, JsonBody, Recorded, json, view};
use crate::arguments::{Arguments, Node, Object, Refusal};
use crate::endpoint::Endpoint;
use crate::sim::Status;
use crate::world::{BatchView, NewBatch, World};

/// The parameters of a batch to create (F-230).
const CREATE_PARAMETERS: [&str; 5] =
    ["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"];

/// How many characters an id may have.
const MAX_ID: usize = 512;

/// How long a file may be kept: an hour to 30 days (F-112, F-237).
pub(super) const EXPIRY_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=2_592_000;

/// `POST /v1/batches`
pub(super) async fn create(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    unseen: Option<Extension<UnseenInput>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Json<Shown>, ApiError> {
    let mut new = new_batch(&world, &body)?;
    new.unseen_input = unseen.map(|Extension(UnseenInput(what))| what);
    new.idempotency_key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let input_file_id = new.input_file_id.clone();
    let wall = app.wall();
    let examiner = Arc::clone(&world);
    let (new, input) = off_the_runtime(false, move || {
        let input = examiner.examine(wall, &new)?;
        Ok((new, input))
    })
    .await?;
    let view = world
        .create_batch(wall, new, input)
        .map_err(|error| ApiError::create_batch(error, &input_file_id, world.account()))?;
    recorded.touched(&view.record.id);
    Ok(Json::indented(shown(view).await?))
}

/// `GET /v1/batches/{batch_id}`
pub(super) async fn retrieve(
    State(app): State<App>,
    Account(world): Account,
    recorded: Recorded,
    Id(id): Id,
) -> Result<Response, ApiError> {
    check_id(&id)?;
    let view = world.batch(app.wall(), &id).map_err(|_| ApiError::no_such_batch(&id))?;
    let response = look(&world, &view).await?;
    if view.observation.status.is_terminal() {
        recorded.tells_end();
    }
    Ok(response)
}

/// What a batch looks like. Who polls gets what the last one got, as long as nothing has changed.
async fn look(world: &World, view: &BatchView) -> Result<Response, ApiError> {
    let shows_model = view::shows_model_early(view);
    if let Some(shown) = world.last_look(view, shows_model) {
        return Ok(json::response(shown));
    }
    let json = match Json::indented(shown(view.clone()).await?).into_bytes() {
        Ok(json) => json,
        Err(failed) => return Ok(failed.into_response()),
    };
    // What is wrong with an input is much, and results that could not be written may be at the next try.
    if view.observation.status != Status::Failed && is_at_hand(view) {
        world.remember_look(view, shows_model, json.clone());
    }
    Ok(json::response(json))
}

/// A batch as it was so long ago.
pub(super) async fn as_it_was(
    app: &App,
    Account(world): &Account,
    id: &str,
    ago: Duration,
) -> Result<Json<Shown>, ApiError> {
    let view = world.batch_as_it_was(app.wall(), id, ago).map_err(|_| ApiError::no_such_batch(id))?;
    Ok(Json::indented(shown(view).await?))
}

/// `POST /v1/batches/{batch_id}/cancel`
pub(super) async fn cancel(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<Shown>, ApiError> {
    check_id(&id)?;
    let view = world.cancel(app.wall(), &id).map_err(|error| ApiError::cancel(&error, &id))?;
    Ok(Json::compact(shown(view).await?))
}

/// `GET /v1/batches`
pub(super) async fn list(
    State(app): State<App>,
    Account(world): Account,
    query: Query,
) -> Result<Json<BatchPage>, ApiError> {
    // F-244: 0 is allowed.
    let limit = query.integer("limit", 0..=100)?.unwrap_or(20);
    let limit = usize::try_from(limit).expect("checked to be in range");
    let mut page = world.batches(app.wall(), limit, query.text("after")?);
    page.has_more &= limit > 0;
    let at_hand = page.items.iter().all(is_at_hand);
    let page = off_the_runtime(at_hand, move || Ok(view::batch_page(&page))).await?;
    Ok(Json::indented(page))
}

/// A batch as it is shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    /// With the fields that are known.
    Plain(Box<Batch>),
    /// And one that nobody knows.
    OfTomorrow {
        #[serde(flatten)]
        batch: Box<Batch>,
        field_of_tomorrow: [&'static str; 3],
    },
}

impl Shown {
    fn new(view: &BatchView) -> Self {
        let batch = Box::new(view::batch(view));
        if view.record.behavior.has_unknown_fields() {
            Self::OfTomorrow { batch, field_of_tomorrow: ["is", "not", "known"] }
        } else {
            Self::Plain(batch)
        }
    }
}

/// What a batch looks like; its results are written first, if this is the first look at them.
pub(crate) async fn shown(batch: BatchView) -> Result<Shown, ApiError> {
    off_the_runtime(is_at_hand(&batch), move || Ok(Shown::new(&batch))).await
}

fn is_at_hand(batch: &BatchView) -> bool {
    batch.results.as_ref().is_none_or(|results| results.is_rendered())
}

fn check_id(id: &str) -> Result<(), ApiError> {
    if id.starts_with("batch") { Ok(()) } else { Err(ApiError::no_batch_id(id)) }
}

fn new_batch(world: &World, body: &Map<String, Value>) -> Result<NewBatch, ApiError> {
    let body = Object::from(body);
    let body = Arguments::new(&body);
    body.refuse_unknown(&CREATE_PARAMETERS)?;
    let input_file_id = body.required_string("input_file_id")?.to_owned();
    // Assumed: ids are much shorter, and what is sent here is kept.
    let len = input_file_id.chars().count();
    if len > MAX_ID {
        return Err(Refusal::long_string("input_file_id", MAX_ID, len).into());
    }
    let endpoint = body.required_string("endpoint")?;
    let endpoint = Endpoint::from_path(endpoint).ok_or_else(|| {
        Refusal::unsupported_choice("endpoint", endpoint, &Endpoint::ALL.map(Endpoint::path))
    })?;
    match body.required_string("completion_window")? {
        "24h" => {}
        // F-235: the text is assumed.
        other => return Err(Refusal::unsupported_choice("completion_window", other, &["24h"]).into()),
    }
    body.check_metadata()?;
    let metadata = body.get("metadata").and_then(Node::as_object).map(|metadata| {
        let pair = |(name, value): (&str, &Node<'_>)| {
            (name.to_owned(), value.as_str().unwrap_or_default().to_owned())
        };
        metadata.iter().map(pair).collect::<IndexMap<_, _>>()
    });
    let output_expires_after = expiry(&body, "output_expires_after")?;
    let behavior =
        world.behavior_for(metadata.as_ref()).map_err(|error| ApiError::metadata_of_no_scenario(&error))?;
    Ok(NewBatch {
        endpoint,
        input_file_id,
        metadata,
        output_expires_after,
        idempotency_key: None,
        behavior,
        unseen_input: None,
    })
}

/// How long a file is kept after its creation, if that is said (F-112, F-237).
pub(super) fn expiry(body: &Arguments<'_, '_>, name: &str) -> Result<Option<Duration>, Refusal> {
    let Some(expiry) = body.object(name)? else { return Ok(None) };
    expiry.refuse_unknown(&["anchor", "seconds"])?;
    expiry.required("anchor")?;
    expiry.choice("anchor", &["created_at"])?;
    expiry.required("seconds")?;
    Ok(expiry.integer("seconds", EXPIRY_SECONDS)?.map(i64::unsigned_abs).map(Duration::from_secs))
}
