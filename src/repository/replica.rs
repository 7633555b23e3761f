//! A set copied to another place: every stored byte is checked, opened, and sealed anew as that place wants it.
//!
//! The order is that of a backup, the manifest last, so that a copy that was cut off is no set there.

use std::io::{self, Read, Write};

use super::seal::{Sealed, SealedWriter, Sealing, put_error};
use super::volume::{IN_MEMORY, Memory};
use super::{BackupSet, Repository};
use crate::crypto::Ciphertext;
use crate::destination::Existing;
use crate::duplicity::manifest::{Manifest, VolumeRecord};
use crate::duplicity::name::{Part, Sealing as Named};
use crate::error::{Error, Result, opening};

/// Plain bytes on their way at a time.
const STEP: usize = 1 << 17;

impl Repository {
    /// Whether all of a set of another repository is here, too.
    pub(crate) fn has(&self, set: &BackupSet) -> bool {
        self.sets().any(|here| here.id == set.id && here.manifest.is_some())
    }
}

/// Where the copies go, and how they are sealed there.
pub(crate) struct Replica<'r> {
    pub(crate) to: &'r Repository,
    pub(crate) sealing: Sealing,
}

impl Replica<'_> {
    /// `between`: called before each volume; its error ends the copying.
    pub(crate) fn copy(
        &self,
        from: &Repository,
        set: &BackupSet,
        mut between: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        // What was cut off may be sealed in another way, and a volume must not be there twice.
        self.to.sets().filter(|there| there.id == set.id).try_for_each(|there| self.to.remove(there))?;
        let mut manifest = from.manifest(set)?;
        let memory = Memory::new(IN_MEMORY);
        for record in &mut manifest.volumes {
            between()?;
            let part = Part::Volume(record.number);
            let sealed = self.put(set, part, from.volume(set, record, &memory)?)?;
            *record = VolumeRecord {
                sha1: Some(sealed.sha1),
                md5: None,
                sha256: Some(sealed.sha256),
                ..record.clone()
            };
        }
        if set.signatures.is_some() {
            self.put(set, Part::Signatures, from.signatures(set)?)?;
        }
        if let Some(name) = &set.statistics {
            let stored = from.destination.open(name)?;
            self.put(set, Part::Statistics, from.unseal(name, stored, Ciphertext::Unproven)?)?;
        }
        between()?;
        self.put_manifest(set, &manifest)
    }

    fn put_manifest(&self, set: &BackupSet, manifest: &Manifest) -> Result<()> {
        let mut text = Vec::new();
        manifest.write(&mut text).map_err(Error::damaged)?;
        let mut writer = SealedWriter::stage_manifest(&*self.to.destination, &self.sealing)?;
        writer.write_all(&text).map_err(put_error)?;
        self.publish(set, Part::Manifest, self.sealing.named_for_manifest(), writer).map(drop)
    }

    /// Seals all of `plain`. What hashes it has afterwards.
    fn put(&self, set: &BackupSet, part: Part, mut plain: impl Read) -> Result<Hashes> {
        let mut writer = SealedWriter::stage(&*self.to.destination, &self.sealing)?;
        let mut buffer = vec![0; STEP];
        loop {
            match plain.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => writer.write_all(&buffer[..count]).map_err(put_error)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(opening(&format!("{part:?} of the backup"), error.into())),
            }
        }
        self.publish(set, part, self.sealing.named(), writer)
    }

    fn publish(&self, set: &BackupSet, part: Part, named: Named, writer: SealedWriter) -> Result<Hashes> {
        let Sealed { staged, sha1, sha256, .. } = writer.finish().map_err(put_error)?;
        staged.publish(&*self.to.destination, &self.to.name_of(set.id, part, named), Existing::Refuse)?;
        Ok(Hashes { sha1, sha256 })
    }
}

struct Hashes {
    sha1: [u8; 20],
    sha256: [u8; 32],
}
