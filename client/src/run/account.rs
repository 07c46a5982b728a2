//! The account of a run: each request of the input, in its order, with what became of it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::fates::{Fate, Fates, Oddities};
use super::state::{Planned, State};
use crate::error::{Error, Result};
use crate::files::{directory_of, partial_name};
use crate::requests::Checked;
use crate::results::{self, Kind, Outcome, Usage};
use crate::types::{BatchError, BatchStatus};

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// How many requests there were.
    pub requests: usize,
    /// How many were answered.
    pub succeeded: usize,
    /// How many were refused, or broke.
    pub failed: usize,
    /// How many were not answered before their batch expired.
    pub expired: usize,
    /// How many were not answered before their batch was cancelled.
    pub cancelled: usize,
    /// How many no result tells of.
    pub missing: usize,
    /// What the answers cost, by endpoint. Each answered request counts once.
    pub usage: BTreeMap<String, Usage>,
    /// The batches, in the order in which they were planned.
    pub batches: Vec<BatchSummary>,
    /// What results should not have had.
    pub oddities: Oddities,
}

/// A batch of a run that has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchSummary {
    /// What the service calls it.
    pub id: String,
    /// How it ended.
    pub status: BatchStatus,
    /// How many requests it had.
    pub requests: usize,
    /// Why it failed, if it did. The lines that errors name are those of the input of the run.
    pub errors: Vec<BatchError>,
}

impl Summary {
    /// Whether every request was answered.
    pub fn is_success(&self) -> bool {
        self.succeeded == self.requests
    }

    /// What all answers cost together.
    pub fn total_usage(&self) -> Usage {
        let mut total = Usage::default();
        self.usage.values().for_each(|usage| total += *usage);
        total
    }
}

/// All that is needed to tell what became of each request.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) input: &'a Path,
    pub(crate) checked: &'a Checked,
    pub(crate) state: &'a State,
    pub(crate) fates: &'a Fates,
}

/// The files that lines are read from.
struct Sources {
    input: File,
    results: Vec<File>,
}

/// Errors of the batches that failed, by the place of the line that they name.
type Refused<'a> = HashMap<usize, &'a BatchError>;

impl Account<'_> {
    /// Writes a line for each request, in their order, and tells what they came to. The output appears under its name
    /// when it is whole.
    pub(crate) fn write(&self, output: &Path) -> Result<Summary> {
        let partial = partial_name(output);
        let at = |error| Error::io(&partial, error);
        let mut to = BufWriter::with_capacity(256 * 1024, File::create(&partial).map_err(at)?);
        let summary = self
            .each(|line, _| to.write_all(line.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(at))?;
        let file = to.into_inner().map_err(|error| at(error.into_error()))?;
        file.sync_all().map_err(at)?;
        std::fs::rename(&partial, output).map_err(|error| Error::io(output, error))?;
        sync_directory_of(output);
        Ok(summary)
    }

    /// What became of each request, in their order.
    pub(crate) fn outcomes(&self) -> Result<(Vec<Outcome>, Summary)> {
        let mut outcomes = Vec::with_capacity(self.fates.of.len());
        let summary = self.each(|line, fate| {
            let unreadable = |error: results::Unreadable| Error::journal(error.to_string());
            let outcome = Outcome::read(line).map_err(unreadable)?;
            let outcome = match (fate.line, fate.kind) {
                (Some(_), _) => outcome,
                (None, Some(Kind::Missing)) => {
                    Outcome::without_line(outcome.custom_id().to_owned(), results::Fate::Missing)
                }
                (None, _) => Outcome::without_line(outcome.custom_id().to_owned(), outcome.fate().clone()),
            };
            outcomes.push(outcome.after(u32::from(fate.attempts)));
            Ok(())
        })?;
        Ok((outcomes, summary))
    }

    /// Calls a function with the line of each request, and counts.
    fn each(&self, mut give: impl FnMut(&str, &Fate) -> Result<()>) -> Result<Summary> {
        let open = |path: &PathBuf| File::open(path).map_err(|error| Error::io(path, error));
        let sources = Sources {
            input: open(&self.input.to_owned())?,
            results: self.fates.files.iter().map(open).collect::<Result<_>>()?,
        };
        let mut summary = Summary {
            requests: self.fates.of.len(),
            batches: self.state.batches.iter().filter_map(|batch| self.summarized(batch)).collect(),
            oddities: self.fates.oddities.clone(),
            ..Summary::default()
        };
        let refused = self.refused();
        let mut line = Vec::new();
        for (place, fate) in self.fates.of.iter().enumerate() {
            let kind = fate.kind.unwrap_or(Kind::Missing);
            match kind {
                Kind::Succeeded => summary.succeeded += 1,
                Kind::Failed | Kind::FailedForNow => summary.failed += 1,
                Kind::Expired => summary.expired += 1,
                Kind::Cancelled => summary.cancelled += 1,
                Kind::Missing => summary.missing += 1,
            }
            let Some(found) = fate.line else {
                let name = self.custom_id(&sources, place)?;
                give(&self.line_without(&name, kind, fate, refused.get(&place).copied()), fate)?;
                continue;
            };
            line.resize(found.length as usize, 0);
            let path = &self.fates.files[found.file as usize];
            let read = read_at(&sources.results[found.file as usize], &mut line, found.offset);
            read.map_err(|error| Error::io(path, error))?;
            let text = results::text(&line).map_err(|error| Error::journal(error.to_string()))?;
            if kind == Kind::Succeeded
                && let Some(usage) = results::Verdict::read(text).ok().and_then(|verdict| verdict.usage())
            {
                let (endpoint, _) = &self.checked.groups[self.checked.lines[place].group as usize];
                *summary.usage.entry(endpoint.clone()).or_default() += usage;
            }
            give(text, fate)?;
        }
        Ok(summary)
    }

    /// A line in the form of the service's for a request that it gave none for.
    fn line_without(&self, name: &str, kind: Kind, fate: &Fate, own: Option<&BatchError>) -> String {
        let batch = self.state.batches.get(fate.batch as usize);
        let (code, message) = match kind {
            Kind::Expired => ("batch_expired", "the batch expired, and no result tells of this request"),
            Kind::Cancelled => {
                ("batch_cancelled", "the batch was cancelled, and no result tells of this request")
            }
            Kind::Failed => {
                let errors = batch.and_then(|batch| batch.ending.as_ref()).map(|ending| &ending.errors);
                match own
                    .or_else(|| errors.and_then(|errors| errors.iter().find(|error| error.line.is_none())))
                {
                    Some(error) => (error.code.as_str(), error.message.as_str()),
                    None => ("batch_failed", "the batch was refused because of other requests in it"),
                }
            }
            Kind::Missing | Kind::FailedForNow | Kind::Succeeded => {
                ("missing", "the batch has ended, and no result tells of this request")
            }
        };
        let error = json!({"code": code, "message": message});
        json!({"id": null, "custom_id": name, "response": null, "error": error}).to_string()
    }

    /// What validation found about single lines.
    fn refused(&self) -> Refused<'_> {
        let mut refused = Refused::new();
        for batch in &self.state.batches {
            let Some(ending) = batch.ending.as_ref().filter(|ending| !ending.errors.is_empty()) else {
                continue;
            };
            let places: Vec<_> = batch.lines.iter().collect();
            for error in &ending.errors {
                let line =
                    error.line.and_then(|line| usize::try_from(line).ok()).and_then(|n| n.checked_sub(1));
                if let Some(place) = line.and_then(|line| places.get(line)) {
                    refused.entry(*place).or_insert(error);
                }
            }
        }
        refused
    }

    fn summarized(&self, batch: &Planned) -> Option<BatchSummary> {
        let ending = batch.ending.as_ref()?;
        let in_input = |line: u64| {
            let at = usize::try_from(line).ok()?.checked_sub(1)?;
            Some(u64::from(self.checked.numbers[batch.lines.iter().nth(at)?]))
        };
        let mut errors = ending.errors.clone();
        for error in &mut errors {
            error.line = error.line.and_then(in_input);
        }
        let (id, status) = (batch.id.clone()?, ending.status.clone());
        Some(BatchSummary { id, status, requests: batch.lines.len(), errors })
    }

    /// The name of a request, from the input.
    fn custom_id(&self, sources: &Sources, place: usize) -> Result<String> {
        #[derive(Deserialize)]
        struct Named {
            custom_id: String,
        }
        let line = self.checked.lines[place];
        let mut bytes = vec![0; line.length as usize];
        let at = |error| Error::io(self.input, error);
        read_at(&sources.input, &mut bytes, line.offset).map_err(at)?;
        let named: Named = serde_json::from_slice(&bytes).map_err(|error| at(error.into()))?;
        Ok(named.custom_id)
    }
}

/// Has the name of a file kept, before the journal that could make it again is removed. Where the system cannot do that,
/// only a loss of power right then is a loss.
fn sync_directory_of(path: &Path) {
    if let Ok(directory) = File::open(directory_of(path)) {
        let _ = directory.sync_all();
    }
}

fn read_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
