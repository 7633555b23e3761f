//! Objects on their way to or from places that programs of the system fetch and store as whole files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::{DestinationError, ErrorKind, Result};

/// A file of this computer that only its owner can read, gone when dropped.
pub(super) struct Spool {
    file: NamedTempFile,
    written: u64,
}

impl Spool {
    pub(super) fn new() -> Result<Self> {
        let file = tempfile::Builder::new().prefix("hindsight-").tempfile();
        Ok(Self { file: file.map_err(local)?, written: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// To be read from its beginning, also after it has lost its name.
    pub(super) fn into_reader(self) -> Result<File> {
        // Anew by its name: a program may have replaced the file under it.
        File::open(self.file.path()).map_err(local)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The place has no part in it: trying again would not help.
fn local(error: io::Error) -> DestinationError {
    let sorted = DestinationError::from_io("temporary files", error);
    let kind = if sorted.kind == ErrorKind::NoSpace { ErrorKind::NoSpace } else { ErrorKind::Other };
    DestinationError { kind, temporary: false, ..sorted }
}
