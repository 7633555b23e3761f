//! From signature archives to rows: of a whole set at once, or of a running set group by group.

use std::fs::File;
use std::io::{BufRead, BufReader};

use rusqlite::{Connection, TransactionBehavior, params};

use super::record::{Record, Signature, key};
use super::{Catalog, Outcome, Trouble};
use crate::duplicity::name::SetId;
use crate::duplicity::sigtar::{Element, SigtarReader};
use crate::entry::EntryPath;
use crate::error::{Error, Result};
use crate::repository::fragment::Fragment;
use crate::repository::members::{Member, MemberReader};
use crate::repository::{BackupSet, Repository};

/// Signatures above this many bytes (a million blocks) are not used: such a file is stored whole when it changes.
const SIGNATURE_LIMIT: u64 = 12 + 12 * 1_000_000;

/// Which set of which chain, by date; and what it builds on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) chain: i64,
    pub(super) id: SetId,
}

/// What a set says of one path, as it stands in the catalogue.
#[derive(Debug)]
pub(super) struct Row {
    key: Vec<u8>,
    record: Vec<u8>,
}

/// What completes a set.
#[derive(Debug)]
pub(super) struct End {
    pub(super) members: Vec<Member>,
    /// Of the cached archive.
    pub(super) sha256: String,
}

/// A set that was read.
pub(super) struct Whole {
    pub(super) key: Key,
    pub(super) rows: Vec<Row>,
    pub(super) end: End,
}

/// Adds a whole set from its cached signatures, fetching them first if need be. All or nothing.
pub(super) fn set(
    catalog: &mut Catalog,
    repository: &Repository,
    chain: i64,
    set: &BackupSet,
) -> Outcome<()> {
    let key = Key { chain, id: set.id };
    // Not while the catalogue is held.
    let archive = Archive::open(repository, set)?;
    adding(catalog, key, |insert| archive.read(key, |row| insert(&row)))
}

/// All or nothing of what `fill` adds, and says is complete.
pub(super) fn adding(
    catalog: &mut Catalog,
    key: Key,
    fill: impl FnOnce(&mut dyn FnMut(&Row) -> Outcome<()>) -> Outcome<End>,
) -> Outcome<()> {
    let transaction = catalog.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget(&transaction, key.chain, key.id.at.0)?;
    let mut entries = 0;
    let end = fill(&mut |row: &Row| {
        entries += 1;
        insert(&transaction, key, row)
    })?;
    complete(&transaction, key, &end, entries)?;
    transaction.commit()?;
    Ok(())
}

/// Adds sets, all or none of them. In path order over all of them: page by page, however many sets have something there.
pub(super) fn several(catalog: &mut Catalog, sets: &[Whole]) -> Outcome<()> {
    let transaction = catalog.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for Whole { key, .. } in sets {
        forget(&transaction, key.chain, key.id.at.0)?;
    }
    let mut rows: Vec<_> = sets.iter().flat_map(|set| set.rows.iter().map(|row| (set.key, row))).collect();
    rows.sort_unstable_by(|(a, one), (b, other)| {
        (a.chain, &one.key, a.id.at).cmp(&(b.chain, &other.key, b.id.at))
    });
    for (key, row) in rows {
        insert(&transaction, key, row)?;
    }
    for Whole { key, rows, end } in sets {
        complete(&transaction, *key, end, i64::try_from(rows.len()).unwrap_or(i64::MAX))?;
    }
    transaction.commit()?;
    Ok(())
}

fn insert(connection: &Connection, Key { chain, id }: Key, row: &Row) -> Outcome<()> {
    let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![chain, row.key, id.at.0, row.record])?;
    Ok(())
}

/// The cached signatures of a set.
pub(super) struct Archive<'s> {
    file: File,
    sha256: String,
    /// For errors.
    name: &'s str,
}

impl<'s> Archive<'s> {
    /// Fetches them first if need be.
    pub(super) fn open(repository: &Repository, set: &'s BackupSet) -> Outcome<Self> {
        let (file, sha256) = repository.cached_signatures(set)?;
        Ok(Self { file, sha256, name: set.signatures.as_deref().unwrap_or_default() })
    }

    /// What they say, in path order.
    pub(super) fn read(self, key: Key, each: impl FnMut(Row) -> Outcome<()>) -> Outcome<End> {
        let gzip = BufReader::with_capacity(1 << 17, self.file);
        let start = Member { plain: 0, stored: 0 };
        let members = decode(key, gzip, start, self.name, &mut None, each)?;
        Ok(End { members, sha256: self.sha256 })
    }
}

/// Removes what is there of a set, whole or begun.
pub(super) fn forget(connection: &Connection, chain: i64, at: i64) -> Outcome<()> {
    let known = connection.execute("DELETE FROM sets WHERE chain = ?1 AND at = ?2", [chain, at])?;
    let begun = connection.execute("DELETE FROM begun WHERE chain = ?1 AND at = ?2", [chain, at])?;
    if known + begun > 0 {
        // Said twice so that SQLite sees that the index of increments will do.
        let entries = if at == chain {
            "DELETE FROM entries WHERE chain = ?1 AND at = ?2"
        } else {
            "DELETE FROM entries WHERE chain = ?1 AND at = ?2 AND at <> chain"
        };
        connection.execute(entries, [chain, at])?;
    }
    Ok(())
}

/// `name`: of the archive, for errors. `last`: the path before its first one, afterwards its last one.
fn decode(
    Key { chain, id }: Key,
    gzip: impl BufRead,
    start: Member,
    name: &str,
    last: &mut Option<EntryPath>,
    mut each: impl FnMut(Row) -> Outcome<()>,
) -> Outcome<Vec<Member>> {
    let damaged = |e: &dyn std::fmt::Display| Trouble::Run(Error::damaged(format!("{name}: {e}")));
    let mut reader = SigtarReader::new(MemberReader::at(gzip, start));
    let mut body = Vec::new();
    while let Some(entry) = reader.next().map_err(|e| damaged(&e))? {
        // Entries out of order would silently show wrong files as new or deleted.
        if last.as_ref().is_some_and(|last| entry.path <= *last) {
            return Err(damaged(&format!("{} is out of order", entry.path)));
        }
        let mut signature = None;
        if entry.element == Element::Signature && (1..=SIGNATURE_LIMIT).contains(&entry.size) {
            reader.read_body(&mut body).map_err(|e| damaged(&e))?;
            let (offset, crc32) = (start.plain + entry.offset, crc32fast::hash(&body));
            signature = Some(Signature { offset, size: entry.size, crc32 });
        }
        let attributes = (entry.element != Element::Deleted).then_some(entry.attributes);
        let record = Record { attributes, signature };
        let key = key(&entry.path);
        let record = record.encode(chain, &key, id.at.0)?;
        each(Row { key, record })?;
        *last = Some(entry.path);
    }
    Ok(reader.finish().map_err(|e| damaged(&e))?.into_members())
}

/// From here on the set is known.
fn complete(connection: &Connection, key: Key, end: &End, entries: i64) -> Outcome<()> {
    let members =
        postcard::to_stdvec(&end.members).map_err(|_| Trouble::Damaged("members that cannot be written"))?;
    let (since, at) = (key.id.from.map(|from| from.0), key.id.at.0);
    connection.execute("DELETE FROM begun WHERE chain = ?1 AND at = ?2", [key.chain, at])?;
    connection.execute(
        "INSERT OR REPLACE INTO sets VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key.chain, at, since, end.sha256, members, entries],
    )?;
    Ok(())
}

/// Adds the entries of a running set as its groups are committed, so that nothing is left to do at its end.
/// Trouble here never troubles the backup: the set is then read from its signatures when it is wanted.
pub(crate) struct LiveIngest {
    catalog: Catalog,
    key: Key,
    next: Member,
    /// What has been added so far.
    entries: i64,
    members: Vec<Member>,
    last: Option<EntryPath>,
}

impl LiveIngest {
    /// `chain`: date of the full that the set builds on, or its own.
    pub(crate) fn begin(repository: &Repository, chain: i64, id: SetId) -> Outcome<Self> {
        let mut catalog = Catalog::open(repository.cache.folder())?;
        catalog.tidy(repository)?;
        catalog.connection.execute("INSERT INTO begun VALUES (?1, ?2)", [chain, id.at.0])?;
        let (key, next) = (Key { chain, id }, Member { plain: 0, stored: 0 });
        Ok(Self { catalog, key, next, entries: 0, members: Vec::new(), last: None })
    }

    pub(crate) fn add(&mut self, fragment: &Fragment) -> Outcome<()> {
        let transaction =
            self.catalog.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let gzip = &fragment.gzip[..];
        let mut entries = 0;
        let add = |row: Row| {
            entries += 1;
            insert(&transaction, self.key, &row)
        };
        let members = decode(self.key, gzip, self.next, "the running backup", &mut self.last, add)?;
        transaction.commit()?;
        self.entries += entries;
        self.members.extend(members);
        self.next.plain += fragment.plain;
        self.next.stored += fragment.gzip.len() as u64;
        Ok(())
    }

    /// `sha256`: of the whole cached archive.
    pub(crate) fn finish(self, sha256: &str) -> Result<()> {
        let end = End { members: self.members, sha256: sha256.into() };
        let done = complete(&self.catalog.connection, self.key, &end, self.entries);
        done.map_err(|trouble| super::into_error(trouble, &self.catalog.folder))
    }
}
