//! A record, and the answer it was read from.

use std::ops::Deref;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A record as the service sent it: the typed fields, by dereferencing, and beside them all else that came, so that
/// fields and statuses that this crate does not know survive. It serializes as exactly what came.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = batchmock::MockServer::start().await?;
/// # let client = batchmock_client::Client::builder().base_url(server.base_url()).api_key("sk-any").build()?;
/// use batchmock_client::NewFile;
///
/// let file = client.files().upload(NewFile::from_bytes("in.jsonl", "{}\n")).await?;
/// assert_eq!(file.bytes, 3);
/// assert!(file.raw().contains("\"status_details\""));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Received<T> {
    record: T,
    raw: Box<RawValue>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl<T> Received<T> {
    /// The JSON, to the letter.
    pub fn raw(&self) -> &str {
        self.raw.get()
    }

    /// A field that the record has no place for.
    pub fn field(&self, name: &str) -> Option<serde_json::Value> {
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(self.raw()).ok()?;
        fields.shift_remove(name)
    }

    /// What the service calls the request that this answers; items of lists have none.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the service asks to wait before it is asked again; it rarely does with a good answer.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The typed fields alone.
    pub fn into_inner(self) -> T {
        self.record
    }
}

impl<T: DeserializeOwned> Received<T> {
    pub(crate) fn read(body: &[u8], request_id: Option<String>) -> serde_json::Result<Self> {
        let raw: Box<RawValue> = serde_json::from_slice(body)?;
        Ok(Self { record: serde_json::from_str(raw.get())?, raw, request_id, retry_after: None })
    }

    pub(crate) fn asking_for(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }
}

impl<T> Deref for Received<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

impl<T> Serialize for Received<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Batch, BatchStatus};

    #[test]
    fn what_nobody_knows_survives() {
        let text =
            r#"{"id":"batch_1", "status":"paused","created_at":1.5,"color":{"a" : 1},"error_file_id":""}"#;
        let batch = Received::<Batch>::read(text.as_bytes(), None).unwrap();
        assert_eq!(serde_json::to_string(&batch).unwrap(), text);
        assert_eq!(batch.status, BatchStatus::Other("paused".to_owned()));
        assert_eq!((batch.created_at, batch.error_file_id.as_deref()), (1, None));
        assert_eq!(batch.field("color"), Some(serde_json::json!({"a": 1})));
    }
}
