//! The tables: which facts are rows of which, how they are written, and how a world is read.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use redb::{AccessGuard, ReadTransaction, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::fact::{Fact, KnownWorld, WorldId};
use super::records::{
    BatchRow, BehaviorRow, BlobRow, FileRow, HappenedRow, UploadRow, WorldRow, damaged, decode, encode,
};
use super::vault::{BlobId, Vault};
use crate::sim::Timestamp;
use crate::world::{Behavior, Blob, Happenings, Scanning, Storage, Upload};

/// A thing of a world: the world, and the number of the thing.
type Place = (u128, u64);

/// Numbers of the whole store.
const NUMBERS: TableDefinition<&str, i64> = TableDefinition::new("numbers");
const WORLDS: TableDefinition<u128, &[u8]> = TableDefinition::new("worlds");
const DELETED_MODELS: TableDefinition<Place, &str> = TableDefinition::new("deleted models");
const FILES: TableDefinition<Place, &[u8]> = TableDefinition::new("files");
const UPLOADS: TableDefinition<Place, &[u8]> = TableDefinition::new("uploads");
const BATCHES: TableDefinition<Place, &[u8]> = TableDefinition::new("batches");
/// What happened to batches; not to each of them something has.
const HAPPENED: TableDefinition<Place, &[u8]> = TableDefinition::new("happened");
const BEHAVIORS: TableDefinition<u32, &[u8]> = TableDefinition::new("behaviors");
/// How many facts name each blob.
const BLOBS: TableDefinition<u64, u64> = TableDefinition::new("blobs");

/// How often the directory was opened before.
const N_RUNS: &str = "runs";
/// Up to when the wall may have been read.
const WALL: &str = "wall";

/// What redb says, as an error of the disk: its cause, or that the store is damaged.
pub(super) fn trouble(error: impl Into<redb::Error>) -> io::Error {
    #[expect(clippy::wildcard_enum_match_arm, reason = "another crate's errors, of which more may come")]
    match error.into() {
        redb::Error::Io(error) => error,
        other => damaged(other.to_string()),
    }
}

/// The behaviors that are in the store, so that each is there once.
#[derive(Debug, Default)]
pub(super) struct KnownBehaviors {
    numbers: HashMap<Vec<u8>, u32>,
    /// The one that was last looked up: most often it is the same again.
    last: Option<(Arc<Behavior>, u32)>,
}

/// A transaction under way.
pub(super) struct Writing<'t> {
    numbers: Table<'t, &'static str, i64>,
    worlds: Table<'t, u128, &'static [u8]>,
    deleted_models: Table<'t, Place, &'static str>,
    files: Table<'t, Place, &'static [u8]>,
    uploads: Table<'t, Place, &'static [u8]>,
    batches: Table<'t, Place, &'static [u8]>,
    happened: Table<'t, Place, &'static [u8]>,
    behaviors: Table<'t, u32, &'static [u8]>,
    blobs: Table<'t, u64, u64>,
}

impl<'t> Writing<'t> {
    /// Opens all tables, and makes those that are not there.
    pub(super) fn begin(transaction: &'t WriteTransaction) -> io::Result<Self> {
        Ok(Self {
            numbers: transaction.open_table(NUMBERS).map_err(trouble)?,
            worlds: transaction.open_table(WORLDS).map_err(trouble)?,
            deleted_models: transaction.open_table(DELETED_MODELS).map_err(trouble)?,
            files: transaction.open_table(FILES).map_err(trouble)?,
            uploads: transaction.open_table(UPLOADS).map_err(trouble)?,
            batches: transaction.open_table(BATCHES).map_err(trouble)?,
            happened: transaction.open_table(HAPPENED).map_err(trouble)?,
            behaviors: transaction.open_table(BEHAVIORS).map_err(trouble)?,
            blobs: transaction.open_table(BLOBS).map_err(trouble)?,
        })
    }

    /// Counts a run, and tells how many there were before.
    pub(super) fn begin_run(&mut self) -> io::Result<u32> {
        let before = self.numbers.get(N_RUNS).map_err(trouble)?.map_or(0, |n| n.value());
        self.numbers.insert(N_RUNS, before + 1).map_err(trouble)?;
        u32::try_from(before).map_err(damaged)
    }

    /// Until when the wall may have been read, if it was.
    pub(super) fn wall(&self) -> io::Result<Option<Timestamp>> {
        let wall = self.numbers.get(WALL).map_err(trouble)?;
        Ok(wall.map(|wall| Timestamp::from_unix_millis(wall.value())))
    }

    /// Says until when the wall may be read.
    pub(super) fn set_wall(&mut self, until: Timestamp) -> io::Result<()> {
        self.numbers.insert(WALL, until.unix_millis()).map(drop).map_err(trouble)
    }

    /// Writes a fact.
    pub(super) fn apply(
        &mut self,
        world: WorldId,
        fact: &Fact,
        known: &mut KnownBehaviors,
    ) -> io::Result<()> {
        let WorldId(id) = world;
        match fact {
            Fact::BeginsAnew => self.begin_anew(world),
            Fact::World(facts) => {
                self.worlds.insert(id, &*encode(&WorldRow::new(facts))).map(drop).map_err(trouble)
            }
            Fact::ModelDeleted(number, name) => {
                self.deleted_models.insert((id, *number), name.as_str()).map(drop).map_err(trouble)
            }
            Fact::FileAdded(number, file) => {
                let Some(row) = FileRow::new(file) else { return Ok(()) };
                self.name_blob(row.blob)?;
                self.files.insert((id, *number), &*encode(&row)).map(drop).map_err(trouble)
            }
            Fact::FileRemoved(number, file) => {
                let was_there = self.files.remove((id, *number)).map_err(trouble)?.is_some();
                FileRow::new(file).filter(|_| was_there).map_or(Ok(()), |row| self.unname_blob(row.blob))
            }
            Fact::Upload { upload, held: _ } => {
                let row = UploadRow::new(upload);
                let place = (id, upload.number);
                let before = self.uploads.get(place).map_err(trouble)?;
                let before = before.map(|row| decode::<UploadRow>(row.value())).transpose()?;
                for blob in row.blobs() {
                    self.name_blob(blob)?;
                }
                for blob in before.iter().flat_map(UploadRow::blobs) {
                    self.unname_blob(blob)?;
                }
                self.uploads.insert(place, &*encode(&row)).map(drop).map_err(trouble)
            }
            Fact::BatchCreated(number, batch) => {
                let behavior = self.behavior_number(&batch.behavior, known)?;
                let row = BatchRow::new(batch, behavior);
                if let Some(blob) = row.blob {
                    self.name_blob(blob)?;
                }
                self.batches.insert((id, *number), &*encode(&row)).map(drop).map_err(trouble)
            }
            Fact::Happened { number, happened, held: _ } => {
                let (place, row) = ((id, *number), HappenedRow::new(happened));
                if row.is_spent() && !self.is_spent(place)? {
                    let batch = self.batches.get(place).map_err(trouble)?;
                    let batch = batch.map(|row| decode::<BatchRow>(row.value())).transpose()?;
                    batch.and_then(|batch| batch.blob).map_or(Ok(()), |blob| self.unname_blob(blob))?;
                }
                self.happened.insert(place, &*encode(&row)).map(drop).map_err(trouble)
            }
        }
    }

    /// Whether a fact names these bytes.
    pub(super) fn names(&self, blob: BlobId) -> io::Result<bool> {
        self.blobs.get(blob.to_number()).map(|named| named.is_some()).map_err(trouble)
    }

    /// Whether a batch needs its input no longer, and so does not name it.
    fn is_spent(&self, batch: Place) -> io::Result<bool> {
        let row = self.happened.get(batch).map_err(trouble)?;
        let row = row.map(|row| decode::<HappenedRow>(row.value())).transpose()?;
        Ok(row.is_some_and(|row| row.is_spent()))
    }

    /// Lets go of all facts of a world.
    fn begin_anew(&mut self, WorldId(id): WorldId) -> io::Result<()> {
        self.worlds.remove(id).map_err(trouble)?;
        self.deleted_models.retain_in(all_of(id), |_, _| false).map_err(trouble)?;
        let mut blobs = Vec::new();
        for removed in self.files.extract_from_if(all_of(id), |_, _| true).map_err(trouble)? {
            blobs.push(decode::<FileRow>(removed.map_err(trouble)?.1.value())?.blob);
        }
        for removed in self.uploads.extract_from_if(all_of(id), |_, _| true).map_err(trouble)? {
            blobs.extend(decode::<UploadRow>(removed.map_err(trouble)?.1.value())?.blobs());
        }
        let mut inputs = Vec::new();
        for removed in self.batches.extract_from_if(all_of(id), |_, _| true).map_err(trouble)? {
            let (place, row) = removed.map_err(trouble)?;
            inputs.extend(decode::<BatchRow>(row.value())?.blob.map(|blob| (place.value(), blob)));
        }
        for (place, blob) in inputs {
            if !self.is_spent(place)? {
                blobs.push(blob);
            }
        }
        self.happened.retain_in(all_of(id), |_, _| false).map_err(trouble)?;
        blobs.into_iter().try_for_each(|blob| self.unname_blob(blob))
    }

    fn name_blob(&mut self, blob: BlobRow) -> io::Result<()> {
        let number = blob.id().to_number();
        let before = self.blobs.get(number).map_err(trouble)?.map_or(0, |n| n.value());
        self.blobs.insert(number, before + 1).map(drop).map_err(trouble)
    }

    fn unname_blob(&mut self, blob: BlobRow) -> io::Result<()> {
        let number = blob.id().to_number();
        let before = self.blobs.get(number).map_err(trouble)?.map_or(0, |n| n.value());
        if before > 1 {
            self.blobs.insert(number, before - 1).map(drop).map_err(trouble)
        } else {
            self.blobs.remove(number).map(drop).map_err(trouble)
        }
    }

    fn behavior_number(&mut self, behavior: &Arc<Behavior>, known: &mut KnownBehaviors) -> io::Result<u32> {
        if let Some((last, number)) = &known.last
            && Arc::ptr_eq(last, behavior)
        {
            return Ok(*number);
        }
        if known.numbers.is_empty() {
            known.numbers = self.behavior_numbers()?;
        }
        let row = encode(&BehaviorRow::new(behavior));
        let number = if let Some(number) = known.numbers.get(&row) {
            *number
        } else {
            let number = known.numbers.values().max().map_or(0, |last| last + 1);
            self.behaviors.insert(number, &*row).map_err(trouble)?;
            known.numbers.insert(row, number);
            number
        };
        known.last = Some((Arc::clone(behavior), number));
        Ok(number)
    }

    fn behavior_numbers(&self) -> io::Result<HashMap<Vec<u8>, u32>> {
        let rows = self.behaviors.iter().map_err(trouble)?;
        rows.map(|row| row.map(|(number, row)| (row.value().to_vec(), number.value())).map_err(trouble))
            .collect()
    }
}

/// A look at what is in the store.
pub(super) struct Reading(ReadTransaction);

impl Reading {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self(transaction)
    }

    /// How many worlds there are.
    pub(super) fn n_worlds(&self) -> io::Result<usize> {
        use redb::ReadableTableMetadata as _;

        let n = self.0.open_table(WORLDS).map_err(trouble)?.len().map_err(trouble)?;
        usize::try_from(n).map_err(damaged)
    }

    /// Whether there is this world.
    pub(super) fn has_world(&self, WorldId(id): WorldId) -> io::Result<bool> {
        let worlds = self.0.open_table(WORLDS).map_err(trouble)?;
        Ok(worlds.get(id).map_err(trouble)?.is_some())
    }

    /// All blobs that facts name.
    pub(super) fn named_blobs(&self) -> io::Result<BTreeSet<BlobId>> {
        let blobs = self.0.open_table(BLOBS).map_err(trouble)?;
        let rows = blobs.iter().map_err(trouble)?;
        rows.map(|row| row.map(|(number, _)| BlobId::from_number(number.value())).map_err(trouble)).collect()
    }

    /// A world, if it is known. Its files are read as `scanning` says, when somebody asks for their lines; their
    /// bytes count in `storage`.
    pub(super) fn world(
        &self,
        WorldId(id): WorldId,
        vault: &Arc<Vault>,
        scanning: &Scanning,
        storage: &Arc<Storage>,
    ) -> io::Result<Option<KnownWorld>> {
        let worlds = self.0.open_table(WORLDS).map_err(trouble)?;
        let Some(row) = worlds.get(id).map_err(trouble)? else { return Ok(None) };
        let facts = decode::<WorldRow>(row.value())?.facts()?;

        let mut uploads: HashMap<BlobId, Arc<Upload>> = HashMap::new();
        let mut upload = |row: BlobRow| {
            let blob = || Blob::known(vault, row.id(), row.bytes, storage);
            let make = || Arc::new(Upload::known(blob(), scanning.clone()));
            Arc::clone(uploads.entry(row.id()).or_insert_with(make))
        };
        let table = self.0.open_table(FILES).map_err(trouble)?;
        let mut files = Vec::new();
        for row in table.range(all_of(id)).map_err(trouble)? {
            let (place, row) = row.map_err(trouble)?;
            let row: FileRow = decode(row.value())?;
            let bytes = upload(row.blob);
            files.push((place.value().1, row.record(bytes)));
        }

        let table = self.0.open_table(UPLOADS).map_err(trouble)?;
        let mut parted = Vec::new();
        for row in table.range(all_of(id)).map_err(trouble)? {
            let (place, row) = row.map_err(trouble)?;
            let row: UploadRow = decode(row.value())?;
            let part = |row: BlobRow| Blob::known(vault, row.id(), row.bytes, storage);
            parted.push(row.record(place.value().1, part));
        }

        let table = self.0.open_table(HAPPENED).map_err(trouble)?;
        let mut happened = HashMap::new();
        for row in table.range(all_of(id)).map_err(trouble)? {
            let (place, row) = row.map_err(trouble)?;
            happened.insert(place.value().1, decode::<HappenedRow>(row.value())?.happened()?);
        }

        let table = self.0.open_table(BATCHES).map_err(trouble)?;
        let mut behaviors = HashMap::new();
        let mut batches = Vec::new();
        for row in table.range(all_of(id)).map_err(trouble)? {
            let (place, row) = row.map_err(trouble)?;
            let (number, row) = (place.value().1, decode::<BatchRow>(row.value())?);
            if number != batches.len() as u64 {
                return Err(damaged("a batch is missing"));
            }
            let behavior = if let Some(behavior) = behaviors.get(&row.behavior) {
                Arc::clone(behavior)
            } else {
                let behavior = Arc::new(self.behavior(row.behavior)?);
                behaviors.insert(row.behavior, Arc::clone(&behavior));
                behavior
            };
            let happened: Happenings = happened.remove(&number).unwrap_or_default();
            let input = row.blob.filter(|_| happened.spent.is_none()).map(&mut upload);
            let record = row.record(&facts.account, behavior, input)?;
            batches.push((record, happened));
        }
        let table = self.0.open_table(DELETED_MODELS).map_err(trouble)?;
        let rows = table.range(all_of(id)).map_err(trouble)?;
        let name = |row: Result<(_, AccessGuard<'_, &str>), _>| {
            row.map(|(_, name)| name.value().to_owned()).map_err(trouble)
        };
        let deleted_models = rows.map(name).collect::<io::Result<_>>()?;
        Ok(Some(KnownWorld { facts, deleted_models, files, uploads: parted, batches }))
    }

    fn behavior(&self, number: u32) -> io::Result<Behavior> {
        let table = self.0.open_table(BEHAVIORS).map_err(trouble)?;
        let row = table.get(number).map_err(trouble)?;
        let row = row.ok_or_else(|| damaged("the behavior of a batch is missing"))?;
        decode::<BehaviorRow>(row.value())?.behavior()
    }
}

fn all_of(id: u128) -> RangeInclusive<Place> {
    (id, 0)..=(id, u64::MAX)
}
