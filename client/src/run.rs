//! A list of requests in, a list of outcomes out, in the same order: batches are an affair of the run's own.
//!
//! What a run does next follows from what its journal says (`state`, `next`); `driver` does it. Each thing is written
//! down before it is done and after, so a run that is killed at any instant can be gone on with.

mod account;
mod driver;
mod fates;
mod journal;
mod next;
mod progress;
mod refusals;
mod split;
mod state;

use std::fmt;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::pin::Pin;

pub use account::{BatchSummary, Summary};
pub use fates::Oddities;
pub use progress::{Event, Progress};
pub use split::Limits;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::files::{directory_of, partial_name};
use crate::requests::Request;
use crate::results::Outcome;
use driver::{Driver, OnProgress};

/// How a run shall go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// How much one batch may hold, and how much may run at once.
    pub limits: Limits,
    /// Whether requests may be for endpoints that the Batch API does not have, as those of compatible servers may.
    pub any_endpoint: bool,
    /// In how many batches a request may be, in all: one that is missing, expired, or failed in a way that may pass,
    /// is put into another batch until it was in so many. At least 1.
    pub max_attempts: u32,
    /// Deletes inputs and results from the service when results are on this machine's disk.
    pub delete_files: bool,
    /// Attached to every batch.
    pub metadata: Vec<(String, String)>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            any_endpoint: false,
            max_attempts: 2,
            delete_files: false,
            metadata: Vec::new(),
        }
    }
}

impl Client {
    /// Runs requests and gives, for each, exactly one outcome, in their order.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = batchmock::MockServer::builder().clock(batchmock::ClockMode::Stepping).start().await?;
    /// # let short = batchmock_client::PollPolicy { first_pause: std::time::Duration::from_millis(1), ..Default::default() };
    /// # let client = batchmock_client::Client::builder()
    /// #     .base_url(server.base_url()).api_key("sk-any").poll(short).build()?;
    /// use batchmock_client::Request;
    ///
    /// let questions = ["What is 2 + 2?", "Who wrote Faust?"];
    /// let outcomes = client.run(questions.map(|text| Request::chat("gpt-4o-mini", text))).await?;
    /// for (question, outcome) in questions.iter().zip(&outcomes) {
    ///     match outcome.text() {
    ///         Some(text) => println!("{question} {text}"),
    ///         None => println!("{question} {:?}", outcome.fate()),
    ///     }
    /// }
    /// # assert!(outcomes.len() == 2 && outcomes[0].is_success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is run and what comes of it is in memory; [`run_file`](Self::run_file) is for what is too large for that.
    pub fn run<'a, R>(&'a self, requests: R) -> Run<'a>
    where
        R: IntoIterator<Item = Request>,
        R::IntoIter: Send + 'a,
    {
        Run {
            client: self,
            requests: Box::new(requests.into_iter()),
            journal: None,
            options: RunOptions::default(),
            on_progress: None,
        }
    }

    /// Runs the lines of an input and writes an output with one line for each, in their order: the service's own line
    /// where there is one, and one in its form where there is none.
    ///
    /// Nothing of both is in memory but a line at a time and a few dozen bytes for each. The output appears under its
    /// name when it is whole. Beside it, until then, is a directory with its name and `.journal`: a run that was ended
    /// in whatever way is gone on with by calling this again, without a second upload or a second batch.
    ///
    /// ```no_run
    /// # async fn example(client: batchmock_client::Client) -> batchmock_client::Result<()> {
    /// let summary = client.run_file("requests.jsonl", "results.jsonl").await?;
    /// println!("{} of {} succeeded", summary.succeeded, summary.requests);
    /// # Ok(())
    /// # }
    /// ```
    pub fn run_file(&self, input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> RunFile<'_> {
        RunFile {
            client: self,
            input: input.into(),
            output: output.into(),
            adopted: None,
            overwrite: false,
            options: RunOptions::default(),
            on_progress: None,
        }
    }
}

/// A run of requests; see [`Client::run`]. It begins when it is awaited.
///
/// When it is dropped before it has ended, batches go on without it. With a [journal](Self::journal) the next run goes
/// on where it was.
#[must_use = "a run does nothing until it is awaited"]
pub struct Run<'a> {
    client: &'a Client,
    requests: Box<dyn Iterator<Item = Request> + Send + 'a>,
    journal: Option<PathBuf>,
    options: RunOptions,
    on_progress: Option<OnProgress<'a>>,
}

/// A run of a file; see [`Client::run_file`]. It begins when it is awaited.
#[must_use = "a run does nothing until it is awaited"]
pub struct RunFile<'a> {
    client: &'a Client,
    input: PathBuf,
    output: PathBuf,
    adopted: Option<String>,
    overwrite: bool,
    options: RunOptions,
    on_progress: Option<OnProgress<'a>>,
}

impl<'a> Run<'a> {
    /// Keeps a journal in a directory, made if there is none and removed at the end, so that a run that was ended in
    /// whatever way is gone on with by running the same requests again.
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(dir.into());
        self
    }

    /// Runs in another way.
    pub fn options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls a function with everything that happens. A run that it stops fails with an error that
    /// [`is_stopped`](Error::is_stopped).
    pub fn on_progress(mut self, function: impl FnMut(&Progress<'_>) -> ControlFlow<()> + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(function));
        self
    }

    /// Runs, and gives the outcomes together with what they came to.
    pub async fn with_summary(self) -> Result<(Vec<Outcome>, Summary)> {
        let Self { client, requests, journal, options, on_progress } = self;
        let temporary = match &journal {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), error))?),
        };
        let journal = match (&temporary, journal) {
            (Some(dir), _) => dir.path().join("journal"),
            (None, journal) => journal.unwrap_or_default(),
        };
        std::fs::create_dir_all(&journal).map_err(|error| Error::io(&journal, error))?;
        let input = journal.join("requests.jsonl");
        let count = write_requests(requests, &input)?;
        if count == 0 {
            std::fs::remove_dir_all(&journal).map_err(|error| Error::io(&journal, error))?;
            return Ok((Vec::new(), Summary::default()));
        }
        let mut driver = Driver::open(client, options, on_progress, &input, &journal).await?;
        driver.drive().await?;
        let done = driver.outcomes().await?;
        driver.finish()?;
        Ok(done)
    }
}

impl<'a> RunFile<'a> {
    /// Takes a batch that was created before, of this input, instead of creating one: waits for it, and writes what
    /// became of each request. What is missing then, or failed in a way that may pass, is put into a new batch, unless
    /// [`max_attempts`](RunOptions::max_attempts) is 1.
    ///
    /// A run with this batch that was begun before is gone on with; one without it is an error.
    pub fn adopt(mut self, batch_id: impl Into<String>) -> Self {
        self.adopted = Some(batch_id.into());
        self
    }

    /// Overwrites an output that is there already, when its own is whole. Without this, such a run fails before anything
    /// is sent, so that nothing is paid for twice by mistake.
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Runs in another way.
    pub fn options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls a function with everything that happens. A run that it stops fails with an error that
    /// [`is_stopped`](Error::is_stopped), and can be gone on with.
    pub fn on_progress(mut self, function: impl FnMut(&Progress<'_>) -> ControlFlow<()> + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(function));
        self
    }

    async fn run(self) -> Result<Summary> {
        let Self { client, input, output, adopted, overwrite, options, on_progress } = self;
        let journal = journal_of(&output);
        if is_same_file(&input, &output) {
            let what = format!("{} is input and output; the results would take its place", output.display());
            return Err(Error::settings(what));
        }
        let directory = directory_of(&output);
        if !directory.is_dir() {
            let what = format!("there is no directory {} to write to", directory.display());
            return Err(Error::settings(what));
        }
        if output.is_dir() {
            let what = format!("{} is a directory; the output is a file", output.display());
            return Err(Error::settings(what));
        }
        if output.exists() && !overwrite && !journal.exists() {
            let what = format!("{} is there already; remove it to run again", output.display());
            return Err(Error::settings(what));
        }
        let mut driver = Driver::open(client, options, on_progress, &input, &journal).await?;
        if let Some(batch_id) = adopted {
            driver.adopt(batch_id)?;
        }
        driver.drive().await?;
        let summary = driver.write(&output).await?;
        driver.finish()?;
        Ok(summary)
    }
}

/// Whether two paths lead to one file that is there.
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Where the journal of an output is.
pub fn journal_of(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".journal");
    output.with_file_name(name)
}

/// A run that was begun and has not ended, as its journal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The input.
    pub input: PathBuf,
    /// Where it was sent.
    pub base_url: String,
    /// The batches that run, as far as is known.
    pub running: Vec<String>,
    /// How many batches have ended, of how many that are planned.
    pub ended: (usize, usize),
}

/// The run of an output that was begun and has not ended, if there is one. It may be running: nothing is touched.
///
/// # Errors
///
/// If the journal cannot be read.
pub fn unfinished(output: impl AsRef<Path>) -> Result<Option<Unfinished>> {
    let Some(state) = journal::read(&journal_of(output.as_ref()))? else { return Ok(None) };
    let running = state.live().filter_map(|(_, batch)| batch.id.clone()).collect();
    let ended = (next::ended(&state), state.batches.len());
    let unfinished = |begun: state::Begun| Unfinished {
        input: begun.input_path.into(),
        base_url: begun.base_url,
        running,
        ended,
    };
    Ok(state.begun.map(unfinished))
}

/// Writes requests as the lines of an input. Requests without a name are called by their place, counted from 1.
fn write_requests(requests: impl Iterator<Item = Request>, input: &Path) -> Result<usize> {
    let partial = partial_name(input);
    let at = |error| Error::io(&partial, error);
    let mut to = std::io::BufWriter::new(std::fs::File::create(&partial).map_err(at)?);
    let mut count = 0;
    for request in requests {
        count += 1;
        let line = request.to_line_named(&format!("request-{count}"));
        to.write_all(line.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(at)?;
    }
    to.flush().map_err(at)?;
    std::fs::rename(&partial, input).map_err(at)?;
    Ok(count)
}

impl<'a> IntoFuture for Run<'a> {
    type Output = Result<Vec<Outcome>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.with_summary().await?.0) })
    }
}

impl<'a> IntoFuture for RunFile<'a> {
    type Output = Result<Summary>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("journal", &self.journal).finish_non_exhaustive()
    }
}

impl fmt::Debug for RunFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, output, options, .. } = self;
        let mut shown = f.debug_struct("RunFile");
        shown.field("input", input).field("output", output).field("options", options).finish_non_exhaustive()
    }
}
