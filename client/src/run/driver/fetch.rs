//! Getting the results of a batch that has ended, and what follows from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::super::fates::Fates;
use super::super::progress::Event;
use super::super::state::Entry;
use super::{Driver, blocking};
use crate::error::{Error, Result};
use crate::retry::jittered;

/// How often results that break off are asked for, at most.
const FETCHES: u32 = 5;

impl Driver<'_> {
    pub(super) async fn fetch(&mut self, batch: usize) -> Result<()> {
        for (path, id) in self.results(batch) {
            if fs::try_exists(&path).await.map_err(|error| Error::io(&path, error))? {
                continue;
            }
            self.tell(Event::Fetching { batch, file_id: &id })?;
            self.download(&id, &path).await?;
        }
        self.note(Entry::Fetched { batch })?;
        self.take(batch).await?;
        if self.options.delete_files {
            self.delete(batch).await;
        }
        self.tell(Event::Fetched { batch })
    }

    /// Where the results of a batch are, and which.
    fn results(&self, batch: usize) -> Vec<(PathBuf, String)> {
        let ending = self.state.batches[batch].ending.as_ref();
        let output = ending.and_then(|ending| ending.output.clone());
        let error = ending.and_then(|ending| ending.error.clone());
        let both = [("output", output), ("error", error)];
        both.into_iter().filter_map(|(which, id)| Some((self.journal.results(batch, which), id?))).collect()
    }

    /// Downloads results, again if they break off, or seem to.
    async fn download(&mut self, id: &str, path: &Path) -> Result<()> {
        let whole = path.with_extension("jsonl.unseen");
        let mut seen = None;
        for fetches in 1.. {
            let saved = match self.client.files().content(id).await {
                Ok(content) => content.save(&whole).await,
                Err(error) => Err(error),
            };
            let pause = jittered(
                self.client.inner.retry.first_pause,
                self.client.inner.retry.longest_pause,
                fetches,
                &mut self.rng,
            );
            match saved {
                // What ends in the middle of a line twice at the same place ends there.
                Ok(bytes) if seen == Some(bytes) || ends_whole(&whole).await? || fetches >= FETCHES => break,
                Ok(bytes) => seen = Some(bytes),
                Err(error) if error.is_io() || !error.failure().is_transient() || fetches >= FETCHES => {
                    return Err(error);
                }
                Err(error) => self.tell(Event::Failed { error: &error, pause })?,
            }
            self.client.time().sleep(pause).await;
        }
        fs::rename(&whole, path).await.map_err(|error| Error::io(path, error))
    }

    /// Reads what the results of a batch say.
    pub(super) async fn take(&mut self, batch: usize) -> Result<()> {
        let files: Vec<_> = self.results(batch).into_iter().map(|(path, _)| path).collect();
        let (checked, state, fates) =
            (Arc::clone(&self.checked), Arc::clone(&self.state), Arc::clone(&self.fates));
        self.fates = Arc::new(Fates::new(0));
        self.fates = blocking(move || {
            let mut fates = Arc::try_unwrap(fates).expect("nobody else holds it while batches are run");
            fates.take(&checked, batch, &state.batches[batch], &files)?;
            Ok(Arc::new(fates))
        })
        .await?;
        Ok(())
    }

    /// Deletes the files of a batch from the service. What cannot be deleted expires by itself.
    async fn delete(&mut self, batch: usize) {
        let planned = &self.state.batches[batch];
        let input = planned.input.as_ref().map(|input| input.id.clone());
        for id in self.results(batch).into_iter().map(|(_, id)| id).chain(input) {
            let _ = self.client.files().delete(&id).await;
        }
    }
}

/// Whether a file ends with a line end, or with a line that is whole without one.
async fn ends_whole(path: &Path) -> Result<bool> {
    let at = |error| Error::io(path, error);
    let mut file = fs::File::open(path).await.map_err(at)?;
    let length = file.metadata().await.map_err(at)?.len();
    let mut last = Vec::new();
    let mut wanted = 1;
    loop {
        let from = length.saturating_sub(wanted);
        file.seek(std::io::SeekFrom::Start(from)).await.map_err(at)?;
        last.clear();
        file.read_to_end(&mut last).await.map_err(at)?;
        if last.last().is_none_or(|byte| *byte == b'\n') {
            return Ok(true);
        }
        if let Some(begin) = memchr::memrchr(b'\n', &last) {
            return Ok(serde_json::from_slice::<serde::de::IgnoredAny>(&last[begin + 1..]).is_ok());
        }
        if from == 0 {
            return Ok(serde_json::from_slice::<serde::de::IgnoredAny>(&last).is_ok());
        }
        wanted = (wanted * 16).max(64 * 1024);
    }
}
