//! Signatures of earlier backups by random access: what a delta is built on.
//!
//! A wrong signature would make a delta that rebuilds a wrong file, so what is read must name the path and have
//! the checksum that the catalogue recorded.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use super::catalog::{Catalog, Prior, SignatureAt};
use super::members::{Member, MemberReader, member_of};
use super::{BackupSet, Repository};
use crate::duplicity::sigtar::{Element, SigtarReader};
use crate::error::Result;

/// Where the signatures of a chain's sets lie.
pub(crate) struct SignatureStore {
    repository: Arc<Repository>,
    /// By date.
    sets: HashMap<i64, (BackupSet, Members)>,
}

/// Of one set's cached archive; other ones once that was fetched anew.
type Members = Mutex<Arc<Vec<Member>>>;

impl SignatureStore {
    /// `sets`: all known to `catalog`.
    pub(crate) fn new(repository: &Arc<Repository>, catalog: &Catalog, sets: &[BackupSet]) -> Self {
        let chain = sets.first().map_or(0, |full| full.id.at.0);
        let with_members = |set: &BackupSet| {
            let known = catalog.known(chain, set).ok().flatten();
            let members = known.map(|known| known.members).unwrap_or_default();
            (set.id.at.0, (set.clone(), Mutex::new(Arc::new(members))))
        };
        Self { repository: Arc::clone(repository), sets: sets.iter().map(with_members).collect() }
    }

    /// For one thread, which should ask in path order.
    pub(crate) fn reader(&self) -> SignatureReader<'_> {
        SignatureReader { store: self, open: HashMap::new() }
    }

    /// What is in the cache is not what the catalogue speaks of: fetches it anew.
    fn renew(&self, set: &BackupSet, members: &Members, seen: &Arc<Vec<Member>>) -> Result<()> {
        let mut members = members.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&members, seen) {
            return Ok(()); // another thread did
        }
        self.repository.cache.forget(&self.repository.cached_signatures_name(set.id));
        let (file, _) = self.repository.cached_signatures(set)?;
        let mut reader = MemberReader::new(BufReader::with_capacity(1 << 17, file));
        let read = io::copy(&mut reader, &mut io::sink());
        *members = Arc::new(if read.is_ok() { reader.into_members() } else { Vec::new() });
        Ok(())
    }
}

/// Files open at a time: those of the sets that were asked for last.
const OPEN: usize = 32;
/// Plain bytes that are rather skipped than sought over.
const NEAR: u64 = 256 * 1024;

type Open = MemberReader<BufReader<File>>;

pub(crate) struct SignatureReader<'s> {
    store: &'s SignatureStore,
    open: HashMap<i64, Open>,
}

impl SignatureReader<'_> {
    /// The librsync signature of `prior`'s content; `None` when it cannot be had: then the file is stored whole.
    pub(crate) fn read(&mut self, prior: &Prior) -> Option<Vec<u8>> {
        let at = prior.signature?;
        let (set, members) = self.store.sets.get(&at.set)?;
        for attempt in 0..2 {
            let known = Arc::clone(&members.lock().unwrap_or_else(PoisonError::into_inner));
            if let Ok(Some(signature)) = self.try_read(set, &known, at, prior) {
                return Some(signature);
            }
            self.open.remove(&at.set);
            if attempt == 0 && self.store.renew(set, members, &known).is_err() {
                break;
            }
        }
        None
    }

    fn try_read(
        &mut self,
        set: &BackupSet,
        members: &[Member],
        at: SignatureAt,
        prior: &Prior,
    ) -> io::Result<Option<Vec<u8>>> {
        let reader = self.reader_at(set, members, at)?;
        let mut entries = SigtarReader::new(reader);
        let Some(entry) = entries.next().map_err(io::Error::other)? else { return Ok(None) };
        if entry.element != Element::Signature || entry.path != prior.path {
            return Ok(None);
        }
        let mut body = Vec::new();
        entries.read_body(&mut body).map_err(io::Error::other)?;
        Ok((crc32fast::hash(&body) == at.crc32).then_some(body))
    }

    /// Positioned at the entry.
    fn reader_at(&mut self, set: &BackupSet, members: &[Member], at: SignatureAt) -> io::Result<&mut Open> {
        let near = |open: &Open| (open.position()..open.position() + NEAR).contains(&at.offset);
        let mut reader = match self.open.remove(&at.set).filter(near) {
            Some(open) => open,
            None => {
                if self.open.len() >= OPEN {
                    self.open.clear();
                }
                let cache = &self.store.repository.cache;
                let name = self.store.repository.cached_signatures_name(set.id);
                let mut file = File::open(cache.folder().join(name))?;
                let member = member_of(members, at.offset);
                file.seek(SeekFrom::Start(member.stored))?;
                MemberReader::at(BufReader::with_capacity(1 << 16, file), member)
            }
        };
        let skip = at.offset - reader.position();
        io::copy(&mut (&mut reader).take(skip), &mut io::sink())?;
        Ok(self.open.entry(at.set).insert_entry(reader).into_mut())
    }
}
