//! How much a world stores, counted by what is stored: each part counts until its last owner lets go of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Limits;

/// What a world stores.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    /// On disk.
    bytes: AtomicU64,
    /// In memory: lines of inputs and of plans, each of which takes a few dozen bytes.
    lines: AtomicU64,
    /// How many bytes the account may store, beside what the server allows, plus one; zero if that is not limited.
    quota: AtomicU64,
}

/// A part of what a world stores.
#[derive(Debug)]
pub(crate) struct Share {
    storage: Arc<Storage>,
    bytes: u64,
    lines: u64,
}

/// What a world has so many of that it takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Files.
    Files(usize),
    /// Batches.
    Batches(usize),
    /// Lines.
    Lines(u64),
    /// Names of deleted models.
    DeletedModels(usize),
    /// There are so many rules for faults.
    Faults(usize),
}

impl Storage {
    /// How many bytes there may be, if there are more.
    pub(crate) fn exceeded_quota(&self, limits: &Limits) -> Option<u64> {
        let quota = self.quota.load(Ordering::Relaxed).checked_sub(1).unwrap_or(u64::MAX);
        let most = limits.world_bytes.min(quota);
        (self.bytes() > most).then_some(most)
    }

    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Says how many bytes the account may store.
    pub(super) fn set_quota(&self, bytes: Option<u64>) {
        self.quota.store(bytes.map_or(0, |bytes| bytes.saturating_add(1)), Ordering::Relaxed);
    }

    /// Whether so many more lines may be kept.
    pub(super) fn check_room_for_lines(&self, n: u64, limits: &Limits) -> Result<(), Full> {
        if self.lines.load(Ordering::Relaxed).saturating_add(n) > limits.world_lines {
            return Err(Full::Lines(limits.world_lines));
        }
        Ok(())
    }
}

impl Share {
    /// A part that is empty so far.
    pub(super) fn new(storage: &Arc<Storage>) -> Self {
        Self { storage: Arc::clone(storage), bytes: 0, lines: 0 }
    }

    /// What it is a part of.
    pub(super) fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// How many bytes it counts.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts further bytes.
    pub(super) fn add_bytes(&mut self, n: u64) {
        self.storage.bytes.fetch_add(n, Ordering::Relaxed);
        self.bytes += n;
    }

    /// Counts so many lines, whatever was counted before.
    pub(super) fn set_lines(&mut self, n: u64) {
        self.storage.lines.fetch_add(n, Ordering::Relaxed);
        self.storage.lines.fetch_sub(std::mem::replace(&mut self.lines, n), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.storage.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.storage.lines.fetch_sub(self.lines, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_is_stored_no_more() {
        let storage = Arc::default();
        let limits = Limits { world_bytes: 10, world_lines: 1, ..Limits::default() };
        let (mut one, mut other) = (Share::new(&storage), Share::new(&storage));
        one.add_bytes(6);
        other.add_bytes(4);
        one.set_lines(1);
        assert_eq!(storage.exceeded_quota(&limits), None);
        assert_eq!(storage.check_room_for_lines(0, &limits), Ok(()));
        other.add_bytes(1);
        other.set_lines(1);
        assert!(storage.exceeded_quota(&limits).is_some());
        assert_eq!(storage.check_room_for_lines(0, &limits), Err(Full::Lines(1)));
        drop(one);
        assert_eq!(storage.exceeded_quota(&limits), None);
        assert_eq!(storage.check_room_for_lines(0, &limits), Ok(()));
        other.set_lines(0);
        drop(other);
        assert_eq!(storage.bytes.load(Ordering::Relaxed) + storage.lines.load(Ordering::Relaxed), 0);
    }
}
