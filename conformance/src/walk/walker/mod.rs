//! Goes the steps of a walk, one request after the other.

mod batches;
mod files;

use std::sync::Arc;

use super::model::Model;
use super::step::{Step, Who};
use super::wire::Wire;
use super::{Halt, Sent, Walked, lists};
use crate::target::Target;

const CHAT: &str = "/v1/chat/completions";

const OF_OTHERS: &str = "what is not there, or belongs to others, is not found";

/// The steps that were gone, in words, each with what was sent.
type Gone = Vec<(String, Vec<Sent>)>;

struct Walker {
    wire: Wire,
    model: Model,
}

/// Goes a walk with accounts of its own, which are named after it. Gives what was seen, and the steps up to a fault.
pub(super) async fn go(
    target: &Arc<Target>,
    name: &str,
    steps: &[Step],
) -> (Walked, Result<(), (Halt, Gone)>) {
    let mut walker = Walker { wire: Wire::new(target, name), model: Model::default() };
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
        for who in self.both() {
            for path in ["/files", "/batches"] {
                let listed = lists::all(&mut self.wire, who, path, 100, "").await?;
                let ids = listed.items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned);
                self.model.before.extend(ids);
            }
        }
        Ok(())
    }

    /// The accounts that there are.
    fn both(&self) -> Vec<Who> {
        if self.wire.has_two_keys() { vec![Who::A, Who::B] } else { vec![Who::A] }
    }

    /// Who acts: the one that is meant, if there is one.
    fn who(&self, who: Who) -> Who {
        if self.wire.has_two_keys() { who } else { Who::A }
    }

    async fn step(&mut self, step: Step) -> Result<(), Halt> {
        match step {
            Step::Upload { who, content } => self.upload(self.who(who), content).await?,
            Step::UploadForTraining { who } => {
                let text = b"{\"messages\": []}\n".to_vec();
                self.upload_bytes(self.who(who), "fine-tune", text, None).await?;
            }
            Step::RetrieveFile { who, file } => self.retrieve_file(self.who(who), file).await?,
            Step::Download { who, file } => self.download(self.who(who), file).await?,
            Step::DeleteFile { who, file } => self.delete(self.who(who), file).await?,
            Step::ListFiles { who, limit, oldest_first } => {
                self.list_files(self.who(who), usize::from(limit), oldest_first).await?;
            }
            Step::Create { who, file, asking } => self.create(self.who(who), file, asking).await?,
            Step::RetrieveBatch { who, batch } => self.retrieve_batch(self.who(who), batch).await?,
            Step::Cancel { who, batch } => self.cancel(self.who(who), batch).await?,
            Step::Results { who, batch } => self.results(self.who(who), batch).await?,
            Step::ListBatches { who, limit } => self.list_batches(self.who(who), usize::from(limit)).await?,
            Step::NextChange { who } => self.wire.pass(self.who(who), None).await?,
            Step::Pass { who, seconds } => self.wire.pass(self.who(who), Some(seconds)).await?,
        }
        Ok(())
    }
}
