//! What comes due in a world by itself: statuses, ends, expiries.

use std::sync::Arc;

use batchmock_client::types::{BatchUsage, Purpose};

use super::{Removal, State};
use crate::journal::WorldEvent;
use crate::sim::Timestamp;
use crate::webhook::WebhookEvent;
use crate::world::blob::Scratch;
use crate::world::files::{FileContent, FileRecord};
use crate::world::parts::UploadStage;
use crate::world::results::Results;

impl State {
    /// Lets everything happen that has come due, in the order of its times, and tells the time.
    pub(in crate::world) fn settle(&mut self, wall: Timestamp, scratch: &Scratch) -> Timestamp {
        let now = self.now(wall);
        while let Some(id) = self.uploads.next_expired(now) {
            self.end_upload(&id, UploadStage::Expired);
        }
        loop {
            let turn = self.batches.next_turn().filter(|(at, _)| *at <= now);
            let end = self.batches.next_end().filter(|(at, _)| *at <= now);
            let expiry = self.files.next_expiry().filter(|(at, _)| *at <= now);
            let next_of_batches = [turn, end].into_iter().flatten().map(|(at, _)| at).min();
            let foretold = self.outbox.next_foretold().filter(|(at, _)| {
                *at <= now
                    && end.is_none_or(|(end, _)| *at <= end)
                    && expiry.is_none_or(|(expiry, _)| *at < expiry)
            });
            if let Some((_, place)) = foretold {
                let batch = &self.batches.entry(place).record;
                self.outbox.tell_early(place, (&batch.id, batch.seed), batch.behavior.webhook(), wall);
                continue;
            }
            match (turn, end, expiry) {
                (None, None, None) => return now,
                // At the same instant the expiry comes first: a file is gone from the instant on that its
                // `expires_at` names.
                (_, _, Some((at, id))) if next_of_batches.is_none_or(|next| at <= next) => {
                    let id = id.to_owned();
                    self.remove_file(&id, at, Removal::Expiry);
                }
                // A batch has its last status when its files appear.
                (Some(turn), end, _) if end.is_none_or(|(ends_at, _)| turn.0 <= ends_at) => self.turn(turn),
                (_, Some((at, place)), _) => self.end_batch(at, place, wall, scratch),
                (Some(_), None, _) | (None, None, Some(_)) => unreachable!("one alone is taken above"),
            }
        }
    }

    /// Tells of the next status of a batch.
    fn turn(&mut self, turn: (Timestamp, usize)) {
        let Some(status) = self.batches.turn(turn) else { return };
        let (at, place) = turn;
        let entry = self.batches.entry(place);
        self.tell(at, || WorldEvent::BatchStatus {
            batch_id: entry.record.id.clone(),
            status,
            counts: entry.observe(at).counts,
        });
    }

    /// Shows the files of a batch that has ended, and lets it be told.
    fn end_batch(&mut self, ends_at: Timestamp, place: usize, wall: Timestamp, scratch: &Scratch) {
        self.batches.end(ends_at, place);
        let entry = self.batches.entry_mut(place);
        let batch = Arc::clone(&entry.record);
        let last = entry.observe(ends_at);
        let spent = entry.happened.spent;
        if let Some(event) = WebhookEvent::of(last.status) {
            let named = (batch.id.as_str(), batch.seed);
            self.outbox.tell_end(place, named, (event, ends_at), batch.behavior.webhook(), wall);
        }
        let (results, [output, error]) = Results::new(Arc::clone(&batch), last, spent, scratch.clone());
        let results = Arc::new(results);
        entry.results = Some(Arc::clone(&results));
        let mut added = Vec::new();
        for (number, id, bytes, name) in [
            (batch.first_file_number, &results.output_file_id, output, "output"),
            (batch.first_file_number + 1, &results.error_file_id, error, "error"),
        ] {
            let Some(id) = id else { continue };
            if spent.is_some() || entry.happened.deleted_results.contains(&bytes.which) {
                continue;
            }
            let record = FileRecord {
                id: id.clone(),
                purpose: Purpose::BatchOutput,
                // F-134; the name of the error file is assumed.
                filename: format!("{}_{name}.jsonl", batch.id),
                created_at: ends_at,
                expires_at: Some(ends_at + batch.results_kept_for),
                content: FileContent::Result(Arc::clone(&results), bytes),
            };
            added.push(self.files.add(number, record));
        }
        if results.output_file_id.is_none() && results.error_file_id.is_none() && spent.is_none() {
            // Nobody ever can ask for its lines.
            entry.happened.spent = Some(BatchUsage::default());
            batch.answerers.let_go();
            let let_go = batch.input.let_go();
            self.note(|changes| changes.of_batch(place, let_go));
        }
        for record in added {
            self.tell_of_file(&record, ends_at);
        }
    }
}
