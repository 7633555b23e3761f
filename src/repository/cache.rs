//! The local cache in duplicity's own layout: signatures gzipped, manifests plain (`FORMAT.md`, cache).
//!
//! Purely a cache: keyed to the place by set names, checked by hash before use, fetched anew when
//! missing or damaged. Safe to delete at any time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Repository;
use crate::deflate::{self, GzipWriter, gunzip};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::name::{Part, Sealing, SetId};
use crate::duplicity::time::asctime;
use crate::error::{Error, Result};

/// Hashes of what we put here, so that damage is noticed before use.
const INDEX: &str = "hindsight-cache.json";

pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::local(folder))?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn index(&self) -> BTreeMap<String, String> {
        let text = fs::read(self.folder.join(INDEX)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Remembers the hash of a cached file that is known to be right.
    pub(crate) fn vouch(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        let hash = hash_file(&path).map_err(Error::local(&path))?;
        let mut index = self.index();
        index.retain(|name, _| self.folder.join(name).exists());
        index.insert(name.to_string(), hash);
        let text = serde_json::to_vec(&index).map_err(|e| Error::Internal(e.to_string()))?;
        self.replace(INDEX, |out| out.write_all(&text))
    }

    fn is_sound(&self, name: &str) -> bool {
        let expected = self.index().remove(name);
        expected.is_some() && hash_file(&self.folder.join(name)).ok() == expected
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
}

fn hash_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

impl Repository {
    pub(crate) fn cached_signatures_name(&self, set: SetId) -> String {
        self.name_of(set, Part::Signatures, Sealing::Gzip)
    }

    /// Plain sigtar of a set, from the cache when it is sound there, else fetched into it first:
    /// a stored sigtar is only trusted once it was decrypted to its end.
    pub(crate) fn signatures(&self, set: &BackupSet) -> Result<impl Read + Send + use<>> {
        let cached = self.cached_signatures_name(set.id);
        if !self.cache.is_sound(&cached) {
            self.fetch_signatures(set, &cached)?;
        }
        let path = self.cache.folder.join(&cached);
        let file = File::open(&path).map_err(Error::local(&path))?;
        Ok(gunzip(BufReader::with_capacity(1 << 17, file)))
    }

    fn fetch_signatures(&self, set: &BackupSet, cached: &str) -> Result<()> {
        let Some(name) = &set.signatures else {
            return Err(Error::damaged(format!("the backup of {} has no signatures", asctime(set.id.at.0))));
        };
        let mut plain = self.unseal(name, self.destination.open(name)?)?;
        let mut reading = None;
        let stored = self.cache.replace(cached, |file| {
            let mut out = GzipWriter::new(io::BufWriter::new(file), deflate::DEFAULT_LEVEL)?;
            if let Err(error) = io::copy(&mut plain, &mut out) {
                reading = Some(error.to_string());
                return Err(error);
            }
            out.finish()?.flush()
        });
        match reading {
            Some(detail) => Err(Error::damaged(format!("{name}: {detail}"))),
            None => stored.and_then(|()| self.cache.vouch(cached)),
        }
    }
}
