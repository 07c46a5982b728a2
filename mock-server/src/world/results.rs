//! The result files of a batch that has ended: rendered from plan and input when they are first looked at,
//! line by line, in memory never whole.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak, mpsc};

use batchmock_client::types::BatchUsage;

use super::batches::BatchRecord;
use super::blob::{Blob, Scratch};
use super::json_lines::JsonLines;
use super::line_template::LineTemplates;
use super::result_line::LineTeller;
use super::result_writer::ResultWriter;
use super::upload::{Lines, Upload};
use crate::answers::RecordingReader;
use crate::deviations::DeviatingLines;
use crate::ids;
use crate::input::Scan;
use crate::responder::Usage;
use crate::sim::{Counts, LineEnd, LineFate, Observation, Status};
use crate::switches::{ErrorFileOfUnstarted, FailedLines, Switches, UnfinishedLines};

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
    /// Where the files are written.
    scratch: Scratch,
    /// Held while rendering, so that two who look at once do the work once.
    rendering: Mutex<()>,
    /// The tokens of all lines that succeeded, once the files are written.
    usage: OnceLock<BatchUsage>,
    output: Weak<ResultBytes>,
    error: Weak<ResultBytes>,
}

/// Results that a batch came with from another mock, where its input is gone: until it has ended here.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<Option<WrittenResults>>);

/// What results took, and the bytes of those that are there.
#[derive(Debug)]
pub(crate) struct WrittenResults {
    /// What the lines took.
    pub(crate) usage: BatchUsage,
    /// The bytes of the output file.
    pub(crate) output: Option<Blob>,
    /// The bytes of the error file.
    pub(crate) error: Option<Blob>,
}

impl Written {
    /// These.
    pub(crate) fn new(results: WrittenResults) -> Self {
        Self(Mutex::new(Some(results)))
    }

    fn take(&self) -> Option<WrittenResults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The bytes of a result file, once they are written. They belong to the file and go with it, though its batch
/// stays.
#[derive(Debug)]
pub(crate) struct ResultBytes {
    /// Of which file.
    pub(super) which: ResultFile,
    blob: OnceLock<Blob>,
}

impl ResultBytes {
    fn new(which: ResultFile) -> Arc<Self> {
        Arc::new(Self { which, blob: OnceLock::new() })
    }

    /// The bytes, if they are written.
    pub(super) fn get(&self) -> Option<&Blob> {
        self.blob.get()
    }
}

impl Results {
    /// The results of a batch whose last state is `last`, and where the bytes of its output and of its error file
    /// will be. The ids of the files follow from its seed. If `spent` is known, nobody can ask for the files.
    pub(super) fn new(
        batch: Arc<BatchRecord>,
        last: Observation,
        spent: Option<BatchUsage>,
        scratch: Scratch,
    ) -> (Self, [Arc<ResultBytes>; 2]) {
        let id = |name| ids::file(&mut batch.seed.named(name).rng());
        let (has_output_file, has_error_file) = which_files(&last, &batch.behavior.switches);
        let (output, error) = (ResultBytes::new(ResultFile::Output), ResultBytes::new(ResultFile::Error));
        let written = batch.written.take();
        let results = Self {
            output_file_id: has_output_file.then(|| id("output file")),
            error_file_id: has_error_file.then(|| id("error file")),
            batch,
            last,
            scratch,
            rendering: Mutex::new(()),
            usage: written
                .as_ref()
                .map(|written| written.usage)
                .or(spent)
                .map(OnceLock::from)
                .unwrap_or_default(),
            output: Arc::downgrade(&output),
            error: Arc::downgrade(&error),
        };
        if let Some(WrittenResults { usage: _, output: written_output, error: written_error }) = written {
            for (bytes, written) in [(&output, written_output), (&error, written_error)] {
                if let Some(written) = written {
                    bytes.blob.get_or_init(|| written);
                }
            }
        }
        (results, [output, error])
    }

    /// Whose they are.
    pub(super) fn batch_id(&self) -> &str {
        &self.batch.id
    }

    /// The tokens of all lines that succeeded, if the files have been written.
    pub(super) fn known_usage(&self) -> Option<BatchUsage> {
        self.usage.get().copied()
    }

    /// Whether [`usage`](Self::usage) answers at once.
    pub(crate) fn is_rendered(&self) -> bool {
        self.usage.get().is_some()
    }

    /// The tokens of all lines that succeeded. The first call reads the input and writes the files, which blocks
    /// on the disk; when that fails, the next call tries again.
    pub(crate) fn usage(&self) -> io::Result<&BatchUsage> {
        if let Some(usage) = self.usage.get() {
            return Ok(usage);
        }
        let _turn = self.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = self.usage.get() {
            return Ok(usage);
        }
        let input = self.batch.input.get();
        let usage = self.render(input.as_deref())?;
        self.batch.answerers.let_go();
        // One that stays when the server goes is needed again then.
        if input.is_some_and(|input| input.blob.id().is_none()) {
            self.batch.input.let_go();
        }
        Ok(self.usage.get_or_init(|| usage))
    }

    /// Renders the lines in parts, on all cores, and writes the parts in their order.
    fn render(&self, input: Option<&Upload>) -> io::Result<BatchUsage> {
        let deviations = self.batch.behavior.deviations();
        let leaves_off = deviations.is_some_and(|deviations| deviations.no_final_newline);
        let file = || self.scratch.create().map(|blob| ResultWriter::new(blob, leaves_off));
        let (mut output, mut error) = (file()?, file()?);
        let mut usage = BatchUsage::default();
        let ends: Vec<_> = self.batch.plan.line_ends(&self.last).collect();
        if let Some(upload) = input.filter(|_| !ends.is_empty()) {
            let scan = upload.scan()?;
            let teller = LineTeller {
                batch: &self.batch,
                last: &self.last,
                answerers: &*self.batch.answerers(upload)?,
                has_gists: scan.digests.made_for(&self.batch.behavior.responder),
            };
            let deviating = match deviations.filter(|deviations| !deviations.are_none()) {
                Some(deviations) => deviations.decide(&names(upload, scan)?),
                None => DeviatingLines::default(),
            };
            self.render_parts(
                &ends,
                (&teller, &deviating),
                || Worker::new(upload, scan),
                |part| {
                    output.write(&part.output)?;
                    error.write(&part.error)?;
                    add(&mut usage, &part.usage);
                    Ok(())
                },
            )?;
        }
        for (bytes, written) in [(&self.output, output.finish()?), (&self.error, error.finish()?)] {
            // A file that is deleted already has none.
            if let Some(bytes) = bytes.upgrade() {
                bytes.blob.get_or_init(|| written);
            }
        }
        Ok(usage)
    }

    /// Of n workers each renders every n-th part and waits with it until it is its turn, so that there are never
    /// more than two parts a worker.
    fn render_parts<'u>(
        &self,
        ends: &[(u32, LineEnd)],
        how: (&LineTeller<'_>, &DeviatingLines),
        new_worker: impl Fn() -> Worker<'u> + Sync,
        mut write: impl FnMut(&Part) -> io::Result<()>,
    ) -> io::Result<()> {
        let parts: Vec<_> = ends.chunks(PART_LINES).collect();
        let n_workers = std::thread::available_parallelism().map_or(1, usize::from).min(parts.len());
        if n_workers <= 1 {
            let mut worker = new_worker();
            return parts
                .into_iter()
                .try_for_each(|part| write(&self.render_part(part, how, &mut worker)?));
        }
        std::thread::scope(|scope| {
            let (parts, new_worker) = (parts.as_slice(), &new_worker);
            let workers: Vec<_> = (0..n_workers)
                .map(|first| {
                    let (finished, turn) = mpsc::sync_channel(1);
                    scope.spawn(move || {
                        let mut worker = new_worker();
                        for part in parts.iter().skip(first).step_by(n_workers) {
                            // Nobody waits for a part any more if an earlier one could not be written.
                            if finished.send(self.render_part(part, how, &mut worker)).is_err() {
                                break;
                            }
                        }
                    });
                    turn
                })
                .collect();
            (0..parts.len()).try_for_each(|part| {
                let rendered = workers[part % n_workers].recv();
                write(&rendered.map_err(|_| io::Error::other("a worker panicked"))??)
            })
        })
    }

    fn render_part(
        &self,
        ends: &[(u32, LineEnd)],
        (teller, deviating): (&LineTeller<'_>, &DeviatingLines),
        worker: &mut Worker<'_>,
    ) -> io::Result<Part> {
        let switches = &self.batch.behavior.switches;
        let scan = worker.scan;
        let mut output = JsonLines::new(Vec::with_capacity(PART_LINES * 1024), switches.result_text);
        let mut error = JsonLines::new(Vec::new(), switches.result_text);
        let mut usage = Usage::default();
        for (place, end) in ends {
            let is_unfinished = matches!(end, LineEnd::Expired | LineEnd::Cancelled);
            if is_unfinished && switches.unfinished_lines == UnfinishedLines::Absent {
                continue;
            }
            // Only lines that were read well once are in the plan of a batch that runs.
            let line = &scan.lines[*place as usize];
            let file = match (end, switches.failed_lines) {
                (LineEnd::Ran(LineFate::Succeeds), _)
                | (LineEnd::Ran(LineFate::Fails), FailedLines::InOutputFile) => &mut output,
                (LineEnd::Ran(LineFate::Fails), FailedLines::InErrorFile)
                | (LineEnd::Expired | LineEnd::Cancelled, _) => &mut error,
            };
            let (line, tokens) =
                teller.tell(*place, *end, line, &mut worker.lines, &mut worker.recordings)?;
            usage += tokens;
            match deviating.of(*place) {
                None => worker.templates.write(&line, file)?,
                Some(deviations) => file.write_deviating(&line, deviations)?,
            }
        }
        Ok(Part { output: output.into_inner(), error: error.into_inner(), usage })
    }
}

/// Whether there is an output file, and an error file.
fn which_files(last: &Observation, switches: &Switches) -> (bool, bool) {
    let Counts { total, completed, failed } = last.counts;
    let tells_unfinished =
        completed + failed < total && switches.unfinished_lines == UnfinishedLines::InErrorFile;
    let was_cancelled_unstarted = last.status == Status::Cancelled && last.times.in_progress_at.is_none();
    match switches.failed_lines {
        _ if was_cancelled_unstarted => {
            (false, switches.error_file_of_unstarted == ErrorFileOfUnstarted::Present)
        }
        FailedLines::InErrorFile => (last.has_output_file, failed > 0 || tells_unfinished),
        FailedLines::InOutputFile => (completed + failed > 0, tells_unfinished),
    }
}

/// The names of all lines of an input, in its order.
fn names(upload: &Upload, scan: &Scan) -> io::Result<Vec<String>> {
    let mut lines = Lines::new(upload, scan);
    let name = |line| match lines.digest(line) {
        Some(kept) => Ok(kept.custom_id.to_owned()),
        None => Ok(lines.read(line)?.custom_id.into_owned()),
    };
    scan.lines.iter().map(name).collect()
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

/// What a worker has at hand.
struct Worker<'u> {
    scan: &'u Scan,
    lines: Lines<'u>,
    recordings: RecordingReader,
    templates: LineTemplates,
}

impl<'u> Worker<'u> {
    fn new(upload: &'u Upload, scan: &'u Scan) -> Self {
        Self {
            scan,
            lines: Lines::new(upload, scan),
            recordings: RecordingReader::default(),
            templates: LineTemplates::default(),
        }
    }
}
