//! One stored volume: its bytes are checked against the manifest's hash before any of them is parsed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Repository;
use crate::crypto::Ciphertext;
use crate::duplicity::chain::BackupSet;
use crate::duplicity::manifest::VolumeRecord;
use crate::duplicity::name::{Part, Sealing};
use crate::error::{Error, Result, opening, reading};

/// Stored bytes of a volume that may be held in memory where only one is read at a time.
pub(super) const IN_MEMORY: usize = 40 << 20;

/// Bytes read, and hashed while they are at hand, at a time.
const STEP: u64 = 1 << 18;
/// Plain bytes taken from a decoder at a time: it is slow for every few hundred bytes by themselves.
const PLAIN: usize = 1 << 15;

impl Repository {
    /// Plain tar of a volume whose stored bytes are what the manifest says.
    pub(crate) fn volume(
        &self,
        set: &BackupSet,
        record: &VolumeRecord,
        memory: &Memory,
    ) -> Result<Box<dyn Read + Send>> {
        let Some(name) = set.volumes.get(&record.number) else {
            let name = self.name_of(set.id, Part::Volume(record.number), set.sealing);
            return Err(Error::Damaged { what: format!("{name} is missing") });
        };
        let Some(mut sealed) = checked(self.destination.open(name)?, name, record, memory)? else {
            return Err(Error::Damaged { what: format!("{name} is not what was stored") });
        };
        if self.opener.demands().is_some() {
            // The signature comes last, and nothing is used before it was seen.
            let mut signed = self.unseal(name, &mut sealed, ciphertext(set, record))?;
            io::copy(&mut signed, &mut io::sink()).map_err(|error| opening(name, error.into()))?;
            drop(signed);
            sealed.rewind().map_err(Error::local(tempfile::env::temp_dir()))?;
        }
        let unsealed = self.unseal(name, sealed, ciphertext(set, record))?;
        Ok(Box::new(BufReader::with_capacity(PLAIN, unsealed)))
    }
}

/// What is known of a volume that has the recorded hash. Only an encrypted manifest says who wrote it, and a hash of
/// MD5 alone is weaker than the check inside the volume.
fn ciphertext(set: &BackupSet, record: &VolumeRecord) -> Ciphertext {
    let manifest = set.manifest.as_ref().map(|name| Sealing::of(name.as_bytes()));
    let strong = record.sha256.is_some() || record.sha1.is_some();
    if manifest == Some(Sealing::OpenPgp) && strong { Ciphertext::Proven } else { Ciphertext::Unproven }
}

/// Memory for stored bytes between the check and the reading, used again for the next volume.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Bytes per volume; larger ones wait (still sealed) in an unnamed temporary file.
    limit: usize,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, free: Arc::default() }
    }

    fn buffer(&self) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: free.unwrap_or_default(), memory: self.clone() }
    }
}

struct Buffer {
    bytes: Vec<u8>,
    memory: Memory,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.memory.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

/// Can be read again from its beginning.
pub(super) trait Spool: Read + Seek + Send + Sync {}

impl<S: Read + Seek + Send + Sync> Spool for S {}

type Sealed = Box<dyn Spool>;

/// The stored bytes if they have the recorded hash: the strongest one that the manifest has.
pub(super) fn checked(
    stored: impl Read,
    name: &str,
    record: &VolumeRecord,
    memory: &Memory,
) -> Result<Option<Sealed>> {
    let (sealed, sound) = if let Some(expected) = &record.sha256 {
        let (sealed, hash) = hashed_copy::<Sha256>(stored, name, memory)?;
        (sealed, hash == expected[..])
    } else if let Some(expected) = &record.sha1 {
        let (sealed, hash) = hashed_copy::<Sha1>(stored, name, memory)?;
        (sealed, hash == expected[..])
    } else if let Some(expected) = &record.md5 {
        let (sealed, hash) = hashed_copy::<Md5>(stored, name, memory)?;
        (sealed, hash == expected[..])
    } else {
        return Ok(None);
    };
    Ok(sound.then_some(sealed))
}

/// A place that cannot read an object is damaged there; a file that cannot be written is our trouble.
fn hashed_copy<D: Digest>(mut stored: impl Read, name: &str, memory: &Memory) -> Result<(Sealed, Vec<u8>)> {
    let here = |source| Error::local(tempfile::env::temp_dir())(source);
    let mut hasher = D::new();
    let mut buffer = memory.buffer();
    let mut spool: Option<File> = None;
    loop {
        let start = buffer.bytes.len();
        let read = stored.by_ref().take(STEP).read_to_end(&mut buffer.bytes);
        let count = read.map_err(|error| reading(name, error))?;
        hasher.update(&buffer.bytes[start..]);
        if count == 0 {
            break;
        }
        if spool.is_some() || buffer.bytes.len() > memory.limit {
            let mut file = spool.take().map_or_else(tempfile::tempfile, Ok).map_err(here)?;
            file.write_all(&buffer.bytes).map_err(here)?;
            buffer.bytes.clear();
            spool = Some(file);
        }
    }
    let sealed: Sealed = match spool {
        None => Box::new(Cursor::new(buffer)),
        Some(mut file) => {
            file.seek(SeekFrom::Start(0)).map_err(here)?;
            Box::new(BufReader::with_capacity(STEP as usize, file))
        }
    };
    Ok((sealed, hasher.finalize().to_vec()))
}
