//! The records, and the client as its users meet it: against the mock, and against a listener that says what it is
//! told to, byte by byte.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bytes;
mod checking;
#[cfg(feature = "cli")]
mod cli;
mod documents;
mod failures;
mod kills;
mod resuming;
mod runs;
mod scenarios;
mod soup;
mod support;
mod waiting;
mod webhooks;
mod wire;
