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
