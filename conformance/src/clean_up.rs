//! Finding what earlier runs have left on a server, by its tag, and removing it.

use std::collections::BTreeSet;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, redirect};
use serde_json::Value;

use crate::busy;
use crate::exchange::REDACTED;
use crate::session::FINAL;
use crate::tag;
use crate::target::cause_of;
use crate::time::Deadline;

/// How many items a page has.
const PAGE: usize = 100;

/// What earlier runs have left in an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Batches that run, by their ids.
    pub batches: Vec<String>,
    /// Files, results included, by their ids.
    pub files: Vec<String>,
}

/// An account of a server that is to be cleaned up.
#[derive(Debug)]
pub struct Account {
    http: reqwest::Client,
    base_url: String,
    key: Option<String>,
}

/// Why an account cannot be looked at, or something in it not be removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked}: {why}")]
pub struct CleanUpError {
    /// What was asked of the server.
    pub asked: String,
    /// What it answered, or why it did not.
    pub why: String,
}

impl Account {
    /// An account, by its key if it has one.
    ///
    /// # Errors
    ///
    /// If no client can be made.
    pub fn new(base_url: &str, key: Option<String>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), key })
    }

    /// What earlier runs have left: files by their names, batches by their metadata or their inputs, results by their
    /// batches.
    ///
    /// # Errors
    ///
    /// If the lists cannot be read.
    pub async fn left(&self) -> Result<Left, CleanUpError> {
        let files = self.list("/files").await?;
        let batches = self.list("/batches").await?;
        let mut left = Left::default();
        let mut results = BTreeSet::new();
        let named: BTreeSet<_> = files
            .iter()
            .filter(|file| tag::is_on_file(file))
            .filter_map(|file| file["id"].as_str())
            .collect();
        // Cases about metadata give their own.
        let is_ours = |batch: &&Value| {
            let input = batch["input_file_id"].as_str();
            tag::is_on_batch(batch) || input.is_some_and(|id| named.contains(id))
        };
        for batch in batches.iter().filter(is_ours) {
            let ends_by_itself = [FINAL.as_slice(), &["cancelling"]].concat();
            let runs = !batch["status"].as_str().is_some_and(|status| ends_by_itself.contains(&status));
            left.batches.extend(batch["id"].as_str().filter(|_| runs).map(str::to_owned));
            results
                .extend(["output_file_id", "error_file_id"].iter().filter_map(|name| batch[name].as_str()));
        }
        let ours = files
            .iter()
            .filter(|file| file["id"].as_str().is_some_and(|id| named.contains(id) || results.contains(id)));
        left.files.extend(ours.filter_map(|file| file["id"].as_str()).map(str::to_owned));
        Ok(left)
    }

    /// Cancels the batches and deletes the files. Gives what went wrong with some; the others are done all the same.
    pub async fn remove(&self, left: &Left) -> Vec<CleanUpError> {
        let cancel = left.batches.iter().map(|id| (Method::POST, format!("/batches/{id}/cancel")));
        let delete = left.files.iter().map(|id| (Method::DELETE, format!("/files/{id}")));
        let mut failed = Vec::new();
        for (method, path) in cancel.chain(delete) {
            failed.extend(self.ask(method, &path).await.err());
        }
        failed
    }

    /// All items of a list, page by page.
    async fn list(&self, path: &str) -> Result<Vec<Value>, CleanUpError> {
        let mut items: Vec<Value> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut after = String::new();
        loop {
            let page = format!("{path}?limit={PAGE}{after}");
            let body = self.ask(Method::GET, &page).await?;
            let error = |why: &str| CleanUpError { asked: format!("GET {page}"), why: why.to_owned() };
            let data = body["data"].as_array().ok_or_else(|| error("the answer has no list `data`"))?;
            items.extend(data.iter().cloned());
            let last = data.last().and_then(|item| item["id"].as_str());
            match last {
                Some(last) if body["has_more"] == true => {
                    if !seen.insert(last.to_owned()) {
                        return Err(error(
                            "the list goes round: it ends with an id that was the last before",
                        ));
                    }
                    after = format!("&after={last}");
                }
                Some(_) | None => return Ok(items),
            }
        }
    }

    /// Asks, and once more if the server has no time.
    async fn ask(&self, method: Method, path: &str) -> Result<Value, CleanUpError> {
        let error = |why: String| CleanUpError { asked: format!("{method} {path}"), why };
        let mut tries = 0;
        loop {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.base_url));
            if let Some(key) = &self.key {
                request = request.header(AUTHORIZATION, format!("Bearer {key}"));
            }
            let answer = request.send().await.map_err(|cause| error(cause_of(&cause)))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let text = answer.text().await.map_err(|cause| error(cause_of(&cause)))?;
            tries += 1;
            if busy::is_too_busy(status)
                && let Ok(pause) = busy::pause_after(&headers, tries)
            {
                Deadline::after(pause).pass(pause).await;
                continue;
            }
            if !status.is_success() {
                let key = self.key.as_deref().unwrap_or_default();
                let text = if key.is_empty() { text } else { text.replace(key, REDACTED) };
                return Err(error(format!("status {} with {text}", status.as_u16())));
            }
            return serde_json::from_str(&text).map_err(|_| error("the answer is no JSON".to_owned()));
        }
    }
}
