//! Who is told of what happens in a world.

use std::sync::Arc;

use super::agenda::Seat;
use super::{State, World};
use crate::sim::{Status, Timestamp};
use crate::webhook::{
    DeliveryView, EndpointView, Errand, Event, Outbox, Outcome, RedeliverError, WebhookEndpoint,
    WebhookEvent, WebhookPlan, WebhookSecret,
};

/// Who is told, and how.
#[derive(Debug)]
pub(crate) struct WebhooksView {
    /// Who.
    pub(crate) endpoints: Vec<EndpointView>,
    /// How.
    pub(crate) plan: WebhookPlan,
    /// How much was not told, since too much was waiting to be told.
    pub(crate) n_dropped: u64,
}

/// There are more endpoints than this many, which a world may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooManyWebhooks(pub(crate) usize);

impl World {
    /// Lets the courier know of the world.
    pub(super) fn take_a_seat(self: &Arc<Self>) {
        let agenda = &self.common.agenda;
        self.seat.get_or_init(|| Seat::new(agenda, Arc::downgrade(self)));
        // What is due already is entered when the lock is let go.
        drop(self.lock());
    }

    // Control

    /// Who is told, and how.
    pub(crate) fn webhooks(&self) -> WebhooksView {
        self.lock().outbox().view()
    }

    /// Secrets for so many endpoints that may come without one, in the order in which they are added.
    pub(crate) fn next_webhook_secrets(&self, n: usize) -> Vec<WebhookSecret> {
        let n_before = u64::from(self.lock().outbox().n_endpoints_ever());
        (n_before..).take(n).map(|n| WebhookSecret::of(self.seed.nth("webhook", n))).collect()
    }

    /// Tells one more endpoint from now on, and gives its number.
    pub(crate) fn add_webhook(
        &self,
        wall: Timestamp,
        endpoint: WebhookEndpoint,
    ) -> Result<u32, TooManyWebhooks> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let most = self.common.config.limits.world_webhooks;
        if state.outbox().endpoints().len() >= most {
            return Err(TooManyWebhooks(most));
        }
        Ok(state.change_outbox(|outbox| outbox.add_endpoint(endpoint)))
    }

    /// Tells these endpoints and no others from now on, and as this plan says, each if it is given.
    pub(crate) fn set_webhooks(
        &self,
        wall: Timestamp,
        endpoints: Option<Vec<WebhookEndpoint>>,
        plan: Option<WebhookPlan>,
    ) -> Result<WebhooksView, TooManyWebhooks> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let most = self.common.config.limits.world_webhooks;
        if endpoints.as_ref().is_some_and(|endpoints| endpoints.len() > most) {
            return Err(TooManyWebhooks(most));
        }
        state.change_outbox(|outbox| {
            if let Some(endpoints) = endpoints {
                outbox.remove_endpoints();
                for endpoint in endpoints {
                    outbox.add_endpoint(endpoint);
                }
            }
            if let Some(plan) = plan {
                outbox.set_plan(plan);
            }
        });
        Ok(state.outbox().view())
    }

    /// The newest deliveries, newest first, and whether there are more.
    pub(crate) fn deliveries(&self, wall: Timestamp, limit: usize) -> (Vec<DeliveryView>, bool) {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        let mut deliveries = state.outbox().deliveries();
        let newest = deliveries.by_ref().take(limit).collect();
        (newest, deliveries.next().is_some())
    }

    /// Tells a delivery that has ended once more, now.
    pub(crate) fn redeliver(&self, wall: Timestamp, number: u64) -> Result<DeliveryView, RedeliverError> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.change_outbox(|outbox| outbox.redeliver(number, wall))
    }

    // What the courier asks

    /// What is to be told now.
    pub(crate) fn errands(&self, wall: Timestamp) -> Vec<Errand> {
        let mut state = self.lock();
        self.settle(&mut state, wall);
        state.outbox_mut().take(wall)
    }

    /// Records what became of an errand.
    pub(crate) fn record_errand(&self, wall: Timestamp, number: u64, event: &Arc<Event>, outcome: Outcome) {
        self.lock().outbox_mut().record(number, event, outcome, wall);
    }
}

impl Outbox {
    fn view(&self) -> WebhooksView {
        WebhooksView {
            endpoints: self.endpoints(),
            plan: WebhookPlan::clone(self.plan()),
            n_dropped: self.n_dropped(),
        }
    }
}

impl State {
    /// Changes who is told, or how.
    fn change_outbox<T>(&mut self, change: impl FnOnce(&mut Outbox) -> T) -> T {
        let changed = change(self.outbox_mut());
        self.foretell_all();
        changed
    }

    /// When something is to be told next, in wall time, if nobody asks for anything before.
    pub(super) fn next_errand(&self) -> Option<Timestamp> {
        if self.outbox().is_deaf() {
            return None;
        }
        let end = self.batches().next_end().map(|(at, _)| at);
        let foretold = self.outbox().next_foretold().map(|(at, _)| at);
        let next = end.into_iter().chain(foretold).min().map(|next| {
            // A batch may fail at once when its input expires.
            let expiry = self.files().next_expiry().map(|(at, _)| at);
            expiry.map_or(next, |expiry| expiry.min(next))
        });
        let at = next.and_then(|next| {
            // What is due already need only be settled, also on a clock that stands still.
            let is_due = next <= self.latest();
            if is_due { Some(Timestamp::from_unix_millis(0)) } else { self.clock().wall_when(next) }
        });
        at.into_iter().chain(self.outbox().next_due()).min()
    }

    /// Says anew what is to be told early of each batch that has not ended.
    pub(super) fn foretell_all(&mut self) {
        let places: Vec<_> = self.batches().live_places().collect();
        for place in places {
            self.foretell(place);
        }
    }

    /// Says what is to be told early of a batch, and when: at the last change that cannot be told from one in the
    /// middle of its life.
    pub(super) fn foretell(&mut self, place: usize) {
        let behavior = &self.batches().entry(place).record.behavior;
        let plan = behavior.webhook().unwrap_or_else(|| self.outbox().plan());
        let is_early = plan.early && !self.outbox().is_deaf();
        let what = if is_early { self.last_quiet_change(place) } else { None };
        self.outbox_mut().foretell(place, what);
    }

    /// The last change of a batch, from now on, before it is finalizing or has ended, and how it will end.
    fn last_quiet_change(&self, place: usize) -> Option<(Timestamp, WebhookEvent)> {
        let is_quiet = |status: Status| status != Status::Finalizing && !status.is_terminal();
        let entry = self.batches().entry(place);
        let plan = &entry.record.plan;
        let foreseen = self.foreseen(entry);
        let now = self.latest().max(plan.created_at());
        let mut last_quiet = is_quiet(entry.observe(now).status).then_some(now)?;
        let mut is_over = false;
        for change in plan.changes(&foreseen, now) {
            let status = change.observation.status;
            if is_quiet(status) && !is_over {
                last_quiet = change.at;
            } else {
                is_over = true;
            }
            if let Some(event) = WebhookEvent::of(status) {
                return Some((last_quiet, event));
            }
        }
        None
    }
}
