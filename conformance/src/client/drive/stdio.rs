//! Adapters that stay, and are told what to do by lines of JSON.
//!
//! An adapter does one run at a time, so as many are started as scenarios are played at a time. One that does not end a run
//! is ended, and another takes its place.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use super::process::{Group, Program};
use super::{Assignment, Cut, GRACE};
use crate::client::account::{Account, End};
use crate::client::task::PROTOCOL;
use crate::time::Deadline;

/// How long an adapter may take to say hello.
const HELLO_FOR: Duration = Duration::from_mins(2);

/// How long it may take to stop.
const STOP_FOR: Duration = Duration::from_secs(1);

/// A client behind adapters that stay.
#[derive(Debug)]
pub struct Stdio {
    program: Program,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Adapter>,
    name: Option<String>,
    n_runs: u64,
}

/// A process that waits for runs.
#[derive(Debug)]
struct Adapter {
    group: Group,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    verbs: Vec<String>,
}

/// What comes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// The account.
    Account(Box<Account>),
    /// The adapter cannot go on, or cannot be understood.
    Broken(String),
}

impl Stdio {
    /// A command. What names a file from here is written out, as for [`Exec`](super::Exec).
    pub fn new(command: &[OsString], here: &Path) -> Option<Self> {
        Some(Self { program: Program::new(command, here)?, state: Mutex::default() })
    }

    pub(super) fn name(&self) -> Option<String> {
        self.with_state(|state| state.name.clone())
    }

    pub(super) async fn run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> Account {
        let idle = self.with_state(|state| state.idle.pop());
        let mut adapter = match idle {
            Some(adapter) => adapter,
            None => match self.start(&assignment.room).await {
                Ok(adapter) => adapter,
                Err(error) => {
                    return Account::silent(End::NotStarted(format!("`{}`: {error}", self.program.name())));
                }
            },
        };
        let verb = assignment.task.verb.as_str();
        if !adapter.verbs.iter().any(|known| known == verb) {
            self.with_state(|state| state.idle.push(adapter));
            return Account::silent(End::Unsupported(format!("its hello does not name the verb {verb}")));
        }
        let seq = self.with_state(|state| {
            state.n_runs += 1;
            state.n_runs
        });
        let deadline = Deadline::after(assignment.deadline + GRACE);
        let end = tokio::select! {
            answer = deadline.limit(adapter.run(seq, assignment)) => match answer {
                Some(Answer::Account(account)) => {
                    self.with_state(|state| state.idle.push(adapter));
                    return *account;
                }
                Some(Answer::Broken(why)) => End::Crash(why),
                None => End::OutOfTime,
            },
            cut = cut => cut.end(),
        };
        let mut account = Account::silent(end);
        account.stderr = adapter.end().await;
        account
    }

    pub(super) async fn stop(&self) {
        for mut adapter in self.with_state(|state| std::mem::take(&mut state.idle)) {
            adapter.send(&json!({"stop": {}})).await;
            let Adapter { mut group, stdin, .. } = adapter;
            drop(stdin);
            let _ = Deadline::after(STOP_FOR).limit(group.child.wait()).await;
            group.end().await;
        }
    }

    async fn start(&self, room: &Path) -> io::Result<Adapter> {
        let directory = room.with_extension("adapter");
        fs::create_dir_all(&directory)?;
        let mut command = self.program.command(&directory);
        command.stdin(std::process::Stdio::piped()).env("CERT_PROTOCOL", PROTOCOL.to_string());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().ok_or_else(|| io::Error::other("it has no standard input"))?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no standard output"))?;
        let mut adapter =
            Adapter { group: Group::new(child), stdin, stdout: BufReader::new(stdout), verbs: Vec::new() };
        match Deadline::after(HELLO_FOR).limit(adapter.greet()).await {
            Some(Ok(name)) => {
                self.with_state(|state| state.name.get_or_insert(name).clone());
                Ok(adapter)
            }
            Some(Err(why)) => {
                let stderr = adapter.end().await;
                let last = stderr.trim_end().lines().last().unwrap_or_default().to_owned();
                Err(io::Error::other(if last.is_empty() { why } else { format!("{why}; it says: {last}") }))
            }
            None => Err(io::Error::other("it does not answer the hello")),
        }
    }

    fn with_state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Adapter {
    /// Says hello. Gives what the client calls itself.
    async fn greet(&mut self) -> Result<String, String> {
        self.send(&json!({"hello": {"protocol": PROTOCOL}})).await;
        let answer = self.receive().await?;
        let hello = answer
            .get("hello")
            .ok_or_else(|| format!("it answers the hello with {answer}, and not with a hello of its own"))?;
        let verbs = hello["verbs"].as_array().ok_or("its hello has no list `verbs`")?;
        self.verbs = verbs.iter().filter_map(|verb| verb.as_str().map(str::to_owned)).collect();
        let part = |name: &str| hello[name].as_str().filter(|text| !text.is_empty());
        let name = part("name").ok_or("its hello has no `name`")?;
        let version = part("version").map(|version| format!(" {version}")).unwrap_or_default();
        let language = part("language").map(|language| format!(" ({language})")).unwrap_or_default();
        Ok(format!("{name}{version}{language}"))
    }

    async fn run(&mut self, seq: u64, assignment: &Assignment) -> Answer {
        match self.try_run(seq, assignment).await {
            Ok(account) => Answer::Account(Box::new(account)),
            Err(why) => Answer::Broken(why),
        }
    }

    async fn try_run(&mut self, seq: u64, assignment: &Assignment) -> Result<Account, String> {
        let Assignment { base_url, api_key, task, deadline, poll_hint, room, revealed } = assignment;
        let state_dir = room.join("state");
        fs::create_dir_all(&state_dir).map_err(|error| error.to_string())?;
        let mut run = json!({
            "seq": seq,
            "base_url": base_url,
            "api_key": api_key,
            "deadline_ms": u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            "state_dir": state_dir,
            "task": task,
        });
        if let Some(poll_hint) = poll_hint {
            run["poll_hint_ms"] = json!(u64::try_from(poll_hint.as_millis()).unwrap_or(u64::MAX));
        }
        if let Some(name) = revealed {
            run["scenario"] = json!(name);
        }
        self.send(&json!({ "run": run })).await;
        account_of(&self.receive().await?, seq)
    }

    /// Says something. One that is gone needs not be told, and is noticed by its silence.
    async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        if self.stdin.write_all(line.as_bytes()).await.is_ok() {
            let _ = self.stdin.flush().await;
        }
    }

    async fn receive(&mut self) -> Result<Value, String> {
        let mut line = Vec::new();
        let n_read = self.stdout.read_until(b'\n', &mut line).await;
        if n_read.map_err(|error| format!("the adapter cannot be heard: {error}"))? == 0 {
            return Err("the adapter ended without an answer".to_owned());
        }
        serde_json::from_slice(&line)
            .map_err(|error| format!("a line of the adapter is no JSON: {error}: {}", shown(&line)))
    }

    async fn end(self) -> String {
        self.group.end().await
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().chars().take(80).collect()
}

/// What an answer to a run says.
fn account_of(message: &Value, seq: u64) -> Result<Account, String> {
    let members = message.as_object().ok_or_else(|| format!("{message} is no message"))?;
    let (name, body) = members.iter().next().ok_or("an empty message")?;
    if body["seq"] != seq {
        return Err(format!("an answer to run {}, but run {seq} was asked for", body["seq"]));
    }
    let said = body["message"].as_str().unwrap_or_default().to_owned();
    match name.as_str() {
        "result" => {
            let is_complete =
                body["complete"].as_bool().ok_or("`result` does not say by `complete` whether it is")?;
            let mut account = Account::silent(End::Exit(i32::from(!is_complete)));
            let lines = body["lines"].as_array().into_iter().flatten().map(Value::to_string);
            let summary = body.get("summary").map(|summary| json!({ "summary": summary }).to_string());
            account.read(lines.chain(summary).collect::<Vec<_>>().join("\n").as_bytes());
            Ok(account)
        }
        "skipped" => Ok(Account::silent(End::Unsupported(said))),
        "errored" => Ok(Account::silent(End::Crash(said))),
        _ => Err(format!("there is no message `{name}`: there are `result`, `skipped` and `errored`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::account::Outcome;

    #[test]
    fn answers_are_read_as_result_files_are() {
        let message = json!({"result": {
            "seq": 3, "complete": false, "lines": [{"key": "k-1", "outcome": "ok", "text": "a\nb"}, {"key": "k-2"}],
            "summary": {"batch_ids": ["batch_1"]},
        }});
        let account = account_of(&message, 3).unwrap();
        assert_eq!((account.end.clone(), account.lines()[0].outcome), (End::Exit(1), Outcome::Ok));
        assert_eq!(account.lines()[0].text.as_deref(), Some("a\nb"));
        assert_eq!(account.unreadable, ["line 2: missing field `outcome`"]);
        assert_eq!(account.summary.batch_ids, ["batch_1"]);
    }

    #[test]
    fn who_skips_or_breaks_says_why() {
        let skipped = account_of(&json!({"skipped": {"seq": 1, "message": "no"}}), 1).unwrap();
        assert_eq!(skipped.end, End::Unsupported("no".to_owned()));
        let errored = account_of(&json!({"errored": {"seq": 1, "message": "boom"}}), 1).unwrap();
        assert_eq!(errored.end, End::Crash("boom".to_owned()));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let told = |message: Value| account_of(&message, 1).unwrap_err();
        assert_eq!(
            told(json!({"result": {"seq": 2, "complete": true}})),
            "an answer to run 2, but run 1 was asked for"
        );
        assert_eq!(told(json!({"result": {"seq": 1}})), "`result` does not say by `complete` whether it is");
        assert!(told(json!({"results": {"seq": 1}})).starts_with("there is no message `results`"));
        assert_eq!(told(json!([])), "[] is no message");
    }
}
