//! What is to be told of a world, and what was.

mod delivery;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use delivery::Delivery;
pub(crate) use delivery::{Attempt, DeliveryState, DeliveryView, Outcome};

use super::Webhooks;
use super::endpoint::WebhookEndpoint;
use super::event::{Event, WebhookEvent};
use super::plan::{WebhookPlan, WebhookSignature};
use crate::sim::{Seed, Timestamp};

/// How long a group of events to be told in another order waits for more of them.
const GATHERING_FOR: Duration = Duration::from_secs(5);

/// What is to be told of a world, and what was.
///
/// An endpoint is told one thing at a time, in the order in which things are due, so that who is told can tell in
/// which order it was. One that does not answer holds up its own deliveries only.
#[derive(Debug)]
pub(crate) struct Outbox {
    endpoints: Vec<Listener>,
    /// How they are told, unless something says otherwise for a batch.
    plan: Arc<WebhookPlan>,
    /// How many deliveries are remembered.
    most: usize,
    /// By their numbers.
    deliveries: BTreeMap<u64, Delivery>,
    /// The numbers of those that have ended, in the order in which they did.
    over: VecDeque<u64>,
    /// The batches of which something is told before they end, by the time at which it is.
    foretold: BTreeMap<usize, (Timestamp, WebhookEvent)>,
    foretold_by_time: BTreeSet<(Timestamp, usize)>,
    /// What was told early of batches that have not ended.
    told_early: BTreeMap<usize, Arc<Event>>,
    /// What has happened by then was told by somebody else.
    told_until: Timestamp,
    counters: Counters,
}

/// Somebody who is told.
#[derive(Debug)]
struct Listener {
    number: u32,
    endpoint: Arc<WebhookEndpoint>,
    /// Whether it is being told something.
    is_busy: bool,
    /// What is to be told, by when it is due and then in what order.
    queue: BTreeSet<Turn>,
    /// The copies of each event of a group that is told in another order.
    group: Vec<Vec<u64>>,
}

/// When a delivery is to be tried, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    due_at: Timestamp,
    order: u64,
    number: u64,
}

#[expect(clippy::struct_field_names, reason = "`n_` is a count")]
#[derive(Debug, Default)]
struct Counters {
    n_endpoints: u32,
    n_deliveries: u64,
    n_orders: u64,
    n_dropped: u64,
}

/// An attempt to be made now.
#[derive(Debug)]
pub(crate) struct Errand {
    /// The number of its delivery.
    pub(crate) number: u64,
    /// Who is told.
    pub(crate) endpoint: Arc<WebhookEndpoint>,
    /// What is told.
    pub(crate) event: Arc<Event>,
    /// How it is signed.
    pub(crate) signature: WebhookSignature,
    /// How long the endpoint has to answer.
    pub(crate) timeout: Duration,
}

/// Somebody who is told, to be shown.
#[derive(Debug, Clone)]
pub(crate) struct EndpointView {
    /// Its number in the world.
    pub(crate) number: u32,
    /// Who it is.
    pub(crate) endpoint: Arc<WebhookEndpoint>,
}

/// Why a delivery is not made once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedeliverError {
    /// There is none, or not any more.
    NoSuchDelivery,
    /// Its endpoint has been removed.
    NobodyThere,
    /// It has not ended yet.
    UnderWay,
}

impl Outbox {
    /// One for these endpoints that remembers at most so many deliveries.
    pub(crate) fn new(webhooks: &Webhooks, most: usize) -> Self {
        let mut outbox = Self {
            endpoints: Vec::new(),
            plan: Arc::new(webhooks.plan.clone()),
            most,
            deliveries: BTreeMap::new(),
            over: VecDeque::new(),
            foretold: BTreeMap::new(),
            foretold_by_time: BTreeSet::new(),
            told_early: BTreeMap::new(),
            told_until: Timestamp::from_unix_millis(i64::MIN),
            counters: Counters::default(),
        };
        for endpoint in &webhooks.endpoints {
            outbox.add_endpoint(endpoint.clone());
        }
        outbox
    }

    // Looking

    /// Whether there is nobody to be told, so that nothing need be known of what happens.
    pub(crate) fn is_deaf(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Who is told.
    pub(crate) fn endpoints(&self) -> Vec<EndpointView> {
        let view = |listener: &Listener| EndpointView {
            number: listener.number,
            endpoint: Arc::clone(&listener.endpoint),
        };
        self.endpoints.iter().map(view).collect()
    }

    /// How many endpoints there have been.
    pub(crate) fn n_endpoints_ever(&self) -> u32 {
        self.counters.n_endpoints
    }

    /// How endpoints are told.
    pub(crate) fn plan(&self) -> &Arc<WebhookPlan> {
        &self.plan
    }

    /// How much was not told, since too much was waiting to be told.
    pub(crate) fn n_dropped(&self) -> u64 {
        self.counters.n_dropped
    }

    /// The deliveries, newest first.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = DeliveryView> {
        self.deliveries.iter().rev().map(|(number, delivery)| delivery.view(*number))
    }

    /// When something is to be told next, in wall time.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let idle = self.endpoints.iter().filter(|listener| !listener.is_busy);
        idle.filter_map(|listener| Some(listener.queue.first()?.due_at)).min()
    }

    // What is set

    /// Tells one more endpoint, and gives its number.
    pub(crate) fn add_endpoint(&mut self, endpoint: WebhookEndpoint) -> u32 {
        self.counters.n_endpoints += 1;
        let number = self.counters.n_endpoints;
        let (queue, group) = (BTreeSet::new(), Vec::new());
        self.endpoints.push(Listener { number, endpoint: Arc::new(endpoint), is_busy: false, queue, group });
        number
    }

    /// Tells nobody any more, and gives up what was to be told. What is under way goes on.
    pub(crate) fn remove_endpoints(&mut self) {
        for listener in std::mem::take(&mut self.endpoints) {
            for turn in listener.queue {
                self.give_up(turn.number);
            }
        }
    }

    /// Tells in another way what happens from now on.
    pub(crate) fn set_plan(&mut self, plan: WebhookPlan) {
        self.plan = Arc::new(plan);
    }

    /// Takes what has happened by then as told.
    pub(crate) fn is_told_until(&mut self, at: Timestamp) {
        self.told_until = at;
    }

    // What happens

    /// Says what is to be told early of a batch, and when, or that nothing is any more. What has been told stays.
    pub(crate) fn foretell(&mut self, batch: usize, what: Option<(Timestamp, WebhookEvent)>) {
        if let Some((at, _)) = self.foretold.remove(&batch) {
            self.foretold_by_time.remove(&(at, batch));
        }
        let what = what.filter(|(at, _)| *at > self.told_until && !self.told_early.contains_key(&batch));
        if let Some((at, event)) = what {
            self.foretold.insert(batch, (at, event));
            self.foretold_by_time.insert((at, batch));
        }
    }

    /// When something is told early next, and of which batch.
    pub(crate) fn next_foretold(&self) -> Option<(Timestamp, usize)> {
        self.foretold_by_time.first().copied()
    }

    /// Tells early what was to be told of a batch.
    pub(crate) fn tell_early(
        &mut self,
        batch: usize,
        (id, seed): (&str, Seed),
        plan: Option<&Arc<WebhookPlan>>,
        wall: Timestamp,
    ) {
        let Some((at, kind)) = self.foretold.remove(&batch) else { return };
        self.foretold_by_time.remove(&(at, batch));
        let event = Arc::new(Event::new(kind, id, seed, at));
        self.told_early.insert(batch, Arc::clone(&event));
        self.tell(&event, 1, plan, wall);
    }

    /// Tells that a batch has ended: as often as planned, less what was told early.
    pub(crate) fn tell_end(
        &mut self,
        batch: usize,
        (id, seed): (&str, Seed),
        (kind, at): (WebhookEvent, Timestamp),
        plan: Option<&Arc<WebhookPlan>>,
        wall: Timestamp,
    ) {
        self.foretell(batch, None);
        let early = self.told_early.remove(&batch).filter(|event| event.kind == kind);
        if at <= self.told_until {
            return;
        }
        let copies = plan.unwrap_or(&self.plan).copies;
        match early {
            Some(event) => self.tell(&event, copies - 1, plan, wall),
            None => self.tell(&Arc::new(Event::new(kind, id, seed, at)), copies, plan, wall),
        }
    }

    /// Tells a delivery that has ended once more, now.
    pub(crate) fn redeliver(&mut self, number: u64, wall: Timestamp) -> Result<DeliveryView, RedeliverError> {
        let delivery = self.deliveries.get_mut(&number).ok_or(RedeliverError::NoSuchDelivery)?;
        let listener = self.endpoints.iter_mut().find(|listener| listener.number == delivery.listener);
        let listener = listener.ok_or(RedeliverError::NobodyThere)?;
        if !delivery.is_over() {
            return Err(RedeliverError::UnderWay);
        }
        delivery.begin_anew(wall);
        self.over.retain(|over| *over != number);
        self.counters.n_orders += 1;
        listener.queue.insert(Turn { due_at: wall, order: self.counters.n_orders, number });
        Ok(delivery.view(number))
    }

    /// The attempts that are to be made now. What becomes of each is to be told to [`record`](Self::record).
    pub(crate) fn take(&mut self, wall: Timestamp) -> Vec<Errand> {
        let mut errands = Vec::new();
        for listener in &mut self.endpoints {
            if listener.is_busy {
                continue;
            }
            let Some(turn) = listener.queue.first().copied().filter(|turn| turn.due_at <= wall) else {
                continue;
            };
            listener.queue.pop_first();
            // One of its group is told, so nothing more is waited for.
            if listener.group.iter().flatten().any(|number| *number == turn.number) {
                listener.group.clear();
            }
            let Some(delivery) = self.deliveries.get_mut(&turn.number) else { continue };
            listener.is_busy = true;
            let n_attempt = delivery.begin_attempt(wall);
            errands.push(Errand {
                number: turn.number,
                endpoint: Arc::clone(&listener.endpoint),
                event: Arc::clone(&delivery.event),
                signature: delivery.plan.signature_of(n_attempt),
                timeout: delivery.plan.timeout,
            });
        }
        errands
    }

    /// Records what became of an attempt, and plans the next one if it failed.
    pub(crate) fn record(&mut self, number: u64, event: &Arc<Event>, outcome: Outcome, wall: Timestamp) {
        // If everything has been emptied since, the number may be that of another.
        let delivery = self.deliveries.get_mut(&number).filter(|known| Arc::ptr_eq(&known.event, event));
        let Some(delivery) = delivery else { return };
        if !delivery.end_attempt(outcome, wall) {
            return;
        }
        let listener = self.endpoints.iter_mut().find(|listener| listener.number == delivery.listener);
        let next_at = listener.and_then(|listener| {
            listener.is_busy = false;
            let due_at = delivery.plan_next(wall)?;
            self.counters.n_orders += 1;
            listener.queue.insert(Turn { due_at, order: self.counters.n_orders, number });
            Some(due_at)
        });
        if next_at.is_none() {
            delivery.give_up();
            self.over.push_back(number);
        }
    }

    // Inside

    /// Tells everybody who wants to hear of it.
    fn tell(&mut self, event: &Arc<Event>, copies: u32, plan: Option<&Arc<WebhookPlan>>, wall: Timestamp) {
        let plan = Arc::clone(plan.unwrap_or(&self.plan));
        for at in 0..self.endpoints.len() {
            if self.endpoints[at].endpoint.hears_of().contains(&event.kind) {
                let numbers: Vec<_> =
                    (0..copies).filter_map(|_| self.add_delivery(at, event, &plan)).collect();
                self.enqueue(at, numbers, &plan, wall);
            }
        }
    }

    /// Remembers one more delivery, unless all that are remembered are still to be made.
    fn add_delivery(&mut self, at: usize, event: &Arc<Event>, plan: &Arc<WebhookPlan>) -> Option<u64> {
        if self.deliveries.len() >= self.most {
            let Some(oldest) = self.over.pop_front() else {
                self.counters.n_dropped += 1;
                return None;
            };
            self.deliveries.remove(&oldest);
        }
        self.counters.n_deliveries += 1;
        let number = self.counters.n_deliveries;
        let Listener { number: listener, endpoint, .. } = &self.endpoints[at];
        let delivery = Delivery::new(*listener, Arc::clone(endpoint), Arc::clone(event), Arc::clone(plan));
        self.deliveries.insert(number, delivery);
        Some(number)
    }

    /// Puts copies of an event at the end of the queue of an endpoint, or where the plan says.
    fn enqueue(&mut self, at: usize, numbers: Vec<u64>, plan: &WebhookPlan, wall: Timestamp) {
        let due_at = wall + plan.delay;
        if plan.reorder <= 1 {
            self.schedule(at, &numbers, due_at);
            return;
        }
        let listener = &mut self.endpoints[at];
        listener.group.push(numbers);
        let is_full = listener.group.len() >= plan.reorder as usize;
        let mut group = if is_full { std::mem::take(&mut listener.group) } else { listener.group.clone() };
        let due_at = if is_full {
            group.reverse();
            due_at
        } else {
            due_at + GATHERING_FOR
        };
        self.schedule(at, &group.concat(), due_at);
    }

    /// Gives deliveries their turns, in this order.
    fn schedule(&mut self, at: usize, numbers: &[u64], due_at: Timestamp) {
        let queue = &mut self.endpoints[at].queue;
        queue.retain(|turn| !numbers.contains(&turn.number));
        for number in numbers {
            self.counters.n_orders += 1;
            queue.insert(Turn { due_at, order: self.counters.n_orders, number: *number });
            if let Some(delivery) = self.deliveries.get_mut(number) {
                delivery.wait_until(due_at);
            }
        }
    }

    fn give_up(&mut self, number: u64) {
        if let Some(delivery) = self.deliveries.get_mut(&number) {
            delivery.give_up();
            self.over.push_back(number);
        }
    }
}
