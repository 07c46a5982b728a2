//! Reading transcripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::exchange::{Answer, Request};

/// A recorded conversation.
#[derive(Debug)]
pub(super) struct Transcript {
    /// The day of the recording, as `2026-08-19`.
    pub(super) recorded: String,
    pub(super) mock: Setting,
    pub(super) exchanges: Vec<Exchange>,
}

/// How the mock is set so that its batches live as the recorded ones did.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    /// What the clock shows at the first exchange, in Unix seconds.
    pub(super) start: i64,
    /// How many seconds phases take.
    #[serde(default)]
    pub(super) pace: BTreeMap<String, u64>,
    /// Switches that are not at their default, as `name=value`.
    #[serde(default)]
    pub(super) switches: Vec<String>,
    /// The keys there are, if there are wrong ones.
    pub(super) keys: Option<Vec<String>>,
}

/// One request and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    /// When, in seconds after the first one.
    pub(super) at: u64,
    pub(super) request: Request,
    pub(super) answer: Answer,
}

/// A transcript as it stands in its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    provenance: String,
    recorded: String,
    mock: Setting,
    exchange: Vec<ExchangeDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeDocument {
    at: u64,
    request: String,
    #[serde(default)]
    request_body: String,
    answer: String,
    #[serde(default)]
    answer_body: String,
}

impl Transcript {
    /// The names of all transcripts.
    pub(super) fn all() -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory())
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    pub(super) fn read(name: &str) -> Self {
        let path = directory().join(name).with_extension("toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let document: Document =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!document.provenance.is_empty(), "{name} does not say where it is from");
        let exchanges = document.exchange.into_iter().map(|exchange| Exchange {
            at: exchange.at,
            request: Request::parse(&exchange.request, exchange.request_body),
            answer: Answer::parse(&exchange.answer, exchange.answer_body),
        });
        Self { recorded: document.recorded, mock: document.mock, exchanges: exchanges.collect() }
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/transcripts")
}
