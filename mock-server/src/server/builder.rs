//! How a [`MockServer`] is told to behave, and started.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::courier::Courier;
use super::{MockServer, connections};
use crate::answers::{LineRules, Recording, Unrecorded};
use crate::clock::ClockMode;
use crate::config::{Config, ConnectionLimits, Limits, ModelPolicy};
use crate::control::Guard;
use crate::fault::FaultPlan;
use crate::http::App;
use crate::quota::Quotas;
use crate::responder::AnswerStyle;
use crate::scenario::Scenarios;
use crate::sim::{Pace, Timestamp};
use crate::store::DataDir;
use crate::switches::Switches;
use crate::webhook::{WebhookEndpoint, WebhookPlan};
use crate::world::Worlds;

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

    /// What the account of each world may use; as much as anybody wants if not set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use batchmock::{ByModel, MockServer, Quotas};
    ///
    /// let quotas = Quotas { enqueued_tokens: ByModel::each(1_000), ..Quotas::default() };
    /// let server = MockServer::builder().quotas(quotas).start().await?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.config.quotas = quotas;
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

    /// Keeps files that are deleted, or expire, where [`MockServer::files`] finds them, so that a test can look at what a
    /// client sent, or was given, after it has cleaned up. The API answers as if they were gone.
    #[must_use]
    pub fn keep_removed_files(mut self) -> Self {
        self.config.keeps_removed_files = true;
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
