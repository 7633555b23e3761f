//! Taking sets away, at the place and from the cache, and what is there that belongs to no backup.
//!
//! A set goes manifest first: whenever this is stopped, every set that is listed is whole. What the cache has of it
//! follows, stock's own files there included.

use std::collections::HashSet;
use std::fs;
use std::io;

use super::journal::Journal;
use super::{BackupSet, Repository, SetId};
use crate::duplicity::name::{FileName, Part};
use crate::error::{Error, Result};

/// Files that no backup needs.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// At the place, in the order in which to delete them.
    pub(crate) stored: Vec<String>,
    /// In the cache: of sets that are not whole at the place.
    pub(crate) cached: Vec<String>,
}

impl Leftovers {
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.stored.iter().chain(&self.cached)
    }
}

impl Repository {
    /// Removes one set. The caller takes those first that build on it.
    pub(crate) fn remove(&self, set: &BackupSet) -> Result<()> {
        for name in set.files() {
            self.destination.delete(name)?;
        }
        self.forget(&HashSet::from([set.id]))
    }

    /// What the cache has of sets that are gone, or were never whole.
    fn forget(&self, gone: &HashSet<SetId>) -> Result<()> {
        for (name, file) in self.cached_files()? {
            if gone.contains(&file.set) {
                self.forget_file(&name)?;
            }
        }
        Ok(())
    }

    /// Keeps stock from resuming a run that died. It would even where a later set exists, and date what is there now as
    /// of then; the set itself stays what it is, a leftover.
    pub(crate) fn forget_partial(&self) -> Result<()> {
        let partial = self.cached_files()?.into_iter().filter(|(_, file)| file.partial);
        partial.map(|(name, _)| name).try_for_each(|name| self.forget_file(&name))
    }

    fn forget_file(&self, name: &str) -> Result<()> {
        let path = self.cache.folder().join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::local(path)(error)),
            _ => Ok(()),
        }
    }

    /// Files of the cache that are of duplicity's kinds, in the order of their names.
    fn cached_files(&self) -> Result<Vec<(String, FileName)>> {
        let folder = self.cache.folder();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::local(folder))? {
            let name = entry.map_err(Error::local(folder))?.file_name();
            let Ok(name) = name.into_string() else { continue };
            if let Some(file) = FileName::parse(name.as_bytes(), &self.prefixes) {
                files.push((name, file));
            }
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }

    /// Files of sets that nothing can be restored from: without a manifest, or without the set that they build on. A
    /// set that the next backup will complete, as its journal says, is none of them; one that stock would resume is:
    /// nobody knows whether its signatures are those of what it stored (`FORMAT.md`, cache).
    pub(crate) fn leftovers(&self) -> Result<Leftovers> {
        let collection = &self.collection;
        let to_complete = Journal::set_left_behind(self.cache.folder());
        let is_left = |set: &&BackupSet| Some(set.id) != to_complete;
        let sets = collection.orphaned.iter().rev().chain(collection.incomplete.iter().rev());
        let mut stored: Vec<String> =
            sets.filter(is_left).flat_map(BackupSet::files).map(str::to_owned).collect();
        stored.extend(collection.stray_signatures.iter().map(|(_, name)| name.clone()));
        stored.extend(collection.foreign.iter().filter(|name| self.is_stray_statistics(name)).cloned());
        let whole: HashSet<SetId> =
            collection.chains.iter().flat_map(|chain| &chain.sets).map(|set| set.id).collect();
        let is_of_none = |file: &FileName| file.partial || !whole.contains(&file.set);
        let cached = self.cached_files()?.into_iter().filter(|(_, file)| is_of_none(file));
        Ok(Leftovers { stored, cached: cached.map(|(name, _)| name).collect() })
    }

    fn is_stray_statistics(&self, name: &str) -> bool {
        let file = FileName::parse(name.as_bytes(), &self.prefixes);
        file.is_some_and(|file| file.part == Part::Statistics && !file.partial)
    }

    pub(crate) fn remove_leftovers(&self, leftovers: &Leftovers) -> Result<()> {
        for name in &leftovers.stored {
            self.destination.delete(name)?;
        }
        leftovers.cached.iter().try_for_each(|name| self.forget_file(name))
    }
}
