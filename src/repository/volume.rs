//! One stored volume: its bytes are checked against the manifest's hash before any of them is parsed.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Repository;
use crate::duplicity::chain::BackupSet;
use crate::duplicity::manifest::VolumeRecord;
use crate::duplicity::name::Part;
use crate::error::{Error, Result};

/// Volumes up to this many stored bytes are held in memory between the check and the reading; larger
/// ones are spooled (still sealed) to an unnamed temporary file.
const IN_MEMORY: u64 = 40 << 20;

impl Repository {
    /// Plain tar of a volume whose stored bytes are what the manifest says.
    pub(crate) fn volume(&self, set: &BackupSet, record: &VolumeRecord) -> Result<Box<dyn Read + Send>> {
        let Some(name) = set.volumes.get(&record.number) else {
            let name = self.name_of(set.id, Part::Volume(record.number), set.sealing);
            return Err(Error::Damaged { what: format!("{name} is missing") });
        };
        let stored = self.destination.open(name)?;
        let size = self.size_of(name).unwrap_or(u64::MAX);
        if size <= IN_MEMORY {
            let mut bytes = Vec::with_capacity(size as usize);
            let sound = checked_copy(stored, &mut bytes, record).map_err(unreadable(name))?;
            require(sound, name)?;
            return self.unseal(name, Cursor::new(bytes));
        }
        let mut spool = tempfile::tempfile().map_err(Error::local(std::env::temp_dir()))?;
        let sound = checked_copy(stored, &mut spool, record).map_err(unreadable(name))?;
        require(sound, name)?;
        spool.seek(SeekFrom::Start(0)).map_err(Error::local(std::env::temp_dir()))?;
        self.unseal(name, io::BufReader::with_capacity(1 << 18, spool))
    }
}

fn unreadable(name: &str) -> impl FnOnce(io::Error) -> Error {
    let name = name.to_string();
    move |error| Error::Damaged { what: format!("{name} cannot be read: {error}") }
}

fn require(sound: bool, name: &str) -> Result<()> {
    if sound { Ok(()) } else { Err(Error::Damaged { what: format!("{name} is not what was stored") }) }
}

/// Copies and tells whether the hash is right: the strongest one that the manifest has.
pub(super) fn checked_copy(
    stored: impl Read,
    to: &mut impl io::Write,
    record: &VolumeRecord,
) -> io::Result<bool> {
    if let Some(expected) = &record.sha256 {
        Ok(hashed_copy::<Sha256>(stored, to)? == expected[..])
    } else if let Some(expected) = &record.sha1 {
        Ok(hashed_copy::<Sha1>(stored, to)? == expected[..])
    } else if let Some(expected) = &record.md5 {
        Ok(hashed_copy::<Md5>(stored, to)? == expected[..])
    } else {
        Ok(false)
    }
}

fn hashed_copy<D: Digest>(mut stored: impl Read, to: &mut impl io::Write) -> io::Result<Vec<u8>> {
    let mut hasher = D::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match stored.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_vec()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                to.write_all(&buffer[..n])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
