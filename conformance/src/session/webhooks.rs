//! What a case has in hand to see what a server tells of batches.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::Session;
use crate::expect::{Mismatch, Outcome, Stop};
use crate::time::{Deadline, Time};
use crate::webhook::{Delivery, Reply, Secret, Webhooks};

/// How many times as fast as usual retries come where a control API can say so.
const RETRY_SPEED: u32 = 1_000;

impl Session {
    /// Lets the server tell the suite what becomes of batches of this account. Gives the secret with which it signs.
    pub(crate) async fn be_told(&mut self) -> Outcome<Secret> {
        let webhooks = self.webhooks()?;
        let secret = webhooks.secret.clone();
        if let (Some(url), Time::Control(control)) = (&webhooks.told, &self.target.time) {
            let endpoint = json!({"url": format!("{url}/{}", self.case), "secret": secret.text()});
            let body = json!({"endpoints": [endpoint], "plan": {"retry_speed": RETRY_SPEED}});
            self.control(Method::PUT, &format!("{control}/webhooks"), &body).await?;
        }
        Ok(secret)
    }

    /// Answers the next attempts to tell of a batch so, which must not have been told of before.
    pub(crate) fn reply(&self, batch: &str, replies: &[Reply]) -> Outcome {
        let receiver = &self.webhooks()?.receiver;
        receiver.reply(batch, replies.iter().copied());
        if receiver.told_of(batch).is_empty() {
            return Ok(());
        }
        Err(Stop::NotReached("the batch was told of before it could be said how that is answered".to_owned()))
    }

    /// What is told of a batch for the so-manyth time, counted from 1. That it never comes is the server's fault, unless
    /// it may take longer than is waited.
    pub(crate) async fn told(&self, batch: &str, attempt: usize) -> Outcome<Arc<Delivery>> {
        let webhooks = self.webhooks()?;
        // Webhooks take their time however the clock of the server is moved.
        let deadline =
            if webhooks.told.is_some() { Deadline::after(webhooks.patience) } else { self.deadline };
        if let Some(delivery) = webhooks.receiver.wait_for(batch, attempt, deadline).await {
            return Ok(delivery);
        }
        let came = webhooks.receiver.told_of(batch).len();
        let what = format!("webhook {attempt} of {batch}");
        if webhooks.told.is_none() {
            return Err(Stop::NotReached(format!("{what} did not come in time, after {came}")));
        }
        Err(Stop::Failed(Mismatch {
            what,
            expected: vec![format!("a webhook within {} s", webhooks.patience.as_secs())],
            actual: if came == 0 { "none at all".to_owned() } else { format!("no more than {came}") },
            exchange: None,
        }))
    }

    /// All that was told of a batch by now.
    pub(crate) fn all_told(&self, batch: &str) -> Outcome<Vec<Arc<Delivery>>> {
        Ok(self.webhooks()?.receiver.told_of(batch))
    }

    fn webhooks(&self) -> Outcome<&Webhooks> {
        let missing = || Stop::Broken("a case about webhooks must need them".to_owned());
        self.target.webhooks.as_ref().ok_or_else(missing)
    }
}
