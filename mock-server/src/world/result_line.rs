//! One line of a result file: what became of one request.

use std::time::Duration;

use batchmock_client::types::{ErrorBody, LineError, LineResponse, ResultLine};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::AccountIds;
use super::batches::BatchRecord;
use crate::ids;
use crate::input::{Digest, LineOutcome, Reading};
use crate::responder::{Body, Ending, Occasion, Request, Usage};
use crate::sim::{LineEnd, Observation, Times, Timestamp};
use crate::switches::{LineRequestId, ServerErrorText};

/// What the lines of a batch are told from: the batch, and the state it ended in.
pub(super) struct LineTeller<'a> {
    pub(super) batch: &'a BatchRecord,
    pub(super) last: &'a Observation,
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
    /// The result of the line at a place of the input, counted from 0, and the tokens it took: from what was kept
    /// of the line, if that is enough.
    pub(super) fn tell_digest(&self, place: u32, end: LineEnd, digest: &Digest<'_>) -> Option<Told> {
        let ran = match end {
            LineEnd::Expired | LineEnd::Cancelled => None,
            LineEnd::Ran(_) => {
                let model = self.batch.model.as_deref()?;
                let ending = match self.batch.behavior.rules.outcome(digest.custom_id, Some(model)) {
                    LineOutcome::Natural => Ending::Natural,
                    LineOutcome::Refusal => Ending::Refusal,
                    LineOutcome::Length => Ending::Length,
                    LineOutcome::Status400
                    | LineOutcome::Status429
                    | LineOutcome::Quota
                    | LineOutcome::Status500
                    | LineOutcome::Timeout => return None,
                };
                Some((Request::from_gist(digest.gist?, model), ending))
            }
        };
        Some(self.tell(place, end, digest.custom_id, |rng| {
            let (request, ending) = ran.as_ref()?;
            Some(self.answer(request, digest.custom_id, *ending, rng))
        }))
    }

    /// The same, from the line itself.
    pub(super) fn tell_reading(&self, place: u32, end: LineEnd, reading: &Reading<'_>) -> Told {
        self.tell(place, end, &reading.custom_id, |rng| self.run(reading, rng))
    }

    /// The result of a line; `run` answers it, if it ran, or gives nothing if no answer came in time.
    fn tell(
        &self,
        place: u32,
        end: LineEnd,
        custom_id: &str,
        run: impl FnOnce(&mut ChaCha8Rng) -> Option<LineAnswer>,
    ) -> Told {
        let mut rng = self.batch.seed.nth("line", u64::from(place)).rng();
        let id = ids::batch_request(self.written_at(place), &mut rng);
        let mut usage = Usage::default();
        let (response, error) = match end {
            LineEnd::Expired => (None, Some(LineEnding::Expired)),
            LineEnd::Cancelled => (None, Some(LineEnding::Cancelled)),
            LineEnd::Ran(_) => {
                let request_id = ids::line_request(self.batch.behavior.switches.line_request_id, &mut rng);
                match run(&mut rng) {
                    Some(LineAnswer { status_code, body, usage: tokens }) => {
                        usage = tokens;
                        (Some(LineResponse { status_code, request_id, body }), None)
                    }
                    None => (None, Some(LineEnding::TimedOut)),
                }
            }
        };
        let error = error.map(LineEnding::to_error);
        (ResultLine { id, custom_id: custom_id.to_owned(), response, error }, usage)
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

    /// The answer to a line that ran; `None` if none came in time.
    fn run(&self, reading: &Reading<'_>, rng: &mut ChaCha8Rng) -> Option<LineAnswer> {
        let ending = match self.batch.behavior.rules.outcome(&reading.custom_id, reading.model()) {
            LineOutcome::Status400 => {
                return Some(LineAnswer::refused(400, context_length_exceeded(reading)));
            }
            LineOutcome::Status429 => {
                return Some(LineAnswer::refused(429, rate_limit_reached(reading, self.batch)));
            }
            LineOutcome::Quota => return Some(LineAnswer::refused(429, quota_exceeded())),
            LineOutcome::Status500 => {
                let text = self.batch.behavior.switches.server_error_text;
                return Some(LineAnswer::refused(500, server_error(text, rng)));
            }
            LineOutcome::Timeout => return None,
            LineOutcome::Refusal => Ending::Refusal,
            LineOutcome::Length => Ending::Length,
            LineOutcome::Natural => Ending::Natural,
        };
        match Request::read(self.batch.endpoint, &reading.body) {
            Ok(request) => Some(self.answer(&request, &reading.custom_id, ending, rng)),
            Err(refusal) => Some(LineAnswer::refused(refusal.status, refusal.error)),
        }
    }

    fn answer(&self, request: &Request, custom_id: &str, ending: Ending, rng: &mut ChaCha8Rng) -> LineAnswer {
        let began_at = self.last.times.in_progress_at.unwrap_or(self.batch.plan.created_at());
        let occasion = Occasion { custom_id, created_at: began_at.unix_seconds(), ending, rng };
        let answer = self.batch.behavior.responder.answer(request, occasion);
        LineAnswer { status_code: 200, body: LineBody::Answer(answer.body), usage: answer.usage }
    }
}

/// What a line that ran was answered.
struct LineAnswer {
    status_code: u16,
    body: LineBody,
    usage: Usage,
}

impl LineAnswer {
    fn refused(status_code: u16, error: ErrorBody) -> Self {
        Self { status_code, body: LineBody::Refusal { error }, usage: Usage::default() }
    }
}

/// Why a line has no response.
#[derive(Clone, Copy)]
enum LineEnding {
    Expired,
    Cancelled,
    TimedOut,
}

impl LineEnding {
    fn to_error(self) -> LineError {
        let (code, message) = match self {
            // F-357.
            Self::Expired => {
                ("batch_expired", "This request could not be executed before the completion window expired.")
            }
            // F-358: the text is assumed.
            Self::Cancelled => {
                ("batch_cancelled", "This request was not executed because the batch was cancelled.")
            }
            // F-359: the text is assumed.
            Self::TimedOut => ("request_timeout", "This request timed out before it was completed."),
        };
        LineError { code: code.to_owned(), message: message.to_owned() }
    }
}

/// F-356; the numbers are made up.
fn context_length_exceeded(reading: &Reading<'_>) -> ErrorBody {
    let param = ["messages", "input", "prompt"].into_iter().find(|param| reading.body.get(param).is_some());
    ErrorBody::invalid_request(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 \
         tokens. Please reduce the length of the messages.",
    )
    .with_param(param.unwrap_or("messages"))
    .with_code("context_length_exceeded")
}

/// F-035; the numbers are made up. That a line is refused in these words is assumed.
fn rate_limit_reached(reading: &Reading<'_>, batch: &BatchRecord) -> ErrorBody {
    let model = reading.model().unwrap_or("the model");
    let AccountIds { organization_id, project_id } = &*batch.account;
    ErrorBody {
        message: format!(
            "Rate limit reached for {model} in project {project_id} organization {organization_id} on tokens per \
             min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s. Visit \
             https://platform.openai.com/account/rate-limits to learn more."
        ),
        kind: "tokens".to_owned(),
        param: None,
        code: Some("rate_limit_exceeded".to_owned()),
    }
}

/// F-036, seen in an error file in 2025 (F-356).
fn quota_exceeded() -> ErrorBody {
    ErrorBody {
        message: "You exceeded your current quota, please check your plan and billing details. For more \
                  information on this error, read the docs: \
                  https://platform.openai.com/docs/guides/error-codes/api-errors."
            .to_owned(),
        kind: "insufficient_quota".to_owned(),
        param: None,
        code: Some("insufficient_quota".to_owned()),
    }
}

/// F-363, F-364. That the longer text has the same type, param and code is assumed.
fn server_error(text: ServerErrorText, rng: &mut impl Rng) -> ErrorBody {
    ErrorBody {
        message: match text {
            ServerErrorText::Sorry => {
                "The server had an error while processing your request. Sorry about that!".to_owned()
            }
            ServerErrorText::Retry => format!(
                "An error occurred while processing your request. You can retry your request, or contact us \
                 through our help center at help.openai.com if the error persists. Please include the request \
                 ID {} in your message",
                ids::line_request(LineRequestId::Uuid, rng)
            ),
        },
        kind: "server_error".to_owned(),
        param: None,
        code: None,
    }
}
