//! What became of requests: the lines of output and error files, split, read and judged.

mod judge;
mod split;
mod usage;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::error::Result;
use crate::types::Batch;

pub use judge::Unreadable;
pub(crate) use judge::{Kind, Verdict, text};
pub use split::{Splitter, TooLong};
pub use usage::Usage;

/// What became of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    custom_id: String,
    fate: Fate,
    raw: Option<String>,
    attempts: u32,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It was answered.
    Succeeded {
        /// A status of the two hundreds.
        status: u16,
        /// What it cost, if the answer says so.
        usage: Option<Usage>,
    },
    /// It was refused, or broke.
    Failed {
        /// The status; `None` if the request did not get as far as to have one.
        status: Option<u16>,
        /// A short name of the error.
        code: Option<String>,
        /// A sentence for people.
        message: String,
    },
    /// The time of its batch was over before it was its turn.
    Expired,
    /// Its batch was cancelled before it was its turn.
    Cancelled,
    /// Its batch ended, and no file tells of it.
    Missing,
}

impl Outcome {
    /// Reads a line of an output or error file.
    ///
    /// A line succeeded if it has a status of the two hundreds and no error, whichever file it is in: refused requests
    /// have no `error` but a status (F-356), unfinished ones no `response` (F-357).
    ///
    /// ```
    /// use batchmock_client::results::{Fate, Outcome};
    ///
    /// let line = r#"{"custom_id":"a","response":{"status_code":400,"body":{"error":{"message":"no"}}},"error":null}"#;
    /// let outcome = Outcome::read(line)?;
    /// assert!(matches!(outcome.fate(), Fate::Failed { status: Some(400), .. }));
    /// # Ok::<(), batchmock_client::results::Unreadable>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the line is not JSON, or names no request.
    pub fn read(line: &str) -> Result<Self, Unreadable> {
        let verdict = Verdict::read(line)?;
        Ok(Self {
            fate: verdict.fate(),
            custom_id: verdict.custom_id.into_owned(),
            raw: Some(line.trim_end_matches(['\r', '\n']).to_owned()),
            attempts: 1,
        })
    }

    /// What became of a request that no line tells of.
    pub(crate) fn without_line(custom_id: String, fate: Fate) -> Self {
        Self { custom_id, fate, raw: None, attempts: 1 }
    }

    #[must_use]
    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The name of the request.
    pub fn custom_id(&self) -> &str {
        &self.custom_id
    }

    /// How it ended.
    pub fn fate(&self) -> &Fate {
        &self.fate
    }

    /// Whether it was answered.
    pub fn is_success(&self) -> bool {
        matches!(self.fate, Fate::Succeeded { .. })
    }

    /// The line that tells of it, to the letter, if there is one.
    pub fn raw(&self) -> Option<&str> {
        self.raw.as_deref()
    }

    /// In how many batches it was.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What it cost, if it was answered and the answer says so.
    pub fn usage(&self) -> Option<Usage> {
        if let Fate::Succeeded { usage, .. } = self.fate { usage } else { None }
    }

    /// The body of the answer, of success or failure.
    pub fn body(&self) -> Option<Value> {
        serde_json::from_str(judge::body(self.raw.as_deref()?)?.get()).ok()
    }

    /// The body, to the letter.
    pub fn raw_body(&self) -> Option<&str> {
        judge::body(self.raw.as_deref()?).map(RawValue::get)
    }

    /// Whether it was answered with less than the whole: the answer was cut at the limit that the request set.
    pub fn is_cut(&self) -> bool {
        let Some(body) = self.body().filter(|_| self.is_success()) else { return false };
        let is = |pointer, text| body.pointer(pointer).is_some_and(|value| value == text);
        is("/choices/0/finish_reason", "length") || is("/incomplete_details/reason", "max_output_tokens")
    }

    /// The text of a successful answer of a chat, a response or a completion: the first choice's, or all of the
    /// output's one after the other.
    pub fn text(&self) -> Option<String> {
        if !self.is_success() {
            return None;
        }
        let body = self.body()?;
        if let Some(choice) = body.pointer("/choices/0") {
            let text = choice.pointer("/message/content").or_else(|| choice.get("text"))?;
            return text.as_str().map(str::to_owned);
        }
        let output = body.get("output")?.as_array()?;
        let parts = output.iter().filter_map(|item| item.get("content")?.as_array()).flatten();
        Some(parts.filter_map(|part| part.get("text")?.as_str()).collect())
    }
}

impl Client {
    /// What became of the requests of a batch that has ended: every line of both of its files, in their order. Lines
    /// that cannot be read come last, as the errors that they are. A batch without files has none.
    ///
    /// This holds all results in memory; a [run](Self::run_file) does not.
    pub async fn outcomes(&self, batch: &Batch) -> Result<Vec<Result<Outcome, Unreadable>>> {
        let (mut all, mut unreadable) = (Vec::new(), Vec::new());
        for id in [&batch.output_file_id, &batch.error_file_id].into_iter().flatten() {
            if id.is_empty() {
                continue;
            }
            let content = self.files().content(id).await?.bytes().await?;
            for line in content.split(|byte| *byte == b'\n') {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                match text(line).and_then(Outcome::read) {
                    Ok(outcome) => all.push(Ok(outcome)),
                    Err(error) => unreadable.push(Err(error)),
                }
            }
        }
        all.append(&mut unreadable);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(body: &str) -> Outcome {
        let line =
            format!(r#"{{"custom_id":"a","response":{{"status_code":200,"body":{body}}},"error":null}}"#);
        Outcome::read(&line).unwrap()
    }

    #[test]
    fn each_endpoint_has_its_text() {
        let chat = outcome(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"length"}]}"#);
        assert_eq!((chat.text().as_deref(), chat.is_cut()), (Some("hi"), true));
        let completion = outcome(r#"{"choices":[{"text":"hi","finish_reason":"stop"}]}"#);
        assert_eq!((completion.text().as_deref(), completion.is_cut()), (Some("hi"), false));
        let response = outcome(
            r#"{"output":[{"type":"reasoning"},{"content":[{"text":"h"},{"text":"i"}]}],
                "incomplete_details":{"reason":"max_output_tokens"}}"#,
        );
        assert_eq!((response.text().as_deref(), response.is_cut()), (Some("hi"), true));
        assert_eq!(outcome(r#"{"choices":[{"message":{"content":null}}]}"#).text(), None);
        assert_eq!(outcome("{}").text(), None);
    }
}
