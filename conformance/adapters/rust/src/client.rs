//! `batchmock-client` behind the protocol: nothing here but the words of both.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use batchmock_client::types::{BatchError, BatchStatus};
use batchmock_client::{
    Client, Event, Fate, NewFile, Outcome, PollPolicy, Request, RunOptions, Summary, Usage, Webhooks,
};
use serde_json::{Map, Value, json};

use crate::{Account, Error, Session};

/// The client of this repository.
#[derive(Debug)]
pub struct Own;

impl crate::Client for Own {
    fn hello(&self) -> Value {
        json!({
            "name": "batchmock-client",
            "version": env!("CARGO_PKG_VERSION"),
            "language": "Rust",
            "verbs": ["run-batch", "run-then-cancel", "collect", "files-roundtrip", "webhook-consume"],
            "poll_hint": true,
        })
    }

    async fn run(&self, task: Value, session: Session) -> Result<Account, Error> {
        let client = client(&session)?;
        let done = match text(&task, "verb") {
            "collect" => collect(&client, &task).await,
            "files-roundtrip" => files_roundtrip(&client, &task).await,
            "webhook-consume" => webhook_consume(&task),
            _ => run(&client, &task, &session).await,
        };
        done.or_else(unfinished)
    }
}

/// What is told when time is over, and batches go on that can be collected later.
fn unfinished(error: Error) -> Result<Account, Error> {
    let error = error.downcast::<batchmock_client::Error>()?;
    let summary = json!({"message": error.to_string(), "batch_ids": error.unfinished_batches()});
    Ok(Account { complete: false, lines: Vec::new(), summary })
}

fn client(session: &Session) -> Result<Client, Error> {
    let mut poll = PollPolicy::default();
    if let Some(hint) = session.poll_hint {
        poll = PollPolicy { first_pause: hint, longest_pause: hint, ..poll };
    }
    if let Some(deadline) = session.deadline {
        poll.deadline = Some(deadline.mul_f64(0.9));
    }
    let timeout = session.deadline.map_or(Duration::from_mins(1), |deadline| deadline / 2);
    let builder = Client::builder().base_url(&session.base_url).api_key(session.api_key.as_str());
    Ok(builder.poll(poll).timeout(timeout).build()?)
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of[name].as_array().into_iter().flatten()
}

fn request(task: &Value, item: &Value) -> Request {
    let (endpoint, prompt) = (text(task, "endpoint"), text(item, "prompt"));
    let request =
        Request::new(endpoint, Map::new()).custom_id(text(item, "key")).with("model", text(task, "model"));
    match endpoint {
        "/v1/chat/completions" => request.with("messages", json!([{"role": "user", "content": prompt}])),
        "/v1/completions" => request.with("prompt", prompt),
        _ => request.with("input", prompt),
    }
}

async fn run(client: &Client, task: &Value, session: &Session) -> Result<Account, Error> {
    let requests: Vec<_> = list(task, "items").map(|item| request(task, item)).collect();
    let options = RunOptions {
        max_attempts: if task["finish"] == true { 2 } else { 1 },
        delete_files: task["cleanup"] == true,
        ..RunOptions::default()
    };
    let mut cancel = task["verb"] == "run-then-cancel";
    let run = client.run(requests).options(options).journal(session.state.join("journal")).on_progress(
        |progress| {
            if let Event::Looked { shown, .. } = progress.event
                && cancel
                && shown.status == BatchStatus::InProgress
            {
                cancel = false;
                let (client, id) = (client.clone(), shown.id.clone());
                // Should it be too late, the run sees what there is all the same.
                tokio::spawn(async move { client.batches().cancel(&id).await });
            }
            ControlFlow::Continue(())
        },
    );
    let (outcomes, summary) = run.with_summary().await?;
    let summary = told(&summary);
    Ok(Account {
        complete: summary["errors"] == json!([]),
        lines: outcomes.iter().map(line).collect(),
        summary,
    })
}

async fn collect(client: &Client, task: &Value) -> Result<Account, Error> {
    let batch = client.batches().wait(text(task, "batch_id")).await?;
    let mut outcomes = client.outcomes(&batch).await;
    if outcomes.as_ref().is_err_and(batchmock_client::Error::is_cut) {
        outcomes = client.outcomes(&batch).await;
    }
    let mut usage = Usage::default();
    let mut found = HashMap::new();
    for outcome in outcomes?.into_iter().flatten() {
        if !found.contains_key(outcome.custom_id()) {
            usage += outcome.usage().unwrap_or_default();
            found.insert(outcome.custom_id().to_owned(), line(&outcome));
        }
    }
    let keys = list(task, "keys").filter_map(Value::as_str);
    let lines = keys
        .map(|key| found.remove(key).unwrap_or_else(|| json!({"key": key, "outcome": "missing"})))
        .collect();
    let errors = batch.errors.as_ref().map(|errors| errors.data.as_slice()).unwrap_or_default();
    let summary = json!({
        "batch_ids": [batch.id],
        "status": batch.status.as_str(),
        "errors": errors.iter().map(error).collect::<Vec<_>>(),
        "usage": words(usage),
    });
    Ok(Account { complete: true, lines, summary })
}

fn line(outcome: &Outcome) -> Value {
    let key = outcome.custom_id();
    match outcome.fate() {
        Fate::Succeeded { status, .. } => {
            json!({"key": key, "outcome": "ok", "text": outcome.text(), "status": status})
        }
        Fate::Failed { status, code, message } => {
            json!({"key": key, "outcome": "error", "status": status, "code": code, "message": message})
        }
        Fate::Expired => json!({"key": key, "outcome": "expired"}),
        Fate::Cancelled => json!({"key": key, "outcome": "cancelled"}),
        Fate::Missing | _ => json!({"key": key, "outcome": "missing"}),
    }
}

fn told(summary: &Summary) -> Value {
    let errors: Vec<_> = summary.batches.iter().flat_map(|batch| &batch.errors).map(error).collect();
    let oddities = &summary.oddities;
    json!({
        "batch_ids": summary.batches.iter().map(|batch| &batch.id).collect::<Vec<_>>(),
        "status": summary.batches.last().map(|batch| batch.status.as_str()),
        "errors": errors,
        "usage": words(summary.total_usage()),
        "oddities": {
            "unreadable": oddities.n_unreadable,
            "duplicate": oddities.duplicates,
            "unknown": oddities.strangers,
        },
    })
}

fn error(error: &BatchError) -> Value {
    json!({"code": error.code, "line": error.line, "message": error.message})
}

fn words(usage: Usage) -> Value {
    let Usage { input_tokens, output_tokens, total_tokens, .. } = usage;
    json!({"input_tokens": input_tokens, "output_tokens": output_tokens, "total_tokens": total_tokens})
}

async fn files_roundtrip(client: &Client, task: &Value) -> Result<Account, Error> {
    let mut lines = Vec::new();
    for file in list(task, "files") {
        let (name, contents) = (text(file, "name"), text(file, "text"));
        let uploaded = match client.files().upload(NewFile::from_bytes(name, contents.to_owned())).await {
            Err(error) if error.is_ambiguous() => {
                client.files().find(name, contents.len() as u64).await?.ok_or(error)?
            }
            uploaded => uploaded?,
        };
        let back = client.files().content(&uploaded.id).await?.bytes().await?;
        client.files().delete(&uploaded.id).await?;
        let outcome = if back == contents.as_bytes() { "ok" } else { "error" };
        lines.push(json!({"key": file["key"], "outcome": outcome, "text": String::from_utf8_lossy(&back)}));
    }
    Ok(Account { complete: true, lines, summary: json!({}) })
}

fn webhook_consume(task: &Value) -> Result<Account, Error> {
    let webhooks = Webhooks::new(text(task, "secret"))?;
    let mut seen = HashSet::new();
    let lines = list(task, "deliveries").map(|delivery| {
        let header = |name: &str| {
            let headers = delivery["headers"].as_object()?;
            let (_, value) = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
            value.as_str().map(str::to_owned)
        };
        let outcome = match webhooks.verify(text(delivery, "body").as_bytes(), header) {
            Ok(event) if seen.insert(event.delivery_id.clone()) => "handled",
            Ok(_) => "duplicate",
            Err(_) => "refused",
        };
        json!({"key": delivery["key"], "outcome": outcome})
    });
    Ok(Account { complete: true, lines: lines.collect(), summary: json!({}) })
}
