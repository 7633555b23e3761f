//! What was where and when: questions about all backups of a place, answered from the chronicle.
//!
//! Opening reads what is not known yet; after that nothing is fetched, so every answer comes at once. Nothing here waits
//! for a running backup or takes a lock of one. Meant for a thread of its own, beside the jobs (`ui`, timeline).

use std::cell::RefCell;
use std::collections::HashMap;

use super::Place;
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::Result;
use crate::repository::catalog::Outcome;
use crate::repository::chronicle::Chronicle;
pub use crate::repository::chronicle::{Difference, Found, Item, Presence, Scope, Version};

pub struct Timeline {
    place: Place,
    /// Replaced where it proves damaged.
    chronicle: RefCell<Chronicle>,
}

/// One backup that can be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backup {
    /// Seconds since 1970.
    pub date: i64,
    /// Bytes of contents that it found new or changed: for the first one everything. Where another program wrote it and
    /// recorded no sizes, what it stored.
    pub changed_bytes: u64,
    /// Something of it is missing: it cannot be restored completely, or what changed in it is not known.
    pub damaged: bool,
}

impl Timeline {
    /// Lists the place and takes up the backups that are not known yet.
    pub fn open(place: &Place) -> Result<Self> {
        Self::open_with(place, &Context::silent())
    }

    /// The same, telling how far the metadata of a place that is new here has been read (stored bytes), and ending when
    /// somebody wishes: what was read by then is kept.
    pub fn open_with(place: &Place, ctx: &Context) -> Result<Self> {
        Ok(Self::of(place, place.open()?.chronicle(ctx)?))
    }

    /// The newest full backup and what builds on it, alone: there long before everything where much has to be read first.
    pub fn open_newest(place: &Place, ctx: &Context) -> Result<Self> {
        Ok(Self::of(place, place.open()?.chronicle_of_newest_chain(ctx)?))
    }

    /// As it was known when it was last opened, without a look at the place, which need not be there. `None` if it
    /// never was.
    pub fn as_last_known(place: &Place) -> Option<Self> {
        Some(Self::of(place, Chronicle::as_left(&place.cache)?))
    }

    fn of(place: &Place, chronicle: Chronicle) -> Self {
        Self { place: place.clone(), chronicle: RefCell::new(chronicle) }
    }

    /// Oldest first.
    pub fn backups(&self) -> Vec<Backup> {
        let chronicle = self.chronicle.borrow();
        let rows = chronicle.backups().iter();
        rows.map(|row| Backup { date: row.at, changed_bytes: row.changed, damaged: row.damaged }).collect()
    }

    /// Dates of all backups, oldest first; seconds since 1970.
    pub fn dates(&self) -> Vec<i64> {
        self.chronicle.borrow().backups().iter().map(|row| row.at).collect()
    }

    /// Whatever any backup has in a folder, as seen from a date, sorted by name as bytes. A date is that of a backup, or
    /// stands for the last one before it.
    pub fn folder(&self, folder: &EntryPath, date: i64) -> Result<Vec<Item>> {
        self.ask(|chronicle| chronicle.folder(folder, date))
    }

    /// How many children a folder has at a date, of those whose names count.
    pub fn count(&self, folder: &EntryPath, date: i64, counts: impl Fn(&[u8]) -> bool) -> Result<u64> {
        self.ask(|chronicle| chronicle.count(folder, date, &counts))
    }

    /// The same of each of its subfolders, by name. `None`: there is too much to count while somebody waits.
    pub fn counts(
        &self,
        folder: &EntryPath,
        date: i64,
        counts: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<HashMap<Vec<u8>, u64>>> {
        self.ask(|chronicle| chronicle.counts(folder, date, &counts))
    }

    /// The versions of one path, oldest first.
    pub fn history(&self, path: &EntryPath) -> Result<Vec<Version>> {
        self.ask(|chronicle| chronicle.history(path))
    }

    /// Whatever differs at or below `top` between two dates, in path order, until `each` says `false`.
    pub fn differences(
        &self,
        top: &EntryPath,
        before: i64,
        after: i64,
        each: impl FnMut(Difference) -> bool,
    ) -> Result<()> {
        let chronicle = self.chronicle.borrow();
        chronicle.differences(top, (before, after), each).map_err(|trouble| chronicle.error(trouble))
    }

    /// Dates of the backups that found something changed at or below `top`, oldest first.
    pub fn dates_of_change(&self, top: &EntryPath) -> Result<Vec<i64>> {
        self.ask(|chronicle| chronicle.dates_of_change(top))
    }

    /// Dates of the backups that found one of these paths itself changed, oldest first.
    pub fn dates_of_versions(&self, paths: &[EntryPath]) -> Result<Vec<i64>> {
        self.ask(|chronicle| chronicle.dates_of_versions(paths))
    }

    /// How many items at or below `top` the backup of this very date found changed, new ones and deleted ones included.
    pub fn changes(&self, top: &EntryPath, date: i64) -> Result<u64> {
        self.ask(|chronicle| chronicle.changes(top, date))
    }

    /// Makes the first [`Self::search`] after new backups as quick as any: takes a moment itself. Not needed otherwise.
    pub fn prepare_search(&self) -> Result<()> {
        self.ask(Chronicle::index_names)
    }

    /// What has `text` in its name, whatever its case; at most `most`, the best first.
    pub fn search(&self, text: &str, scope: &Scope, most: usize) -> Result<Vec<Found>> {
        self.ask(|chronicle| chronicle.search(text, scope, most))
    }

    /// How many items there are at or below `paths` at a date, folders included, and their bytes: `None` where another
    /// program recorded no sizes.
    pub fn size(&self, paths: &[EntryPath], date: i64) -> Result<(u64, Option<u64>)> {
        self.ask(|chronicle| chronicle.size(paths, date))
    }

    /// A file that proves damaged is made anew, and asked again.
    fn ask<T>(&self, question: impl Fn(&Chronicle) -> Outcome<T>) -> Result<T> {
        let asked = question(&self.chronicle.borrow());
        let trouble = match asked {
            Ok(answer) => return Ok(answer),
            Err(trouble) => trouble,
        };
        let is_damage = trouble.is_damage();
        let error = self.chronicle.borrow().error(trouble);
        if !is_damage {
            return Err(error);
        }
        let anew = self.place.open()?.chronicle(&Context::silent())?;
        let answer = question(&anew).map_err(|trouble| anew.error(trouble));
        self.chronicle.replace(anew);
        answer
    }
}
