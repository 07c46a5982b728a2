//! Files that appear under their name when they are whole, and take nothing's place unless they are told to.

use std::io::{self, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::{Builder, NamedTempFile};

use super::exit::Failure;

/// What becomes of an output that is there already.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ForceArgs {
    /// Overwrites an output that is there already.
    #[arg(long, short)]
    pub(super) force: bool,
}

impl ForceArgs {
    /// Refuses an output that is there, unless it is to be overwritten.
    pub(super) fn allow(self, path: &Path) -> Result<(), Failure> {
        if path.is_dir() {
            return Err(Failure::file(path, "it is a directory; the output is a file"));
        }
        if self.force || !path.exists() { Ok(()) } else { Err(is_there(path)) }
    }
}

/// A file that is being written.
pub(super) struct WholeFile {
    path: PathBuf,
    force: ForceArgs,
    to: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file. It is written under another name beside the one that it will have.
    pub(super) fn create(path: &Path, force: ForceArgs) -> Result<Self, Failure> {
        force.allow(path)?;
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        if !directory.is_dir() {
            return Err(Failure::usage(format!("there is no directory {} to write to", directory.display())));
        }
        let mut builder = Builder::new();
        // As others may read any file that is written, not as what is temporary.
        #[cfg(unix)]
        let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // Not under the name that nobody has asked for.
        let partial = builder.tempfile_in(directory).map_err(|error| Failure::file(path, error.kind()))?;
        Ok(Self { path: path.to_owned(), force, to: BufWriter::new(partial) })
    }

    /// Fills a file from a download and gives it its name. A download that breaks off is begun again, so many times at
    /// most: what was written of it can be taken back.
    pub(super) async fn fill<T>(
        mut self,
        retries: u32,
        mut download: impl AsyncFnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut attempt = 0;
        loop {
            match download(&mut self).await {
                Err(failure) if failure.is_cut() && attempt < retries => self.restart()?,
                Err(failure) => return Err(failure),
                Ok(done) => {
                    self.finish()?;
                    return Ok(done);
                }
            }
            attempt += 1;
        }
    }

    fn restart(&mut self) -> Result<(), Failure> {
        let Self { path, to, .. } = self;
        let at = |error| Failure::file(path, error);
        to.flush().map_err(at)?;
        let file = to.get_mut().as_file_mut();
        file.set_len(0).and_then(|()| file.rewind()).map_err(at)
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { path, force, to } = self;
        let at = |error| Failure::file(&path, error);
        let partial = to.into_inner().map_err(|error| at(error.into_error()))?;
        partial.as_file().sync_all().map_err(at)?;
        if force.force {
            partial.persist(&path).map_err(|error| at(error.error))?;
            return Ok(());
        }
        match partial.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&path)),
            Err(error) => Err(at(error.error)),
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn is_there(path: &Path) -> Failure {
    Failure::file(path, "it is there already; --force overwrites it")
}
