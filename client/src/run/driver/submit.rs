//! Uploading an input and creating a batch of it, and what follows if the service does not take it.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use super::super::next::{Patience, ended};
use super::super::progress::Event;
use super::super::refusals::{is_full_queue, is_input_not_found, told_limit};
use super::super::state::{Entry, Input, Stage};
use super::Driver;
use crate::batches::{NewBatch, TAG_KEY};
use crate::error::{Error, Result};
use crate::files::NewFile;
use crate::poll::Poll;
use crate::received::Received;
use crate::types::{BatchError, File};

/// How often a batch is created for an input that the service does not find: just after an upload it may not.
const INPUT_LOOKED_FOR: u32 = 5;

/// After how long a batch that was refused for the queue is tried again: at first, and at most.
const QUEUE_PAUSE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_mins(15));

impl Driver<'_> {
    pub(super) async fn upload(&mut self, batch: usize) -> Result<()> {
        let name = self.state.file_name(batch);
        let spans = self.state.batches[batch].lines.spans(&self.checked.lines);
        let bytes = spans.iter().map(|span| span.end - span.start).sum();
        let files = self.client.files();
        let may_be_there = self.state.batches[batch].stage == Stage::Uploading;
        let found = if may_be_there { files.find(&name, bytes).await } else { Ok(None) };
        let file = match found {
            Err(error) => return self.failed(batch, error),
            Ok(Some(file)) => file,
            Ok(None) => {
                self.tell(Event::Uploading { batch, bytes })?;
                self.note(Entry::Uploading { batch })?;
                match self.send(batch, NewFile::from_spans(name, &self.input, spans.into()), bytes).await? {
                    Ok(file) => file,
                    Err(error) => return self.failed(batch, error),
                }
            }
        };
        self.known[batch].failures = 0;
        self.tell(Event::Uploaded { batch, file_id: &file.id })?;
        let file = Input { id: file.id.clone(), created_at: file.created_at };
        self.note(Entry::Uploaded { batch, file })
    }

    /// Sends the input of a batch, telling after each whole percent how far that is. The inner result is the service's.
    async fn send(&mut self, batch: usize, file: NewFile, bytes: u64) -> Result<Result<Received<File>>> {
        let (counting, mut counted) = watch::channel(0);
        let client = self.client;
        let files = client.files();
        let mut upload = pin!(files.upload(file.counting(counting)));
        let mut told = 0;
        loop {
            let sent = tokio::select! {
                biased;
                uploaded = &mut upload => return Ok(uploaded),
                Ok(()) = counted.changed() => *counted.borrow_and_update(),
            };
            let percent = sent * 100 / bytes.max(1);
            // That all of it is sent is told when the service has it.
            if sent < bytes && percent != told {
                told = percent;
                self.tell(Event::Sent { batch, bytes, sent })?;
            }
        }
    }

    pub(super) async fn create(&mut self, batch: usize) -> Result<()> {
        let planned = &self.state.batches[batch];
        let input = planned.input.clone().expect("a batch is created when its input was uploaded");
        let may_be_there = planned.stage == Stage::Creating;
        let found = if may_be_there {
            self.client.batches().find(&self.state.tag(batch), Some(input.created_at)).await
        } else {
            Ok(None)
        };
        let created = match found {
            Err(error) => return self.failed(batch, error),
            Ok(Some(created)) => created,
            Ok(None) => {
                // The same tag again where the last attempt came to nothing, as far as can be seen.
                let time = if may_be_there { planned.times } else { planned.times + 1 };
                let mut new = NewBatch::new(input.id, planned.endpoint.clone());
                self.tell(Event::Creating { batch })?;
                self.note(Entry::Creating { batch, time })?;
                for (key, value) in &self.options.metadata {
                    new = new.metadata(key.clone(), value.clone());
                }
                let new = new.metadata(TAG_KEY, self.state.tag(batch));
                match self.client.batches().create(&new).await {
                    Ok(created) => created,
                    Err(error) => return self.refused(batch, error),
                }
            }
        };
        let known = &mut self.known[batch];
        known.failures = 0;
        known.poll = Poll::new(self.client.inner.poll.clone(), self.client.rng());
        known.since = None;
        self.patience[batch] = Patience::default();
        self.tell(Event::Created { batch, id: &created.id })?;
        self.note(Entry::Created { batch, id: created.id.clone() })
    }

    /// A batch was not created.
    fn refused(&mut self, batch: usize, error: Error) -> Result<()> {
        let said = error.service_message().unwrap_or_default().to_owned();
        let found = BatchError {
            code: error.code().unwrap_or_default().to_owned(),
            message: said.clone(),
            param: error.param().map(str::to_owned),
            line: None,
        };
        if let Some(limit) = self.limit_below(batch, &said) {
            return self.divide(batch, limit, &said);
        }
        match self.reason_to_defer(batch, &[found]) {
            Some(pause) => self.defer(batch, pause, &said),
            None => self.failed(batch, error),
        }
    }

    /// Why a batch that was not taken may be taken another time, and when.
    pub(super) fn reason_to_defer(&mut self, batch: usize, errors: &[BatchError]) -> Option<Patience> {
        let now = self.now();
        let known = &mut self.known[batch];
        if errors.iter().any(is_full_queue) {
            let pause = QUEUE_PAUSE.0.saturating_mul(1 << known.refusals.min(8)).min(QUEUE_PAUSE.1);
            known.refusals += 1;
            known.refused_since.get_or_insert(now);
            // This batch has not ended yet, but will not count as one that made room.
            return Some(Patience { not_before: now + pause, refused_at: Some(ended(&self.state)) });
        }
        if errors.iter().any(is_input_not_found) && known.lookups + 1 < INPUT_LOOKED_FOR {
            let pause = Duration::from_secs(2 << (2 * known.lookups).min(8));
            known.lookups += 1;
            return Some(Patience { not_before: now + pause, refused_at: None });
        }
        None
    }

    /// The limit on tokens that a refusal tells of, if the batch alone is over it: then no waiting helps.
    pub(super) fn limit_below(&self, batch: usize, message: &str) -> Option<u64> {
        let limit = told_limit(message)?;
        let requests = self.state.batches[batch].lines.len();
        (requests > 1 && self.tokens[batch] > limit).then_some(limit)
    }

    /// Plans the requests of a batch anew, in batches that are below a limit on tokens, and keeps to it from now on.
    pub(super) fn divide(&mut self, batch: usize, limit: u64, why: &str) -> Result<()> {
        let own = self.options.limits.enqueued_tokens.unwrap_or(limit);
        self.options.limits.enqueued_tokens = Some(own.min(limit));
        self.note(Entry::Dropped { batch })?;
        self.tell(Event::Deferred { batch, why, pause: Duration::ZERO })?;
        self.plan()?;
        Ok(())
    }

    pub(super) fn defer(&mut self, batch: usize, patience: Patience, why: &str) -> Result<()> {
        self.patience[batch] = patience;
        let pause = patience.not_before.saturating_sub(self.now());
        self.note(Entry::Deferred { batch })?;
        let waited = self.known[batch].refused_since.map(|since| self.now().saturating_sub(since));
        match waited.zip(self.client.inner.poll.deadline) {
            Some((waited, deadline)) if waited >= deadline => Err(self.late(waited)),
            _ => self.tell(Event::Deferred { batch, why, pause }),
        }
    }
}
