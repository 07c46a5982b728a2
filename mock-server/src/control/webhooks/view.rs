//! What the control API shows of webhooks. A secret is shown whole once, to whom it was made for.

use serde::Serialize;

use crate::control::view::Time;
use crate::webhook::{Attempt as Attempted, DeliveryState, DeliveryView, EndpointView, Outcome};
use crate::webhook::{WebhookEndpoint, WebhookEvent, WebhookPlan};
use crate::world::WebhooksView;

/// Who is told, and how.
#[derive(Debug, Serialize)]
pub(in crate::control) struct Webhooks {
    endpoints: Vec<Endpoint>,
    plan: Plan,
    not_told: u64,
}

/// Somebody who is told.
#[derive(Debug, Serialize)]
pub(in crate::control) struct Endpoint {
    id: u32,
    url: String,
    secret: String,
    events: Vec<&'static str>,
}

/// How endpoints are told.
#[derive(Debug, Serialize)]
struct Plan {
    copies: u32,
    early: bool,
    reorder: u32,
    delay: String,
    signature: &'static str,
    signature_attempts: Option<u32>,
    timeout: String,
    retry_speed: u32,
}

/// What was told, and is to be.
#[derive(Debug, Serialize)]
pub(in crate::control) struct Deliveries {
    deliveries: Vec<Delivery>,
    has_more: bool,
}

/// One event, told to one endpoint.
#[derive(Debug, Serialize)]
pub(in crate::control) struct Delivery {
    id: String,
    event: Event,
    webhook_id: String,
    endpoint_id: u32,
    url: String,
    status: &'static str,
    attempts: Vec<Attempt>,
    next_attempt_at: Option<Time>,
}

/// What is told.
#[derive(Debug, Serialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: Time,
    batch_id: String,
}

/// One attempt, in wall time.
#[derive(Debug, Serialize)]
struct Attempt {
    at: Time,
    took_ms: Option<u64>,
    status: Option<u16>,
    error: Option<String>,
}

impl Webhooks {
    /// With the secrets of those that stand at these places.
    pub(super) fn new(view: WebhooksView, made: &[usize]) -> Self {
        let WebhooksView { endpoints, plan, n_dropped } = view;
        let endpoint = |(at, EndpointView { number, endpoint }): (usize, EndpointView)| {
            Endpoint::new(number, &endpoint, made.contains(&at))
        };
        Self {
            endpoints: endpoints.into_iter().enumerate().map(endpoint).collect(),
            plan: Plan::new(&plan),
            not_told: n_dropped,
        }
    }
}

impl Endpoint {
    pub(super) fn new(number: u32, endpoint: &WebhookEndpoint, shows_secret: bool) -> Self {
        let secret = endpoint.secret();
        Self {
            id: number,
            url: endpoint.url().to_string(),
            secret: if shows_secret { secret.reveal().to_owned() } else { secret.masked() },
            events: endpoint.hears_of().iter().copied().map(WebhookEvent::name).collect(),
        }
    }
}

impl Plan {
    fn new(plan: &WebhookPlan) -> Self {
        let WebhookPlan {
            copies,
            early,
            reorder,
            delay,
            signature,
            signature_attempts,
            timeout,
            retry_speed,
        } = *plan;
        Self {
            copies,
            early,
            reorder,
            delay: humantime::format_duration(delay).to_string(),
            signature: signature.name(),
            signature_attempts,
            timeout: humantime::format_duration(timeout).to_string(),
            retry_speed,
        }
    }
}

impl Deliveries {
    pub(super) fn new(deliveries: Vec<DeliveryView>, has_more: bool) -> Self {
        Self { deliveries: deliveries.into_iter().map(Delivery::new).collect(), has_more }
    }
}

impl Delivery {
    pub(super) fn new(view: DeliveryView) -> Self {
        let DeliveryView { number, event, listener, endpoint, state, attempts } = view;
        let (status, next_attempt_at) = match state {
            DeliveryState::Waits(at) => ("waiting", Some(at)),
            DeliveryState::IsTried => ("sending", None),
            DeliveryState::Delivered => ("delivered", None),
            DeliveryState::GivenUp => ("given_up", None),
        };
        Self {
            id: number.to_string(),
            event: Event {
                id: event.id.clone(),
                kind: event.kind.name(),
                created_at: event.created_at.into(),
                batch_id: event.batch_id.clone(),
            },
            webhook_id: event.webhook_id.clone(),
            endpoint_id: listener,
            url: endpoint.url().to_string(),
            status,
            attempts: attempts.into_iter().map(Attempt::new).collect(),
            next_attempt_at: next_attempt_at.map(Time::from),
        }
    }
}

impl Attempt {
    fn new(attempt: Attempted) -> Self {
        let Attempted { at, ended } = attempt;
        let (took, status, error) = match ended {
            None => (None, None, None),
            Some((took, Outcome::Answered(status))) => (Some(took), Some(status), None),
            Some((took, Outcome::Failed(why))) => (Some(took), None, Some(why)),
        };
        let took_ms = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        Self { at: at.into(), took_ms, status, error }
    }
}
