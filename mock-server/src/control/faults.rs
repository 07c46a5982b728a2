//! `/faults`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::service::refusal;
use super::view::Time;
use crate::arguments::{Arguments, Object};
use crate::fault::{FaultPlan, FaultScope, Standing};
use crate::http::{Account, ApiError, App, Json, UntypedJsonBody};
use crate::world::World;

/// The rules that are in force.
#[derive(Debug, Serialize)]
pub(super) struct Faults {
    fault: Vec<Fault>,
}

/// A rule that is in force.
#[derive(Debug, Serialize)]
struct Fault {
    number: u64,
    name: Option<String>,
    batch_id: Option<String>,
    kind: &'static str,
    given_at: Time,
    n_matched: u32,
    n_fired: u32,
    rule: Value,
}

/// `GET /faults`
pub(super) async fn show(Account(world): Account) -> Json<Faults> {
    Json::indented_line(Faults::of(&world))
}

/// `PUT /faults`: puts rules in the place of all that are in force.
pub(super) async fn set(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Faults>, ApiError> {
    Arguments::new(&Object::from(&body)).refuse_unknown(&["fault"])?;
    world.replace_faults(app.wall(), &plan(&body)?).map_err(ApiError::world_is_full)?;
    Ok(Json::indented_line(Faults::of(&world)))
}

/// `POST /faults`: adds rules, for the whole world or for one batch.
pub(super) async fn add(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Faults>, ApiError> {
    let wall = app.wall();
    let scope = {
        let body = Object::from(&body);
        let body = Arguments::new(&body);
        body.refuse_unknown(&["fault", "batch_id"])?;
        if body.get("batch_id").is_some() {
            let id = body.required_string("batch_id")?;
            world.course(wall, id).map_err(|_| ApiError::no_such_batch(id))?;
            FaultScope::Batch(id.into())
        } else {
            FaultScope::World
        }
    };
    world.add_faults(wall, &plan(&body)?, &scope).map_err(ApiError::world_is_full)?;
    Ok(Json::indented_line(Faults::of(&world)))
}

/// `DELETE /faults`: clears all that are in force.
pub(super) async fn clear(Account(world): Account) -> Json<Faults> {
    world.clear_faults();
    Json::indented_line(Faults::of(&world))
}

fn plan(body: &Map<String, Value>) -> Result<FaultPlan, ApiError> {
    let wrong = |message| refusal(StatusCode::BAD_REQUEST, message);
    let rules = body.get("fault").ok_or_else(|| {
        wrong(
            "give 'fault', a list of objects such as {\"operation\": \"retrieve_batch\", \"nth\": 1, \
               \"error\": \"overloaded\"}"
                .to_owned(),
        )
    })?;
    FaultPlan::from_json(rules).map_err(|error| wrong(error.to_string()))
}

impl Faults {
    fn of(world: &World) -> Self {
        Self { fault: world.faults().into_iter().map(Fault::from).collect() }
    }
}

impl From<Standing> for Fault {
    fn from(standing: Standing) -> Self {
        let Standing { number, batch_id, rule, is_of_scenario: _, given_at, n_matched, n_fired } = standing;
        Self {
            number,
            name: rule.name().map(str::to_owned),
            batch_id: batch_id.map(|id| id.to_string()),
            kind: rule.kind(),
            given_at: given_at.into(),
            n_matched,
            n_fired,
            rule: rule.to_json(),
        }
    }
}
