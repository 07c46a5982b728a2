//! A test for each fact about the service that is documented or observed on routes of ours, named after it.
//!
//! `docs/fidelity.md` lists the facts in words, with where each is from.

mod batches;
mod creation;
mod edge;
mod errors;
mod files;
mod life;
mod results;
mod transport;
pub(crate) mod uploads;
mod validation;
mod webhooks;
