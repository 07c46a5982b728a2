//! Faults, as clients of others meet them: over reqwest, and byte by byte where it hides something.

mod answers;
mod batches;
mod connections;
mod control;
mod documentation;
mod journal;
mod slow;

use batchmock::{FaultPlan, MockServer};

use crate::support::{Client, frozen};

fn plan(toml: &str) -> FaultPlan {
    FaultPlan::from_toml(toml).unwrap_or_else(|error| panic!("{error}"))
}

/// One rule, in braces.
fn one(rule: &str) -> FaultPlan {
    FaultPlan::new(vec![rule.parse().unwrap_or_else(|error| panic!("{error}"))])
}

/// A server with one rule, and a client.
async fn with(rule: &str) -> (MockServer, Client) {
    let server = frozen().faults(one(rule)).start().await.unwrap();
    let client = Client::new(&server);
    (server, client)
}
