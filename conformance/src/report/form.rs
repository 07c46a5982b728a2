//! The forms in which a report can be told.

use std::fmt;
use std::str::FromStr;

use crate::report::{self, Report};

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people, on a terminal or in a log.
    Text,
    /// Whole, for programs, and to be read again.
    Json,
    /// For CI systems, which show the tests that failed.
    Junit,
    /// For test harnesses.
    Tap,
    /// For the summary of a CI job.
    Markdown,
    /// One page with everything in it.
    Html,
}

/// A word that names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no form of report: there are {}", Form::ALL.map(|form| format!("`{form}`")).join(", "))]
pub struct UnknownForm {
    /// The word.
    pub word: String,
}

impl Form {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Text, Self::Json, Self::Junit, Self::Tap, Self::Markdown, Self::Html];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Tap => "tap",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// A report in this form.
    pub fn of(self, report: &Report) -> String {
        match self {
            Self::Text => report::text(report),
            Self::Json => report::json(report),
            Self::Junit => report::junit(report),
            Self::Tap => report::tap(report),
            Self::Markdown => report::markdown(report),
            Self::Html => report::html(report),
        }
    }
}

impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(word: &str) -> Result<Self, UnknownForm> {
        Self::ALL
            .into_iter()
            .find(|form| form.name() == word)
            .ok_or_else(|| UnknownForm { word: word.to_owned() })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
