//! The signatures of one batch, gathered in memory as a gzip member of tar entries.

use std::io;

use crate::deflate::{self, GzipWriter};
use crate::duplicity::sigtar::SigtarWriter;
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};

pub(crate) struct Signatures(SigtarWriter<GzipWriter<Vec<u8>>>);

impl Signatures {
    pub(crate) fn new() -> Result<Self> {
        let out = GzipWriter::new(Vec::new(), deflate::DEFAULT_LEVEL).map_err(in_memory)?;
        Ok(Self(SigtarWriter::new(out)))
    }

    /// A file with its librsync signature.
    pub(crate) fn file(&mut self, path: &EntryPath, attributes: &Attributes, signature: &[u8]) -> Result<()> {
        self.0.signature(path, attributes, signature).map_err(in_memory)
    }

    pub(crate) fn object(&mut self, path: &EntryPath, attributes: &Attributes) -> Result<()> {
        self.0.object(path, attributes).map_err(in_memory)
    }

    pub(crate) fn deleted(&mut self, path: &EntryPath) -> Result<()> {
        self.0.deleted(path).map_err(in_memory)
    }

    /// The member; members of all batches in order are the set's archive but for its end.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        self.0.into_fragment().finish().map_err(in_memory)
    }
}

fn in_memory(error: io::Error) -> Error {
    Error::Internal(error.to_string())
}
