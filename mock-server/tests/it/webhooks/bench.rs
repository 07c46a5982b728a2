//! A mock that tells, and somebody who is told.

use batchmock::{Builder, MockServer, WebhookPlan};
use reqwest::Method;
use serde_json::Value;

use super::receiver::Receiver;
use crate::support::{Client, frozen};

pub(super) struct Bench {
    pub(super) server: MockServer,
    pub(super) client: Client,
    pub(super) receiver: Receiver,
}

impl Bench {
    /// A mock on a frozen clock that tells somebody who takes everything.
    pub(super) async fn start() -> Self {
        Self::with(Receiver::start().await, frozen()).await
    }

    /// The same, that tells as this plan says.
    pub(super) async fn planned(plan: &str) -> Self {
        Self::with(Receiver::start().await, frozen().webhook_plan(read(plan))).await
    }

    pub(super) async fn with(receiver: Receiver, builder: Builder) -> Self {
        let server = builder.webhook(receiver.endpoint()).start().await.unwrap();
        let client = Client::new(&server);
        Self { server, client, receiver }
    }

    /// Asks the control API for something in the default world.
    pub(super) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.control_as(self.server.api_key(), method, path, body).await
    }

    pub(super) async fn control_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let url = format!("http://{}/_mock/v1{path}", self.server.address());
        let mut request = reqwest::Client::new().request(method, url).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status} {body:#}");
        body
    }

    /// The deliveries, newest first.
    pub(super) async fn deliveries(&self) -> Vec<Value> {
        let answer = self.control(Method::GET, "/webhooks/deliveries", None).await;
        answer["deliveries"].as_array().unwrap().clone()
    }

    /// The deliveries, newest first, once the mock knows what became of each of so many.
    pub(super) async fn ended(&self, n: usize) -> Vec<Value> {
        loop {
            let deliveries = self.deliveries().await;
            let is_over =
                |delivery: &Value| matches!(delivery["status"].as_str(), Some("delivered" | "given_up"));
            if deliveries.len() >= n && deliveries.iter().all(is_over) {
                assert_eq!(deliveries.len(), n, "{deliveries:#?}");
                return deliveries;
            }
        }
    }
}

pub(super) fn read(plan: &str) -> WebhookPlan {
    plan.parse().unwrap()
}
