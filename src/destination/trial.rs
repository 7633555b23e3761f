//! Trying a place out before it is trusted, and giving it its identity.

use super::{
    Destination, DestinationError, ErrorKind, Existing, Marker, Result, new_upload_name, put_bytes,
    read_bytes, read_marker, write_marker,
};
use crate::context::Context;
use crate::entry::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckKind {
    Write,
    List,
    Read,
    Delete,
    FreeSpace,
    BigFile,
}

#[derive(Debug)]
pub struct Check {
    pub kind: CheckKind,
    /// Bytes that are free, or the size of the largest file that can be stored; `None` where the place does not
    /// tell, or knows no limit.
    pub result: Result<Option<u64>>,
}

/// What the trial object holds.
const CONTENT: &[u8] = b"Hindsight has tried this place out. This file can be deleted.\n";

/// Writes, lists, reads and deletes a small object, and asks for room. The place must exist. What cannot be tried
/// since nothing was written is left out.
pub fn try_place(place: &dyn Destination, ctx: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |kind, result: Result<Option<u64>>| {
        let passed = result.is_ok();
        checks.push(Check { kind, result });
        passed
    };
    // A name of an upload in progress: should we die now, a later run sweeps it away.
    let written = new_upload_name().and_then(|name| {
        put_bytes(place, &name, CONTENT, Existing::Refuse, ctx)?;
        Ok(name)
    });
    match written {
        Ok(name) => {
            check(CheckKind::Write, Ok(None));
            check(CheckKind::List, lists(place, &name));
            check(CheckKind::Read, reads_back(place, &name));
            check(CheckKind::Delete, deletes(place, &name));
        }
        Err(error) => {
            check(CheckKind::Write, Err(error));
        }
    }
    check(CheckKind::FreeSpace, place.free_space());
    check(CheckKind::BigFile, place.largest_object());
    checks
}

fn lists(place: &dyn Destination, name: &str) -> Result<Option<u64>> {
    let is_whole = |stored: &super::Stored| stored.name == name && stored.size == CONTENT.len() as u64;
    if place.list()?.iter().any(is_whole) { Ok(None) } else { Err(differs(place, "it is not listed")) }
}

fn reads_back(place: &dyn Destination, name: &str) -> Result<Option<u64>> {
    match read_bytes(place, name, CONTENT.len() as u64)? == CONTENT {
        true => Ok(None),
        false => Err(differs(place, "what was read is not what was written")),
    }
}

fn deletes(place: &dyn Destination, name: &str) -> Result<Option<u64>> {
    place.delete(name)?;
    match place.size(name)? {
        None => Ok(None),
        Some(_) => Err(differs(place, "it is still there after it was deleted")),
    }
}

fn differs(place: &dyn Destination, cause: &'static str) -> DestinationError {
    let error = DestinationError::new(ErrorKind::Other, place.describe());
    DestinationError { source: Some(cause.into()), ..error }
}

/// The identity of a place that a plan is about to use: the one it has, or a new one. Makes the folder if needed.
pub fn adopt_or_mark(place: &dyn Destination, ctx: &Context) -> Result<Marker> {
    match read_marker(place) {
        Ok(Some(marker)) => return Ok(marker),
        Ok(None) => {}
        Err(error) if error.kind == ErrorKind::NotFound => place.create()?,
        Err(error) => return Err(error),
    }
    let marker = Marker::new(Timestamp::now())?;
    match write_marker(place, &marker, ctx) {
        Ok(()) => Ok(marker),
        // Another computer came first by a moment.
        Err(error) if error.kind == ErrorKind::NameTaken => read_marker(place)?.ok_or(error),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::destination::Folder;

    #[test]
    fn a_good_place_passes_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let checks = try_place(&Folder::new(folder.path()), &Context::silent());
        let kinds: Vec<_> = checks.iter().map(|check| check.kind).collect();
        use CheckKind::{BigFile, Delete, FreeSpace, List, Read, Write};
        assert_eq!(kinds, [Write, List, Read, Delete, FreeSpace, BigFile]);
        assert!(checks.iter().all(|check| check.result.is_ok()), "{checks:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_is_missing_fails_with_its_reason() {
        let checks = try_place(&Folder::new("/nowhere/at/all"), &Context::silent());
        let first = checks.first().unwrap();
        assert_eq!(first.kind, CheckKind::Write);
        assert_eq!(first.result.as_ref().unwrap_err().kind, ErrorKind::NotFound);
        assert!(checks.iter().all(|check| check.kind != CheckKind::List));
    }

    #[test]
    fn a_place_keeps_the_identity_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let place = Folder::new(folder.path().join("new/folder"));
        let first = adopt_or_mark(&place, &Context::silent()).unwrap();
        assert_eq!(adopt_or_mark(&place, &Context::silent()).unwrap(), first);
        let other = Folder::new(folder.path().join("other"));
        assert_ne!(adopt_or_mark(&other, &Context::silent()).unwrap().id, first.id);
    }

    #[test]
    fn a_marker_that_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join(crate::destination::MARKER_NAME);
        fs::write(&marker, "{").unwrap();
        fs::set_permissions(&marker, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(adopt_or_mark(&Folder::new(folder.path()), &Context::silent()).is_err());
        assert_eq!(fs::read(&marker).unwrap(), b"{");
    }
}
