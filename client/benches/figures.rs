//! How fast a file is run, and in how much memory: `cargo bench -p batchmock-client --bench figures`.
//!
//! The mock is in this process, and the client in another, which is this program again. It says how much memory it
//! took at most; that is read where the system tells it, in `/proc`.
#![expect(clippy::print_stdout, reason = "it is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, io};

use batchmock::{ClockMode, LineRules, MockServer};
use batchmock_client::{Client, PollPolicy, Request};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The first argument of the process that is the client.
const CLIENT: &str = "client";

const LINES: u32 = 50_000;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [kind, base_url, input, output] = &arguments[..]
        && kind == CLIENT
    {
        return client(base_url, input, output).await;
    }
    let dir = tempfile::tempdir()?;
    section(dir.path(), "50,000 short chats", 20, None).await?;
    section(dir.path(), "200 MB in, 2 GB out", 3_800, Some(40_000)).await
}

/// Runs lines with prompts of so many characters, each answered with so many, or with a canary.
async fn section(dir: &Path, name: &str, prompt: usize, answer: Option<usize>) -> Result<()> {
    let rules = match answer {
        Some(length) => LineRules::from_toml(&format!(
            "[[line]]\ncustom_id = \"*\"\ntext = \"{}\"\n",
            "answer ".repeat(length / 7)
        ))?,
        None => LineRules::default(),
    };
    let server = MockServer::builder().clock(ClockMode::Stepping).rules(rules).start().await?;
    let (input, output) = (dir.join("in.jsonl"), dir.join("out.jsonl"));
    let bytes_in = write_input(&input, prompt)?;
    let started = now();
    let (program, base_url) = (env::current_exe()?, server.base_url());
    let paths = (input.clone(), output.clone());
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(program).arg(CLIENT).arg(base_url).arg(paths.0).arg(paths.1).output()
    });
    let ran = ran.await??;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned().into());
    }
    let (took, bytes_out) = (started.elapsed().as_secs_f64(), fs::metadata(&output)?.len());
    let copied = copy(&output, &dir.join("copy"))?;
    fs::remove_file(&output)?;
    let mb = |bytes: u64| bytes / 1_000_000;
    println!("{name}: {LINES} lines, {} MB in, {} MB out", mb(bytes_in), mb(bytes_out));
    println!(
        "  {took:.1} s, {:.0} lines/s; peak {}",
        f64::from(LINES) / took,
        String::from_utf8(ran.stdout)?.trim()
    );
    println!("  copying the output once, for comparison: {copied:.1} s");
    Ok(())
}

async fn client(base_url: &str, input: &str, output: &str) -> Result<()> {
    let poll = PollPolicy { first_pause: Duration::from_millis(10), ..PollPolicy::default() };
    let client = Client::builder().base_url(base_url).api_key("sk-bench").poll(poll);
    let client = client.timeout(Duration::from_mins(10)).build()?;
    let summary = client.run_file(input, output).await?;
    let all = LINES as usize;
    assert_eq!((summary.requests, summary.succeeded), (all, all), "every line is answered");
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!("{}", peak.trim());
    Ok(())
}

fn write_input(path: &Path, prompt: usize) -> Result<u64> {
    let mut to = BufWriter::new(File::create(path)?);
    for number in 0..LINES {
        let prompt = format!("{number:06} {}", "word ".repeat(prompt / 5));
        let request = Request::chat("gpt-4o-mini", prompt).custom_id(format!("request-{number}"));
        writeln!(to, "{}", request.to_line())?;
    }
    to.flush()?;
    Ok(fs::metadata(path)?.len())
}

fn copy(from: &Path, to: &Path) -> Result<f64> {
    let started = now();
    io::copy(&mut File::open(from)?, &mut File::create(to)?)?;
    fs::remove_file(to)?;
    Ok(started.elapsed().as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a bench is about real time")]
fn now() -> Instant {
    Instant::now()
}
