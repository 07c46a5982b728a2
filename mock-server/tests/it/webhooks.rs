//! Webhooks, as who receives them meets them.

mod bench;
mod delivery;
mod plans;
pub(crate) mod receiver;
mod restarts;
mod retries;
