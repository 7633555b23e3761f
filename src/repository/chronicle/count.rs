//! How many things are in folders.

use std::collections::HashMap;

use super::Chronicle;
use super::walk::subfolders;
use crate::entry::EntryPath;
use crate::repository::catalog::{Outcome, Trouble};

/// Rows that are read to count what is in the subfolders of one folder: while dates are gone through, that is done for
/// each picture of the folder.
const MOST: usize = 50_000;
/// So many rows take as long as finding where a folder's begin.
const A_FOLDER: usize = 8;

impl Chronicle {
    /// How many children a folder has at a date, of those whose names count.
    pub(crate) fn count(
        &self,
        folder: &EntryPath,
        date: i64,
        counts: impl Fn(&[u8]) -> bool,
    ) -> Outcome<u64> {
        let Some(id) = self.folder_id(folder)? else { return Ok(0) };
        let mut all = usize::MAX;
        Ok(self.count_in(id, self.clamped(date), &counts, &mut all)?.unwrap_or(0))
    }

    /// The same of each subfolder that ever had any, by name. `None`: there is too much to count.
    pub(crate) fn counts(
        &self,
        folder: &EntryPath,
        date: i64,
        counts: impl Fn(&[u8]) -> bool,
    ) -> Outcome<Option<HashMap<Vec<u8>, u64>>> {
        let Some(id) = self.folder_id(folder)? else { return Ok(None) };
        let (date, mut left) = (self.clamped(date), MOST);
        let subfolders = subfolders(&self.connection, id)?;
        if subfolders.len() * A_FOLDER > MOST {
            return Ok(None);
        }
        let mut found = HashMap::with_capacity(subfolders.len());
        for (name, id) in subfolders {
            left = left.saturating_sub(A_FOLDER);
            let Some(count) = self.count_in(id, date, &counts, &mut left)? else { return Ok(None) };
            found.insert(name, count);
        }
        Ok(Some(found))
    }

    /// `None`: `left` rows were not enough.
    fn count_in(
        &self,
        folder: i64,
        date: i64,
        counts: &impl Fn(&[u8]) -> bool,
        left: &mut usize,
    ) -> Outcome<Option<u64>> {
        let query = "SELECT name, at, record IS NOT NULL FROM versions WHERE folder = ?1 ORDER BY name, at";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut rows = statement.query([folder])?;
        let (mut count, mut current, mut exists) = (0, Vec::<u8>::new(), false);
        while let Some(row) = rows.next()? {
            let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
            *left = fewer;
            let name = row.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged("a name"))?;
            if current != name {
                count += u64::from(exists && counts(&current));
                exists = false;
                current.clear();
                current.extend_from_slice(name);
            }
            if row.get::<_, i64>(1)? <= date {
                exists = row.get(2)?;
            }
        }
        Ok(Some(count + u64::from(exists && counts(&current))))
    }
}
