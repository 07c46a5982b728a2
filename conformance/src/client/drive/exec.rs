//! A command that is run once for each task.
//!
//! The task stands in a file, and so does the account; both are named in the environment. The program gets a directory of
//! its own, and a process group of its own, so that nothing of it stays when its time is over.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::process::{Group, Program, tail};
use super::{Assignment, Cut, GRACE};
use crate::client::account::{Account, End, MAX_BYTES};
use crate::client::task::PROTOCOL;
use crate::time::Deadline;

/// The exit code of a program that does not know the verb.
const UNSUPPORTED: i32 = 127;

/// A command that is run once for each task.
#[derive(Debug, Clone)]
pub struct Exec(Program);

impl Exec {
    /// A command. What names a file from here is written out, since it is run elsewhere.
    pub fn new(command: &[OsString], here: &Path) -> Option<Self> {
        Program::new(command, here).map(Self)
    }

    /// Runs it, until it ends, its time is over, or `cut` says so.
    pub(super) async fn run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> Account {
        match self.try_run(assignment, cut).await {
            Ok(account) => account,
            Err(error) => Account::silent(End::NotStarted(format!("`{}`: {error}", self.0.name()))),
        }
    }

    async fn try_run(&self, assignment: &Assignment, cut: impl Future<Output = Cut>) -> io::Result<Account> {
        let room = Room::new(&assignment.room)?;
        fs::write(&room.task, serde_json::to_vec_pretty(&assignment.task)?)?;
        let mut group = Group::new(self.command(assignment, &room).spawn()?);
        // It may say what it likes, and is not to wait until somebody has read it.
        let stdout = group.child.stdout.take().map(|stdout| tokio::spawn(tail(stdout)));
        let deadline = Deadline::after(assignment.deadline + GRACE);
        let end = tokio::select! {
            status = deadline.limit(group.child.wait()) => {
                status.map_or(Ok(End::OutOfTime), |status| status.map(end_of))
            }
            cut = cut => Ok(cut.end()),
        };
        let stderr = group.end().await;
        drop(stdout);
        let mut account = Account::silent(end?);
        account.stderr = stderr;
        if let Some(bytes) = room.result()? {
            account.read(&bytes);
        }
        Ok(account)
    }

    fn command(&self, assignment: &Assignment, room: &Room) -> tokio::process::Command {
        let Assignment { base_url, api_key, task: _, deadline, poll_hint, room: _, revealed } = assignment;
        let mut command = self.0.command(&room.work);
        command
            .env("OPENAI_BASE_URL", base_url)
            .env("OPENAI_API_KEY", api_key)
            .env("CERT_PROTOCOL", PROTOCOL.to_string())
            .env("CERT_TASK", &room.task)
            .env("CERT_RESULT", &room.result)
            .env("CERT_STATE", &room.state)
            .env("CERT_DEADLINE_MS", deadline.as_millis().to_string());
        if let Some(poll_hint) = poll_hint {
            command.env("CERT_POLL_HINT_MS", poll_hint.as_millis().to_string());
        }
        if let Some(name) = revealed {
            command.env("CERT_SCENARIO", name);
        }
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

fn end_of(status: ExitStatus) -> End {
    match status.code() {
        Some(UNSUPPORTED) => End::Unsupported("it ended with exit code 127".to_owned()),
        Some(code) => End::Exit(code),
        None => End::Crash(status.to_string()),
    }
}
