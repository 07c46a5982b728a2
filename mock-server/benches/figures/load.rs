//! Requests as fast as they are answered, and the server that the mock is compared with.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An answer that is always the same.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Constant {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// How many connections ask at once.
const CONNECTIONS: usize = 64;

/// How long they ask.
pub(crate) const LASTS: Duration = Duration::from_secs(3);

/// Requests a second, over many connections that each ask one after the other. `request` makes the bytes
/// of the n-th connection's request.
pub(crate) async fn throughput(
    authority: &str,
    request: impl Fn(usize) -> String,
) -> Result<f64, Box<dyn std::error::Error>> {
    let began = Instant::now();
    let mut clients = Vec::new();
    for n in 0..CONNECTIONS {
        let (authority, request) = (authority.to_owned(), request(n).into_bytes());
        clients.push(tokio::spawn(async move { ask(&authority, &request, began).await }));
    }
    let mut answers = 0;
    for client in clients {
        answers += client.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 answers")]
    Ok(answers as f64 / began.elapsed().as_secs_f64())
}

async fn ask(authority: &str, request: &[u8], began: Instant) -> std::io::Result<u64> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut answers = 0;
    while began.elapsed() < LASTS {
        stream.write_all(request).await?;
        let mut filled = 0;
        let mut expected = None;
        while !is_whole(&buffer[..filled], expected) {
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Err(std::io::Error::other("the server closed the connection"));
            }
            filled += read;
            expected = expected.or_else(|| length(&buffer[..filled]));
        }
        if !buffer.starts_with(b"HTTP/1.1 200") {
            return Err(std::io::Error::other("an answer was not 200"));
        }
        answers += 1;
    }
    Ok(answers)
}

/// Whether an answer has come to its end: that of its length, or of its last chunk.
fn is_whole(bytes: &[u8], expected: Option<usize>) -> bool {
    expected.map_or_else(|| bytes.ends_with(b"\r\n0\r\n\r\n"), |expected| bytes.len() >= expected)
}

/// How long an answer is, head and body, once its head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?.to_ascii_lowercase();
    let body = head.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse::<usize>().ok()?;
    Some(head_end + body)
}

/// Answers everything with the same bytes, head and body, by the same framework as the mock.
pub(crate) async fn serve_constant(answer: Constant) {
    let headers: HeaderMap = answer
        .headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).expect("the mock has sent it");
            (name, HeaderValue::try_from(value).expect("the mock has sent it"))
        })
        .collect();
    let answer = move || {
        let answer = (headers.clone(), answer.body.clone());
        async move { answer }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    eprintln!("http://{}", listener.local_addr().expect("it is bound"));
    axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves until it is killed");
}
