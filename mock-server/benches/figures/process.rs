//! Processes that are measured.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::load::Constant;

/// A server in a process of its own. It is stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it takes requests: host and port.
    pub(crate) authority: String,
    /// How long it took from the start of the process to the address.
    pub(crate) started_in: Duration,
}

impl Server {
    /// A mock with these flags.
    pub(crate) fn mock(flags: &[&str]) -> std::io::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchmock"));
        command.args(["serve", "--port", "0"]).args(flags);
        Self::start(command)
    }

    /// A server that answers everything the same.
    pub(crate) fn constant(answer: &Constant) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([super::CONSTANT_SERVER, &serde_json::to_string(answer)?]);
        Self::start(command)
    }

    fn start(mut command: Command) -> std::io::Result<Self> {
        let began = Instant::now();
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let started_in = began.elapsed();
        let authority = line.split("http://").nth(1).and_then(|rest| rest.split(['/', '\n']).next());
        let authority = authority.ok_or_else(|| std::io::Error::other(format!("no address in {line:?}")))?;
        // The log goes on, and must be read for the server to go on too.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(Self { child, authority: authority.to_owned(), started_in })
    }

    /// How long it has kept processors busy; `None` where the system does not tell.
    pub(crate) fn busy(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // After the name, which may have any characters: the state, and eleven numbers on the times by itself and by
        // the system for it, in hundredths of a second on every Linux.
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis((ticks()? + ticks()?) * 10))
    }

    /// Memory in MiB, now and at its highest; `None` where the system does not tell.
    pub(crate) fn memory(&self) -> Option<(f64, f64)> {
        memory_of(self.child.id())
    }
}

/// Memory of a process in MiB, now and at its highest; `None` where the system does not tell.
pub(crate) fn memory_of(process: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kilobytes = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()
    };
    Some((kilobytes("VmRSS")? / 1024.0, kilobytes("VmHWM")? / 1024.0))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked politely, it takes its files with it.
        #[cfg(unix)]
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        #[cfg(not(unix))]
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
