//! A listener that answers as it is told, and time that passes only by being waited for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use batchmock::{Builder, ClockMode, MockServer};
use batchmock_client::{Client, NewBatch, NewFile, Request, Sleep, Time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// The key of every test.
pub(crate) const KEY: &str = "sk-secret-of-the-test";

/// Time that is moved by waiting, and so lets nobody wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jumping(Arc<Mutex<(Duration, Vec<Duration>)>>);

impl Jumping {
    /// All waits so far.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Time for Jumping {
    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().0
    }

    fn unix_time(&self) -> Duration {
        Duration::from_hours(490_896) + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut inner = self.0.lock().unwrap();
        inner.0 += duration;
        inner.1.push(duration);
        // Others come to their turn, as they would.
        Box::pin(tokio::task::yield_now())
    }
}

/// A mock whose batches go on by being looked at.
pub(crate) fn stepping() -> Builder {
    MockServer::builder().seed(7).clock(ClockMode::Stepping)
}

/// A client of any base URL, for which no time passes.
pub(crate) fn client_of(base_url: impl Into<String>, time: &Jumping) -> Client {
    let builder = Client::builder().base_url(base_url).api_key(KEY).seed(7).time(time.clone());
    builder.timeout(Duration::from_secs(20)).build().unwrap()
}

/// Lines of chats with these names.
pub(crate) fn lines(names: &[&str]) -> String {
    let line = |name: &&str| Request::chat("gpt-4o-mini", format!("about {name}")).custom_id(*name).to_line();
    names.iter().map(line).fold(String::new(), |all, line| all + &line + "\n")
}

/// A batch of these lines.
pub(crate) async fn create(client: &Client, names: &[&str]) -> String {
    let file = client.files().upload(NewFile::from_bytes("in.jsonl", lines(names))).await.unwrap();
    client.batches().create(&NewBatch::new(&file.id, CHAT)).await.unwrap().id.clone()
}

/// What a [`Listener`] is to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with these bytes, and closes the connection.
    Bytes(Vec<u8>),
    /// Lets the server behind it answer.
    Forward,
    /// Lets the server behind it do what was asked, and closes the connection without a word.
    Lose,
    /// Lets the server behind it answer, and closes the connection half-way.
    Half,
    /// Closes the connection without a word.
    Drop,
    /// Says nothing, and keeps the connection open.
    Hang,
    /// Has the server behind it cancel the batch that is asked for, and lets it answer then.
    Cancel,
}

impl Reply {
    /// A status with a body, and headers, each closed by a line end.
    pub(crate) fn status(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
        );
        Self::Bytes(text.into_bytes())
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::status("200 OK", "content-type: application/json\r\n", body)
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and path, such as `GET /v1/files`.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The request to cancel the batch that this one asks for.
    fn cancelling(&self) -> Self {
        let path = self.line.strip_prefix("GET ").unwrap();
        let head = self.head.replace(&self.line, &format!("POST {path}/cancel"));
        Self { head: head.replacen("\r\n", "\r\ncontent-length: 0\r\n", 1), ..self.clone() }
    }
}

/// Decides about a request, given how many of the same method and path came before it.
type Script = Box<dyn FnMut(&Asked, usize) -> Reply + Send>;

/// A listener on a free port that keeps what it is asked, and answers by a script.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// A listener by itself.
    pub(crate) async fn start(script: impl FnMut(&Asked, usize) -> Reply + Send + 'static) -> Self {
        Self::serve(None, Box::new(script)).await
    }

    /// A listener before a server.
    pub(crate) async fn before(
        server: &MockServer,
        script: impl FnMut(&Asked, usize) -> Reply + Send + 'static,
    ) -> Self {
        Self::serve(Some(server.address()), Box::new(script)).await
    }

    /// A listener that gives these answers, one after the other, and the last again and again.
    pub(crate) async fn saying(replies: Vec<Reply>) -> Self {
        let mut replies = replies.into_iter().peekable();
        Self::start(move |_, _| {
            let reply = replies.next().unwrap();
            if replies.peek().is_none() {
                replies = vec![reply.clone()].into_iter().peekable();
            }
            reply
        })
        .await
    }

    async fn serve(behind: Option<SocketAddr>, mut script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let log = Arc::clone(&asked);
        // One after the other: a client that runs one batch asks one thing at a time.
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else { continue };
                let reply = {
                    let mut log = log.lock().unwrap();
                    let before = log.iter().filter(|asked| asked.line == request.line).count();
                    log.push(request.clone());
                    script(&request, before)
                };
                let answer = match &reply {
                    Reply::Bytes(bytes) => bytes.clone(),
                    Reply::Drop => Vec::new(),
                    Reply::Hang => std::future::pending().await,
                    Reply::Forward | Reply::Lose | Reply::Half | Reply::Cancel => {
                        let behind = behind.expect("there is a server behind it");
                        if matches!(reply, Reply::Cancel) {
                            forward(behind, &request.cancelling()).await;
                        }
                        forward(behind, &request).await
                    }
                };
                let answer = match reply {
                    Reply::Lose => &[][..],
                    Reply::Half => {
                        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
                        &answer[..head + (answer.len() - head) / 2]
                    }
                    Reply::Bytes(_) | Reply::Forward | Reply::Drop | Reply::Hang | Reply::Cancel => &answer,
                };
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, asked, serving }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests there were with this beginning of method and path.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line.starts_with(beginning)).count()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.to_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().unwrap())
    });
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, head, body: bytes[end..].to_vec() })
}

async fn forward(to: SocketAddr, request: &Asked) -> Vec<u8> {
    let mut server = TcpStream::connect(to).await.unwrap();
    let head = request.head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await.unwrap();
    server.write_all(&request.body).await.unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.unwrap();
    answer
}
