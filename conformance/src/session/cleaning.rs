//! What a case has made, and what becomes of it when the case has ended.

use reqwest::Method;
use serde_json::json;

use super::{FINAL, Session};
use crate::cost::Cost;
use crate::exchange::{Key, Request};
use crate::expect::Answer;

impl Session {
    /// Files and batches are remembered, to be cleaned up.
    pub(super) fn note_what_was_made(&mut self, key: Key, request: &Request, answer: &Answer) {
        if request.method != Method::POST || !answer.status.is_success() {
            return;
        }
        let Ok(body) = answer.json() else { return };
        let Some(id) = body.get("/id").as_str() else { return };
        let cost = Cost::of_upload(request.body.as_deref().unwrap_or_default());
        let mut steps = request.path.trim_start_matches('/').split('/');
        match (steps.next(), steps.next(), steps.next()) {
            (Some("files"), None, None) => {
                self.files.push((key, id.to_owned()));
                self.inputs.insert(id.to_owned(), cost);
            }
            (Some("batches"), None, None) => self.batches.push((key, id.to_owned())),
            (Some("uploads"), Some(upload), Some("parts")) => {
                *self.inputs.entry(upload.to_owned()).or_default() += cost;
            }
            (Some("uploads"), Some(upload), Some("complete")) => {
                if let Some(file) = body.get("/file/id").as_str() {
                    self.files.push((key, file.to_owned()));
                    let cost = self.inputs.get(upload).copied().unwrap_or_default();
                    self.inputs.insert(file.to_owned(), cost);
                }
            }
            _ => {}
        }
    }

    /// Cancels batches that run, and deletes the files that the case has made, those of results included. What fails
    /// is told, and changes no verdict. What is done here is no part of the record.
    pub(crate) async fn clean_up(&mut self) -> Vec<String> {
        if self.target.forgets {
            return Vec::new();
        }
        let recorded = self.exchanges.len();
        let mut left = Vec::new();
        for (key, id) in std::mem::take(&mut self.batches) {
            self.act_as(key);
            let Ok(batch) = self.retrieve(&id).await else {
                left.push(id);
                continue;
            };
            let status = batch.get("/status").as_str().unwrap_or_default();
            if !FINAL.contains(&status) && status != "cancelling" {
                let cancelled = self.post(format!("/batches/{id}/cancel"), &json!({})).await;
                if !cancelled.is_ok_and(|answer| answer.status.is_success()) {
                    left.push(id);
                }
            }
            let results = ["/output_file_id", "/error_file_id"].map(|name| batch.get(name).as_str());
            let results = results.into_iter().flatten().filter(|id| !id.is_empty());
            self.files.extend(results.map(|id| (key, id.to_owned())));
        }
        for (key, id) in std::mem::take(&mut self.files) {
            self.act_as(key);
            let deleted = self.delete(format!("/files/{id}")).await;
            // The case itself may have deleted it.
            if !deleted.is_ok_and(|answer| answer.status.is_success() || answer.status == 404) {
                left.push(id);
            }
        }
        self.exchanges.truncate(recorded);
        left
    }
}
