//! Backups as sets of files at a place: opened, listed, read and written.
//!
//! Nothing above this module knows how a backup is spelled in files; nothing here knows local trees or
//! deltas. Bytes are believed only when authenticated: a manifest's message first, then a volume's stored
//! bytes against the hash in that manifest, before any of it is parsed.

mod body;
mod cache;
mod fragment;
pub(crate) mod journal;
pub(crate) mod parked;
mod prior;
mod recover;
pub(crate) mod seal;
pub(crate) mod stream;
mod volume;
pub(crate) mod volumes;
pub(crate) mod writer;

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub(crate) use crate::duplicity::chain::{BackupSet, Chain, Collection};
pub(crate) use crate::duplicity::difftar::Body;
pub(crate) use crate::duplicity::manifest::Manifest;
pub(crate) use crate::duplicity::name::SetId;
pub(crate) use crate::duplicity::time::SetTime;
pub use crate::duplicity::time::{InvalidTime, asctime, parse_user_time};
pub(crate) use body::BodyWriter;
pub(crate) use cache::Cache;
pub(crate) use fragment::Signatures;
pub(crate) use prior::{Prior, PriorStates};
pub(crate) use recover::{Recovered, recover};

use crate::crypto::Opener;
use crate::destination::{Destination, ErrorKind};
use crate::duplicity::name::{FileName, Part, Prefixes, Sealing};
use crate::error::{Error, Result, opening};
use crate::secret::Passphrase;

/// The format of our own records that this version writes and knows (`FORMAT.md`, our own records).
pub(crate) const RECORDS_VERSION: u32 = 1;

/// Manifests are read whole; more than this is not a manifest.
const MANIFEST_LIMIT: u64 = 1 << 30;

pub(crate) struct Repository {
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) cache: Cache,
    pub(crate) opener: Opener,
    pub(crate) collection: Collection,
    prefixes: Prefixes,
    sizes: HashMap<String, u64>,
}

impl Repository {
    /// Lists the place once; reads nothing else.
    pub(crate) fn open(
        destination: Arc<dyn Destination>,
        passphrase: Option<Passphrase>,
        cache: &Path,
    ) -> Result<Self> {
        let mut repository = Self {
            destination,
            cache: Cache::open(cache)?,
            opener: Opener::new(passphrase),
            collection: Collection::default(),
            prefixes: Prefixes::default(),
            sizes: HashMap::new(),
        };
        repository.reload()?;
        Ok(repository)
    }

    pub(crate) fn reload(&mut self) -> Result<()> {
        let stored = self.destination.list()?;
        self.sizes = stored.into_iter().map(|file| (file.name, file.size)).collect();
        self.collection = Collection::from_names(self.sizes.keys(), &self.prefixes);
        Ok(())
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
        let Collection { chains, orphaned, incomplete, .. } = &self.collection;
        let sets = chains.iter().flat_map(|chain| &chain.sets).chain(orphaned).chain(incomplete);
        sets.map(|set| set.id.at).max()
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
    ) -> Result<Box<dyn Read + Send + 'a>> {
        let sealing = FileName::parse(name.as_bytes(), &self.prefixes).map(|name| name.sealing);
        match sealing {
            Some(Sealing::OpenPgp) => self.opener.open(stored).map_err(|error| opening(name, error)),
            Some(Sealing::Gzip) => Ok(Box::new(crate::deflate::gunzip(stored))),
            Some(Sealing::Cms) => Err(Error::TooNew { what: format!("{name}: sealed with S/MIME") }),
            _ => Ok(Box::new(stored)),
        }
    }

    /// The set's manifest from the place: decrypted and whole, or an error.
    pub(crate) fn manifest(&self, set: &BackupSet) -> Result<Manifest> {
        let Some(name) = &set.manifest else {
            return Err(Error::damaged(format!("the backup of {} has no manifest", asctime(set.id.at.0))));
        };
        let text = self.read_small(name)?;
        let manifest = Manifest::parse(&text).map_err(|e| Error::damaged(format!("{name}: {e}")))?;
        Ok(manifest)
    }

    fn read_small(&self, name: &str) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let stored = self.destination.open(name)?;
        let read = self.unseal(name, stored)?.take(MANIFEST_LIMIT).read_to_end(&mut text);
        read.map_err(|error| Error::damaged(format!("{name}: {error}")))?;
        Ok(text)
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
