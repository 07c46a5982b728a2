//! What a case has asked and seen, so that it can be put down and taken up again.
//!
//! A case looks at nothing but answers, and waits through its session. So a case that is begun anew, and given the answers
//! of before, comes to the point at which it was put down, and goes on from there. No case is written in two halves.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// A case that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Its id.
    pub case: String,
    /// When it was begun, in seconds since 1970, by the clock of this machine.
    pub(crate) begun_at: i64,
    /// What it did so far, the last of which is that it waits.
    pub(crate) steps: Vec<Step>,
}

/// Something that a case did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Step {
    /// It asked, and was answered.
    Asked(Asked),
    /// It waited before it looked again.
    Waited,
    /// It lets so many seconds pass, from a time by the clock of the server.
    Passing {
        /// The time.
        since: i64,
        /// How many seconds.
        by: u64,
    },
    /// It had a program bring something about.
    BroughtAbout,
}

/// A request and its whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `POST /batches`.
    pub(crate) what: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The body in base64, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl Asked {
    pub(crate) fn new(what: String, status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).ok().map(str::to_owned);
        let bytes = text.is_none().then(|| BASE64_STANDARD.encode(body));
        Self { what, status, headers, text, bytes }
    }

    /// The body; nothing if it cannot be read.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.bytes) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(bytes)) => BASE64_STANDARD.decode(bytes).ok(),
            (None, None) => None,
        }
    }

    /// With nothing that stands in it where a key stood.
    fn redact(&mut self, keys: &[String], redacted: &str) {
        let texts = self.headers.iter_mut().map(|(_, value)| value).chain(&mut self.text);
        for text in texts.chain([&mut self.what]) {
            for key in keys {
                if text.contains(key) {
                    *text = text.replace(key, redacted);
                }
            }
        }
    }
}

/// The steps of a case: those of before, which it takes again, and those since.
#[derive(Debug)]
pub(crate) struct Journal {
    begun_at: i64,
    before: VecDeque<Step>,
    taken: Vec<Step>,
}

impl Journal {
    /// Of a case that is begun now.
    pub(crate) fn new(now: i64) -> Self {
        Self { begun_at: now, before: VecDeque::new(), taken: Vec::new() }
    }

    /// Of a case that waits.
    pub(crate) fn of(waiting: Waiting) -> Self {
        Self { begun_at: waiting.begun_at, before: waiting.steps.into(), taken: Vec::new() }
    }

    pub(crate) fn begun_at(&self) -> i64 {
        self.begun_at
    }

    /// The next step of before, which is taken again.
    pub(crate) fn again(&mut self) -> Option<Step> {
        let step = self.before.pop_front()?;
        self.taken.push(step.clone());
        Some(step)
    }

    /// Whether all steps of before have been taken.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.before.is_empty()
    }

    /// A step that is new.
    pub(crate) fn take(&mut self, step: Step) {
        self.taken.push(step);
    }

    /// The case is put down here. Keys are left out.
    pub(crate) fn put_down(mut self, case: &str, keys: &[String], redacted: &str) -> Waiting {
        for step in &mut self.taken {
            if let Step::Asked(asked) = step {
                asked.redact(keys, redacted);
            }
        }
        Waiting { case: case.to_owned(), begun_at: self.begun_at, steps: self.taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_as_they_were() {
        for body in [&b""[..], b"{\"a\": 1}", b"\xff\x00"] {
            let asked = Asked::new("GET /files".to_owned(), 200, Vec::new(), body);
            let text = serde_json::to_string(&asked).unwrap();
            assert_eq!(serde_json::from_str::<Asked>(&text).unwrap().body().unwrap(), body);
        }
    }

    #[test]
    fn a_key_that_is_echoed_is_not_kept() {
        let mut journal = Journal::new(0);
        let headers = vec![("x-echo".to_owned(), "Bearer sk-a".to_owned())];
        journal.take(Step::Asked(Asked::new("GET /files".to_owned(), 200, headers, b"your key is sk-a")));
        let waiting = journal.put_down("files/list/all", &["sk-a".to_owned()], "[redacted]");
        let text = serde_json::to_string(&waiting).unwrap();
        assert!(!text.contains("sk-a") && text.matches("[redacted]").count() == 2, "{text}");
    }

    #[test]
    fn steps_of_before_are_taken_again_in_their_order() {
        let steps = vec![Step::Waited, Step::BroughtAbout];
        let waiting = Waiting { case: "a".to_owned(), begun_at: 7, steps: steps.clone() };
        let mut journal = Journal::of(waiting);
        assert_eq!(journal.again(), Some(Step::Waited));
        assert!(!journal.is_at_its_end());
        assert_eq!(journal.again(), Some(Step::BroughtAbout));
        assert!(journal.is_at_its_end());
        assert_eq!(journal.again(), None);
        assert_eq!(journal.put_down("a", &[], "").steps, steps);
    }
}
