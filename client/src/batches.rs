//! Batches: creating, looking, waiting, cancelling.

use indexmap::IndexMap;
use serde::Serialize;

use crate::client::Client;
use crate::error::Result;
use crate::http::{Call, id_in_path};
use crate::once::once;
use crate::pages::Pages;
use crate::received::Received;
use crate::retry::Repeat;
use crate::types::Batch;
use crate::wait::Wait;

/// The key of the metadata that marks a batch as made for one piece of work; see [`Batches::create_once`].
pub const TAG_KEY: &str = "batchmock_client";

/// How many batches are looked through for one that is marked.
const LOOKED_THROUGH: usize = 2_000;

/// By how much the service's clocks may disagree, in seconds.
const CLOCKS_DIFFER_BY: i64 = 300;

/// The batches of an account; see [`Client::batches`].
#[derive(Debug, Clone, Copy)]
pub struct Batches<'a> {
    client: &'a Client,
}

/// A batch to create.
///
/// ```
/// use batchmock_client::NewBatch;
///
/// let batch = NewBatch::new("file-abc", "/v1/chat/completions").metadata("job", "nightly");
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct NewBatch {
    input_file_id: String,
    endpoint: String,
    completion_window: String,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    metadata: IndexMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_expires_after: Option<ExpiresAfter>,
}

#[derive(Debug, Clone, Serialize)]
struct ExpiresAfter {
    anchor: &'static str,
    seconds: u32,
}

impl NewBatch {
    /// A batch of the requests in a file, all for one endpoint.
    pub fn new(input_file_id: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self {
            input_file_id: input_file_id.into(),
            endpoint: endpoint.into(),
            completion_window: "24h".to_owned(),
            metadata: IndexMap::new(),
            output_expires_after: None,
        }
    }

    /// The same, with something attached that the service keeps.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// The same, with another time to be done in; `24h` if not set, and all that the real service knows (F-236).
    #[must_use]
    pub fn completion_window(mut self, window: impl Into<String>) -> Self {
        self.completion_window = window.into();
        self
    }

    /// The same, its results to be deleted by the service so many seconds after they were made: 3,600 to 2,592,000
    /// (F-237).
    #[must_use]
    pub fn output_expires_after(mut self, seconds: u32) -> Self {
        self.output_expires_after = Some(ExpiresAfter { anchor: "created_at", seconds });
        self
    }
}

impl Client {
    /// The batches of the account.
    pub fn batches(&self) -> Batches<'_> {
        Batches { client: self }
    }
}

impl<'a> Batches<'a> {
    /// Creates a batch.
    ///
    /// An attempt that may have been taken is not repeated: a second batch would be paid for as well. An error that
    /// [`is_ambiguous`](crate::Error::is_ambiguous) leaves it to the caller; [`create_once`](Self::create_once) finds
    /// out.
    pub async fn create(&self, batch: &NewBatch) -> Result<Received<Batch>> {
        self.client.call(Call::post("batches".to_owned(), Repeat::IfNotTaken).json(batch)).await
    }

    /// Creates a batch exactly once, also if answers get lost: it is marked with the tag, under [`TAG_KEY`], and
    /// where it is not known whether the service took it, a batch with that tag is looked for before it is created
    /// again.
    ///
    /// A tag that no other batch had, one for each piece of work, makes this work across restarts: call
    /// [`find`](Self::find) first.
    pub async fn create_once(&self, batch: &NewBatch, tag: &str) -> Result<Received<Batch>> {
        let batch = batch.clone().metadata(TAG_KEY, tag);
        let make = async || self.create(&batch).await;
        let find = async || self.find(tag, None).await;
        once(self.client, make, find).await
    }

    /// The batch with this tag, among the newest two thousand. It cannot be older than its input: with the input's
    /// `created_at`, the look ends there.
    pub async fn find(&self, tag: &str, not_before: Option<i64>) -> Result<Option<Received<Batch>>> {
        let mut batches = self.list_of(100);
        for _ in 0..LOOKED_THROUGH {
            let Some(batch) = batches.next().await.transpose()? else { break };
            if batch.metadata.as_ref().and_then(|pairs| pairs.get(TAG_KEY)).is_some_and(|found| found == tag)
            {
                return Ok(Some(batch));
            }
            if not_before.is_some_and(|not_before| batch.created_at < not_before - CLOCKS_DIFFER_BY) {
                break;
            }
        }
        Ok(None)
    }

    /// All batches, newest first.
    pub fn list(&self) -> Pages<Batch> {
        Pages::new(self.client, "batches", Vec::new(), None)
    }

    /// All batches, newest first, in pages of this size: 1 to 100 (F-242).
    pub fn list_of(&self, limit: u32) -> Pages<Batch> {
        Pages::new(self.client, "batches", vec![("limit", limit.to_string())], None)
    }

    /// One batch.
    pub async fn retrieve(&self, id: &str) -> Result<Received<Batch>> {
        self.client.call(Call::get(format!("batches/{}", id_in_path(id, "batch")?))).await
    }

    /// Asks for a batch to be cancelled. That takes a while, ten minutes as a rule (F-261), and ends with what was
    /// done by then: [`wait`](Self::wait) for it.
    pub async fn cancel(&self, id: &str) -> Result<Received<Batch>> {
        let path = format!("batches/{}/cancel", id_in_path(id, "batch")?);
        self.client.call(Call::post(path, Repeat::Freely)).await
    }

    /// Waits until a batch has ended, whatever end it takes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = batchmock::MockServer::builder().clock(batchmock::ClockMode::Stepping).start().await?;
    /// # let short = batchmock_client::PollPolicy { first_pause: std::time::Duration::from_millis(1), ..Default::default() };
    /// # let client = batchmock_client::Client::builder()
    /// #     .base_url(server.base_url()).api_key("sk-any").poll(short).build()?;
    /// use batchmock_client::{NewBatch, NewFile, Request};
    ///
    /// let line = Request::chat("gpt-4o-mini", "Hello").custom_id("a").to_line();
    /// let file = client.files().upload(NewFile::from_bytes("in.jsonl", line)).await?;
    /// let new = NewBatch::new(&file.id, "/v1/chat/completions");
    /// let batch = client.batches().create(&new).await?;
    /// let ended = client
    ///     .batches()
    ///     .wait(&batch.id)
    ///     .on_look(|batch| println!("{}", batch.status.as_str()))
    ///     .await?;
    /// assert!(ended.status.is_terminal());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, id: &str) -> Wait<'a> {
        Wait::new(self.client, id.to_owned())
    }
}
