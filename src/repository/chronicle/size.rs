//! How much there is at or below some paths.

use rusqlite::params;

use super::Chronicle;
use super::query::Version;
use super::walk::subfolders;
use crate::entry::{Attributes, EntryPath, Kind};
use crate::repository::catalog::Outcome;

/// So many things, and their bytes as far as every file's size was recorded.
#[derive(Default)]
struct Sum {
    items: u64,
    bytes: Option<u64>,
}

impl Sum {
    fn add(&mut self, size: Option<i64>) {
        self.items += 1;
        let size = size.map_or(Some(0), |size| u64::try_from(size).ok());
        self.bytes = self.bytes.zip(size).map(|(bytes, size)| bytes + size);
    }
}

impl Chronicle {
    /// Everything at or below `paths` at a date, folders included, each once; and the bytes of all files: `None` where
    /// a program recorded one without its size.
    pub(crate) fn size(&self, paths: &[EntryPath], date: i64) -> Outcome<(u64, Option<u64>)> {
        let date = self.clamped(date);
        let mut paths: Vec<_> = paths.iter().collect();
        paths.sort_unstable();
        let mut sum = Sum { items: 0, bytes: Some(0) };
        let mut last: Option<&EntryPath> = None;
        for path in paths {
            if last.is_some_and(|last| path.is_within(last)) {
                continue;
            }
            last = Some(path);
            let newest = self.history(path)?.into_iter().rev().find(|version| version.at <= date);
            if let Some(Version { attributes: Some(attributes), .. }) = newest {
                sum.add(size_of(&attributes));
            }
            if let Some(folder) = self.folder_id(path)? {
                self.add_below(folder, date, &mut sum)?;
            }
        }
        Ok((sum.items, sum.bytes))
    }

    fn add_below(&self, top: i64, date: i64, sum: &mut Sum) -> Outcome<()> {
        let query = "SELECT max(at), size, record IS NOT NULL FROM versions WHERE folder = ?1 AND at <= ?2 \
            GROUP BY name";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut folders = vec![top];
        while let Some(folder) = folders.pop() {
            let mut rows = statement.query(params![folder, date])?;
            while let Some(row) = rows.next()? {
                if row.get(2)? {
                    sum.add(row.get(1)?);
                }
            }
            drop(rows);
            folders.extend(subfolders(&self.connection, folder)?.into_values());
        }
        Ok(())
    }
}

/// As in the column of this name.
pub(super) fn size_of(attributes: &Attributes) -> Option<i64> {
    let is_file = attributes.kind == Kind::File;
    is_file.then(|| attributes.content.map_or(-1, |content| i64::try_from(content.size).unwrap_or(i64::MAX)))
}
