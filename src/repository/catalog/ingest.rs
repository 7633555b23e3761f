//! From signature archives to rows: of a whole set at once, or of a running set group by group.

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
#[derive(Clone, Copy)]
struct Key {
    chain: i64,
    id: SetId,
}

/// What has been added of a set so far.
#[derive(Default)]
struct Added {
    entries: i64,
    members: Vec<Member>,
    last: Option<EntryPath>,
}

/// Adds a whole set from its cached signatures, fetching them first if need be. All or nothing.
pub(super) fn set(
    catalog: &mut Catalog,
    repository: &Repository,
    chain: i64,
    set: &BackupSet,
) -> Outcome<()> {
    let (file, sha256) = repository.cached_signatures(set)?;
    let name = set.signatures.as_deref().unwrap_or_default();
    let transaction = catalog.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget(&transaction, chain, set.id.at.0)?;
    let (key, mut added) = (Key { chain, id: set.id }, Added::default());
    let start = Member { plain: 0, stored: 0 };
    add(&transaction, key, BufReader::with_capacity(1 << 17, file), start, name, &mut added)?;
    complete(&transaction, key, &sha256, &added)?;
    transaction.commit()?;
    Ok(())
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

/// `name`: of the archive, for errors.
fn add(
    connection: &Connection,
    Key { chain, id }: Key,
    gzip: impl BufRead,
    start: Member,
    name: &str,
    added: &mut Added,
) -> Outcome<()> {
    let damaged = |e: &dyn std::fmt::Display| Trouble::Run(Error::damaged(format!("{name}: {e}")));
    let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4)")?;
    let mut reader = SigtarReader::new(MemberReader::at(gzip, start));
    let mut body = Vec::new();
    while let Some(entry) = reader.next().map_err(|e| damaged(&e))? {
        // Entries out of order would silently show wrong files as new or deleted.
        if added.last.as_ref().is_some_and(|last| entry.path <= *last) {
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
        insert.execute(params![chain, key, id.at.0, record])?;
        added.last = Some(entry.path);
        added.entries += 1;
    }
    added.members.extend(reader.finish().map_err(|e| damaged(&e))?.into_members());
    Ok(())
}

/// From here on the set is known.
fn complete(connection: &Connection, key: Key, sha256: &str, added: &Added) -> Outcome<()> {
    let members = postcard::to_stdvec(&added.members)
        .map_err(|_| Trouble::Damaged("members that cannot be written"))?;
    let (since, at) = (key.id.from.map(|from| from.0), key.id.at.0);
    connection.execute("DELETE FROM begun WHERE chain = ?1 AND at = ?2", [key.chain, at])?;
    connection.execute(
        "INSERT OR REPLACE INTO sets VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key.chain, at, since, sha256, members, added.entries],
    )?;
    Ok(())
}

/// Adds the entries of a running set as its groups are committed, so that nothing is left to do at its end.
/// Trouble here never troubles the backup: the set is then read from its signatures when it is wanted.
pub(crate) struct LiveIngest {
    catalog: Catalog,
    key: Key,
    next: Member,
    added: Added,
}

impl LiveIngest {
    /// `chain`: date of the full that the set builds on, or its own.
    pub(crate) fn begin(repository: &Repository, chain: i64, id: SetId) -> Outcome<Self> {
        let mut catalog = Catalog::open(repository.cache.folder())?;
        catalog.tidy(repository)?;
        catalog.connection.execute("INSERT INTO begun VALUES (?1, ?2)", [chain, id.at.0])?;
        let (key, next) = (Key { chain, id }, Member { plain: 0, stored: 0 });
        Ok(Self { catalog, key, next, added: Added::default() })
    }

    pub(crate) fn add(&mut self, fragment: &Fragment) -> Outcome<()> {
        let transaction =
            self.catalog.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let gzip = &fragment.gzip[..];
        add(&transaction, self.key, gzip, self.next, "the running backup", &mut self.added)?;
        transaction.commit()?;
        self.next.plain += fragment.plain;
        self.next.stored += fragment.gzip.len() as u64;
        Ok(())
    }

    /// `sha256`: of the whole cached archive.
    pub(crate) fn finish(self, sha256: &str) -> Result<()> {
        let done = complete(&self.catalog.connection, self.key, sha256, &self.added);
        done.map_err(|trouble| super::into_error(trouble, &self.catalog.folder))
    }
}
