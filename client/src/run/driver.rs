//! Doing what is next, and writing down what came of it: the driver around `next`.

mod fetch;
mod submit;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::RunOptions;
use super::account::{Account, Summary};
use super::fates::Fates;
use super::journal::{Journal, VERSION};
use super::next::{Patience, Step, ended, next};
use super::progress::{Event, Progress};
use super::split::{Lines, split, tokens};
use super::state::{Begun, Ending, Entry, Stage, State};
use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::once::LISTED_AFTER;
use crate::poll::{Next, Poll, Seen};
use crate::requests::{Checked, Checks};
use crate::results::{self, Outcome};
use crate::retry::jittered;
use crate::types::{Batch, BatchStatus, RequestCounts};

/// What a run tells of itself, and whether it is to go on.
pub(super) type OnProgress<'a> = Box<dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send + 'a>;

/// A run under way.
pub(super) struct Driver<'a> {
    client: &'a Client,
    options: RunOptions,
    on_progress: Option<OnProgress<'a>>,
    input: PathBuf,
    checked: Arc<Checked>,
    journal: Journal,
    state: Arc<State>,
    fates: Arc<Fates>,
    known: Vec<Known>,
    /// Of each batch, as `known`.
    patience: Vec<Patience>,
    tokens: Vec<u64>,
    rng: ChaCha8Rng,
    since: Duration,
}

/// What is known of a batch in this process, and not kept.
struct Known {
    poll: Poll,
    since: Option<Duration>,
    counts: RequestCounts,
    /// How often something about it failed in a row.
    failures: u32,
    /// How often it was refused for the queue.
    refusals: u32,
    /// Since when it has been.
    refused_since: Option<Duration>,
    /// How often the service did not find its input.
    lookups: u32,
}

impl<'a> Driver<'a> {
    /// Reads the input and the journal, if there is one.
    pub(super) async fn open(
        client: &'a Client,
        options: RunOptions,
        on_progress: Option<OnProgress<'a>>,
        input: &Path,
        journal: &Path,
    ) -> Result<Self> {
        let path = input.to_owned();
        let RunOptions { any_endpoint, limits, .. } = options.clone();
        let checks = Checks { limits, any_endpoint, ..Checks::default() };
        let checked = Arc::new(blocking(move || checks.file(path)).await?);
        let (journal, state) = Journal::open(journal)?;
        let mut driver = Self {
            client,
            options,
            on_progress,
            input: input.to_owned(),
            fates: Arc::new(Fates::new(checked.requests())),
            checked,
            journal,
            state: Arc::new(state),
            known: Vec::new(),
            patience: Vec::new(),
            tokens: Vec::new(),
            rng: client.rng(),
            since: client.time().elapsed(),
        };
        driver.begin()?;
        for batch in 0..driver.state.batches.len() {
            driver.know(batch);
            if driver.state.batches[batch].stage == Stage::Fetched {
                driver.take(batch).await?;
            }
        }
        Ok(driver)
    }

    fn begin(&mut self) -> Result<()> {
        let begun = Begun {
            version: VERSION,
            name: format!("{:016x}", self.rng.next_u64()),
            input: format!("{:032x}", self.checked.digest),
            input_path: absolute(&self.input).to_string_lossy().into_owned(),
            base_url: self.client.base_url().to_owned(),
        };
        let resumed = self.state.begun.is_some();
        match &self.state.begun {
            None => self.note(Entry::Begun(begun))?,
            Some(Begun { version, input, base_url, name: _, input_path: _ }) => {
                let wrong =
                    |what: &str| Err(Error::journal(format!("{what}; remove the journal to begin anew")));
                if *version != VERSION {
                    return wrong("the journal is of another version of this program");
                }
                if *input != begun.input {
                    return wrong("the journal is of another input, or the input has changed");
                }
                if *base_url != begun.base_url {
                    return wrong(&format!("the journal is of a run at {base_url}"));
                }
            }
        }
        self.tell(Event::Checked { bytes: self.checked.bytes(), resumed })
    }

    /// Takes a batch of all requests for one of the run, if it has none yet.
    pub(super) fn adopt(&mut self, id: String) -> Result<()> {
        if id.is_empty() {
            return Err(Error::settings("the id of a batch is empty"));
        }
        if self.state.batches.iter().any(|batch| batch.id.as_ref() == Some(&id)) {
            return Ok(());
        }
        if !self.state.batches.is_empty() {
            let what = format!("the journal is of a run without {id}; remove the journal to begin anew");
            return Err(Error::journal(what));
        }
        let mut lines = Lines::default();
        for place in 0..self.checked.lines.len() {
            lines.push(u32::try_from(place).expect("places are counted in 32 bits"));
        }
        let endpoint = self.checked.groups[self.checked.lines[0].group as usize].0.clone();
        self.note(Entry::Adopted { lines, endpoint, id })?;
        self.know(0);
        Ok(())
    }

    /// Does what is to be done until every request has its fate.
    pub(super) async fn drive(&mut self) -> Result<()> {
        loop {
            let now = self.now();
            match next(&self.state, &self.patience, &self.tokens, &self.options.limits, now) {
                Step::Fetch(batch) => self.fetch(batch).await?,
                Step::Upload(batch) => self.upload(batch).await?,
                Step::Create(batch) => self.create(batch).await?,
                Step::Look(batch) => self.look(batch).await?,
                Step::Wait(pause) => self.client.time().sleep(pause).await,
                Step::Conclude => {
                    if !self.plan()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Writes the output.
    pub(super) async fn write(&mut self, output: &Path) -> Result<Summary> {
        self.tell(Event::Writing)?;
        let output = output.to_owned();
        let summary = self.accounted(move |account| account.write(&output)).await?;
        self.tell(Event::Written)?;
        Ok(summary)
    }

    /// What became of each request.
    pub(super) async fn outcomes(&mut self) -> Result<(Vec<Outcome>, Summary)> {
        self.accounted(|account| account.outcomes()).await
    }

    /// Leaves nothing behind.
    pub(super) fn finish(self) -> Result<()> {
        self.journal.remove()
    }

    async fn accounted<T: Send + 'static>(
        &mut self,
        doing: impl FnOnce(Account<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (checked, state, fates) =
            (Arc::clone(&self.checked), Arc::clone(&self.state), Arc::clone(&self.fates));
        let input = self.input.clone();
        blocking(move || doing(Account { input: &input, checked: &checked, state: &state, fates: &fates }))
            .await
    }

    /// Plans batches of the requests that have to be in one; tells whether there are any.
    fn plan(&mut self) -> Result<bool> {
        let mut is_pending = vec![false; self.checked.requests()];
        let is_over = |stage| matches!(stage, Stage::Fetched | Stage::Dropped);
        for batch in self.state.batches.iter().filter(|batch| !is_over(batch.stage)) {
            batch.lines.iter().for_each(|place| is_pending[place] = true);
        }
        let places = self.fates.to_submit(self.options.max_attempts.max(1), &is_pending);
        let batches = split(&self.checked.lines, places, &self.options.limits);
        let is_done = batches.is_empty();
        for lines in batches {
            let first = lines.iter().next().expect("no batch is planned without requests");
            let attempt = u32::from(self.fates.of[first].attempts);
            let endpoint = self.checked.groups[self.checked.lines[first].group as usize].0.clone();
            let (batch, requests) = (self.state.batches.len(), lines.len());
            self.note(Entry::Planned { lines, endpoint })?;
            self.know(batch);
            self.tell(Event::Planned { batch, requests, attempt })?;
        }
        Ok(!is_done)
    }

    /// The time is over.
    fn late(&self, waited: Duration) -> Error {
        let batches = self.state.live().filter_map(|(_, batch)| batch.id.clone()).collect();
        Error::new(Kind::Deadline { batches, waited })
    }

    /// Something about a batch failed and is tried again, if there is hope and patience left. What may have been taken
    /// is looked for first, since the stage of the batch says that it may be there.
    fn failed(&mut self, batch: usize, error: Error) -> Result<()> {
        let policy = &self.client.inner.retry;
        let failures = self.known[batch].failures;
        let may_pass = error.is_ambiguous() || error.failure().is_transient();
        if !may_pass || failures >= policy.max_retries {
            return Err(error);
        }
        let pause = jittered(policy.first_pause, policy.longest_pause, failures, &mut self.rng);
        // What was taken a moment ago need not be in a list yet.
        let pause = pause.max(LISTED_AFTER).max(error.retry_after().unwrap_or_default());
        self.known[batch].failures += 1;
        self.patience[batch] = Patience { not_before: self.now() + pause, refused_at: None };
        self.tell(Event::Failed { error: &error, pause })
    }

    async fn look(&mut self, batch: usize) -> Result<()> {
        let id = self.state.batches[batch].id.clone().expect("a batch that runs has an id");
        let looked = self.client.batches().retrieve(&id).await;
        let now = self.now();
        let known = &mut self.known[batch];
        let waited = now.saturating_sub(*known.since.get_or_insert(now));
        let next = match &looked {
            Ok(shown) => known.poll.next(Seen::Status(&shown.status, shown.retry_after()), waited),
            Err(error) => known.poll.next(Seen::Failure(&error.failure()), waited),
        };
        if let Ok(shown) = &looked {
            // Counts that go back are an older state, shown late.
            let counts = shown.request_counts.unwrap_or_default();
            known.counts.completed = known.counts.completed.max(counts.completed);
            known.counts.failed = known.counts.failed.max(counts.failed);
            self.tell(Event::Looked { batch, shown })?;
        }
        match (next, looked) {
            (Next::Again(pause), looked) => {
                self.patience[batch] = Patience { not_before: now + pause, refused_at: None };
                match looked {
                    Ok(_) => Ok(()),
                    Err(error) => self.tell(Event::Failed { error: &error, pause }),
                }
            }
            (Next::Late, _) => Err(self.late(waited)),
            (Next::Ended, Ok(shown)) => self.ended(batch, &shown),
            (Next::Hopeless | Next::Ended, Err(error)) => Err(error),
            (Next::Hopeless, Ok(_)) => unreachable!("only failures are hopeless"),
        }
    }

    fn ended(&mut self, batch: usize, shown: &Batch) -> Result<()> {
        let errors = shown.errors.as_ref().map(|errors| errors.data.clone()).unwrap_or_default();
        // One that others created is not this run's to create anew.
        let is_own = self.state.batches[batch].input.is_some();
        if shown.status == BatchStatus::Failed && is_own {
            let why = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            if let Some(limit) = self.limit_below(batch, &why) {
                return self.divide(batch, limit, &why);
            }
            if let Some(patience) = self.reason_to_defer(batch, &errors) {
                return self.defer(batch, patience, &why);
            }
        }
        let id = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        let ending = Ending {
            status: shown.status.clone(),
            output: id(&shown.output_file_id),
            error: id(&shown.error_file_id),
            errors,
        };
        self.note(Entry::Ended { batch, ending })
    }

    /// Writes an entry down, and takes it for true.
    fn note(&mut self, entry: Entry) -> Result<()> {
        self.journal.append(&entry)?;
        let state = Arc::get_mut(&mut self.state).expect("nobody else holds it while batches are run");
        state.apply(entry).map_err(Error::journal)
    }

    fn know(&mut self, batch: usize) {
        self.known.push(Known {
            poll: Poll::new(self.client.inner.poll.clone(), self.client.rng()),
            since: None,
            counts: RequestCounts::default(),
            failures: 0,
            refusals: 0,
            refused_since: None,
            lookups: 0,
        });
        self.patience.push(Patience::default());
        let lines = self.state.batches[batch].lines.iter();
        self.tokens.push(lines.map(|place| tokens(&self.checked.lines[place])).sum());
    }

    fn tell(&mut self, event: Event<'_>) -> Result<()> {
        let Some(on_progress) = &mut self.on_progress else { return Ok(()) };
        let (mut done, mut failed) = (0, 0);
        for fate in &self.fates.of {
            done += usize::from(fate.kind.is_some());
            failed += usize::from(fate.kind.is_some_and(|kind| kind != results::Kind::Succeeded));
        }
        // Of one that has ended, what it counted, until its results are here.
        let is_counted = |stage| matches!(stage, Stage::Live | Stage::Creating | Stage::Ended);
        let counted = self.state.batches.iter().enumerate().filter(|(_, batch)| is_counted(batch.stage));
        for (batch, _) in counted {
            let Some(Known { counts, .. }) = self.known.get(batch) else { continue };
            done += (counts.completed + counts.failed) as usize;
            failed += counts.failed as usize;
        }
        let progress = Progress {
            event,
            requests: self.checked.requests(),
            done: done.min(self.checked.requests()),
            failed,
            batches: self.state.batches.len(),
            running: self.state.live().count(),
            ended: ended(&self.state),
        };
        match on_progress(&progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::new(Kind::Stopped)),
        }
    }

    fn now(&self) -> Duration {
        self.client.time().elapsed().saturating_sub(self.since)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Does what would keep others waiting on a thread of its own.
async fn blocking<T: Send + 'static>(doing: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(doing).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
