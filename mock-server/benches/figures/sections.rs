//! What is measured, a function a section.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::load::{Constant, LASTS, throughput};
use super::process::Server;
use super::transfer;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What can be asked for by name.
const SECTIONS: [&str; 7] = ["start", "batches", "retrieve", "journal", "worlds", "lists", "hundred"];

/// Measures these sections, or everything if none is named.
pub(crate) async fn run(names: &[String]) -> Outcome<()> {
    if let Some(name) = names.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        return Err(format!("there is no section `{name}`: there are {}", SECTIONS.join(", ")).into());
    }
    println!("batchmock {} on {} cores", env!("CARGO_PKG_VERSION"), std::thread::available_parallelism()?);
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for section in SECTIONS.into_iter().filter(|section| is_wanted(section)) {
        println!();
        match section {
            "start" => start_and_idle().await?,
            "batches" => full_batches().await?,
            "retrieve" => retrieve().await?,
            "journal" => journal().await?,
            "worlds" => many_worlds().await?,
            "lists" => long_lists().await?,
            _ => hundred_batches().await?,
        }
    }
    Ok(())
}

async fn start_and_idle() -> Outcome<()> {
    let mut first_answers = Vec::new();
    for _ in 0..11 {
        let began = Instant::now();
        let server = Server::mock(&[])?;
        Api::new(&server, "sk-bench").get("/batches").await?;
        first_answers.push((began.elapsed(), server.started_in));
    }
    first_answers.sort();
    let (first_answer, address) = first_answers[first_answers.len() / 2];
    println!("start to first answer       {:>9} (of which to its address {})", ms(first_answer), ms(address));
    let server = Server::mock(&[])?;
    Api::new(&server, "sk-bench").get("/batches").await?;
    if let Some((now, _)) = server.memory() {
        println!("idle memory                 {now:>6.1} MiB");
    }
    Ok(())
}

async fn full_batches() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    full_batch(dir.path(), "50,000 lines of 600 bytes", 50_000, 400).await?;
    full_batch(dir.path(), "200 MB in 50,000 lines", 50_000, 3_990).await
}

/// How often each whole batch is run: once to warm up, then to be measured.
const ROUNDS: usize = 6;

/// One upload, run and download of a whole batch, and one pass of the thread it is compared with.
struct Round {
    uploaded: Duration,
    ran: Duration,
    downloaded: Duration,
    least: Duration,
}

impl Round {
    fn took(&self) -> Duration {
        self.uploaded + self.ran + self.downloaded
    }

    fn ratio(&self) -> f64 {
        ratio(self.took(), self.least)
    }
}

/// Upload, run and download of a whole batch, against a pass of one thread that reads the same input, parses
/// every line and writes the same output.
///
/// Both in turn, several times; the round with the median ratio is told. The first is not counted: to write to
/// memory that nothing has touched before is slow on a virtual machine, whoever does it.
async fn full_batch(dir: &Path, title: &str, lines: usize, prompt: usize) -> Outcome<()> {
    let (input, output) = (dir.join("input.jsonl"), dir.join("output.jsonl"));
    write_input(&input, lines, prompt)?;
    let server = Server::mock(&["--clock", "frozen"])?;
    let api = Api::new(&server, "sk-bench");
    api.get("/batches").await?;
    let idle = server.memory();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(&server, &api, lines, &input, &output).await?);
    }
    rounds.remove(0);
    rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let median = &rounds[rounds.len() / 2];

    let megabytes = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() / 1_000_000);
    #[expect(clippy::cast_precision_loss, reason = "few lines")]
    let rate = lines as f64 / median.took().as_secs_f64();
    println!("{title} ({} MB in, {} MB out)", megabytes(&input)?, megabytes(&output)?);
    println!(
        "  upload {}, run {}, download {}; together {}, {rate:.0} lines/s",
        ms(median.uploaded),
        ms(median.ran),
        ms(median.downloaded),
        ms(median.took())
    );
    println!(
        "  one thread that only reads, parses and writes {}; ratio {:.2} (of {} rounds {:.2} to {:.2})",
        ms(median.least),
        median.ratio(),
        rounds.len(),
        rounds[0].ratio(),
        rounds[rounds.len() - 1].ratio()
    );
    if let (Some((idle, _)), Some((_, peak))) = (idle, server.memory()) {
        println!("  memory above idle, at its highest {:.1} MiB", peak - idle);
    }
    Ok(())
}

async fn round(server: &Server, api: &Api, lines: usize, input: &Path, output: &Path) -> Outcome<Round> {
    let began = Instant::now();
    let file = transfer::upload(&server.authority, &api.key, input)?;
    let uploaded = began.elapsed();
    let file_id = file["id"].as_str().ok_or("a file without id")?;
    let id = api.create(file_id).await?;
    api.advance("1m").await?;
    let batch = api.get(&format!("/batches/{id}")).await?;
    let ran = began.elapsed();
    let output_id = batch["output_file_id"].as_str().ok_or("there is no output")?;
    transfer::download(&server.authority, &api.key, output_id, output)?;
    let took = began.elapsed();
    assert_eq!(batch["request_counts"]["completed"], lines, "every line was answered");

    let copy = output.with_extension("copy");
    let least = least_work(input, output, &copy)?;
    std::fs::remove_file(copy)?;
    api.reset().await?;
    Ok(Round { uploaded, ran: ran.saturating_sub(uploaded), downloaded: took.saturating_sub(ran), least })
}

async fn retrieve() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let server = Server::mock(&["--clock", "frozen"])?;
    let api = Api::new(&server, "sk-bench");
    let mut rates = Vec::new();
    let mut answer = None;
    for lines in [2, 50_000] {
        let input = dir.path().join("input.jsonl");
        write_input(&input, lines, 100)?;
        let file = api.upload(Part::bytes(std::fs::read(&input)?).file_name("input.jsonl")).await?;
        let id = api.create(&file).await?;
        api.advance("1m").await?;
        let path = format!("/batches/{id}");
        answer = Some(api.answer(&path).await?);
        rates.push(throughput(&server.authority, |_| get(&server.authority, &path, "sk-bench")).await?);
    }
    let constant = Server::constant(&answer.ok_or("nothing was retrieved")?)?;
    let least = throughput(&constant.authority, |_| get(&constant.authority, "/", "sk-bench")).await?;
    println!(
        "retrieve, 64 connections    {:.0} requests/s; of a batch of 50,000 lines {:.0} (ratio {:.2})",
        rates[0],
        rates[1],
        rates[0] / rates[1]
    );
    println!("  the same answer from a constant {least:.0} requests/s; ratio {:.2}", least / rates[0]);
    Ok(())
}

/// What the journal costs a retrieve: with it and without, in turn; the median of the ratios is told.
async fn journal() -> Outcome<()> {
    let mut servers = Vec::new();
    for flags in [&["--clock", "frozen"][..], &["--clock", "frozen", "--max-journal-entries", "0"]] {
        let server = Server::mock(flags)?;
        let api = Api::new(&server, "sk-bench");
        let file = api.upload(Part::text(line(0, 100)).file_name("input.jsonl")).await?;
        let id = api.create(&file).await?;
        api.advance("1m").await?;
        api.answer(&format!("/batches/{id}")).await?;
        servers.push((server, format!("/batches/{id}")));
    }
    let mut ratios = Vec::new();
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        let mut cost = Vec::new();
        for (server, path) in &servers {
            let before = server.busy();
            let rate = throughput(&server.authority, |_| get(&server.authority, path, "sk-bench")).await?;
            let busy = server.busy().zip(before).map(|(after, before)| after.saturating_sub(before));
            // Processor time a request, which others on the machine disturb least; elsewhere, time a request.
            let n_requests = rate * LASTS.as_secs_f64();
            cost.push(busy.map_or(1.0 / rate, |busy| busy.as_secs_f64() / n_requests));
        }
        ratios.push(cost[0] / cost[1]);
        costs.push(cost[1]);
    }
    ratios.remove(0);
    ratios.sort_by(f64::total_cmp);
    costs.sort_by(f64::total_cmp);
    println!(
        "retrieve with a journal costs {:.3} times as much as without (of {} rounds {:.3} to {:.3}), that is {:.1} µs",
        ratios[ratios.len() / 2],
        ratios.len(),
        ratios[0],
        ratios[ratios.len() - 1],
        costs[costs.len() / 2] * 1e6
    );
    Ok(())
}

async fn many_worlds() -> Outcome<()> {
    let server = Server::mock(&["--clock", "frozen"])?;
    let one = throughput(&server.authority, |_| get(&server.authority, "/batches", "sk-one")).await?;
    for world in 0..1_000 {
        Api::new(&server, &format!("sk-{world}")).get("/batches").await?;
    }
    let key = |n: usize| format!("sk-{}", n * 15);
    let many = throughput(&server.authority, |n| get(&server.authority, "/batches", &key(n))).await?;
    println!(
        "64 connections to 64 of 1,000 worlds {many:.0} requests/s, to one world {one:.0}; ratio {:.2}",
        many / one
    );
    Ok(())
}

async fn long_lists() -> Outcome<()> {
    let server = Server::mock(&["--clock", "frozen"])?;
    let mut rates = Vec::new();
    for (key, batches) in [("sk-short", 100), ("sk-long", 100_000)] {
        let api = Api::new(&server, key);
        let file = api.upload(Part::text(line(0, 10)).file_name("input.jsonl")).await?;
        for _ in 0..batches {
            api.create(&file).await?;
        }
        let path = "/batches?limit=20";
        rates.push(throughput(&server.authority, |_| get(&server.authority, path, key)).await?);
    }
    println!(
        "a page of 20 among 100 batches {:.0} requests/s, among 100,000 {:.0}; ratio {:.2}",
        rates[0],
        rates[1],
        rates[0] / rates[1]
    );
    Ok(())
}

async fn hundred_batches() -> Outcome<()> {
    let server = Server::mock(&["--clock", "scaled:100"])?;
    let api = Api::new(&server, "sk-bench");
    let input: String = (0..1_000).map(|n| line(n, 100) + "\n").collect();
    let began = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..100 {
        let file = api.upload(Part::text(input.clone()).file_name("input.jsonl")).await?;
        ids.push(api.create(&file).await?);
    }
    for id in &ids {
        while api.get(&format!("/batches/{id}")).await?["status"] != "completed" {
            tokio::task::yield_now().await;
        }
    }
    println!(
        "100 batches of 1,000 lines, on a clock 100 times as fast: all completed after {}",
        ms(began.elapsed())
    );
    Ok(())
}

/// One thread: read, parse each line, write the output.
fn least_work(input: &Path, output: &Path, copy: &Path) -> Outcome<Duration> {
    let written = std::fs::read(output)?;
    let began = Instant::now();
    let mut reader = BufReader::with_capacity(256 * 1024, std::fs::File::open(input)?);
    let mut line = Vec::new();
    let mut objects = 0;
    while reader.read_until(b'\n', &mut line)? > 0 {
        let value: Value = serde_json::from_slice(&line)?;
        objects += usize::from(std::hint::black_box(value).is_object());
        line.clear();
    }
    std::fs::File::create(copy)?.write_all(&written)?;
    assert!(objects > 0);
    Ok(began.elapsed())
}

fn write_input(path: &Path, lines: usize, prompt: usize) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for n in 0..lines {
        writeln!(file, "{}", line(n, prompt))?;
    }
    file.flush()
}

pub(crate) fn line(n: usize, prompt: usize) -> String {
    let mut text = format!("What is remarkable about the number {n}? ");
    while text.len() < prompt {
        let _ = write!(text, "Think of its {} divisors. ", text.len());
    }
    text.truncate(prompt);
    json!({
        "custom_id": format!("request-{n}"), "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": [
            {"role": "system", "content": "You are helpful."}, {"role": "user", "content": text},
        ]},
    })
    .to_string()
}

pub(crate) fn get(authority: &str, path: &str, key: &str) -> String {
    format!("GET /v1{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\n\r\n")
}

pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// A small client.
struct Api {
    client: Client,
    server: String,
    key: String,
}

impl Api {
    fn new(server: &Server, key: &str) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client without TLS can be built");
        Self { client, server: format!("http://{}", server.authority), key: key.to_owned() }
    }

    async fn send(&self, request: RequestBuilder) -> Outcome<reqwest::Response> {
        Ok(request.bearer_auth(&self.key).send().await?.error_for_status()?)
    }

    async fn get(&self, path: &str) -> Outcome<Value> {
        Ok(self.send(self.client.get(format!("{}/v1{path}", self.server))).await?.json().await?)
    }

    async fn reset(&self) -> Outcome<()> {
        self.send(self.client.post(format!("{}/_mock/v1/reset", self.server))).await?;
        Ok(())
    }

    /// An answer as it is, but for what the framework adds by itself.
    async fn answer(&self, path: &str) -> Outcome<Constant> {
        let answer = self.send(self.client.get(format!("{}/v1{path}", self.server))).await?;
        let headers = answer.headers().iter().filter(|(name, _)| *name != "content-length");
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Constant { headers, body: answer.text().await? })
    }

    async fn upload(&self, part: Part) -> Outcome<String> {
        let form = Form::new().text("purpose", "batch").part("file", part);
        let request = self.client.post(format!("{}/v1/files", self.server)).multipart(form);
        let file: Value = self.send(request).await?.json().await?;
        Ok(file["id"].as_str().ok_or("a file without id")?.to_owned())
    }

    async fn create(&self, file: &str) -> Outcome<String> {
        let new = json!({
            "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
        });
        let request = self.client.post(format!("{}/v1/batches", self.server)).json(&new);
        let batch: Value = self.send(request).await?.json().await?;
        Ok(batch["id"].as_str().ok_or("a batch without id")?.to_owned())
    }

    async fn advance(&self, by: &str) -> Outcome<()> {
        let url = format!("{}/_mock/v1/clock/advance", self.server);
        self.send(self.client.post(url).json(&json!({ "by": by }))).await?;
        Ok(())
    }
}
