//! The file that facts are in: opened, read, and opened again after it has failed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use redb::{Builder, Database, ReadableDatabase as _, WriteTransaction};

use super::records::damaged;
use super::tables::{Reading, Writing, trouble};

/// How much of the file is held in memory.
const CACHE: usize = 8 * 1024 * 1024;

/// The file that facts are in.
#[derive(Debug)]
pub(super) struct FactFile {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
enum State {
    Open(Box<Database>),
    /// It has failed, and is opened again by who needs it next.
    Failed,
    Closed,
}

impl FactFile {
    /// Opens the file at this path.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let database = open(&path)?;
        Ok(Self { path, state: RwLock::new(State::Open(Box::new(database))) })
    }

    /// Makes such a file, with nothing in it.
    pub(super) fn create(path: &Path) -> io::Result<()> {
        let database = Builder::new().set_cache_size(CACHE).create(path).map_err(trouble)?;
        let transaction = database.begin_write().map_err(trouble)?;
        Writing::begin(&transaction)?;
        transaction.commit().map_err(trouble)?;
        database.close().map_err(trouble)
    }

    /// Looks at what is in the file.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Reading) -> io::Result<T>) -> io::Result<T> {
        self.with(|database| look(&Reading::new(database.begin_read().map_err(trouble)?)))
    }

    /// Changes what is in the file: all that `write` does is kept, or nothing.
    pub(super) fn write<T>(&self, write: impl FnOnce(&mut Writing<'_>) -> io::Result<T>) -> io::Result<T> {
        let done = self.with(|database| {
            let transaction = database.begin_write().map_err(trouble)?;
            let done = write(&mut Writing::begin(&transaction)?)?;
            commit(transaction)?;
            // What is written into a file that was deleted is lost.
            std::fs::metadata(&self.path)?;
            Ok(done)
        });
        if done.is_err() {
            // After an error nothing can be written until the file is opened again. Whoever reads now waits, and
            // reads what is in it then: of the transaction, all or nothing.
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if matches!(*state, State::Open(_)) {
                *state = State::Failed;
            }
        }
        done
    }

    /// Closes the file for good.
    pub(super) fn close(&self) -> io::Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Open(database) => database.close().map_err(trouble),
            State::Failed | State::Closed => Ok(()),
        }
    }

    /// Does something with the file, which is opened first if it must be. Panics come of a damaged file.
    fn with<T>(&self, work: impl FnOnce(&Database) -> io::Result<T>) -> io::Result<T> {
        let state = self.opened()?;
        let State::Open(database) = &*state else { return Err(closed()) };
        catch_unwind(AssertUnwindSafe(|| work(database)))
            .unwrap_or_else(|_| Err(damaged("it makes no sense")))
    }

    fn opened(&self) -> io::Result<RwLockReadGuard<'_, State>> {
        loop {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            match *state {
                State::Open(_) => return Ok(state),
                State::Closed => return Err(closed()),
                State::Failed => {}
            }
            drop(state);
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if matches!(*state, State::Failed) {
                *state = State::Open(Box::new(open(&self.path)?));
            }
        }
    }
}

/// Opens the file, and holds all of it against its check sums.
fn open(path: &Path) -> io::Result<Database> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    catch_unwind(AssertUnwindSafe(|| builder.open(path).map_err(trouble)))
        .unwrap_or_else(|_| Err(damaged("it makes no sense")))
}

fn commit(transaction: WriteTransaction) -> io::Result<()> {
    transaction.commit().map_err(trouble)
}

fn closed() -> io::Error {
    io::Error::other("the mock is stopping")
}
