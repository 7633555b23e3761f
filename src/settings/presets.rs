//! What is left out by kind: things that can be had again, or that nobody wants back.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    Caches,
    Trash,
    BuildTrees,
    VirtualMachines,
    FlatpakCaches,
    Steam,
    Downloads,
}

impl Preset {
    pub const ALL: [Self; 7] = [
        Self::Caches,
        Self::Trash,
        Self::BuildTrees,
        Self::VirtualMachines,
        Self::FlatpakCaches,
        Self::Steam,
        Self::Downloads,
    ];
    /// On unless somebody says otherwise.
    pub const DEFAULT: [Self; 3] = [Self::Caches, Self::Trash, Self::FlatpakCaches];

    /// Patterns relative to the home folder.
    pub(super) fn in_home(self) -> &'static [&'static str] {
        match self {
            Self::Caches => &[".cache", ".ccache", ".thumbnails"],
            Self::Trash => &[".local/share/Trash"],
            Self::BuildTrees => &[
                ".cargo/git",
                ".cargo/registry",
                ".gradle/caches",
                ".m2/repository",
                ".npm/_cacache",
                "go/pkg/mod",
            ],
            Self::VirtualMachines => &[
                ".local/share/containers/storage",
                ".local/share/gnome-boxes/images",
                ".local/share/libvirt/images",
                ".vagrant.d/boxes",
                ".var/app/org.gnome.Boxes/data/gnome-boxes/images",
                "VirtualBox VMs",
            ],
            Self::FlatpakCaches => &[".var/app/*/cache"],
            // Not all of Steam: what games save lies beside them.
            Self::Steam => &[
                ".local/share/Steam/steamapps/common",
                ".local/share/Steam/steamapps/downloading",
                ".local/share/Steam/steamapps/shadercache",
                ".local/share/Steam/steamapps/temp",
                ".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/common",
                ".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/downloading",
                ".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/shadercache",
                ".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/temp",
            ],
            Self::Downloads => &[],
        }
    }

    /// Patterns for names anywhere below the folders.
    pub(super) fn by_name(self) -> &'static [&'static str] {
        match self {
            Self::Trash => &[".Trash-[0-9]*"],
            Self::BuildTrees => {
                &["node_modules", "bower_components", "__pycache__", ".venv", ".tox", ".nox", ".mypy_cache"]
            }
            Self::VirtualMachines => &["*.vdi", "*.vmdk", "*.vhdx", "*.qcow2"],
            Self::Caches | Self::FlatpakCaches | Self::Steam | Self::Downloads => &[],
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caches => "caches",
            Self::Trash => "trash",
            Self::BuildTrees => "build trees",
            Self::VirtualMachines => "virtual machines",
            Self::FlatpakCaches => "caches of Flatpak apps",
            Self::Steam => "games of Steam",
            Self::Downloads => "downloads",
        })
    }
}

/// The folder for downloads, whose name depends on the language: relative to home.
pub(super) fn downloads(home: &Path) -> String {
    let dirs = std::fs::read_to_string(home.join(".config/user-dirs.dirs")).unwrap_or_default();
    let value = dirs.lines().find_map(|line| line.trim().strip_prefix("XDG_DOWNLOAD_DIR=\"$HOME/"));
    let folder = value.and_then(|value| value.strip_suffix('"')).map(|folder| folder.trim_matches('/'));
    folder.filter(|folder| !folder.is_empty()).unwrap_or("Downloads").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn downloads_are_found_by_their_name_in_any_language() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(downloads(home.path()), "Downloads");
        fs::create_dir(home.path().join(".config")).unwrap();
        let dirs = |text: &str| fs::write(home.path().join(".config/user-dirs.dirs"), text).unwrap();
        dirs(
            "# made by a program\nXDG_DESKTOP_DIR=\"$HOME/Bureau\"\nXDG_DOWNLOAD_DIR=\"$HOME/Téléchargements\"\n",
        );
        assert_eq!(downloads(home.path()), "Téléchargements");
        // Somebody without such a folder has it at home itself, which is not to be left out.
        dirs("XDG_DOWNLOAD_DIR=\"$HOME/\"\n");
        assert_eq!(downloads(home.path()), "Downloads");
    }

    #[test]
    fn every_preset_leaves_something_out() {
        for preset in Preset::ALL.into_iter().filter(|preset| *preset != Preset::Downloads) {
            assert!(!preset.in_home().is_empty() || !preset.by_name().is_empty(), "{preset}");
        }
    }
}
