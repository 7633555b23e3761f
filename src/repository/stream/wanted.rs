//! Which entries of a set are to come out.

use std::sync::Arc;

use crate::duplicity::manifest::VolumeRecord;
use crate::entry::EntryPath;

#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// This path and all that is below it.
    Below(EntryPath),
    /// Just these, ascending.
    These(Arc<[EntryPath]>),
}

impl Wanted {
    pub(super) fn has(&self, path: &EntryPath) -> bool {
        match self {
            Self::Below(top) => path.is_within(top),
            Self::These(paths) => paths.binary_search(path).is_ok(),
        }
    }

    /// Whether nothing that comes after `path`, which is not wanted itself, is.
    pub(super) fn ends_before(&self, path: &EntryPath) -> bool {
        match self {
            Self::Below(top) => path > top,
            Self::These(paths) => paths.last().is_none_or(|last| path > last),
        }
    }

    pub(super) fn may_be_in(&self, volume: &VolumeRecord) -> bool {
        match self {
            Self::Below(top) => volume.may_hold(top),
            Self::These(paths) => {
                let first = paths.partition_point(|path| *path < volume.start.path);
                paths.get(first).is_some_and(|path| *path <= volume.end.path)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::duplicity::manifest::Boundary;

    fn path(text: &str) -> EntryPath {
        EntryPath::parse(text.as_bytes()).unwrap()
    }

    fn volume(start: &str, end: &str) -> VolumeRecord {
        let at = |text| Boundary { path: path(text), block: None };
        let (start, end) = (at(start), at(end));
        VolumeRecord { number: 1, start, end, sha1: None, md5: None, sha256: None }
    }

    #[test]
    fn a_volume_between_two_wanted_paths_is_not_read() {
        let wanted = Wanted::These([path("b/x"), path("d")].into());
        assert!(wanted.may_be_in(&volume("a", "b/x")));
        assert!(!wanted.may_be_in(&volume("b/y", "c")));
        assert!(!wanted.may_be_in(&volume("b", "b/w")), "only what is below the folder");
        assert!(wanted.may_be_in(&volume("d", "z")));
        assert!(!wanted.may_be_in(&volume("d/a", "z")));
        assert!(wanted.has(&path("d")) && !wanted.has(&path("d/a")) && !wanted.has(&path("b")));
        assert!(wanted.ends_before(&path("d/a")) && !wanted.ends_before(&path("c")));
    }
}
