//! What is left out by kind: things that can be had again, or that nobody wants back.

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

/// The folder for downloads, whose name depends on the language: relative to home.
pub(super) fn downloads(home: &Path) -> String {
    let dirs = std::fs::read_to_string(home.join(".config/user-dirs.dirs")).unwrap_or_default();
    let value = dirs.lines().find_map(|line| line.trim().strip_prefix("XDG_DOWNLOAD_DIR=\"$HOME/"));
    let folder = value.and_then(|value| value.strip_suffix('"')).map(|folder| folder.trim_matches('/'));
    folder.filter(|folder| !folder.is_empty()).unwrap_or("Downloads").to_string()
}
