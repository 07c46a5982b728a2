//! The mock as its users meet it: over HTTP, byte by byte, and as a process.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect is to fail right there")]

mod answers;
mod batches;
mod cli;
mod control;
mod data_dir;
mod determinism;
mod embedding;
mod facts;
mod faults;
mod fidelity;
mod files;
mod journal;
mod lifecycle;
mod lines;
mod looks;
mod models;
mod moving;
mod quotas;
mod scenarios;
mod schema;
mod support;
mod switches;
mod tidy;
mod transcripts;
mod trouble;
mod uploads;
mod webhooks;
mod worlds;
