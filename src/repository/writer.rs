//! Writes one set: groups of volumes as they are ready, then the signatures, then the manifest.
//!
//! The manifest is the commit: until it is visible, the set does not exist for any reader. Groups
//! become visible in path order, each after its line in the journal is durable.

use std::io::{self, Write};

use super::catalog::LiveIngest;
use super::fragment::{Fragment, Signatures};
use super::journal::{self, Group, Journal};
use super::seal::{Sealed, SealedWriter, Sealing, put_error};
use super::{Chain, RECORDS_VERSION, Repository};
use crate::deflate::{GzipWriter, gunzip};
use crate::destination::Existing;
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
    /// Stored bytes of the journal's signatures that belong to the committed groups.
    signatures_end: u64,
    /// Final names of a group that failed on its way: some of them may be visible.
    failed: Vec<String>,
    /// `None` once there was trouble with it.
    catalog: Option<LiveIngest>,
    /// The signatures on their way to the place are not those of the committed groups.
    spoilt: bool,
}

impl<'r> SetWriter<'r> {
    pub(crate) fn create(
        repository: &'r Repository,
        sealing: Sealing,
        header: journal::Header,
    ) -> Result<Self> {
        let journal = Journal::create(repository.cache.folder(), header)?;
        let mut writer = Self::with_journal(repository, sealing, journal)?;
        let set = writer.set();
        let chain = set.from.and_then(|_| repository.newest_chain()).map_or(set.at, Chain::start);
        writer.catalog = LiveIngest::begin(repository, chain.0, set).ok();
        Ok(writer)
    }

    fn with_journal(repository: &'r Repository, sealing: Sealing, journal: Journal) -> Result<Self> {
        let manifest = Manifest {
            hostname: Some(journal.header.hostname.clone().into_bytes()),
            localdir: Some(journal.header.localdir.clone()),
            version: Some(RECORDS_VERSION),
            source_id: Some(journal.header.source_id.clone()),
            ..Manifest::default()
        };
        let signatures = SealedWriter::stage(&*repository.destination, &sealing)?;
        Ok(Self {
            repository,
            sealing,
            journal,
            manifest,
            signatures,
            signatures_plain: 0,
            stored_bytes: 0,
            next: None,
            signatures_end: 0,
            failed: Vec::new(),
            catalog: None,
            spoilt: false,
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
        writer.signatures_end = last.signatures_end;
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

    /// Makes a group of volumes visible. `signatures`: the entries of all that the group stands for (also when it
    /// has no volume of its own). `next`: first path not looked at yet.
    pub(crate) fn commit(
        &mut self,
        volumes: Vec<FinishedVolume>,
        signatures: &Fragment,
        next: Option<EntryPath>,
    ) -> Result<()> {
        let first = self.manifest.volumes.last().map_or(1, |volume| volume.number + 1);
        let lines: Vec<_> = (first..).zip(&volumes).map(|(number, volume)| line(number, volume)).collect();
        let plain = self.signatures_plain + signatures.plain;
        let group = self.journal.append(lines, &signatures.gzip, plain, next.as_ref())?;
        self.failed = (first..).zip(&volumes).map(|(number, _)| self.volume_name(number)).collect();
        let mut records = Vec::with_capacity(volumes.len());
        let mut stored_bytes = 0;
        for (number, volume) in (first..).zip(volumes) {
            let name = self.volume_name(number);
            let Sealed { staged, size, sha1, sha256 } = volume.sealed;
            staged.publish(&*self.repository.destination, &name, Existing::Refuse)?;
            stored_bytes += size;
            let (start, end) = (volume.start, volume.end);
            let hashes = (Some(sha1), Some(sha256));
            records.push(VolumeRecord { number, start, end, sha1: hashes.0, md5: None, sha256: hashes.1 });
        }
        // All of the group is there. Signatures of anything else would make the next run pass it over.
        self.spoilt = true;
        let copied = io::copy(&mut gunzip(&signatures.gzip[..]), &mut self.signatures).map_err(put_error)?;
        if copied != signatures.plain {
            return Err(Error::Internal("a fragment of signatures is not whole".into()));
        }
        self.spoilt = false;
        self.failed.clear();
        self.manifest.volumes.append(&mut records);
        self.stored_bytes += stored_bytes;
        self.signatures_plain = plain;
        self.signatures_end = group.signatures_end;
        self.next = next;
        self.catalog = self.catalog.take().and_then(|mut live| live.add(signatures).ok().map(|()| live));
        Ok(())
    }

    /// Stores the counts of the run beside the set.
    pub(crate) fn add_statistics(&mut self, text: &[u8]) -> Result<()> {
        let mut writer = SealedWriter::stage(&*self.repository.destination, &self.sealing)?;
        writer.write_all(text).map_err(put_error)?;
        let name = self.repository.name_of(self.set(), Part::Statistics, self.sealing.named());
        let sealed = writer.finish().map_err(put_error)?;
        self.stored_bytes += publish_anew(self.repository, sealed, &name)?;
        Ok(())
    }

    /// Completes the set with what was committed. `finished` is false when the walk was cut short.
    /// Returns stored bytes in all.
    pub(crate) fn finish(mut self, finished: bool) -> Result<u64> {
        self.withdraw_failed()?;
        if self.is_empty() {
            self.commit_empty_volume()?;
        }
        if !finished {
            // After the last group nothing is left to visit: only the end of the set was missing.
            self.manifest.unfinished = self.next.take();
        }
        let end = sigtar::end_of_archive(self.signatures_plain);
        self.signatures.write_all(&end).map_err(put_error)?;
        let set = self.set();
        let signatures = self.signatures.finish().map_err(put_error)?;
        let mut text = Vec::new();
        self.manifest.write(&mut text).map_err(internal)?;
        let mut manifest = SealedWriter::stage_manifest(&*self.repository.destination, &self.sealing)?;
        manifest.write_all(&text).map_err(put_error)?;
        let manifest = manifest.finish().map_err(put_error)?;
        // At once, one after the other: as long as there are signatures and no manifest, 0.8.22 finds nothing that it
        // could continue.
        let name = self.repository.name_of(set, Part::Signatures, self.sealing.named());
        let signatures_size = publish_anew(self.repository, signatures, &name)?;
        let name = self.repository.name_of(set, Part::Manifest, self.sealing.named_for_manifest());
        let manifest_size = publish_anew(self.repository, manifest, &name)?;

        // The set stands, whatever becomes of the cache: what is missing there is fetched from the place.
        let warm = Warm { signatures_end: self.signatures_end, end_of_archive: &end, manifest: &text };
        let _ = warm.cache(self.repository, self.journal, self.catalog, signatures_size, manifest_size);
        Ok(self.stored_bytes + signatures_size + manifest_size)
    }

    /// A volume that the manifest does not name would look like a manifest that was cut off.
    fn withdraw_failed(&mut self) -> Result<()> {
        if self.spoilt {
            return Err(Error::Internal("the signatures of this run are not whole".into()));
        }
        for name in std::mem::take(&mut self.failed) {
            self.repository.destination.delete(&name)?;
        }
        Ok(())
    }

    /// Gives the set up: nothing of it is whole.
    pub(crate) fn discard(mut self) -> Result<()> {
        self.withdraw_failed()?;
        self.journal.discard()
    }

    /// Stock always has a volume, also when nothing changed (`FORMAT.md`, entries).
    fn commit_empty_volume(&mut self) -> Result<()> {
        let writer = SealedWriter::stage(&*self.repository.destination, &self.sealing)?;
        let writer = DifftarWriter::new(writer).finish().map_err(put_error)?;
        let sealed = writer.finish().map_err(put_error)?;
        let root = Boundary { path: EntryPath::root(), block: None };
        let volume = FinishedVolume { sealed, start: root.clone(), end: root };
        let next = self.next.clone();
        self.commit(vec![volume], &Signatures::new()?.finish()?, next)
    }
}

/// What the next run finds in the cache instead of fetching it.
struct Warm<'a> {
    signatures_end: u64,
    end_of_archive: &'a [u8],
    manifest: &'a [u8],
}

impl Warm<'_> {
    /// Sizes: bytes as stored at the place.
    fn cache(
        self,
        repository: &Repository,
        journal: Journal,
        catalog: Option<LiveIngest>,
        signatures_size: u64,
        manifest_size: u64,
    ) -> Result<()> {
        let set = journal.header.set();
        let signatures = repository.cached_signatures_name(set);
        let manifest = repository.cached_manifest_name(set);
        let last_member = gzip_member(self.end_of_archive)?;
        let cache = &repository.cache;
        journal.finish(self.signatures_end, &last_member, &cache.folder().join(&signatures))?;
        cache.replace(&manifest, |file| file.write_all(self.manifest))?;
        let sha256 = cache.vouch(&[(&manifest, manifest_size), (&signatures, signatures_size)])?;
        catalog.map_or(Ok(()), |catalog| catalog.finish(&sha256))
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
fn publish_anew(repository: &Repository, sealed: Sealed, name: &str) -> Result<u64> {
    sealed.staged.publish(&*repository.destination, name, Existing::Replace)?;
    Ok(sealed.size)
}

fn gzip_member(plain: &[u8]) -> Result<Vec<u8>> {
    let member = || -> io::Result<Vec<u8>> {
        let mut out = GzipWriter::new(Vec::new())?;
        out.write_all(plain)?;
        out.finish()
    };
    member().map_err(internal)
}

fn internal(error: io::Error) -> Error {
    Error::Internal(error.to_string())
}
