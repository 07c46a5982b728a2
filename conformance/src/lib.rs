//! Judges servers that claim the Files and Batches API (batchmock, one of another vendor, or the service itself), and, as
//! [`client`] has it, programs that use one.
//!
//! Each [case](case::Case) is one requirement with its sources, which are facts of `docs/fidelity.md`. A server that is
//! not given is batchmock itself, started for the run.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use batchmock_conformance::{OwnMock, Verdict, run, server};
//!
//! let mock = OwnMock::start(0).await?;
//! let case = server::find("batches/cancel/after-completed").ok_or("no such case")?;
//! let found = run::one(&mock.target().await?, case).await;
//! assert_eq!(found.verdict, Verdict::Passed);
//! # Ok(())
//! # }
//! ```
//!
//! # Verdicts
//!
//! A case *passed*, *failed*, is *unsupported* (the server does not offer what it is about), *not exercised* (a step on
//! the way did not work, or takes too long: for a MUST that makes the run incomplete), or ran into an *error* of the suite.
//! A failure that is [known](known_failing) is told apart, and one that is listed and passes fails the run.
//!
//! # What it does not do
//!
//! Cases look at bytes and JSON alone; nothing in `server/` knows the types of the mock or of the client. They leave what
//! they have not made alone.

mod busy;
pub mod case;
pub mod clean_up;
pub mod client;
mod cost;
pub mod exchange;
pub mod expect;
pub mod facts;
mod form;
mod journal;
pub mod known_failing;
mod own_mock;
pub mod plan;
pub mod report;
pub mod run;
pub mod schema;
pub mod select;
pub mod server;
mod session;
pub mod state;
mod tag;
mod target;
mod time;
pub mod traceability;
mod verdict;
pub mod walk;
mod webhook;

pub use cost::Cost;
pub use journal::Waiting;
pub use own_mock::{OwnMock, OwnMockError};
pub use target::{Keys, Models, Settings, Target, TargetError, is_on_loopback};
pub use verdict::{Found, Verdict};
pub use webhook::{Secret, SecretError, WebhookSettings};
