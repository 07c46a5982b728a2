//! How a world is made, or read again, and how what changes in it is kept.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::allowance::Allowance;
use super::blob::Scratch;
use super::changes::Changes;
use super::common::Common;
use super::registry::of_run;
use super::state::State;
use super::{AccountIds, Behavior, World};
use crate::clock::Clock;
use crate::ids;
use crate::journal::Journal;
use crate::sim::{Seed, Timestamp};
use crate::store::{AHEAD, DataDir, KnownWorld, Ledger, WorldId};
use crate::webhook::Outbox;

/// What the key of a world says about it.
#[derive(Debug)]
pub(super) struct Names {
    /// How the world is called in logs.
    pub(super) label: String,
    /// From which follows what is made in it.
    pub(super) seed: Seed,
    /// What batches are created with at first.
    pub(super) initial: Arc<Behavior>,
}

impl World {
    /// An empty world.
    pub(super) fn new(
        id: WorldId,
        names: Names,
        common: Arc<Common>,
        scratch: Scratch,
        journal: Arc<Journal>,
        wall: Timestamp,
    ) -> Self {
        let mut rng = names.seed.named("account").rng();
        let account = Arc::new(AccountIds {
            organization_id: ids::account("org-", &mut rng),
            project_id: ids::account("proj_", &mut rng),
        });
        let state = new_state(&common, &scratch, &journal, wall);
        let world = Self::with_state(id, names, account, common, scratch, journal, state);
        world.lock().begin_to_keep(Changes::of_new_world());
        world.begin_faults(wall)
    }

    /// A world as it was when facts of it were last kept.
    pub(super) fn known(
        id: WorldId,
        names: Names,
        common: Arc<Common>,
        scratch: Scratch,
        journal: Arc<Journal>,
        known: KnownWorld,
        wall: Timestamp,
    ) -> Self {
        let account = Arc::clone(&known.facts.account);
        let chosen = known.facts.scenario.as_ref().map(|scenario| common.behavior_in(Some(scenario)));
        // What happened in the last second may not have been told. It may be told twice, but under the same id.
        let read_until = common.data_dir.as_ref().and_then(DataDir::wall_was_read_until);
        let told_until = read_until.map(|read_until| read_until - AHEAD);
        let mut outbox = new_outbox(&common);
        if let Some(wall) = told_until {
            outbox.is_told_until(known.facts.clock.now(wall));
        }
        let storage = Arc::clone(&scratch.storage);
        let state = State::known(known, chosen, &common.quotas, outbox, storage, Arc::clone(&journal), wall);
        let world = Self::with_state(id, names, account, common, scratch, journal, state);
        world.lock().begin_to_keep(Changes::default());
        world.begin_faults(wall)
    }

    fn with_state(
        id: WorldId,
        Names { label, seed, initial }: Names,
        account: Arc<AccountIds>,
        common: Arc<Common>,
        scratch: Scratch,
        journal: Arc<Journal>,
        state: State,
    ) -> Self {
        Self {
            label,
            seed,
            seed_of_run: of_run(seed, common.run()),
            initial,
            account,
            ledger: common.data_dir.as_ref().map(|data_dir| data_dir.ledger(id)),
            common,
            scratch,
            journal,
            seat: OnceLock::new(),
            state: Mutex::new(state),
            faults: Mutex::default(),
        }
    }

    /// The same world, with the faults that the server starts with.
    fn begin_faults(mut self, wall: Timestamp) -> Self {
        self.faults = Mutex::new(self.faults_at_first(wall));
        self
    }

    /// Empties the world, with its journal, and sets its clock and its faults as they were at first.
    pub(crate) fn reset(&self, wall: Timestamp) {
        let mut state = self.lock();
        let emptied = new_state(&self.common, &self.scratch, &self.journal, wall);
        let before = std::mem::replace(&mut *state, emptied);
        state.begin_to_keep(Changes::of_new_world());
        self.journal.clear();
        // What nobody needs any more goes when the facts say so.
        drop(state);
        drop(before);
        let faults = self.faults_at_first(wall);
        *self.lock_faults() = faults;
    }

    /// Whether what the world shows could not be kept: then another is to be read in its place.
    pub(super) fn is_lost(&self) -> bool {
        self.ledger.as_ref().is_some_and(Ledger::is_lost)
    }

    /// Counts answers and faults on from where a world was that was lost.
    pub(super) fn count_answers_on_from(&self, lost: &Self) {
        {
            let before = lost.lock();
            self.lock().count_answers_on_from(&before);
        }
        let faults = lost.lock_faults().clone();
        *self.lock_faults() = faults;
    }

    /// Waits until all that the world shows at this wall time is kept, if anything is.
    ///
    /// # Errors
    ///
    /// If some of it could not be kept. Then it must not be shown.
    pub(crate) async fn kept(&self, wall: Timestamp) -> Result<(), Arc<io::Error>> {
        match &self.ledger {
            None => Ok(()),
            Some(ledger) => ledger.written(wall).await,
        }
    }

    /// The same, for who cannot await.
    pub(crate) fn kept_blocking(&self, wall: Timestamp) -> Result<(), Arc<io::Error>> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.written_blocking(wall))
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        // A panic while the lock was held has been answered with a 500; the facts are still whole, since
        // each change is made by one assignment or insertion after all that could fail.
        Locked { world: self, state: self.state.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

fn new_state(common: &Common, scratch: &Scratch, journal: &Arc<Journal>, wall: Timestamp) -> State {
    let start = common.config.start_at.unwrap_or(wall);
    let clock = Clock::new(common.config.clock, start, wall);
    let allowance = Allowance::new(Arc::clone(&common.quotas), start);
    State::new(clock, allowance, new_outbox(common), Arc::clone(&scratch.storage), Arc::clone(journal))
}

fn new_outbox(common: &Common) -> Outbox {
    Outbox::new(&common.config.webhooks, common.config.limits.world_deliveries)
}

/// A world whose lock is held. When it is let go, what has changed is handed over to be kept, and the courier is
/// told when to look.
pub(super) struct Locked<'w> {
    world: &'w World,
    state: MutexGuard<'w, State>,
}

impl Locked<'_> {
    /// Notes from now on what changes, beginning with these changes.
    fn begin_to_keep(&mut self, changes: Changes) {
        if self.world.ledger.is_some() {
            self.state.changes = Some(changes);
        }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.world.seat.get() {
            seat.enter(self.state.next_errand());
        }
        let Some(ledger) = &self.world.ledger else { return };
        let Some(changes) = &mut self.state.changes else { return };
        if !changes.are_none() {
            let facts =
                std::mem::take(changes).into_facts(&self.state, &self.world.label, &self.world.account);
            ledger.write(facts);
        }
    }
}
