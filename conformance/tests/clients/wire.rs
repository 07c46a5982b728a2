//! Requests, and what to do when they fail.

use std::time::{Duration, UNIX_EPOCH};

use batchmock_adapter::{Error, Session};
use batchmock_client::{RealTime, Time as _};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use crate::flaw::Flaw;

/// In how many attempts a thing is tried.
const ATTEMPTS: u32 = 5;

/// A connection to the service.
#[derive(Debug)]
pub(crate) struct Wire {
    http: Client,
    base_url: String,
    api_key: String,
    flaw: Option<Flaw>,
    waits: Waits,
}

/// A request that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service refused it.
    Refused { status: u16, code: Option<String>, message: String, retry_after: Option<Duration> },
    /// No whole answer came, so nobody knows what became of it.
    Unanswered(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { status, message, .. } => write!(f, "{status}: {message}"),
            Self::Unanswered(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// Whether the same can be another thing the next time.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // A file that was sent just now is not there for a moment (F-137).
            Self::Refused { status: 400, message, .. } => message.starts_with("Cannot find file"),
            Self::Refused { status, code, .. } => {
                *status >= 500
                    || matches!(status, 408 | 409 | 429) && code.as_deref() != Some("insufficient_quota")
            }
            Self::Unanswered(_) => true,
        }
    }

    /// Whether what was asked for may have been done all the same.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unanswered(_))
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// In which time a client waits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waits {
    /// In that of the wall, which is what is judged.
    Wall(RealTime),
    /// In that of its batches alone, which each look moves on: nobody waits.
    Virtual,
}

impl Waits {
    pub(crate) async fn pause(self, duration: Duration) {
        match self {
            Self::Wall(time) => time.sleep(duration).await,
            Self::Virtual => tokio::task::yield_now().await,
        }
    }
}

impl Wire {
    pub(crate) fn new(session: &Session, flaw: Option<Flaw>, waits: Waits) -> Result<Self, Error> {
        let timeout = session.deadline.map_or(Duration::from_mins(1), |deadline| deadline / 3);
        let http = Client::builder().timeout(timeout).build()?;
        Ok(Self { http, base_url: session.base_url.clone(), api_key: session.api_key.clone(), flaw, waits })
    }

    /// Lets time pass.
    pub(crate) async fn pause(&self, duration: Duration) {
        self.waits.pause(duration).await;
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = format!("{}/{path}", self.base_url);
        if self.flaw == Some(Flaw::PutsItsKeyIntoUrls) {
            url.push(if path.contains('?') { '&' } else { '?' });
            url.push_str("api_key=");
            url.push_str(&self.api_key);
        }
        self.http.request(method, url).bearer_auth(&self.api_key)
    }

    /// Whether, and after which time, something that failed so is tried again.
    pub(crate) fn again(&self, failure: &Failure, attempt: u32) -> Option<Duration> {
        let attempts = if self.flaw == Some(Flaw::RetriesOnAndOn) { 60 } else { ATTEMPTS };
        let is_given_up = attempt + 1 >= attempts;
        let may_pass = failure.may_pass() || self.flaw == Some(Flaw::RetriesRefusals);
        if !may_pass || is_given_up || self.flaw == Some(Flaw::RetriesNothing) {
            return None;
        }
        let own = Duration::from_millis(200 << attempt.min(4));
        let asked = match failure {
            Failure::Refused { retry_after, .. } if self.flaw != Some(Flaw::RetriesEarly) => *retry_after,
            Failure::Refused { .. } | Failure::Unanswered(_) => None,
        };
        Some(asked.unwrap_or(own))
    }

    /// What a reading gives, tried again as long as that may help.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.repeat(Method::GET, path).await
    }

    /// What comes of a body, whether that is all of it or not.
    pub(crate) async fn read_what_comes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let sent = self.ask(Method::GET, path).send().await;
        let mut response = sent.map_err(|error| Failure::Unanswered(error.to_string()))?;
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend(chunk);
        }
        Ok(body)
    }

    /// The JSON that a reading gives.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        json(&self.read(path).await?)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.repeat(Method::DELETE, path).await.map(|_| ())
    }

    /// Asks for a batch to be cancelled; twice is the same as once.
    pub(crate) async fn cancel(&self, batch: &str) -> Result<Value, Failure> {
        json(&self.repeat(Method::POST, &format!("batches/{batch}/cancel")).await?)
    }

    async fn repeat(&self, method: Method, path: &str) -> Result<Vec<u8>, Failure> {
        let mut attempt = 0;
        loop {
            match answered(self.ask(method.clone(), path).send().await).await {
                Ok(body) => return Ok(body),
                Err(failure) => match self.again(&failure, attempt) {
                    Some(after) => self.pause(after).await,
                    None => return Err(failure),
                },
            }
            attempt += 1;
        }
    }

    /// Makes something by JSON, in one attempt.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        json(&answered(self.ask(Method::POST, path).json(body).send().await).await?)
    }

    /// Uploads a file, in one attempt.
    pub(crate) async fn upload(&self, name: &str, data: &[u8]) -> Result<Value, Failure> {
        let part = Part::bytes(data.to_vec()).file_name(name.to_owned());
        let form = Form::new().text("purpose", "batch").part("file", part);
        json(&answered(self.ask(Method::POST, "files").multipart(form).send().await).await?)
    }
}

fn json(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::Unanswered(format!("the answer is no JSON: {error}")))
}

async fn answered(sent: reqwest::Result<Response>) -> Result<Vec<u8>, Failure> {
    let unanswered = |error: reqwest::Error| Failure::Unanswered(error.to_string());
    let response = sent.map_err(unanswered)?;
    let status = response.status();
    let retry_after = asked_pause(&response);
    let body = response.bytes().await.map_err(unanswered)?;
    if status.is_success() {
        return Ok(body.into());
    }
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| told["error"][name].as_str().map(str::to_owned);
    Err(Failure::Refused {
        status: status.as_u16(),
        code: text("code"),
        message: text("message").unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned()),
        retry_after,
    })
}

/// How long the service asks to wait: in milliseconds, in seconds, or until a date.
fn asked_pause(response: &Response) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let milliseconds = header("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    if let Some(pause) = milliseconds.and_then(|pause| Duration::try_from_secs_f64(pause / 1000.0).ok()) {
        return Some(pause);
    }
    let text = header("retry-after")?;
    let seconds = match text.parse() {
        Ok(seconds) => seconds,
        Err(_) => until(text)?,
    };
    (seconds <= 120).then(|| Duration::from_secs(seconds))
}

/// How many seconds there are until a date.
fn until(date: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(date).ok()?;
    // Dates have whole seconds, so that up to one more may be meant.
    Some(date.duration_since(UNIX_EPOCH + RealTime::default().unix_time()).ok()?.as_secs() + 1)
}
