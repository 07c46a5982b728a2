//! The one thread that writes.
//!
//! Worlds hand facts over while they hold their locks, so in order, and go on. The thread writes what has gathered
//! in one transaction. Whoever answers a request waits first until the facts of its world are written: then
//! nobody is shown what could still be lost.
//!
//! When a transaction fails, none of its facts are kept, and their worlds are *lost*: they answer nothing any more,
//! and take no facts. Whoever looks for such a world next reads it from the store again.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::fact_file::FactFile;
use super::ledger::{Gathered, Ledgers, What};
use super::tables::KnownBehaviors;
use super::vault::{BlobId, remove};

/// Writes until the ledgers are closed, and closes the file then.
pub(super) fn run(ledgers: &Ledgers, file: &FactFile, blobs: &Path) {
    let mut known = KnownBehaviors::default();
    let mut is_last = false;
    while !is_last {
        let gathered = ledgers.gathered();
        is_last = gathered.is_last;
        match write(&gathered, ledgers, file, &mut known) {
            Ok(unnamed) => {
                ledgers.keep(gathered);
                for blob in unnamed {
                    remove(blobs, blob);
                }
            }
            Err(error) => {
                tracing::error!(%error, "facts could not be kept");
                known = KnownBehaviors::default();
                ledgers.lose(&gathered, &Arc::new(error));
            }
        }
    }
    if let Err(error) = file.close() {
        tracing::error!(%error, "the data directory could not be closed");
    }
}

/// Writes what has gathered, and tells which of the bytes that were let go no fact names any more.
fn write(
    gathered: &Gathered,
    ledgers: &Ledgers,
    file: &FactFile,
    known: &mut KnownBehaviors,
) -> io::Result<Vec<BlobId>> {
    file.write(|writing| {
        for what in &gathered.what {
            match what {
                What::Facts(standing, facts) => {
                    for fact in facts {
                        writing.apply(standing.world, fact, known)?;
                    }
                }
                What::Wall(until) => writing.set_wall(*until)?,
                What::LetGo(_) => {}
            }
        }
        if gathered.is_last {
            // Nobody will be told a later time, so no world need stand still when the server is started again.
            writing.set_wall(ledgers.latest_wall())?;
        }
        let mut unnamed = Vec::new();
        for what in &gathered.what {
            if let What::LetGo(blob) = what
                && !writing.names(*blob)?
            {
                unnamed.push(*blob);
            }
        }
        Ok(unnamed)
    })
}
