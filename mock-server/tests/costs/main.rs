//! What a request costs, in allocations and in bytes that stay: counts, which no load of the machine changes.
//!
//! They stand in a program of their own, since counting needs an allocator of its own. Server and client are on one
//! thread, that whose allocations are counted; the client makes none.

use allocation_counter::{AllocationInfo, measure};
use batchmock::{ClockMode, Limits, MockServer};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const KEY: &str = "sk-costs";

/// How many requests are counted: so many that what grows by doubling has done so before, and does not meanwhile.
const N: u64 = 1_000;

/// A server and a client, who share a thread.
struct Pair {
    runtime: Runtime,
    // Goes before its runtime.
    server: MockServer,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Asks for a batch that has ended.
    retrieve: Vec<u8>,
}

impl Pair {
    /// A server that keeps so many entries of a journal, with a batch that has ended.
    fn new(journal_entries: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let limits = Limits { journal_entries, ..Limits::default() };
        let server = MockServer::builder().clock(ClockMode::Frozen).limits(limits);
        let server = runtime.block_on(server.start()).expect("a server starts");
        let authority = server.base_url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let stream = runtime.block_on(TcpStream::connect(authority)).expect("it takes connections");
        stream.set_nodelay(true).expect("it is open");
        let mut pair = Self { runtime, server, stream, buffer: vec![0; 64 * 1024], retrieve: Vec::new() };

        let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Why?"}]}}"#;
        let form = [
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n",
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n",
            line,
            "\r\n--b--\r\n",
        ];
        let file = pair.made(&post("/v1/files", "multipart/form-data; boundary=b", &form.concat()));
        let batch = format!(
            r#"{{"input_file_id": "{file}", "endpoint": "/v1/chat/completions", "completion_window": "24h"}}"#
        );
        let batch = pair.made(&post("/v1/batches", "application/json", &batch));
        pair.server.clock_of(KEY).advance(std::time::Duration::from_hours(1)).expect("clocks move ahead");
        pair.retrieve = head("GET", &format!("/v1/batches/{batch}")).into_bytes();
        pair.retrieve.extend_from_slice(b"\r\n");
        pair
    }

    /// The id of what a request makes.
    fn made(&mut self, request: &[u8]) -> String {
        let n = self.ask(request);
        let body = body_of(&self.buffer[..n]).expect("it has come whole");
        let made: Value = serde_json::from_slice(body).expect("it is JSON");
        made["id"].as_str().expect("it has an id").to_owned()
    }

    /// Sends a request, reads its answer into the buffer, and tells how long that is. It must be a 200.
    fn ask(&mut self, request: &[u8]) -> usize {
        let Self { runtime, stream, buffer, .. } = self;
        let n = runtime.block_on(async {
            stream.write_all(request).await.expect("the server reads");
            let mut filled = 0;
            while body_of(&buffer[..filled]).is_none() {
                filled += stream.read(&mut buffer[filled..]).await.expect("the server answers");
            }
            filled
        });
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..n]));
        n
    }

    /// Retrieves the batch so many times, and tells what that costs.
    fn retrieves(&mut self, n: u64) -> AllocationInfo {
        let request = std::mem::take(&mut self.retrieve);
        let cost = measure(|| {
            for _ in 0..n {
                self.ask(&request);
            }
        });
        self.retrieve = request;
        cost
    }
}

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n")
}

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let head = head("POST", path);
    format!("{head}content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The body of an answer, if all of it is there; allocates nothing.
fn body_of(answer: &[u8]) -> Option<&[u8]> {
    const LENGTH: &str = "content-length: ";
    let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = answer.split_at(head_end + 4);
    let head = std::str::from_utf8(head).expect("heads are ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix(LENGTH)).expect("it has a length");
    let length: usize = length.parse().expect("a length is a number");
    (body.len() >= length).then(|| &body[..length])
}

#[test]
fn a_retrieve_allocates_little() {
    // Without a journal, with one, and with one that is full, where each entry takes the place of another.
    for (journal_entries, most) in [(0, 24), (5_000, 27), (100, 27)] {
        let mut pair = Pair::new(journal_entries);
        pair.retrieves(200);
        let cost = pair.retrieves(N);
        let per_retrieve = cost.count_total / N;
        assert!(per_retrieve <= most, "{per_retrieve} allocations, with {journal_entries} entries");
    }
}

#[test]
fn an_entry_of_the_journal_takes_little_room() {
    let mut pair = Pair::new(5_000);
    pair.retrieves(200);
    let stays = pair.retrieves(N).bytes_current;
    let per_entry = u64::try_from(stays).expect("a journal grows") / N;
    assert!(per_entry <= 448, "{per_entry} bytes");
}
