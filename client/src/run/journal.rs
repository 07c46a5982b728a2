//! The journal of a run, on the disk: what was done, so that the next run can go on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::state::{Entry, State};
use crate::error::{Error, Result};

/// The version of the journal's form; another one is not gone on with.
pub(crate) const VERSION: u32 = 1;

/// A directory with the journal of a run and the results that it has fetched. One process at a time has it.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    file: Claimed,
}

/// A file that is locked as long as this lives.
///
/// Closing it is not enough: a process that is being started at this moment, by another thread, has the file open, too,
/// until its program is loaded, and the lock would last as long.
#[derive(Debug)]
struct Claimed(File);

impl Drop for Claimed {
    fn drop(&mut self) {
        // If it cannot be unlocked, it is as if it were closed alone.
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// Opens the journal in a directory, which is made if there is none, and reads what it says.
    ///
    /// The end of a journal whose writer was killed may be half an entry: it is cut off.
    pub(crate) fn open(dir: &Path) -> Result<(Self, State)> {
        fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
        let path = dir.join("journal.jsonl");
        let at = |error| Error::io(&path, error);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = options.map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("{} is in use by another run", dir.display());
                return Err(Error::journal(what));
            }
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let mut file = Claimed(file);
        let mut text = Vec::new();
        file.0.read_to_end(&mut text).map_err(at)?;
        let (state, whole) = state_of(&text, &path)?;
        file.0.set_len(whole as u64).map_err(at)?;
        file.0.seek(SeekFrom::End(0)).map_err(at)?;
        Ok((Self { dir: dir.to_owned(), file }, state))
    }

    /// Adds an entry. When this returns, it is on the disk.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry).expect("entries have keys of text");
        line.push(b'\n');
        let written = self.file.0.write_all(&line).and_then(|()| self.file.0.sync_data());
        written.map_err(|error| Error::io(&self.dir, error))
    }

    /// Where results of a batch are kept, once they are whole.
    pub(crate) fn results(&self, batch: usize, which: &str) -> PathBuf {
        self.dir.join(format!("{:04}-{which}.jsonl", batch + 1))
    }

    /// Ends the run: nothing is left of it.
    pub(crate) fn remove(self) -> Result<()> {
        let Self { dir, file } = self;
        // First the journal: without it, what is left is nobody's.
        let path = dir.join("journal.jsonl");
        fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
        drop(file);
        fs::remove_dir_all(&dir).map_err(|error| Error::io(&dir, error))
    }
}

/// What the journal in a directory says, if there is one.
pub(crate) fn read(dir: &Path) -> Result<Option<State>> {
    let path = dir.join("journal.jsonl");
    match fs::read(&path) {
        Ok(text) => Ok(Some(state_of(&text, &path)?.0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path, error)),
    }
}

/// What a journal says, and how long it is without the half of an entry at its end.
fn state_of(text: &[u8], path: &Path) -> Result<(State, usize)> {
    let whole = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
    let mut state = State::default();
    for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let wrong = |why: String| {
            let what = format!("{}, line {}: {why}", path.display(), number + 1);
            Error::journal(format!("the journal cannot be read: {what}"))
        };
        let entry: Entry = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        state.apply(entry).map_err(|why| wrong(why.to_owned()))?;
    }
    Ok((state, whole))
}

#[cfg(test)]
mod tests {
    use super::super::split::Lines;
    use super::super::state::Begun;
    use super::*;

    fn begun() -> Entry {
        Entry::Begun(Begun {
            version: VERSION,
            name: "n".to_owned(),
            input: "i".to_owned(),
            input_path: "p".to_owned(),
            base_url: "u".to_owned(),
        })
    }

    #[test]
    fn half_an_entry_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, state) = Journal::open(dir.path()).unwrap();
        assert!(state.begun.is_none());
        journal.append(&begun()).unwrap();
        drop(journal);
        let path = dir.path().join("journal.jsonl");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b"{\"entry\":\"upl"].concat()).unwrap();
        let (mut journal, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(state.name(), "n");
        journal.append(&Entry::Planned { lines: Lines::default(), endpoint: "e".to_owned() }).unwrap();
        drop(journal);
        assert_eq!(Journal::open(dir.path()).unwrap().1.batches.len(), 1);
    }

    #[test]
    fn a_journal_that_makes_no_sense_is_not_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        for text in ["{}\n", "no\n", "{\"entry\":\"fetched\",\"batch\":3}\n"] {
            fs::write(&path, text).unwrap();
            let error = Journal::open(dir.path()).unwrap_err();
            assert!(error.is_journal() && error.to_string().contains("line 1"), "{error}");
        }
    }

    #[test]
    fn one_run_at_a_time_has_it_whoever_still_has_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path()).unwrap();
        let error = Journal::open(dir.path()).unwrap_err();
        assert!(error.is_journal() && error.to_string().contains("in use by another run"), "{error}");
        // As a process has it that is just being started.
        let copy = journal.file.0.try_clone().unwrap();
        drop(journal);
        let (journal, _) = Journal::open(dir.path()).unwrap();
        drop(copy);
        journal.remove().unwrap();
        assert!(!dir.path().exists());
    }
}
