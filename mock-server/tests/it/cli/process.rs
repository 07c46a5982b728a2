//! Processes of the command. Each is killed when its guard goes, whatever became of the test.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use tempfile::TempDir;

/// A key that no output may show.
pub(crate) const SECRET_KEY: &str = "sk-do-not-show-this-0815-to-anybody";

/// A command of batchmock that the environment of the tests does not reach.
pub(crate) fn batchmock<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batchmock"));
    command.args(arguments).stdin(Stdio::null());
    for name in [
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_WEBHOOK_SECRET",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
        "COLUMNS",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a command that ends by itself has said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    said(&mut batchmock(arguments))
}

/// Runs a command to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Said {
        code: status.code().expect("no signal ended it"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A child process that does not outlive the test.
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
impl Guarded {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.0.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

/// A mock that serves on a free port.
pub(crate) struct Served {
    pub(crate) process: Guarded,
    stderr: BufReader<ChildStderr>,
    /// All that it has said so far.
    pub(crate) told: String,
    /// As it says itself.
    pub(crate) base_url: String,
    /// Inside which it keeps its files.
    #[cfg_attr(not(unix), expect(dead_code, reason = "it is looked into where signals stop the mock"))]
    dir: TempDir,
}

impl Served {
    /// Starts a mock and waits until it says where it takes requests.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_by(batchmock(["serve", "--port", "0"].iter().chain(arguments)))
    }

    /// Starts a mock by a command of its own, and waits until it says where it takes requests.
    pub(crate) fn start_by(mut command: Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        command.env("TMPDIR", dir.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Guarded(command.spawn().unwrap());
        let stderr = BufReader::new(process.0.stderr.take().unwrap());
        let mut served = Self { process, stderr, told: String::new(), base_url: String::new(), dir };
        let line = served.line_with("http://");
        let url = &line[line.find("http://").unwrap()..];
        served.base_url.push_str(&url[..url.find("/v1").unwrap() + "/v1".len()]);
        served
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.base_url.strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap().parse().unwrap()
    }

    /// The next line on standard error that contains this.
    pub(crate) fn line_with(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended, having said:\n{}", self.told);
            self.told.push_str(&line);
            if line.contains(part) {
                return line;
            }
        }
    }

    /// What the mock takes for the system's directory for temporary files.
    #[cfg(unix)]
    pub(crate) fn files(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Runs another command of batchmock against this mock.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(batchmock(arguments).env("OPENAI_BASE_URL", &self.base_url).env("OPENAI_API_KEY", SECRET_KEY))
    }

    /// Asks the mock for something, with the secret key.
    pub(crate) fn ask(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> (u16, String) {
        self.ask_as(SECRET_KEY, request)
    }

    /// Asks the mock for something, with this key.
    pub(crate) fn ask_as(
        &self,
        key: &str,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = request(&client, &self.base_url).bearer_auth(key).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// Stops it with a signal, and tells its exit code and all that it has said.
    #[cfg(unix)]
    pub(crate) fn stop(mut self, signal: rustix::process::Signal) -> (Option<i32>, String, TempDir) {
        self.process.signal(signal);
        while self.stderr.read_line(&mut self.told).unwrap() > 0 {}
        (self.process.0.wait().unwrap().code(), self.told, self.dir)
    }
}
