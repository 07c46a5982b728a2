//! Files that are uploaded in parts.

use std::path::Path;

use bytes::Bytes;
use reqwest::multipart::Form;
use serde::Serialize;
use tokio::fs;
use tokio::io::AsyncReadExt as _;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::files::octets;
use crate::http::{Call, id_in_path};
use crate::received::Received;
use crate::retry::Repeat;
use crate::types::{Purpose, Upload, UploadPart};

/// How large a part may be on the real service: 64 MB.
pub(crate) const PART: usize = 64 * 1024 * 1024;

/// Uploads in parts; see [`Client::uploads`].
#[derive(Debug, Clone, Copy)]
pub struct Uploads<'a> {
    client: &'a Client,
}

/// An upload to begin, for a batch unless told otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct NewUpload {
    filename: String,
    purpose: Purpose,
    bytes: u64,
    mime_type: String,
}

impl NewUpload {
    /// A file of this name and so many bytes.
    pub fn new(filename: impl Into<String>, bytes: u64) -> Self {
        let mime_type = "application/jsonl".to_owned();
        Self { filename: filename.into(), purpose: Purpose::Batch, bytes, mime_type }
    }

    /// The same, for something else than a batch.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<Purpose>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// The same, of another type than `application/jsonl`.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = mime_type.into();
        self
    }
}

impl Client {
    /// Files that are uploaded in parts.
    pub fn uploads(&self) -> Uploads<'_> {
        Uploads { client: self }
    }
}

impl Uploads<'_> {
    /// Begins an upload. It takes parts for an hour (F-151).
    pub async fn create(&self, upload: &NewUpload) -> Result<Received<Upload>> {
        self.client.call(Call::post("uploads".to_owned(), Repeat::IfNotTaken).json(upload)).await
    }

    /// Adds a part. What becomes of parts is decided when the upload is completed, so one that was sent twice does no
    /// harm, and failed attempts are repeated.
    pub async fn add_part(&self, upload_id: &str, bytes: impl Into<Bytes>) -> Result<Received<UploadPart>> {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let path = format!("uploads/{}/parts", id_in_path(upload_id, "upload")?);
        let mut attempts = self.client.attempts(format!("POST /{path}"), Repeat::Freely);
        loop {
            let form = Form::new().part("data", octets(bytes.clone(), length, "part"));
            match self.client.send_form(&path, length, form).await {
                Ok(received) => return Ok(received),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    /// Makes a file of parts, in this order.
    pub async fn complete(&self, upload_id: &str, part_ids: &[String]) -> Result<Received<Upload>> {
        let path = format!("uploads/{}/complete", id_in_path(upload_id, "upload")?);
        let body = serde_json::json!({"part_ids": part_ids});
        self.client.call(Call::post(path, Repeat::IfNotTaken).json(&body)).await
    }

    /// Gives an upload up.
    pub async fn cancel(&self, upload_id: &str) -> Result<Received<Upload>> {
        let path = format!("uploads/{}/cancel", id_in_path(upload_id, "upload")?);
        self.client.call(Call::post(path, Repeat::Freely)).await
    }

    /// Uploads a file of this machine in parts of 64 MB, and completes it. One part at a time is in memory. An upload
    /// that fails is given up.
    pub async fn upload_file(&self, path: impl AsRef<Path>, purpose: &Purpose) -> Result<Received<Upload>> {
        self.upload_file_by(path.as_ref(), purpose, PART).await
    }

    /// As [`upload_file`](Self::upload_file), in parts of another size.
    pub async fn upload_file_by(
        &self,
        path: &Path,
        purpose: &Purpose,
        part: usize,
    ) -> Result<Received<Upload>> {
        let at = |error| Error::io(path, error);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = fs::metadata(path).await.map_err(at)?.len();
        let file = fs::File::open(path).await.map_err(at)?;
        let upload = self.create(&NewUpload::new(name, bytes).purpose(purpose.clone())).await?;
        let done = async {
            let (mut parts, mut file) = (Vec::new(), file);
            loop {
                let mut bytes = Vec::new();
                (&mut file).take(part.max(1) as u64).read_to_end(&mut bytes).await.map_err(at)?;
                if bytes.is_empty() {
                    break;
                }
                parts.push(self.add_part(&upload.id, bytes).await?.id.clone());
            }
            self.complete(&upload.id, &parts).await
        };
        let done = done.await;
        if done.as_ref().is_err_and(|error| !error.is_ambiguous()) {
            // The error that matters is the first; an upload that is not given up expires by itself.
            let _ = self.cancel(&upload.id).await;
        }
        done
    }
}
