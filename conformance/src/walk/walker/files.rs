//! Files: uploading, retrieving, downloading, deleting, listing.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::file::{File, Found, Requests, has_schema};
use super::super::model::Picked;
use super::super::step::{Broken, Content, Pick, Who};
use super::super::wire::Reply;
use super::super::{Fault, check, lists};
use super::{CHAT, OF_OTHERS, Walker};
use crate::exchange::Request;
use crate::form::Form;

impl Walker {
    pub(super) async fn upload(&mut self, who: Who, content: Content) -> Result<(), Fault> {
        let (bytes, requests) = self.written(content);
        if matches!(content, Content::Prose | Content::Empty) {
            let form = Form::new().field("purpose", "batch").file("walk.jsonl", bytes);
            let reply = self.wire.send(who, form_to("/files", &form)).await?;
            let rule = "what is no file for a batch is refused";
            return check(reply.status == 400, rule, "F-117", "status 400", reply.shown());
        }
        self.upload_bytes(who, "batch", bytes, requests).await
    }

    pub(super) async fn upload_bytes(
        &mut self,
        who: Who,
        purpose: &'static str,
        bytes: Vec<u8>,
        requests: Option<Requests>,
    ) -> Result<(), Fault> {
        let form = Form::new().field("purpose", purpose).file("walk.jsonl", &bytes);
        let reply = self.wire.send(who, form_to("/files", &form)).await?;
        check(reply.status == 200, "a good file is taken", "F-107", "status 200", reply.shown())?;
        let file = File::uploaded(who, purpose, bytes, requests, &reply.json()?)?;
        let is_new =
            self.model.files.iter().all(|other| other.id != file.id) && !self.model.before.contains(&file.id);
        check(
            is_new,
            "a new file has an id of its own",
            "F-104",
            "an id that no other has",
            file.id.clone(),
        )?;
        self.model.files.push(file);
        Ok(())
    }

    /// The bytes of a file, and its requests if a batch of it runs.
    fn written(&self, content: Content) -> (Vec<u8>, Option<Requests>) {
        let (chat, embeddings) = self.wire.models();
        let line = |name: &str, role: &str| {
            let messages = json!([{"role": role, "content": "Say hello."}]);
            let body = json!({"model": chat, "messages": messages, "max_completion_tokens": 16});
            json!({"custom_id": name, "method": "POST", "url": CHAT, "body": body}).to_string()
        };
        let mut requests = Requests::default();
        let mut lines = Vec::new();
        let other = match content {
            Content::Prose => return (b"This is a letter, and no list of requests.\n".to_vec(), None),
            Content::Empty => return (Vec::new(), None),
            Content::Chats { good, refused } => {
                requests.good = (1..=good).map(|number| format!("good-{number}")).collect();
                requests.refused = (1..=refused).map(|number| format!("refused-{number}")).collect();
                None
            }
            Content::Broken(Broken::NoJson) => Some("{broken".to_owned()),
            Content::Broken(Broken::NoUrl) => {
                Some(json!({"custom_id": "b", "method": "POST", "body": {}}).to_string())
            }
            Content::Broken(Broken::OtherUrl) => {
                let body = json!({"model": embeddings, "input": "hello"});
                Some(
                    json!({"custom_id": "b", "method": "POST", "url": "/v1/embeddings", "body": body})
                        .to_string(),
                )
            }
            Content::Broken(Broken::TwiceTheSameId) => Some(line("a", "user")),
        };
        lines.extend(requests.good.iter().map(|name| line(name, "user")));
        lines.extend(requests.refused.iter().map(|name| line(name, "wizard")));
        let requests = if let Some(other) = other {
            lines.extend([line("a", "user"), other]);
            None
        } else {
            Some(requests)
        };
        ((lines.join("\n") + "\n").into_bytes(), requests)
    }

    /// A file that was picked, by id.
    pub(super) fn picked_file(&self, who: Who, pick: Pick) -> (Option<usize>, String) {
        match self.model.pick_file(who, pick) {
            Picked::Known(at) => (Some(at), self.model.files[at].id.clone()),
            Picked::Unknown => (None, "file-AbCdEfGhJkLmNpQrStUvWx".to_owned()),
        }
    }

    /// How a file is answered to who asks.
    pub(super) fn found(&self, file: Option<usize>, who: Who, reply: &Reply) -> Found {
        file.map_or(Found::Not, |at| self.model.files[at].found_by(who, reply.now))
    }

    pub(super) async fn retrieve_file(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (at, id) = self.picked_file(who, pick);
        let reply = self.wire.get(who, format!("/files/{id}")).await?;
        let is_there = self.found(at, who, &reply).hold(&reply, OF_OTHERS, "F-124")?;
        self.note(at, who, is_there, |file| file.observe("retrieveFile", &reply.json()?))
    }

    pub(super) async fn download(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (at, id) = self.picked_file(who, pick);
        let reply = self.wire.get(who, format!("/files/{id}/content")).await?;
        let is_there = self.found(at, who, &reply).hold(&reply, OF_OTHERS, "F-124")?;
        self.note(at, who, is_there, |file| has_bytes(file, &reply))
    }

    pub(super) async fn delete(&mut self, who: Who, pick: Pick) -> Result<(), Fault> {
        let (at, id) = self.picked_file(who, pick);
        let reply = self.wire.send(who, Request::new(Method::DELETE, format!("/files/{id}"))).await?;
        let is_there = self.found(at, who, &reply).hold(&reply, OF_OTHERS, "F-125")?;
        if is_there {
            let body = reply.json()?;
            has_schema("deleteFile", &body)?;
            let is_told = body["id"] == id && body["deleted"] == true;
            check(
                is_told,
                "a deletion says what was deleted",
                "F-125",
                format!("{id}, deleted"),
                body.to_string(),
            )?;
        }
        self.note(at, who, is_there, |file| {
            file.is_gone = true;
            Ok(())
        })?;
        // Who has not begun to run may miss it.
        for batch in &mut self.model.batches {
            if batch.last["input_file_id"] == id && batch.status() == "validating" {
                batch.lost_its_input = true;
            }
        }
        Ok(())
    }

    /// Takes in that a file was there, or not.
    pub(super) fn note(
        &mut self,
        at: Option<usize>,
        who: Who,
        is_there: bool,
        observe: impl FnOnce(&mut File) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Some(file) = at.map(|at| &mut self.model.files[at]).filter(|file| file.owner == who) else {
            return Ok(());
        };
        if is_there {
            return observe(file);
        }
        file.is_gone = true;
        Ok(())
    }

    pub(super) async fn list_files(
        &mut self,
        who: Who,
        limit: usize,
        oldest_first: bool,
    ) -> Result<(), Fault> {
        let order = if oldest_first { "&order=asc" } else { "" };
        let listed = lists::all(&mut self.wire, who, "/files", limit, order).await?;
        let own = self.model.files.iter().filter(|file| file.found_by(who, listed.now) == Found::Surely);
        listed.has_each_once(&own.map(|file| file.id.as_str()).collect::<BTreeSet<_>>())?;
        listed.is_in_order(oldest_first)?;
        for item in &listed.items {
            let id = item["id"].as_str().unwrap_or_default();
            match self.model.file_by_id(id) {
                Some(file) => {
                    let found = file.found_by(who, listed.now);
                    let rule = "no list has what is gone, or belongs to others";
                    check(
                        found != Found::Not,
                        rule,
                        "F-125",
                        format!("a list without {id}"),
                        item.to_string(),
                    )?;
                    file.observe("retrieveFile", item)?;
                }
                // Results come without being asked for.
                None => self.is_no_strangers(id, item["purpose"] == "batch_output")?,
            }
        }
        Ok(())
    }

    /// What nobody made is not there.
    pub(super) fn is_no_strangers(&self, id: &str, is_expected: bool) -> Result<(), Fault> {
        let may_be = is_expected || !self.wire.is_alone() || self.model.before.contains(id);
        check(may_be, "no list has what nobody made", "F-242", "what was made", id)
    }
}

/// A form as a request.
fn form_to(path: &str, form: &Form) -> Request {
    Request::new(Method::POST, path).body(Form::CONTENT_TYPE, form.bytes())
}

/// A file has the bytes that it had before, or that were uploaded.
pub(super) fn has_bytes(file: &mut File, reply: &Reply) -> Result<(), Fault> {
    let told: &Value = &file.first["bytes"];
    let is_long = told.as_u64().is_none_or(|told| told == reply.body.len() as u64);
    check(is_long, "a file is as long as it says", "F-123", told.to_string(), reply.body.len().to_string())?;
    match &file.bytes {
        None => file.bytes = Some(reply.body.clone()),
        Some(bytes) => {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            check(
                *bytes == reply.body,
                "a file has the bytes that it had",
                "F-131",
                shown(bytes),
                shown(&reply.body),
            )?;
        }
    }
    Ok(())
}
