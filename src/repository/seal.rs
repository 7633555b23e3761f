//! How stored files are sealed (OpenPGP, or gzip in the clear) and counted on their way to the place.

use std::io::{self, Write};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::crypto::{MessageWriter, Sealer};
use crate::deflate::{self, GzipWriter};
use crate::destination::{Destination, Existing, Staged};
use crate::duplicity::name;
use crate::error::Result;

/// The way in which all files of one set are sealed.
#[derive(Clone, Debug)]
pub(crate) enum Sealing {
    OpenPgp(Sealer),
    Gzip,
}

impl Sealing {
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self, Self::OpenPgp(_))
    }

    /// What the suffix says of volumes and signatures.
    pub(crate) fn named(&self) -> name::Sealing {
        match self {
            Self::OpenPgp(_) => name::Sealing::OpenPgp,
            Self::Gzip => name::Sealing::Gzip,
        }
    }

    /// Manifests are never gzipped (`FORMAT.md`, names).
    pub(crate) fn named_for_manifest(&self) -> name::Sealing {
        match self {
            Self::OpenPgp(_) => name::Sealing::OpenPgp,
            Self::Gzip => name::Sealing::Plain,
        }
    }
}

/// Where a sealed file is before it is published.
pub(crate) enum Lying {
    Staged(Box<dyn Staged>),
    /// Left by an earlier run under this name.
    Parked(String),
}

impl Lying {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Staged(staged) => staged.parked_name(),
            Self::Parked(name) => name,
        }
    }

    pub(crate) fn publish(self, destination: &dyn Destination, name: &str, existing: Existing) -> Result<()> {
        Ok(match self {
            Self::Staged(staged) => staged.publish(name, existing)?,
            Self::Parked(parked) => destination.adopt(&parked, name)?,
        })
    }
}

/// A file at the place, durable but not yet visible.
pub(crate) struct Sealed {
    pub(crate) staged: Lying,
    /// Stored bytes.
    pub(crate) size: u64,
    pub(crate) sha1: [u8; 20],
    pub(crate) sha256: [u8; 32],
}

/// Takes plain bytes; stages them sealed.
pub(crate) enum SealedWriter {
    OpenPgp(Box<MessageWriter<Tally>>),
    Gzip(Box<GzipWriter<Tally>>),
    Plain(Box<Tally>),
}

impl SealedWriter {
    pub(crate) fn new(staged: Box<dyn Staged>, sealing: &Sealing) -> io::Result<Self> {
        let tally = Tally::new(staged);
        Ok(match sealing {
            Sealing::OpenPgp(sealer) => Self::OpenPgp(Box::new(MessageWriter::new(tally, sealer)?)),
            Sealing::Gzip => Self::Gzip(Box::new(GzipWriter::new(tally, deflate::DEFAULT_LEVEL)?)),
        })
    }

    pub(crate) fn for_manifest(staged: Box<dyn Staged>, sealing: &Sealing) -> io::Result<Self> {
        match sealing {
            Sealing::OpenPgp(_) => Self::new(staged, sealing),
            Sealing::Gzip => Ok(Self::Plain(Box::new(Tally::new(staged)))),
        }
    }

    pub(crate) fn finish(self) -> io::Result<Sealed> {
        let tally = match self {
            Self::OpenPgp(writer) => writer.finish()?,
            Self::Gzip(writer) => writer.finish()?,
            Self::Plain(tally) => *tally,
        };
        tally.finish()
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::OpenPgp(writer) => writer.write(bytes),
            Self::Gzip(writer) => writer.write(bytes),
            Self::Plain(tally) => tally.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes and counts the stored bytes; collects small writes.
pub(crate) struct Tally {
    staged: Box<dyn Staged>,
    buffer: Vec<u8>,
    size: u64,
    sha1: Sha1,
    sha256: Sha256,
}

const BUFFER: usize = 256 * 1024;

impl Tally {
    fn new(staged: Box<dyn Staged>) -> Self {
        let (sha1, sha256) = (Sha1::new(), Sha256::new());
        Self { staged, buffer: Vec::with_capacity(BUFFER), size: 0, sha1, sha256 }
    }

    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
        self.staged.write_all(bytes)
    }

    fn empty_buffer(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.pass_on(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }

    fn finish(mut self) -> io::Result<Sealed> {
        self.empty_buffer()?;
        self.staged.seal()?;
        let (sha1, sha256) = (self.sha1.finalize().into(), self.sha256.finalize().into());
        Ok(Sealed { staged: Lying::Staged(self.staged), size: self.size, sha1, sha256 })
    }
}

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.empty_buffer()?;
        }
        if bytes.len() >= BUFFER {
            self.pass_on(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
