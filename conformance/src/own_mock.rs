//! The server that is judged when none is given: a batchmock of our own.
//!
//! The only module that knows batchmock: cases judge it from outside, as any other.

use std::io;
use std::sync::Arc;

use batchmock::{ClockMode, MockServer, Timestamp};

use crate::server;
use crate::target::{Keys, Settings, Target, TargetError, key_of};

const PREFIX: &str = "sk-conformance";

/// What its clocks show at first: 2026-01-01, midnight. So two runs with one seed give the same bytes.
const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// A batchmock that runs for as long as this is there.
#[derive(Debug)]
#[must_use = "the server stops when this is dropped"]
pub struct OwnMock {
    server: MockServer,
}

/// Why it cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum OwnMockError {
    /// It does not start.
    #[error("no batchmock can be started: {0}")]
    Start(#[from] io::Error),
    /// It started and cannot be reached.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl OwnMock {
    /// Starts one whose clocks stand still, with two accounts for each case.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn start(seed: u64) -> Result<Self, OwnMockError> {
        // Only these keys are right, so that there are wrong ones.
        let cases = server::all().map(|case| case.id).chain(["probe"]);
        let keys: Vec<_> =
            cases.flat_map(|id| [key_of(PREFIX, id), key_of(PREFIX, &format!("{id}-other"))]).collect();
        let builder = MockServer::builder().seed(seed).clock(ClockMode::Frozen).start_at(START).keys(keys);
        Ok(Self { server: builder.start().await? })
    }

    /// Starts one whose clocks stand still, and on which any key opens an account.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn start_for_any_key(seed: u64) -> Result<Self, OwnMockError> {
        let builder = MockServer::builder().seed(seed).clock(ClockMode::Frozen).start_at(START);
        Ok(Self { server: builder.start().await? })
    }

    /// What clients are given as base URL.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// It, as a server to judge.
    ///
    /// # Errors
    ///
    /// If it cannot be reached.
    pub async fn target(&self) -> Result<Arc<Target>, OwnMockError> {
        self.target_at(self.base_url()).await
    }

    /// It, as a server to judge by way of something that stands in front of it.
    ///
    /// # Errors
    ///
    /// If it cannot be reached.
    pub async fn target_at(&self, base_url: String) -> Result<Arc<Target>, OwnMockError> {
        self.target_with(Self::settings(base_url)).await
    }

    /// What is known of it beforehand.
    pub fn settings(base_url: String) -> Settings {
        Settings {
            name: Some(format!("batchmock {}", env!("CARGO_PKG_VERSION"))),
            ..Settings::new(base_url, Keys::Each(PREFIX.to_owned()))
        }
    }

    /// It, as a server of which this is known.
    ///
    /// # Errors
    ///
    /// If it cannot be reached.
    pub async fn target_with(&self, settings: Settings) -> Result<Arc<Target>, OwnMockError> {
        let mut target = Target::probe(settings).await?;
        target.forgets = true;
        Ok(Arc::new(target))
    }
}
