//! A client of the OpenAI Files and Batches API that gets every ending right: for the mock, for compatible servers, and
//! for the real service.
//!
//! A list in, a list out, in the same order:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = batchmock::MockServer::builder().clock(batchmock::ClockMode::Stepping).start().await?;
//! # let short = batchmock_client::PollPolicy { first_pause: std::time::Duration::from_millis(1), ..Default::default() };
//! use batchmock_client::{Client, Request};
//!
//! # let client = Client::builder().base_url(server.base_url()).api_key("sk-any").poll(short).build()?;
//! # /*
//! let client = Client::from_env()?;
//! # */
//! let questions = ["What is 2 + 2?", "Who wrote Faust?"];
//! let outcomes = client.run(questions.map(|text| Request::chat("gpt-4o-mini", text))).await?;
//! for (question, outcome) in questions.iter().zip(&outcomes) {
//!     match outcome.text() {
//!         Some(text) => println!("{question} {text}"),
//!         None => println!("{question} {:?}", outcome.fate()),
//!     }
//! }
//! # assert!(outcomes.len() == 2 && outcomes[0].is_success());
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! - [`Client::run`] and [`Client::run_file`] do all of it: divide requests among batches, upload, create, wait, read
//!   both files, try again what may pass, and account for each request exactly once. A run that was killed is gone on
//!   with, without a second upload or a second batch.
//! - [`Client::files`], [`Client::batches`] and [`Client::uploads`] are the routes of the API, typed. Records keep what
//!   they do not know ([`Received`]); lists fetch their pages as they are read ([`Pages`]).
//! - [`Batches::wait`] waits for the end of a batch, through whatever passes.
//! - [`requests`] makes lines and checks inputs, [`results`] splits, reads and judges what comes back.
//! - [`Webhooks`] verifies and reads what the service tells by itself.
//!
//! # How it is built
//!
//! What to do is decided by pure functions, and done by small drivers around them: [`retry`] says which failures are
//! worth another attempt and when, `http` makes the attempts; [`poll`] says when to look again and when to stop, `wait`
//! looks; `run::next` says what a run does next, from what its journal says, and `run::driver` does it. All waiting
//! goes through [`Time`], so that a day takes no time in a test.
//!
//! Requests that make something are repeated only if the service cannot have taken them. Where that is not known, what
//! they would have made is looked for by a name or a tag that nothing else has.
//!
//! # Features
//!
//! `client`, on by default, is all of the above; `cli`, on by default, the command. Without both the crate is its [`types`]: the records of the API, with
//! serde and nothing else.
//!
//! # What it does not do
//!
//! It does not count tokens as the service does, knows no prices, and keeps no account of runs beyond their journals.

#[cfg(feature = "client")]
mod batches;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod clock;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
mod files;
#[cfg(feature = "client")]
mod http;
#[cfg(feature = "client")]
mod key;
#[cfg(feature = "client")]
mod once;
#[cfg(feature = "client")]
mod pages;
#[cfg(feature = "client")]
pub mod poll;
#[cfg(feature = "client")]
mod received;
#[cfg(feature = "client")]
pub mod requests;
#[cfg(feature = "client")]
pub mod results;
#[cfg(feature = "client")]
pub mod retry;
#[cfg(feature = "client")]
pub mod run;
pub mod types;
#[cfg(feature = "client")]
mod uploads;
#[cfg(feature = "client")]
mod wait;
#[cfg(feature = "client")]
mod webhooks;

#[cfg(feature = "client")]
pub use crate::{
    batches::{Batches, NewBatch, TAG_KEY},
    client::{Builder, Client, DEFAULT_BASE_URL},
    clock::{RealTime, Sleep, Time},
    error::{Error, Result},
    files::{Content, Files, NewFile},
    key::ApiKey,
    pages::Pages,
    poll::PollPolicy,
    received::Received,
    requests::{Problem, Request},
    results::{Fate, Outcome, Usage},
    retry::RetryPolicy,
    run::{Event, Limits, Progress, Run, RunFile, RunOptions, Summary},
    uploads::{NewUpload, Uploads},
    wait::Wait,
    webhooks::{WebhookEvent, Webhooks},
};
