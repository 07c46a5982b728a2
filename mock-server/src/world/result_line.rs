//! One line of a result file: what became of one request.

use std::io;
use std::time::Duration;

use batchmock_client::types::{ErrorBody, LineError, LineResponse, ResultLine};
use serde::Serialize;

use super::AccountIds;
use super::batches::BatchRecord;
use super::deciding::ByLine;
use super::upload::Lines;
use crate::answers::{Asking, Depth, ErrorSource, Given, RecordingReader};
use crate::ids;
use crate::input::Line;
use crate::responder::{Body, Gist, Refusal, Request, Usage};
use crate::sim::{LineEnd, Observation, Times, Timestamp};

/// What the lines of a batch are told from: the batch, the state it ended in, and who answers.
pub(super) struct LineTeller<'a> {
    pub(super) batch: &'a BatchRecord,
    pub(super) last: &'a Observation,
    pub(super) answerers: &'a ByLine,
    /// Whether what was kept of requests was kept for what answers.
    pub(super) has_gists: bool,
}

/// A line of a result file, and the tokens of its answer.
pub(super) type Told = (ResultLine<LineBody>, Usage);

/// What a line that ran was answered with.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum LineBody {
    Answer(Body),
    Refusal { error: ErrorBody },
}

impl LineTeller<'_> {
    /// The result of the line at a place of the input, counted from 0, and the tokens it took.
    ///
    /// # Errors
    ///
    /// If a file cannot be read again.
    pub(super) fn tell(
        &self,
        place: u32,
        end: LineEnd,
        line: &Line,
        lines: &mut Lines<'_>,
        recordings: &mut RecordingReader,
    ) -> io::Result<Told> {
        let kept = lines.digest(line);
        let custom_id = match &kept {
            Some(kept) => kept.custom_id.to_owned(),
            None => lines.read(line)?.custom_id.into_owned(),
        };
        let mut rng = self.batch.seed.nth("line", u64::from(place)).rng();
        let id = ids::batch_request(self.written_at(place), &mut rng);
        if let Some(error) = unfinished(end) {
            return Ok((ResultLine { id, custom_id, response: None, error: Some(error) }, Usage::default()));
        }
        let request_id = ids::line_request(self.batch.behavior.switches.line_request_id, &mut rng);
        let gist = kept.and_then(|kept| kept.gist).filter(|_| self.has_gists);
        let asking = self.asking(&custom_id, |depth| self.read(line, depth, gist, lines));
        let answerer = self.answerers.of(place, &custom_id);
        let (status_code, body, usage) =
            match self.batch.behavior.answers.give(answerer, asking, recordings, &mut rng)? {
                Given::Answer { status, answer } => (status, LineBody::Answer(answer.body), answer.usage),
                Given::Error { status, error } => (status, LineBody::Refusal { error }, Usage::default()),
                Given::NoAnswer(error) => {
                    let error = Some(error);
                    return Ok((ResultLine { id, custom_id, response: None, error }, Usage::default()));
                }
            };
        let response = Some(LineResponse { status_code, request_id, body });
        Ok((ResultLine { id, custom_id, response, error: None }, usage))
    }

    fn asking<'t, R>(&'t self, custom_id: &'t str, read: R) -> Asking<'t, R> {
        let AccountIds { organization_id, project_id } = &*self.batch.account;
        Asking {
            custom_id,
            created_at: self.began_at(),
            responder: &self.batch.behavior.responder,
            errors: ErrorSource {
                model: self.batch.model.as_deref(),
                endpoint: self.batch.endpoint,
                organization_id,
                project_id,
                server_error_text: self.batch.behavior.switches.server_error_text,
            },
            read,
        }
    }

    /// The request of a line, from what was kept of it if that is enough.
    fn read(
        &self,
        line: &Line,
        depth: Depth,
        gist: Option<&Gist>,
        lines: &mut Lines<'_>,
    ) -> io::Result<Result<Request, Refusal>> {
        match (gist, &self.batch.model, depth) {
            (Some(gist), Some(model), Depth::ForResponder) => Ok(Ok(Request::from_gist(gist, model))),
            _ => Ok(Request::read(self.batch.endpoint, &lines.read(line)?.body)),
        }
    }

    /// When its lines began to be answered, in whole Unix seconds.
    fn began_at(&self) -> i64 {
        self.last.times.in_progress_at.unwrap_or(self.batch.plan.created_at()).unix_seconds()
    }

    /// When a line is written: as soon as the batch is finalizing, or a second later, but not after its end
    /// (F-502). That the results of a cancelled batch are written at its end is assumed.
    fn written_at(&self, place: u32) -> Timestamp {
        let Times { finalizing_at, completed_at, expired_at, cancelled_at, .. } = self.last.times;
        match (finalizing_at, completed_at.or(expired_at)) {
            (Some(begins_at), Some(ends_at)) => {
                let second = self.batch.seed.nth("second", u64::from(place)).number() % 2;
                (begins_at + Duration::from_secs(second)).min(ends_at)
            }
            _ => cancelled_at.unwrap_or(self.batch.plan.created_at()),
        }
    }
}

/// Why a line that never ran has no response.
fn unfinished(end: LineEnd) -> Option<LineError> {
    let (code, message) = match end {
        LineEnd::Ran(_) => return None,
        // F-357.
        LineEnd::Expired => {
            ("batch_expired", "This request could not be executed before the completion window expired.")
        }
        // F-358: the text is assumed.
        LineEnd::Cancelled => {
            ("batch_cancelled", "This request was not executed because the batch was cancelled.")
        }
    };
    Some(LineError { code: code.to_owned(), message: message.to_owned() })
}
