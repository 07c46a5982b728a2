//! The server that is judged: where it is, and what it offers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Url, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::case::Capability;
use crate::cost::Budget;
use crate::exchange::{Exchange, Key, REDACTED};
use crate::time::Time;
use crate::verdict::Found;
use crate::webhook::{Receiver, Secret, WebhookSettings, Webhooks};

/// A server to judge.
#[derive(Debug)]
pub struct Target {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) keys: Keys,
    pub(crate) time: Time,
    /// What it does not offer, and who says so.
    pub(crate) absent: BTreeMap<Capability, String>,
    pub(crate) models: Models,
    /// Where webhooks reach the suite, if they do.
    pub(crate) webhooks: Option<Webhooks>,
    /// What may be spent on lines of batches.
    pub(crate) budget: Budget,
    /// Whether it forgets everything when the run ends, so that nothing need be cleaned up.
    pub(crate) forgets: bool,
}

/// What is known of a server beforehand.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What clients are given as base URL, with `/v1`.
    pub base_url: String,
    /// What it is called in reports; the base URL if not set.
    pub name: Option<String>,
    /// With which keys it is asked.
    pub keys: Keys,
    /// What it does not offer.
    pub without: BTreeSet<Capability>,
    /// The models that lines name.
    pub models: Models,
    /// The longest that a case waits where time cannot be moved.
    pub wait: Duration,
    /// How long between two looks there.
    pub poll_every: Duration,
    /// The longest that an answer may take.
    pub request_timeout: Duration,
    /// A program that brings a status of a batch about, where time cannot be moved.
    pub bring_about: Option<String>,
    /// How webhooks reach the suite.
    pub webhooks: WebhookSettings,
    /// Whether its control API is used, if it has one.
    pub control: bool,
    /// How many lines of batches may run.
    pub max_lines: Option<u64>,
    /// How many tokens they may have, prompts and answers.
    pub max_tokens: Option<u64>,
}

/// The keys of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Each case has accounts of its own, whose keys begin so. For servers on which any key opens an account.
    Each(String),
    /// These are there.
    Given {
        /// The key of the account in which cases take place.
        own: String,
        /// The key of another account, if there is one.
        other: Option<String>,
    },
}

impl Keys {
    /// Keys of accounts that nobody else has, where any key opens one.
    pub fn of_the_suite() -> Self {
        Self::Each("sk-conformance".to_owned())
    }
}

/// The models that lines of batches name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// For chat completions and responses.
    pub chat: String,
    /// Another one that there is, for a batch that names two.
    pub other_chat: String,
    /// For embeddings.
    pub embeddings: String,
    /// For completions.
    pub completions: String,
    /// For moderations.
    pub moderations: String,
    /// For images.
    pub images: String,
    /// For videos.
    pub videos: String,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            chat: "gpt-4o-mini".to_owned(),
            other_chat: "gpt-4o".to_owned(),
            embeddings: "text-embedding-3-small".to_owned(),
            completions: "gpt-3.5-turbo-instruct".to_owned(),
            moderations: "omni-moderation-latest".to_owned(),
            images: "gpt-image-1".to_owned(),
            videos: "sora-2".to_owned(),
        }
    }
}

impl Settings {
    /// A server of which only this is known.
    pub fn new(base_url: impl Into<String>, keys: Keys) -> Self {
        Self {
            base_url: base_url.into(),
            name: None,
            keys,
            without: BTreeSet::new(),
            models: Models::default(),
            wait: Duration::from_mins(30),
            poll_every: Duration::from_secs(5),
            request_timeout: Duration::from_mins(1),
            bring_about: None,
            webhooks: WebhookSettings::default(),
            control: true,
            max_lines: None,
            max_tokens: None,
        }
    }
}

/// Why a server cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// There is no answer at all.
    #[error("{base_url} cannot be reached: {cause}")]
    Unreachable {
        /// Where it was looked for.
        base_url: String,
        /// What went wrong.
        cause: String,
    },
    /// Something answers, but has nothing of the API.
    #[error(
        "there is no Files and Batches API at {base_url}: GET /files and GET /batches are answered with status 404. \
         Is it the base URL that clients are given{}?",
        if base_url.ends_with("/v1") { "" } else { ", which mostly ends with /v1" }
    )]
    NothingThere {
        /// Where it was looked for.
        base_url: String,
    },
    /// Nothing can listen where webhooks are to come.
    #[error("nothing can listen for webhooks at {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        cause: io::Error,
    },
    /// No client can be made.
    #[error("no client can be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl Target {
    /// Looks at a server, and finds out what it offers.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, or nothing can listen for its webhooks.
    pub async fn probe(settings: Settings) -> Result<Self, TargetError> {
        let Settings {
            base_url,
            name,
            keys,
            without,
            models,
            wait,
            poll_every,
            request_timeout,
            bring_about,
            webhooks,
            control,
            max_lines,
            max_tokens,
        } = settings;
        let base_url = base_url.trim_end_matches('/').to_owned();
        // Each request has a connection of its own: one that the server has just given up as idle would make a request
        // fail for which nobody is to blame.
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(request_timeout);
        if !base_url.starts_with("https:") {
            // Reading the system's certificates takes longer than most cases do.
            http = http.tls_certs_only([]);
        }
        let http = http.build()?;
        let mut absent: BTreeMap<_, _> = without
            .into_iter()
            .map(|capability| (capability, "it was said not to offer it".to_owned()))
            .collect();
        if let Keys::Given { other: None, .. } = keys {
            absent.entry(Capability::TwoKeys).or_insert_with(|| "no second key was given".to_owned());
        }
        let control = if control { control_of(&http, &base_url).await? } else { None };
        let mut target = Self {
            name: name.unwrap_or_else(|| base_url.clone()),
            base_url,
            http,
            keys,
            time: Time::Wall { every: poll_every, at_most: wait, bring_about },
            absent,
            models,
            webhooks: None,
            budget: Budget::new(max_lines, max_tokens),
            forgets: false,
        };
        if let Some(control) = control {
            target.time = Time::Control(control);
        }
        target.find_uploads().await?;
        target.find_key_check().await?;
        target.find_quotas().await;
        target.listen(webhooks).await?;
        Ok(target)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Why it does not offer something, if it does not.
    pub fn lacks(&self, capability: Capability) -> Option<&str> {
        self.absent.get(&capability).map(String::as_str)
    }

    /// Where the suite listens for its webhooks, if any can come.
    pub fn webhooks_at(&self) -> Option<SocketAddr> {
        self.webhooks.as_ref().map(|webhooks| webhooks.receiver.address())
    }

    /// Whether its clock can be moved.
    pub fn has_control(&self) -> bool {
        matches!(self.time, Time::Control(_))
    }

    /// Whether a case that moves the clock moves it for others.
    pub(crate) fn shares_a_clock(&self) -> bool {
        self.has_control() && matches!(self.keys, Keys::Given { .. })
    }

    /// The key with which a case sends a request.
    pub(crate) fn key(&self, case: &str, key: Key) -> Option<String> {
        match (key, &self.keys) {
            (Key::None, _) => None,
            (Key::Wrong, _) => Some("sk-conformance-nobody-was-given-this-key".to_owned()),
            (Key::Own, Keys::Given { own, .. }) => Some(own.clone()),
            (Key::Other, Keys::Given { other, .. }) => other.clone(),
            (Key::Own, Keys::Each(prefix)) => Some(key_of(prefix, case)),
            (Key::Other, Keys::Each(prefix)) => Some(key_of(prefix, &format!("{case}-other"))),
        }
    }

    /// The keys that somebody has given.
    pub(crate) fn secret_keys(&self) -> Vec<String> {
        match &self.keys {
            Keys::Each(_) => Vec::new(),
            Keys::Given { own, other } => [own].into_iter().chain(other).cloned().collect(),
        }
    }

    /// Takes out of what is told what a server may have echoed of a key.
    pub(crate) fn redact_found(&self, found: &mut Found) {
        let mismatch = found.mismatch.iter_mut();
        let told = mismatch
            .flat_map(|told| [&mut told.what, &mut told.actual].into_iter().chain(&mut told.expected));
        for text in told.chain([&mut found.reason]) {
            for key in self.secret_keys() {
                if text.contains(&key) {
                    *text = text.replace(&key, REDACTED);
                }
            }
        }
    }

    /// Takes out of a record what a server may have echoed of a key.
    pub(crate) fn redact(&self, exchange: &mut Exchange) {
        for key in self.secret_keys() {
            let headers = exchange.headers.iter_mut().map(|(_, value)| value);
            for text in headers.chain([&mut exchange.body]).filter(|text| text.contains(&key)) {
                *text = text.replace(&key, REDACTED);
            }
        }
    }

    /// Uploads are there if something is said about a broken one.
    async fn find_uploads(&mut self) -> Result<(), TargetError> {
        let request = self.http.post(format!("{}/uploads", self.base_url));
        let request = request.header("content-type", "application/json").body("{}");
        let status = self.status_of(request, Key::Own).await?;
        if matches!(status, 404 | 405 | 501) {
            let why = format!("POST /uploads is answered with status {status}");
            self.absent.entry(Capability::Uploads).or_insert(why);
        }
        Ok(())
    }

    /// Keys are not checked if one that nobody was given is as good as that of the suite. That is a fault if somebody
    /// was given a key, and no fault of a server that knows no keys.
    async fn find_key_check(&mut self) -> Result<(), TargetError> {
        let mut statuses = Vec::new();
        for (path, key) in [("/files", Key::Own), ("/batches", Key::Own), ("/batches", Key::Wrong)] {
            let request = self.http.get(format!("{}{path}", self.base_url));
            statuses.push(self.status_of(request, key).await?);
        }
        if statuses[..2] == [404, 404] {
            return Err(TargetError::NothingThere { base_url: self.base_url.clone() });
        }
        if statuses[1..] == [200, 200] && matches!(self.keys, Keys::Each(_)) {
            let why = "no key was given to the suite, and the server takes any";
            self.absent.entry(Capability::KeyCheck).or_insert_with(|| why.to_owned());
        }
        Ok(())
    }

    /// With which status a request is answered.
    async fn status_of(&self, mut request: reqwest::RequestBuilder, key: Key) -> Result<u16, TargetError> {
        if let Some(key) = self.key("probe", key) {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let answer = request.send().await.map_err(|error| unreachable(&self.base_url, &error))?;
        Ok(answer.status().as_u16())
    }

    /// Listens for webhooks, if any can come.
    async fn listen(&mut self, settings: WebhookSettings) -> Result<(), TargetError> {
        let WebhookSettings { listen, url, secret, patience } = settings;
        let is_told = match &self.time {
            Time::Wall { .. } => Err("the server has no control API, and somebody must register the suite: \
                                      --webhook-listen and --webhook-secret"),
            // The endpoints of somebody's account are not for us to change.
            Time::Control(_) if matches!(self.keys, Keys::Given { .. }) => Err(
                "the account is somebody's, who must register the suite: --webhook-listen and --webhook-secret",
            ),
            Time::Control(_) if url.is_none() && !is_on_loopback(&self.base_url) => Err(
                "the server is elsewhere: --webhook-url must say how it reaches what --webhook-listen says",
            ),
            Time::Control(control) if !self.controls(control, "webhooks").await => {
                Err("the control API has no /webhooks")
            }
            Time::Control(_) => Ok(()),
        };
        let is_told = match (is_told, &secret) {
            (Err(why), None) => {
                self.absent.entry(Capability::Webhooks).or_insert_with(|| why.to_owned());
                return Ok(());
            }
            (is_told, _) => is_told.is_ok(),
        };
        let receiver =
            Receiver::bind(listen).await.map_err(|cause| TargetError::Listen { address: listen, cause })?;
        let told = is_told.then(|| url.unwrap_or_else(|| format!("http://{}", receiver.address())));
        let secret = secret.unwrap_or_else(Secret::of_the_suite);
        self.webhooks = Some(Webhooks { receiver, secret, told, patience });
        Ok(())
    }

    /// Quotas can be set where a control API says how, and in accounts that nobody else uses.
    async fn find_quotas(&mut self) {
        let why = match &self.time {
            Time::Wall { .. } => "the server has no control API by which they could be set",
            Time::Control(_) if matches!(self.keys, Keys::Given { .. }) => {
                "they would hold for others in the account"
            }
            Time::Control(control) if !self.controls(control, "quotas").await => {
                "the control API has no /quotas"
            }
            Time::Control(_) => return,
        };
        self.absent.entry(Capability::Quotas).or_insert_with(|| why.to_owned());
    }

    /// Whether a control API has something.
    async fn controls(&self, control: &str, what: &str) -> bool {
        let mut request = self.http.get(format!("{control}/{what}"));
        if let Some(key) = self.key("probe", Key::Own) {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }
}

fn unreachable(base_url: &str, error: &reqwest::Error) -> TargetError {
    TargetError::Unreachable { base_url: base_url.to_owned(), cause: why_none_came(error) }
}

/// Why no answer came.
pub(crate) fn why_none_came(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took longer than --request-timeout allows".to_owned();
    }
    cause_of(error)
}

/// Whether a base URL is one of this machine.
pub fn is_on_loopback(base_url: &str) -> bool {
    let Ok(url) = Url::parse(base_url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The key of an account of a case.
pub(crate) fn key_of(prefix: &str, case: &str) -> String {
    format!("{prefix}-{}", case.replace('/', "-"))
}

/// What went wrong, down to the first cause, without the URL.
pub(crate) fn cause_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The root of the control API, if the server has one.
async fn control_of(http: &reqwest::Client, base_url: &str) -> Result<Option<String>, TargetError> {
    let Some(root) = base_url.strip_suffix("/v1") else { return Ok(None) };
    let control = format!("{root}/_mock/v1");
    let gone = |error: reqwest::Error| unreachable(base_url, &error);
    let answer = http.get(format!("{control}/health")).send().await.map_err(gone)?;
    let is_well = answer.status().is_success();
    let bytes = answer.bytes().await.map_err(gone)?;
    let health: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // A server that answers everything in the same way has no control API.
    Ok((is_well && health["status"] == json!("ok") && health["version"].is_string()).then_some(control))
}
