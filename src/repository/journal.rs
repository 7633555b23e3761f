//! What the running set has stored so far, on this computer's disk: enough to finish the set as a
//! valid smaller one after any kind of death.
//!
//! A folder beside the cached signatures with three files: `header` (which set), `groups` (one JSON line per
//! group of volumes, appended before the group is published) and `signatures` (gzip members, one per
//! group). Order per group: signatures, fsync, line, fsync, publish. So a line never speaks of
//! signatures that are not there, and every published volume has its line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::duplicity::manifest::{Boundary, VolumeRecord};
use crate::duplicity::name::{Sealing, SetId};
use crate::duplicity::time::SetTime;
use crate::entry::EntryPath;
use crate::error::{Error, Result};

const FOLDER: &str = "hindsight-run";

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) from: Option<i64>,
    pub(crate) at: i64,
    pub(crate) encrypted: bool,
    pub(crate) hostname: String,
    /// Bytes as typed, which need not be UTF-8.
    pub(crate) localdir: Vec<u8>,
    pub(crate) source_id: String,
    /// Lease of the run, to be taken over after its death.
    pub(crate) lease: Option<String>,
}

impl Header {
    pub(crate) fn set(&self) -> SetId {
        SetId { from: self.from.map(SetTime), at: SetTime(self.at) }
    }

    pub(crate) fn sealing(&self) -> Sealing {
        if self.encrypted { Sealing::OpenPgp } else { Sealing::Gzip }
    }
}

/// Volumes that become visible together: together they hold whole entries.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Group {
    pub(crate) volumes: Vec<Volume>,
    /// Length of `signatures` once this group's are in it; bytes.
    pub(crate) signatures_end: u64,
    /// Plain bytes of sigtar so far.
    pub(crate) signatures_plain: u64,
    /// First path that was not looked at yet; `None` when the walk is complete.
    pub(crate) next: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) number: u32,
    /// Name under which the sealed volume lies until it is published.
    pub(crate) staged: String,
    /// Stored bytes.
    pub(crate) size: u64,
    pub(crate) sha1: [u8; 20],
    pub(crate) sha256: [u8; 32],
    pub(crate) start: (Vec<u8>, Option<u64>),
    pub(crate) end: (Vec<u8>, Option<u64>),
}

impl Volume {
    pub(crate) fn record(&self) -> Result<VolumeRecord> {
        let boundary = |(path, block): &(Vec<u8>, Option<u64>)| -> Result<Boundary> {
            Ok(Boundary { path: EntryPath::parse(path).map_err(Error::damaged)?, block: *block })
        };
        Ok(VolumeRecord {
            number: self.number,
            start: boundary(&self.start)?,
            end: boundary(&self.end)?,
            sha1: Some(self.sha1),
            md5: None,
            sha256: Some(self.sha256),
        })
    }
}

pub(crate) struct Journal {
    folder: PathBuf,
    pub(crate) header: Header,
    groups: File,
    signatures: File,
    signatures_end: u64,
}

impl Journal {
    pub(crate) fn create(cache: &Path, header: Header) -> Result<Self> {
        let folder = cache.join(FOLDER);
        let make = || -> io::Result<(File, File)> {
            fs::create_dir_all(&folder)?;
            let groups = File::create(folder.join("groups"))?;
            let signatures = File::create(folder.join("signatures"))?;
            // The header comes last: without it there is no journal.
            let mut file = File::create(folder.join("header"))?;
            file.write_all(&serde_json::to_vec(&header)?)?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            Ok((groups, signatures))
        };
        let (groups, signatures) = make().map_err(Error::local(&folder))?;
        Ok(Self { folder, header, groups, signatures, signatures_end: 0 })
    }

    /// The journal of a run that died, with all groups whose lines are whole.
    pub(crate) fn left_behind(cache: &Path) -> Result<Option<(Self, Vec<Group>)>> {
        let folder = cache.join(FOLDER);
        let Ok(text) = fs::read(folder.join("header")) else { return Ok(None) };
        let Ok(header) = serde_json::from_slice::<Header>(&text) else {
            // Died while the header was written: nothing had been stored yet.
            fs::remove_dir_all(&folder).map_err(Error::local(&folder))?;
            return Ok(None);
        };
        let read = || -> io::Result<(File, File, Vec<Group>)> {
            let mut file = OpenOptions::new().read(true).append(true).open(folder.join("groups"))?;
            let lines = BufReader::new(&mut file).lines();
            let whole = |line: io::Result<String>| serde_json::from_str(&line.ok()?).ok();
            let groups = lines.map_while(whole).collect();
            let signatures = OpenOptions::new().read(true).write(true).open(folder.join("signatures"))?;
            Ok((file, signatures, groups))
        };
        let (groups_file, signatures, groups) = read().map_err(Error::local(&folder))?;
        let journal = Self { folder, header, groups: groups_file, signatures, signatures_end: 0 };
        Ok(Some((journal, groups)))
    }

    /// Records a group that is about to be published; durable when this returns.
    pub(crate) fn append(
        &mut self,
        volumes: Vec<Volume>,
        signatures: &[u8],
        signatures_plain: u64,
        next: Option<&EntryPath>,
    ) -> Result<Group> {
        self.signatures_end += signatures.len() as u64;
        let next = next.map(|path| path.as_bytes().to_vec());
        let group = Group { volumes, signatures_end: self.signatures_end, signatures_plain, next };
        let mut write = || -> io::Result<()> {
            self.signatures.write_all(signatures)?;
            self.signatures.sync_data()?;
            let mut line = serde_json::to_vec(&group)?;
            line.push(b'\n');
            self.groups.write_all(&line)?;
            self.groups.sync_data()
        };
        write().map_err(Error::local(&self.folder))?;
        Ok(group)
    }

    /// Cuts the signatures back to what the last usable group had, and reads them from the start.
    pub(crate) fn signatures_until(&mut self, end: u64) -> Result<impl Read + use<>> {
        let mut rewind = || -> io::Result<File> {
            self.signatures.set_len(end)?;
            self.signatures.seek(SeekFrom::End(0))?;
            File::open(self.folder.join("signatures"))
        };
        let file = rewind().map_err(Error::local(&self.folder))?;
        self.signatures_end = end;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// The set is complete at the place: its signatures become the cached ones, the journal goes.
    pub(crate) fn finish(mut self, last_member: &[u8], cached: &Path) -> Result<()> {
        let mut keep = || -> io::Result<()> {
            self.signatures.write_all(last_member)?;
            self.signatures.sync_data()?;
            fs::rename(self.folder.join("signatures"), cached)?;
            fs::remove_dir_all(&self.folder)
        };
        keep().map_err(Error::local(&self.folder))
    }

    /// Nothing of this run is worth keeping.
    pub(crate) fn discard(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).map_err(Error::local(&self.folder))
    }
}
