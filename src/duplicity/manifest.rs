//! The manifest of a set: which volumes it has, their path ranges and hashes (`FORMAT.md`, Manifest).
//!
//! Its presence makes a set complete. Text in lines; the bytes of paths are raw, whatever their encoding.

pub(crate) mod quote;
mod read;

use std::io::{self, Write};

use self::quote::quote;
use crate::entry::EntryPath;

/// What a manifest says. The list of changed files that stock appends is neither kept nor written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Manifest {
    pub hostname: Option<Vec<u8>>,
    /// The saved folder as it was typed.
    pub localdir: Option<Vec<u8>>,
    /// In the order in which a restore reads them, each number once.
    pub volumes: Vec<VolumeRecord>,
    /// Version of our own records; `None` when another program wrote the set.
    pub version: Option<u32>,
    /// Random id of the plan that wrote the set.
    pub source_id: Option<String>,
    /// The set was closed early: nothing from this path on was visited.
    pub unfinished: Option<EntryPath>,
}

/// One volume. At least one hash is present, always over the stored (encrypted) bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VolumeRecord {
    pub number: u32,
    pub start: Boundary,
    pub end: Boundary,
    pub sha1: Option<[u8; 20]>,
    pub md5: Option<[u8; 16]>,
    pub sha256: Option<[u8; 32]>,
}

/// First or last entry of a volume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Boundary {
    pub path: EntryPath,
    /// Number of the part, from 1, when a file is cut there; not given for a file's last part.
    pub block: Option<u64>,
}

impl VolumeRecord {
    /// Whether the object at `path`, or anything below it, may be in this volume.
    pub fn may_hold(&self, path: &EntryPath) -> bool {
        let depth = path.components().count();
        self.start.path.components().take(depth).le(path.components()) && *path <= self.end.path
    }
}

/// A manifest that cannot be trusted to name all of its volumes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("manifest line {line}: {fault}")]
pub struct ManifestError {
    /// From 1.
    pub line: usize,
    pub fault: ManifestFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    #[error("not a volume number")]
    VolumeNumber,
    #[error("not a path")]
    Path,
    #[error("not a block number")]
    Block,
    #[error("not a hash of its kind")]
    Hash,
    #[error("not a value of ours")]
    OwnValue,
    #[error("volume {0} has no starting path")]
    NoStart(u32),
    #[error("volume {0} has no ending path")]
    NoEnd(u32),
    #[error("volume {0} has no known hash")]
    NoHash(u32),
    #[error("no volume is listed")]
    NoVolume,
    #[error("the text is cut in the middle of a line")]
    Cut,
}

impl Manifest {
    /// Writes what [`parse`](Self::parse) and every version of stock read back.
    ///
    /// # Errors
    /// Besides those of `out`: `InvalidInput` when the highest number is not last, for readers drop what is above the last.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.volumes.iter().map(|v| v.number).max() != self.volumes.last().map(|v| v.number) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the highest volume must be listed last",
            ));
        }
        if let Some(hostname) = &self.hostname {
            let safe: Vec<u8> = hostname.iter().copied().filter(|b| !b.is_ascii_control()).collect();
            line(out, b"Hostname ", &safe)?;
        }
        if let Some(localdir) = &self.localdir {
            line(out, b"Localdir ", &quote(localdir))?;
        }
        if let Some(version) = self.version {
            writeln!(out, "X-Hindsight-Version {version}")?;
        }
        if let Some(id) = &self.source_id {
            line(out, b"X-Hindsight-Source ", &quote(id.as_bytes()))?;
        }
        if let Some(path) = &self.unfinished {
            line(out, b"X-Hindsight-Unfinished ", &quote(path_bytes(path)))?;
        }
        self.volumes.iter().try_for_each(|volume| volume.write(out))?;
        out.write_all(b"Filelist 0\n")
    }
}

impl VolumeRecord {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Volume {}:", self.number)?;
        self.start.write(out, b"    StartingPath   ")?;
        self.end.write(out, b"    EndingPath     ")?;
        // Stock takes the kind it prefers, wherever it stands.
        let hashes: [(&str, Option<&[u8]>); 3] = [
            ("SHA1", self.sha1.as_ref().map(|h| &h[..])),
            ("MD5", self.md5.as_ref().map(|h| &h[..])),
            ("SHA256", self.sha256.as_ref().map(|h| &h[..])),
        ];
        for (kind, hash) in hashes {
            if let Some(hash) = hash {
                let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
                writeln!(out, "    Hash {kind} {hex}")?;
            }
        }
        Ok(())
    }
}

impl Boundary {
    fn write(&self, out: &mut impl Write, field: &[u8]) -> io::Result<()> {
        // Without a block number stock leaves a second space in its place.
        let block = self.block.map_or_else(|| " ".to_owned(), |n| n.to_string());
        let path = quote(path_bytes(&self.path));
        line(out, field, &[&path, &b" "[..], block.as_bytes()].concat())
    }
}

fn line(out: &mut impl Write, field: &[u8], value: &[u8]) -> io::Result<()> {
    out.write_all(field)?;
    out.write_all(value)?;
    out.write_all(b"\n")
}

/// The root is written as `.`.
fn path_bytes(path: &EntryPath) -> &[u8] {
    if path.is_root() { b"." } else { path.as_bytes() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
