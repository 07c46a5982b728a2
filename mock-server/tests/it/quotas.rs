//! What accounts may use, and what happens beyond that.

mod calls;
mod control;
mod documentation;
mod kept;
mod queue;
mod rates;

use batchmock::{Builder, MockServer, Quotas};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Client, frozen};

/// A server with these quotas, as TOML writes them, and a client of its default account.
async fn start(quotas: &str) -> (MockServer, Client) {
    start_with(frozen(), quotas).await
}

async fn start_with(builder: Builder, quotas: &str) -> (MockServer, Client) {
    let quotas = Quotas::from_toml(&format!("[quota]\n{quotas}")).unwrap();
    let server = builder.quotas(quotas).start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}

/// The control API for a key.
fn control(server: &MockServer, key: &str) -> Client {
    Client::of(&format!("http://{}/_mock/v1", server.address()), key)
}

/// What the control API tells of the quotas of the default account.
async fn allowance(server: &MockServer) -> Value {
    control(server, server.api_key()).get("/quotas").await.json()
}

/// Lets other quotas hold for the default account.
async fn set(server: &MockServer, quotas: Value) -> Value {
    let control = control(server, server.api_key());
    let body = quotas.to_string().into();
    control.send(Method::PUT, "/quotas", Some("application/json"), body).await.json()
}
