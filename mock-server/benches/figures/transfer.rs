//! Files on their way to a server and back, by a client that costs next to nothing: what is measured is the server.
//!
//! The client runs on the cores of the server. Where the system can, the bytes of a file go from the page cache to
//! the socket without passing through this process ([`std::io::copy`]).

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

const BOUNDARY: &str = "figures";

/// Uploads a file for a batch, and gives the answer.
pub(crate) fn upload(authority: &str, key: &str, path: &Path) -> io::Result<Value> {
    let before = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{BOUNDARY}\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"input.jsonl\"\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let mut file = File::open(path)?;
    let length = before.len() as u64 + file.metadata()?.len() + after.len() as u64;

    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "POST /v1/files HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {length}\r\n\r\n{before}"
    )?;
    io::copy(&mut file, &mut stream)?;
    stream.write_all(after.as_bytes())?;
    let (answer, length) = answer(stream)?;
    Ok(serde_json::from_reader(answer.take(length))?)
}

/// Downloads the bytes of a file.
pub(crate) fn download(authority: &str, key: &str, id: &str, path: &Path) -> io::Result<()> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "GET /v1/files/{id}/content HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\n\r\n"
    )?;
    let (mut answer, length) = answer(stream)?;
    let mut file = File::create(path)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut left = length;
    while left > 0 {
        let read = answer.read(&mut buffer)?;
        if read == 0 {
            return Err(io::Error::other("the download is cut"));
        }
        file.write_all(&buffer[..read])?;
        left = left.saturating_sub(read as u64);
    }
    Ok(())
}

/// Reads the head of an answer, and how long its body is.
fn answer(stream: TcpStream) -> io::Result<(BufReader<TcpStream>, u64)> {
    let mut answer = BufReader::with_capacity(4 * 1024, stream);
    let (mut line, mut length) = (String::new(), None);
    answer.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(line));
    }
    loop {
        line.clear();
        answer.read_line(&mut line)?;
        let field = line.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
    }
    let length = length.ok_or_else(|| io::Error::other("an answer without length"))?;
    Ok((answer, length))
}
