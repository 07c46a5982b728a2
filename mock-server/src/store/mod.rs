//! What outlives the server: a log of facts in a directory, and the bytes of uploads beside it.
//!
//! The memory of a [world](crate::world) stays what answers. Behind it, each fact goes to the [`Ledger`] of the
//! world, and answers wait until it is safe: what was acknowledged is there after whatever end, and what was shown
//! was not taken back. Nothing is kept that follows from something else: no status, no line of a plan, no result.
//!
//! Keys are not kept. A world is called by a fingerprint of its key, and by the label that logs show.

mod archive;
mod data_dir;
mod fact;
mod fact_file;
mod format;
mod ledger;
mod records;
mod tables;
mod vault;
mod writer;

pub(crate) use archive::{Archived, read_archive, write_archive};
pub use data_dir::DataDir;
pub(crate) use fact::{Fact, KnownWorld, WorldFacts, WorldId};
pub use format::DataDirError;
pub(crate) use ledger::{AHEAD, Ledger};
pub(crate) use vault::{BlobId, Vault};
