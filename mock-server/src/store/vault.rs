//! Where the bytes of uploads stay.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ledger::Ledgers;
use super::tables::Reading;

/// The directory of the bytes of uploads. What is in it was written to its end; what no fact names is removed,
/// at the latest when the directory is opened again.
#[derive(Debug)]
pub(crate) struct Vault {
    dir: PathBuf,
    run: u32,
    n_kept: AtomicU32,
    ledgers: Arc<Ledgers>,
}

/// What some bytes are called: by the run of the server that took them in, so that no name comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlobId {
    pub(super) run: u32,
    pub(super) number: u32,
}

impl BlobId {
    /// One number for both.
    pub(super) fn to_number(self) -> u64 {
        u64::from(self.run) << 32 | u64::from(self.number)
    }

    /// From such a number.
    pub(super) fn from_number(number: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).expect("32 bits of it");
        Self { run: half(number >> 32), number: half(number) }
    }

    fn file_name(self) -> String {
        format!("{}-{}", self.run, self.number)
    }

    fn of_file_name(name: &str) -> Option<Self> {
        let (run, number) = name.split_once('-')?;
        Some(Self { run: run.parse().ok()?, number: number.parse().ok()? })
    }
}

impl Vault {
    pub(super) fn new(dir: PathBuf, run: u32, ledgers: Arc<Ledgers>) -> Self {
        Self { dir, run, n_kept: AtomicU32::new(0), ledgers }
    }

    /// Where bytes are.
    pub(crate) fn path(&self, id: BlobId) -> PathBuf {
        self.dir.join(id.file_name())
    }

    /// Takes in a file whose bytes are safe on the disk. When this returns, so is its name.
    pub(crate) fn keep(&self, written: &Path) -> io::Result<BlobId> {
        let id = BlobId { run: self.run, number: self.n_kept.fetch_add(1, Ordering::Relaxed) };
        std::fs::rename(written, self.path(id))?;
        sync_dir(&self.dir)?;
        Ok(id)
    }

    /// Nobody in this process needs the bytes any more: they go if no fact names them.
    pub(crate) fn let_go(&self, id: BlobId) {
        self.ledgers.let_go(id);
    }
}

/// Removes bytes from the directory of a vault. What cannot be removed now is removed by the next run.
pub(super) fn remove(dir: &Path, id: BlobId) {
    let _ = std::fs::remove_file(dir.join(id.file_name()));
}

/// Makes the names in a directory safe on the disk.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened, and names are safe with the files.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Removes what earlier runs have left in a vault and no fact names. `looking` shows what they name.
pub(super) fn sweep(dir: &Path, run: u32, looking: &Reading) -> io::Result<()> {
    let named = looking.named_blobs()?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(BlobId::of_file_name);
        if id.is_some_and(|id| id.run < run && !named.contains(&id)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
