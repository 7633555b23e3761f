//! The signatures of one batch, gathered in memory as gzip members of tar entries.

use std::io;

use super::members::MemberWriter;
use crate::duplicity::sigtar::SigtarWriter;
use crate::entry::{Attributes, EntryPath};
use crate::error::{Error, Result};

pub(crate) struct Signatures(SigtarWriter<MemberWriter<Vec<u8>>>);

/// Fragments of all batches in order are a set's archive but for its end.
pub(crate) struct Fragment {
    /// Whole gzip members.
    pub(crate) gzip: Vec<u8>,
    /// Bytes of tar in them.
    pub(crate) plain: u64,
}

impl Signatures {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(SigtarWriter::new(MemberWriter::new(Vec::new()).map_err(in_memory)?)))
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

    pub(crate) fn finish(self) -> Result<Fragment> {
        let members = self.0.into_fragment();
        let plain = members.plain();
        Ok(Fragment { gzip: members.finish().map_err(in_memory)?, plain })
    }
}

fn in_memory(error: io::Error) -> Error {
    Error::Internal(error.to_string())
}
