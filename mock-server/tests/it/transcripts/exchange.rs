//! Requests and answers as they are on the wire.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request, to be sent as it stands.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// An answer; header names in lower case.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    /// Reads a head such as `GET /v1/files` with a header on each further line.
    pub(super) fn parse(head: &str, body: String) -> Self {
        let (first, headers) = lines(head);
        let (method, path) = first.split_once(' ').unwrap();
        let request = Self { method: method.to_owned(), path: path.to_owned(), headers, body };
        let length = request.header("content-length");
        assert!(
            length.is_none_or(|length| length == request.body.len().to_string()),
            "the request has {} bytes, not {length:?}",
            request.body.len()
        );
        request
    }

    /// The key it is sent with.
    pub(super) fn key(&self) -> &str {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap()
    }

    /// The same request with other ids of the same length.
    pub(super) fn map_text(self, text: impl Fn(&str) -> String) -> Self {
        Self { path: text(&self.path), body: text(&self.body), ..self }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// Reads a head such as `200` with a header on each further line.
    pub(super) fn parse(head: &str, body: String) -> Self {
        let (status, mut headers) = lines(head);
        for (name, _) in &mut headers {
            name.make_ascii_lowercase();
        }
        Self { status: status.parse().unwrap(), headers, body }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request and reads the answer to its end.
pub(super) async fn send(address: SocketAddr, request: &Request) -> Answer {
    let mut wire =
        format!("{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        write!(wire, "{name}: {value}\r\n").unwrap();
    }
    // Recorders leave it out where the HTTP library adds it.
    if request.header("content-length").is_none() && !request.body.is_empty() {
        write!(wire, "Content-Length: {}\r\n", request.body.len()).unwrap();
    }
    wire += "\r\n";
    wire += &request.body;

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(wire.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.strip_prefix("HTTP/1.1 ").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    let answer = Answer::parse(&format!("{}\n{}", &status[..3], headers.replace('\r', "")), body.to_owned());
    assert_eq!(answer.header("transfer-encoding"), None, "the mock tells the length of what it answers");
    answer
}

/// The first line, and the headers on the others.
fn lines(head: &str) -> (&str, Vec<(String, String)>) {
    let mut lines = head.lines();
    let first = lines.next().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_owned(), value.trim().to_owned())
    });
    (first, headers.collect())
}
