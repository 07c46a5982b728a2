//! The command, as a process: what it says, where, and how it ends.

mod clock;
mod env;
mod exec;
mod faults;
mod help;
mod journal;
mod lines;
mod output;
pub(crate) mod process;
mod scenarios;
mod serve;
mod wait;
mod webhooks;
