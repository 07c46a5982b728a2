//! What the account of a world may use, and what of it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::World;
use super::batches::{Batches, Enqueued};
use super::state::State;
use crate::input::Problem;
use crate::quota::{Bucket, Exceeded, Level, Quotas, Rate, limit_name};
use crate::sim::Timestamp;

/// How many models have a count of calls of their own: more than there are, and few enough that clients that make names up
/// do not fill the memory. All others share one.
const MAX_COUNTED_MODELS: usize = 10_000;

/// What the limit of the queue is said to be where none is set (F-310).
const USUAL_QUEUE: u64 = 2_000_000;

/// What an account may use, and what of it is used; but for the queue, which follows from the batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// What it may use.
    pub(crate) quotas: Arc<Quotas>,
    /// Whether its user has said so, and not whoever has started the server.
    pub(crate) is_own: bool,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Batches created.
    pub(crate) creations: Bucket,
    /// Files uploaded.
    pub(crate) uploads: Bucket,
}

/// How many synchronous calls there were, and of how many tokens, by the name under which the use of their model is counted.
/// That is not kept, as nothing is that a synchronous call does.
#[derive(Debug, Clone, Default)]
pub(super) struct CallCounts(BTreeMap<String, CallBuckets>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct CallBuckets {
    requests: Bucket,
    tokens: Bucket,
}

/// What a call has left of the limits of its model, where there are some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CallLimits {
    /// Calls a minute.
    pub(crate) requests: Option<Level>,
    /// Tokens a minute.
    pub(crate) tokens: Option<Level>,
}

/// A request that came too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateLimited {
    /// What there were too many of.
    pub(crate) of: RateLimit,
    /// By how much.
    pub(crate) exceeded: Exceeded,
}

/// What there may be only so many of in a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RateLimit {
    /// Calls of a model a minute.
    Calls { model: String, left: Box<CallLimits> },
    /// Tokens of calls of a model a minute.
    CallTokens { model: String, left: Box<CallLimits> },
    /// Batches an hour.
    Creations,
    /// Uploads a minute.
    Uploads,
}

/// What an account may use, and what is used.
#[derive(Debug)]
pub(crate) struct AllowanceView {
    /// What it may use.
    pub(crate) quotas: Arc<Quotas>,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Until when its queues are full though nothing runs.
    pub(crate) phantom_until: Option<Timestamp>,
    /// What batches have enqueued for each model.
    pub(crate) enqueued: Vec<(String, Enqueued)>,
    /// Batches created, if that is limited.
    pub(crate) creations: Option<Level>,
    /// Files uploaded, if that is limited.
    pub(crate) uploads: Option<Level>,
    /// Bytes stored.
    pub(crate) file_bytes: u64,
    /// Synchronous calls of each model that was called.
    pub(crate) calls: Vec<(String, CallLimits)>,
}

impl Allowance {
    /// Nothing is used yet.
    pub(super) fn new(quotas: Arc<Quotas>, since: Timestamp) -> Self {
        Self { quotas, is_own: false, since, creations: Bucket::default(), uploads: Bucket::default() }
    }

    /// What was used when the world was last kept, of its own quotas if it has some.
    pub(crate) fn known(own: Option<Quotas>, since: Timestamp, creations: Bucket, uploads: Bucket) -> Self {
        let is_own = own.is_some();
        let quotas = Arc::new(own.unwrap_or_default());
        Self { is_own, creations, uploads, ..Self::new(quotas, since) }
    }

    /// The same under the quotas of the server, or of a scenario, unless its user has set others.
    pub(super) fn under(self, of_server: &Arc<Quotas>) -> Self {
        let quotas = if self.is_own { self.quotas } else { Arc::clone(of_server) };
        Self { quotas, ..self }
    }

    /// The same under other quotas, if they are given.
    pub(super) fn with(&self, quotas: Option<&Arc<Quotas>>) -> Self {
        let quotas = Arc::clone(quotas.unwrap_or(&self.quotas));
        Self { quotas, ..self.clone() }
    }

    /// Lets those of another scenario hold, unless its user has set others; what is used stays used.
    pub(super) fn set(&mut self, quotas: Arc<Quotas>, now: Timestamp) {
        if !self.is_own && self.quotas != quotas {
            self.quotas = quotas;
            self.since = now;
        }
    }

    /// Lets other quotas hold; what is used stays used.
    pub(super) fn set_own(&mut self, quotas: Quotas, now: Timestamp) {
        self.quotas = Arc::new(quotas);
        self.is_own = true;
        self.since = now;
    }

    /// Whether a batch may be created.
    pub(super) fn check_creation(&self, now: Timestamp) -> Result<(), RateLimited> {
        check(self.creations, self.quotas.creations(), now, RateLimit::Creations)
    }

    /// Counts a batch that was created.
    pub(super) fn take_creation(&mut self, now: Timestamp) {
        if let Some(rate) = self.quotas.creations() {
            self.creations.take(1, rate, now);
        }
    }

    /// Counts an upload, if there may be one; whether it was counted.
    pub(super) fn take_upload(&mut self, now: Timestamp) -> Result<bool, RateLimited> {
        let Some(rate) = self.quotas.uploads() else { return Ok(false) };
        check(self.uploads, Some(rate), now, RateLimit::Uploads)?;
        self.uploads.take(1, rate, now);
        Ok(true)
    }

    /// Whether a batch may wait for a model, beside those that do.
    pub(super) fn check_queue(
        &self,
        batches: &Batches,
        organization_id: &str,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let Wanted { model, tokens, requests } = wanted;
        let name = limit_name(model);
        let queued = batches.enqueued(name);
        let (most_tokens, most_requests) =
            (self.quotas.enqueued_tokens.of(model), self.quotas.enqueued_requests.of(model));
        let of_tokens = |limit| Problem::TooManyTokensEnqueued {
            model: name.to_owned(),
            organization_id: organization_id.to_owned(),
            limit,
        };
        let of_requests = |limit| Problem::TooManyRequestsEnqueued {
            model: name.to_owned(),
            organization_id: organization_id.to_owned(),
            limit,
        };
        if self.phantom_until().is_some_and(|until| now < until) {
            return Err(match (most_tokens, most_requests) {
                (None, Some(limit)) => of_requests(limit),
                (limit, _) => of_tokens(limit.unwrap_or(USUAL_QUEUE)),
            });
        }
        match (most_tokens, most_requests) {
            (Some(limit), _) if queued.tokens.saturating_add(tokens) > limit => Err(of_tokens(limit)),
            (_, Some(limit)) if queued.requests.saturating_add(requests) > limit => Err(of_requests(limit)),
            _ => Ok(()),
        }
    }

    /// What it says of a queue that is full, whatever is in it.
    pub(super) fn full_queue(&self, model: &str, organization_id: &str) -> Problem {
        Problem::TooManyTokensEnqueued {
            model: limit_name(model).to_owned(),
            organization_id: organization_id.to_owned(),
            limit: self.quotas.enqueued_tokens.of(model).unwrap_or(USUAL_QUEUE),
        }
    }

    fn phantom_until(&self) -> Option<Timestamp> {
        self.quotas.phantom_for.map(|time| self.since + time)
    }
}

impl CallCounts {
    /// Counts a call, and tells what is left. One that comes too early is not counted (assumed; the guide says that it is).
    pub(super) fn take_call(
        &mut self,
        quotas: &Quotas,
        model: &str,
        tokens: u64,
        now: Timestamp,
    ) -> Result<CallLimits, RateLimited> {
        let (calls, call_tokens) = (quotas.calls(model), quotas.call_tokens(model));
        if calls.is_none() && call_tokens.is_none() {
            return Ok(CallLimits::default());
        }
        let name = limit_name(model);
        let is_counted = self.0.contains_key(name) || self.0.len() < MAX_COUNTED_MODELS;
        let name = if is_counted { name } else { "" };
        let buckets = self.0.entry(name.to_owned()).or_default();
        let left = |buckets: &CallBuckets| CallLimits {
            requests: calls.map(|rate| buckets.requests.level(rate, now)),
            tokens: call_tokens.map(|rate| buckets.tokens.level(rate, now)),
        };
        let refused = left(buckets);
        let model = || model.to_owned();
        check(buckets.requests, calls, now, RateLimit::Calls { model: model(), left: Box::new(refused) })?;
        if let Some(rate) = call_tokens {
            let of = |exceeded| RateLimited {
                of: RateLimit::CallTokens { model: model(), left: Box::new(refused) },
                exceeded,
            };
            buckets.tokens.check(tokens, rate, now).map_err(of)?;
        }
        if let Some(rate) = calls {
            buckets.requests.take(1, rate, now);
        }
        if let Some(rate) = call_tokens {
            buckets.tokens.take(tokens, rate, now);
        }
        Ok(left(buckets))
    }
}

/// What a batch would enqueue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) model: &'w str,
    pub(super) tokens: u64,
    pub(super) requests: u64,
}

/// Whether one more may be taken, if that is limited.
fn check(bucket: Bucket, rate: Option<Rate>, now: Timestamp, of: RateLimit) -> Result<(), RateLimited> {
    let Some(rate) = rate else { return Ok(()) };
    bucket.check(1, rate, now).map_err(|exceeded| RateLimited { of, exceeded })
}

impl World {
    /// What the account may use, and what is used.
    pub(crate) fn allowance(&self, wall: Timestamp) -> AllowanceView {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        view(&state, now, self.scratch.storage.bytes())
    }

    /// Lets other quotas hold from now on.
    pub(crate) fn set_quotas(&self, wall: Timestamp, quotas: Quotas) -> AllowanceView {
        let mut state = self.lock();
        let now = self.settle(&mut state, wall);
        state.set_quotas(quotas, now);
        view(&state, now, self.scratch.storage.bytes())
    }

    /// Counts an upload, before its bytes come, whatever becomes of it: what is limited are requests.
    pub(crate) fn begin_file(&self, wall: Timestamp) -> Result<(), RateLimited> {
        let mut state = self.lock();
        let now = state.now(wall);
        state.take_upload(now)
    }
}

fn view(state: &State, now: Timestamp, file_bytes: u64) -> AllowanceView {
    let allowance = state.allowance();
    let quotas = &allowance.quotas;
    let level = |bucket: Bucket| move |rate| bucket.level(rate, now);
    let calls = state.calls().0.iter().map(|(name, CallBuckets { requests, tokens })| {
        let limits = CallLimits {
            requests: quotas.calls(name).map(level(*requests)),
            tokens: quotas.call_tokens(name).map(level(*tokens)),
        };
        (name.clone(), limits)
    });
    AllowanceView {
        quotas: Arc::clone(quotas),
        since: allowance.since,
        phantom_until: allowance.phantom_until().filter(|until| now < *until),
        enqueued: state
            .batches()
            .all_enqueued()
            .map(|(name, enqueued)| (name.to_owned(), enqueued))
            .collect(),
        creations: quotas.creations().map(level(allowance.creations)),
        uploads: quotas.uploads().map(level(allowance.uploads)),
        file_bytes,
        calls: calls.collect(),
    }
}
