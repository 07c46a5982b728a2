//! The entries that are kept, and what is known of them together.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::exchange::{Answered, Arrival, Exchange};
use super::{JournalLimits, Mistake, Note, Outcome, WorldEvent};
use crate::operation::Operation;
use crate::sim::Timestamp;

/// What an entry takes, beside its texts: more than what it is measured to be (`tests/costs`).
const ENTRY_BYTES: usize = 512;

/// One entry. Small, and cheap to clone, for exchanges, of which there are most.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Exchange(Arc<Exchange>),
    Event(Box<Happened>),
    Note(Box<Note>),
}

/// What happened in the world.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) event: WorldEvent,
}

/// What had to go, mostly one entry at a time.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    last: Option<Entry>,
    others: Vec<Entry>,
}

/// All entries, in the order of their numbers, which have no gaps.
#[derive(Debug)]
pub(super) struct Pages {
    /// Each with what it takes.
    kept: VecDeque<(Entry, usize)>,
    next: u64,
    n_bytes: usize,
    n_dropped: u64,
    /// How often the same was asked, by what makes requests the same.
    asked: ByHash<Asked>,
    /// The first exchange that told a client of the end of a batch, by the batch.
    told_ends: ByHash<Told>,
    /// The first exchange that gave a client a file, by the file.
    downloads: ByHash<Told>,
    /// The last one: clients do not change it.
    user_agent: Option<Arc<str>>,
}

/// By numbers that are hashes already. Should two things ever have the same, a note is wrong.
type ByHash<T> = HashMap<u64, T, BuildHasherDefault<Hashed>>;

/// Takes a number for its hash.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// What a client knows, and since when.
#[derive(Debug)]
struct Told {
    by: Arc<Exchange>,
    /// Whether there is a note that it asked again. One is enough: who polls on and on would fill the journal.
    is_noted: bool,
}

/// How often something was asked.
#[derive(Debug, Default)]
struct Asked {
    last: Option<Arc<Exchange>>,
    times: u32,
    /// How many of these exchanges are kept. When none is, it is forgotten that there were any.
    n_kept: u32,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            next: 1,
            n_bytes: 0,
            n_dropped: 0,
            asked: HashMap::default(),
            told_ends: HashMap::default(),
            downloads: HashMap::default(),
            user_agent: None,
        }
    }
}

impl Entry {
    /// Whether nothing of it is still to come.
    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Self::Exchange(exchange) if exchange.outcome() == Outcome::Pending)
    }

    fn n_bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Exchange(exchange) => exchange.n_bytes(),
                Self::Event(happened) => happened.event.n_bytes(),
                Self::Note(note) => note.n_bytes(),
            }
    }
}

impl Pages {
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// The entries from a number on.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        let first = self.next - self.kept.len() as u64;
        let from = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.kept.range(from.min(self.kept.len())..).map(|(entry, _)| entry)
    }

    pub(super) fn add(&mut self, entry: impl FnOnce(u64) -> Entry) {
        let entry = entry(self.next);
        self.next += 1;
        let n_bytes = entry.n_bytes();
        self.n_bytes += n_bytes;
        self.kept.push_back((entry, n_bytes));
    }

    /// Adds an exchange whose request has come, and notes what is wrong with that.
    pub(super) fn arrived(&mut self, arrival: Arrival, user_agent: Option<&str>) -> Arc<Exchange> {
        let user_agent = user_agent.map(|text| match &self.user_agent {
            Some(known) if **known == *text => Arc::clone(known),
            Some(_) | None => Arc::clone(self.user_agent.insert(Arc::from(text))),
        });
        let exchange = Arc::new(Exchange::new(self.next, arrival, user_agent));
        self.add(|_| Entry::Exchange(Arc::clone(&exchange)));
        if let Some(mistake) = Mistake::of_request(exchange.arrival()).or_else(|| self.repetition(&exchange))
        {
            self.note(&exchange, &mistake);
        }
        exchange
    }

    /// Takes into account what came of an exchange.
    pub(super) fn answered(&mut self, exchange: &Arc<Exchange>) {
        let first = self.next - self.kept.len() as u64;
        let place = exchange.number().checked_sub(first).and_then(|place| usize::try_from(place).ok());
        // One that had to go meanwhile leaves nothing behind.
        let Some((_, n_bytes)) = place.and_then(|place| self.kept.get_mut(place)) else { return };
        let Answered { n_bytes: grown, sameness, told_end_of, gave_file } = exchange.when_answered();
        let grown = ENTRY_BYTES + grown;
        self.n_bytes = self.n_bytes - *n_bytes + grown;
        *n_bytes = grown;
        if let Some(sameness) = sameness {
            let asked = self.asked.entry(sameness).or_default();
            exchange.asked_before(asked.times, asked.last.replace(Arc::clone(exchange)));
            asked.times = asked.times.saturating_add(1);
            asked.n_kept += 1;
        }
        for (id, known) in [(told_end_of, &mut self.told_ends), (gave_file, &mut self.downloads)] {
            let Some(id) = id else { continue };
            let key = xxh3_64(id.as_bytes());
            // What did not reach the client told it nothing.
            if !known.get(&key).is_some_and(|told| told.by.was_sent()) {
                known.insert(key, Told { by: Arc::clone(exchange), is_noted: false });
            }
        }
        if let Some(mistake) = Mistake::of_body(exchange) {
            self.note(exchange, &mistake);
        }
    }

    /// What a client does again that it need not do again.
    fn repetition(&mut self, exchange: &Exchange) -> Option<Mistake> {
        let arrival = exchange.arrival();
        let is_poll = arrival.operation == Operation::RetrieveBatch;
        let is_download = arrival.operation == Operation::FileContent && arrival.method != "HEAD";
        let known = match (is_poll, is_download) {
            (true, _) => &mut self.told_ends,
            (_, true) => &mut self.downloads,
            (false, false) => return None,
        };
        let id = arrival.id()?;
        let told =
            known.get_mut(&xxh3_64(id.as_bytes())).filter(|told| !told.is_noted && told.by.was_sent())?;
        told.is_noted = is_poll;
        let (id, number) = (id.to_owned(), told.by.number());
        Some(if is_poll {
            Mistake::PollAfterEnd { batch_id: id, told_by: number }
        } else {
            Mistake::DownloadedAgain { file_id: id, got_by: number }
        })
    }

    fn note(&mut self, exchange: &Exchange, mistake: &Mistake) {
        let at = exchange.arrival().at;
        self.add(|number| Entry::Note(Box::new(mistake.note(number, at, Some(exchange.number())))));
    }

    /// Lets the oldest entries go until there are no more than there may be, and gives them.
    pub(super) fn shed(&mut self, limits: &JournalLimits) -> Dropped {
        let mut dropped = Dropped::default();
        while self.kept.len() > limits.entries || self.n_bytes > limits.bytes {
            let Some((entry, n_bytes)) = self.kept.pop_front() else { break };
            self.n_bytes -= n_bytes;
            self.n_dropped += 1;
            if let Entry::Exchange(exchange) = &entry {
                self.forget(exchange);
            }
            if let Some(other) = dropped.last.replace(entry) {
                dropped.others.push(other);
            }
        }
        dropped
    }

    /// Forgets what is known because of an exchange.
    fn forget(&mut self, exchange: &Arc<Exchange>) {
        let Answered { sameness, told_end_of, gave_file, .. } = exchange.when_answered();
        // One that goes on has not been counted.
        if let Some(sameness) = sameness
            && let Some(asked) = self.asked.get_mut(&sameness)
        {
            asked.n_kept -= 1;
            // It may have been answered later than one that came after it.
            asked.last.take_if(|last| Arc::ptr_eq(last, exchange));
            if asked.n_kept == 0 {
                self.asked.remove(&sameness);
            }
        }
        for (id, known) in [(told_end_of, &mut self.told_ends), (gave_file, &mut self.downloads)] {
            let Some(key) = id.map(|id| xxh3_64(id.as_bytes())) else { continue };
            if known.get(&key).is_some_and(|told| Arc::ptr_eq(&told.by, exchange)) {
                known.remove(&key);
            }
        }
    }

    /// Lets all entries go, and gives what was.
    pub(super) fn clear(&mut self) -> Self {
        let empty = Self { next: self.next, user_agent: self.user_agent.clone(), ..Self::default() };
        std::mem::replace(self, empty)
    }
}

#[cfg(test)]
impl Pages {
    /// Whether sums and indices tell of the entries that are kept, and of no others.
    pub(super) fn is_consistent(&self) -> bool {
        let exchange = |(entry, _): &'_ (Entry, usize)| match entry {
            Entry::Exchange(exchange) => Some(Arc::clone(exchange)),
            Entry::Event(_) | Entry::Note(_) => None,
        };
        let exchanges: Vec<_> = self.kept.iter().filter_map(exchange).collect();
        let is_kept = |known: &Arc<Exchange>| exchanges.iter().any(|exchange| Arc::ptr_eq(exchange, known));
        let n_asked: u32 = self.asked.values().map(|asked| asked.n_kept).sum();
        let n_over = exchanges.iter().filter(|exchange| exchange.when_answered().sameness.is_some()).count();
        self.n_bytes == self.kept.iter().map(|(_, n_bytes)| n_bytes).sum::<usize>()
            && self.asked.values().all(|asked| asked.n_kept > 0)
            && self.asked.values().all(|asked| asked.last.as_ref().is_none_or(is_kept))
            && n_asked as usize == n_over
            && self.told_ends.values().chain(self.downloads.values()).all(|told| is_kept(&told.by))
    }
}
