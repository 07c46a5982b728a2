//! Batches: what was decided, and what has happened since.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use batchmock_client::types::{BatchUsage, InputTokensDetails, OutputTokensDetails};
use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use super::{BlobRow, damaged, millis, time};
use crate::endpoint::Endpoint;
use crate::input::Problem;
use crate::sim::{Ending, Intervention, InterventionKind, LineFate, Seed, Workload};
use crate::switches::UrlProblem;
use crate::world::{
    AccountIds, Answerers, BatchRecord, Behavior, Happenings, Input, Problems, ResultFile, Upload, Written,
};

/// A batch as it was created. What its plan was made from is kept, and the plan is made again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct BatchRow {
    id: String,
    seed: u64,
    endpoint: String,
    input_file_id: String,
    created_at: i64,
    results_kept_for: Duration,
    first_file_number: u64,
    /// A row of the behaviors.
    pub(in crate::store) behavior: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) blob: Option<BlobRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Not said before format 2.
    #[serde(default, skip_serializing_if = "is_zero")]
    input_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<IndexMap<String, String>>,
    /// None if the input was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<LinesRow>,
    #[serde(default, skip_serializing_if = "ProblemsRow::is_empty")]
    problems: ProblemsRow,
}

/// How lines end if they get to run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinesRow {
    n: u32,
    /// A bit for each line, the lowest of a byte first, set if the line fails; without the bytes at the end that
    /// are zero. In base 64.
    failing: String,
}

/// What is wrong with an input, in the words that were shown.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemsRow {
    /// What there is to say, each thing once.
    texts: Vec<ProblemText>,
    /// Which of them is said of which line.
    said: Vec<(usize, Option<u32>)>,
}

#[derive(Debug, PartialEq, Eq, Hash, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemText {
    code: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    param: Option<String>,
}

/// What has happened to a batch since it was created.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct HappenedRow {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interventions: Vec<InterventionRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scripted_problems: Option<ProblemsRow>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_retrieved: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deleted_results: Vec<ResultRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spent: Option<SpentRow>,
}

/// What the lines of a batch took, in tokens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct SpentRow {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
    total: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InterventionRow {
    at: i64,
    kind: KindRow,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRow {
    Cancel,
    InputGone,
    ForceCompleted,
    ForceFailed,
    ForceExpired,
    ForceCancelled,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResultRow {
    Output,
    Error,
}

impl BatchRow {
    /// The row of a batch whose behavior has this number.
    pub(in crate::store) fn new(batch: &BatchRecord, behavior_number: u32) -> Self {
        let blob = batch.input.get().and_then(|upload| BlobRow::of(&upload));
        Self::with_input(batch, behavior_number, blob)
    }

    /// The same, with another name for its input.
    pub(in crate::store) fn with_input(
        batch: &BatchRecord,
        behavior_number: u32,
        blob: Option<BlobRow>,
    ) -> Self {
        let BatchRecord {
            id,
            seed,
            account: _,
            behavior,
            endpoint,
            input_file_id,
            input: _,
            model,
            input_tokens,
            answerers: _,
            written: _,
            metadata,
            results_kept_for,
            problems,
            first_file_number,
            plan,
        } = batch;
        Self {
            id: id.clone(),
            seed: seed.number(),
            endpoint: endpoint.path().to_owned(),
            input_file_id: input_file_id.clone(),
            created_at: millis(plan.created_at()),
            results_kept_for: *results_kept_for,
            first_file_number: *first_file_number,
            behavior: behavior_number,
            blob,
            model: model.clone(),
            input_tokens: *input_tokens,
            metadata: metadata.clone(),
            lines: match plan.workload() {
                Workload::Accepted(fates) => Some(LinesRow::new(&fates)),
                Workload::Rejected => None,
            },
            problems: ProblemsRow::new(problems, behavior.switches.url_problem),
        }
    }

    pub(in crate::store) fn record(
        self,
        account: &Arc<AccountIds>,
        behavior: Arc<Behavior>,
        upload: Option<Arc<Upload>>,
    ) -> io::Result<BatchRecord> {
        let Self {
            id,
            seed,
            endpoint,
            input_file_id,
            created_at,
            results_kept_for,
            first_file_number,
            behavior: _,
            blob: _,
            model,
            input_tokens,
            metadata,
            lines,
            problems,
        } = self;
        let seed = Seed::new(seed);
        let workload = lines.map_or(Ok(Workload::Rejected), |lines| lines.fates().map(Workload::Accepted))?;
        Ok(BatchRecord {
            id,
            seed,
            account: Arc::clone(account),
            endpoint: Endpoint::from_path(&endpoint)
                .ok_or_else(|| damaged(format!("there is no endpoint {endpoint}")))?,
            input_file_id,
            input: Input::new(upload),
            model,
            input_tokens,
            answerers: Answerers::default(),
            written: Written::default(),
            metadata,
            results_kept_for,
            problems: problems.problems()?,
            first_file_number,
            plan: behavior.plan(&workload, seed, time(created_at)),
            behavior,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl LinesRow {
    fn new(fates: &[LineFate]) -> Self {
        let mut bytes = vec![0_u8; fates.len().div_ceil(8)];
        for (line, _) in fates.iter().enumerate().filter(|(_, fate)| **fate == LineFate::Fails) {
            bytes[line / 8] |= 1 << (line % 8);
        }
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Self {
            n: u32::try_from(fates.len()).expect("checked when the work was planned"),
            failing: STANDARD_NO_PAD.encode(&bytes[..used]),
        }
    }

    fn fates(&self) -> io::Result<Vec<LineFate>> {
        let bytes = STANDARD_NO_PAD.decode(&self.failing).map_err(damaged)?;
        let fails = |line: usize| bytes.get(line / 8).is_some_and(|byte| byte & (1 << (line % 8)) != 0);
        let fate = |line| if fails(line) { LineFate::Fails } else { LineFate::Succeeds };
        Ok((0..self.n as usize).map(fate).collect())
    }
}

impl ProblemsRow {
    fn new(problems: &Problems, wording: UrlProblem) -> Self {
        let mut texts = IndexSet::new();
        let said = problems.iter().map(|(problem, line)| {
            let text = ProblemText {
                code: problem.code(wording).to_owned(),
                message: problem.message(),
                param: problem.param().map(str::to_owned),
            };
            (texts.insert_full(text).0, *line)
        });
        let said = said.collect();
        Self { texts: texts.into_iter().collect(), said }
    }

    fn problems(&self) -> io::Result<Problems> {
        let problem = |(text, line): &(usize, Option<u32>)| {
            let text = self.texts.get(*text).ok_or_else(|| damaged("a problem has no text"))?;
            let ProblemText { code, message, param } = text.clone();
            Ok((Problem::Scripted { code, message, param }, *line))
        };
        self.said.iter().map(problem).collect()
    }

    fn is_empty(&self) -> bool {
        self.said.is_empty()
    }
}

impl HappenedRow {
    pub(in crate::store) fn new(happened: &Happenings) -> Self {
        let Happenings { interventions, scripted_problems, was_retrieved, deleted_results, spent } = happened;
        let intervention = |Intervention { at, kind }: &Intervention| InterventionRow {
            at: millis(*at),
            kind: match kind {
                InterventionKind::Cancel => KindRow::Cancel,
                InterventionKind::InputGone => KindRow::InputGone,
                InterventionKind::Force(Ending::Completed) => KindRow::ForceCompleted,
                InterventionKind::Force(Ending::Failed) => KindRow::ForceFailed,
                InterventionKind::Force(Ending::Expired) => KindRow::ForceExpired,
                InterventionKind::Force(Ending::Cancelled) => KindRow::ForceCancelled,
            },
        };
        Self {
            interventions: interventions.iter().map(intervention).collect(),
            // Their code is the user's own, whatever the switch says.
            scripted_problems: scripted_problems
                .as_ref()
                .map(|problems| ProblemsRow::new(problems, UrlProblem::default())),
            was_retrieved: *was_retrieved,
            deleted_results: deleted_results
                .iter()
                .map(|which| match which {
                    ResultFile::Output => ResultRow::Output,
                    ResultFile::Error => ResultRow::Error,
                })
                .collect(),
            spent: spent.map(SpentRow::new),
        }
    }

    /// Whether the batch needs its input no longer.
    pub(in crate::store) fn is_spent(&self) -> bool {
        self.spent.is_some()
    }

    pub(in crate::store) fn happened(self) -> io::Result<Happenings> {
        let Self { interventions, scripted_problems, was_retrieved, deleted_results, spent } = self;
        let intervention = |InterventionRow { at, kind }| Intervention {
            at: time(at),
            kind: match kind {
                KindRow::Cancel => InterventionKind::Cancel,
                KindRow::InputGone => InterventionKind::InputGone,
                KindRow::ForceCompleted => InterventionKind::Force(Ending::Completed),
                KindRow::ForceFailed => InterventionKind::Force(Ending::Failed),
                KindRow::ForceExpired => InterventionKind::Force(Ending::Expired),
                KindRow::ForceCancelled => InterventionKind::Force(Ending::Cancelled),
            },
        };
        Ok(Happenings {
            interventions: interventions.into_iter().map(intervention).collect(),
            scripted_problems: scripted_problems.map(|row| row.problems()).transpose()?,
            was_retrieved,
            deleted_results: deleted_results
                .into_iter()
                .map(|which| match which {
                    ResultRow::Output => ResultFile::Output,
                    ResultRow::Error => ResultFile::Error,
                })
                .collect(),
            spent: spent.map(SpentRow::usage),
        })
    }
}

impl SpentRow {
    pub(in crate::store) fn new(usage: BatchUsage) -> Self {
        let BatchUsage {
            input_tokens,
            input_tokens_details,
            output_tokens,
            output_tokens_details,
            total_tokens,
        } = usage;
        let InputTokensDetails { cached_tokens } = input_tokens_details;
        let OutputTokensDetails { reasoning_tokens } = output_tokens_details;
        Self {
            input: input_tokens,
            cached: cached_tokens,
            output: output_tokens,
            reasoning: reasoning_tokens,
            total: total_tokens,
        }
    }

    pub(in crate::store) fn usage(self) -> BatchUsage {
        let Self { input, cached, output, reasoning, total } = self;
        BatchUsage {
            input_tokens: input,
            input_tokens_details: InputTokensDetails { cached_tokens: cached },
            output_tokens: output,
            output_tokens_details: OutputTokensDetails { reasoning_tokens: reasoning },
            total_tokens: total,
        }
    }
}
