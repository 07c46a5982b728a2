//! A command that is run once for each task.
//!
//! The task stands in a file, and so does the account; both are named in the environment. The program gets a directory of
//! its own, and a process group of its own, so that nothing of it stays when its time is over.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::{Assignment, Cut};
use crate::client::account::{Account, End, MAX_BYTES};
use crate::client::task::PROTOCOL;
use crate::time::Deadline;

/// How much of the standard error is kept: its end.
const KEPT_BYTES: usize = 8 * 1024;

/// How much longer than it was told a program may take.
const GRACE: Duration = Duration::from_secs(1);

/// The exit code of a program that does not know the verb.
const UNSUPPORTED: i32 = 127;

/// Variables that would lead a client elsewhere.
const MISLEADING: [&str; 8] = [
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// A command that is run once for each task.
#[derive(Debug, Clone)]
pub struct Exec {
    program: OsString,
    arguments: Vec<OsString>,
}

impl Exec {
    /// A command. What names a file from here is written out, since it is run elsewhere.
    pub fn new(command: &[OsString], here: &Path) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        // A bare name is looked for in the search path; anything else is a path.
        let is_path = Path::new(program).components().count() > 1;
        let program = if is_path { written_out(program, here) } else { program.clone() };
        let arguments = arguments.iter().map(|argument| written_out(argument, here)).collect();
        Some(Self { program, arguments })
    }

    /// Runs it, until it ends, its time is over, or `cut` says so.
    pub async fn run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> Account {
        match self.try_run(assignment, cut).await {
            Ok(account) => account,
            Err(error) => {
                let program = self.program.to_string_lossy();
                Account::silent(End::NotStarted(format!("`{program}`: {error}")))
            }
        }
    }

    async fn try_run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> io::Result<Account> {
        let room = Room::new(&assignment.room)?;
        fs::write(&room.task, serde_json::to_vec_pretty(&assignment.task)?)?;
        let mut child = self.command(assignment, &room).spawn()?;
        let id = child.id();
        let stderr = child.stderr.take().map(|stderr| tokio::spawn(tail(stderr)));
        let stdout = child.stdout.take().map(|stdout| tokio::spawn(tail(stdout)));
        let end = {
            let deadline = Deadline::after(assignment.deadline + GRACE);
            tokio::select! {
                status = deadline.limit(child.wait()) => status.map_or(Ok(End::OutOfTime), |status| status.map(end_of)),
                cut = cut => Ok(match cut { Cut::Endless => End::Endless, Cut::OnPurpose => End::OnPurpose }),
            }
        };
        // Whatever it has started goes with it.
        end_group(id);
        let _ = child.kill().await;
        let mut account = Account::silent(end?);
        account.stderr = said(stderr).await;
        drop(stdout);
        if let Some(bytes) = room.result()? {
            account.read(&bytes);
        }
        Ok(account)
    }

    fn command(&self, assignment: &Assignment, room: &Room) -> Command {
        let Assignment { base_url, api_key, task: _, deadline, poll_hint, room: _, revealed } = assignment;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&room.work)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .env("OPENAI_BASE_URL", base_url)
            .env("OPENAI_API_KEY", api_key)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("CERT_PROTOCOL", PROTOCOL.to_string())
            .env("CERT_TASK", &room.task)
            .env("CERT_RESULT", &room.result)
            .env("CERT_STATE", &room.state)
            .env("CERT_DEADLINE_MS", deadline.as_millis().to_string());
        if let Some(poll_hint) = poll_hint {
            command.env("CERT_POLL_HINT_MS", poll_hint.as_millis().to_string());
        }
        for name in MISLEADING {
            command.env_remove(name);
        }
        if let Some(name) = revealed {
            command.env("CERT_SCENARIO", name);
        }
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// The files of one run.
#[derive(Debug)]
struct Room {
    task: PathBuf,
    result: PathBuf,
    state: PathBuf,
    work: PathBuf,
}

impl Room {
    /// Makes room: a new working directory, no result, and the state as it was left.
    fn new(place: &Path) -> io::Result<Self> {
        let room = Self {
            task: place.join("task.json"),
            result: place.join("result.ndjson"),
            state: place.join("state"),
            work: place.join("work"),
        };
        for (directory, is_kept) in [(&room.state, true), (&room.work, false)] {
            if !is_kept && directory.exists() {
                fs::remove_dir_all(directory)?;
            }
            fs::create_dir_all(directory)?;
        }
        if room.result.exists() {
            fs::remove_file(&room.result)?;
        }
        Ok(room)
    }

    /// The result file, if there is one. Of one that is far too long the beginning is read.
    fn result(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match fs::File::open(&self.result) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// An argument, with the whole path if it names a file from here.
fn written_out(argument: &OsStr, here: &Path) -> OsString {
    let path = here.join(argument);
    if !argument.is_empty() && path.exists() { path.into_os_string() } else { argument.to_owned() }
}

fn end_of(status: ExitStatus) -> End {
    match status.code() {
        Some(UNSUPPORTED) => End::Unsupported("it ended with exit code 127".to_owned()),
        Some(code) => End::Exit(code),
        None => End::Crash(status.to_string()),
    }
}

/// Ends whatever is left of the group of a program.
fn end_group(id: Option<u32>) {
    #[cfg(unix)]
    if let Some(id) = id.and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
        // There may be none of it any more.
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

/// The end of what is written.
async fn tail(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(n_read @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..n_read]);
        if kept.len() > 2 * KEPT_BYTES {
            kept.drain(..kept.len() - KEPT_BYTES);
        }
    }
    kept.drain(..kept.len().saturating_sub(KEPT_BYTES));
    kept
}

async fn said(tail: Option<JoinHandle<Vec<u8>>>) -> String {
    let Some(tail) = tail else { return String::new() };
    // A program that left its group may still hold the pipe.
    let limit = Deadline::after(Duration::from_secs(1));
    match limit.limit(tail).await {
        Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Err(_)) | None => String::new(),
    }
}
