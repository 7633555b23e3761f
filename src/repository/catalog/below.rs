//! How many files there are below a folder, exactly or by a sample.

use rusqlite::params;

use super::query::{Entries, Newest, State, end_of};
use super::record::{self, key};
use super::{Catalog, Outcome, Trouble};
use crate::entry::{Attributes, EntryPath, Kind};

impl Catalog {
    /// All but directories that are at or below `top` in a state.
    pub(crate) fn count_files(&self, state: &State, top: &EntryPath) -> Outcome<u64> {
        let mut statement = self.range()?;
        let mut newest = Newest::of(Entries::of(&mut statement, state.chain, &[], top)?);
        let mut count = 0;
        while let Some((.., record)) = newest.next(&mut |at| state.dates.contains(&at))? {
            count += u64::from(is_file(record.attributes.as_ref()));
        }
        Ok(count)
    }

    /// Some of these files, spread evenly over their order: all of few, and some hundreds of many. Only keys are
    /// read for it, so that it costs little beside a walk.
    pub(crate) fn sample_files(&self, state: &State, top: &EntryPath) -> Outcome<Vec<EntryPath>> {
        let mut files = Vec::new();
        for key in self.sample_keys(state.chain, top)? {
            let newest = self.records(state, &key)?.pop();
            if is_file(newest.and_then(|(_, record)| record.attributes).as_ref()) {
                files.push(record::path(&key)?);
            }
        }
        Ok(files)
    }

    fn sample_keys(&self, chain: i64, top: &EntryPath) -> Outcome<Vec<Vec<u8>>> {
        const MOST: usize = 512;
        let query =
            "SELECT DISTINCT path FROM entries WHERE chain = ?1 AND path >= ?2 AND path < ?3 ORDER BY path";
        let mut statement = self.connection.prepare_cached(query)?;
        let top = key(top);
        let mut rows = statement.query(params![chain, top, end_of(&top)])?;
        let (mut keys, mut stride, mut number) = (Vec::new(), 1, 0);
        while let Some(row) = rows.next()? {
            if number % stride == 0 {
                keys.push(row.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged("a row"))?.to_vec());
            }
            number += 1;
            if keys.len() == MOST {
                // Every other one, from now on too.
                stride *= 2;
                keys = keys.into_iter().step_by(2).collect();
            }
        }
        Ok(keys)
    }
}

fn is_file(attributes: Option<&Attributes>) -> bool {
    attributes.is_some_and(|attributes| attributes.kind != Kind::Directory)
}
