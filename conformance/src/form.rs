//! Forms, byte by byte, so that a case can send what no library would.

/// A form with files, `multipart/form-data`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    body: Vec<u8>,
}

impl Form {
    /// The content type of every form.
    pub(crate) const CONTENT_TYPE: &str = "multipart/form-data; boundary=batchmock-conformance";

    /// A form without fields.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With a field.
    #[must_use]
    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }

    /// With a file, as the field `file`.
    #[must_use]
    pub(crate) fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let headers = format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream"
        );
        self.part(&headers, bytes)
    }

    /// With a part that has these headers.
    #[must_use]
    pub(crate) fn part(mut self, headers: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.body.extend_from_slice(format!("--batchmock-conformance\r\n{headers}\r\n\r\n").as_bytes());
        self.body.extend_from_slice(bytes.as_ref());
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// The whole form.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.clone();
        bytes.extend_from_slice(b"--batchmock-conformance--\r\n");
        bytes
    }
}
