//! The files of a world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use batchmock_client::types::Purpose;

use super::blob::Blob;
use super::results::{ResultBytes, Results};
use super::upload::Upload;
use crate::sim::Timestamp;

/// A file.
#[derive(Debug)]
pub(crate) struct FileRecord {
    /// Its id.
    pub(crate) id: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Its name, as sent.
    pub(crate) filename: String,
    /// When it came to be.
    pub(crate) created_at: Timestamp,
    /// From when on it is gone.
    pub(crate) expires_at: Option<Timestamp>,
    /// Its bytes.
    pub(crate) content: FileContent,
}

/// Where the bytes of a file come from.
#[derive(Debug)]
pub(crate) enum FileContent {
    /// A user sent them.
    Uploaded(Arc<Upload>),
    /// A batch made them.
    Result(Arc<Results>, Arc<ResultBytes>),
}

/// A page to list: at most so many after a cursor.
#[derive(Debug, Clone)]
pub(crate) struct FileQuery {
    /// Only files for this.
    pub(crate) purpose: Option<Purpose>,
    /// At most so many.
    pub(crate) limit: usize,
    /// Oldest first, instead of newest first.
    pub(crate) ascending: bool,
    /// Only those after this one. An id that is not there is the end of the list (assumed, F-246).
    pub(crate) after: Option<String>,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// What is on it.
    pub(crate) items: Vec<T>,
    /// Whether more follow.
    pub(crate) has_more: bool,
}

/// The files of a world that are there.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_id: HashMap<String, (u64, Arc<FileRecord>)>,
    /// By age; what came at the same time is told apart by its number.
    by_age: BTreeMap<(Timestamp, u64), Arc<FileRecord>>,
    expiring: BTreeSet<(Timestamp, u64, String)>,
    /// Those that were removed, if they are kept.
    removed: Option<Vec<Arc<FileRecord>>>,
}

impl FileRecord {
    /// The bytes. A result file is written when it is first asked for, which blocks on the disk.
    pub(crate) fn blob(&self) -> io::Result<&Blob> {
        match &self.content {
            FileContent::Uploaded(upload) => Ok(&upload.blob),
            FileContent::Result(results, bytes) => {
                results.usage()?;
                Ok(bytes.get().expect("they are written before the usage is known"))
            }
        }
    }

    /// Whether a look at the bytes, or at their number, costs nothing.
    pub(crate) fn is_at_hand(&self) -> bool {
        match &self.content {
            FileContent::Uploaded(_) => true,
            FileContent::Result(results, _) => results.is_rendered(),
        }
    }
}

impl Files {
    /// Adds a file. Its number is its own in the world, and says which of two is the older.
    pub(super) fn add(&mut self, number: u64, record: FileRecord) -> Arc<FileRecord> {
        let record = Arc::new(record);
        if let Some(expires_at) = record.expires_at {
            self.expiring.insert((expires_at, number, record.id.clone()));
        }
        self.by_age.insert((record.created_at, number), Arc::clone(&record));
        self.by_id.insert(record.id.clone(), (number, Arc::clone(&record)));
        record
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Arc<FileRecord>> {
        self.by_id.get(id).map(|(_, record)| record)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<(u64, Arc<FileRecord>)> {
        let (number, record) = self.by_id.remove(id)?;
        self.by_age.remove(&(record.created_at, number));
        if let Some(expires_at) = record.expires_at {
            self.expiring.remove(&(expires_at, number, record.id.clone()));
        }
        if let Some(removed) = &mut self.removed {
            removed.push(Arc::clone(&record));
        }
        Some((number, record))
    }

    /// Keeps what is removed from now on.
    pub(super) fn keep_removed(&mut self) {
        self.removed.get_or_insert_default();
    }

    /// All that are there, by age, and then those that were removed and kept; and whether each is there.
    pub(super) fn all(&self) -> impl Iterator<Item = (bool, &Arc<FileRecord>)> {
        let removed = self.removed.iter().flatten().map(|record| (false, record));
        self.by_age.values().map(|record| (true, record)).chain(removed)
    }

    /// The files that users sent, with their numbers, by age.
    pub(super) fn uploaded(&self) -> impl Iterator<Item = (u64, &Arc<FileRecord>)> {
        let all = self.by_age.iter().map(|((_, number), record)| (*number, record));
        all.filter(|(_, record)| matches!(record.content, FileContent::Uploaded(_)))
    }

    /// When the next file expires.
    pub(super) fn next_expiry(&self) -> Option<(Timestamp, &str)> {
        self.expiring.first().map(|(at, _, id)| (*at, id.as_str()))
    }

    /// The files that expire until then, and when.
    pub(super) fn expiring_until(&self, to: Timestamp) -> impl Iterator<Item = (Timestamp, String)> {
        self.expiring.iter().map(|(at, _, id)| (*at, id.clone())).take_while(move |(at, _)| *at <= to)
    }

    pub(super) fn page(&self, query: &FileQuery) -> Page<Arc<FileRecord>> {
        let cursor = match &query.after {
            None => None,
            Some(id) => match self.by_id.get(id) {
                Some((number, record)) => Some((record.created_at, *number)),
                None => return Page { items: Vec::new(), has_more: false },
            },
        };
        let wanted = |record: &&Arc<FileRecord>| {
            query.purpose.as_ref().is_none_or(|purpose| record.purpose == *purpose)
        };
        let mut items: Vec<_> = match (query.ascending, cursor) {
            (true, None) => self.by_age.values().filter(wanted).take(query.limit + 1).cloned().collect(),
            (true, Some(cursor)) => {
                let rest = (std::ops::Bound::Excluded(cursor), std::ops::Bound::Unbounded);
                let rest = self.by_age.range(rest).map(|(_, record)| record);
                rest.filter(wanted).take(query.limit + 1).cloned().collect()
            }
            (false, None) => {
                self.by_age.values().rev().filter(wanted).take(query.limit + 1).cloned().collect()
            }
            (false, Some(cursor)) => {
                let rest = self.by_age.range(..cursor).rev().map(|(_, record)| record);
                rest.filter(wanted).take(query.limit + 1).cloned().collect()
            }
        };
        let has_more = items.len() > query.limit;
        items.truncate(query.limit);
        Page { items, has_more }
    }
}
