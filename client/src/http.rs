//! One request to the service, with its repetitions: the driver around [`retry`](crate::retry).

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand_chacha::ChaCha8Rng;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::{Error, Kind, Refusal, Result, shortened};
use crate::received::Received;
use crate::retry::{Repeat, asked_pause};

/// What of an id may stand in a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How much of an error's body is read.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// The slowest upload that is not given up, in bytes a second.
const SLOWEST_UPLOAD: u64 = 32 * 1024;

/// A request that can be sent more than once.
pub(crate) struct Call {
    method: Method,
    /// Below the base URL, such as `batches/batch_1`.
    path: String,
    query: Vec<(&'static str, String)>,
    json: Option<Bytes>,
    repeat: Repeat,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), json: None, repeat: Repeat::Freely }
    }

    pub(crate) fn delete(path: String) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub(crate) fn post(path: String, repeat: Repeat) -> Self {
        Self { method: Method::POST, repeat, ..Self::get(path) }
    }

    #[must_use]
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        let text = serde_json::to_vec(body).expect("records have keys of text and numbers that are finite");
        self.json = Some(text.into());
        self
    }

    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<String>) -> Self {
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    /// What an error says was asked for.
    fn asked(&self) -> String {
        format!("{} /{}", self.method, self.path)
    }
}

/// The attempts of one request, and what becomes of those that fail.
pub(crate) struct Attempts<'a> {
    client: &'a Client,
    asked: String,
    repeat: Repeat,
    retries: u32,
    rng: ChaCha8Rng,
}

impl Attempts<'_> {
    /// Waits until the next attempt may be made.
    ///
    /// # Errors
    ///
    /// With the failure, if none is to follow it.
    pub(crate) async fn failed(&mut self, error: Error) -> Result<()> {
        let policy = &self.client.inner.retry;
        match policy.pause(self.repeat, self.retries, &error.failure(), &mut self.rng) {
            Some(pause) => self.client.time().sleep(pause).await,
            None => return Err(error.asked(&self.asked)),
        }
        self.retries += 1;
        Ok(())
    }
}

/// An id as part of a path. An empty one would make another path, and so is refused here.
pub(crate) fn id_in_path(id: &str, of: &str) -> Result<String> {
    if id.is_empty() {
        return Err(Error::settings(format!("the id of a {of} is empty")));
    }
    Ok(utf8_percent_encode(id, IN_PATH).to_string())
}

impl Client {
    /// Sends a request and reads the record in the answer.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<Received<T>> {
        let mut attempts = self.attempts(call.asked(), call.repeat);
        loop {
            let mut request = self.request(call.method.clone(), &call.path, &call.query)?;
            if let Some(json) = &call.json {
                request = request.header(CONTENT_TYPE, "application/json").body(json.clone());
            } else if call.method == Method::POST {
                // With its length told: some servers refuse it otherwise.
                request = request.header(CONTENT_LENGTH, 0);
            }
            match self.receive(request.timeout(self.inner.timeout)).await {
                Ok(received) => return Ok(received),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    /// Sends a form, once, and reads the record in the answer.
    pub(crate) async fn send_form<T: DeserializeOwned>(
        &self,
        path: &str,
        bytes: u64,
        form: Form,
    ) -> Result<Received<T>> {
        let timeout = self.inner.timeout + Duration::from_secs(bytes / SLOWEST_UPLOAD);
        let request = self.request(Method::POST, path, &[])?;
        self.receive(request.multipart(form).timeout(timeout)).await
    }

    /// Opens an answer that is read bit by bit.
    pub(crate) async fn open(&self, path: &str) -> Result<Response> {
        let mut attempts = self.attempts(format!("GET /{path}"), Repeat::Freely);
        loop {
            let request = self.request(Method::GET, path, &[])?.header(ACCEPT, "application/binary");
            let opened = match self.in_time(async { request.send().await.map_err(Error::http) }).await {
                Ok(answer) => self.accepted(answer).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    /// The attempts of one request, the first not yet made.
    pub(crate) fn attempts(&self, asked: String, repeat: Repeat) -> Attempts<'_> {
        Attempts { client: self, asked, repeat, retries: 0, rng: self.rng() }
    }

    /// Waits for the network, but not for ever.
    #[expect(clippy::disallowed_methods, reason = "a socket that is silent is silent in real time")]
    pub(crate) async fn in_time<T>(&self, doing: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.inner.timeout, doing).await {
            Ok(done) => done,
            Err(_) => Err(Error::new(Kind::Timeout)),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<RequestBuilder> {
        let mut url: Url = self
            .inner
            .base_url
            .join(path)
            .map_err(|error| Error::settings("the path makes no URL").because(error))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.inner.http.request(method, url).headers(self.inner.headers.clone()))
    }

    async fn receive<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Received<T>> {
        let answer = request.header(ACCEPT, "application/json").send().await.map_err(Error::http)?;
        let answer = self.accepted(answer).await?;
        let request_id = header(answer.headers(), "x-request-id");
        let retry_after = self.asked_pause(answer.headers());
        let body = answer.bytes().await.map_err(Error::http)?;
        let received: Result<Received<T>> = Received::read(&body, request_id).map_err(|error| {
            let text = self.inner.key.redact(&shortened(&String::from_utf8_lossy(&body)));
            Error::new(Kind::Unreadable(format!("{error} in {text:?}")))
        });
        Ok(received?.asking_for(retry_after))
    }

    fn asked_pause(&self, headers: &HeaderMap) -> Option<Duration> {
        let (millis, plain) = (header(headers, "retry-after-ms"), header(headers, "retry-after"));
        asked_pause(millis.as_deref(), plain.as_deref(), self.time().unix_time())
    }

    /// The answer, if it is no error.
    async fn accepted(&self, mut answer: Response) -> Result<Response> {
        if answer.status().is_success() {
            return Ok(answer);
        }
        let headers = answer.headers();
        let mut refusal = Refusal {
            status: answer.status().as_u16(),
            request_id: header(headers, "x-request-id"),
            retry_after: self.asked_pause(headers),
            should_retry: match header(headers, "x-should-retry").as_deref() {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            ..Refusal::default()
        };
        // The status says what matters: a body that breaks off, or never comes, is no other error.
        let mut body = Vec::new();
        while body.len() < LONGEST_REFUSAL
            && let Ok(Some(chunk)) = self.in_time(async { answer.chunk().await.map_err(Error::http) }).await
        {
            body.extend_from_slice(&chunk);
        }
        refusal.read_body(&self.inner.key.redact(&String::from_utf8_lossy(&body)));
        Err(Error::new(Kind::Refused(Box::new(refusal))))
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_path() {
        assert_eq!(id_in_path("file-abc_1", "file").unwrap(), "file-abc_1");
        assert_eq!(id_in_path("../batches?x", "file").unwrap(), "..%2Fbatches%3Fx");
        assert!(id_in_path("", "file").is_err());
    }
}
