//! Webhooks: who is told that a batch has ended, in which words, and when it is tried again.
//!
//! An [`Outbox`] holds what is to be told of one world, and what was. It is a state machine: it takes what
//! happens with the time of the wall, hands out what is due, and is told what became of it. It opens no
//! connection and reads no clock; `server/courier.rs` carries what it hands out.

mod endpoint;
mod event;
mod outbox;
mod plan;
mod schedule;
mod secret;

pub use endpoint::{WebhookEndpoint, WebhookUrlError};
pub(crate) use event::Event;
pub use event::WebhookEvent;
pub(crate) use outbox::{
    Attempt, DeliveryState, DeliveryView, EndpointView, Errand, Outbox, Outcome, RedeliverError,
};
pub use plan::{WebhookPlan, WebhookPlanError, WebhookSignature};
pub use secret::{WebhookSecret, WebhookSecretError};

/// Who is told when a batch ends, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// Who is told of the batches of every world, until the control API says otherwise for one of them.
    pub endpoints: Vec<WebhookEndpoint>,
    /// How they are told.
    pub plan: WebhookPlan,
}
