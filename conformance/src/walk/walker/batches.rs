//! Batches: creating, retrieving, cancelling, listing, and what comes of them.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::batch::Batch;
use super::super::file::Found;
use super::super::model::Picked;
use super::super::results::{Lines, lines_of};
use super::super::step::{Asking, Pick, Who};
use super::super::{Fault, check, lists};
use super::files::has_bytes;
use super::{CHAT, OF_OTHERS, Walker};
use crate::exchange::Request;

impl Walker {
    pub(super) async fn create(&mut self, who: Who, pick: Pick, asking: Asking) -> Result<(), Fault> {
        let (at, id) = self.picked_file(who, pick);
        let endpoint = if asking == Asking::ForNoEndpoint { "/v1/no/such/endpoint" } else { CHAT };
        let window = if asking == Asking::ForAWeek { "7d" } else { "24h" };
        let slow = json!({"mock_scenario": "expired-partial"});
        let metadata = if asking == Asking::ToBeSlow { slow } else { json!({"walk": "yes"}) };
        let body = json!({"input_file_id": id, "endpoint": endpoint, "completion_window": window, "metadata": metadata});
        let reply = self.wire.send(who, Request::post("/batches", &body)).await?;
        if matches!(asking, Asking::ForNoEndpoint | Asking::ForAWeek) {
            let fact = if asking == Asking::ForAWeek { "F-235" } else { "F-234" };
            return check(reply.status == 400, "a wrong wish is refused", fact, "status 400", reply.shown());
        }
        let is_input = at.map(|at| &self.model.files[at]).is_some_and(|file| file.purpose == "batch");
        let found = if is_input { self.found(at, who, &reply) } else { Found::Not };
        // What is no input is refused, or fails (F-232, F-233).
        if found == Found::Surely {
            check(
                reply.status == 200,
                "a batch of a good input is created",
                "F-230",
                "status 200",
                reply.shown(),
            )?;
        }
        if reply.status != 200 {
            let may_be = matches!(reply.status, 400 | 404);
            return check(
                may_be,
                "a batch without an input is refused, or fails",
                "F-232",
                "status 200, 400 or 404",
                reply.shown(),
            );
        }
        let requests =
            at.filter(|_| found != Found::Not).and_then(|at| self.model.files[at].requests.clone());
        let body = reply.json()?;
        let asked = [("input_file_id", json!(id)), ("endpoint", json!(endpoint)), ("metadata", metadata)];
        for (name, value) in asked {
            check(
                body[name] == value,
                "a batch is what was asked for",
                "F-230",
                format!("{name} {value}"),
                body[name].to_string(),
            )?;
        }
        let mut batch = Batch::created(who, requests, &body, reply.now)?;
        batch.lost_its_input = found != Found::Surely;
        let is_new = self.model.batches.iter().all(|other| other.id != batch.id);
        check(
            is_new,
            "a new batch has an id of its own",
            "F-201",
            "an id that no other has",
            batch.id.clone(),
        )?;
        self.model.batches.push(batch);
        Ok(())
    }

    fn picked_batch(&self, who: Who, pick: Pick) -> (Option<usize>, String) {
        match self.model.pick_batch(who, pick) {
            Picked::Known(at) => (Some(at), self.model.batches[at].id.clone()),
            Picked::Unknown => (None, "batch_0123456789abcdef0123456789abcdef".to_owned()),
        }
    }

    /// The batch, if it belongs to who asks.
    fn own(&self, at: Option<usize>, who: Who) -> Option<usize> {
        at.filter(|at| self.model.batches[*at].owner == who)
    }

    pub(super) async fn retrieve_batch(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (at, id) = self.picked_batch(who, pick);
        let reply = self.wire.get(who, format!("/batches/{id}")).await?;
        let Some(at) = self.own(at, who) else {
            return Found::Not.hold(&reply, OF_OTHERS, "F-241").map(drop);
        };
        Found::Surely.hold(&reply, "a batch that was created is there", "F-230")?;
        self.model.batches[at].observe("retrieveBatch", &reply.json()?, reply.now)?;
        self.model.know_results(at);
        Ok(())
    }

    pub(super) async fn cancel(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (at, id) = self.picked_batch(who, pick);
        if self.own(at, who).is_some() {
            // So that it is known how it stands.
            self.retrieve_batch(who, pick).await?;
        }
        let reply = self.wire.send(who, Request::post(format!("/batches/{id}/cancel"), &json!({}))).await?;
        let Some(at) = self.own(at, who) else {
            return Found::Not.hold(&reply, OF_OTHERS, "F-241").map(drop);
        };
        let batch = &mut self.model.batches[at];
        // How one that has expired, or is about to end, is answered is assumed (F-262, F-251).
        let statuses: &[u16] = match batch.status() {
            "completed" | "failed" => &[409],
            "cancelling" | "cancelled" => &[200],
            // Time may pass in between, and it may have ended.
            _ => &[200, 409],
        };
        let expected: Vec<_> = statuses.iter().map(|status| format!("status {status}")).collect();
        let is_right = statuses.contains(&reply.status);
        let rule = "what runs can be cancelled, and what has ended cannot";
        check(
            is_right,
            rule,
            "F-262",
            format!("{} of a batch that is {}", expected.join(" or "), batch.status()),
            reply.shown(),
        )?;
        if reply.status == 409 {
            return self.has_ended(who, at, pick).await;
        }
        batch.was_cancelled = true;
        let was_running = matches!(batch.status(), "validating" | "in_progress");
        batch.observe("cancelBatch", &reply.json()?, reply.now)?;
        if was_running {
            let may = ["cancelling", "cancelled", "finalizing", "completed"];
            check(
                may.contains(&batch.status()),
                "a cancellation begins at once",
                "F-263",
                "cancelling",
                batch.status(),
            )?;
        }
        self.model.know_results(at);
        Ok(())
    }

    /// A cancellation is refused only if there is nothing to cancel.
    async fn has_ended(&mut self, who: Who, at: usize, pick: Pick) -> Result<(), Fault> {
        self.retrieve_batch(who, pick).await?;
        let batch = &self.model.batches[at];
        let is_over = batch.has_ended() || batch.status() == "finalizing";
        check(
            is_over,
            "only what has ended cannot be cancelled",
            "F-262",
            "a batch that has ended",
            batch.status(),
        )
    }

    /// Looks at a batch, and downloads its results if it has ended.
    pub(super) async fn results(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (Some(at), _) = self.picked_batch(who, pick) else { return Ok(()) };
        self.retrieve_batch(who, pick).await?;
        if self.own(Some(at), who).is_none() || !self.model.batches[at].has_ended() {
            return Ok(());
        }
        let mut lines = Lines::default();
        let mut is_whole = true;
        for (name, into) in [("output_file_id", &mut lines.output), ("error_file_id", &mut lines.errors)] {
            let id = self.model.batches[at].last[name].as_str().unwrap_or_default().to_owned();
            let Some(file) = self.model.files.iter().position(|file| file.id == id) else { continue };
            let reply = self.wire.get(who, format!("/files/{id}/content")).await?;
            let rule = "results can be downloaded until they are deleted or expire";
            let is_there = self.found(Some(file), who, &reply).hold(&reply, rule, "F-133")?;
            self.note(Some(file), who, is_there, |file| has_bytes(file, &reply))?;
            if is_there { *into = lines_of(&reply.body)? } else { is_whole = false }
        }
        let batch = &self.model.batches[at];
        match &batch.requests {
            Some(requests) if is_whole && batch.status() != "failed" => lines.hold(&batch.last, requests),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) async fn list_batches(&mut self, who: Who, limit: usize) -> Result<(), Fault> {
        let listed = lists::all(&mut self.wire, who, "/batches", limit, "").await?;
        let own: BTreeSet<_> = self.model.batches_of(who).map(|batch| batch.id.as_str()).collect();
        listed.has_each_once(&own)?;
        listed.is_in_order(false)?;
        for item in &listed.items {
            let id = item["id"].as_str().unwrap_or_default();
            let Some(at) = self.model.batches.iter().position(|batch| batch.id == id) else {
                self.is_no_strangers(id, false)?;
                continue;
            };
            let owner = self.model.batches[at].owner;
            check(
                owner == who,
                "no list has what is gone, or belongs to others",
                "F-233",
                "own batches",
                item.to_string(),
            )?;
            self.model.batches[at].observe("retrieveBatch", item, listed.now)?;
            self.model.know_results(at);
        }
        Ok(())
    }
}
