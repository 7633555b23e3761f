//! How stored files are sealed (OpenPGP, or gzip in the clear) and counted on their way to the place.

use std::io::{self, Read, Write};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Repository;
use crate::crypto::{self, Ciphertext, MessageWriter, Sealer, protection_of};
use crate::deflate::GzipWriter;
use crate::destination::{Destination, DestinationError, Existing, Staged};
use crate::duplicity::chain::{BackupSet, Chain};
use crate::duplicity::name;
use crate::error::{Error, Result, opening};

/// More octets than a message has before its data.
const ENVELOPE: u64 = 256 * 1024;

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

impl Repository {
    /// How to seal a new set on top of `continued` (none: a new chain). All files of a chain share one salt of the
    /// passphrase, so that reading it costs one key derivation.
    pub(crate) fn sealing(&self, encrypt: bool, continued: &[BackupSet]) -> Result<Sealing> {
        if !encrypt {
            return Ok(Sealing::Gzip);
        }
        let newest = continued.last().and_then(|set| set.manifest.as_ref());
        let salt = match newest {
            Some(name) => protection_of(&*self.stored_manifest(name)?).map_err(|e| opening(name, e))?.salt(),
            None => None,
        };
        self.sealing_with(salt)
    }

    /// `salt`: see [`crate::crypto::Opener::sealer`].
    pub(super) fn sealing_with(&self, salt: Option<[u8; 8]>) -> Result<Sealing> {
        Ok(Sealing::OpenPgp(self.opener.sealer(salt).map_err(|e| opening("the new backup", e))?))
    }

    /// Whether who can open the newest backup of a chain can open the next one, and nobody else.
    pub(crate) fn is_sealed_alike(&self, chain: &Chain, encrypt: bool) -> Result<bool> {
        let (full, newest) = (chain.full(), chain.newest().manifest.as_ref());
        match newest.filter(|_| encrypt && full.sealing.is_encrypted()) {
            Some(name) => self.is_protected_alike(name, &*self.stored_manifest(name)?),
            None => Ok(full.sealing.is_encrypted() == encrypt),
        }
    }

    /// `stored`: the encrypted file `name`.
    pub(super) fn is_protected_alike(&self, name: &str, mut stored: impl Read + Send + Sync) -> Result<bool> {
        let failed = |error| opening(name, error);
        let mut start = Vec::new();
        stored.by_ref().take(ENVELOPE).read_to_end(&mut start).map_err(|error| failed(error.into()))?;
        let before = protection_of(start.as_slice()).map_err(failed)?;
        let alike = before.is_like(&self.opener.protection().map_err(failed)?);
        if !alike || before.is_for_keys() || !self.opener.knows_older() {
            return Ok(alike);
        }
        // How a message begins does not say which passphrase it needs.
        match self.opener.without_older().open(io::Cursor::new(start).chain(stored), Ciphertext::Unproven) {
            Err(crypto::Error::PassphraseWrong | crypto::Error::PassphraseNeeded) => Ok(false),
            opened => opened.map(|_| true).map_err(failed),
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
        let published = match self {
            Self::Staged(staged) => staged.publish(name, existing),
            Self::Parked(parked) => destination.adopt(&parked, name),
        };
        Ok(published?)
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
    /// Begins an upload of a volume or signature archive.
    pub(crate) fn stage(destination: &dyn Destination, sealing: &Sealing) -> Result<Self> {
        let tally = Tally::new(destination)?;
        let sealed = match sealing {
            Sealing::OpenPgp(sealer) => {
                MessageWriter::new(tally, sealer).map(|writer| Self::OpenPgp(Box::new(writer)))
            }
            Sealing::Gzip => GzipWriter::new(tally).map(|writer| Self::Gzip(Box::new(writer))),
        };
        sealed.map_err(put_error)
    }

    pub(crate) fn stage_manifest(destination: &dyn Destination, sealing: &Sealing) -> Result<Self> {
        match sealing {
            Sealing::OpenPgp(_) => Self::stage(destination, sealing),
            Sealing::Gzip => Ok(Self::Plain(Box::new(Tally::new(destination)?))),
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

/// Between plain bytes and the place only the place can fail, and the key that signs; the error travels inside the
/// writers'.
pub(crate) fn put_error(error: io::Error) -> Error {
    match error.downcast::<crypto::Error>() {
        Ok(error) => opening("the new backup", error),
        Err(error) => Error::Destination(DestinationError::from_io("the place", error)),
    }
}

/// Hashes and counts the stored bytes; collects small writes.
pub(crate) struct Tally {
    staged: Box<dyn Staged>,
    /// The place, for errors.
    place: String,
    buffer: Vec<u8>,
    size: u64,
    sha1: Sha1,
    sha256: Sha256,
}

/// As much as the writers of messages hand on at once, so that it is not gathered again.
const BUFFER: usize = 64 * 1024;

impl Tally {
    fn new(destination: &dyn Destination) -> Result<Self> {
        let (staged, place) = (destination.stage()?, destination.describe());
        let (sha1, sha256) = (Sha1::new(), Sha256::new());
        Ok(Self { staged, place, buffer: Vec::with_capacity(BUFFER), size: 0, sha1, sha256 })
    }

    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
        let written = self.staged.write_all(bytes);
        written.map_err(|error| DestinationError::from_io(&*self.place, error).into())
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
