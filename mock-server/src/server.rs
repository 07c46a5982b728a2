//! A server in a test, or anywhere else in a Rust program.

mod connections;
mod courier;
mod delivery;
mod faults;
mod journal;
mod patience;
mod waiting;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::answers::{LineRules, Recording, Unrecorded};
use crate::clock::ClockMode;
use crate::config::{Config, ConnectionLimits, Limits, ModelPolicy};
use crate::control::Guard;
use crate::fault::FaultPlan;
use crate::http::App;
use crate::journal::ReceivedRequest;
use crate::responder::AnswerStyle;
use crate::scenario::{KEY_PREFIX, ScenarioError, Scenarios};
use crate::sim::{Pace, Timestamp};
use crate::store::DataDir;
use crate::switches::Switches;
use crate::webhook::{WebhookEndpoint, WebhookPlan};
use crate::world::{AdvanceError, AdvanceTo, World, Worlds};
use courier::Courier;
pub use faults::{FaultCount, FaultHandle};
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

/// How a [`MockServer`] shall behave.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use batchmock::{ClockMode, LineRules, Limits, MockServer};
///
/// let server = MockServer::builder()
///     .seed(42)
///     .clock(ClockMode::Stepping)
///     .rules(LineRules::new(vec!["custom_id=order-*:429".parse().expect("a rule")]))
///     .limits(Limits { batch_lines: 10, ..Limits::default() })
///     .start()
///     .await?;
/// # drop(server);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Builder {
    config: Config,
    scenario: Option<String>,
    data_dir: Option<PathBuf>,
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

impl Builder {
    /// The number from which every order, id and answer follows; 0 if not set.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// How clocks move; as wall time if not set.
    #[must_use]
    pub fn clock(mut self, mode: ClockMode) -> Self {
        self.config.clock = mode;
        self
    }

    /// What clocks show at first; wall time if not set.
    #[must_use]
    pub fn start_at(mut self, time: Timestamp) -> Self {
        self.config.start_at = Some(time);
        self
    }

    /// How long each phase of a batch takes; [`Pace::QUICK`] if not set.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.config.pace = pace;
        self
    }

    /// What requests are answered; canaries if not set.
    #[must_use]
    pub fn answers(mut self, answers: AnswerStyle) -> Self {
        self.config.answers = answers;
        self
    }

    /// Which lines fail or end otherwise than their requests deserve; none if not set.
    #[must_use]
    pub fn rules(mut self, rules: LineRules) -> Self {
        self.config.rules = rules;
        self
    }

    /// In which scenario worlds are whose key names none; [`Scenarios`] has those there are. Tests that share a server
    /// had better name it in the key ([`MockServer::scenario_key`]), or in the metadata `mock_scenario` of a batch.
    #[must_use]
    pub fn scenario(mut self, name: impl Into<String>) -> Self {
        self.scenario = Some(name.into());
        self
    }

    /// The scenarios that can be called by name; those that come with batchmock if not set.
    #[must_use]
    pub fn scenarios(mut self, scenarios: Scenarios) -> Self {
        self.config.scenarios = scenarios;
        self
    }

    /// A recording to answer from; may be called several times, and the first that knows a request answers.
    ///
    /// A recording by name is asked about lines only, since synchronous calls have no name.
    #[must_use]
    pub fn recording(mut self, recording: Recording) -> Self {
        self.config.recordings.push(recording);
        self
    }

    /// What becomes of requests that no recording knows; they fail if not set.
    #[must_use]
    pub fn unrecorded(mut self, unrecorded: Unrecorded) -> Self {
        self.config.unrecorded = unrecorded;
        self
    }

    /// What goes wrong between clients and each world; nothing if not set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::{FaultPlan, MockServer};
    ///
    /// let plan = FaultPlan::from_toml(
    ///     r#"
    ///     [[fault]]
    ///     operation = "create_batch"
    ///     nth = 1
    ///     connection = "lost_acknowledgement"
    ///     "#,
    /// )?;
    /// let server = MockServer::builder().faults(plan).start().await?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.config.faults = plan;
        self
    }

    /// How much is accepted; as much as the real service does if not set.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// How much a connection may take, and how long; so much that no client meets it if not set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// use batchmock::{ConnectionLimits, MockServer};
    ///
    /// let impatient =
    ///     ConnectionLimits { body_stalls_for: Duration::from_secs(1), ..ConnectionLimits::default() };
    /// let server = MockServer::builder().connections(impatient).start().await?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connections(mut self, limits: ConnectionLimits) -> Self {
        self.config.connections = limits;
        self
    }

    /// The only keys that are accepted; any key if not set. A request with another key is refused with status
    /// 401, as the real service refuses a wrong one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::MockServer;
    ///
    /// let server = MockServer::builder().keys(["sk-right"]).start().await?;
    /// let url = format!("{}/batches", server.base_url());
    /// let answer = reqwest::Client::new().get(url).bearer_auth("sk-wrong").send().await?;
    /// assert_eq!(answer.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.config.keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Which names of models exist; those of the service's families if not set.
    #[must_use]
    pub fn models(mut self, models: ModelPolicy) -> Self {
        self.config.models = models;
        self
    }

    /// What is done where the evidence contradicts itself; each switch's default if not set.
    #[must_use]
    pub fn switches(mut self, switches: Switches) -> Self {
        self.config.switches = switches;
        self
    }

    /// One more endpoint that is told when a batch ends, of whatever world; none if not called. The control API can
    /// set others for a world.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use batchmock::{MockServer, WebhookEndpoint};
    ///
    /// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
    /// let endpoint = WebhookEndpoint::new("http://127.0.0.1:8000/hook", secret)?;
    /// let server = MockServer::builder().webhook(endpoint).start().await?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn webhook(mut self, endpoint: WebhookEndpoint) -> Self {
        self.config.webhooks.endpoints.push(endpoint);
        self
    }

    /// How endpoints are told; as the service tells them if not set.
    #[must_use]
    pub fn webhook_plan(mut self, plan: WebhookPlan) -> Self {
        self.config.webhooks.plan = plan;
        self
    }

    /// A directory in which everything survives the end of the server, whatever end it is: files, batches, worlds
    /// and clocks. It is made if there is none; nothing survives if not set. Only one server at a time can have it:
    /// [`MockServer::stop`] gives it back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use batchmock::MockServer;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let server = MockServer::builder().data_dir(dir.path().join("mock")).start().await?;
    /// // … create files and batches …
    /// server.stop().await;
    /// let server = MockServer::builder().data_dir(dir.path().join("mock")).start().await?;
    /// // … they are still there.
    /// # server.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Starts the server on a free port of the loopback. When this returns, it takes requests.
    ///
    /// # Errors
    ///
    /// If no port can be had, the directory for files cannot be made, or the data directory cannot be used: that
    /// error holds a [`DataDirError`](crate::DataDirError). Or if there is no scenario of the name that was given.
    pub async fn start(self) -> io::Result<MockServer> {
        let Self { mut config, scenario, data_dir } = self;
        if let Some(name) = scenario {
            let known = config.scenarios.get(&name).map(Arc::clone);
            config.scenario =
                Some(known.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?);
        }
        if let Some(path) = data_dir {
            config.data_dir = Some(DataDir::open(path)?);
        }
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = App::new(Worlds::new(config)?, Guard::default());
        let (running, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(connections::serve(listener, app.clone(), stopped, Duration::ZERO));
        let courier = Courier::start(app.clone());
        Ok(MockServer { address, app, running, serving, courier })
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
