//! A local fake of the OpenAI Files and Batches API, on a clock you control.
//!
//! Point any client at it by base URL and key alone. A batch goes through all its states in seconds, or in
//! no time at all; its interesting endings can be had on demand. This crate is the server as a library, for
//! tests in Rust; the binary `batchmock` is the same server for everybody else.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use batchmock::{ClockMode, MockServer};
//! use reqwest::multipart::{Form, Part};
//! use serde_json::{Value, json};
//!
//! let server = MockServer::builder().clock(ClockMode::Frozen).start().await?;
//! let client = reqwest::Client::new();
//! let url = |path: &str| format!("{}{path}", server.base_url());
//!
//! let line = json!({
//!     "custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions",
//!     "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]},
//! });
//! let form = Form::new()
//!     .text("purpose", "batch")
//!     .part("file", Part::text(line.to_string()).file_name("requests.jsonl"));
//! let file: Value =
//!     client.post(url("/files")).bearer_auth("sk-any").multipart(form).send().await?.json().await?;
//! let new = json!({
//!     "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
//! });
//! let batch: Value =
//!     client.post(url("/batches")).bearer_auth("sk-any").json(&new).send().await?.json().await?;
//! assert_eq!(batch["status"], "validating");
//!
//! server.clock_of("sk-any").advance(Duration::from_secs(4))?;
//! let id = batch["id"].as_str().expect("every batch has an id");
//! let batch: Value =
//!     client.get(url(&format!("/batches/{id}"))).bearer_auth("sk-any").send().await?.json().await?;
//! assert_eq!(batch["status"], "completed");
//! # Ok(())
//! # }
//! ```
//!
//! # Worlds
//!
//! Each key has a *world* of its own: its files, its batches, its clock. Tests that use different keys, or
//! start a server each, never meet.
//!
//! # Time
//!
//! Each world has a [clock](ClockMode): real, scaled, frozen or stepping. Everything the API tells of time
//! follows it.
//!
//! # Determinism
//!
//! All orders, ids and answers follow from the seed: the same seed and the same requests at the same times
//! give the same bytes.
//!
//! # Keeping data
//!
//! With a [data directory](Builder::data_dir) everything survives the end of the server, whatever end it is.
//!
//! # What it does not do
//!
//! It runs no model: answers are [canaries](responder::canary()) or echoes, or come from [rules](LineRules) and
//! [recordings](Recording). It does not stream answers. What it knows of the real service, and what is assumed, is in
//! the fidelity table of the README.

mod answers;
mod arguments;
mod clock;
mod config;
mod control;
mod deviations;
pub mod endpoint;
mod fault;
mod http;
mod ids;
mod input;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod journal;
mod nearest;
mod operation;
mod quota;
pub mod responder;
mod scenario;
mod server;
pub mod sim;
mod store;
pub mod switches;
mod toml_reading;
mod webhook;
mod world;

pub use answers::{
    DecidedBy, LineOutcome, LineRule, LineRules, Recording, RecordingError, RecordingProblem, RuleError,
    RuleTrial, TriedLine, Unrecorded,
};
pub use clock::ClockMode;
pub use config::{Config, ConnectionLimits, Limits, ModelPolicy};
pub use fault::{FaultError, FaultPlan, FaultRule};
pub use journal::{Body, EntryKind, JournalEntry, JournalFilter, Note, Outcome, ReceivedRequest, WorldEvent};
pub use operation::Operation;
pub use quota::{ByModel, QuotaError, Quotas};
pub use responder::AnswerStyle;
pub use scenario::{Scenario, ScenarioError, Scenarios, Timeline};
pub use server::{
    Builder, ClockError, ClockHandle, DEFAULT_KEY, FaultCount, FaultHandle, JournalHandle, MockServer,
    StoredFile, serve,
};
pub use sim::{Amount, Milestone, Pace, PaceDuration, Progress, Timestamp};
pub use store::{DataDir, DataDirError};
pub use switches::Switches;
pub use webhook::{
    WebhookEndpoint, WebhookEvent, WebhookPlan, WebhookPlanError, WebhookSecret, WebhookSecretError,
    WebhookSignature, WebhookUrlError, Webhooks,
};
