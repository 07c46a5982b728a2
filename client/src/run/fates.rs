//! What became of each request of a run, and where the line that tells of it is.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::state::Planned;
use crate::error::{Error, Result};
use crate::requests::{Checked, name_digest};
use crate::results::{Kind, Unreadable, Verdict};
use crate::types::BatchStatus;

/// How many lines that could not be read are told of.
const MOST_UNREADABLE: usize = 100;

/// What became of all requests of an input, by their places.
#[derive(Debug)]
pub(crate) struct Fates {
    pub(crate) of: Vec<Fate>,
    /// The files that lines are in.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) oddities: Oddities,
}

/// What became of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    /// `None` while it is not known.
    pub(crate) kind: Option<Kind>,
    /// The line, if there is one.
    pub(crate) line: Option<Place>,
    /// In how many batches it was.
    pub(crate) attempts: u8,
    /// The batch that it was in last.
    pub(crate) batch: u32,
}

/// Where a line is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) file: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// What results should not have had.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Oddities {
    /// Lines that could not be read: the first hundred. Each costs itself and nothing else.
    pub unreadable: Vec<Unreadable>,
    /// How many lines could not be read.
    pub n_unreadable: usize,
    /// How many lines told of a request that was told of before in the same batch; the first success counts.
    pub duplicates: usize,
    /// How many lines told of requests that were not in their batch.
    pub strangers: usize,
}

impl Fates {
    pub(crate) fn new(requests: usize) -> Self {
        let unknown = Fate { kind: None, line: None, attempts: 0, batch: 0 };
        Self { of: vec![unknown; requests], files: Vec::new(), oddities: Oddities::default() }
    }

    /// Takes what the results of a batch say. Requests that no line tells of have the fate of their batch.
    pub(crate) fn take(
        &mut self,
        checked: &Checked,
        number: usize,
        batch: &Planned,
        files: &[PathBuf],
    ) -> Result<()> {
        let number = u32::try_from(number).expect("there are fewer batches than requests");
        for place in batch.lines.iter() {
            let fate = &mut self.of[place];
            *fate = Fate { kind: None, line: None, attempts: fate.attempts.saturating_add(1), batch: number };
        }
        for path in files {
            self.read(checked, number, path).map_err(|error| Error::io(path, error))?;
        }
        let status = batch.ending.as_ref().map(|ending| &ending.status);
        let otherwise = match status {
            Some(BatchStatus::Expired) => Kind::Expired,
            Some(BatchStatus::Cancelled) => Kind::Cancelled,
            // Its errors tell why; trying again as it is would end the same.
            Some(BatchStatus::Failed) => Kind::Failed,
            _ => Kind::Missing,
        };
        for place in batch.lines.iter() {
            let kind = self.of[place].kind.get_or_insert(otherwise);
            // Whoever cancelled a batch wants none of it to be tried again.
            if status == Some(&BatchStatus::Cancelled) && *kind == Kind::FailedForNow {
                *kind = Kind::Failed;
            }
        }
        Ok(())
    }

    fn read(&mut self, checked: &Checked, batch: u32, path: &Path) -> io::Result<()> {
        let file = u32::try_from(self.files.len()).expect("there are fewer files than requests");
        self.files.push(path.to_owned());
        let mut reader = BufReader::with_capacity(256 * 1024, File::open(path)?);
        let (mut line, mut offset) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            let text = line.trim_ascii_end();
            if !text.is_empty() {
                let length = u32::try_from(text.len())
                    .map_err(|_| io::Error::other("a line is longer than four gigabytes"))?;
                self.line(checked, batch, text, Place { file, offset, length });
            }
            offset += read as u64;
        }
    }

    fn line(&mut self, checked: &Checked, batch: u32, line: &[u8], place: Place) {
        let verdict = match crate::results::text(line).and_then(Verdict::read) {
            Ok(verdict) => verdict,
            Err(unreadable) => {
                self.oddities.n_unreadable += 1;
                if self.oddities.unreadable.len() < MOST_UNREADABLE {
                    self.oddities.unreadable.push(unreadable);
                }
                return;
            }
        };
        let found = checked.by_name.get(&name_digest(&verdict.custom_id));
        let Some(fate) = found.map(|at| &mut self.of[*at as usize]).filter(|fate| fate.batch == batch) else {
            self.oddities.strangers += 1;
            return;
        };
        // The requests of a batch that failed have their fates from it.
        if fate.attempts == 0 {
            self.oddities.strangers += 1;
            return;
        }
        if fate.kind.is_some() {
            self.oddities.duplicates += 1;
            if fate.kind == Some(Kind::Succeeded) || verdict.kind != Kind::Succeeded {
                return;
            }
        }
        (fate.kind, fate.line) = (Some(verdict.kind), Some(place));
    }

    /// The requests that have to be put into a batch: those that never were, and those that another attempt may help.
    /// `is_pending` tells which ones are in a batch whose end is not known.
    pub(crate) fn to_submit(&self, max_attempts: u32, is_pending: &[bool]) -> Vec<u32> {
        let wanted = |fate: &Fate| match fate.kind {
            None => fate.attempts == 0,
            Some(Kind::FailedForNow | Kind::Expired | Kind::Missing) => {
                u32::from(fate.attempts) < max_attempts
            }
            Some(Kind::Succeeded | Kind::Failed | Kind::Cancelled) => false,
        };
        let all = self.of.iter().enumerate();
        let places = all.filter(|(place, fate)| !is_pending[*place] && wanted(fate)).map(|(place, _)| place);
        places.map(|place| u32::try_from(place).expect("places are counted in 32 bits")).collect()
    }
}
