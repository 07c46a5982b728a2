//! A data directory, open.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::fact::{KnownWorld, WorldId};
use super::fact_file::FactFile;
use super::format::{DataDirError, Why, claim};
use super::ledger::{Ledger, Ledgers};
use super::tables::Reading;
use super::vault::{self, Vault, sync_dir};
use super::writer;
use crate::sim::Timestamp;
use crate::world::{Scanning, Storage};

/// What the facts are in.
const FACTS: &str = "facts.redb";
/// The same, while it is made.
const NEW_FACTS: &str = "facts.new";
/// What the bytes of uploads are in.
const BLOBS: &str = "blobs";
/// How the directory begins whose bytes go when the server goes.
const SCRATCH: &str = "scratch-";

/// A directory in which everything survives the end of the server, whatever end it is: files, batches, worlds,
/// clocks. It is open as long as this lives, and no other server can open it meanwhile.
///
/// It belongs to one server at a time, also when it is cloned.
#[derive(Clone)]
pub struct DataDir(Arc<Opened>);

struct Opened {
    path: PathBuf,
    run: u32,
    /// Until when earlier runs may have read the wall.
    wall_was_read_until: Option<Timestamp>,
    file: Arc<FactFile>,
    ledgers: Arc<Ledgers>,
    vault: Arc<Vault>,
    is_taken: AtomicBool,
    /// Until the directory is closed: what keeps others out, and the thread that writes.
    running: Mutex<Option<(File, JoinHandle<()>)>>,
}

impl DataDir {
    /// Opens a directory, or makes one where there is nothing, or an empty one.
    ///
    /// # Errors
    ///
    /// Names the directory, and says what is wrong and what would be right: another server uses it, it holds
    /// something else, another version has written it, it is damaged, or it cannot be read and written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataDirError> {
        let path = path.as_ref();
        Self::opened(path).map(Self).map_err(|why| DataDirError::new(path, why))
    }

    fn opened(path: &Path) -> Result<Arc<Opened>, Why> {
        let lock = claim(path)?;
        // What is told to the user is as it was given; the process may go elsewhere.
        let dir = std::path::absolute(path)?;
        let blobs = dir.join(BLOBS);
        let file = Arc::new(fact_file(&dir, &blobs)?);
        let (run, wall) = file.write(|writing| Ok((writing.begin_run()?, writing.wall()?)))?;

        let ledgers = Arc::new(Ledgers::new(wall.unwrap_or(Timestamp::from_unix_millis(0))));
        let thread = {
            let (ledgers, file, blobs) = (Arc::clone(&ledgers), Arc::clone(&file), blobs.clone());
            std::thread::Builder::new()
                .name("batchmock-facts".to_owned())
                .spawn(move || writer::run(&ledgers, &file, &blobs))?
        };
        let opened = Arc::new(Opened {
            path: dir.clone(),
            run,
            wall_was_read_until: wall,
            file: Arc::clone(&file),
            vault: Arc::new(Vault::new(blobs.clone(), run, Arc::clone(&ledgers))),
            ledgers,
            is_taken: AtomicBool::new(false),
            running: Mutex::new(Some((lock, thread))),
        });
        // Nobody waits for what is left of earlier runs to be removed.
        std::thread::Builder::new().name("batchmock-sweep".to_owned()).spawn(move || {
            if let Err(error) = sweep(&dir, &blobs, run, &file) {
                // The next run will try again.
                tracing::debug!(%error, "what is left of earlier runs could not be removed");
            }
        })?;
        Ok(opened)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes what is still to be written, and lets others use the directory. A server that still has it keeps
    /// nothing any more, and says so to whoever changes something.
    pub fn close(&self) {
        self.0.close();
    }

    /// How many runs there were before this one.
    pub(crate) fn run(&self) -> u32 {
        self.0.run
    }

    /// Until when earlier runs may have read the wall: this one must not read an earlier time.
    pub(crate) fn wall_was_read_until(&self) -> Option<Timestamp> {
        self.0.wall_was_read_until
    }

    /// Takes the directory for a server; false if another of this process has it.
    pub(crate) fn take(&self) -> bool {
        !self.0.is_taken.swap(true, Ordering::AcqRel)
    }

    /// Gives it back.
    pub(crate) fn give_back(&self) {
        self.0.is_taken.store(false, Ordering::Release);
    }

    /// The directory for bytes that go when the server goes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.0.path.join(format!("{SCRATCH}{}", self.0.run))
    }

    /// Where the bytes of uploads stay.
    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.0.vault
    }

    /// How many worlds are in it. Blocks on the disk.
    pub(crate) fn n_worlds(&self) -> io::Result<usize> {
        self.0.file.read(Reading::n_worlds)
    }

    /// Whether a world is in it. Blocks on the disk.
    pub(crate) fn has_world(&self, id: WorldId) -> io::Result<bool> {
        self.0.file.read(|reading| reading.has_world(id))
    }

    /// Where the facts of a world go from now on.
    pub(crate) fn ledger(&self, world: WorldId) -> Ledger {
        Ledger::new(Arc::clone(&self.0.ledgers), world)
    }

    /// Reads a world, if there is one. Blocks on the disk.
    pub(crate) fn read_world(
        &self,
        id: WorldId,
        scanning: &Scanning,
        storage: &Arc<Storage>,
    ) -> io::Result<Option<KnownWorld>> {
        self.0.file.read(|reading| reading.world(id, &self.0.vault, scanning, storage))
    }
}

impl fmt::Debug for DataDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataDir").field(&self.0.path).finish()
    }
}

impl Opened {
    fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((lock, thread)) = running {
            self.ledgers.close();
            // It catches its panics, and tells its errors.
            let _ = thread.join();
            // Closing the file is not enough: a process that is just being started has it open, too, for a moment.
            let _ = lock.unlock();
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the file that the facts are in, or makes it.
fn fact_file(dir: &Path, blobs: &Path) -> Result<FactFile, Why> {
    crate::world::make_private(blobs)?;
    let path = dir.join(FACTS);
    if !fs::exists(&path)? {
        if fs::read_dir(blobs)?.next().is_some() {
            return Err(Why::Damaged(format!("`{FACTS}` is missing")));
        }
        let new = dir.join(NEW_FACTS);
        if fs::exists(&new)? {
            fs::remove_file(&new)?;
        }
        FactFile::create(&new)?;
        fs::rename(new, &path)?;
        sync_dir(dir)?;
    }
    FactFile::open(path).map_err(|error| match Why::from(error) {
        Why::Damaged(how) => Why::Damaged(format!("`{FACTS}` is not as it was written ({how})")),
        why @ (Why::InUse | Why::NotOurs { .. } | Why::Newer(_) | Why::Unknown(_) | Why::Io(_)) => why,
    })
}

/// Removes what earlier runs have left and nobody needs.
fn sweep(dir: &Path, blobs: &Path, run: u32, file: &FactFile) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let of_run = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)?.parse::<u32>().ok());
        if of_run.is_some_and(|of_run| of_run < run) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    file.read(|reading| vault::sweep(blobs, run, reading))
}
