//! Goes the steps of a walk, one request after the other.

mod batches;
mod files;

use std::sync::Arc;

use super::model::Model;
use super::step::{Step, Who};
use super::wire::{Wire, has_two_keys};
use super::{Halt, Sent, Walked, lists};
use crate::target::Target;

const CHAT: &str = "/v1/chat/completions";

const OF_OTHERS: &str = "what is not there, or belongs to others, is not found";

/// The steps that were gone, in words, each with what was sent.
type Gone = Vec<(String, Vec<Sent>)>;

struct Walker {
    wire: Wire,
    has_two: bool,
    model: Model,
}

/// Goes a walk with accounts of its own, which are named after it. Gives what was seen, and the steps up to a fault.
pub(super) async fn go(
    target: &Arc<Target>,
    name: &str,
    steps: &[Step],
) -> (Walked, Result<(), (Halt, Gone)>) {
    let mut walker =
        Walker { wire: Wire::new(target, name), has_two: has_two_keys(target), model: Model::default() };
    let mut gone = Gone::new();
    let done = walker.all(steps, &mut gone).await;
    // A fault matters more than that a clock is gone.
    let forgotten = walker.wire.forget().await;
    let done = done.and(forgotten).map_err(|halt| (halt, gone));
    (walker.seen(), done)
}

impl Walker {
    async fn all(&mut self, steps: &[Step], gone: &mut Gone) -> Result<(), Halt> {
        let known = self.look_around().await;
        let sent = self.wire.take_sent();
        if known.is_err() {
            gone.push(("what was there before".to_owned(), sent));
        }
        known?;
        for step in steps {
            let done = self.step(*step).await;
            gone.push((step.to_string(), self.wire.take_sent()));
            done?;
        }
        Ok(())
    }

    fn seen(&self) -> Walked {
        let mut seen = Walked { requests: self.wire.count(), ..Walked::default() };
        for batch in &self.model.batches {
            *seen.batches.entry(batch.status().to_owned()).or_default() += 1;
        }
        seen
    }

    /// Accounts may have held something before.
    async fn look_around(&mut self) -> Result<(), Halt> {
        for who in if self.has_two { &[Who::A, Who::B][..] } else { &[Who::A] } {
            for path in ["/files", "/batches"] {
                let listed = lists::all(&mut self.wire, *who, path, 100, "").await?;
                let ids = listed.items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned);
                self.model.before.extend(ids);
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), Halt> {
        match step {
            Step::Upload { who, content } => self.upload(who, content).await?,
            Step::UploadForTraining { who } => {
                let text = b"{\"messages\": []}\n".to_vec();
                self.upload_bytes(who, "fine-tune", text, None).await?;
            }
            Step::RetrieveFile { who, file } => self.retrieve_file(who, file).await?,
            Step::Download { who, file } => self.download(who, file).await?,
            Step::DeleteFile { who, file } => self.delete(who, file).await?,
            Step::ListFiles { who, limit, oldest_first } => {
                self.list_files(who, usize::from(limit), oldest_first).await?;
            }
            Step::Create { who, file, asking } => self.create(who, file, asking).await?,
            Step::RetrieveBatch { who, batch } => self.retrieve_batch(who, batch).await?,
            Step::Cancel { who, batch } => self.cancel(who, batch).await?,
            Step::Results { who, batch } => self.results(who, batch).await?,
            Step::ListBatches { who, limit } => self.list_batches(who, usize::from(limit)).await?,
            Step::NextChange { who } => self.wire.pass(who, None).await?,
            Step::Pass { who, seconds } => self.wire.pass(who, Some(seconds)).await?,
        }
        Ok(())
    }
}
