//! One plan: folders, what is left out of them, a place and a rhythm.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::{Folder, FolderError};
use super::place::{PlaceKind, PlanPlace};
use super::presets::Preset;
use super::protection::Protection;
use super::{path_text, rules};
use crate::destination::random_id;
use crate::schedule::{Frequency, Schedule};
use crate::tree::select::{Selection, SelectionError};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 32 random hexadecimal digits.
    pub id: String,
    pub name: String,
    pub place: PlanPlace,
    /// What is saved.
    pub folders: Vec<Folder>,
    /// Folders (or files) that are left out.
    #[serde(with = "path_text::list")]
    pub ignored: Vec<PathBuf>,
    /// What is left out by name wherever it lies below the folders: `*.iso`.
    pub patterns: Vec<String>,
    /// What is left out by kind.
    pub presets: BTreeSet<Preset>,
    pub protection: Protection,
    /// A file with secret keys (armoured or not), for computers on which no agent runs: what it has is used from there,
    /// GnuPG has all other keys. Of the plan and not of its protection, as it opens earlier backups too.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "path_text::optional")]
    pub key_file: Option<PathBuf>,
    /// Earlier backups have other passwords, which the keyring may know.
    pub older_passwords: bool,
    pub schedule: Schedule,
}

impl Plan {
    /// Everything in the home folder that is worth it, with a password; weekly to a drive, which somebody has to
    /// connect, and daily to anything else.
    pub fn for_home(name: impl Into<String>, place: PlanPlace, home: &Path) -> Result<Self, FolderError> {
        let frequency = match place.kind {
            PlaceKind::Drive { .. } => Frequency::Weekly,
            PlaceKind::Folder { .. } | PlaceKind::Address { .. } => Frequency::Daily,
        };
        let no_random = |error| FolderError::Io { path: home.to_path_buf(), source: io::Error::other(error) };
        Ok(Self {
            id: random_id().map_err(no_random)?,
            name: name.into(),
            place,
            folders: vec![Folder::new(home)?],
            ignored: Vec::new(),
            patterns: Vec::new(),
            presets: Preset::DEFAULT.into(),
            protection: Protection::Password,
            key_file: None,
            older_passwords: false,
            schedule: Schedule::new(frequency),
        })
    }

    /// The plan's rules for a walk from `/`: folders are included, all else is left out. The source is always the
    /// same, so that another folder changes nothing for what is stored. Directories that bear a marker file
    /// are left out as well, unless they are chosen themselves.
    ///
    /// `left_out`: directories of ours that a backup must not swallow: the place, the caches.
    pub fn selection(&self, home: &Path, left_out: &[PathBuf]) -> Result<Selection, SelectionError> {
        rules::selection(self, home, left_out)
    }

    /// The folder for this plan's copies of what is small at the place, below `$XDG_CACHE_HOME`: duplicity's archive
    /// directory, under a name of ours. Another place has another: what is known of one says nothing of the other.
    pub fn cache(&self, caches: &Path) -> PathBuf {
        // The marker came from the place: it must not lead elsewhere.
        let marker = self.place.marker.iter().flat_map(|marker| marker.chars());
        let marker: String = marker.filter(char::is_ascii_alphanumeric).take(32).collect();
        caches.join("duplicity").join(format!("hindsight-{}-{marker}", self.id))
    }

    /// Whether the keyring may know something that opens its backups.
    pub fn has_passwords(&self) -> bool {
        self.protection == Protection::Password || self.older_passwords
    }

    /// Runs begin in whatever folder they are started in.
    pub(super) fn has_proper_key_file(&self) -> bool {
        self.key_file.as_ref().is_none_or(|file| file.is_absolute())
    }

    /// It names folders and locks, so a file that somebody edited must not lead elsewhere.
    pub(super) fn has_proper_id(&self) -> bool {
        self.id.len() == 32 && self.id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}
