//! What is in a repository folder, by the names alone (FORMAT.md 1.1).

use std::fs;
use std::path::Path;

/// The times of all sets that have a manifest, oldest first, as in the names.
pub(crate) fn set_times(place: &Path) -> Vec<String> {
    let mut times: Vec<String> = file_names(place)
        .into_iter()
        .filter_map(|name| {
            let (set, _) = name.split_once(".manifest")?;
            Some(set.rsplit('.').next()?.to_owned())
        })
        .collect();
    times.sort();
    times
}

/// The names of all files in the folder, sorted.
pub(crate) fn file_names(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
