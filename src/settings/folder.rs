//! A folder that is saved, as it was chosen.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::path_text;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Absolute and free of symbolic links when it was added.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// It was on another file system than its parent when it was added: a drive that may be missing one day.
    pub separate: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Lent to a sandbox, and the desktop does not say where it really is.
    #[error("{path:?} is lent through the document portal")]
    Lent { path: PathBuf },
    #[error("{path:?} is not a folder")]
    NotFolder { path: PathBuf },
    #[error("{path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl Folder {
    pub fn new(path: &Path) -> Result<Self, FolderError> {
        let fail = |source| FolderError::Io { path: path.to_path_buf(), source };
        let path = host_path(path, host_path_attribute)?.canonicalize().map_err(fail)?;
        let facts = path.metadata().map_err(fail)?;
        if !facts.is_dir() {
            return Err(FolderError::NotFolder { path });
        }
        let parent = path.parent().and_then(|parent| parent.metadata().ok());
        let separate = parent.is_some_and(|parent| parent.dev() != facts.dev());
        Ok(Self { path, separate })
    }
}

/// Where a path really is that the document portal lends to a sandbox; other paths are what they are.
///
/// A plan must not name the lent path: it exists for one program, and the next session lends another one.
fn host_path(path: &Path, attribute: impl Fn(&Path) -> io::Result<Vec<u8>>) -> Result<PathBuf, FolderError> {
    if !is_lent(path) {
        return Ok(path.to_path_buf());
    }
    let bytes = attribute(path).unwrap_or_default();
    let host = Path::new(OsStr::from_bytes(bytes.strip_suffix(b"\0").unwrap_or(&bytes)));
    if !host.is_absolute() || is_lent(host) {
        return Err(FolderError::Lent { path: path.to_path_buf() });
    }
    Ok(host.to_path_buf())
}

/// `/run/user/*/doc/*`, or `/run/flatpak/doc/*` as a sandbox sees it.
fn is_lent(path: &Path) -> bool {
    let names: Vec<_> = path
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.as_bytes(),
            _ => b"/",
        })
        .collect();
    matches!(
        names.as_slice(),
        [b"/", b"run", b"user", _, b"doc", _, ..] | [b"/", b"run", b"flatpak", b"doc", _, ..]
    )
}

fn host_path_attribute(path: &Path) -> io::Result<Vec<u8>> {
    const ATTRIBUTE: &str = "user.document-portal.host-path";
    let mut value = vec![0; 4097];
    let length = rustix::fs::getxattr(path, ATTRIBUTE, &mut value[..]).map_err(|error: Errno| error)?;
    value.truncate(length);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_remembered_where_it_really_is() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().canonicalize().unwrap().join("Pictures");
        fs::create_dir(&real).unwrap();
        symlink(&real, home.path().join("link")).unwrap();
        let folder = Folder::new(&home.path().join("link")).unwrap();
        assert_eq!(folder, Folder { path: real, separate: false });
    }

    #[test]
    fn a_file_system_of_its_own_is_noticed() {
        assert!(Folder::new(Path::new("/proc")).unwrap().separate);
        assert!(!Folder::new(Path::new("/")).unwrap().separate);
    }

    #[test]
    fn files_and_what_is_missing_are_no_folders() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Folder::new(file.path()), Err(FolderError::NotFolder { .. })));
        assert!(matches!(Folder::new(Path::new("/nowhere")), Err(FolderError::Io { .. })));
    }

    fn host(path: &str, attribute: Option<&[u8]>) -> Option<PathBuf> {
        let attribute = |_: &Path| attribute.map(<[u8]>::to_vec).ok_or_else(|| io::Error::other("none"));
        host_path(Path::new(path), attribute).ok()
    }

    #[test]
    fn a_lent_folder_is_translated_or_refused() {
        for lent in ["/run/user/1000/doc/1a2b/Pictures", "/run/flatpak/doc/1a2b/Pictures"] {
            assert_eq!(host(lent, Some(b"/home/ada/Pictures\0")), Some("/home/ada/Pictures".into()));
            assert_eq!(host(lent, Some(b"/home/ada/Pictures")), Some("/home/ada/Pictures".into()));
            for useless in [None, Some(&b""[..]), Some(b"Pictures"), Some(b"/run/user/1/doc/1/x")] {
                assert_eq!(host(lent, useless), None);
            }
        }
    }

    #[test]
    fn other_folders_are_not_asked_for_their_host_path() {
        for path in ["/home/ada/doc/x", "/run/user/1000/doc", "/run/user/1000/gvfs/x", "/run/media/ada/Disk"]
        {
            assert_eq!(host(path, Some(b"/elsewhere")), Some(path.into()));
        }
    }
}
