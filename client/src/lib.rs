//! Typed wire records of the OpenAI Files and Batches API.
//!
//! The records decode what the service sends and encode what the mock sends: key order is the
//! order of the recorded answers, unset fields are `null` where recordings show `null`, and
//! enumerations are open, so that a status nobody has seen yet survives a round trip.
//!
//! This crate holds the records only; it sends no requests.

pub mod types;
