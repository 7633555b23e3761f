//! The local cache in duplicity's own layout: signatures gzipped, manifests plain (`FORMAT.md`, cache).
//!
//! Purely a cache: keyed to the place by the names and sizes of what is stored there, checked by hash before use,
//! fetched anew when missing or damaged. Safe to delete at any time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Repository;
use super::members::MemberWriter;
use crate::context::{Context, Phase, Progress};
use crate::crypto::Ciphertext;
use crate::duplicity::chain::BackupSet;
use crate::duplicity::name::{Part, Sealing, SetId};
use crate::duplicity::time::asctime;
use crate::error::{Error, Result, opening};

/// What we put here, so that damage and changes at the place are noticed before use.
const INDEX: &str = "hindsight-cache.json";

pub(crate) struct Cache {
    folder: PathBuf,
    /// As in the index when it was last looked at.
    vouched: Mutex<AllVouched>,
}

/// A cached file that was right when it was written.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Vouched {
    /// Of the cached file, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Bytes of the stored file that it was made from.
    stored: u64,
}

/// By the name of the cached file.
type AllVouched = BTreeMap<String, Vouched>;

impl Cache {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::local(folder))?;
        let vouched = Mutex::new(read_index(folder));
        Ok(Self { folder: folder.to_path_buf(), vouched })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn index(&self) -> MutexGuard<'_, AllVouched> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vouched(&self, name: &str) -> Option<Vouched> {
        self.index().get(name).filter(|_| self.folder.join(name).exists()).cloned()
    }

    /// Remembers the hash of cached files that are known to be right, each made from a stored file of so
    /// many bytes. Returns the hash of the last. For many files at once: the index is written anew each time.
    pub(crate) fn vouch(&self, files: &[(&str, u64)]) -> Result<String> {
        let mut index = self.index();
        // Another process may have written meanwhile.
        index.extend(read_index(&self.folder));
        index.retain(|name, _| self.folder.join(name).exists());
        let mut last = String::new();
        for (name, stored) in files {
            let path = self.folder.join(name);
            last = hash_file(&path).map_err(Error::local(&path))?;
            index.insert((*name).to_string(), Vouched { sha256: last.clone(), stored: *stored });
        }
        let text = serde_json::to_vec(&*index).map_err(|e| Error::Internal(e.to_string()))?;
        self.replace(INDEX, |out| out.write_all(&text))?;
        Ok(last)
    }

    /// What was found damaged is fetched again.
    pub(crate) fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    /// Writes a cached file whole or not at all.
    pub(crate) fn replace(&self, name: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        let write = || -> io::Result<()> {
            let mut temporary = tempfile::Builder::new().prefix(".hindsight-").tempfile_in(&self.folder)?;
            fill(temporary.as_file_mut())?;
            temporary.persist(self.folder.join(name)).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(Error::local(self.folder.join(name)))
    }

    /// The content of a cached file if it is the one that was vouched for.
    fn sound(&self, name: &str, vouched: &Vouched) -> Option<Vec<u8>> {
        let content = fs::read(self.folder.join(name)).ok()?;
        (vouched.sha256 == hex(&Sha256::digest(&content))).then_some(content)
    }
}

/// How far the metadata of a place is read; stored bytes.
pub(crate) struct Fetching<'c> {
    ctx: &'c Context,
    done: AtomicU64,
    total: AtomicU64,
}

impl<'c> Fetching<'c> {
    /// Bytes between two words about it.
    const STEP: u64 = 1 << 17;

    pub(crate) fn new(ctx: &'c Context) -> Self {
        Self { ctx, done: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    pub(crate) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    fn read(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        let (done, total) = (before + bytes, self.total.load(Ordering::Relaxed));
        if done / Self::STEP != before / Self::STEP || done == total {
            self.ctx.monitor.progress(Progress {
                phase: Phase::Downloading,
                bytes_done: done,
                bytes_total: Some(total.max(done)),
                ..Progress::default()
            });
        }
    }
}

struct Watched<'f, 'c> {
    stored: Box<dyn Read + Send + Sync>,
    fetching: &'f Fetching<'c>,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fetching.ctx.check().map_err(io::Error::other)?;
        let read = self.stored.read(buffer)?;
        self.fetching.read(read as u64);
        Ok(read)
    }
}

fn read_index(folder: &Path) -> AllVouched {
    let text = fs::read(folder.join(INDEX)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn hash_file(path: &Path) -> io::Result<String> {
    sha256_of(File::open(path)?).map(|hash| hex(&hash))
}

pub(super) fn sha256_of(mut source: impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

impl Repository {
    pub(crate) fn cached_signatures_name(&self, set: SetId) -> String {
        self.name_of(set, Part::Signatures, Sealing::Gzip)
    }

    pub(crate) fn cached_manifest_name(&self, set: SetId) -> String {
        self.name_of(set, Part::Manifest, Sealing::Plain)
    }

    /// Whether the vouched file was made from what is listed at the place now.
    fn is_current(&self, vouched: &Vouched, stored: Option<&String>) -> bool {
        stored.is_some_and(|name| self.size_of(name) == Some(vouched.stored))
    }

    /// Hash of a set's cached signatures, where there are any that belong to what is at the place.
    pub(super) fn vouched_signatures(&self, set: &BackupSet) -> Option<String> {
        let found = self.cache.vouched(&self.cached_signatures_name(set.id))?;
        self.is_current(&found, set.signatures.as_ref()).then_some(found.sha256)
    }

    /// Plain sigtar of a set as gzip members, with its hash: from the cache when it is sound there, else fetched
    /// into it first: a stored sigtar is only trusted once it was decrypted to its end.
    pub(crate) fn cached_signatures(&self, set: &BackupSet) -> Result<(File, String)> {
        let cached = self.cached_signatures_name(set.id);
        let path = self.cache.folder.join(&cached);
        let open = || File::open(&path).map_err(Error::local(&path));
        if let Some(sha256) = self.vouched_signatures(set)
            && hash_file(&path).is_ok_and(|hash| hash == sha256)
        {
            return Ok((open()?, sha256));
        }
        let sha256 = self.fetch_signatures(set, &cached)?;
        Ok((open()?, sha256))
    }

    /// Fetches the signatures of sets into the cache unless they are there already, so that it can be watched and
    /// stopped. Says of each what came of it.
    pub(crate) fn warm_signatures(
        &self,
        sets: &[&BackupSet],
        fetching: &Fetching,
    ) -> Result<Vec<Result<()>>> {
        let mut fetched = Vec::new();
        let mut warm = |set: &BackupSet| -> Result<()> {
            fetching.ctx.check()?;
            let stored = set.signatures.as_ref().and_then(|name| self.size_of(name)).unwrap_or_default();
            if self.vouched_signatures(set).is_some() {
                fetching.read(stored);
                return Ok(());
            }
            let cached = self.cached_signatures_name(set.id);
            let done = self.fetch(set, &cached, |stored| Watched { stored, fetching });
            // Stopped in the midst, it looks like any failure.
            fetching.ctx.check()?;
            done.map(|()| fetched.push((cached, stored)))
        };
        let warmed: Vec<_> = sets.iter().map(|set| warm(set)).collect();
        if !fetched.is_empty() {
            let files: Vec<_> = fetched.iter().map(|(name, stored)| (name.as_str(), *stored)).collect();
            self.cache.vouch(&files)?;
        }
        Ok(warmed)
    }

    fn fetch_signatures(&self, set: &BackupSet, cached: &str) -> Result<String> {
        self.fetch(set, cached, |stored| stored)?;
        let stored = set.signatures.as_ref().and_then(|name| self.size_of(name)).unwrap_or_default();
        self.cache.vouch(&[(cached, stored)])
    }

    /// Without vouching for it. `watch`: stands between the place and us.
    fn fetch<R: Read + Send + Sync>(
        &self,
        set: &BackupSet,
        cached: &str,
        watch: impl FnOnce(Box<dyn Read + Send + Sync>) -> R,
    ) -> Result<()> {
        let Some(name) = &set.signatures else {
            return Err(Error::damaged(format!("the backup of {} has no signatures", asctime(set.id.at.0))));
        };
        let mut plain = self.unseal(name, watch(self.destination.open(name)?), Ciphertext::Unproven)?;
        let mut reading = None;
        let stored = self.cache.replace(cached, |file| {
            let mut out = MemberWriter::new(io::BufWriter::new(file))?;
            if let Err(error) = io::copy(&mut plain, &mut out) {
                reading = Some(error.into());
                return Err(io::ErrorKind::Other.into());
            }
            out.finish()?.flush()
        });
        reading.map_or(stored, |error| Err(opening(name, error)))
    }

    /// Text of a set's manifest as the place had it when it was read or written here.
    pub(super) fn cached_manifest(&self, set: &BackupSet) -> Option<Vec<u8>> {
        let cached = self.cached_manifest_name(set.id);
        let vouched =
            self.cache.vouched(&cached).filter(|found| self.is_current(found, set.manifest.as_ref()))?;
        self.cache.sound(&cached, &vouched)
    }

    pub(super) fn keep_manifest(&self, set: SetId, text: &[u8], stored: u64) -> Result<()> {
        let cached = self.cached_manifest_name(set);
        self.cache.replace(&cached, |file| file.write_all(text))?;
        self.cache.vouch(&[(&cached, stored)]).map(drop)
    }

    /// Plain sigtar of a set.
    pub(crate) fn signatures(&self, set: &BackupSet) -> Result<impl Read + Send + use<>> {
        let (file, _) = self.cached_signatures(set)?;
        Ok(crate::deflate::gunzip(io::BufReader::with_capacity(1 << 17, file)))
    }
}
