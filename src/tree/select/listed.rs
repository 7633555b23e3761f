//! `--files-from`: a source that consists of nothing but the listed objects and the folders above them.
//!
//! Not imitated: duplicity 3.2.1 saves none of them where the source and the folder above it have the same mode and
//! were last changed in the same second.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::filelist::Separator;
use super::rule::SelectionError;
use crate::entry::EntryPath;

/// For each folder the names that count in it. A listed folder is itself alone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listed(BTreeMap<EntryPath, BTreeSet<Vec<u8>>>);

impl Listed {
    /// Every character of a line counts. `path` is the list's own, for errors.
    pub(super) fn parse(text: &[u8], separator: Separator, path: &Path) -> Result<Self, SelectionError> {
        let mut listed = Self::default();
        for line in separator.lines(text) {
            let outside = || {
                let entry: OsString = OsStr::from_bytes(line).into();
                SelectionError::ListedOutside { path: path.into(), entry }
            };
            if line.starts_with(b"/") {
                return Err(outside());
            }
            listed.add(EntryPath::parse(line).map_err(|_| outside())?);
        }
        if listed.0.is_empty() {
            return Err(SelectionError::EmptyList { path: path.into() });
        }
        Ok(listed)
    }

    fn add(&mut self, mut path: EntryPath) {
        while let Some(folder) = path.parent() {
            self.0.entry(folder.clone()).or_default().insert(path.file_name().to_vec());
            path = folder;
        }
    }

    pub(in crate::tree) fn names_in(&self, folder: &EntryPath) -> impl Iterator<Item = &[u8]> {
        self.0.get(folder).into_iter().flatten().map(Vec::as_slice)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Listed, SelectionError> {
        Listed::parse(text.as_bytes(), Separator::Newline, Path::new("list"))
    }

    fn names(listed: &Listed, folder: &str) -> Vec<String> {
        let folder = EntryPath::parse(folder.as_bytes()).unwrap();
        listed.names_in(&folder).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn folders_above_what_is_listed_count_and_what_lies_below_does_not() {
        let listed = parse("b/c/d\n\na\nb/ x \n./b/c/e\nf/\n").unwrap();
        assert_eq!(names(&listed, ""), ["a", "b", "f"]);
        assert_eq!(names(&listed, "b"), [" x ", "c"]);
        assert_eq!(names(&listed, "b/c"), ["d", "e"]);
        assert!(names(&listed, "a").is_empty() && names(&listed, "f").is_empty());
    }

    #[test]
    fn a_list_of_nothing_or_of_other_places_is_refused() {
        assert_eq!(parse("\n\n"), Err(SelectionError::EmptyList { path: "list".into() }));
        for entry in ["/a", "../a", "a/../../b"] {
            let refused = SelectionError::ListedOutside { path: "list".into(), entry: entry.into() };
            assert_eq!(parse(&format!("b\n{entry}\n")), Err(refused));
        }
    }
}
