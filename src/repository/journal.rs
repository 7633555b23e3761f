//! What the running set has stored so far, on this computer's disk: enough to finish the set as a
//! valid smaller one after any kind of death.
//!
//! A folder beside the cached signatures with three files: `header` (which set), `groups` (one line per
//! group of volumes, appended before the group is published) and `signatures` (gzip members, one per
//! group). Order per group: signatures, fsync, line, fsync, publish. So a line never speaks of
//! signatures that are not there, and every published volume has its line.
//!
//! A line is JSON after its checksum, so that a damaged disk makes a journal shorter, never wrong. Without
//! its header a journal does not exist: the header is the last to come and the first to go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::deflate::gunzip;
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
            file.write_all(&line(&header)?)?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            Ok((groups, signatures))
        };
        let (groups, signatures) = make().map_err(Error::local(&folder))?;
        Ok(Self { folder, header, groups, signatures, signatures_end: 0 })
    }

    /// The lease of a run that died, from the header alone.
    pub(crate) fn lease_left_behind(cache: &Path) -> Option<String> {
        parse::<Header>(&fs::read(cache.join(FOLDER).join("header")).ok()?)?.lease
    }

    /// The set of a run that died, which the next one completes; from the header alone.
    pub(crate) fn set_left_behind(cache: &Path) -> Option<SetId> {
        Some(parse::<Header>(&fs::read(cache.join(FOLDER).join("header")).ok()?)?.set())
    }

    /// The journal of a run that died, with all groups whose lines are whole.
    pub(crate) fn left_behind(cache: &Path) -> Result<Option<(Self, Vec<Group>)>> {
        let folder = cache.join(FOLDER);
        let Ok(text) = fs::read(folder.join("header")) else { return Ok(None) };
        let read = || -> io::Result<(File, File, Vec<Group>)> {
            let mut file = OpenOptions::new().read(true).append(true).open(folder.join("groups"))?;
            let lines = BufReader::new(&mut file).split(b'\n');
            let mut groups: Vec<Group> = lines.map_while(|line| parse(&line.ok()?)).collect();
            let signatures = OpenOptions::new().read(true).write(true).open(folder.join("signatures"))?;
            groups.truncate(with_signatures(&signatures, &groups)?);
            Ok((file, signatures, groups))
        };
        let (header, read) = (parse::<Header>(&text), read());
        let (Some(header), Ok((groups_file, signatures, groups))) = (header, read) else {
            // Died while it was made or removed, or damaged: there is nothing to complete.
            remove(&folder).map_err(Error::local(&folder))?;
            return Ok(None);
        };
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
        let next = next.map(|path| path.as_bytes().to_vec());
        let signatures_end = self.signatures_end + signatures.len() as u64;
        let group = Group { volumes, signatures_end, signatures_plain, next };
        let mut write = || -> io::Result<()> {
            self.signatures.write_all(signatures)?;
            self.signatures.sync_data()?;
            self.groups.write_all(&line(&group)?)?;
            self.groups.sync_data()
        };
        write().map_err(Error::local(&self.folder))?;
        self.signatures_end = signatures_end;
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

    /// The set is complete at the place: its signatures, the first `end` bytes here, become the cached
    /// ones, the journal goes. Beyond them lies what a failed group left.
    pub(crate) fn finish(mut self, end: u64, last_member: &[u8], cached: &Path) -> Result<()> {
        let mut keep = || -> io::Result<()> {
            remove_header(&self.folder)?;
            self.signatures.set_len(end)?;
            self.signatures.seek(SeekFrom::End(0))?;
            self.signatures.write_all(last_member)?;
            self.signatures.sync_data()?;
            fs::rename(self.folder.join("signatures"), cached)?;
            fs::remove_dir_all(&self.folder)
        };
        keep().map_err(Error::local(&self.folder))
    }

    /// Nothing of this run is worth keeping.
    pub(crate) fn discard(self) -> Result<()> {
        remove(&self.folder).map_err(Error::local(&self.folder))
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    remove_header(folder)?;
    fs::remove_dir_all(folder)
}

fn remove_header(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join("header"))?;
    File::open(folder)?.sync_all()
}

/// How many of the groups have their signatures, whole.
fn with_signatures(mut file: &File, groups: &[Group]) -> io::Result<usize> {
    let (mut end, mut plain) = (0, 0);
    for (index, group) in groups.iter().enumerate() {
        let (Some(length), Some(expected)) =
            (group.signatures_end.checked_sub(end), group.signatures_plain.checked_sub(plain))
        else {
            return Ok(index);
        };
        file.seek(SeekFrom::Start(end))?;
        let member = BufReader::with_capacity(1 << 16, file.take(length));
        if !matches!(io::copy(&mut gunzip(member), &mut io::sink()), Ok(found) if found == expected) {
            return Ok(index);
        }
        (end, plain) = (group.signatures_end, group.signatures_plain);
    }
    Ok(groups.len())
}

/// A record as text that tells whether it is whole.
pub(super) fn line(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// `None` for a line that is not as it was written.
pub(super) fn parse<T: for<'a> Deserialize<'a>>(line: &[u8]) -> Option<T> {
    let (sum, json) = line.split_at_checked(9)?;
    let json = json.strip_suffix(b"\n").unwrap_or(json);
    let right = sum == format!("{:08x} ", crc32fast::hash(json)).as_bytes();
    serde_json::from_slice(json).ok().filter(|_| right)
}
