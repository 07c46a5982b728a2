//! A whole world as one file, to be opened by another mock.
//!
//! It is a tar archive. `manifest.json` says what it is and which format its rows have, `checksums.json` at its end what
//! XXH3 (128 bits) makes of every other entry; without the end, or with another sum, it is no world. Between them are the
//! rows of [`records`](super::records), as the store has them: what there is once in `world.json`, of the rest one a line
//! in pieces such as `batches/0.jsonl`, and bytes in `blobs/`. Neither the key of the world nor any end of it is in there.
//! The same world gives the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tar::{Archive, Builder, Entry, EntryType, Header};
use xxhash_rust::xxh3::Xxh3;

use super::fact::{Fact, KnownWorld, WorldFacts};
use super::format::FORMAT;
use super::records::{
    BatchRow, BehaviorRow, BlobRow, FileRow, HappenedRow, SpentRow, UploadRow, WorldRow, damaged, decode,
    encode,
};
use crate::world::{
    Behavior, Blob, FileRecord, Happenings, ResultFile, Scanning, Snapshot, Upload, Written, WrittenFiles,
    WrittenResults,
};

const MANIFEST: &str = "manifest.json";
const WORLD: &str = "world.json";
const CHECKSUMS: &str = "checksums.json";
const BLOBS: &str = "blobs/";

/// What the manifest calls a world.
const KIND: &str = "batchmock world";

/// About how long a piece of rows is.
const PIECE: usize = 1024 * 1024;

/// How long an entry may be that is held in memory: a piece, and a last row that is as long as a row can be. And how much
/// may be held of all of them.
const MAX_HELD: u64 = 64 * 1024 * 1024;
const MAX_ALL_HELD: u64 = 1024 * 1024 * 1024;

/// A world as it came from a file.
#[derive(Debug)]
pub(crate) struct Archived {
    pub(crate) known: KnownWorld,
    /// The first batch that has its results, and not its input any more.
    pub(crate) without_input: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    what: String,
    format: u32,
    batchmock: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbered<R> {
    number: u64,
    row: R,
}

/// Results that cannot be written again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultsRow {
    usage: SpentRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<BlobRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<BlobRow>,
}

/// Writes a world. Blocks on the disk.
///
/// # Errors
///
/// If the disk fails, or who is written to.
pub(crate) fn write_archive(snapshot: &Snapshot, to: impl Write) -> io::Result<()> {
    let mut writer = Writer { tar: Builder::new(to), sums: BTreeMap::new() };
    let manifest =
        Manifest { what: KIND.to_owned(), format: FORMAT, batchmock: env!("CARGO_PKG_VERSION").to_owned() };
    writer.entry(MANIFEST, &encode(&manifest))?;

    let mut blobs = Blobs::default();
    let mut behaviors = Behaviors::default();
    let mut deleted_models = Vec::new();
    let (mut files, mut uploads, mut batches, mut happened, mut results) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for fact in &snapshot.facts {
        match fact {
            Fact::World(facts) => writer.entry(WORLD, &encode(&WorldRow::new(facts)))?,
            Fact::ModelDeleted(number, name) => {
                deleted_models.push(Numbered { number: *number, row: name.clone() });
            }
            Fact::FileAdded(number, file) => {
                let row = FileRow::naming(file, &mut |blob| Some(blobs.name(blob)));
                files.extend(row.map(|row| Numbered { number: *number, row }));
            }
            Fact::Upload { upload, held: _ } => {
                let row = UploadRow::naming(upload, &mut |blob| Some(blobs.name(blob)));
                uploads.push(Numbered { number: upload.number, row });
            }
            Fact::BatchCreated(number, batch) => {
                let input = snapshot.inputs.get(number).map(|upload| blobs.name(&upload.blob));
                let row = BatchRow::with_input(batch, behaviors.number(&batch.behavior), input);
                batches.push(Numbered { number: *number, row });
            }
            Fact::Happened { number, happened: of_batch, held: _ } => {
                if *of_batch != Happenings::default() {
                    happened.push(Numbered { number: *number, row: HappenedRow::new(of_batch) });
                }
            }
            Fact::BeginsAnew | Fact::FileRemoved(..) => {}
        }
    }
    for (number, WrittenFiles { usage, files }) in &snapshot.written {
        let mut row = ResultsRow { usage: SpentRow::new(*usage), output: None, error: None };
        for (which, file) in files {
            let blob = Some(blobs.name(file.blob()?));
            match which {
                ResultFile::Output => row.output = blob,
                ResultFile::Error => row.error = blob,
            }
        }
        results.push(Numbered { number: *number, row });
    }
    files.sort_by_key(|file| file.number);
    uploads.sort_by_key(|upload| upload.number);

    writer.rows("deleted-models", &deleted_models)?;
    writer.rows("files", &files)?;
    writer.rows("uploads", &uploads)?;
    writer.rows("behaviors", &behaviors.rows)?;
    writer.rows("batches", &batches)?;
    writer.rows("happened", &happened)?;
    writer.rows("results", &results)?;
    for (number, blob) in (0_u32..).zip(&blobs.all) {
        writer.stream(&format!("{BLOBS}{number}"), blob.open()?, blob.len())?;
    }
    let sums = encode(&writer.sums);
    writer.entry(CHECKSUMS, &sums)?;
    writer.tar.into_inner()?.flush()
}

struct Writer<W: Write> {
    tar: Builder<W>,
    /// What was written, with its sum in hexadecimal digits.
    sums: BTreeMap<String, String>,
}

impl<W: Write> Writer<W> {
    fn entry(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.stream(name, bytes, bytes.len() as u64)
    }

    fn stream(&mut self, name: &str, bytes: impl Read, len: u64) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(len);
        header.set_mode(0o644);
        // The same world gives the same bytes: there is no other time in here than its own.
        header.set_mtime(0);
        let mut summed = Summed { bytes: bytes.take(len), sum: Xxh3::new(), len: 0 };
        self.tar.append_data(&mut header, name, &mut summed)?;
        if summed.len != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.sums.insert(name.to_owned(), summed.hex());
        Ok(())
    }

    fn rows<R: Serialize>(&mut self, name: &str, rows: &[R]) -> io::Result<()> {
        let (mut piece, mut n_pieces) = (Vec::new(), 0);
        for (place, row) in rows.iter().enumerate() {
            piece.extend(encode(row));
            piece.push(b'\n');
            if piece.len() >= PIECE || place + 1 == rows.len() {
                self.entry(&format!("{name}/{n_pieces}.jsonl"), &piece)?;
                piece.clear();
                n_pieces += 1;
            }
        }
        Ok(())
    }
}

/// Bytes that are summed as they pass.
struct Summed<R> {
    bytes: R,
    sum: Xxh3,
    len: u64,
}

impl<R> Summed<R> {
    fn hex(&self) -> String {
        format!("{:032x}", self.sum.digest128())
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        self.sum.update(&buffer[..n]);
        self.len += n as u64;
        Ok(n)
    }
}

/// The bytes that rows name, each once.
#[derive(Default)]
struct Blobs<'s> {
    all: Vec<&'s Blob>,
    numbers: HashMap<*const Blob, u32>,
}

impl<'s> Blobs<'s> {
    fn name(&mut self, blob: &'s Blob) -> BlobRow {
        let next = u32::try_from(self.all.len()).expect("a world has fewer blobs than that");
        let number = *self.numbers.entry(std::ptr::from_ref(blob)).or_insert(next);
        if number == next {
            self.all.push(blob);
        }
        BlobRow { run: 0, number, bytes: blob.len() }
    }
}

/// The behaviors that batches have, each once.
#[derive(Default)]
struct Behaviors {
    rows: Vec<BehaviorRow>,
    numbers: HashMap<Vec<u8>, u32>,
    last: Option<(Arc<Behavior>, u32)>,
}

impl Behaviors {
    fn number(&mut self, behavior: &Arc<Behavior>) -> u32 {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, behavior)
        {
            return *number;
        }
        let next = u32::try_from(self.rows.len()).expect("a world has fewer behaviors than that");
        let number = *self.numbers.entry(encode(&BehaviorRow::new(behavior))).or_insert(next);
        if number == next {
            self.rows.push(BehaviorRow::new(behavior));
        }
        self.last = Some((Arc::clone(behavior), number));
        number
    }
}

/// Reads a world. Bytes are kept as they come, by `keep`; those of what turns out to be no world go again. Blocks on the
/// disk, and on who is read from.
///
/// # Errors
///
/// Of the kind `InvalidData`, with what is wrong, if that is no world, or not all of one; or else those of the disk.
pub(crate) fn read_archive(
    from: impl Read,
    scanning: &Scanning,
    mut keep: impl FnMut(&mut dyn Read) -> io::Result<Blob>,
) -> io::Result<Archived> {
    let mut parts = Parts::default();
    let mut sums = BTreeMap::new();
    let mut told: Option<BTreeMap<String, String>> = None;
    let mut archive = Archive::new(from);
    let no_archive = |error: io::Error| {
        let kind = error.kind();
        if kind == io::ErrorKind::UnexpectedEof {
            damaged("it is cut off")
        } else if [io::ErrorKind::Other, io::ErrorKind::InvalidInput].contains(&kind) {
            damaged("it is no tar archive")
        } else {
            error
        }
    };
    // Nothing of it is ever a path, nor are there any names so long that tar has to write them in an entry of their own.
    for entry in archive.entries().map_err(no_archive)?.raw(true) {
        let entry = entry.map_err(no_archive)?;
        if entry.header().entry_type() != EntryType::Regular {
            return Err(damaged("there is something else than plain files in it"));
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(damaged)?;
        if told.is_some() {
            return Err(damaged(format!("something stands behind its end: `{name}`")));
        }
        if name != MANIFEST && !parts.is_begun {
            return Err(damaged(format!("it begins with `{name}`, and not with `{MANIFEST}`")));
        }
        let len = entry.size();
        let mut summed = Summed { bytes: entry, sum: Xxh3::new(), len: 0 };
        if name == CHECKSUMS {
            told = Some(decode(&held(&mut summed, &name, len)?)?);
            continue;
        }
        parts.read(&name, len, &mut summed, &mut keep)?;
        if summed.len != len {
            return Err(damaged("it is cut off"));
        }
        sums.insert(name, summed.hex());
    }
    let told = told.ok_or_else(|| damaged("it is cut off"))?;
    if let Some((name, _)) = sums.iter().find(|(name, sum)| told.get(*name) != Some(sum)) {
        return Err(damaged(format!("`{name}` is not as it was written")));
    }
    if let Some(name) = told.keys().find(|name| !sums.contains_key(*name)) {
        return Err(damaged(format!("`{name}` is missing")));
    }
    parts.into_world(scanning)
}

/// The whole of an entry.
fn held(entry: &mut dyn Read, name: &str, len: u64) -> io::Result<Vec<u8>> {
    if len > MAX_HELD {
        return Err(damaged(format!("`{name}` is too long: {len} bytes")));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What has come of a world so far.
#[derive(Default)]
struct Parts {
    is_begun: bool,
    n_held: u64,
    world: Option<WorldRow>,
    deleted_models: Vec<Numbered<String>>,
    files: Vec<Numbered<FileRow>>,
    uploads: Vec<Numbered<UploadRow>>,
    behaviors: Vec<BehaviorRow>,
    batches: Vec<Numbered<BatchRow>>,
    happened: Vec<Numbered<HappenedRow>>,
    results: Vec<Numbered<ResultsRow>>,
    blobs: HashMap<u32, Blob>,
}

impl Parts {
    fn read<R: Read>(
        &mut self,
        name: &str,
        len: u64,
        entry: &mut Summed<Entry<'_, R>>,
        keep: &mut impl FnMut(&mut dyn Read) -> io::Result<Blob>,
    ) -> io::Result<()> {
        if let Some(number) = name.strip_prefix(BLOBS) {
            let number = number.parse().map_err(|_| unknown(name))?;
            self.blobs.insert(number, keep(entry)?);
            return Ok(());
        }
        let bytes = held(entry, name, len)?;
        self.n_held += len;
        if self.n_held > MAX_ALL_HELD {
            return Err(damaged(format!("it says more than {MAX_ALL_HELD} bytes beside those of files")));
        }
        match name.split('/').next().unwrap_or_default() {
            MANIFEST => {
                let Manifest { what, format, batchmock } =
                    decode(&bytes).map_err(|_| damaged(format!("`{MANIFEST}` is that of something else")))?;
                if what != KIND {
                    return Err(damaged(format!("it is a {what:?}, and not a {KIND:?}")));
                }
                if format > FORMAT {
                    return Err(damaged(format!(
                        "batchmock {batchmock} has written it, whose format is {format}, and this one knows formats up to \
                         {FORMAT}: use the newer one"
                    )));
                }
                self.is_begun = true;
            }
            WORLD => self.world = Some(decode(&bytes)?),
            "deleted-models" => append(&mut self.deleted_models, &bytes)?,
            "files" => append(&mut self.files, &bytes)?,
            "uploads" => append(&mut self.uploads, &bytes)?,
            "behaviors" => append(&mut self.behaviors, &bytes)?,
            "batches" => append(&mut self.batches, &bytes)?,
            "happened" => append(&mut self.happened, &bytes)?,
            "results" => append(&mut self.results, &bytes)?,
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn into_world(self, scanning: &Scanning) -> io::Result<Archived> {
        let Self {
            is_begun: _,
            n_held: _,
            world,
            deleted_models,
            files,
            uploads,
            behaviors,
            batches,
            happened,
            results,
            mut blobs,
        } = self;
        let facts: WorldFacts = world.ok_or_else(|| damaged(format!("`{WORLD}` is missing")))?.facts()?;
        let mut results: HashMap<_, _> = results.into_iter().map(|of| (of.number, of.row)).collect();
        let mut happened: HashMap<_, _> = happened.into_iter().map(|of| (of.number, of.row)).collect();

        let take = |blobs: &mut HashMap<u32, Blob>, row: BlobRow| match blobs.remove(&row.number) {
            Some(blob) if blob.len() == row.bytes => Ok(blob),
            _ => Err(damaged(format!("the bytes `{BLOBS}{}` are missing", row.number))),
        };
        let mut known: HashMap<u32, Arc<Upload>> = HashMap::new();
        let mut upload = |blobs: &mut HashMap<u32, Blob>, row: BlobRow| -> io::Result<_> {
            if let Some(upload) = known.get(&row.number) {
                return Ok(Arc::clone(upload));
            }
            let upload = Arc::new(Upload::known(take(blobs, row)?, scanning.clone()));
            known.insert(row.number, Arc::clone(&upload));
            Ok(upload)
        };
        let files = files.into_iter().map(|Numbered { number, row }| {
            let bytes = upload(&mut blobs, row.blob)?;
            Ok((number, row.record(bytes)))
        });
        let files = files.collect::<io::Result<Vec<(u64, FileRecord)>>>()?;

        let behaviors = behaviors.into_iter().map(|row| row.behavior().map(Arc::new));
        let behaviors = behaviors.collect::<io::Result<Vec<_>>>()?;
        let mut without_input = None;
        let mut records = Vec::new();
        for Numbered { number, row } in batches {
            if number != records.len() as u64 {
                return Err(damaged("a batch is missing"));
            }
            let behavior = behaviors.get(row.behavior as usize);
            let behavior = behavior.ok_or_else(|| damaged("the behavior of a batch is missing"))?;
            let happened =
                happened.remove(&number).map(HappenedRow::happened).transpose()?.unwrap_or_default();
            let input = row.blob.map(|row| upload(&mut blobs, row)).transpose()?;
            let mut record = row.record(&facts.account, Arc::clone(behavior), input)?;
            if let Some(ResultsRow { usage, output, error }) = results.remove(&number) {
                if record.input.get().is_none() {
                    without_input.get_or_insert_with(|| record.id.clone());
                }
                let mut bytes = |row: Option<BlobRow>| row.map(|row| take(&mut blobs, row)).transpose();
                record.written = Written::new(WrittenResults {
                    usage: usage.usage(),
                    output: bytes(output)?,
                    error: bytes(error)?,
                });
            }
            records.push((record, happened));
        }
        let uploads = uploads.into_iter().map(|Numbered { number, row }| {
            let parts = row.blobs().into_iter().map(|part| Ok((part.number, take(&mut blobs, part)?)));
            let mut parts = parts.collect::<io::Result<HashMap<_, _>>>()?;
            Ok(row.record(number, |part| parts.remove(&part.number).expect("all of them were taken")))
        });
        let uploads = uploads.collect::<io::Result<_>>()?;
        let known = KnownWorld {
            facts,
            deleted_models: deleted_models.into_iter().map(|model| model.row).collect(),
            files,
            uploads,
            batches: records,
        };
        Ok(Archived { known, without_input })
    }
}

fn unknown(name: &str) -> io::Error {
    damaged(format!("nothing is known of `{name}` in it"))
}

fn append<R: DeserializeOwned>(rows: &mut Vec<R>, bytes: &[u8]) -> io::Result<()> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for line in lines {
        rows.push(decode(line)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(bytes: &[u8]) -> io::Error {
        let scanning = Scanning { responder: Arc::default(), max_line: 1_000 };
        read_archive(bytes, &scanning, |_| Err(damaged("bytes"))).expect_err("that is no world")
    }

    /// An archive with a manifest, this, and checksums that are right.
    fn archive(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = Writer { tar: Builder::new(&mut file), sums: BTreeMap::new() };
        let manifest = Manifest { what: KIND.to_owned(), format: FORMAT, batchmock: String::new() };
        writer.entry(MANIFEST, &encode(&manifest)).unwrap();
        writer.entry(name, bytes).unwrap();
        let sums = encode(&writer.sums);
        writer.entry(CHECKSUMS, &sums).unwrap();
        writer.tar.finish().unwrap();
        drop(writer);
        file
    }

    #[test]
    fn what_nobody_knows_is_told() {
        let told = ["secrets.txt", "blobs/x", "world.json", "batches/0.jsonl"]
            .map(|name| refused(&archive(name, b"{}")).to_string());
        insta::assert_snapshot!(told.join("\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused(
            bytes: Vec<u8>,
            kind in proptest::sample::select(vec![
                "world.json", "files/0.jsonl", "uploads/0.jsonl", "behaviors/0.jsonl", "batches/0.jsonl",
                "happened/0.jsonl", "results/0.jsonl", "deleted-models/0.jsonl", "blobs/0",
            ]),
            cut in 0..4_096_usize,
        ) {
            prop_assert_eq!(refused(&bytes).kind(), io::ErrorKind::InvalidData);
            let file = archive(kind, &bytes);
            prop_assert_eq!(refused(&file).kind(), io::ErrorKind::InvalidData);
            let cut = cut.min(file.len() - 1_024);
            prop_assert_eq!(refused(&file[..cut]).kind(), io::ErrorKind::InvalidData);
        }
    }
}
