//! Connections that break: what reaches a client before they do, and what it sees of it.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use batchmock::MockServer;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{one, with};
use crate::support::{CHAT, Client, chats, frozen, new_batch};

/// A server on threads of its own, so that tests may block.
struct Bench {
    server: MockServer,
    client: Client,
    runtime: Runtime,
}

/// A connection on which every byte is the test's own.
struct Wire(TcpStream);

impl Bench {
    fn start(rule: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(frozen().faults(one(rule)).start()).unwrap();
        let client = Client::new(&server);
        Self { server, client, runtime }
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn connect(&self) -> Wire {
        let stream = TcpStream::connect(self.server.address()).unwrap();
        // What runs into this is a hang.
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        Wire(stream)
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        format!(
            "{method} /v1{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.server.api_key(),
            body.len()
        )
    }

    /// Waits until a request has met the first rule.
    fn wait_until_fired(&self) {
        while self.server.faults().counts()[0].n_fired == 0 {
            std::thread::yield_now();
        }
    }

    fn n_batches(&self) -> usize {
        let list = self.wait(self.client.get("/batches")).json();
        list["data"].as_array().unwrap().len()
    }
}

impl Wire {
    fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// All that comes until the connection ends, and how it ends.
    fn rest(mut self) -> (String, Result<(), io::ErrorKind>) {
        let mut rest = Vec::new();
        let end = self.0.read_to_end(&mut rest).map(drop).map_err(|error| error.kind());
        (String::from_utf8(rest).unwrap(), end)
    }

    /// The next answer, which must be whole.
    fn answer(&mut self) -> (String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let mut body = vec![0; length(&head)];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

/// How long a body is, by its head.
fn length(head: &str) -> usize {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.unwrap_or_else(|| panic!("no length in {head}")).parse().unwrap()
}

fn parts(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"))
}

const RESET: Result<(), io::ErrorKind> = Err(io::ErrorKind::ConnectionReset);

#[test]
fn a_lost_acknowledgement_is_of_a_batch_that_is_there() {
    let bench = Bench::start("{ operation = 'create_batch', nth = 1, connection = 'lost_acknowledgement' }");
    let input = bench.wait(bench.client.upload_lines(&chats(1)));
    let mut wire = bench.connect();
    wire.send(&bench.request("POST", "/batches", &new_batch(&input, CHAT).to_string()));
    assert_eq!(wire.rest(), (String::new(), RESET));
    assert_eq!(bench.n_batches(), 1);
    assert_eq!(bench.wait(bench.client.create(&input, CHAT)).status, StatusCode::OK);
    assert_eq!(bench.n_batches(), 2, "a client that tries again has two");
}

#[test]
fn a_reset_before_headers_is_of_a_request_that_was_never_carried_out() {
    let bench = Bench::start("{ operation = 'create_batch', nth = 1, connection = 'reset_before_headers' }");
    let input = bench.wait(bench.client.upload_lines(&chats(1)));
    let mut wire = bench.connect();
    wire.send(&bench.request("POST", "/batches", &new_batch(&input, CHAT).to_string()));
    assert_eq!(wire.rest(), (String::new(), RESET));
    assert_eq!(bench.n_batches(), 0);
    assert_eq!(bench.wait(bench.client.create(&input, CHAT)).status, StatusCode::OK);
    assert_eq!(bench.n_batches(), 1);
}

#[test]
fn a_lost_upload_is_there_as_well() {
    let bench = Bench::start("{ operation = 'upload_file', nth = 1, connection = 'lost_acknowledgement' }");
    let form = crate::support::Form::new().field("purpose", "batch").file("a.jsonl", chats(1).concat());
    let (content_type, body) = (crate::support::Form::content_type(), form.body());
    let send = async || {
        bench.client.try_send(reqwest::Method::POST, "/files", Some(&content_type), body.clone()).await
    };
    bench.wait(async {
        assert!(send().await.is_err());
        let files = bench.client.get("/files").await.json();
        assert_eq!(files["data"].as_array().unwrap().len(), 1);
        assert_eq!(send().await.unwrap().status, 200);
    });
}

#[test]
fn a_connection_may_be_closed_without_a_word() {
    let bench = Bench::start("{ nth = 1, connection = 'closed_before_headers' }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    assert_eq!(wire.rest(), (String::new(), Ok(())));
    assert_eq!(bench.n_batches(), 0);
}

#[test]
fn a_kept_connection_breaks_at_the_request_that_is_meant() {
    let bench = Bench::start("{ operation = 'list_batches', nth = 2, connection = 'reset_before_headers' }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    let (head, body) = wire.answer();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(serde_json::from_str::<Value>(&body).is_ok());
    wire.send(&bench.request("GET", "/files", ""));
    assert!(wire.answer().0.starts_with("HTTP/1.1 200"));
    wire.send(&bench.request("GET", "/batches", ""));
    assert_eq!(wire.rest(), (String::new(), RESET));
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    assert!(wire.answer().0.starts_with("HTTP/1.1 200"), "its count is over");
}

#[test]
fn a_reset_after_headers_lets_them_through() {
    let bench = Bench::start("{ operation = 'list_batches', nth = 2, connection = 'reset_after_headers' }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    let whole = wire.answer().1;
    wire.send(&bench.request("GET", "/batches", ""));
    let (came, end) = wire.rest();
    let (head, body) = parts(&came);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!((length(head), body, end), (whole.len(), "", RESET));
}

#[test]
fn a_cut_body_says_the_length_of_the_whole() {
    let bench = Bench::start("{ operation = 'file_content', nth = 1, connection = 'cut_body' }");
    let input = bench.wait(bench.client.upload_lines(&chats(20)));
    let path = format!("/files/{input}/content");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", &path, ""));
    let (came, end) = wire.rest();
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", &path, ""));
    let (_, whole) = wire.answer();
    let (head, body) = parts(&came);
    assert_eq!((length(head), end), (whole.len(), Ok(())));
    assert_eq!(body, &whole[..whole.len() / 2]);
}

#[test]
fn a_body_is_cut_where_the_rule_says() {
    for (cut_after, expected) in [("7", 7), ("'10%'", 10), ("0", 0)] {
        let rule = format!("{{ nth = 1, status = 500, body = '{}', delay = '0s' }}", "x".repeat(100));
        let bench = Bench::start(&rule);
        let rule = format!("{{ connection = 'cut_body', cut_after = {cut_after} }}");
        bench.server.faults().replace(&one(&rule)).unwrap();
        let mut wire = bench.connect();
        wire.send(&bench.request("GET", "/models", ""));
        let (came, end) = wire.rest();
        let (head, body) = parts(&came);
        let expected = if cut_after.contains('%') { length(head) * expected / 100 } else { expected };
        assert_eq!((body.len(), end), (expected, Ok(())), "{cut_after}");
    }
}

#[test]
fn a_broken_chunk_follows_whole_ones() {
    let bench =
        Bench::start("{ operation = 'list_models', nth = 1, connection = 'broken_chunk', cut_after = 16 }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/models", ""));
    let (came, end) = wire.rest();
    let (head, body) = parts(&came);
    assert!(head.contains("\r\ntransfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    assert!(body.starts_with("10\r\n{\n  \"object\": \"l\r\n"), "{body:?}");
    assert!(body.ends_with("\r\nbatchmock\r\n"), "what should be a size is none: {body:?}");
    assert_eq!(end, Ok(()));
    assert!(bench.wait(bench.client.get("/models")).status.is_success());
}

#[test]
fn who_hangs_is_answered_by_nothing_until_he_leaves() {
    let bench = Bench::start("{ operation = 'retrieve_batch', nth = 1, connection = 'hang' }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches/batch_1", ""));
    bench.wait_until_fired();
    // Others are answered meanwhile.
    assert_eq!(bench.n_batches(), 0);
    assert_eq!(bench.wait(bench.client.retrieve("batch_1")).status, 404);
    wire.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(wire.rest(), (String::new(), Ok(())));
}

#[test]
fn a_server_that_stops_lets_go_of_who_hangs() {
    let bench = Bench::start("{ nth = 1, connection = 'hang' }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    bench.wait_until_fired();
    let Bench { server, client: _, runtime } = bench;
    runtime.block_on(server.stop());
    assert_eq!(wire.rest().0, "");
}

#[test]
fn what_hangs_for_a_while_is_closed_then() {
    let bench = Bench::start("{ nth = 1, connection = 'hang', hang_for = '1ms', carried_out = true }");
    let mut wire = bench.connect();
    wire.send(&bench.request("GET", "/batches", ""));
    assert_eq!(wire.rest(), (String::new(), Ok(())));
}

/// How a client of others tells of each.
#[tokio::test]
async fn reqwest_sees_each_of_them_as_an_error_and_then_a_good_answer() {
    let told = [
        ("reset_before_headers", false),
        ("closed_before_headers", false),
        ("lost_acknowledgement", false),
        ("reset_after_headers", true),
        ("cut_body", true),
        ("broken_chunk", true),
    ];
    for (connection, has_headers) in told {
        let (server, _) = with(&format!("{{ first = 2, connection = '{connection}' }}")).await;
        // A pool would try once more by itself on a connection that it had kept.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let ask = async || {
            let url = format!("{}/models", server.base_url());
            let response = http.get(url).bearer_auth(server.api_key()).send().await.map_err(|_| false)?;
            response.bytes().await.map_err(|_| true)
        };
        for _ in 0..2 {
            assert_eq!(ask().await, Err(has_headers), "{connection}");
        }
        assert!(ask().await.is_ok(), "{connection}");
        assert_eq!(server.faults().counts()[0].n_fired, 2);
    }
}
