//! What is kept of requests so that their lines need not be read again.

use std::sync::Arc;

use super::Reading;
use crate::responder::{Gist, Request, Responder};

/// How much is kept at most, in bytes of names and in requests: all of a batch with names of any sensible length.
/// Lines beyond that are read again.
const MAX_TEXT: usize = 16 * 1024 * 1024;
const MAX_DIGESTS: usize = 100_000;

/// The names of requests, and what their answers need of them.
#[derive(Debug)]
pub(crate) struct Digests {
    /// Who will answer them.
    responder: Arc<Responder>,
    /// All names, one after the other.
    custom_ids: String,
    /// Where each name ends, and the gist of its request.
    entries: Vec<(u32, Option<Gist>)>,
}

/// What is kept of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digest<'d> {
    /// Its name.
    pub(crate) custom_id: &'d str,
    /// What an answer of the [responder](Digests::made_for) needs of it, if that is little.
    pub(crate) gist: Option<&'d Gist>,
}

impl Digests {
    /// None yet. Gists are made for this responder.
    pub(crate) fn new(responder: Arc<Responder>) -> Self {
        Self { responder, custom_ids: String::new(), entries: Vec::new() }
    }

    /// Keeps what is worth keeping of a request; its place, if there was room.
    pub(crate) fn add(&mut self, reading: &Reading<'_>, request: Option<&Request>) -> Option<u32> {
        let ends_at = self.custom_ids.len() + reading.custom_id.len();
        if ends_at > MAX_TEXT || self.entries.len() >= MAX_DIGESTS {
            return None;
        }
        self.custom_ids.push_str(&reading.custom_id);
        let gist = request.and_then(|request| request.gist(&self.responder, &reading.custom_id));
        self.entries.push((u32::try_from(ends_at).ok()?, gist));
        u32::try_from(self.entries.len() - 1).ok()
    }

    /// What was kept at a place that [`add`](Self::add) gave.
    pub(crate) fn get(&self, place: u32) -> Digest<'_> {
        let place = place as usize;
        let begins_at = place.checked_sub(1).map_or(0, |before| self.entries[before].0);
        let (ends_at, gist) = &self.entries[place];
        Digest { custom_id: &self.custom_ids[begins_at as usize..*ends_at as usize], gist: gist.as_ref() }
    }

    /// Whether this responder may answer from the gists.
    pub(crate) fn made_for(&self, responder: &Responder) -> bool {
        responder.answers_as(&self.responder)
    }

    /// Lets go of room that will not be needed.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.custom_ids.shrink_to_fit();
        self.entries.shrink_to_fit();
    }
}
