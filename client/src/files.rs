//! Files: what goes into batches, and what comes out of them.

use std::fmt;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use rand::Rng as _;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::http::{Call, id_in_path};
use crate::once::once;
use crate::pages::Pages;
use crate::received::Received;
use crate::retry::Repeat;
use crate::types::{Deleted, File, Purpose};

/// How much of a file is read at a time.
const CHUNK: usize = 256 * 1024;

/// The files of an account; see [`Client::files`].
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    client: &'a Client,
}

impl Client {
    /// The files of the account.
    pub fn files(&self) -> Files<'_> {
        Files { client: self }
    }
}

impl Files<'_> {
    /// Uploads a file.
    ///
    /// An attempt that may have been taken is not repeated, so that no second file appears: an error that
    /// [`is_ambiguous`](Error::is_ambiguous) leaves it to the caller, who can look for the file with
    /// [`find`](Self::find).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = batchmock::MockServer::start().await?;
    /// # let client = batchmock_client::Client::builder().base_url(server.base_url()).api_key("sk-any").build()?;
    /// use batchmock_client::NewFile;
    ///
    /// let file = client.files().upload(NewFile::from_bytes("in.jsonl", "{}\n")).await?;
    /// let content = client.files().content(&file.id).await?.bytes().await?;
    /// assert_eq!(content, "{}\n");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload(&self, file: NewFile) -> Result<Received<File>> {
        self.send(&file).await
    }

    /// Uploads a file exactly once, also if answers get lost: its name gets a mark that no other has, and where it is not
    /// known whether the service took it, it is looked for by that before it is sent again.
    ///
    /// Bytes of a [stream](NewFile::from_stream) are sent once only: if they did not arrive, this fails.
    pub async fn upload_once(&self, file: NewFile) -> Result<Received<File>> {
        let name = marked(&file.name, self.client.rng().next_u64());
        let file = file.named(name);
        let bytes = file.source.length().await?;
        let make = async || self.send(&file).await;
        let find = async || self.find_of(&file.purpose, &file.name, bytes).await;
        once(self.client, make, find).await
    }

    async fn send(&self, file: &NewFile) -> Result<Received<File>> {
        let bytes = file.source.length().await?;
        let mut attempts = self.client.attempts("POST /files".to_owned(), Repeat::IfNotTaken);
        loop {
            match self.client.send_form("files", bytes, file.form(bytes).await?).await {
                Ok(received) => return Ok(received),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    /// All files, newest first.
    pub fn list(&self) -> Pages<File> {
        Pages::new(self.client, "files", Vec::new(), None)
    }

    /// The files of one purpose, newest first.
    pub fn list_of(&self, purpose: &Purpose) -> Pages<File> {
        self.list_paged(Some(purpose), None)
    }

    fn list_paged(self, purpose: Option<&Purpose>, limit: Option<u32>) -> Pages<File> {
        let purpose = purpose.map(|purpose| ("purpose", purpose.as_str().to_owned()));
        let limit = limit.map(|limit| ("limit", limit.to_string()));
        Pages::new(self.client, "files", purpose.into_iter().chain(limit).collect(), None)
    }

    /// The newest file of this name and size, among the thousand newest inputs of batches.
    pub async fn find(&self, name: &str, bytes: u64) -> Result<Option<Received<File>>> {
        self.find_of(&Purpose::Batch, name, bytes).await
    }

    async fn find_of(&self, purpose: &Purpose, name: &str, bytes: u64) -> Result<Option<Received<File>>> {
        let mut files = self.list_paged(Some(purpose), Some(100));
        for _ in 0..1_000 {
            match files.next().await {
                Some(file) => {
                    let file = file?;
                    if file.filename == name && file.bytes == bytes {
                        return Ok(Some(file));
                    }
                }
                None => break,
            }
        }
        Ok(None)
    }

    /// One file.
    pub async fn retrieve(&self, id: &str) -> Result<Received<File>> {
        self.client.call(Call::get(format!("files/{}", id_in_path(id, "file")?))).await
    }

    /// Deletes a file.
    pub async fn delete(&self, id: &str) -> Result<Received<Deleted>> {
        self.client.call(Call::delete(format!("files/{}", id_in_path(id, "file")?))).await
    }

    /// The bytes of a file, as they come.
    pub async fn content(&self, id: &str) -> Result<Content> {
        let path = format!("files/{}/content", id_in_path(id, "file")?);
        let answer = self.client.open(&path).await?;
        let expected = answer.content_length();
        let place = (self.client.clone(), answer, 0_u64);
        let chunks = stream::try_unfold(place, move |(client, mut answer, received)| {
            let asked = format!("GET /{path}");
            async move {
                let chunk = client
                    .in_time(async { answer.chunk().await.map_err(Error::http) })
                    .await
                    .map_err(|error| error.asked(&asked))?;
                match chunk {
                    Some(chunk) => {
                        let received = received + chunk.len() as u64;
                        Ok(Some((chunk, (client, answer, received))))
                    }
                    None => match expected.filter(|expected| *expected != received) {
                        Some(expected) => {
                            let what = format!("the content ended after {received} of {expected} bytes");
                            Err(Error::new(Kind::Cut(what)).asked(&asked))
                        }
                        None => Ok(None),
                    },
                }
            }
        });
        Ok(Content { chunks: chunks.boxed(), expected })
    }
}

/// The bytes of a file, as they come; see [`Files::content`]. Bytes that break off end with an error, never as if
/// they were all.
pub struct Content {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    expected: Option<u64>,
}

impl Content {
    /// How many bytes there are, if the service says so.
    pub fn length(&self) -> Option<u64> {
        self.expected
    }

    /// The next bytes; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        self.chunks.next().await
    }

    /// All bytes at once.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    /// Writes the bytes to a file, which appears under its name only when it is whole. Gives their number.
    pub async fn save(mut self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let partial = partial_name(path);
        let at = |error| Error::io(&partial, error);
        let mut file = fs::File::create(&partial).await.map_err(at)?;
        let mut bytes = 0;
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            file.write_all(&chunk).await.map_err(at)?;
            bytes += chunk.len() as u64;
        }
        file.flush().await.map_err(at)?;
        file.sync_all().await.map_err(at)?;
        fs::rename(&partial, path).await.map_err(|error| Error::io(path, error))?;
        Ok(bytes)
    }
}

impl Stream for Content {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("length", &self.expected).finish_non_exhaustive()
    }
}

/// The name under which a file is written until it is whole: beside it, so that renaming it is one step.
pub(crate) fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// The directory that a file is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file to upload, for a batch unless told otherwise.
#[derive(Debug)]
pub struct NewFile {
    name: String,
    purpose: Purpose,
    expires_after: Option<u32>,
    source: Source,
    /// Is told how many bytes of a file were handed to the connection so far.
    sent: Option<watch::Sender<u64>>,
}

/// Where the bytes of an upload come from.
enum Source {
    Bytes(Bytes),
    /// Pieces of a file, one after the other.
    File {
        path: PathBuf,
        spans: Arc<[Range<u64>]>,
        whole: bool,
    },
    /// Can be sent once.
    Stream {
        body: Mutex<Option<Body>>,
        length: u64,
    },
}

impl NewFile {
    /// A file of this machine, under the last part of its name. It is read as it is sent, and again if it has to be
    /// sent again.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::new(name, Source::File { path, spans: Arc::new([]), whole: true })
    }

    /// Bytes.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(name.into(), Source::Bytes(bytes.into()))
    }

    /// Bytes that come from elsewhere, whose number is known. They can be sent once only, so no failed attempt is
    /// repeated.
    pub fn from_stream<S, E>(name: impl Into<String>, length: u64, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let body = Mutex::new(Some(Body::wrap_stream(stream)));
        Self::new(name.into(), Source::Stream { body, length })
    }

    /// Pieces of a file of this machine.
    pub(crate) fn from_spans(name: String, path: &Path, spans: Arc<[Range<u64>]>) -> Self {
        Self::new(name, Source::File { path: path.to_owned(), spans, whole: false })
    }

    fn new(name: String, source: Source) -> Self {
        Self { name, purpose: Purpose::Batch, expires_after: None, source, sent: None }
    }

    /// The same, telling how many bytes of it were handed to the connection so far, if it is a file of this machine.
    #[must_use]
    pub(crate) fn counting(mut self, sent: watch::Sender<u64>) -> Self {
        self.sent = Some(sent);
        self
    }

    /// The same, under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same, for something else than a batch.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<Purpose>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// The same, to be deleted by the service so many seconds after it was uploaded: 3,600 to 2,592,000 (F-112).
    #[must_use]
    pub fn expires_after(mut self, seconds: u32) -> Self {
        self.expires_after = Some(seconds);
        self
    }
}

impl NewFile {
    /// The form that uploads it, anew for each attempt.
    async fn form(&self, bytes: u64) -> Result<Form> {
        let part = octets(self.source.body(self.sent.clone()).await?, bytes, &self.name);
        let mut form = Form::new().text("purpose", self.purpose.as_str().to_owned());
        if let Some(seconds) = self.expires_after {
            form = form
                .text("expires_after[anchor]", "created_at")
                .text("expires_after[seconds]", seconds.to_string());
        }
        Ok(form.part("file", part))
    }
}

impl Source {
    async fn length(&self) -> Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::File { path, whole: true, .. } => {
                let data = fs::metadata(path).await.map_err(|error| Error::io(path, error))?;
                if data.is_dir() {
                    return Err(Error::io(path, std::io::ErrorKind::IsADirectory.into()));
                }
                Ok(data.len())
            }
            Self::File { spans, .. } => Ok(spans.iter().map(|span| span.end - span.start).sum()),
            Self::Stream { length, .. } => Ok(*length),
        }
    }

    async fn body(&self, sent: Option<watch::Sender<u64>>) -> Result<Body> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File { path, spans, whole } => {
                let file = fs::File::open(path).await.map_err(|error| Error::io(path, error))?;
                let spans = if *whole {
                    std::iter::once(0..self.length().await?).collect()
                } else {
                    Arc::clone(spans)
                };
                if let Some(sent) = &sent {
                    sent.send_replace(0);
                }
                let count = move |chunk: &Bytes| {
                    if let Some(sent) = &sent {
                        sent.send_modify(|bytes| *bytes += chunk.len() as u64);
                    }
                };
                Ok(Body::wrap_stream(read_spans(file, spans).inspect_ok(count)))
            }
            Self::Stream { body, .. } => {
                let body = body.lock().unwrap_or_else(PoisonError::into_inner).take();
                body.ok_or_else(|| Error::settings("a stream can be sent only once"))
            }
        }
    }
}

/// A name with a mark in it, before what tells the kind: `in.jsonl` becomes `in-00c0ffee00c0ffee.jsonl`.
fn marked(name: &str, mark: u64) -> String {
    match name.rsplit_once('.') {
        Some((stem, kind)) if !stem.is_empty() => format!("{stem}-{mark:016x}.{kind}"),
        _ => format!("{name}-{mark:016x}"),
    }
}

/// A part of a form that holds bytes.
pub(crate) fn octets(body: impl Into<Body>, length: u64, name: &str) -> Part {
    let part = Part::stream_with_length(body, length).file_name(name.to_owned());
    part.mime_str("application/octet-stream").expect("it is a type")
}

/// The bytes of pieces of a file. A file that turns out to be shorter is an error.
fn read_spans(
    file: fs::File,
    spans: Arc<[Range<u64>]>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    // The file, the piece, and how much of it was read.
    stream::try_unfold((file, 0, 0), move |(mut file, mut at, mut read)| {
        let spans = Arc::clone(&spans);
        async move {
            loop {
                let Some(span) = spans.get(at) else { return Ok(None) };
                let left = span.end - span.start - read;
                if left == 0 {
                    (at, read) = (at + 1, 0);
                    continue;
                }
                if read == 0 {
                    file.seek(SeekFrom::Start(span.start)).await?;
                }
                let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                let mut chunk = vec![0; length];
                file.read_exact(&mut chunk).await?;
                read += length as u64;
                return Ok(Some((Bytes::from(chunk), (file, at, read))));
            }
        }
    })
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Stream { length, .. } => write!(f, "a stream of {length} bytes"),
        }
    }
}
