//! Writes one set: groups of volumes as they are ready, then the signatures, then the manifest.
//!
//! The manifest is the commit: until it is visible, the set does not exist for any reader. Groups
//! become visible in path order, each after its line in the journal is durable.

use std::io::{self, Write};

use super::journal::{self, Group, Journal};
use super::seal::{Sealed, SealedWriter, Sealing};
use super::{RECORDS_VERSION, Repository};
use crate::deflate::{self, GzipWriter, gunzip};
use crate::destination::{DestinationError, Existing};
use crate::duplicity::difftar::DifftarWriter;
use crate::duplicity::manifest::{Boundary, Manifest, VolumeRecord};
use crate::duplicity::name::{Part, SetId};
use crate::duplicity::sigtar;
use crate::entry::EntryPath;
use crate::error::{Error, Result};

/// A sealed volume that waits to be published.
pub(crate) struct FinishedVolume {
    pub(crate) sealed: Sealed,
    pub(crate) start: Boundary,
    pub(crate) end: Boundary,
}

pub(crate) struct SetWriter<'r> {
    repository: &'r Repository,
    sealing: Sealing,
    journal: Journal,
    manifest: Manifest,
    signatures: SealedWriter,
    /// Plain bytes of sigtar written.
    signatures_plain: u64,
    stored_bytes: u64,
    next: Option<EntryPath>,
}

impl<'r> SetWriter<'r> {
    pub(crate) fn create(
        repository: &'r Repository,
        sealing: Sealing,
        header: journal::Header,
    ) -> Result<Self> {
        let journal = Journal::create(repository.cache.folder(), header)?;
        Self::with_journal(repository, sealing, journal)
    }

    fn with_journal(repository: &'r Repository, sealing: Sealing, journal: Journal) -> Result<Self> {
        let manifest = Manifest {
            hostname: Some(journal.header.hostname.clone().into_bytes()),
            localdir: Some(journal.header.localdir.clone()),
            version: Some(RECORDS_VERSION),
            source_id: Some(journal.header.source_id.clone()),
            ..Manifest::default()
        };
        let staged = repository.destination.stage()?;
        let signatures = SealedWriter::new(staged, &sealing).map_err(put_error)?;
        Ok(Self {
            repository,
            sealing,
            journal,
            manifest,
            signatures,
            signatures_plain: 0,
            stored_bytes: 0,
            next: None,
        })
    }

    /// Takes up the set of a run that died: `groups` are published already.
    pub(super) fn resume(
        repository: &'r Repository,
        sealing: Sealing,
        journal: Journal,
        groups: &[Group],
    ) -> Result<Self> {
        let mut writer = Self::with_journal(repository, sealing, journal)?;
        let Some(last) = groups.last() else { return Ok(writer) };
        for volume in groups.iter().flat_map(|group| &group.volumes) {
            writer.manifest.volumes.push(volume.record()?);
            writer.stored_bytes += volume.size;
        }
        let mut fragments = gunzip(writer.journal.signatures_until(last.signatures_end)?);
        writer.signatures_plain = io::copy(&mut fragments, &mut writer.signatures).map_err(put_error)?;
        drop(fragments);
        if writer.signatures_plain != last.signatures_plain {
            return Err(Error::damaged("the journal of the interrupted run"));
        }
        writer.next = match &last.next {
            Some(path) => Some(EntryPath::parse(path).map_err(Error::damaged)?),
            None => None,
        };
        Ok(writer)
    }

    pub(crate) fn set(&self) -> SetId {
        self.journal.header.set()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.manifest.volumes.is_empty()
    }

    fn volume_name(&self, number: u32) -> String {
        self.repository.name_of(self.set(), Part::Volume(number), self.sealing.named())
    }

    /// Makes a group of volumes visible. `signatures`: gzip member with the sigtar entries of all that the
    /// group stands for (also when it has no volume of its own). `next`: first path not looked at yet.
    pub(crate) fn commit(
        &mut self,
        volumes: Vec<FinishedVolume>,
        signatures: &[u8],
        next: Option<EntryPath>,
    ) -> Result<()> {
        let first = self.manifest.volumes.last().map_or(1, |volume| volume.number + 1);
        let lines: Vec<_> = (first..).zip(&volumes).map(|(number, volume)| line(number, volume)).collect();
        self.signatures_plain +=
            io::copy(&mut gunzip(signatures), &mut self.signatures).map_err(put_error)?;
        self.journal.append(lines, signatures, self.signatures_plain, next.as_ref())?;
        for (number, volume) in (first..).zip(volumes) {
            let name = self.volume_name(number);
            let Sealed { staged, size, sha1, sha256 } = volume.sealed;
            staged.publish(&*self.repository.destination, &name, Existing::Refuse)?;
            self.stored_bytes += size;
            let (start, end) = (volume.start, volume.end);
            let hashes = (Some(sha1), Some(sha256));
            let record = VolumeRecord { number, start, end, sha1: hashes.0, md5: None, sha256: hashes.1 };
            self.manifest.volumes.push(record);
        }
        self.next = next;
        Ok(())
    }

    /// Completes the set with what was committed. `finished` is false when the walk was cut short.
    /// Returns stored bytes in all.
    pub(crate) fn finish(mut self, finished: bool) -> Result<u64> {
        if self.is_empty() {
            self.commit_empty_volume()?;
        }
        if !finished {
            self.manifest.unfinished = Some(self.next.take().unwrap_or_default());
        }
        let end = sigtar::end_of_archive(self.signatures_plain);
        self.signatures.write_all(&end).map_err(put_error)?;
        let set = self.set();
        let name = self.repository.name_of(set, Part::Signatures, self.sealing.named());
        self.stored_bytes += publish_anew(self.repository, self.signatures, &name)?;

        let mut text = Vec::new();
        self.manifest.write(&mut text).map_err(|e| Error::Internal(e.to_string()))?;
        let staged = self.repository.destination.stage()?;
        let mut manifest = SealedWriter::for_manifest(staged, &self.sealing).map_err(put_error)?;
        manifest.write_all(&text).map_err(put_error)?;
        let name = self.repository.name_of(set, Part::Manifest, self.sealing.named_for_manifest());
        self.stored_bytes += publish_anew(self.repository, manifest, &name)?;

        // The set stands. What follows only warms the cache.
        let cached = self.repository.cached_signatures_name(set);
        let plain = self.repository.name_of(set, Part::Manifest, crate::duplicity::name::Sealing::Plain);
        self.journal.finish(&gzip_member(&end)?, &self.repository.cache.folder().join(&cached))?;
        self.repository.cache.vouch(&cached)?;
        self.repository.cache.replace(&plain, |file| file.write_all(&text))?;
        Ok(self.stored_bytes)
    }

    /// Gives the set up: nothing of it was published.
    pub(crate) fn discard(self) -> Result<()> {
        self.journal.discard()
    }

    /// Stock always has a volume, also when nothing changed (`FORMAT.md`, entries).
    fn commit_empty_volume(&mut self) -> Result<()> {
        let staged = self.repository.destination.stage()?;
        let writer = SealedWriter::new(staged, &self.sealing).map_err(put_error)?;
        let writer = DifftarWriter::new(writer).finish().map_err(put_error)?;
        let sealed = writer.finish().map_err(put_error)?;
        let root = Boundary { path: EntryPath::root(), block: None };
        let volume = FinishedVolume { sealed, start: root.clone(), end: root };
        let next = self.next.clone();
        self.commit(vec![volume], &gzip_member(&[])?, next)
    }
}

pub(crate) fn line(number: u32, volume: &FinishedVolume) -> journal::Volume {
    let boundary = |b: &Boundary| (b.path.as_bytes().to_vec(), b.block);
    journal::Volume {
        number,
        staged: volume.sealed.staged.name().to_string(),
        size: volume.sealed.size,
        sha1: volume.sealed.sha1,
        sha256: volume.sealed.sha256,
        start: boundary(&volume.start),
        end: boundary(&volume.end),
    }
}

/// A leftover of the same name (signatures of a run that died before its manifest) is replaced.
fn publish_anew(repository: &Repository, writer: SealedWriter, name: &str) -> Result<u64> {
    let sealed = writer.finish().map_err(put_error)?;
    sealed.staged.publish(&*repository.destination, name, Existing::Replace)?;
    Ok(sealed.size)
}

fn gzip_member(plain: &[u8]) -> Result<Vec<u8>> {
    let member = || -> io::Result<Vec<u8>> {
        let mut out = GzipWriter::new(Vec::new(), deflate::DEFAULT_LEVEL)?;
        out.write_all(plain)?;
        out.finish()
    };
    member().map_err(|e| Error::Internal(e.to_string()))
}

/// Between plain bytes and the place only the place can fail.
pub(crate) fn put_error(error: io::Error) -> Error {
    Error::Destination(DestinationError::from_io("the place", error))
}
