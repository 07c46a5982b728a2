//! What a case is: a requirement with its sources, and the code that judges it.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::expect::Outcome;
use crate::facts;
use crate::session::Session;

/// A requirement on a server, and how it is judged.
#[derive(Debug)]
pub struct Case {
    /// What it is called, for good: `batches/cancel/after-completed`.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// How much depends on it.
    pub level: Level,
    /// The requirement, in one sentence.
    pub requirement: &'static str,
    /// What says so.
    pub evidence: &'static [Evidence],
    /// What a server must offer for it to be judged.
    pub needs: &'static [Capability],
    /// How long it takes where time cannot be moved.
    pub takes: Takes,
    /// How many lines of batches a server may run, and charge for, in its course, even if it runs what it should refuse.
    pub lines: u32,
    /// How many tokens each of them has at most, prompt and answer.
    pub tokens_of_a_line: u32,
    /// What of its own it destroys on the way, rather than when it is cleaned up.
    pub destroys: Destroys,
    /// Judges it.
    pub run: Run,
}

/// The code of a case.
pub type Run = for<'a> fn(&'a mut Session) -> Running<'a>;

/// A case that runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// How much depends on a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Clients that are right depend on it. It is documented, or was observed.
    Must,
    /// The service does so, and clients may have come to expect it.
    Should,
    /// For information: it never fails a run, and may rest on an assumption.
    May,
}

/// A fact of `docs/fidelity.md` that a requirement rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// How it is known.
    pub kind: Kind,
    /// Its number, such as `F-262`.
    pub fact: &'static str,
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By the official document, a guide, the reference or an official SDK.
    Documented,
    /// By a real answer that somebody recorded or quoted.
    Observed,
    /// It is inferred, or known at second hand.
    Assumed,
}

/// Something that not every server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Files that come in parts, below `/uploads`.
    Uploads,
    /// Keys are checked, so that a wrong one is refused.
    KeyCheck,
    /// There are two accounts, and a key of each.
    TwoKeys,
    /// Webhooks that reach the suite.
    Webhooks,
    /// What an account may use can be set, by a control API.
    Quotas,
    /// Lines for `/v1/responses`.
    Responses,
    /// Lines for `/v1/embeddings`.
    Embeddings,
    /// Lines for `/v1/completions`.
    Completions,
    /// Lines for `/v1/moderations`.
    Moderations,
    /// Lines for `/v1/images/generations` and `/v1/images/edits`.
    Images,
    /// Lines for `/v1/videos`.
    Videos,
}

/// How long a case takes where time cannot be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Takes {
    /// A few requests.
    Instant,
    /// A batch that is small, or refused.
    Minutes,
    /// A file or an upload that expires.
    Hours,
    /// A batch that expires.
    Day,
    /// Results that expire.
    Month,
}

/// What a case destroys on its way. It is always something that the case has made: nothing else is ever touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Destroys {
    /// Nothing.
    Nothing,
    /// It deletes files.
    Files,
    /// It cancels batches or uploads.
    Work,
}

/// A fact that is documented.
pub(crate) const fn documented(fact: &'static str) -> Evidence {
    Evidence { kind: Kind::Documented, fact }
}

/// A fact that was observed.
pub(crate) const fn observed(fact: &'static str) -> Evidence {
    Evidence { kind: Kind::Observed, fact }
}

/// A fact that is assumed.
pub(crate) const fn assumed(fact: &'static str) -> Evidence {
    Evidence { kind: Kind::Assumed, fact }
}

/// An async function of a session as the code of a case.
macro_rules! run {
    ($function:path) => {
        |session| Box::pin($function(session))
    };
}
pub(crate) use run;

impl Case {
    /// The first part of the id, by which cases are grouped.
    pub fn subject(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }

    /// How many tokens its lines have at most, prompts and answers.
    pub fn tokens(&self) -> u64 {
        u64::from(self.lines) * u64::from(self.tokens_of_a_line)
    }
}

impl Evidence {
    /// Where it is known from: the source in `docs/fidelity.md`.
    pub fn source(self) -> &'static str {
        facts::of(self.fact).find(|fact| fact.kind() == Some(self.kind)).map_or("", |fact| fact.source)
    }
}

impl Capability {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Uploads,
        Self::KeyCheck,
        Self::TwoKeys,
        Self::Webhooks,
        Self::Quotas,
        Self::Responses,
        Self::Embeddings,
        Self::Completions,
        Self::Moderations,
        Self::Images,
        Self::Videos,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::KeyCheck => "key-check",
            Self::TwoKeys => "two-keys",
            Self::Webhooks => "webhooks",
            Self::Quotas => "quotas",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Completions => "completions",
            Self::Moderations => "moderations",
            Self::Images => "images",
            Self::Videos => "videos",
        }
    }
}

impl Takes {
    /// The longest that is waited.
    pub fn at_most(self) -> Duration {
        match self {
            Self::Instant => Duration::from_secs(30),
            Self::Minutes => Duration::from_mins(30),
            Self::Hours => Duration::from_hours(6),
            Self::Day => Duration::from_hours(26),
            Self::Month => Duration::from_hours(32 * 24),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Assumed => "assumed",
        })
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Instant => "an instant",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Day => "a day",
            Self::Month => "a month",
        })
    }
}

impl fmt::Display for Destroys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "nothing",
            Self::Files => "files that it has made",
            Self::Work => "batches or uploads that it has begun",
        })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
