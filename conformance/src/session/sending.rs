//! Sending requests: each is recorded, and one that a server has no time for is sent again.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::Session;
use crate::busy;
use crate::cost::Cost;
use crate::exchange::{Exchange, Key, REDACTED, Request, shown};
use crate::expect::{Answer, Outcome, Place, Stop};
use crate::journal::{Asked, Step};
use crate::target::why_none_came;

impl Session {
    /// Sends a request, and records it with its answer. That none comes is the server's fault. One that is told to come
    /// later does so, unless it says that it is sent once; all answers are in the record.
    pub(crate) async fn send(&mut self, request: Request) -> Outcome<Answer> {
        let key = if request.key == Key::Own { self.acting } else { request.key };
        let cost = self.cost_of(&request);
        self.costs.push((self.exchanges.len(), cost));
        let mut tries = 0;
        loop {
            let answer = self.exchange(&request, key).await?;
            tries += 1;
            if request.is_once || !busy::is_too_busy(answer.status) {
                self.note_what_was_made(key, &request, &answer);
                return Ok(answer);
            }
            let asked = &answer.place.asked;
            let status = answer.status.as_u16();
            if is_out_of_money(&answer) {
                return Err(Stop::NotReached(format!(
                    "{asked}: the account has no more to spend ({status})"
                )));
            }
            match busy::pause_after(&answer.headers, tries) {
                Ok(pause) => self.pause(pause).await?,
                Err(why) => {
                    return Err(Stop::NotReached(format!("{asked} was answered with {status} {why}")));
                }
            }
        }
    }

    /// What a request may set off.
    fn cost_of(&self, request: &Request) -> Cost {
        if request.method != Method::POST || request.path != "/batches" {
            return Cost::default();
        }
        let body = request.body.as_deref().unwrap_or_default();
        let input = serde_json::from_slice::<serde_json::Value>(body).ok();
        let input = input.as_ref().and_then(|body| body["input_file_id"].as_str());
        input.and_then(|id| self.inputs.get(id)).copied().unwrap_or_default()
    }

    /// Sends a request once, or gives what came when the case was here before.
    async fn exchange(&mut self, request: &Request, key: Key) -> Outcome<Answer> {
        let key = self.target.key(self.case, key);
        let key_header = key.is_some().then(|| ("authorization".to_owned(), REDACTED.to_owned()));
        let headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let at = self.exchanges.len();
        self.exchanges.push(Exchange {
            method: request.method.to_string(),
            path: request.path.clone(),
            request_headers: key_header.into_iter().chain(headers).collect(),
            request_body: shown(request.body.as_deref().unwrap_or_default()),
            status: None,
            headers: Vec::new(),
            body: String::new(),
        });
        let place = Place { asked: self.exchanges[at].asked(), exchange: Some(at) };
        let answer = match self.journal.again() {
            Some(Step::Asked(asked)) if asked.what == place.asked => answer_of(&asked, place)?,
            Some(step) => return Err(other_than_before(&place.asked, &step)),
            None => match self.ask(request, key).await {
                Ok((status, headers, body)) => {
                    let answer = Answer { status, headers, body, place };
                    let (what, status) = (answer.place.asked.clone(), answer.status.as_u16());
                    let asked = Asked::new(what, status, texts_of(&answer.headers), &answer.body);
                    self.journal.take(Step::Asked(asked));
                    answer
                }
                Err(cause) => {
                    self.exchanges[at].body.clone_from(&cause);
                    return place.mismatch("the answer", &["a whole one".to_owned()], cause);
                }
            },
        };
        let recorded = &mut self.exchanges[at];
        recorded.status = Some(answer.status.as_u16());
        recorded.headers = texts_of(&answer.headers);
        recorded.body = shown(&answer.body);
        self.target.redact(recorded);
        Ok(answer)
    }

    async fn ask(
        &self,
        request: &Request,
        key: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), String> {
        let url = format!("{}{}", self.target.base_url, request.path);
        let mut sent = self.target.http.request(request.method.clone(), url);
        if let Some(key) = key {
            sent = sent.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        let answer = sent.body(request.body.clone().unwrap_or_default()).send();
        let answer = answer.await.map_err(|error| why_none_came(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| why_none_came(&error))?;
        Ok((status, headers, body.into()))
    }
}

/// The case does not do what it did when it was put down.
pub(super) fn other_than_before(now: &str, before: &Step) -> Stop {
    let before = match before {
        Step::Asked(asked) => &asked.what,
        Step::Waited | Step::Passing { .. } => "waiting",
        Step::BroughtAbout => "bringing about an end",
    };
    Stop::Broken(format!("where the case came to {before} when it was put down, it now comes to {now}"))
}

fn texts_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// An answer of before.
fn answer_of(asked: &Asked, place: Place) -> Outcome<Answer> {
    let broken = || Stop::Broken(format!("the answer to {} is not kept as it should be", asked.what));
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| broken())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| broken())?);
    }
    let status = StatusCode::from_u16(asked.status).map_err(|_| broken())?;
    Ok(Answer { status, headers, body: asked.body().ok_or_else(broken)?, place })
}

/// Whether it is not time that is missing, but money (F-036).
fn is_out_of_money(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    matches!(body["error"]["code"].as_str(), Some("insufficient_quota" | "billing_hard_limit_reached"))
}
