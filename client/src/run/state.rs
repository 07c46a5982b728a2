//! What a run has done so far: what its journal says, entry by entry. Pure.

use serde::{Deserialize, Serialize};

use super::split::Lines;
use crate::types::{BatchError, BatchStatus};

/// A fact in the journal of a run. What is about to happen is written down before it does, and what came of it after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The run began.
    Begun(Begun),
    /// A batch is to be made of these lines.
    Planned { lines: Lines, endpoint: String },
    /// A batch that others created, of these lines, is taken for one of the run.
    Adopted { lines: Lines, endpoint: String, id: String },
    /// Its input is about to be uploaded.
    Uploading { batch: usize },
    /// Its input was uploaded.
    Uploaded { batch: usize, file: Input },
    /// It is about to be created, for the so many-th time.
    Creating { batch: usize, time: u32 },
    /// It was created.
    Created { batch: usize, id: String },
    /// It was not created, or not taken, and is to be created another time.
    Deferred { batch: usize },
    /// It is larger than all that the service lets wait at once: its requests are to be planned anew.
    Dropped { batch: usize },
    /// It has ended.
    Ended { batch: usize, ending: Ending },
    /// Its results are on the disk.
    Fetched { batch: usize },
}

/// What a journal is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Of the journal's form.
    pub(crate) version: u32,
    /// Drawn anew for each run: what its files and batches are called by.
    pub(crate) name: String,
    /// Of all bytes of the input.
    pub(crate) input: String,
    /// Where it was, to tell people.
    pub(crate) input_path: String,
    pub(crate) base_url: String,
}

/// An input that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) id: String,
    /// By the service's clock.
    pub(crate) created_at: i64,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) status: BatchStatus,
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) errors: Vec<BatchError>,
}

/// The state of a run.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) begun: Option<Begun>,
    pub(crate) batches: Vec<Planned>,
}

/// A batch of a run.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) lines: Lines,
    pub(crate) endpoint: String,
    pub(crate) stage: Stage,
    pub(crate) input: Option<Input>,
    /// How often it was begun to be created.
    pub(crate) times: u32,
    pub(crate) id: Option<String>,
    pub(crate) ending: Option<Ending>,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Planned,
    /// It is not known whether the input was uploaded.
    Uploading,
    Uploaded,
    /// It is not known whether the batch was created.
    Creating,
    Live,
    Ended,
    Fetched,
    /// Its requests are others' now.
    Dropped,
}

impl Planned {
    fn new(lines: Lines, endpoint: String) -> Self {
        let stage = Stage::Planned;
        Self { lines, endpoint, stage, input: None, times: 0, id: None, ending: None }
    }
}

impl State {
    /// Takes the next entry. An entry that does not follow from the others gives why.
    pub(crate) fn apply(&mut self, entry: Entry) -> Result<(), &'static str> {
        match entry {
            Entry::Begun(begun) => {
                if self.begun.replace(begun).is_some() {
                    return Err("a run begins twice");
                }
            }
            Entry::Planned { lines, endpoint } => self.batches.push(Planned::new(lines, endpoint)),
            Entry::Adopted { lines, endpoint, id } => {
                let planned = Planned::new(lines, endpoint);
                self.batches.push(Planned { id: Some(id), stage: Stage::Live, ..planned });
            }
            Entry::Uploading { batch } => self.batch(batch)?.stage = Stage::Uploading,
            Entry::Uploaded { batch, file } => {
                let batch = self.batch(batch)?;
                (batch.input, batch.stage) = (Some(file), Stage::Uploaded);
            }
            Entry::Creating { batch, time } => {
                let batch = self.batch(batch)?;
                (batch.times, batch.stage) = (time, Stage::Creating);
            }
            Entry::Created { batch, id } => {
                let batch = self.batch(batch)?;
                (batch.id, batch.stage) = (Some(id), Stage::Live);
            }
            Entry::Deferred { batch } => {
                let batch = self.batch(batch)?;
                (batch.id, batch.ending, batch.stage) = (None, None, Stage::Uploaded);
            }
            Entry::Dropped { batch } => {
                let batch = self.batch(batch)?;
                (batch.id, batch.stage) = (None, Stage::Dropped);
            }
            Entry::Ended { batch, ending } => {
                let batch = self.batch(batch)?;
                (batch.ending, batch.stage) = (Some(ending), Stage::Ended);
            }
            Entry::Fetched { batch } => self.batch(batch)?.stage = Stage::Fetched,
        }
        Ok(())
    }

    fn batch(&mut self, number: usize) -> Result<&mut Planned, &'static str> {
        self.batches.get_mut(number).ok_or("an entry is about a batch that was not planned")
    }

    /// The name of the run.
    pub(crate) fn name(&self) -> &str {
        self.begun.as_ref().map_or("", |begun| &begun.name)
    }

    /// The name of the input of a batch, which no other file has.
    pub(crate) fn file_name(&self, batch: usize) -> String {
        format!("batchmock-{}-{}.jsonl", self.name(), batch + 1)
    }

    /// The tag of a batch, which no other has.
    pub(crate) fn tag(&self, batch: usize) -> String {
        format!("{}-{}-{}", self.name(), batch + 1, self.batches[batch].times)
    }

    /// The batches that run, as far as is known.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &Planned)> {
        let all = self.batches.iter().enumerate();
        all.filter(|(_, batch)| matches!(batch.stage, Stage::Live | Stage::Creating))
    }
}
