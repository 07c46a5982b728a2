//! Programs: how they are started, what they say, and how they are ended with all that they have started.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::time::Deadline;

/// How much of what is said is kept: its end.
const KEPT_BYTES: usize = 8 * 1024;

/// How long is waited for what a program has said last.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

/// A program and its arguments.
#[derive(Debug, Clone)]
pub(super) struct Program {
    program: OsString,
    arguments: Vec<OsString>,
}

impl Program {
    /// A command. What names a file from here is written out, since it is run elsewhere.
    pub(super) fn new(command: &[OsString], here: &Path) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        // A bare name is looked for in the search path; anything else is a path.
        let is_path = Path::new(program).components().count() > 1;
        let program = if is_path { written_out(program, here) } else { program.clone() };
        let arguments = arguments.iter().map(|argument| written_out(argument, here)).collect();
        Some(Self { program, arguments })
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The command, in a process group of its own, so that nothing of it stays.
    pub(super) fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .env("NO_PROXY", "127.0.0.1,localhost");
        for name in MISLEADING {
            command.env_remove(name);
        }
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// An argument, with the whole path if it names a file from here, or a directory by more than a word.
fn written_out(argument: &OsStr, here: &Path) -> OsString {
    let path = here.join(argument);
    let is_path = Path::new(argument).components().count() > 1;
    if path.is_file() || (is_path && path.exists()) { path.into_os_string() } else { argument.to_owned() }
}

/// A process, and all that it starts.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    id: Option<u32>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Group {
    /// Takes a process that was just started, and listens to its standard error.
    pub(super) fn new(mut child: Child) -> Self {
        let stderr = child.stderr.take().map(|stderr| tokio::spawn(tail(stderr)));
        Self { id: child.id(), child, stderr }
    }

    /// Ends whatever is left of it, and gives the end of what it wrote to its standard error.
    pub(super) async fn end(mut self) -> String {
        self.end_all();
        let _ = self.child.kill().await;
        let Some(stderr) = self.stderr.take() else { return String::new() };
        // A program that left its group may still hold the pipe.
        match Deadline::after(LAST_WORDS).limit(stderr).await {
            Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Err(_)) | None => String::new(),
        }
    }

    fn end_all(&self) {
        #[cfg(unix)]
        if let Some(id) = self.id.and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
            // There may be none of it any more.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end_all();
    }
}

/// The end of what is written.
pub(super) async fn tail(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_what_is_said_the_end_is_kept() {
        let said = [vec![b'a'; 3 * KEPT_BYTES], b"the end".to_vec()].concat();
        let kept = tail(said.as_slice()).await;
        assert_eq!((kept.len(), kept.ends_with(b"athe end")), (KEPT_BYTES, true));
    }

    #[test]
    fn what_names_a_file_is_written_out() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = |name: &str| here.join(name).into_os_string();
        for (argument, expected) in [
            ("Cargo.toml", path("Cargo.toml")),
            ("src/lib.rs", path("src/lib.rs")),
            ("./src", path("./src")),
            ("src", OsString::from("src")),
            ("--src=src", OsString::from("--src=src")),
            ("no/such/file", OsString::from("no/such/file")),
            ("", OsString::new()),
        ] {
            assert_eq!(written_out(OsStr::new(argument), here), expected, "{argument}");
        }
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(Program::new(&[], here).is_none());
        let program = Program::new(&words(&["src/run", "src/lib.rs"]), here).unwrap();
        assert_eq!((program.name(), program.arguments), ("src/run".to_owned(), vec![path("src/lib.rs")]));
    }
}
