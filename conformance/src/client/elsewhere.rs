//! Another host, to which a client may be led: does it take its key along?

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::evidence::Stranger;
use crate::time::Deadline;

/// The most bytes of a head that are read.
const HEAD_BYTES: usize = 64 * 1024;

/// How long a head may take.
const HEAD_FOR: Duration = Duration::from_secs(5);

const ANSWER: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
                        connection: close\r\n\r\n{}";

/// A listener that takes down who comes, and has nothing for anybody. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    address: String,
    seen: Arc<Mutex<Vec<Stranger>>>,
    serving: JoinHandle<()>,
}

impl Elsewhere {
    /// Listens for who brings a key that is not meant for this host.
    pub(crate) async fn listen(key: String) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        // By another name than that of the API, so that it is another host for everybody.
        let address = format!("http://localhost:{}/elsewhere", listener.local_addr()?.port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let serving = tokio::spawn(serve(listener, key, Arc::clone(&seen)));
        Ok(Self { address, seen, serving })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Who came.
    pub(crate) fn seen(&self) -> Vec<Stranger> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, key: String, seen: Arc<Mutex<Vec<Stranger>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (key, seen) = (key.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            // Who does not say what it wants has asked nothing.
            let _ = Deadline::after(HEAD_FOR).limit(answer(stream, &key, &seen)).await;
        });
    }
}

async fn answer(mut stream: TcpStream, key: &str, seen: &Mutex<Vec<Stranger>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(Stranger { path, has_key: head.contains(key) });
    stream.write_all(ANSWER).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_is_taken_down_with_what_it_brings() {
        let elsewhere = Elsewhere::listen("sk-secret".to_owned()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for key in ["sk-secret", "sk-other"] {
            let answer = http.get(elsewhere.address()).bearer_auth(key).send().await.unwrap();
            assert_eq!(answer.status(), 404);
        }
        let stranger = |has_key| Stranger { path: "/elsewhere".to_owned(), has_key };
        assert_eq!(elsewhere.seen(), [stranger(true), stranger(false)]);
    }
}
