//! The result files of a batch that has ended: rendered from plan and input when they are first looked at,
//! line by line, in memory never whole.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use batchmock_client::types::{BatchUsage, ErrorBody, LineError, LineResponse, ResultLine};
use rand::Rng;
use serde::Serialize;

use super::AccountIds;
use super::batches::BatchRecord;
use super::blob::{Blob, BlobDir};
use super::json_lines::JsonLines;
use super::upload::Upload;
use crate::ids;
use crate::input::{Line, LineOutcome, LineRules, Reading};
use crate::responder::{Body, Ending, Occasion, Request, Responder, Usage};
use crate::sim::{Counts, LineEnd, LineFate, Observation, Status, Times, Timestamp};
use crate::switches::{ErrorFileOfUnstarted, FailedLines, LineRequestId, ServerErrorText, Switches};

/// Which of the two files of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultFile {
    /// The lines that succeeded.
    Output,
    /// All others.
    Error,
}

/// The result files of a batch that has ended.
#[derive(Debug)]
pub(crate) struct Results {
    /// The id of the output file, if there is one.
    pub(crate) output_file_id: Option<String>,
    /// The id of the error file, if there is one.
    pub(crate) error_file_id: Option<String>,
    batch: Arc<BatchRecord>,
    last: Observation,
    source: ResultSource,
    /// Held while rendering, so that two who look at once do the work once.
    rendering: Mutex<()>,
    rendered: OnceLock<Rendered>,
}

/// What results are made with.
#[derive(Debug, Clone)]
pub(crate) struct ResultSource {
    pub(crate) blobs: Arc<BlobDir>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) rules: Arc<LineRules>,
    pub(crate) switches: Switches,
}

/// The files, and what they add up to.
#[derive(Debug)]
pub(crate) struct Rendered {
    output: Blob,
    error: Blob,
    /// The tokens of all lines that succeeded.
    pub(crate) usage: BatchUsage,
}

impl Rendered {
    /// One of the files; empty if the batch has no such file.
    pub(crate) fn blob(&self, which: ResultFile) -> &Blob {
        match which {
            ResultFile::Output => &self.output,
            ResultFile::Error => &self.error,
        }
    }
}

impl Results {
    /// The results of a batch whose last state is `last`. The ids of its files follow from its seed.
    pub(super) fn new(batch: Arc<BatchRecord>, last: Observation, source: ResultSource) -> Self {
        let id = |name| ids::file(&mut batch.seed.named(name).rng());
        let (has_output_file, has_error_file) = which_files(&last, &source.switches);
        Self {
            output_file_id: has_output_file.then(|| id("output file")),
            error_file_id: has_error_file.then(|| id("error file")),
            batch,
            last,
            source,
            rendering: Mutex::new(()),
            rendered: OnceLock::new(),
        }
    }

    /// Whether [`rendered`](Self::rendered) answers at once.
    pub(crate) fn is_rendered(&self) -> bool {
        self.rendered.get().is_some()
    }

    /// The files. The first call reads the input and writes them, which blocks on the disk; when that
    /// fails, the next call tries again.
    pub(crate) fn rendered(&self) -> io::Result<&Rendered> {
        if let Some(rendered) = self.rendered.get() {
            return Ok(rendered);
        }
        let _turn = self.rendering.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(rendered) = self.rendered.get() {
            return Ok(rendered);
        }
        let rendered = self.render()?;
        Ok(self.rendered.get_or_init(|| rendered))
    }

    /// Renders part after part, as many at a time as there are cores, and writes them in their order.
    fn render(&self) -> io::Result<Rendered> {
        let (mut output, mut error) = (self.source.blobs.create()?, self.source.blobs.create()?);
        let mut usage = BatchUsage::default();
        if let Some(upload) = &self.batch.upload {
            let ends: Vec<_> = self.batch.plan.line_ends(&self.last).collect();
            let n_workers = std::thread::available_parallelism().map_or(1, usize::from);
            let n_workers = n_workers.min(ends.len().div_ceil(PART_LINES)).max(1);
            let mut inputs =
                (0..n_workers).map(|_| LineReader::new(upload)).collect::<io::Result<Vec<_>>>()?;
            for round in ends.chunks(PART_LINES * n_workers) {
                for part in self.render_round(round, upload, &mut inputs)? {
                    output.write(&part.output)?;
                    error.write(&part.error)?;
                    add(&mut usage, &part.usage);
                }
            }
        }
        Ok(Rendered { output: output.finish()?, error: error.finish()?, usage })
    }

    fn render_round(
        &self,
        round: &[(u32, LineEnd)],
        upload: &Upload,
        inputs: &mut [LineReader],
    ) -> io::Result<Vec<Part>> {
        if let ([input], true) = (&mut *inputs, round.len() <= PART_LINES) {
            return Ok(vec![self.render_part(round, upload, input)?]);
        }
        std::thread::scope(|scope| {
            let parts = round.chunks(PART_LINES).zip(inputs);
            let workers: Vec<_> = parts
                .map(|(ends, input)| scope.spawn(move || self.render_part(ends, upload, input)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a worker panicked"))))
                .collect()
        })
    }

    fn render_part(
        &self,
        ends: &[(u32, LineEnd)],
        upload: &Upload,
        input: &mut LineReader,
    ) -> io::Result<Part> {
        let switches = &self.source.switches;
        let mut output = JsonLines::new(Vec::new(), switches.result_text);
        let mut error = JsonLines::new(Vec::new(), switches.result_text);
        let mut usage = Usage::default();
        for (place, end) in ends {
            let line = input.read(&upload.scan.lines[*place as usize])?;
            // Only lines that were read well once are in the plan of a batch that runs.
            let reading = Reading::new(line).map_err(|problem| io::Error::other(problem.message()))?;
            let file = match (end, switches.failed_lines) {
                (LineEnd::Ran(LineFate::Succeeds), _)
                | (LineEnd::Ran(LineFate::Fails), FailedLines::InOutputFile) => &mut output,
                (LineEnd::Ran(LineFate::Fails), FailedLines::InErrorFile)
                | (LineEnd::Expired | LineEnd::Cancelled, _) => &mut error,
            };
            self.write_line(file, *place, *end, reading, &mut usage)?;
        }
        Ok(Part { output: output.into_inner(), error: error.into_inner(), usage })
    }

    fn write_line<W: Write>(
        &self,
        file: &mut JsonLines<W>,
        place: u32,
        end: LineEnd,
        reading: Reading,
        usage: &mut Usage,
    ) -> io::Result<()> {
        let mut rng = self.batch.seed.nth("line", u64::from(place)).rng();
        let id = ids::batch_request(self.written_at(place), &mut rng);
        let (response, error) = match end {
            LineEnd::Expired => (None, Some(LineEnding::Expired)),
            LineEnd::Cancelled => (None, Some(LineEnding::Cancelled)),
            LineEnd::Ran(_) => {
                let request_id = ids::line_request(self.source.switches.line_request_id, &mut rng);
                let outcome = reading.outcome(&self.source.rules);
                match self.run(&reading, outcome, &mut rng) {
                    Some(LineAnswer { status_code, body, usage: tokens }) => {
                        *usage += tokens;
                        (Some(LineResponse { status_code, request_id, body }), None)
                    }
                    None => (None, Some(LineEnding::TimedOut)),
                }
            }
        };
        let error = error.map(LineEnding::to_error);
        file.write(&ResultLine { id, custom_id: reading.custom_id, response, error })
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
    fn run(
        &self,
        reading: &Reading,
        outcome: LineOutcome,
        rng: &mut rand_chacha::ChaCha8Rng,
    ) -> Option<LineAnswer> {
        let ending = match outcome {
            LineOutcome::Status400 => {
                return Some(LineAnswer::refused(400, context_length_exceeded(reading)));
            }
            LineOutcome::Status429 => {
                return Some(LineAnswer::refused(429, rate_limit_reached(reading, &self.batch)));
            }
            LineOutcome::Quota => return Some(LineAnswer::refused(429, quota_exceeded())),
            LineOutcome::Status500 => {
                let text = self.source.switches.server_error_text;
                return Some(LineAnswer::refused(500, server_error(text, rng)));
            }
            LineOutcome::Timeout => return None,
            LineOutcome::Refusal => Ending::Refusal,
            LineOutcome::Length => Ending::Length,
            LineOutcome::Natural => Ending::Natural,
        };
        let request = match Request::parse(self.batch.endpoint, &reading.body) {
            Ok(request) => request,
            Err(refusal) => return Some(LineAnswer::refused(refusal.status, refusal.error)),
        };
        let began_at = self.last.times.in_progress_at.unwrap_or(self.batch.plan.created_at());
        let occasion =
            Occasion { custom_id: &reading.custom_id, created_at: began_at.unix_seconds(), ending, rng };
        let answer = self.source.responder.answer(&request, occasion);
        Some(LineAnswer { status_code: 200, body: LineBody::Answer(answer.body), usage: answer.usage })
    }
}

/// Whether there is an output file, and an error file.
fn which_files(last: &Observation, switches: &Switches) -> (bool, bool) {
    let Counts { total, completed, failed } = last.counts;
    let was_cancelled_unstarted = last.status == Status::Cancelled && last.times.in_progress_at.is_none();
    match switches.failed_lines {
        _ if was_cancelled_unstarted => {
            (false, switches.error_file_of_unstarted == ErrorFileOfUnstarted::Present)
        }
        FailedLines::InErrorFile => (last.has_output_file, last.has_error_file),
        FailedLines::InOutputFile => (completed + failed > 0, completed + failed < total),
    }
}

/// What a line that ran was answered.
struct LineAnswer {
    status_code: u16,
    body: LineBody,
    usage: Usage,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineBody {
    Answer(Body),
    Refusal { error: ErrorBody },
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
fn context_length_exceeded(reading: &Reading) -> ErrorBody {
    let param = ["messages", "input", "prompt"].into_iter().find(|param| reading.body.contains_key(*param));
    ErrorBody::invalid_request(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 \
         tokens. Please reduce the length of the messages.",
    )
    .with_param(param.unwrap_or("messages"))
    .with_code("context_length_exceeded")
}

/// F-035; the numbers are made up. That a line is refused in these words is assumed.
fn rate_limit_reached(reading: &Reading, batch: &BatchRecord) -> ErrorBody {
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

fn add(usage: &mut BatchUsage, tokens: &Usage) {
    usage.input_tokens += tokens.input_tokens;
    usage.output_tokens += tokens.output_tokens;
    usage.total_tokens += tokens.total_tokens();
    usage.input_tokens_details.cached_tokens += tokens.cached_tokens;
    usage.output_tokens_details.reasoning_tokens += tokens.reasoning_tokens;
}

/// Some of the lines of the files, in their order.
struct Part {
    output: Vec<u8>,
    error: Vec<u8>,
    usage: Usage,
}

/// How many lines a part has: few enough that the parts of a round fit into little memory even if each answer
/// is a long vector, and many enough that starting a worker for them is nothing beside the work.
const PART_LINES: usize = 256;

/// Reads lines of an input in any order, one at a time.
struct LineReader {
    file: std::fs::File,
    line: Vec<u8>,
}

impl LineReader {
    fn new(upload: &Upload) -> io::Result<Self> {
        Ok(Self { file: upload.blob.open()?, line: Vec::new() })
    }

    fn read(&mut self, line: &Line) -> io::Result<&str> {
        self.line.resize(line.len as usize, 0);
        self.file.seek(SeekFrom::Start(line.range().start))?;
        self.file.read_exact(&mut self.line)?;
        std::str::from_utf8(&self.line).map_err(io::Error::other)
    }
}
