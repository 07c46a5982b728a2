//! The result files of a batch that has ended: rendered from plan and input when they are first looked at,
//! line by line, in memory never whole.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use batchmock_client::types::BatchUsage;

use super::batches::BatchRecord;
use super::blob::{Blob, BlobDir};
use super::json_lines::JsonLines;
use super::result_line::LineTeller;
use super::upload::{LineReader, Upload};
use crate::ids;
use crate::input::LineRules;
use crate::responder::{Responder, Usage};
use crate::sim::{Counts, LineEnd, LineFate, Observation, Status};
use crate::switches::{ErrorFileOfUnstarted, FailedLines, Switches};

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
            let mut inputs = (0..n_workers).map(|_| upload.reader()).collect::<io::Result<Vec<_>>>()?;
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
        let teller = LineTeller { batch: &self.batch, last: &self.last, source: &self.source };
        let has_gists = upload.scan.digests.made_for(&self.source.responder);
        for (place, end) in ends {
            // Only lines that were read well once are in the plan of a batch that runs.
            let line = &upload.scan.lines[*place as usize];
            let digest = upload.digest(line).filter(|_| has_gists);
            let file = match (end, switches.failed_lines) {
                (LineEnd::Ran(LineFate::Succeeds), _)
                | (LineEnd::Ran(LineFate::Fails), FailedLines::InOutputFile) => &mut output,
                (LineEnd::Ran(LineFate::Fails), FailedLines::InErrorFile)
                | (LineEnd::Expired | LineEnd::Cancelled, _) => &mut error,
            };
            let (line, tokens) = match digest.and_then(|digest| teller.tell_digest(*place, *end, &digest)) {
                Some(told) => told,
                None => teller.tell_reading(*place, *end, &input.read(line)?),
            };
            file.write(&line)?;
            usage += tokens;
        }
        Ok(Part { output: output.into_inner(), error: error.into_inner(), usage })
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
