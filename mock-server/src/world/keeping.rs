//! How a world is made, or read again, and how what changes in it is kept.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::allowance::Allowance;
use super::blob::Scratch;
use super::changes::{Changes, Told};
use super::common::Common;
use super::looks::Looks;
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

/// With what a world is made, whatever is to be in it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) id: WorldId,
    pub(super) names: Names,
    pub(super) common: Arc<Common>,
    pub(super) scratch: Scratch,
    pub(super) journal: Arc<Journal>,
}

impl World {
    /// An empty world.
    pub(super) fn new(site: Site, wall: Timestamp) -> Self {
        let mut rng = site.names.seed.named("account").rng();
        let account = Arc::new(AccountIds {
            organization_id: ids::account("org-", &mut rng),
            project_id: ids::account("proj_", &mut rng),
        });
        let state = new_state(&site.common, &site.names.initial, &site.scratch, &site.journal, wall);
        let world = Self::with_state(site, account, state);
        world.lock().begin_to_keep(Changes::of_new_world());
        world.begin_faults(wall)
    }

    /// A world as it was when facts of it were last kept.
    pub(super) fn known(site: Site, known: KnownWorld, wall: Timestamp) -> Self {
        // What happened in the last second may not have been told. It may be told twice, but under the same id.
        let read_until = site.common.data_dir.as_ref().and_then(DataDir::wall_was_read_until);
        let told_until = read_until.map(|read_until| read_until - AHEAD);
        Self::with_facts(site, known, told_until, wall, |_| Changes::default())
    }

    /// A world that came from another mock, which has told what happened there; all of it is to be kept.
    pub(super) fn imported(site: Site, known: KnownWorld, wall: Timestamp) -> Self {
        Self::with_facts(site, known, Some(wall), wall, Changes::of_all)
    }

    fn with_facts(
        mut site: Site,
        known: KnownWorld,
        told_until: Option<Timestamp>,
        wall: Timestamp,
        changes: impl FnOnce(&State) -> Changes,
    ) -> Self {
        let account = Arc::clone(&known.facts.account);
        let own_seed = known.facts.seed;
        site.names.seed = own_seed.unwrap_or(site.names.seed);
        let common = &site.common;
        let chosen = known.facts.scenario.as_ref().map(|scenario| common.behavior_in(Some(scenario)));
        let mut outbox = new_outbox(common);
        if let Some(wall) = told_until {
            outbox.is_told_until(known.facts.clock.now(wall));
        }
        let storage = Arc::clone(&site.scratch.storage);
        let journal = Arc::clone(&site.journal);
        let quotas = common.quotas_with(chosen.as_ref().unwrap_or(&site.names.initial));
        let state = State::known(known, chosen, &quotas, outbox, storage, journal, wall);
        let changes = changes(&state);
        let mut world = Self::with_state(site, account, state);
        world.has_own_seed = own_seed.is_some();
        world.lock().begin_to_keep(changes);
        world.begin_faults(wall)
    }

    fn with_state(site: Site, account: Arc<AccountIds>, mut state: State) -> Self {
        if site.common.config.keeps_removed_files {
            state.keep_removed_files();
        }
        let Site { id, names: Names { label, seed, initial }, common, scratch, journal } = site;
        Self {
            label,
            seed,
            has_own_seed: false,
            seed_of_run: of_run(seed, common.run()),
            initial,
            account,
            ledger: common.data_dir.as_ref().map(|data_dir| data_dir.ledger(id)),
            common,
            scratch,
            journal,
            seat: OnceLock::new(),
            state: Mutex::new(state),
            looks: Looks::default(),
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
        let emptied = new_state(&self.common, &self.initial, &self.scratch, &self.journal, wall);
        let before = std::mem::replace(&mut *state, emptied);
        state.begin_to_keep(Changes::of_new_world());
        self.journal.clear();
        self.looks.clear();
        // What nobody needs any more goes when the facts say so.
        drop(state);
        drop(before);
        let faults = self.faults_at_first(wall);
        *self.lock_faults() = faults;
    }

    /// What facts tell of the world beside its state.
    pub(super) fn told(&self) -> Told {
        Told {
            label: self.label.clone(),
            account: Arc::clone(&self.account),
            seed: self.has_own_seed.then_some(self.seed),
        }
    }

    /// Keeps nothing any more, since another world takes the place of this one: whoever still has it is told so.
    pub(super) fn retire(&self) {
        let state = self.lock();
        if let Some(ledger) = &self.ledger {
            ledger.retire();
        }
        drop(state);
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

fn new_state(
    common: &Common,
    initial: &Behavior,
    scratch: &Scratch,
    journal: &Arc<Journal>,
    wall: Timestamp,
) -> State {
    let start = common.config.start_at.unwrap_or(wall);
    let clock = Clock::new(common.config.clock, start, wall);
    let allowance = Allowance::new(common.quotas_with(initial), start);
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
            let facts = std::mem::take(changes).into_facts(&self.state, &self.world.told());
            ledger.write(facts);
        }
    }
}
