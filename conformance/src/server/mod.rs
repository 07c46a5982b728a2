//! The cases: what is required of a server, in the order in which reports tell it.
//!
//! They look at bytes and JSON, and know neither the mock nor the client. A refusal proves nothing of a server that
//! refuses everything, so each case has something succeed first.

mod auth;
mod cancel;
mod content;
mod creation;
mod deletion;
mod endpoints;
mod errors;
mod expiry;
mod file_lists;
mod headers;
mod life;
mod lines;
mod lists;
mod metadata;
mod paging;
mod quotas;
mod results;
mod retrieving;
mod unknown;
mod uploading;
mod uploads;
mod validation;
mod webhooks;

use crate::case::{Case, Destroys, Level, Takes};
use crate::cost::TOKENS_OF_A_LINE;

/// A case of a few requests; each says the rest.
const REQUESTS: Case = Case {
    id: "",
    title: "",
    level: Level::Must,
    requirement: "",
    evidence: &[],
    needs: &[],
    takes: Takes::Instant,
    lines: 0,
    tokens_of_a_line: TOKENS_OF_A_LINE,
    destroys: Destroys::Nothing,
    run: |_| Box::pin(async { Ok(()) }),
};

/// A case in which a batch runs.
const RUNS: Case = Case { takes: Takes::Minutes, lines: 1, ..REQUESTS };

const CATALOG: &[&[Case]] = &[
    auth::CASES,
    headers::CASES,
    errors::CASES,
    uploading::CASES,
    content::CASES,
    file_lists::CASES,
    deletion::CASES,
    uploads::CASES,
    creation::CASES,
    metadata::CASES,
    retrieving::CASES,
    lists::CASES,
    life::CASES,
    cancel::CASES,
    expiry::CASES,
    validation::CASES,
    results::CASES,
    endpoints::CASES,
    webhooks::CASES,
    quotas::CASES,
];

/// All cases.
pub fn all() -> impl Iterator<Item = &'static Case> {
    CATALOG.iter().copied().flatten()
}

/// The case with an id.
pub fn find(id: &str) -> Option<&'static Case> {
    all().find(|case| case.id == id)
}
