//! The suite, held to its own rules: what its cases rest on, that they catch what is wrong, and what it reports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod busy;
mod catalog;
mod certify;
mod cleaning;
mod cli;
mod costs;
mod determinism;
mod elsewhere;
mod forms;
mod leaving;
mod nothing;
mod schema;
mod tidy;
mod walks;
mod webhooks;
