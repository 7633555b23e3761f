//! One stored volume: its bytes are checked against the manifest's hash before any of them is parsed.

use std::io::{self, Read, Seek, SeekFrom, Write};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::Repository;
use crate::duplicity::chain::BackupSet;
use crate::duplicity::manifest::VolumeRecord;
use crate::duplicity::name::Part;
use crate::error::{Error, Result};

/// Stored bytes of a volume that may be held in memory where only one is read at a time.
pub(super) const IN_MEMORY: usize = 40 << 20;

impl Repository {
    /// Plain tar of a volume whose stored bytes are what the manifest says. Up to `in_memory` stored bytes are
    /// held in memory between the check and the reading; more are spooled (still sealed) to an unnamed
    /// temporary file.
    pub(crate) fn volume(
        &self,
        set: &BackupSet,
        record: &VolumeRecord,
        in_memory: usize,
    ) -> Result<Box<dyn Read + Send>> {
        let Some(name) = set.volumes.get(&record.number) else {
            let name = self.name_of(set.id, Part::Volume(record.number), set.sealing);
            return Err(Error::Damaged { what: format!("{name} is missing") });
        };
        let Some(spool) = checked(self.destination.open(name)?, name, record, in_memory)? else {
            return Err(Error::Damaged { what: format!("{name} is not what was stored") });
        };
        self.unseal(name, io::BufReader::with_capacity(1 << 18, spool))
    }
}

/// The stored bytes if they have the recorded hash: the strongest one that the manifest has.
pub(super) fn checked(
    stored: impl Read,
    name: &str,
    record: &VolumeRecord,
    in_memory: usize,
) -> Result<Option<SpooledTempFile>> {
    let mut spool = tempfile::spooled_tempfile(in_memory);
    let sound = if let Some(expected) = &record.sha256 {
        hashed_copy::<Sha256>(stored, name, &mut spool)? == expected[..]
    } else if let Some(expected) = &record.sha1 {
        hashed_copy::<Sha1>(stored, name, &mut spool)? == expected[..]
    } else if let Some(expected) = &record.md5 {
        hashed_copy::<Md5>(stored, name, &mut spool)? == expected[..]
    } else {
        false
    };
    spool.seek(SeekFrom::Start(0)).map_err(Error::local(tempfile::env::temp_dir()))?;
    Ok(sound.then_some(spool))
}

/// A place that cannot read an object is damaged there; a spool that cannot be written is our trouble.
fn hashed_copy<D: Digest>(mut stored: impl Read, name: &str, spool: &mut SpooledTempFile) -> Result<Vec<u8>> {
    let mut hasher = D::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match stored.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_vec()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                spool.write_all(&buffer[..n]).map_err(Error::local(tempfile::env::temp_dir()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::damaged(format!("{name} cannot be read: {error}"))),
        }
    }
}
