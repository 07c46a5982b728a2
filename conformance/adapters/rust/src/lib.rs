//! Drives a client as `batchmock-conformance certify` asks for it, once (exec) or for many tasks (stdio).
//!
//! To judge another client, copy this crate and put it into the place of [`Own`].

mod client;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::fs;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};
use tokio::sync::Mutex;

pub use client::Own;

/// What ends a program that fails.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a client is told beside its task.
#[derive(Debug)]
pub struct Session {
    /// Where the API is.
    pub base_url: String,
    /// The key to use there.
    pub api_key: String,
    /// A directory that outlives the process: whoever runs the same task again finds what was left in it.
    pub state: PathBuf,
    /// How long all of it may take.
    pub deadline: Option<Duration>,
    /// How long to wait between two looks at a batch.
    pub poll_hint: Option<Duration>,
}

/// What a client tells of a task.
#[derive(Debug)]
pub struct Account {
    /// Whether this is all there is to tell; otherwise its caller was told of an error.
    pub complete: bool,
    /// What became of each key.
    pub lines: Vec<Value>,
    /// Batches, errors, usage.
    pub summary: Value,
}

/// A client that does tasks.
pub trait Client: Send + Sync + 'static {
    /// What it is called and what it can do: the members of `hello`.
    fn hello(&self) -> Value;

    /// Does a task.
    fn run(&self, task: Value, session: Session) -> impl Future<Output = Result<Account, Error>> + Send;
}

/// Does the task that the environment names, or those that come on standard input, and gives the exit code.
pub async fn drive(client: impl Client) -> Result<u8, Error> {
    match env::var_os("CERT_TASK") {
        Some(task) => once(&client, Path::new(&task)).await,
        None => many(client).await,
    }
}

fn knows(client: &impl Client, task: &Value) -> bool {
    client.hello()["verbs"].as_array().is_some_and(|verbs| verbs.contains(&task["verb"]))
}

fn duration(milliseconds: Option<u64>) -> Option<Duration> {
    milliseconds.filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
}

/// What a program is told whose call fails.
fn failure(error: &Error) -> Account {
    Account { complete: false, lines: Vec::new(), summary: json!({"message": error.to_string()}) }
}

async fn once(client: &impl Client, task: &Path) -> Result<u8, Error> {
    let task: Value = serde_json::from_slice(&fs::read(task).await?)?;
    if !knows(client, &task) {
        return Ok(127);
    }
    let milliseconds = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let session = Session {
        base_url: env::var("OPENAI_BASE_URL")?,
        api_key: env::var("OPENAI_API_KEY")?,
        state: env::var("CERT_STATE")?.into(),
        deadline: duration(milliseconds("CERT_DEADLINE_MS")),
        poll_hint: duration(milliseconds("CERT_POLL_HINT_MS")),
    };
    let account = client.run(task, session).await.unwrap_or_else(|error| failure(&error));
    let summary = json!({"summary": account.summary});
    let lines: Vec<_> = account.lines.iter().chain([&summary]).map(Value::to_string).collect();
    fs::write(env::var("CERT_RESULT")?, lines.join("\n") + "\n").await?;
    Ok(u8::from(!account.complete))
}

async fn many(client: impl Client) -> Result<u8, Error> {
    let (client, out) = (Arc::new(client), Arc::new(Mutex::new(stdout())));
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut message: Value = serde_json::from_str(&line)?;
        if message.get("stop").is_some() {
            break;
        }
        let (client, out) = (Arc::clone(&client), Arc::clone(&out));
        tokio::spawn(async move {
            let answer = match message.get_mut("run") {
                Some(run) => answer(&*client, run.take()).await,
                None => json!({"hello": client.hello()}),
            };
            let mut out = out.lock().await;
            // Whoever is not listening any more wants no answer.
            let _ = out.write_all(format!("{answer}\n").as_bytes()).await;
            let _ = out.flush().await;
        });
    }
    Ok(0)
}

async fn answer(client: &impl Client, mut run: Value) -> Value {
    let (seq, task) = (run["seq"].take(), run["task"].take());
    if !knows(client, &task) {
        return json!({"skipped": {"seq": seq, "message": format!("{} is not offered", task["verb"])}});
    }
    let text = |name: &str| run[name].as_str().unwrap_or_default().to_owned();
    let session = Session {
        base_url: text("base_url"),
        api_key: text("api_key"),
        state: text("state_dir").into(),
        deadline: duration(run["deadline_ms"].as_u64()),
        poll_hint: duration(run["poll_hint_ms"].as_u64()),
    };
    let Account { complete, lines, summary } =
        client.run(task, session).await.unwrap_or_else(|error| failure(&error));
    json!({"result": {"seq": seq, "complete": complete, "lines": lines, "summary": summary}})
}
