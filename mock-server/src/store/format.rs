//! Whether a directory is one that batchmock may use, and which version of the format it has.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::vault::sync_dir;

/// The version of what is in a data directory. A change that an older batchmock would misread raises it, and
/// comes with a way to bring older directories up to it.
///
/// - 1: the first.
/// - 2: worlds have quotas and scenarios, and batches the tokens of their prompts. Rows of format 1 are read with the
///   defaults that their fields have: batches of that time count no tokens in the queue.
pub(super) const FORMAT: u32 = 2;

/// What says which version a directory has.
const FORMAT_FILE: &str = "format";
/// The same, while it is written.
const NEW_FORMAT_FILE: &str = "format.new";
/// What the version stands behind.
const FORMAT_WORD: &str = "batchmock";
/// What is locked as long as a server uses the directory.
const LOCK_FILE: &str = "lock";
/// What a new file system has of its own.
const LOST_AND_FOUND: &str = "lost+found";

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub struct DataDirError {
    dir: PathBuf,
    why: Why,
}

/// Why a directory cannot be used.
#[derive(Debug)]
pub(super) enum Why {
    /// Another server uses it.
    InUse,
    /// There is something in it, and not from batchmock: the names of some of it, and how many there are.
    NotOurs { names: Vec<String>, n: usize },
    /// A newer batchmock has written it.
    Newer(u32),
    /// A batchmock has written it that this one knows nothing of.
    Unknown(String),
    /// It is not as batchmock left it.
    Damaged(String),
    /// It cannot be read or written.
    Io(io::Error),
}

impl DataDirError {
    pub(super) fn new(dir: &Path, why: Why) -> Self {
        Self { dir: dir.to_owned(), why }
    }

    fn message(&self) -> String {
        let dir = self.dir.display();
        match &self.why {
            Why::InUse => format!(
                "the data directory {dir} is in use by another batchmock: stop that one, or give this one another \
                 directory"
            ),
            Why::NotOurs { names, n } => {
                let names = names.join(", ");
                let more = if *n > 3 { ", and more" } else { "" };
                format!(
                    "{dir} is no data directory of batchmock, and it is not empty: it holds {names}{more}. Give an \
                     empty directory, or one that does not exist yet"
                )
            }
            Why::Newer(format) => format!(
                "the data directory {dir} was written by a newer batchmock: its format is {format}, and this \
                 batchmock knows formats up to {FORMAT}. Use the newer one, or another directory"
            ),
            Why::Unknown(text) => format!(
                "the data directory {dir} has a format that no batchmock writes: its file `{FORMAT_FILE}` says \
                 {text:?}, not \"{FORMAT_WORD} {FORMAT}\". Restore it from a copy, or give another directory"
            ),
            Why::Damaged(how) => format!(
                "the data directory {dir} is damaged: {how}. Restore it from a copy, or give another directory"
            ),
            Why::Io(error) => format!("the data directory {dir} cannot be used: {error}"),
        }
    }
}

impl From<DataDirError> for io::Error {
    fn from(error: DataDirError) -> Self {
        let kind = match &error.why {
            Why::Io(error) => error.kind(),
            Why::InUse => io::ErrorKind::ResourceBusy,
            Why::NotOurs { .. } => io::ErrorKind::DirectoryNotEmpty,
            Why::Newer(_) | Why::Unknown(_) | Why::Damaged(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::InvalidData {
            Self::Damaged(error.to_string())
        } else {
            Self::Io(error)
        }
    }
}

/// Makes sure that a directory is one of ours, or makes it one, and keeps others out as long as the file lives.
pub(super) fn claim(dir: &Path) -> Result<File, Why> {
    make_dir(dir)?;
    let is_current = match fs::read_to_string(dir.join(FORMAT_FILE)) {
        Ok(text) => check(&text)? == FORMAT,
        Err(error) if error.kind() == io::ErrorKind::NotFound => refuse_others(dir).map(|()| false)?,
        Err(error) => return Err(error.into()),
    };
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Why::InUse),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // Rows of older formats are rows of this one.
    if !is_current {
        write_format(dir)?;
    }
    Ok(lock)
}

/// Makes a directory that nobody else can look into, with those above it, if there is none.
fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Which format a directory has, if it is one that can be read.
fn check(text: &str) -> Result<u32, Why> {
    let format = text.trim_end().strip_prefix(FORMAT_WORD).and_then(|rest| rest.strip_prefix(' '));
    match format.and_then(|format| format.parse::<u32>().ok()) {
        Some(known @ 1..=FORMAT) => Ok(known),
        Some(newer) if newer > FORMAT => Err(Why::Newer(newer)),
        Some(_) | None => Err(Why::Unknown(text.trim_end().chars().take(40).collect())),
    }
}

/// Refuses a directory with anything in it but what a server leaves that was killed while it made it.
fn refuse_others(dir: &Path) -> Result<(), Why> {
    let (mut names, mut n) = (Vec::new(), 0);
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if [LOCK_FILE, NEW_FORMAT_FILE, LOST_AND_FOUND].iter().any(|ours| name == *ours) {
            continue;
        }
        n += 1;
        names.push(format!("`{}`", name.display()));
        names.sort();
        names.truncate(3);
    }
    if n > 0 { Err(Why::NotOurs { names, n }) } else { Ok(()) }
}

fn write_format(dir: &Path) -> io::Result<()> {
    let new = dir.join(NEW_FORMAT_FILE);
    let mut file = File::create(&new)?;
    writeln!(file, "{FORMAT_WORD} {FORMAT}")?;
    file.sync_all()?;
    fs::rename(new, dir.join(FORMAT_FILE))?;
    sync_dir(dir)
}
