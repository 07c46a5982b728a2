//! Where worlds put their facts, and where answers wait until they are safe.

use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::fact::{Fact, WorldId};
use super::vault::BlobId;
use crate::sim::Timestamp;

/// How far ahead of the wall it is written until when the wall may be read: so often a busy server writes it, and
/// so long a world may stand still when the server was killed and is started again at once.
pub(crate) const AHEAD: Duration = Duration::from_secs(1);

/// Where the facts of a world go: of one that was read or made once. When it is read again, it has another.
#[derive(Debug)]
pub(crate) struct Ledger {
    ledgers: Arc<Ledgers>,
    standing: Arc<Standing>,
}

/// All ledgers of a store.
#[derive(Debug)]
pub(super) struct Ledgers {
    queue: Mutex<Queue>,
    handed_over: Condvar,
    done: Mutex<u64>,
    moved_on: Condvar,
    /// The same as `done`, for who can await it.
    done_watch: watch::Sender<u64>,
    wall: Wall,
}

/// How a world stands.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) world: WorldId,
    /// The ticket of the last facts that were handed over.
    last_ticket: AtomicU64,
    /// Why facts of it were not kept.
    lost: OnceLock<Arc<io::Error>>,
}

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Queue {
    last_ticket: u64,
    waiting: Vec<What>,
    is_closed: bool,
}

/// Something to write.
#[derive(Debug)]
pub(super) enum What {
    /// Facts of a world, which are kept all or not at all.
    Facts(Arc<Standing>, Vec<Fact>),
    /// The wall may be read until then.
    Wall(Timestamp),
    /// Nobody in this process needs these bytes any more.
    LetGo(BlobId),
}

/// What has gathered to be written at once.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) what: Vec<What>,
    /// The ticket of the last of it.
    pub(super) last_ticket: u64,
    /// Whether nothing will follow.
    pub(super) is_last: bool,
}

/// Until when the wall may be read, in milliseconds since the Unix epoch.
#[derive(Debug)]
struct Wall {
    /// As it is written.
    until: AtomicI64,
    /// As somebody has asked for, at most.
    asked: AtomicI64,
    /// The latest time that anybody has been told.
    latest: AtomicI64,
    why_not: Mutex<Option<Arc<io::Error>>>,
}

impl Ledger {
    pub(super) fn new(ledgers: Arc<Ledgers>, world: WorldId) -> Self {
        let standing = Standing { world, last_ticket: AtomicU64::new(0), lost: OnceLock::new() };
        Self { ledgers, standing: Arc::new(standing) }
    }

    /// Hands facts over, to be kept all or not at all. The caller holds the world's lock.
    pub(crate) fn write(&self, facts: Vec<Fact>) {
        let mut queue = self.ledgers.queue();
        if queue.is_closed {
            self.standing.lose(&Arc::new(io::Error::other("the mock is stopping")));
        }
        // A fact that stands on a lost one cannot be kept.
        if !self.is_lost() {
            let ticket = queue.push(What::Facts(Arc::clone(&self.standing), facts));
            self.standing.last_ticket.store(ticket, Ordering::Release);
            self.ledgers.handed_over.notify_one();
        }
    }

    /// Takes no facts any more. The caller holds the world's lock.
    pub(crate) fn retire(&self) {
        self.standing.lose(&Arc::new(io::Error::other("another world has taken the place of this one")));
    }

    /// Whether facts of the world were not kept.
    pub(crate) fn is_lost(&self) -> bool {
        self.standing.is_lost()
    }

    /// Waits until all that the world shows at this wall time is safe on the disk.
    ///
    /// # Errors
    ///
    /// If some of it could not be kept. Then it must not be shown.
    pub(crate) async fn written(&self, wall: Timestamp) -> Result<(), Arc<io::Error>> {
        self.ledgers.done(self.last_ticket()).await;
        self.outcome()?;
        let Some(ticket) = self.ledgers.wall_ticket(wall) else { return Ok(()) };
        self.ledgers.done(ticket).await;
        self.ledgers.wall_outcome(wall)
    }

    /// The same, for who cannot await.
    pub(crate) fn written_blocking(&self, wall: Timestamp) -> Result<(), Arc<io::Error>> {
        self.ledgers.done_blocking(self.last_ticket());
        self.outcome()?;
        let Some(ticket) = self.ledgers.wall_ticket(wall) else { return Ok(()) };
        self.ledgers.done_blocking(ticket);
        self.ledgers.wall_outcome(wall)
    }

    fn last_ticket(&self) -> u64 {
        self.standing.last_ticket.load(Ordering::Acquire)
    }

    fn outcome(&self) -> Result<(), Arc<io::Error>> {
        self.standing.lost.get().map_or(Ok(()), |why| Err(Arc::clone(why)))
    }
}

impl Standing {
    fn is_lost(&self) -> bool {
        self.lost.get().is_some()
    }

    fn lose(&self, why: &Arc<io::Error>) {
        // Why it was lost first is why it is lost.
        let _ = self.lost.set(Arc::clone(why));
    }
}

impl Queue {
    fn push(&mut self, what: What) -> u64 {
        self.last_ticket += 1;
        self.waiting.push(what);
        self.last_ticket
    }
}

impl Ledgers {
    /// Nothing waits. The wall may be read until then.
    pub(super) fn new(wall_until: Timestamp) -> Self {
        let wall = || AtomicI64::new(wall_until.unix_millis());
        Self {
            queue: Mutex::default(),
            handed_over: Condvar::new(),
            done: Mutex::default(),
            moved_on: Condvar::new(),
            done_watch: watch::Sender::new(0),
            wall: Wall { until: wall(), asked: wall(), latest: wall(), why_not: Mutex::default() },
        }
    }

    /// Nobody in this process needs these bytes any more.
    pub(super) fn let_go(&self, blob: BlobId) {
        let mut queue = self.queue();
        // What stays is removed by the next run.
        if !queue.is_closed {
            queue.push(What::LetGo(blob));
            self.handed_over.notify_one();
        }
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.queue().is_closed = true;
        self.handed_over.notify_one();
    }

    /// The latest wall time that anybody was told.
    pub(super) fn latest_wall(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.wall.latest.load(Ordering::Acquire))
    }

    /// Waits for something to write, and takes all that has gathered.
    pub(super) fn gathered(&self) -> Gathered {
        let mut queue = self.queue();
        while queue.waiting.is_empty() && !queue.is_closed {
            queue = self.handed_over.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let mut what = std::mem::take(&mut queue.waiting);
        what.retain(|what| !matches!(what, What::Facts(standing, _) if standing.is_lost()));
        Gathered { what, last_ticket: queue.last_ticket, is_last: queue.is_closed }
    }

    /// What has gathered is safe.
    pub(super) fn keep(&self, gathered: Gathered) {
        let Gathered { what, last_ticket, is_last: _ } = gathered;
        for what in &what {
            if let What::Wall(until) = what {
                self.wall.until.fetch_max(until.unix_millis(), Ordering::AcqRel);
            }
        }
        // What is let go with a file that is removed is let go before anybody is told that it is.
        drop(what);
        self.move_on(last_ticket);
    }

    /// Nothing of what has gathered could be kept.
    pub(super) fn lose(&self, gathered: &Gathered, why: &Arc<io::Error>) {
        {
            // Facts are handed over under the queue's lock: none that stands on a lost one comes after this.
            let _queue = self.queue();
            for what in &gathered.what {
                match what {
                    What::Facts(standing, _) => standing.lose(why),
                    What::Wall(_) => {
                        self.wall.asked.store(self.wall.until.load(Ordering::Acquire), Ordering::Release);
                        *self.wall.why_not() = Some(Arc::clone(why));
                    }
                    What::LetGo(_) => {}
                }
            }
        }
        self.move_on(gathered.last_ticket);
    }

    fn move_on(&self, ticket: u64) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = ticket;
        self.moved_on.notify_all();
        self.done_watch.send_replace(ticket);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn done(&self, ticket: u64) {
        if *self.done_watch.borrow() < ticket {
            // The sender is here, so the wait has an end.
            let _ = self.done_watch.subscribe().wait_for(|done| *done >= ticket).await;
        }
    }

    fn done_blocking(&self, ticket: u64) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        while *done < ticket {
            done = self.moved_on.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What to wait for before this wall time may be told, if anything. Asks for more time in good time.
    fn wall_ticket(&self, wall: Timestamp) -> Option<u64> {
        let Wall { until, asked, latest, .. } = &self.wall;
        let now = wall.unix_millis();
        latest.fetch_max(now, Ordering::AcqRel);
        let ahead = wall + AHEAD;
        let needed = (wall + AHEAD / 2).unix_millis();
        if asked.load(Ordering::Acquire) >= needed {
            // Most often. What was asked for may still be under way.
            return (until.load(Ordering::Acquire) < now).then(|| self.queue().last_ticket);
        }
        let mut queue = self.queue();
        if asked.fetch_max(ahead.unix_millis(), Ordering::AcqRel) < needed && !queue.is_closed {
            queue.push(What::Wall(ahead));
            self.handed_over.notify_one();
        }
        (until.load(Ordering::Acquire) < now).then_some(queue.last_ticket)
    }

    fn wall_outcome(&self, wall: Timestamp) -> Result<(), Arc<io::Error>> {
        if self.wall.until.load(Ordering::Acquire) >= wall.unix_millis() {
            return Ok(());
        }
        let why_not = self.wall.why_not().clone();
        Err(why_not.unwrap_or_else(|| Arc::new(io::Error::other("the mock is stopping"))))
    }
}

impl Wall {
    fn why_not(&self) -> MutexGuard<'_, Option<Arc<io::Error>>> {
        self.why_not.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
