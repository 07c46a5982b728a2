//! What an account may use: tokens waiting in batches, batches and uploads in a time, storage, and synchronous calls.
//!
//! [`Quotas`] are the limits, as a user chooses them; nothing is limited that has none. What is used of them is
//! counted in the world ([`Bucket`], and the batches that have not ended), on its clock. Tokens are counted as everywhere
//! here: [`Request::input_tokens`](crate::responder::Request::input_tokens).

mod bucket;
mod by_model;
mod reading;
#[cfg(test)]
mod tests;
mod tiers;

use std::time::Duration;

pub(crate) use bucket::{Bucket, Exceeded, Level, Rate};
pub use by_model::ByModel;
pub(crate) use by_model::limit_name;
pub use reading::QuotaError;

/// What an account may use. By default nothing is limited.
///
/// ```
/// use batchmock::Quotas;
///
/// let mut quotas = Quotas::tier(1).expect("there are tiers 1 to 5");
/// quotas.set("enqueued_tokens.gpt-4o-mini=1000")?;
/// assert_eq!(quotas.enqueued_tokens.of("gpt-4o-mini-2024-07-18"), Some(1_000));
/// assert_eq!(quotas.enqueued_tokens.of("gpt-4o"), Some(90_000));
/// # Ok::<(), batchmock::QuotaError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quotas {
    /// Tokens of prompts in batches that have not ended, for each model (F-380). A batch beyond that fails its validation
    /// (F-310).
    pub enqueued_tokens: ByModel,
    /// Requests in batches that have not ended, for each model. A batch beyond that fails its validation.
    pub enqueued_requests: ByModel,
    /// Batches created in an hour (F-240).
    pub batches_per_hour: Option<u64>,
    /// Files uploaded in a minute.
    pub uploads_per_minute: Option<u64>,
    /// Bytes of files, beside [`Limits::world_bytes`](crate::Limits::world_bytes).
    pub file_bytes: Option<u64>,
    /// Synchronous calls in a minute, for each model.
    pub requests_per_minute: ByModel,
    /// Tokens of the prompts of synchronous calls in a minute, for each model.
    pub tokens_per_minute: ByModel,
    /// For how long, from when these quotas hold, the queue of every model is full though nothing runs.
    pub phantom_for: Option<Duration>,
}

impl Quotas {
    /// The quotas of an account in a usage tier, from 1 to 5: `docs/quotas.md` has the table, and its sources.
    pub fn tier(tier: u8) -> Option<Self> {
        tiers::quotas(tier)
    }

    /// How many batches may be created, if that is limited.
    pub(crate) fn creations(&self) -> Option<Rate> {
        self.batches_per_hour.map(|limit| Rate { limit, period: Duration::from_hours(1) })
    }

    /// How many files may be uploaded, if that is limited.
    pub(crate) fn uploads(&self) -> Option<Rate> {
        self.uploads_per_minute.map(a_minute)
    }

    /// How many calls of a model there may be, if that is limited.
    pub(crate) fn calls(&self, model: &str) -> Option<Rate> {
        self.requests_per_minute.of(model).map(a_minute)
    }

    /// How many tokens the calls of a model may have, if that is limited.
    pub(crate) fn call_tokens(&self, model: &str) -> Option<Rate> {
        self.tokens_per_minute.of(model).map(a_minute)
    }
}

fn a_minute(limit: u64) -> Rate {
    Rate { limit, period: Duration::from_mins(1) }
}
