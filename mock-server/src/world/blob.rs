//! Bytes on disk: under a directory that goes when the server goes, or where they stay.

use std::fs::File;
use std::io::{self, BufWriter, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::storage::{Share, Storage};
use crate::store::{BlobId, Vault};

/// A directory for bytes that go when the server goes. Names in it are numbers: what a user calls a file never
/// becomes a path.
#[derive(Debug)]
pub(crate) struct BlobDir {
    path: PathBuf,
    n_blobs: AtomicU64,
}

/// Where a world begins its blobs.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    /// Where bytes are that go when the server goes.
    pub(super) dir: Arc<BlobDir>,
    /// Where they count.
    pub(super) storage: Arc<Storage>,
}

/// Bytes that are written and will not change. They are deleted when the last owner lets go, and no fact names
/// them.
#[derive(Debug)]
pub(crate) struct Blob {
    path: PathBuf,
    /// All of them, of what its world may store.
    share: Share,
    home: Home,
}

/// Where bytes are.
#[derive(Debug)]
enum Home {
    /// In a directory that outlives them, but not the server.
    Passing { _dir: Arc<BlobDir> },
    /// Where they stay when the server goes.
    Lasting(Arc<Vault>, BlobId),
}

/// Bytes that are being written. Nobody else sees them; if they are not finished, they are deleted.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    file: BufWriter<File>,
    blob: Blob,
}

impl BlobDir {
    /// Makes one inside the system's directory for temporary files.
    pub(crate) fn temporary() -> io::Result<Arc<Self>> {
        let path = tempfile::Builder::new().prefix("batchmock-").tempdir()?.keep();
        Ok(Arc::new(Self { path, n_blobs: AtomicU64::new(0) }))
    }

    /// Makes one at this place, where there is nothing yet.
    pub(crate) fn at(path: PathBuf) -> io::Result<Arc<Self>> {
        make_private(&path)?;
        Ok(Arc::new(Self { path, n_blobs: AtomicU64::new(0) }))
    }

    fn create(self: &Arc<Self>, storage: &Arc<Storage>) -> io::Result<BlobWriter> {
        let number = self.n_blobs.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(number.to_string());
        let file = match File::create_new(&path) {
            // Systems clean up temporary directories, and so do people: then it is made again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(&self.path)?;
                File::create_new(&path)
            }
            file => file,
        }?;
        Ok(BlobWriter {
            file: BufWriter::with_capacity(256 * 1024, file),
            blob: Blob { path, share: Share::new(storage), home: Home::Passing { _dir: Arc::clone(self) } },
        })
    }
}

impl Scratch {
    /// Begins a blob.
    pub(super) fn create(&self) -> io::Result<BlobWriter> {
        self.dir.create(&self.storage)
    }
}

impl Drop for BlobDir {
    fn drop(&mut self) {
        // What cannot be deleted now is left to the system, or to the next run.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Makes a directory that nobody else can look into, if there is none.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
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
        self.blob.share.add_bytes(bytes.len() as u64);
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
                    self.blob.share.add_bytes(written as u64);
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

    /// Ends the blob, and puts it where it stays when the server goes. When this returns, no failure of the
    /// machine can take it away any more.
    pub(crate) fn finish_in(self, vault: &Arc<Vault>) -> io::Result<Blob> {
        let Self { file, blob } = self;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let id = vault.keep(&blob.path)?;
        Ok(Blob::known(vault, id, blob.len(), blob.share.storage()))
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
    /// So many bytes that are in the vault.
    pub(crate) fn known(vault: &Arc<Vault>, id: BlobId, len: u64, storage: &Arc<Storage>) -> Self {
        let mut share = Share::new(storage);
        share.add_bytes(len);
        Self { path: vault.path(id), share, home: Home::Lasting(Arc::clone(vault), id) }
    }

    /// What the bytes are called in the vault, if they are there.
    pub(crate) fn id(&self) -> Option<BlobId> {
        match &self.home {
            Home::Passing { .. } => None,
            Home::Lasting(_, id) => Some(*id),
        }
    }

    /// Where they count.
    pub(super) fn storage(&self) -> &Arc<Storage> {
        self.share.storage()
    }

    /// The number of bytes.
    pub(crate) fn len(&self) -> u64 {
        self.share.bytes()
    }

    /// Opens them for reading.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        match &self.home {
            Home::Passing { .. } => {
                // What cannot be deleted now goes with the directory.
                let _ = std::fs::remove_file(&self.path);
            }
            Home::Lasting(vault, id) => vault.let_go(*id),
        }
    }
}
