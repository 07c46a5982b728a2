//! A connection on which every byte is the test's own.
//!
//! It blocks, for longer than any server of these tests waits: what runs into the time-out is a hang.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use batchmock::{Builder, MockServer};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Client, chats};

/// How long a server may be silent before the test gives it up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server on threads of its own, so that tests may block; a file and a batch are there.
pub(super) struct Bench {
    pub(super) server: MockServer,
    pub(super) client: Client,
    pub(super) file: String,
    pub(super) batch: String,
    runtime: Runtime,
}

/// A connection to a server.
pub(super) struct Wire(TcpStream);

/// An answer as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Bench {
    pub(super) fn start(builder: Builder) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (server, client, file, batch) = runtime.block_on(async {
            let server = builder.start().await.unwrap();
            let client = Client::new(&server);
            let file = client.upload_lines(&chats(2)).await;
            let batch = client.create(&file, crate::support::CHAT).await.id();
            (server, client, file, batch)
        });
        Self { server, client, file, batch, runtime }
    }

    /// Waits for a client that does not block.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(super) fn connect(&self) -> Wire {
        Wire::connect(self.server.address())
    }

    /// The head of a request with a key, up to its last header.
    pub(super) fn head(&self, method: &str, path: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n",
            self.server.api_key()
        )
    }

    /// Whether it still answers others, and answers them well.
    pub(super) fn assert_well(&self) {
        let mut wire = self.connect();
        wire.send(b"GET /_mock/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(wire.answer("GET").expect("the server still answers").status, 200);
    }
}

impl Wire {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Says that no more will come.
    pub(super) fn end(&mut self) {
        // A server that has closed already need not be told.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// The next answer, or `None` if the server closes the connection without one.
    pub(super) fn answer(&mut self, method: &str) -> Option<Answer> {
        loop {
            let head = self.head()?;
            let mut lines = head.split("\r\n");
            let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            if status == 100 {
                continue;
            }
            let answer = Answer { status, headers, body: Vec::new() };
            let len = answer.header("content-length").map_or(0, |len| len.parse().unwrap());
            let mut body = vec![0; if method == "HEAD" { 0 } else { len }];
            self.0.read_exact(&mut body).expect("the body is as long as it says");
            return Some(Answer { body, ..answer });
        }
    }

    /// Waits until the server closes the connection, and gives what came before.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if is_closed(&error) => {}
            Err(error) => panic!("the server does not close the connection: {error}"),
        }
        rest
    }

    /// Reads at least one byte, and at most as many as there is room for.
    pub(super) fn some(&mut self, room: &mut [u8]) -> usize {
        self.0.read(room).unwrap()
    }

    /// Whether something can be read, or the server has closed the connection, before so much time is over.
    pub(super) fn is_answered_within(&self, time: Duration) -> bool {
        self.0.set_read_timeout(Some(time)).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        !matches!(peeked, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.0.read(&mut byte) {
                Ok(0) if head.is_empty() => return None,
                Ok(0) => panic!("an answer is cut: {}", String::from_utf8_lossy(&head)),
                Ok(_) => head.push(byte[0]),
                Err(error) if is_closed(&error) && head.is_empty() => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
        Some(String::from_utf8_lossy(&head).into_owned())
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The message of a refusal, which has the envelope of the API.
    pub(super) fn message(&self) -> String {
        let envelope = self.json();
        let keys: Vec<_> = envelope["error"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["message", "type", "param", "code"], "{envelope}");
        envelope["error"]["message"].as_str().unwrap().to_owned()
    }

    /// What is wrong with it, as an answer to bad input: it is a success, or a refusal in the API's form.
    pub(super) fn fault(&self, method: &str) -> Option<String> {
        if !(200..500).contains(&self.status) {
            return Some(format!("status {}", self.status));
        }
        if self.status < 400 || method == "HEAD" {
            return None;
        }
        let Ok(body) = serde_json::from_slice::<Value>(&self.body) else {
            return Some("no JSON".to_owned());
        };
        let text = |key: &str| body["error"][key].is_string();
        let text_or_null = |key: &str| text(key) || body["error"].get(key) == Some(&Value::Null);
        let is_envelope = text("message") && text("type") && text_or_null("param") && text_or_null("code");
        (!is_envelope).then(|| "no envelope".to_owned())
    }
}

/// Whether the other side has closed the connection, with whatever word.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}
