//! The client: where it sends requests, as whom, and how patiently.

use std::env;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::SysRng;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::clock::{RealTime, Time};
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::poll::PollPolicy;
use crate::retry::RetryPolicy;

/// The service that is asked unless another is named.
pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// A client of one account. Clones are cheap and share their connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = batchmock::MockServer::start().await?;
/// use batchmock_client::Client;
///
/// let client = Client::builder().base_url(server.base_url()).api_key("sk-any").build()?;
/// assert!(client.batches().list().next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    /// Ends with a slash, so that paths can be joined to it.
    pub(crate) base_url: Url,
    pub(crate) key: ApiKey,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) poll: PollPolicy,
    pub(crate) time: Arc<dyn Time>,
    rng: Mutex<ChaCha8Rng>,
}

/// How a [`Client`] shall be.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    base_url: Option<String>,
    key: Option<ApiKey>,
    organization: Option<String>,
    project: Option<String>,
    timeout: Option<Duration>,
    retry: RetryPolicy,
    poll: PollPolicy,
    seed: Option<u64>,
    time: Option<Arc<dyn Time>>,
}

impl Client {
    /// A client as the environment describes it, in the variables that the official SDKs read: `OPENAI_API_KEY`,
    /// `OPENAI_BASE_URL`, `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` (F-002).
    ///
    /// # Errors
    ///
    /// If there is no key, or a value cannot be used.
    pub fn from_env() -> Result<Self> {
        Self::builder().environment(|name| env::var(name).ok()).build()
    }

    /// A client to be told how to be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where requests go.
    pub fn base_url(&self) -> &str {
        self.inner.base_url.as_str().trim_end_matches('/')
    }

    /// How batches are waited for unless a wait is told otherwise.
    pub fn poll_policy(&self) -> &PollPolicy {
        &self.inner.poll
    }

    /// A source of random numbers that follows from the client's.
    pub(crate) fn rng(&self) -> ChaCha8Rng {
        let mut rng = self.inner.rng.lock().unwrap_or_else(PoisonError::into_inner);
        ChaCha8Rng::seed_from_u64(rng.next_u64())
    }

    pub(crate) fn time(&self) -> &Arc<dyn Time> {
        &self.inner.time
    }
}

impl Builder {
    /// Where the API is; [`DEFAULT_BASE_URL`] if not set.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The key. There is none to fall back to.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<ApiKey>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The organization that requests are for.
    #[must_use]
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization = Some(id.into());
        self
    }

    /// The project that requests are for.
    #[must_use]
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// How long an answer may take to come, and a download to go on; a minute if not set. Uploads have more, by their
    /// size.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How failed requests are repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How batches are waited for.
    #[must_use]
    pub fn poll(mut self, policy: PollPolicy) -> Self {
        self.poll = policy;
        self
    }

    /// What the lengths of pauses and the names of runs are drawn from; the system's randomness if not set.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Another time than the system's.
    #[must_use]
    pub fn time(mut self, time: impl Time + 'static) -> Self {
        self.time = Some(Arc::new(time));
        self
    }

    /// Fills in what is not set from variables, given how to look one up. Empty ones are as if they were not there.
    #[must_use]
    pub fn environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.trim().is_empty());
        self.base_url = self.base_url.or_else(|| variable("OPENAI_BASE_URL"));
        self.key = self.key.or_else(|| variable("OPENAI_API_KEY").map(ApiKey::from));
        self.organization = self.organization.or_else(|| variable("OPENAI_ORG_ID"));
        self.project = self.project.or_else(|| variable("OPENAI_PROJECT_ID"));
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// If there is no key, or a value cannot be used.
    pub fn build(self) -> Result<Client> {
        let Self { base_url, key, organization, project, timeout, retry, poll, seed, time } = self;
        let key = key
            .filter(|key| !key.expose().is_empty())
            .ok_or_else(|| Error::settings("there is no API key: set OPENAI_API_KEY"))?;
        let headers = headers(&key, organization.as_deref(), project.as_deref())?;
        let base_url = base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let base_url = parse_base_url(base_url)?;
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("batchmock-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(20));
        if base_url.scheme() == "http" {
            // Reading the system's certificates takes longer than all else that is done here. Should such a service
            // lead to another by https, that is refused.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(Error::http)?;
        let rng = match seed {
            Some(seed) => Ok(ChaCha8Rng::seed_from_u64(seed)),
            None => ChaCha8Rng::try_from_rng(&mut SysRng),
        };
        let rng = rng.map_err(|error| Error::settings("the system has no random numbers").because(error))?;
        let inner = Inner {
            http,
            base_url,
            key,
            headers,
            timeout: timeout.unwrap_or(Duration::from_mins(1)),
            retry,
            poll,
            time: time.unwrap_or_else(|| Arc::new(RealTime::default())),
            rng: Mutex::new(rng),
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

fn headers(key: &ApiKey, organization: Option<&str>, project: Option<&str>) -> Result<HeaderMap> {
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", key.expose()))
        .map_err(|_| Error::settings("the API key holds characters that a header cannot hold"))?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, authorization)]);
    let more = [("openai-organization", organization), ("openai-project", project)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::settings(format!("{name} cannot be put into a header: {value:?}")))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

fn parse_base_url(text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        Error::settings(format!("the base URL {text:?} {why}; it should be such as {DEFAULT_BASE_URL}"))
    };
    let mut url = Url::parse(text).map_err(|error| wrong(&format!("cannot be read ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("is not one of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Without the text, which has a secret.
        return Err(Error::settings("the base URL has a user name or password in it; a key is given apart"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has more than a path"));
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Not with the key.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Client> {
        let look_up =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Client::builder().environment(look_up).build()
    }

    #[test]
    fn the_environment_is_read_as_the_official_packages_read_it() {
        let client = from(&[
            ("OPENAI_API_KEY", "sk-1"),
            ("OPENAI_BASE_URL", "http://localhost:4010/v1/"),
            ("OPENAI_ORG_ID", "org-1"),
            ("OPENAI_PROJECT_ID", "proj_1"),
        ])
        .unwrap();
        assert_eq!(client.base_url(), "http://localhost:4010/v1");
        assert_eq!(client.inner.headers["openai-organization"], "org-1");
        assert_eq!(client.inner.headers["openai-project"], "proj_1");
        assert_eq!(client.inner.headers[AUTHORIZATION], "Bearer sk-1");
        assert!(!format!("{client:?} {:?}", client.inner.headers).contains("sk-1"));
    }

    #[test]
    fn settings_that_cannot_be_used_are_told() {
        let text = |variables: &[(&str, &str)]| from(variables).unwrap_err().to_string();
        insta::assert_snapshot!(text(&[("OPENAI_API_KEY", " ")]), @"there is no API key: set OPENAI_API_KEY");
        insta::assert_snapshot!(text(&[("OPENAI_API_KEY", "s\nk")]), @"the API key holds characters that a header cannot hold");
        let url = |url| text(&[("OPENAI_API_KEY", "sk"), ("OPENAI_BASE_URL", url)]);
        insta::assert_snapshot!(url("localhost:80"), @r#"the base URL "localhost:80" is not one of http or https; it should be such as https://api.openai.com/v1"#);
        insta::assert_snapshot!(url("http://"), @r#"the base URL "http://" cannot be read (empty host); it should be such as https://api.openai.com/v1"#);
        insta::assert_snapshot!(url("http://me:secret@a"), @"the base URL has a user name or password in it; a key is given apart");
        insta::assert_snapshot!(url("http://a/?b"), @r#"the base URL "http://a/?b" has more than a path; it should be such as https://api.openai.com/v1"#);
    }

    #[test]
    fn a_seed_decides_what_is_drawn() {
        let drawn = || Client::builder().api_key("sk").seed(3).build().unwrap().rng().next_u64();
        assert_eq!(drawn(), drawn());
    }
}
