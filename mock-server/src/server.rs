//! A server in a test, or anywhere else in a Rust program.

mod builder;
mod connections;
mod courier;
mod delivery;
mod faults;
mod files;
mod journal;
mod patience;
mod waiting;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::ClockMode;
use crate::config::Config;
use crate::control::Guard;
use crate::http::App;
use crate::journal::ReceivedRequest;
use crate::scenario::{KEY_PREFIX, ScenarioError};
use crate::sim::Timestamp;
use crate::world::{AdvanceError, AdvanceTo, World, Worlds};
pub use builder::Builder;
use courier::Courier;
pub use faults::{FaultCount, FaultHandle};
pub use files::StoredFile;
pub use journal::JournalHandle;
pub(crate) use waiting::until_recorded;

/// The key that [`MockServer::api_key`] and the command line give out. Any other works as well, and has a
/// world of its own, unless [`Builder::keys`] says which do.
pub const DEFAULT_KEY: &str = "sk-batchmock";

/// A running mock on a free port of the loopback. It stops when it is dropped.
///
/// Start one for each test: starting takes about a millisecond, and tests that share nothing need no order.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use batchmock::{ClockMode, MockServer};
///
/// let server = MockServer::builder().clock(ClockMode::Frozen).start().await?;
/// let answer = reqwest::Client::new()
///     .get(format!("{}/batches", server.base_url()))
///     .bearer_auth(server.api_key())
///     .send()
///     .await?;
/// assert_eq!(answer.status(), 200);
/// # Ok(())
/// # }
/// ```
///
/// # Limitations
///
/// The server runs on the tokio runtime that it was started on and stops with it. Dropping it does not wait
/// for requests that are under way.
#[derive(Debug)]
#[must_use = "the server stops when this is dropped: bind it to a name such as `server`"]
pub struct MockServer {
    address: SocketAddr,
    app: App,
    /// Dropping it ends the server.
    running: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    courier: Courier,
}

/// Serves on a listener until `shutdown` is ready, then lets requests under way end, for at most `grace`.
///
/// The control API is open to requests for loopback addresses and for the names in `hosts`. A data directory is
/// closed when this is done.
///
/// # Errors
///
/// If the directory for files cannot be made.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    hosts: Vec<String>,
    shutdown: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> io::Result<()> {
    let data_dir = config.data_dir.clone();
    let app = App::new(Worlds::new(config)?, Guard::new(hosts));
    let courier = Courier::start(app.clone());
    connections::serve(listener, app, shutdown, grace).await;
    courier.stop().await;
    if let Some(data_dir) = data_dir {
        data_dir.close();
    }
    Ok(())
}

/// The clock of one world of a [`MockServer`].
#[derive(Clone)]
pub struct ClockHandle {
    key: String,
    app: App,
}

/// Why a clock was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ClockError(String);

impl MockServer {
    /// A server with every setting at its default.
    ///
    /// # Errors
    ///
    /// If no port can be had or the directory for files cannot be made.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A server to be told how to behave.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to give a client as its base URL: `http://127.0.0.1:…/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// A key to give a client: the first of [`Builder::keys`], or [`DEFAULT_KEY`] where any other works as
    /// well. Each opens a world of its own.
    pub fn api_key(&self) -> &str {
        self.app.worlds.config().keys.first().map_or(DEFAULT_KEY, String::as_str)
    }

    /// A key whose world is in a scenario: `test` tells apart worlds that are in the same one, and can be any text.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = batchmock::MockServer::start().await?;
    /// assert_eq!(server.scenario_key("expired-partial", "my-test")?, "sk-mock-expired-partial.my-test");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such scenario; the message names the nearest.
    pub fn scenario_key(&self, scenario: &str, test: &str) -> Result<String, ScenarioError> {
        let scenario = self.app.worlds.config().scenarios.get(scenario)?;
        Ok(format!("{KEY_PREFIX}{}.{test}", scenario.name()))
    }

    /// The clock of the world of [`api_key`](Self::api_key).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use batchmock::{ClockMode, MockServer};
    ///
    /// let server = MockServer::builder().clock(ClockMode::Frozen).start().await?;
    /// let before = server.clock().now();
    /// server.clock().advance(Duration::from_hours(24))?;
    /// assert_eq!(server.clock().now().since(before), Duration::from_hours(24));
    /// # Ok(())
    /// # }
    /// ```
    pub fn clock(&self) -> ClockHandle {
        self.clock_of(self.api_key())
    }

    /// The clock of the world of any key.
    pub fn clock_of(&self, api_key: &str) -> ClockHandle {
        ClockHandle { key: api_key.to_owned(), app: self.app.clone() }
    }

    /// What happened in the world of a key: requests, what became of batches and files, and mistakes of clients.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::{MockServer, Operation};
    ///
    /// let server = MockServer::start().await?;
    /// // … let the code under test work …
    /// # reqwest::Client::new()
    /// #     .get(format!("{}/batches", server.base_url()))
    /// #     .bearer_auth(server.api_key())
    /// #     .send()
    /// #     .await?;
    /// let journal = server.journal(server.api_key());
    /// journal.assert_count(Operation::ListBatches, 1);
    /// journal.assert_no_notes();
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal(&self, api_key: &str) -> JournalHandle {
        JournalHandle::new(api_key.to_owned(), self.app.clone())
    }

    /// The requests that have come with a key, oldest first: those that are still in its
    /// [journal](Self::journal), with what became of each.
    pub fn received_requests(&self, api_key: &str) -> Vec<ReceivedRequest> {
        self.journal(api_key).requests()
    }

    /// The files of the world of a key: what clients sent, and what batches made, by age. No trace of this look is in the
    /// journal. Files that were deleted come last, if they are [kept](Builder::keep_removed_files).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::MockServer;
    ///
    /// let server = MockServer::start().await?;
    /// // … let the code under test upload something …
    /// for file in server.files(server.api_key()) {
    ///     println!("{} {} has {} bytes", file.purpose, file.filename, file.read()?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn files(&self, api_key: &str) -> Vec<StoredFile> {
        let files = ask(&self.app, api_key, World::all_files);
        files.into_iter().map(|(is_there, record)| StoredFile::new(is_there, record)).collect()
    }

    /// The faults of the world of [`api_key`](Self::api_key).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::{FaultPlan, MockServer};
    ///
    /// let server = MockServer::start().await?;
    /// let rule = r#"{ operation = "list_batches", nth = 1, error = "overloaded" }"#.parse()?;
    /// server.faults().add(&FaultPlan::new(vec![rule]))?;
    /// let url = format!("{}/batches", server.base_url());
    /// let ask = || reqwest::Client::new().get(&url).bearer_auth(server.api_key()).send();
    /// assert_eq!(ask().await?.status(), 503);
    /// assert_eq!(ask().await?.status(), 200);
    /// assert_eq!(server.faults().counts()[0].n_fired, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn faults(&self) -> FaultHandle {
        self.faults_of(self.api_key())
    }

    /// The faults of the world of any key.
    pub fn faults_of(&self, api_key: &str) -> FaultHandle {
        FaultHandle { key: api_key.to_owned(), app: self.app.clone() }
    }

    /// Stops it, and returns when that is done: requests under way are broken off, and a data directory is closed,
    /// so that another server can open it.
    pub async fn stop(self) {
        let Self { address: _, app, running, serving, courier } = self;
        drop(running);
        // Should it have panicked, it has stopped as well.
        let _ = serving.await;
        courier.stop().await;
        if let Some(data_dir) = app.worlds.data_dir() {
            data_dir.close();
        }
    }
}

/// A clock of a server with a data directory that cannot be read or written any more cannot be asked: the methods
/// panic then.
impl ClockHandle {
    /// What it shows.
    pub fn now(&self) -> Timestamp {
        self.ask(|world, wall| world.clock(wall).now)
    }

    /// Lets it move in another way from now on.
    pub fn set_mode(&self, mode: ClockMode) {
        self.ask(|world, wall| world.set_clock_mode(wall, mode));
    }

    /// Moves it ahead. When this returns, everything due has happened.
    ///
    /// # Errors
    ///
    /// If that is after the last time a clock may show.
    pub fn advance(&self, by: Duration) -> Result<(), ClockError> {
        self.advance_to(&AdvanceTo::By(by))
    }

    /// Moves it ahead to the next change of any batch.
    ///
    /// # Errors
    ///
    /// If nothing will change by itself.
    pub fn advance_to_next_change(&self) -> Result<(), ClockError> {
        self.advance_to(&AdvanceTo::NextChange)
    }

    fn advance_to(&self, target: &AdvanceTo) -> Result<(), ClockError> {
        match self.ask(|world, wall| world.advance(wall, target)) {
            Ok(_) => Ok(()),
            Err(AdvanceError::NothingToCome) => {
                Err(ClockError("nothing will change by itself: every batch has ended".to_owned()))
            }
            Err(AdvanceError::TooFar) => {
                Err(ClockError(format!("a clock goes no further than {}", Timestamp::MAX)))
            }
            Err(
                error @ (AdvanceError::Backwards(_) | AdvanceError::NoSuchBatch | AdvanceError::Never(_)),
            ) => Err(ClockError(format!("the clock was not moved: {error:?}"))),
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&World, Timestamp) -> T) -> T {
        ask(&self.app, &self.key, question)
    }
}

/// The world of a key.
fn world(app: &App, key: &str, wall: Timestamp) -> Arc<World> {
    match app.worlds.world(key, wall, usize::MAX) {
        Ok(world) => world,
        Err(why) => panic!("the data directory cannot be read: {why:?}"),
    }
}

/// Asks the world of a key for something, and waits until what it shows is kept.
fn ask<T>(app: &App, key: &str, question: impl FnOnce(&World, Timestamp) -> T) -> T {
    let wall = app.wall();
    let world = world(app, key, wall);
    let answer = question(&world, wall);
    if let Err(error) = world.kept_blocking(wall) {
        panic!("the data directory cannot be written: {error}");
    }
    answer
}

/// Not with the key.
impl fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClockHandle").finish_non_exhaustive()
    }
}
