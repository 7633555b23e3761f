//! What a restore did, written down while it is done, and taken back.
//!
//! The record outlives the program. It is a row of frames, so that one that was cut off costs its last frame: a file
//! that is about to be moved away is in it before it is moved, everything else when it has been made.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, statat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Level};
use crate::entry::EntryPath;
use crate::error::{Error, Result};
use crate::tree::source::Source;
use crate::tree::target::{Deed, Identity, rename_to_free};

#[derive(Serialize, Deserialize)]
enum Frame {
    /// The first: below this folder all paths lie.
    Base(Vec<u8>),
    Made {
        path: Vec<u8>,
        identity: Identity,
    },
    MovedAway {
        path: Vec<u8>,
        to: Vec<u8>,
    },
}

/// Being written.
pub(super) struct Record {
    path: PathBuf,
    base: Vec<u8>,
    /// `None` until there is something to write, and after something could not be written.
    file: Mutex<Option<BufWriter<File>>>,
    begun: std::sync::atomic::AtomicBool,
}

impl Record {
    pub(super) fn new(path: PathBuf, base: &Path) -> Self {
        let base = base.as_os_str().as_bytes().to_vec();
        Self { path, base, file: Mutex::default(), begun: Default::default() }
    }

    /// Nothing is moved away that is not in the record; for the rest the record is not worth a failure.
    pub(super) fn tell(&self, deed: Deed) -> io::Result<()> {
        let bytes = |path: &EntryPath| path.as_bytes().to_vec();
        match deed {
            Deed::Made { path, identity } => {
                let _ = self.write(&Frame::Made { path: bytes(&path), identity }, false);
                Ok(())
            }
            Deed::MovedAway { path, to } => {
                self.write(&Frame::MovedAway { path: bytes(&path), to: bytes(&to) }, true)
            }
        }
    }

    fn write(&self, frame: &Frame, now: bool) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.begun.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
            let file = file.insert(BufWriter::new(made));
            file.write_all(&encoded(&Frame::Base(self.base.clone()))?)?;
        }
        let Some(writer) = file.as_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let written =
            writer.write_all(&encoded(frame)?).and_then(|()| if now { writer.flush() } else { Ok(()) });
        if written.is_err() {
            // A frame that is cut off would hide those after it.
            *file = None;
        }
        written
    }

    /// Where the record lies, if anything was done.
    pub(super) fn finish(&self, ctx: &Context) -> Option<PathBuf> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if let Err(error) = file.flush().and_then(|()| file.get_ref().sync_data()) {
            ctx.say(Level::Warning, format_args!("What was restored cannot be undone: {error}"));
            return None;
        }
        Some(self.path.clone())
    }
}

fn encoded(frame: &Frame) -> io::Result<Vec<u8>> {
    postcard::to_stdvec_cobs(frame).map_err(io::Error::other)
}

/// What there is to take back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// That were made, beside what was there or instead of it; everything but folders.
    pub files: u64,
    pub folders: u64,
    /// Files that were moved away for them.
    pub replaced: u64,
}

/// `None`: nothing was done, or it cannot be read.
pub fn recorded(record: &Path) -> Option<Recorded> {
    let mut recorded = Recorded::default();
    for frame in read(record).ok()?.1 {
        match frame {
            Frame::Base(_) => {}
            Frame::Made { identity, .. } if identity.directory => recorded.folders += 1,
            Frame::Made { .. } => recorded.files += 1,
            Frame::MovedAway { .. } => recorded.replaced += 1,
        }
    }
    (recorded != Recorded::default()).then_some(recorded)
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undone {
    /// Files and folders that had been made, and are gone again.
    pub removed: u64,
    /// Files that had been replaced.
    pub put_back: u64,
    /// Changed since, or not to be moved: left as they are. Of a replaced file the older one then stays where it was
    /// moved to.
    pub left: Vec<PathBuf>,
}

/// Takes back what a record says was done, the last first, as far as nobody has changed it since: files that were made
/// are removed, folders that were made if they are empty, replaced files come back. The record is gone afterwards.
pub fn undo(record: &Path, ctx: &Context) -> Result<Undone> {
    let (base, mut frames) = read(record).map_err(Error::local(record))?;
    let source = Source::open(&base).map_err(Error::local(&base))?;
    let made = frames.iter().filter_map(|frame| match frame {
        Frame::Made { path, identity } if identity.directory => Some(path.clone()),
        _ => None,
    });
    let mut undoing =
        Undoing { folders: made.collect(), base: base.clone(), source, undone: Undone::default() };
    while let Some(frame) = frames.pop() {
        ctx.check()?;
        match frame {
            Frame::Base(_) => {}
            Frame::Made { path, identity } => undoing.remove(&path, &identity),
            Frame::MovedAway { path, to } => undoing.put_back(&path, &to),
        }
    }
    fs::remove_file(record).map_err(Error::local(record))?;
    let mut undone = undoing.undone;
    undone.left.sort();
    undone.left.dedup();
    Ok(undone)
}

fn read(record: &Path) -> io::Result<(PathBuf, Vec<Frame>)> {
    let bytes = fs::read(record)?;
    let frame = |frame: &[u8]| postcard::from_bytes_cobs::<Frame>(&mut [frame, &[0]].concat()).ok();
    let mut frames: Vec<_> = bytes.split(|byte| *byte == 0).map_while(frame).collect();
    match frames.first_mut() {
        Some(Frame::Base(base)) => Ok((OsString::from_vec(std::mem::take(base)).into(), frames)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

struct Undoing {
    base: PathBuf,
    source: Source,
    /// Made by the restore.
    folders: HashSet<Vec<u8>>,
    undone: Undone,
}

impl Undoing {
    fn remove(&mut self, path: &[u8], identity: &Identity) {
        let Some((path, parent)) = self.find(path) else { return };
        let name = OsStr::from_bytes(path.file_name());
        match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) if identity.is_still(&Identity::from(&now)) => {}
            Ok(_) if identity.directory => return,
            Ok(_) => return self.leave(&path),
            Err(_) => return,
        }
        let flags = if identity.directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        let mut removed = unlinkat(&parent, name, flags);
        let folder = path.parent().unwrap_or_default();
        if removed == Err(Errno::ACCESS) && self.folders.contains(folder.as_bytes()) {
            // A folder that came back read-only.
            let this = format!("/proc/self/fd/{}", parent.as_raw_fd());
            removed = rustix::fs::chmod(this, Mode::RWXU).and_then(|()| unlinkat(&parent, name, flags));
        }
        match removed {
            Ok(()) => self.undone.removed += 1,
            // Something else is in it by now.
            Err(Errno::NOTEMPTY | Errno::EXIST) if identity.directory => {}
            Err(_) => self.leave(&path),
        }
    }

    fn put_back(&mut self, path: &[u8], to: &[u8]) {
        let Some((to, safe)) = self.find(to) else { return };
        let name = OsStr::from_bytes(to.file_name());
        if statat(&safe, name, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            // It was not moved after all.
            return;
        }
        let Ok(path) = EntryPath::parse(path) else { return };
        let Some((_, parent)) = self.find(path.as_bytes()) else { return self.leave(&path) };
        match rename_to_free(&safe, name, &parent, OsStr::from_bytes(path.file_name())) {
            Ok(()) => self.undone.put_back += 1,
            Err(_) => self.leave(&path),
        }
    }

    /// The folder of a path, if it is there and no link leads to it.
    fn find(&self, path: &[u8]) -> Option<(EntryPath, OwnedFd)> {
        let path = EntryPath::parse(path).ok()?;
        let parent = self.source.open_handle(&path.parent()?).ok()?;
        Some((path, parent))
    }

    fn leave(&mut self, path: &EntryPath) {
        self.undone.left.push(path.below(&self.base));
    }
}
