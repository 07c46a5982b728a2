//! Who answers each line of a batch, and which lines therefore fail: decided when the batch is created.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batches::BatchRecord;
use super::upload::{Lines, Upload};
use crate::answers::{Answerer, Answers, Facts, LineOutcome, Read, Turns, digest};
use crate::endpoint::Endpoint;
use crate::input::{Line, LineContent, RequestFacts, Scan};
use crate::responder::Request;
use crate::sim::{LineFate, Workload};

/// Who answers each line of a batch, until nobody needs it any more. Of a batch that was created when the server last ran
/// it is decided again, with the same result, when somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Answerers(Mutex<Option<Arc<ByLine>>>);

/// Who answers each line of an input, by its place.
#[derive(Debug, Default)]
pub(super) struct ByLine {
    /// Nothing if the names of lines say it.
    answerers: Option<Vec<Answerer>>,
}

impl From<ByLine> for Answerers {
    fn from(by_line: ByLine) -> Self {
        Self(Mutex::new(Some(Arc::new(by_line))))
    }
}

impl Answerers {
    /// Lets go of what was decided.
    pub(super) fn let_go(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<ByLine>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ByLine {
    /// Who answers the line with this place and name.
    pub(super) fn of(&self, place: u32, custom_id: &str) -> Answerer {
        match &self.answerers {
            Some(answerers) => answerers[place as usize],
            None => Answerer::Responder(LineOutcome::of_custom_id(custom_id)),
        }
    }
}

impl BatchRecord {
    /// Who answers its lines. Blocks on the disk if that is not known yet.
    pub(super) fn answerers(&self, upload: &Upload) -> io::Result<Arc<ByLine>> {
        if let Some(by_line) = &*self.answerers.lock() {
            return Ok(Arc::clone(by_line));
        }
        let (fates, by_line) = decide(upload, &self.behavior.answers, self.endpoint)?;
        if self.plan.workload() != Workload::Accepted(fates) {
            return Err(io::Error::other("what answers a batch has changed since it was created"));
        }
        let by_line = Arc::new(by_line);
        *self.answerers.lock() = Some(Arc::clone(&by_line));
        Ok(by_line)
    }
}

/// Decides about the lines of an input that is in order, one after the other: how each ends if it gets to run, and who
/// answers it. Blocks on the disk if lines have to be read again.
pub(super) fn decide(
    upload: &Upload,
    answers: &Answers,
    endpoint: Endpoint,
) -> io::Result<(Vec<LineFate>, ByLine)> {
    let scan = upload.scan()?;
    let mut decider =
        Decider { scan, answers, endpoint, turns: Turns::default(), lines: Lines::new(upload, scan) };
    let n_lines = scan.lines.len();
    let mut fates = Vec::with_capacity(n_lines);
    let mut answerers = (!answers.go_by_names()).then(|| Vec::with_capacity(n_lines));
    for line in &scan.lines {
        let LineContent::Request(request) = &line.content else {
            return Err(io::Error::other("a line that is no request was taken"));
        };
        let answerer = decider.decide(line, request)?;
        let fails = answers.fails(answerer, request.is_refused);
        fates.push(if fails { LineFate::Fails } else { LineFate::Succeeds });
        if let Some(answerers) = &mut answerers {
            answerers.push(answerer);
        }
    }
    Ok((fates, ByLine { answerers }))
}

struct Decider<'u> {
    scan: &'u Scan,
    answers: &'u Answers,
    endpoint: Endpoint,
    turns: Turns,
    lines: Lines<'u>,
}

impl Decider<'_> {
    fn decide(&mut self, line: &Line, request: &RequestFacts) -> io::Result<Answerer> {
        let Self { scan, answers, endpoint, turns, lines } = self;
        let model = request.model.and_then(|model| scan.models.get_index(usize::from(model)));
        let model = model.map(String::as_str);
        let facts = |custom_id| Facts { custom_id: Some(custom_id), endpoint: *endpoint, model };
        if let Some(digest) = lines.digest(line) {
            let facts = facts(digest.custom_id);
            if answers.needs(&facts).are_none() {
                return answers
                    .decide(&facts, Read::default(), |rules, matching| turns.decide(rules, matching));
            }
        }
        let reading = lines.read(line)?;
        let facts = facts(&reading.custom_id);
        let needs = answers.needs(&facts);
        let request = if needs.prompt { Request::read(*endpoint, &reading.body).ok() } else { None };
        let read = Read {
            prompt: request.as_ref().map(Request::prompt),
            digest: needs.digest.then(|| digest(endpoint.path(), &reading.body)),
        };
        answers.decide(&facts, read, |rules, matching| turns.decide(rules, matching))
    }
}
