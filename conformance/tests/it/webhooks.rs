//! Webhooks of a server on which somebody has registered the suite as an endpoint.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use batchmock::{ClockMode, MockServer};
use batchmock_conformance::case::{Case, Level};
use batchmock_conformance::{Keys, Settings, Target, Verdict, WebhookSettings, run, server};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn mock() -> MockServer {
    MockServer::builder().clock(ClockMode::Frozen).keys(["sk-own", "sk-other"]).start().await.unwrap()
}

/// The mock as a server with an account that is somebody's.
async fn target(mock: &MockServer, webhooks: WebhookSettings) -> Arc<Target> {
    let keys = Keys::Given { own: "sk-own".to_owned(), other: Some("sk-other".to_owned()) };
    let settings = Settings { webhooks, ..Settings::new(mock.base_url(), keys) };
    Arc::new(Target::probe(settings).await.unwrap())
}

fn cases() -> Vec<&'static Case> {
    server::all().filter(|case| case.id.starts_with("webhooks/")).collect()
}

async fn put(mock: &MockServer, body: &Value) {
    let url = format!("{}/_mock/v1/webhooks", mock.base_url().trim_end_matches("/v1"));
    let put = reqwest::Client::new().put(url).header("authorization", "Bearer sk-own");
    let answer = put.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn an_endpoint_that_somebody_registered_is_judged_alike() {
    let mock = mock().await;
    let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let webhooks =
        WebhookSettings { listen, secret: Some(SECRET.parse().unwrap()), ..WebhookSettings::default() };
    let target = target(&mock, webhooks).await;
    let url = format!("http://{}/registered", target.webhooks_at().unwrap());
    let endpoints = json!([{"url": url, "secret": SECRET}]);
    put(&mock, &json!({"endpoints": endpoints, "plan": {"retry_speed": 1_000}})).await;
    for found in run::all(&target, &cases(), 2, |_| ()).await {
        assert_eq!(found.verdict, Verdict::Passed, "{}: {}", found.case.id, found.reason);
    }
}

#[tokio::test]
async fn the_endpoints_of_somebody_are_left_alone() {
    let mock = mock().await;
    let target = target(&mock, WebhookSettings::default()).await;
    assert_eq!(target.webhooks_at(), None);
    for found in run::all(&target, &cases(), 2, |_| ()).await {
        assert_eq!(found.verdict, Verdict::Unsupported, "{}", found.case.id);
        assert!(found.reason.contains("--webhook-listen and --webhook-secret"), "{}", found.reason);
    }
}

#[test]
fn what_endpoints_depend_on_is_required() {
    let musts = cases().into_iter().filter(|case| case.level == Level::Must).count();
    assert!(musts >= 12, "{musts}");
}
