//! `/webhooks`

mod view;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::clock::duration;
use super::service::refusal;
use crate::arguments::{Arguments, Node, Object, Place, Refusal};
use crate::http::{Account, ApiError, App, Id, Json, Query, UntypedJsonBody};
use crate::webhook::{
    RedeliverError, WebhookEndpoint, WebhookEvent, WebhookPlan, WebhookSecret, WebhookSignature,
};
use crate::world::{TooManyWebhooks, World};
use view::{Deliveries, Delivery, Endpoint, Webhooks};

const ENDPOINT_KEYS: [&str; 3] = ["url", "secret", "events"];

/// How many deliveries are listed, unless asked otherwise.
const DELIVERIES: usize = 100;

/// `GET /webhooks`
pub(super) async fn show(Account(world): Account) -> Json<Webhooks> {
    Json::indented_line(Webhooks::new(world.webhooks(), &[]))
}

/// `PUT /webhooks`: `{"endpoints": […], "plan": {…}}` sets both, or one of them.
pub(super) async fn set(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Webhooks>, ApiError> {
    let body = Object::from(&body);
    let body = Arguments::new(&body);
    body.refuse_unknown(&["endpoints", "plan"])?;
    let endpoints = body.array("endpoints", "an array of objects")?;
    let plan = body.object("plan")?.as_ref().map(read_plan).transpose()?;
    if endpoints.is_none() && plan.is_none() {
        let message = "give 'endpoints', 'plan', or both: there is nothing to set".to_owned();
        return Err(refusal(StatusCode::BAD_REQUEST, message));
    }
    let mut made = Vec::new();
    let endpoints = endpoints.map(|items| read_endpoints(items, &world, &mut made)).transpose()?;
    let view = world.set_webhooks(app.wall(), endpoints, plan).map_err(too_many)?;
    Ok(Json::indented_line(Webhooks::new(view, &made)))
}

/// `POST /webhooks`: `{"url": "…"}` adds an endpoint. A secret that is made for it is told this once.
pub(super) async fn add(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Endpoint>, ApiError> {
    let body = Object::from(&body);
    let secrets = world.next_webhook_secrets(1);
    let (endpoint, is_made) = read_endpoint(&Arguments::new(&body), &secrets[0])?;
    let number = world.add_webhook(app.wall(), endpoint.clone()).map_err(too_many)?;
    Ok(Json::indented_line(Endpoint::new(number, &endpoint, is_made)))
}

/// `DELETE /webhooks`: nobody is told any more.
pub(super) async fn remove(
    State(app): State<App>,
    Account(world): Account,
) -> Result<Json<Webhooks>, ApiError> {
    let view = world.set_webhooks(app.wall(), Some(Vec::new()), None).map_err(too_many)?;
    Ok(Json::indented_line(Webhooks::new(view, &[])))
}

/// `GET /webhooks/deliveries`: newest first.
pub(super) async fn deliveries(
    State(app): State<App>,
    Account(world): Account,
    query: Query,
) -> Result<Json<Deliveries>, ApiError> {
    let limit = query.integer("limit", 1..=10_000)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DELIVERIES);
    let (deliveries, has_more) = world.deliveries(app.wall(), limit);
    Ok(Json::indented_line(Deliveries::new(deliveries, has_more)))
}

/// `POST /webhooks/deliveries/{delivery_id}/redeliver`: makes one that has ended once more. A body is ignored.
pub(super) async fn redeliver(
    State(app): State<App>,
    Account(world): Account,
    Id(id): Id,
) -> Result<Json<Delivery>, ApiError> {
    let delivery = match id.parse() {
        Ok(number) => world.redeliver(app.wall(), number),
        Err(_) => Err(RedeliverError::NoSuchDelivery),
    };
    let (status, why) = match delivery {
        Ok(delivery) => return Ok(Json::indented_line(Delivery::new(delivery))),
        Err(RedeliverError::NoSuchDelivery) => (StatusCode::NOT_FOUND, "there is none, or not any more"),
        Err(RedeliverError::NobodyThere) => (StatusCode::CONFLICT, "its endpoint has been removed"),
        Err(RedeliverError::UnderWay) => (StatusCode::CONFLICT, "it has not ended yet"),
    };
    Err(refusal(status, format!("delivery '{id}' is not made again: {why}")))
}

fn too_many(TooManyWebhooks(most): TooManyWebhooks) -> ApiError {
    refusal(StatusCode::CONFLICT, format!("a world has at most {most} endpoints: remove some"))
}

/// Reads endpoints, and notes the places of those for which a secret was made.
fn read_endpoints(
    items: &[Node<'_>],
    world: &World,
    made: &mut Vec<usize>,
) -> Result<Vec<WebhookEndpoint>, ApiError> {
    let secrets = world.next_webhook_secrets(items.len());
    let place = Place::Key(&Place::Top, "endpoints");
    let items = Arguments::items(items, &place).zip(&secrets).enumerate().map(|(at, (item, secret))| {
        let (endpoint, is_made) = read_endpoint(&item?, secret)?;
        made.extend(is_made.then_some(at));
        Ok(endpoint)
    });
    items.collect()
}

/// Reads an endpoint, and whether its secret is the one made for it.
fn read_endpoint(
    arguments: &Arguments<'_, '_>,
    made: &WebhookSecret,
) -> Result<(WebhookEndpoint, bool), ApiError> {
    let wrong = |name: &str, why: String| {
        refusal(StatusCode::BAD_REQUEST, format!("'{}' cannot be used: {why}", arguments.path(name)))
    };
    arguments.refuse_unknown(&ENDPOINT_KEYS)?;
    let url = arguments.required_name("url")?;
    let given = arguments.string("secret")?.map(str::parse::<WebhookSecret>).transpose();
    let given = given.map_err(|error| wrong("secret", error.to_string()))?;
    let is_made = given.is_none();
    let endpoint = WebhookEndpoint::new(url, given.unwrap_or_else(|| made.clone()))
        .map_err(|error| wrong("url", error.to_string()))?;
    let Some(events) = arguments.array("events", "an array of strings")? else {
        return Ok((endpoint, is_made));
    };
    let place = arguments.path("events");
    if events.is_empty() {
        return Err(Refusal::empty_array(&place).into());
    }
    let events = events.iter().enumerate().map(|(at, event)| {
        let place = format!("{place}[{at}]");
        let Node::String(text) = event else {
            return Err(ApiError::from(Refusal::wrong_type(&place, "a string", event)));
        };
        let names = WebhookEvent::ALL.map(WebhookEvent::name);
        text.parse().map_err(|_| Refusal::unsupported_choice(&place, text, &names).into())
    });
    let events = events.collect::<Result<Vec<_>, _>>()?;
    Ok((endpoint.events(events), is_made))
}

fn read_plan(arguments: &Arguments<'_, '_>) -> Result<WebhookPlan, ApiError> {
    arguments.refuse_unknown(&WebhookPlan::KEYS)?;
    let count = |name: &str, most: u32| -> Result<Option<u32>, Refusal> {
        Ok(arguments.integer(name, 1..=i64::from(most))?.and_then(|count| u32::try_from(count).ok()))
    };
    let time = |name: &str, least: Duration| -> Result<Option<Duration>, ApiError> {
        let Some(value) = arguments.get(name) else { return Ok(None) };
        let name = arguments.path(name);
        let wrong = |why: &str| Err(refusal(StatusCode::BAD_REQUEST, format!("'{name}' {why}")));
        match duration(&name, value)? {
            time if time > WebhookPlan::LONGEST => wrong("is longer than 24 hours"),
            time if time < least => wrong("leaves no time at all"),
            time => Ok(Some(time)),
        }
    };
    let usual = WebhookPlan::default();
    let signature = arguments.choice("signature", &WebhookSignature::ALL.map(WebhookSignature::name))?;
    let signature = WebhookSignature::ALL
        .into_iter()
        .find(|known| Some(known.name()) == signature)
        .unwrap_or(usual.signature);
    Ok(WebhookPlan {
        copies: count("copies", WebhookPlan::MOST_COPIES)?.unwrap_or(usual.copies),
        early: arguments.boolean("early")?.unwrap_or(usual.early),
        reorder: count("reorder", WebhookPlan::MOST_REORDERED)?.unwrap_or(usual.reorder),
        delay: time("delay", Duration::ZERO)?.unwrap_or(usual.delay),
        signature,
        signature_attempts: count("signature_attempts", u32::MAX)?.or(usual.signature_attempts),
        timeout: time("timeout", Duration::from_millis(1))?.unwrap_or(usual.timeout),
        retry_speed: count("retry_speed", WebhookPlan::MOST_SPEED)?.unwrap_or(usual.retry_speed),
    })
}
