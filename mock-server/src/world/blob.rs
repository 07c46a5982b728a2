//! Bytes on disk, under a temporary directory that goes when the server goes.

use std::fs::File;
use std::io::{self, BufWriter, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// The directory of all bytes of a server. Names in it are numbers: what a user calls a file never becomes
/// a path.
#[derive(Debug)]
pub(crate) struct BlobDir {
    dir: tempfile::TempDir,
    n_blobs: AtomicU64,
}

/// Bytes that are written and will not change. They are deleted when the last owner lets go.
#[derive(Debug)]
pub(crate) struct Blob {
    path: PathBuf,
    len: u64,
    /// The directory outlives its blobs.
    _dir: Arc<BlobDir>,
}

/// Bytes that are being written. Nobody else sees them; if they are not finished, they are deleted.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    file: BufWriter<File>,
    blob: Blob,
}

impl BlobDir {
    /// Makes the directory, inside the system's directory for temporary files.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let dir = tempfile::Builder::new().prefix("batchmock-").tempdir()?;
        Ok(Arc::new(Self { dir, n_blobs: AtomicU64::new(0) }))
    }

    /// Begins a blob.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<BlobWriter> {
        let number = self.n_blobs.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.path().join(number.to_string());
        let file = match File::create_new(&path) {
            // Systems clean up temporary directories, and so do people: then it is made again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(self.dir.path())?;
                File::create_new(&path)
            }
            file => file,
        }?;
        Ok(BlobWriter {
            file: BufWriter::with_capacity(256 * 1024, file),
            blob: Blob { path, len: 0, _dir: Arc::clone(self) },
        })
    }
}

/// Makes a directory that nobody else can look into.
fn make_private(path: &Path) -> io::Result<()> {
    let mut dir = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut dir, 0o700);
    match dir.create(path) {
        // Somebody else of ours was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

impl BlobWriter {
    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.blob.len += bytes.len() as u64;
        Ok(())
    }

    /// Appends bytes in pieces, which are not copied together first.
    pub(crate) fn write_pieces(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        self.file.flush()?;
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = slices.as_mut_slice();
        // An empty slice at the front would look as if nothing could be written.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match self.file.get_mut().write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.blob.len += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends the blob.
    pub(crate) fn finish(self) -> io::Result<Blob> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(self.blob)
    }
}

impl io::Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Self::write(self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Blob {
    /// The number of bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Opens them for reading.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // What cannot be deleted now goes with the directory.
        let _ = std::fs::remove_file(&self.path);
    }
}
