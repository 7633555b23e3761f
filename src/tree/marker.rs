//! Files by which people and programs say that the directory they lie in is not to be saved.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{self, AtFlags, Mode, OFlags, StatxFlags};

#[derive(Clone, Copy, Debug)]
pub(super) enum Marker<'n> {
    /// Whatever bears this name.
    Named(&'n OsStr),
    /// `CACHEDIR.TAG`, if it begins as agreed: the name alone may be that of any file.
    CacheTag,
}

const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

impl Marker<'_> {
    /// Those that are understood without being asked to: Déjà Dup's among them.
    pub(super) fn known() -> [Self; 3] {
        let named = |name| Self::Named(OsStr::new(name));
        [Self::CacheTag, named(".hindsight-ignore"), named(".deja-dup-ignore")]
    }

    /// Whether the directory `name` in `parent` holds it.
    pub(super) fn is_in(self, parent: BorrowedFd<'_>, name: &[u8]) -> bool {
        let inside = |file: &[u8]| [name, b"/", file].concat();
        match self {
            Self::Named(file) => {
                let path = inside(file.as_bytes());
                fs::statx(parent, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok()
            }
            Self::CacheTag => {
                // Not blocking: it may be a fifo.
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let opened = fs::openat(parent, inside(b"CACHEDIR.TAG"), flags, Mode::empty());
                let mut start = [0; SIGNATURE.len()];
                opened.and_then(|file| rustix::io::read(file, &mut start)).is_ok() && start == SIGNATURE
            }
        }
    }
}
