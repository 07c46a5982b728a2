//! What batches were last shown as: who polls mostly gets what the last one got.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

use super::batches::{BatchRecord, BatchView};
use crate::sim::Observation;

/// How many batches are remembered: more than anybody polls at a time, as a rule.
const MOST: usize = 64;

/// What the batches that were looked at last were shown as.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<HashMap<usize, Look>>);

/// What a batch was last shown as, and all that this depends on. The rest is in its record, which never changes.
#[derive(Debug)]
struct Look {
    /// Not held, but as long as it is known here, no other record can be in its place.
    record: Weak<BatchRecord>,
    observation: Observation,
    shows_model: bool,
    shown: Bytes,
}

impl Looks {
    /// What a batch is shown as, if it was the last time as it is now.
    pub(super) fn find(&self, view: &BatchView, shows_model: bool) -> Option<Bytes> {
        let looks = self.lock();
        let look = looks.get(&place(&view.record)).filter(|look| {
            look.record.as_ptr() == Arc::as_ptr(&view.record)
                && look.observation == view.observation
                && look.shows_model == shows_model
        });
        look.map(|look| look.shown.clone())
    }

    /// Remembers what a batch is shown as.
    pub(super) fn remember(&self, view: &BatchView, shows_model: bool, shown: Bytes) {
        let mut looks = self.lock();
        let place = place(&view.record);
        if looks.len() >= MOST && !looks.contains_key(&place) {
            looks.clear();
        }
        let record = Arc::downgrade(&view.record);
        looks.insert(place, Look { record, observation: view.observation, shows_model, shown });
    }

    /// Forgets them all.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Look>> {
        // Each change is one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a record is: it has this place for itself.
fn place(record: &Arc<BatchRecord>) -> usize {
    Arc::as_ptr(record).addr()
}
