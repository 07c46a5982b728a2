//! `/batches`

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::service::refusal;
use super::view::Plan;
use crate::arguments::{Arguments, Object, Place, Refusal};
use crate::http::{Account, ApiError, App, Id, Json, Shown, UntypedJsonBody, shown};
use crate::input::Problem;
use crate::sim::Ending;
use crate::world::{ForceError, Problems};

const ENDINGS: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// `GET /batches/{batch_id}/plan`: what is to come for a batch, if nothing else happens to it.
pub(super) async fn plan(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<Plan>, ApiError> {
    let (now, seen, changes) = world.course(app.wall(), &id).map_err(|_| ApiError::no_such_batch(&id))?;
    Ok(Json::indented_line(Plan::new(id, now, &seen, &changes)))
}

/// `POST /batches/{batch_id}/ending`: `{"status": "expired"}` ends a batch now. With `failed`, `errors` may
/// say what the batch shows.
pub(super) async fn force(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Shown>, ApiError> {
    let (ending, problems) = ending(&body)?;
    match world.force(app.wall(), &id, ending, problems) {
        Ok(view) => Ok(Json::indented_line(shown(view).await?)),
        Err(ForceError::NoSuchBatch) => Err(ApiError::no_such_batch(&id)),
        Err(ForceError::Impossible(status)) => {
            let why =
                if status.is_terminal() { "that is final" } else { "a batch fails only while 'validating'" };
            let message = format!("batch {id} is '{}': {why}", status.as_str());
            Err(refusal(StatusCode::CONFLICT, message))
        }
    }
}

fn ending(body: &Map<String, Value>) -> Result<(Ending, Option<Problems>), ApiError> {
    let body = Object::from(body);
    let body = Arguments::new(&body);
    body.refuse_unknown(&["status", "errors"])?;
    body.required("status")?;
    let ending = match body.choice("status", &ENDINGS)? {
        Some("completed") => Ending::Completed,
        Some("failed") => Ending::Failed,
        Some("expired") => Ending::Expired,
        Some("cancelled") => Ending::Cancelled,
        _ => return Err(Refusal::missing("status").into()),
    };
    let Some(errors) = body.array("errors", "an array of objects")? else { return Ok((ending, None)) };
    if ending != Ending::Failed {
        let message = "'errors' goes with status 'failed' only".to_owned();
        return Err(refusal(StatusCode::BAD_REQUEST, message));
    }
    let place = Place::Key(&Place::Top, "errors");
    let problems = Arguments::items(errors, &place).map(|error| {
        let error = error?;
        error.refuse_unknown(&["code", "message", "param", "line"])?;
        let problem = Problem::Scripted {
            code: error.required_string("code")?.to_owned(),
            message: error.required_string("message")?.to_owned(),
            param: error.string("param")?.map(str::to_owned),
        };
        let line = error.integer("line", 1..=i64::from(u32::MAX))?;
        Ok((problem, line.and_then(|line| u32::try_from(line).ok())))
    });
    let problems = problems.collect::<Result<Problems, Refusal>>()?;
    Ok((ending, Some(problems).filter(|problems| !problems.is_empty())))
}
