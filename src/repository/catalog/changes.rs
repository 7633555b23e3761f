//! What one set did to files, as duplicity tells it: other kinds of objects are not mentioned there.

use super::query::{Entries, State};
use super::record::{Record, key, path};
use super::{Catalog, Outcome};
use crate::entry::{EntryPath, Kind};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileChange {
    New,
    Changed,
    Deleted,
}

impl FileChange {
    /// `None` where no file is concerned, or where one gave way to something else.
    fn between(before: Option<&Record>, after: &Record) -> Option<Self> {
        let kind = |record: &Record| record.attributes.as_ref().map(|attributes| attributes.kind);
        let was_file = before.and_then(kind) == Some(Kind::File);
        match (was_file, kind(after)) {
            (false, Some(Kind::File)) => Some(Self::New),
            (true, Some(Kind::File)) => Some(Self::Changed),
            (true, None) => Some(Self::Deleted),
            _ => None,
        }
    }
}

impl Catalog {
    /// In path order. `before`: the sets that the one of this date builds on; none for a full backup.
    pub(crate) fn changes_of(
        &self,
        before: &State,
        at: i64,
        mut each: impl FnMut(EntryPath, FileChange),
    ) -> Outcome<()> {
        let mut tell = |key: &[u8], record: Record| -> Outcome<()> {
            let earlier = self.records(before, key)?.pop();
            if let Some(change) = FileChange::between(earlier.as_ref().map(|(_, record)| record), &record) {
                each(path(key)?, change);
            }
            Ok(())
        };
        if at != before.chain {
            return self.increment(before.chain, at, tell);
        }
        let mut statement = self.range()?;
        let mut entries = Entries::of(&mut statement, at, &[], &EntryPath::root())?;
        while let Some((key, _, record)) = entries.next(&mut |date| date == at)? {
            tell(&key, record)?;
        }
        Ok(())
    }

    /// Dates of the sets of `state` that did something to the file at `path`, oldest first.
    pub(crate) fn changes_to(&self, state: &State, path: &EntryPath) -> Outcome<Vec<(i64, FileChange)>> {
        let records = self.records(state, &key(path))?;
        let before = std::iter::once(None).chain(records.iter().map(|(_, record)| Some(record)));
        let changes = before.zip(&records).filter_map(|(before, (at, record))| {
            FileChange::between(before, record).map(|change| (*at, change))
        });
        Ok(changes.collect())
    }
}
