//! Where this program keeps what is its own, by the desktop's rules. `None`: the home folder is not known.

use std::path::PathBuf;

/// Settings.
pub fn config() -> Option<PathBuf> {
    Some(base("XDG_CONFIG_HOME", ".config")?.join("hindsight"))
}

/// The history of runs.
pub fn state() -> Option<PathBuf> {
    Some(base("XDG_STATE_HOME", ".local/state")?.join("hindsight"))
}

/// The caches of all programs; ours are in duplicity's folder there.
pub fn caches() -> Option<PathBuf> {
    base("XDG_CACHE_HOME", ".cache")
}

pub fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// A variable that is empty or relative counts as none.
fn base(variable: &str, in_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(home()?.join(in_home)))
}
