//! Where a plan's backups lie, as the plan remembers it, and how to get there today.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{drive, path_text};
use crate::destination::{Spec, SpecError};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum PlaceKind {
    Folder {
        #[serde(with = "path_text")]
        path: PathBuf,
    },
    Drive {
        /// Of the file system, as in `/dev/disk/by-uuid`.
        uuid: String,
        /// Relative to where the drive is mounted.
        #[serde(with = "path_text")]
        folder: PathBuf,
    },
    /// A URL, or the absolute path of a folder.
    Address { url: String },
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPlace {
    pub kind: PlaceKind,
    /// For people: "Red Disk".
    pub label: String,
    /// Id of the marker at the place; `None` until it was used for the first time.
    pub marker: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("the drive {label} is not connected")]
    NotConnected { label: String },
    #[error("the folder on the drive leads out of it")]
    OutsideDrive { label: String },
    #[error("the address is relative")]
    Relative,
    #[error("the address holds a password")]
    Password,
    #[error("{0}")]
    Address(#[from] SpecError),
}

impl PlanPlace {
    /// The place as it can be reached now. Looks for a drive, connects to nothing.
    pub fn spec(&self) -> Result<Spec, PlaceError> {
        let spec = match &self.kind {
            PlaceKind::Folder { path } => Spec::from_folder(path),
            PlaceKind::Drive { uuid, folder } => {
                let label = || self.label.clone();
                if !folder.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
                    return Err(PlaceError::OutsideDrive { label: label() });
                }
                let mount = drive::mount_point(uuid);
                let mount = mount.ok_or_else(|| PlaceError::NotConnected { label: label() })?;
                Spec::from_folder(&mount.join(folder))
            }
            PlaceKind::Address { url } if url.starts_with('/') => Spec::from_folder(Path::new(url)),
            PlaceKind::Address { url } => Spec::parse(url.as_ref())?,
        };
        match spec.folder() {
            // Settings are read by backups and by whoever helps.
            None if spec.has_password() => Err(PlaceError::Password),
            Some(folder) if !folder.is_absolute() => Err(PlaceError::Relative),
            _ => Ok(spec),
        }
    }
}

/// One folder per computer and user at a place: `host-user`.
pub fn place_folder_name() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let host = host.split('.').next().unwrap_or_default();
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    let user = user.map_or_else(|| nix::unistd::geteuid().to_string(), |user| user.name);
    format!("{host}-{user}").replace(['/', '\0'], "_")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spec(kind: PlaceKind) -> Result<Spec, PlaceError> {
        PlanPlace { kind, label: "Red Disk".into(), marker: None }.spec()
    }

    fn address(url: &str) -> Result<Spec, PlaceError> {
        spec(PlaceKind::Address { url: url.into() })
    }

    #[test]
    fn an_address_is_a_url_or_an_absolute_path() {
        assert_eq!(address("file:///a%20b").unwrap().folder(), Some(Path::new("/a b")));
        assert_eq!(address("/a%20b").unwrap().folder(), Some(Path::new("/a%20b")));
        assert!(matches!(address("file://a"), Err(PlaceError::Relative)));
        assert!(matches!(address("sftp://me:pw@host/a"), Err(PlaceError::Password)));
        assert!(matches!(address("a/b"), Err(PlaceError::Address(SpecError::NotUrl))));
        assert!(matches!(spec(PlaceKind::Folder { path: "a".into() }), Err(PlaceError::Relative)));
    }

    #[test]
    fn a_drive_that_is_not_there_is_named() {
        let drive = |folder: &str| PlaceKind::Drive { uuid: "no-such-drive".into(), folder: folder.into() };
        let error = spec(drive("backups")).unwrap_err();
        assert_eq!(error.to_string(), "the drive Red Disk is not connected");
        for outside in ["../x", "/x", "a/../../x"] {
            assert!(matches!(spec(drive(outside)), Err(PlaceError::OutsideDrive { .. })), "{outside}");
        }
    }

    #[test]
    fn the_folder_at_a_place_bears_computer_and_user() {
        let name = place_folder_name();
        assert!(name.contains('-') && !name.contains('/'), "{name}");
    }
}
