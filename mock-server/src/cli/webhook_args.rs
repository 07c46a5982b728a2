//! Who is told when a batch ends, as the command line says it.

use batchmock::{Config, WebhookEndpoint, WebhookEvent, WebhookPlan, WebhookSecret, Webhooks};
use clap::Args;

use super::exit::Failure;

/// Who is told when a batch ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhooks")]
pub(super) struct WebhookArgs {
    /// Tell this URL when a batch of any world ends; may be repeated.
    #[arg(long = "webhook-url", value_name = "URL")]
    urls: Vec<String>,

    /// Sign what is told with this secret: `whsec_` and a key in base64, or any other text, which is the key then
    /// [default: one made from the seed].
    #[arg(long = "webhook-secret", value_name = "SECRET", requires = "urls")]
    secret: Option<String>,

    /// Tell of this event only, such as `batch.failed`; may be repeated [default: all].
    #[arg(long = "webhook-event", value_name = "EVENT", requires = "urls")]
    events: Vec<WebhookEvent>,

    /// Tell in another way than the service does, such as `{ copies = 2, early = true }`. docs/webhooks.md has all
    /// keys.
    #[arg(long, value_name = "TABLE")]
    webhook_plan: Option<WebhookPlan>,
}

impl WebhookArgs {
    /// The webhooks that they stand for.
    pub(super) fn webhooks(self, seed: u64) -> Result<Webhooks, Failure> {
        let secret = read_secret("--webhook-secret", self.secret.as_deref())?;
        let secret = secret.unwrap_or_else(|| WebhookSecret::from_seed(seed));
        let endpoint = |url: &String| {
            let endpoint = WebhookEndpoint::new(url, secret.clone()).map_err(Failure::usage)?;
            let events = self.events.iter().copied();
            Ok(if self.events.is_empty() { endpoint } else { endpoint.events(events) })
        };
        Ok(Webhooks {
            endpoints: self.urls.iter().map(endpoint).collect::<Result<_, Failure>>()?,
            plan: self.webhook_plan.unwrap_or_default(),
        })
    }
}

/// Reads a secret, and does not show it if it is none.
pub(super) fn read_secret(flag: &str, text: Option<&str>) -> Result<Option<WebhookSecret>, Failure> {
    text.map(str::parse).transpose().map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

/// The secret of the endpoints on the command line, which is one for all, if there are any.
pub(super) fn secret(config: &Config) -> Option<&WebhookSecret> {
    config.webhooks.endpoints.first().map(WebhookEndpoint::secret)
}

/// What a user has to know of them. A secret that was given is not shown.
pub(super) fn told(config: &Config) -> Option<String> {
    let secret = secret(config)?;
    let whose = if *secret == WebhookSecret::from_seed(config.seed) {
        format!("the secret {}", secret.reveal())
    } else {
        "the secret that was given".to_owned()
    };
    let many = match config.webhooks.endpoints.len() {
        1 => "an endpoint is".to_owned(),
        n => format!("{n} endpoints are"),
    };
    Some(format!("When a batch ends, {many} told, signed with {whose}."))
}
