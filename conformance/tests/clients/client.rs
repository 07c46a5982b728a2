//! A client that is right, written by hand on plain HTTP, with a place for each flaw.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::time::Duration;

use batchmock_adapter::{Account, Client, Error, Session};
use serde_json::{Value, json};

use crate::flaw::{Broken, Flaw};
use crate::wire::{Failure, Waits, Wire};

const ENDINGS: [&str; 4] = ["completed", "failed", "expired", "cancelled"];
const MAX_LINES: usize = 50_000;
const MAX_BYTES: usize = 200_000_000;

/// A client: right, or wrong in one way.
#[derive(Debug)]
pub(crate) struct ByHand {
    pub(crate) broken: Option<&'static Broken>,
    pub(crate) waits: Waits,
}

impl Client for ByHand {
    fn hello(&self) -> Value {
        json!({
            "name": self.broken.map_or("by hand", |broken| broken.name),
            "language": "Rust",
            "verbs": ["run-batch", "run-then-cancel", "collect", "files-roundtrip", "webhook-consume"],
            "poll_hint": true,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "a deadline is of the time of the wall")]
    async fn run(&self, task: Value, session: Session) -> Result<Account, Error> {
        let flaw = self.broken.map(|broken| broken.flaw);
        let limit = session.deadline.unwrap_or(Duration::from_hours(30)).mul_f64(0.9);
        let mut job = Job::new(task, session, flaw, self.waits)?;
        if job.is(Flaw::NeverGivesUp) {
            return job.work().await;
        }
        if let Ok(account) = tokio::time::timeout(limit, job.work()).await {
            return match account {
                Err(_) if job.is(Flaw::HidesTrouble) => {
                    Ok(Account { complete: true, lines: Vec::new(), summary: json!({}) })
                }
                account => account,
            };
        }
        let summary = json!({"batch_ids": job.under_way, "message": "gave up waiting: the batches go on"});
        Ok(Account { complete: false, lines: Vec::new(), summary })
    }
}

/// A piece of work, known by a tag that nothing else has, also to a process that takes it up again.
struct Job {
    wire: Wire,
    task: Value,
    session: Session,
    flaw: Option<Flaw>,
    tag: String,
    is_taken_up: bool,
    keys: Vec<String>,
    known: HashSet<String>,
    outcomes: BTreeMap<String, Value>,
    /// The ids of the batches that were created, ended or not.
    under_way: Vec<String>,
    batches: Vec<Value>,
    files: Vec<String>,
    errors: Vec<Value>,
    usage: BTreeMap<&'static str, u64>,
    odd: BTreeMap<&'static str, u64>,
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    of[name].as_array().into_iter().flatten()
}

impl Job {
    fn new(task: Value, session: Session, flaw: Option<Flaw>, waits: Waits) -> Result<Self, Error> {
        let kept = session.state.join("tag");
        let forgets = flaw == Some(Flaw::ForgetsItsBatch);
        let found = fs::read_to_string(&kept).ok().filter(|_| !forgets);
        let is_taken_up = found.is_some();
        let tag = if let Some(tag) = found {
            tag
        } else {
            // Unlike all others: directories are, and so are the keys of accounts.
            let tag = format!("job-{}-{}", session.api_key, std::process::id());
            fs::write(&kept, &tag)?;
            tag
        };
        let keys: Vec<String> = match task["keys"].as_array() {
            Some(keys) => keys.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => list(&task, "items").map(|item| text(item, "key").to_owned()).collect(),
        };
        Ok(Self {
            wire: Wire::new(&session, flaw, waits)?,
            outcomes: BTreeMap::new(),
            task,
            session,
            flaw,
            tag,
            is_taken_up,
            known: keys.iter().cloned().collect(),
            keys,
            under_way: Vec::new(),
            batches: Vec::new(),
            files: Vec::new(),
            errors: Vec::new(),
            usage: BTreeMap::new(),
            odd: BTreeMap::new(),
        })
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    async fn work(&mut self) -> Result<Account, Error> {
        match text(&self.task, "verb") {
            "files-roundtrip" => return self.files_roundtrip().await,
            "webhook-consume" => return self.webhook_consume(),
            "collect" => self.collect().await?,
            _ => {
                let items: Vec<_> = list(&self.task, "items").cloned().collect();
                self.submit(&items, 1).await?;
                if self.task["finish"] == true {
                    self.finish(&items).await?;
                }
            }
        }
        if self.task["cleanup"] == true && !self.is(Flaw::LeavesFiles) {
            for file in &self.files {
                self.wire.delete(&format!("files/{file}")).await?;
            }
        }
        Ok(self.told())
    }

    /// Takes a batch that somebody else has created.
    async fn collect(&mut self) -> Result<(), Error> {
        let batch = self.wire.get(&format!("batches/{}", text(&self.task, "batch_id"))).await?;
        let batch = self.wait(batch).await?;
        self.account(&batch).await?;
        self.batches.push(batch);
        Ok(())
    }

    /// Submits again what was not answered and may be by another try.
    async fn finish(&mut self, items: &[Value]) -> Result<(), Error> {
        if !self.errors.is_empty() {
            return Ok(());
        }
        let is_open = |item: &&Value| {
            let Some(outcome) = self.outcomes.get(text(item, "key")) else { return true };
            match (text(outcome, "outcome"), outcome["status"].as_u64()) {
                ("expired" | "missing", _) | ("error", None | Some(408 | 500..)) => true,
                ("error", Some(400)) => self.is(Flaw::RetriesRefusals),
                ("ok", _) => self.is(Flaw::ResubmitsWhatIsPaid),
                ("error", Some(429)) => outcome["code"] != "insufficient_quota",
                _ => false,
            }
        };
        let open: Vec<_> = items.iter().filter(is_open).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        self.submit(&open, 2).await
    }

    /// Runs items in as many batches as the limits ask for.
    async fn submit(&mut self, items: &[Value], round: u32) -> Result<(), Error> {
        let mut inputs: Vec<(usize, Vec<u8>)> = vec![(0, Vec::new())];
        for item in items {
            let line = self.line(item);
            let is_full =
                inputs.last().is_some_and(|(n, data)| *n == MAX_LINES || data.len() + line.len() > MAX_BYTES);
            if is_full && !self.is(Flaw::SendsTooMuch) {
                inputs.push((0, Vec::new()));
            }
            let (n, data) = inputs.last_mut().expect("there is a first one");
            *n += 1;
            data.extend(line);
        }
        let mut made = Vec::new();
        for (n, (_, data)) in inputs.iter().enumerate() {
            if let Some(batch) = self.create(&format!("{}-{round}-{n}", self.tag), data).await? {
                self.under_way.push(text(&batch, "id").to_owned());
                made.push(batch);
            }
        }
        for batch in made {
            let batch = self.wait(batch).await?;
            self.account(&batch).await?;
            self.batches.push(batch);
        }
        Ok(())
    }

    fn line(&self, item: &Value) -> Vec<u8> {
        let endpoint = text(&self.task, "endpoint");
        let prompt = text(item, "prompt");
        let prompt = if self.is(Flaw::TrimsPrompts) { prompt.trim() } else { prompt };
        let mut body = json!({"model": self.task["model"]});
        match endpoint {
            "/v1/chat/completions" => body["messages"] = json!([{"role": "user", "content": prompt}]),
            "/v1/completions" => body["prompt"] = prompt.into(),
            _ => body["input"] = prompt.into(),
        }
        let custom_id = if self.is(Flaw::SendsOneIdTwice) { &json!("request") } else { &item["key"] };
        let line = json!({"custom_id": custom_id, "method": "POST", "url": endpoint, "body": body});
        format!("{line}\n").into_bytes()
    }

    /// Uploads an input once: where it may be there already, it is looked for before it is sent again.
    async fn upload(&mut self, name: &str, data: &[u8]) -> Result<String, Error> {
        let mut attempt = 0;
        let mut found = if self.is_taken_up { self.file_named(name).await? } else { None };
        let id = loop {
            if let Some(id) = found {
                break id;
            }
            match self.wire.upload(name, data).await {
                Ok(file) => break text(&file, "id").to_owned(),
                Err(failure) => {
                    let Some(after) = self.wire.again(&failure, attempt) else { return Err(failure.into()) };
                    self.wire.pause(after).await;
                }
            }
            found = self.file_named(name).await?;
            attempt += 1;
        };
        self.files.push(id.clone());
        Ok(id)
    }

    async fn file_named(&self, name: &str) -> Result<Option<String>, Error> {
        let found = self.find("files?purpose=batch", |file| file["filename"] == name).await?;
        Ok(found.map(|file| text(&file, "id").to_owned()))
    }

    /// The first entry of a list that fits, whichever page it is on.
    async fn find(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Result<Option<Value>, Error> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let mut after = String::new();
        loop {
            let page = self.wire.get(&format!("{path}{glue}limit=100{after}")).await?;
            if let Some(found) = list(&page, "data").find(|entry| fits(entry)) {
                return Ok(Some(found.clone()));
            }
            let Some(last) = list(&page, "data").last().filter(|_| page["has_more"] == true) else {
                return Ok(None);
            };
            after = format!("&after={}", text(last, "id"));
        }
    }

    /// Creates a batch once, in the same way.
    async fn create(&mut self, tag: &str, data: &[u8]) -> Result<Option<Value>, Error> {
        let file = self.upload(&format!("{tag}.jsonl"), data).await?;
        let body = json!({
            "input_file_id": file,
            "endpoint": self.task["endpoint"],
            "completion_window": self.task["completion_window"],
            "metadata": {"tag": tag},
        });
        let mut attempt = 0;
        let mut found = if self.is_taken_up { self.batch_tagged(tag).await? } else { None };
        let batch = loop {
            if let Some(batch) = found {
                break batch;
            }
            match self.wire.make("batches", &body).await {
                Ok(batch) => break batch,
                Err(failure) if failure.is_ambiguous() && self.is(Flaw::ShrugsAtALostAnswer) => {
                    return Ok(None);
                }
                Err(failure) => {
                    let Some(after) = self.wire.again(&failure, attempt) else { return Err(failure.into()) };
                    self.wire.pause(after).await;
                }
            }
            found = if self.is(Flaw::CreatesAgainUnseen) { None } else { self.batch_tagged(tag).await? };
            attempt += 1;
        };
        if self.is(Flaw::DeletesInputEarly) {
            self.wire.delete(&format!("files/{file}")).await?;
            self.files.retain(|id| *id != file);
        }
        Ok(Some(batch))
    }

    async fn batch_tagged(&self, tag: &str) -> Result<Option<Value>, Error> {
        self.find("batches", |batch| batch["metadata"]["tag"] == tag).await
    }

    fn is_ended(&self, status: &str) -> bool {
        match self.flaw {
            Some(Flaw::WaitsForCompletedAlone) => status == "completed",
            Some(Flaw::StopsAtCancelling) => status == "cancelling" || ENDINGS.contains(&status),
            Some(Flaw::TakesUnknownStatusForTheEnd) => {
                !["validating", "in_progress", "finalizing", "cancelling"].contains(&status)
            }
            _ => ENDINGS.contains(&status),
        }
    }

    /// Waits for one of the four endings, through statuses that nobody knows and failures that pass.
    async fn wait(&self, mut batch: Value) -> Result<Value, Error> {
        let path = format!("batches/{}", text(&batch, "id"));
        let mut between = self.session.poll_hint.unwrap_or(Duration::from_secs(5));
        let (mut lost, mut cancel) = (0, self.task["verb"] == "run-then-cancel");
        while !self.is_ended(text(&batch, "status")) {
            let pause = if self.is(Flaw::LooksTooOften) { Duration::from_millis(2) } else { between };
            self.wire.pause(pause).await;
            if self.session.poll_hint.is_none() {
                between = between.mul_f64(1.2).min(Duration::from_mins(1));
            }
            match self.wire.get(&path).await {
                Ok(seen) => (batch, lost) = (seen, 0),
                // A 404 was seen of a batch that was there before and after, so once is not enough.
                Err(failure) if lost < 2 && self.is_worth_another_look(&failure) => lost += 1,
                Err(failure) => return Err(failure.into()),
            }
            if cancel && batch["status"] == "in_progress" {
                (batch, cancel) = (self.wire.cancel(text(&batch, "id")).await?, false);
            }
        }
        if self.is(Flaw::LooksOnAndOn) {
            for _ in 0..4 {
                self.wire.pause(between).await;
                self.wire.get(&path).await?;
            }
        }
        Ok(batch)
    }

    fn is_worth_another_look(&self, failure: &Failure) -> bool {
        !self.is(Flaw::RetriesNothing) && (failure.may_pass() || failure.is_not_found())
    }

    /// The lines of a result file. One that ends within a line is fetched again.
    async fn lines(&mut self, file: &str) -> Result<Vec<Value>, Error> {
        let (mut lines, mut n_broken) = (Vec::new(), 0);
        for _ in 0..2 {
            let path = format!("files/{file}/content");
            let data = if self.is(Flaw::TakesHalfAFile) {
                self.wire.read_what_comes(&path).await?
            } else {
                self.wire.read(&path).await?
            };
            let data = String::from_utf8_lossy(&data);
            let at_unicode = self.is(Flaw::SplitsAtU2028);
            let split = data.split(|letter| letter == '\n' || at_unicode && letter == '\u{2028}');
            let read: Vec<Result<Value, _>> =
                split.filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect();
            n_broken = read.iter().filter(|line| line.is_err()).count() as u64;
            lines = read.into_iter().flatten().collect();
            if n_broken == 0 || self.is(Flaw::TakesHalfAFile) {
                break;
            }
        }
        *self.odd.entry("unreadable").or_default() += n_broken;
        Ok(lines)
    }

    /// What became of one request: it succeeded if its status says so and there is no error, in either file.
    fn judge(&self, key: &str, line: &Value) -> Value {
        let (response, mut error) = (&line["response"], &line["error"]);
        let (status, body) = (response["status_code"].as_u64(), &response["body"]);
        let places = ["/choices/0/message/content", "/choices/0/text", "/output/0/content/0/text"];
        let answer = places.iter().find_map(|place| body.pointer(place));
        if status.is_some_and(|status| (200..300).contains(&status)) && error.is_null()
            || self.is(Flaw::TakesAnyLineForSuccess) && status.is_some()
        {
            return json!({"key": key, "outcome": "ok", "text": answer, "status": status});
        }
        if error.is_null() {
            error = &body["error"];
        }
        let code = error["code"].as_str().or(error["type"].as_str());
        let outcome = match code {
            Some("batch_expired") => "expired",
            Some("batch_cancelled") => "cancelled",
            _ => "error",
        };
        json!({"key": key, "outcome": outcome, "status": status.filter(|status| *status > 0), "code": code})
    }

    fn count(&mut self, line: &Value) {
        let usage = &line["response"]["body"]["usage"];
        let tokens =
            |names: [&str; 2]| names.iter().find_map(|name| usage[*name].as_u64()).unwrap_or_default();
        let times = if self.is(Flaw::CountsUsageTwice) { 2 } else { 1 };
        for (name, tokens) in [
            ("input_tokens", tokens(["prompt_tokens", "input_tokens"])),
            ("output_tokens", tokens(["completion_tokens", "output_tokens"])),
            ("total_tokens", tokens(["total_tokens", "total_tokens"])),
        ] {
            *self.usage.entry(name).or_default() += tokens * times;
        }
    }

    /// Takes what both files of a batch tell, whatever its ending. Each key is told of once.
    async fn account(&mut self, batch: &Value) -> Result<(), Error> {
        self.errors.extend(list(&batch["errors"], "data").cloned());
        let is_partial = ["expired", "cancelled"].contains(&text(batch, "status"));
        if is_partial && self.is(Flaw::DropsPartialResults) {
            for key in &self.keys {
                let outcome = json!({"key": key, "outcome": batch["status"]});
                self.outcomes.entry(key.clone()).or_insert(outcome);
            }
            return Ok(());
        }
        let mut told = HashSet::new();
        let mut texts = Vec::new();
        for name in ["output_file_id", "error_file_id"] {
            // A file that there is not is null, or the empty text.
            let file = text(batch, name);
            if file.is_empty() {
                if self.is(Flaw::AsksForFileNone) {
                    // It takes the refusal for an empty file.
                    let _ = self.wire.read("files/None/content").await;
                }
                continue;
            }
            if name == "error_file_id" && self.is(Flaw::NeverReadsTheErrorFile) {
                continue;
            }
            self.files.push(file.to_owned());
            for line in self.lines(file).await? {
                let key = text(&line, "custom_id").to_owned();
                if !self.known.contains(&key) {
                    *self.odd.entry("unknown").or_default() += 1;
                } else if !told.insert(key.clone()) {
                    *self.odd.entry("duplicate").or_default() += 1;
                } else {
                    let outcome = self.judge(&key, &line);
                    if outcome["outcome"] == "ok" {
                        self.count(&line);
                        texts.push(outcome["text"].clone());
                    }
                    self.outcomes.insert(key, outcome);
                }
            }
        }
        if self.is(Flaw::JoinsByPosition) {
            let is_answered = |key: &&String| told.contains(*key) && self.outcomes[*key]["outcome"] == "ok";
            let answered: Vec<_> = self.keys.iter().filter(is_answered).cloned().collect();
            for (key, text) in answered.iter().zip(texts) {
                self.outcomes.get_mut(key).expect("it was told of")["text"] = text;
            }
        }
        Ok(())
    }

    fn told(&mut self) -> Account {
        let missing = |key: &String| match self.flaw {
            // What no file tells of has surely been answered, with nothing.
            Some(Flaw::InventsWhatIsMissing) => json!({"key": key, "outcome": "ok", "text": ""}),
            _ => json!({"key": key, "outcome": "missing"}),
        };
        let lines =
            self.keys.iter().map(|key| self.outcomes.remove(key).unwrap_or_else(|| missing(key))).collect();
        let mut summary = json!({
            "batch_ids": self.batches.iter().map(|batch| &batch["id"]).collect::<Vec<_>>(),
            "status": self.batches.last().map(|batch| &batch["status"]),
            "usage": self.usage,
            "oddities": self.odd,
        });
        if self.is(Flaw::SwallowsErrors) {
            return Account { complete: true, lines, summary };
        }
        summary["errors"] = json!(self.errors);
        Account { complete: self.errors.is_empty(), lines, summary }
    }

    async fn files_roundtrip(&mut self) -> Result<Account, Error> {
        let files: Vec<_> = list(&self.task, "files").cloned().collect();
        let mut lines = Vec::new();
        for mut file in files {
            if self.is(Flaw::ChangesLineEnds) {
                file["text"] = text(&file, "text").replace("\r\n", "\n").into();
            }
            let id = self.upload(text(&file, "name"), text(&file, "text").as_bytes()).await?;
            let back = self.wire.read(&format!("files/{id}/content")).await?;
            self.wire.delete(&format!("files/{id}")).await?;
            let outcome = if back == text(&file, "text").as_bytes() { "ok" } else { "error" };
            lines.push(
                json!({"key": file["key"], "outcome": outcome, "text": String::from_utf8_lossy(&back)}),
            );
        }
        Ok(Account { complete: true, lines, summary: json!({}) })
    }

    fn webhook_consume(&self) -> Result<Account, Error> {
        let webhooks = batchmock_client::Webhooks::new(text(&self.task, "secret"))?;
        let mut seen = HashSet::new();
        let lines = list(&self.task, "deliveries").map(|delivery| {
            let header = |name: &str| {
                let headers = delivery["headers"].as_object()?;
                let (_, value) = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
                value.as_str().map(str::to_owned)
            };
            let is_right = webhooks.verify(text(delivery, "body").as_bytes(), header).is_ok();
            let outcome = if !is_right && !self.is(Flaw::BelievesEveryWebhook) {
                "refused"
            } else if seen.insert(header("webhook-id")) {
                "handled"
            } else {
                "duplicate"
            };
            json!({"key": delivery["key"], "outcome": outcome})
        });
        Ok(Account { complete: true, lines: lines.collect(), summary: json!({}) })
    }
}
