//! Backups as sets of files at a place: opened, listed, read and written.
//!
//! Nothing above this module knows how a backup is spelled in files; nothing here knows local trees or
//! deltas. Bytes are believed only when authenticated: a manifest's message first, then a volume's stored
//! bytes against the hash in that manifest, before any of it is parsed.

pub(crate) mod basis;
mod body;
mod cache;
pub(crate) mod catalog;
pub(crate) mod chronicle;
mod fragment;
pub(crate) mod journal;
mod members;
pub(crate) mod parked;
mod recover;
mod removal;
pub(crate) mod replica;
pub(crate) mod seal;
pub(crate) mod stream;
mod volume;
pub(crate) mod volumes;
pub(crate) mod writer;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use crate::duplicity::chain::{BackupSet, Chain, Collection, SignatureState};
pub(crate) use crate::duplicity::difftar::Body;
pub(crate) use crate::duplicity::manifest::quote::quote;
pub(crate) use crate::duplicity::manifest::{Manifest, VolumeRecord};
pub(crate) use crate::duplicity::name::SetId;
pub(crate) use crate::duplicity::time::SetTime;
pub use crate::duplicity::time::{InvalidTime, asctime, parse_user_time};
pub(crate) use body::BodyWriter;
pub(crate) use cache::Cache;
pub(crate) use catalog::Prior;
pub(crate) use fragment::{Fragment, Signatures};
pub(crate) use recover::{Recovered, recover};
pub(crate) use removal::Leftovers;

use crate::crypto::Ciphertext;
pub(crate) use crate::crypto::Opener;
pub use crate::crypto::{Gnupg, Keys, Recipient, Setup, UsableKey};
use crate::destination::{Destination, ErrorKind, Stored, is_upload_name};
pub use crate::duplicity::name::Prefixes;
use crate::duplicity::name::{FileName, Part, Sealing};
use crate::error::{Error, Result, opening, reading};

/// The format of our own records that this version writes and knows (`FORMAT.md`, our own records).
pub(crate) const RECORDS_VERSION: u32 = 1;

/// Manifests are read whole; more than this is not a manifest.
const MANIFEST_LIMIT: u64 = 1 << 30;
/// Lists of files become a tenth or less; a small message that becomes more than this, and more than so many times what
/// is stored, was made to fill the memory.
const MANIFEST_PLAIN: u64 = 64 << 20;
const MANIFEST_RATIO: u64 = 64;

pub(crate) struct Repository {
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) cache: Cache,
    pub(crate) opener: Opener,
    pub(crate) collection: Collection,
    prefixes: Prefixes,
    sizes: HashMap<String, u64>,
    listed: Vec<Stored>,
    read_first: Mutex<Option<ReadFirst>>,
}

/// The manifest that was read first: the newest, which is wanted several times.
struct ReadFirst {
    name: String,
    /// As stored.
    stored: Arc<[u8]>,
    /// Once it was opened and parsed.
    manifest: Option<Manifest>,
}

impl Repository {
    /// Lists the place once; reads nothing else.
    pub(crate) fn open(
        destination: Arc<dyn Destination>,
        opener: Opener,
        cache: &Path,
        prefixes: Prefixes,
    ) -> Result<Self> {
        let mut repository = Self {
            destination,
            cache: Cache::open(cache)?,
            opener,
            collection: Collection::default(),
            prefixes,
            sizes: HashMap::new(),
            listed: Vec::new(),
            read_first: Mutex::default(),
        };
        repository.reload()?;
        Ok(repository)
    }

    pub(crate) fn reload(&mut self) -> Result<()> {
        self.listed = self.destination.list()?;
        self.sizes = self.listed.iter().map(|file| (file.name.clone(), file.size)).collect();
        self.collection = Collection::from_names(self.sizes.keys(), &self.prefixes);
        self.read_first = Mutex::default();
        Ok(())
    }

    /// Everything that lay at the place when it was listed.
    pub(crate) fn listed(&self) -> &[Stored] {
        &self.listed
    }

    pub(crate) fn name_of(&self, set: SetId, part: Part, sealing: Sealing) -> String {
        FileName { set, part, sealing, partial: false }.format(&self.prefixes)
    }

    /// Stored bytes of a listed file.
    pub(crate) fn size_of(&self, name: &str) -> Option<u64> {
        self.sizes.get(name).copied()
    }

    /// Time of the newest set of any kind at the place: a later one must not share or precede it.
    pub(crate) fn newest_time(&self) -> Option<SetTime> {
        self.sets().map(|set| set.id.at).max()
    }

    /// Every set at the place, whole or not.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &BackupSet> {
        let Collection { chains, orphaned, incomplete, .. } = &self.collection;
        chains.iter().flat_map(|chain| &chain.sets).chain(orphaned).chain(incomplete)
    }

    /// The files that belong to backups, and uploads that never became any: in an order in which they can be
    /// deleted one by one so that what is left is whole.
    pub(crate) fn files_newest_first(&self) -> Vec<Stored> {
        let place_in_order = |stored: &Stored| {
            let name = FileName::parse(stored.name.as_bytes(), &self.prefixes)?;
            let rank = match name.part {
                Part::Manifest => 0,
                Part::Signatures => 1,
                Part::Volume(_) | Part::Statistics => 2,
            };
            Some((Reverse(name.set.at), rank))
        };
        let is_ours = |stored: &&Stored| place_in_order(stored).is_some() || is_upload_name(&stored.name);
        let mut files: Vec<_> = self.listed.iter().filter(is_ours).cloned().collect();
        files.sort_by_cached_key(|stored| place_in_order(stored));
        files
    }

    /// The newest chain, if there is any.
    pub(crate) fn newest_chain(&self) -> Option<&Chain> {
        self.collection.chains.last()
    }

    /// Plain content of a stored file, unsealed as its name says. Whether it is whole is known at its end.
    pub(crate) fn unseal<'a>(
        &self,
        name: &str,
        stored: impl Read + Send + Sync + 'a,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        let sealing = FileName::parse(name.as_bytes(), &self.prefixes).map(|name| name.sealing);
        match (sealing, self.opener.demands()) {
            (Some(Sealing::OpenPgp), _) => {
                self.opener.open(stored, ciphertext).map_err(|error| opening(name, error))
            }
            // What is in the clear can bear no signature.
            (_, Some(by)) => Err(Error::NotSigned { what: name.into(), by: by.into() }),
            (sealing, None) => Self::unseal_plain(name, sealing, stored),
        }
    }

    fn unseal_plain<'a>(
        name: &str,
        sealing: Option<Sealing>,
        stored: impl Read + Send + Sync + 'a,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        match sealing {
            Some(Sealing::Gzip) => Ok(Box::new(crate::deflate::gunzip(stored))),
            Some(Sealing::Cms) => Err(Error::TooNew { what: format!("{name}: sealed with S/MIME") }),
            _ => Ok(Box::new(stored)),
        }
    }

    /// The set's manifest: decrypted and whole, or an error. The newest one comes from the place; others from the
    /// cache, where it has what the place lists.
    pub(crate) fn manifest(&self, set: &BackupSet) -> Result<Manifest> {
        let Some(name) = &set.manifest else {
            return Err(Error::damaged(format!("the backup of {} has no manifest", asctime(set.id.at.0))));
        };
        if let Some(known) = self.read_first().as_ref().filter(|first| first.name == *name)
            && let Some(manifest) = &known.manifest
        {
            return Ok(manifest.clone());
        }
        let cached = self.cached_manifest(set);
        // With keys alone backups are made without any secret: then what was read or written before has to do.
        let has_to_do = cached.is_some() && self.opener.writes_for_keys();
        let is_newest = !has_to_do && self.newest_chain().is_some_and(|chain| chain.newest().id == set.id);
        if let Some(text) = cached.as_ref().filter(|_| !is_newest)
            && let Ok(manifest) = Manifest::parse(text)
        {
            return Ok(manifest);
        }
        let text = self.open_manifest(name)?;
        let manifest = Manifest::parse(&text).map_err(|e| Error::damaged(format!("{name}: {e}")))?;
        if cached.as_ref() != Some(&text) {
            // Without it the next run reads it from the place again.
            let _ = self.keep_manifest(set.id, &text, self.size_of(name).unwrap_or_default());
        }
        if let Some(first) = self.read_first().as_mut().filter(|first| first.name == *name) {
            first.manifest = Some(manifest.clone());
        }
        Ok(manifest)
    }

    fn read_first(&self) -> MutexGuard<'_, Option<ReadFirst>> {
        self.read_first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_manifest(&self, name: &str) -> Result<Vec<u8>> {
        let stored = self.stored_manifest(name)?;
        let limit =
            (stored.len() as u64).saturating_mul(MANIFEST_RATIO).clamp(MANIFEST_PLAIN, MANIFEST_LIMIT);
        let mut text = Vec::new();
        let read = self.unseal(name, &*stored, Ciphertext::Unproven)?.take(limit).read_to_end(&mut text);
        read.map_err(|error| opening(name, error.into()))?;
        // Nothing of it is believed before its end.
        if text.len() as u64 == limit {
            return Err(Error::damaged(format!("{name} is too large for a manifest")));
        }
        Ok(text)
    }

    /// As it lies at the place, still sealed.
    fn stored_manifest(&self, name: &str) -> Result<Arc<[u8]>> {
        if let Some(first) = self.read_first().as_ref().filter(|first| first.name == name) {
            return Ok(Arc::clone(&first.stored));
        }
        let mut stored = Vec::new();
        let read = self.destination.open(name)?.take(MANIFEST_LIMIT).read_to_end(&mut stored);
        read.map_err(|error| reading(name, error))?;
        let stored = Arc::from(stored);
        let first = || ReadFirst { name: name.to_string(), stored: Arc::clone(&stored), manifest: None };
        self.read_first().get_or_insert_with(first);
        Ok(stored)
    }

    /// Proves that the passphrase opens what is stored. Cheap: one small file of the newest encrypted set.
    pub(crate) fn prove_passphrase(&self) -> Result<()> {
        let newest = self.collection.chains.iter().rev().flat_map(|chain| chain.sets.iter().rev());
        match newest.into_iter().find(|set| set.sealing == Sealing::OpenPgp) {
            Some(set) => self.manifest(set).map(|_| ()),
            None => Ok(()),
        }
    }

    /// The volumes of `set` that its manifest names but the place does not list.
    pub(crate) fn missing_volumes(set: &BackupSet, manifest: &Manifest) -> Vec<u32> {
        let numbers = manifest.volumes.iter().map(|volume| volume.number);
        numbers.filter(|number| !set.volumes.contains_key(number)).collect()
    }

    /// Whether an error says that a listed file is gone.
    pub(crate) fn is_gone(error: &Error) -> bool {
        matches!(error, Error::Destination(e) if e.kind == ErrorKind::NotFound)
    }
}
