//! Webhooks: the suite listens for them itself, and verifies them with code of its own.
//!
//! A server with a control API is told where to send them, for the account of each case. With any other, somebody has
//! registered the suite as an endpoint, and tells it the secret.

mod delivery;
mod receiver;
mod secret;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

pub(crate) use delivery::Delivery;
pub(crate) use receiver::{Receiver, Reply};
pub use secret::{Secret, SecretError};

/// How webhooks reach the suite.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where the suite listens; with port 0, at one that is free.
    pub listen: SocketAddr,
    /// What a control API is told instead of the address at which the suite listens, for a server elsewhere.
    pub url: Option<String>,
    /// The secret with which the server signs, where somebody has registered the suite as an endpoint.
    pub secret: Option<Secret>,
    /// How long a webhook may be on its way where a control API makes retries come at once.
    pub patience: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            url: None,
            secret: None,
            patience: Duration::from_secs(30),
        }
    }
}

/// The suite as an endpoint of a server.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) receiver: Receiver,
    pub(crate) secret: Secret,
    /// What a control API is told, to which the id of the case is added; nothing if somebody has registered the suite.
    pub(crate) told: Option<String>,
    pub(crate) patience: Duration,
}
