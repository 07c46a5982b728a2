//! `/scenario` and `/scenarios`

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::service::refusal;
use crate::arguments::{Arguments, Object};
use crate::http::{Account, ApiError, App, Json, UntypedJsonBody};
use crate::scenario::Scenario;

/// A scenario; nothing but nulls if there is none.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    name: Option<String>,
    summary: Option<String>,
    /// The file that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    toml: Option<String>,
}

/// The scenarios that can be chosen.
#[derive(Debug, Serialize)]
pub(super) struct All {
    scenarios: Vec<Shown>,
}

impl Shown {
    fn new(scenario: Option<&Scenario>) -> Self {
        Self {
            name: scenario.map(Scenario::name),
            summary: scenario.map(|scenario| scenario.summary().to_owned()),
            toml: None,
        }
    }

    fn whole(scenario: Option<&Scenario>) -> Self {
        Self { toml: scenario.map(|scenario| scenario.source().to_owned()), ..Self::new(scenario) }
    }
}

/// `GET /scenarios`: those that can be called by name.
pub(super) async fn list(State(app): State<App>, Account(_): Account) -> Json<All> {
    let scenarios = app.worlds.config().scenarios.iter();
    Json::indented_line(All { scenarios: scenarios.map(|scenario| Shown::new(Some(scenario))).collect() })
}

/// `GET /scenario`: the one that the world is in.
pub(super) async fn show(Account(world): Account) -> Json<Shown> {
    Json::indented_line(Shown::whole(world.scenario().as_deref()))
}

/// `PUT /scenario`: `{"name": "expired-partial"}`, or one that is sent along: `{"toml": "…"}`.
pub(super) async fn choose(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Shown>, ApiError> {
    let body = Object::from(&body);
    let body = Arguments::new(&body);
    body.refuse_unknown(&["name", "toml"])?;
    let refuse = |message: String| refusal(StatusCode::BAD_REQUEST, message);
    let scenario = match (body.string("name")?, body.string("toml")?) {
        (Some(name), None) => {
            let known = app.worlds.config().scenarios.get(name);
            Arc::clone(known.map_err(|error| refuse(error.to_string()))?)
        }
        (name, Some(toml)) => {
            let scenario = Scenario::from_toml(name.unwrap_or("sent"), toml);
            Arc::new(scenario.map_err(|error| refuse(format!("'toml' is no scenario: {error}")))?)
        }
        (None, None) => {
            return Err(refuse(
                "give 'name', such as 'expired-partial', or a scenario of your own as 'toml'".to_owned(),
            ));
        }
    };
    world.choose(app.wall(), Some(&scenario));
    Ok(Json::indented_line(Shown::whole(Some(&scenario))))
}

/// `DELETE /scenario`: back to that of the key, or of the server.
pub(super) async fn leave(State(app): State<App>, Account(world): Account) -> Json<Shown> {
    world.choose(app.wall(), None);
    Json::indented_line(Shown::whole(world.scenario().as_deref()))
}
