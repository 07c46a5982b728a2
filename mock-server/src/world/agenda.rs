//! When the courier is to look at which world.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

use super::World;
use crate::sim::Timestamp;

/// When the courier is to look at which world, in wall time: whenever something changes there, a world says when
/// it has something to be told next. So nobody needs to look before.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: Mutex<Entries>,
    has_earlier: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    n_seats: u64,
    /// By time, and then by the number of the seat.
    by_time: BTreeMap<(Timestamp, u64), Arc<Seat>>,
}

/// The place of a world at the agenda.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    agenda: Arc<Agenda>,
    world: Weak<World>,
    /// The time it is entered for, in milliseconds: [`NEVER`] if it is not. It changes only while the entries are
    /// locked, but can be read without.
    at: AtomicI64,
}

const NEVER: i64 = i64::MAX;

impl Agenda {
    /// Takes the worlds off whose time has come.
    pub(crate) fn take_due(&self, wall: Timestamp) -> Vec<Arc<World>> {
        let mut entries = self.lock();
        let mut due = Vec::new();
        while let Some(entry) = entries.by_time.first_entry().filter(|entry| entry.key().0 <= wall) {
            let seat = entry.remove();
            seat.at.store(NEVER, Ordering::Release);
            due.extend(seat.world.upgrade());
        }
        due
    }

    /// The earliest time for which a world is entered.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.lock().by_time.first_key_value().map(|((at, _), _)| *at)
    }

    /// Ready when a world has been entered for an earlier time than any before.
    pub(crate) async fn has_earlier(&self) {
        self.has_earlier.notified().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        // Nothing in here can panic half-way.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// A place for a world.
    pub(super) fn new(agenda: &Arc<Agenda>, world: Weak<World>) -> Arc<Self> {
        let mut entries = agenda.lock();
        entries.n_seats += 1;
        let (number, agenda) = (entries.n_seats, Arc::clone(agenda));
        Arc::new(Self { number, agenda, world, at: AtomicI64::new(NEVER) })
    }

    /// Enters the world for a time, or for none. Who calls holds the world's lock, so what is told last is true.
    pub(super) fn enter(self: &Arc<Self>, at: Option<Timestamp>) {
        let millis = at.map_or(NEVER, Timestamp::unix_millis);
        if self.at.load(Ordering::Acquire) == millis {
            return;
        }
        let mut entries = self.agenda.lock();
        let before = self.at.swap(millis, Ordering::AcqRel);
        entries.by_time.remove(&(Timestamp::from_unix_millis(before), self.number));
        let Some(at) = at else { return };
        entries.by_time.insert((at, self.number), Arc::clone(self));
        let is_first =
            entries.by_time.first_key_value().is_some_and(|((_, number), _)| *number == self.number);
        drop(entries);
        if is_first {
            self.agenda.has_earlier.notify_one();
        }
    }
}
