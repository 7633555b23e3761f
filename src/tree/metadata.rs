//! Extended attributes and ACLs of one object, read and written through a handle on it.
//!
//! A handle may be an open file or one that permits no reading (`O_PATH`, which symlinks need): the
//! latter is reached through `/proc/self/fd`, which names the object itself and follows nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{self, XattrFlags};
use rustix::io::Errno;

use super::acl;
use super::owner::Owners;
use crate::entry::Extended;

/// What could not be applied: the xattr's name, or that of an ACL's xattr.
pub type NotApplied = (Vec<u8>, io::Error);

/// Everything that [`Extended`] holds of the object; `None` when there is nothing, which costs one call.
///
/// An attribute that may not be read (`trusted.` for mere users) or that vanishes is left out; a list that
/// cannot be read is an error, unless the file system has no attributes at all.
pub fn read_extended(handle: impl AsFd, owners: &Owners) -> io::Result<Option<Box<Extended>>> {
    let handle = Handle(handle.as_fd());
    let names = match handle.list() {
        Ok(names) if names.is_empty() => return Ok(None),
        Err(Errno::OPNOTSUPP) => return Ok(None),
        names => names?,
    };
    let mut extended = Extended::default();
    for name in names.split(|byte| *byte == 0).filter(|name| is_kept(name)) {
        let value = match handle.get(name) {
            Ok(value) => value,
            Err(Errno::IO) => return Err(Errno::IO.into()),
            Err(_) => continue,
        };
        match name {
            _ if name == acl::ACCESS.as_bytes() => extended.acl_access = acl::to_text(&value, owners).ok(),
            _ if name == acl::DEFAULT.as_bytes() => extended.acl_default = acl::to_text(&value, owners).ok(),
            name => extended.xattrs.push((name.to_vec(), value)),
        }
    }
    extended.xattrs.sort_unstable();
    Ok((extended != Extended::default()).then(|| Box::new(extended)))
}

/// Other `system.` attributes are views of what the file system keeps elsewhere.
fn is_kept(name: &[u8]) -> bool {
    let kept: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
    kept.iter().any(|namespace| name.starts_with(namespace))
        || name == acl::ACCESS.as_bytes()
        || name == acl::DEFAULT.as_bytes()
}

/// Sets what `extended` holds and removes nothing. Call it after owner and mode are set (a change of owner
/// drops capabilities, a change of mode the ACL's mask), before the times. `numeric`: ids of ACL entries are numbers,
/// whatever their names mean here.
pub fn apply_extended(
    handle: impl AsFd,
    extended: &Extended,
    owners: &Owners,
    numeric: bool,
) -> Vec<NotApplied> {
    let handle = Handle(handle.as_fd());
    let mut failed = Vec::new();
    for (name, text) in [(acl::ACCESS, &extended.acl_access), (acl::DEFAULT, &extended.acl_default)] {
        let Some(text) = text else { continue };
        let applied = acl::from_text(text, owners, numeric)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
            .and_then(|value| Ok(handle.set(name.as_bytes(), &value)?));
        failed.extend(applied.err().map(|error| (name.into(), error)));
    }
    for (name, value) in &extended.xattrs {
        failed.extend(handle.set(name, value).err().map(|error| (name.clone(), error.into())));
    }
    failed
}

struct Handle<'a>(BorrowedFd<'a>);

impl Handle<'_> {
    /// Names, each ended by NUL.
    fn list(&self) -> rustix::io::Result<Vec<u8>> {
        read_all(|buffer| match fs::flistxattr(self.0, &mut *buffer) {
            Err(Errno::BADF) => fs::listxattr(self.magic_link(), buffer),
            other => other,
        })
    }

    fn get(&self, name: &[u8]) -> rustix::io::Result<Vec<u8>> {
        read_all(|buffer| match fs::fgetxattr(self.0, name, &mut *buffer) {
            Err(Errno::BADF) => fs::getxattr(self.magic_link(), name, buffer),
            other => other,
        })
    }

    fn set(&self, name: &[u8], value: &[u8]) -> rustix::io::Result<()> {
        match fs::fsetxattr(self.0, name, value, XattrFlags::empty()) {
            Err(Errno::BADF) => fs::setxattr(self.magic_link(), name, value, XattrFlags::empty()),
            other => other,
        }
    }

    fn magic_link(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}

/// The kernel's limit for a value and for a list of names.
const MOST: usize = 64 * 1024;

fn read_all(read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0; 512];
    match read(&mut small) {
        Err(Errno::RANGE) => {
            let mut large = vec![0; MOST];
            let length = read(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        length => Ok(small[..length?].to_vec()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs::{File, create_dir, write};
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, getxattr, openat};
    use tempfile::TempDir;

    use super::*;

    fn handle(path: &Path) -> OwnedFd {
        openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty()).unwrap()
    }

    fn sample() -> Extended {
        Extended {
            xattrs: vec![
                (b"user.a".to_vec(), b"one\n22 path=snapshot/evil\n\0".to_vec()),
                (b"user.empty".to_vec(), Vec::new()),
                (b"user.large".to_vec(), vec![7; 2000]),
            ],
            acl_access: Some(b"user::rw-,user:root:rwx:0,group::r--,mask::rwx,other::r--".to_vec()),
            acl_default: None,
        }
    }

    #[test]
    fn attributes_and_acls_of_a_file_survive_through_both_kinds_of_handle() {
        let dir = TempDir::new().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write(&a, b"").unwrap();
        write(&b, b"").unwrap();
        let owners = Owners::default();
        assert!(apply_extended(File::open(&a).unwrap(), &sample(), &owners, false).is_empty());
        assert!(apply_extended(handle(&b), &sample(), &owners, false).is_empty());
        for path in [a, b] {
            let by_file = read_extended(File::open(&path).unwrap(), &owners).unwrap();
            assert_eq!(by_file.as_deref(), Some(&sample()));
            assert_eq!(read_extended(handle(&path), &owners).unwrap(), by_file);
        }
    }

    #[test]
    fn folders_have_default_acls_too() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("folder");
        create_dir(&path).unwrap();
        let acl_default = Some(b"user::rwx,group::r-x,group:root:rwx:0,mask::rwx,other::---".to_vec());
        let extended = Extended { acl_default, ..Extended::default() };
        let owners = Owners::default();
        assert!(apply_extended(handle(&path), &extended, &owners, false).is_empty());
        assert_eq!(read_extended(handle(&path), &owners).unwrap().as_deref(), Some(&extended));
    }

    #[test]
    fn nothing_costs_nothing_and_a_symlink_never_leads_to_its_target() {
        let dir = TempDir::new().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        write(&file, b"").unwrap();
        symlink("file", &link).unwrap();
        let owners = Owners::default();
        assert_eq!(read_extended(handle(&file), &owners).unwrap(), None);
        assert!(apply_extended(handle(&file), &sample(), &owners, false).is_empty());
        assert_eq!(read_extended(handle(&link), &owners).unwrap(), None);
        let other = Extended { xattrs: vec![(b"user.b".to_vec(), b"x".to_vec())], ..Extended::default() };
        let failed = apply_extended(handle(&link), &other, &owners, false);
        assert_eq!(failed.len(), 1, "user attributes are not permitted on symlinks");
        assert_eq!(getxattr(&file, "user.b", &mut [0; 8]), Err(Errno::NODATA));
    }

    #[test]
    fn what_cannot_be_applied_is_named_and_the_rest_is() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("file");
        write(&path, b"").unwrap();
        let extended = Extended {
            xattrs: vec![(b"user.a".to_vec(), b"x".to_vec()), (b"weird.a".to_vec(), b"x".to_vec())],
            acl_access: Some(b"nonsense".to_vec()),
            acl_default: None,
        };
        let failed = apply_extended(handle(&path), &extended, &Owners::default(), false);
        let names: Vec<_> = failed.iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [acl::ACCESS.as_bytes(), b"weird.a"]);
        assert_eq!(getxattr(&path, "user.a", &mut [0; 8]), Ok(1));
    }
}
