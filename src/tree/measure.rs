//! How much there is: what a folder adds to a backup, and what the rules leave out.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::CWD;

use super::marker::Marker;
use super::select::{Decision, Facts, Selection};
use super::walk::{Entry, Found, Walk};
use crate::context::{Cancelled, Context, Silent};
use crate::entry::EntryPath;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// All but directories.
    pub files: u64,
    /// Of content.
    pub bytes: u64,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        self.files += u64::from(!entry.is_directory());
        self.bytes += entry.size;
    }
}

/// Something that the rules leave out, with all that is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    pub path: PathBuf,
    pub totals: Totals,
}

/// Of a list of what is left out.
const MOST: usize = 100;

/// What a backup would hold of `folder`. `selection`: of a walk from `/`. What cannot be read counts nothing.
pub fn measure(folder: &Path, selection: &Selection, ctx: &Context) -> Result<Totals, Cancelled> {
    let mut totals = Totals::default();
    for entry in entries(folder, selection.starting_at(folder), ctx) {
        ctx.check()?;
        totals.add(&entry);
    }
    Ok(totals)
}

/// Files in `folder` that a backup would hold, not counted further than `enough`.
pub fn count_up_to(
    folder: &Path,
    selection: &Selection,
    enough: u64,
    ctx: &Context,
) -> Result<u64, Cancelled> {
    let mut count = 0;
    for entry in entries(folder, selection.starting_at(folder), ctx) {
        ctx.check()?;
        count += u64::from(!entry.is_directory());
        if count >= enough {
            break;
        }
    }
    Ok(count)
}

/// The topmost things in `folders` that a backup leaves out, the largest first, at most a hundred. `selection`: of
/// a walk from `/`.
pub fn left_out(
    folders: &[PathBuf],
    selection: &Selection,
    ctx: &Context,
) -> Result<Vec<LeftOut>, Cancelled> {
    let mut found = Vec::new();
    for folder in folders {
        left_out_of(folder, selection, ctx, &mut found)?;
    }
    keep_largest(&mut found);
    Ok(found)
}

fn left_out_of(
    folder: &Path,
    selection: &Selection,
    ctx: &Context,
    found: &mut Vec<LeftOut>,
) -> Result<(), Cancelled> {
    let selection = selection.starting_at(folder);
    // The entry that the last one of `found` stands for, while the walk is in it.
    let mut inside: Option<EntryPath> = None;
    for entry in entries(folder, Selection::everything(), ctx) {
        ctx.check()?;
        if !inside.as_ref().is_some_and(|top| entry.path.is_within(top)) {
            inside = None;
            if entry.path.is_root() || is_saved(&entry, folder, &selection) {
                continue;
            }
            if found.len() >= 10 * MOST {
                keep_largest(found);
            }
            found.push(LeftOut { path: entry.path.below(folder), totals: Totals::default() });
            inside = Some(entry.path.clone());
        }
        if let Some(top) = found.last_mut() {
            top.totals.add(&entry);
        }
    }
    Ok(())
}

fn is_saved(entry: &Entry, folder: &Path, selection: &Selection) -> bool {
    let path = entry.path.below(folder);
    let holds = |marker: Marker| marker.is_in(CWD, path.as_os_str().as_bytes());
    match selection.decide(&entry.path, &Facts::of(&entry.attributes), holds) {
        Decision::Include => !selection.left_out().contains(&path),
        Decision::Scan => entry.is_directory(),
        Decision::Exclude => false,
    }
}

fn keep_largest(found: &mut Vec<LeftOut>) {
    found.sort_by(|a, b| b.totals.bytes.cmp(&a.totals.bytes).then_with(|| a.path.cmp(&b.path)));
    found.truncate(MOST);
}

/// Everything that a walk from `folder` shows and that can be read.
fn entries(folder: &Path, selection: Selection, ctx: &Context) -> impl Iterator<Item = Box<Entry>> {
    let silent = Context { monitor: Arc::new(Silent), ..ctx.clone() };
    let walk = Walk::new(folder.to_path_buf(), Arc::new(selection), &silent);
    walk.into_iter().flatten().filter_map(|found| match found {
        Found::Entry(entry) => Some(entry),
        Found::Unreadable { .. } => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::context::Why;
    use crate::tree::select::Rule;

    fn home() -> TempDir {
        let home = tempfile::tempdir().unwrap();
        for (file, size) in [("a/1", 10), ("a/2", 20), ("b/deep/3", 300), ("b/4.iso", 4000), ("c/5", 5)] {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![0; size]).unwrap();
        }
        home
    }

    /// Everything in home but isos and `c`, and the place in `a`.
    fn selection(home: &Path) -> Selection {
        let below = |rest: &str| format!("{}/{rest}", home.display());
        let rules = [
            Rule::exclude(below("**/*.iso")),
            Rule::exclude(below("c")),
            Rule::include(home),
            Rule::exclude("/**"),
        ];
        let mut selection = Selection::new(Path::new("/"), rules).unwrap();
        selection.exclude_subtree(home.join("a"));
        selection
    }

    #[test]
    fn a_folder_counts_as_far_as_it_is_saved() {
        let home = home();
        let home = home.path().canonicalize().unwrap();
        let measure =
            |folder: &str| measure(&home.join(folder), &selection(&home), &Context::silent()).unwrap();
        assert_eq!(measure("b"), Totals { files: 1, bytes: 300 });
        assert_eq!(measure(""), Totals { files: 1, bytes: 300 });
        assert_eq!(measure("missing"), Totals::default());
    }

    #[test]
    fn what_is_left_out_is_listed_by_size_with_all_that_is_in_it() {
        let home = home();
        let home = home.path().canonicalize().unwrap();
        let found = left_out(std::slice::from_ref(&home), &selection(&home), &Context::silent()).unwrap();
        let item =
            |path: &str, files, bytes| LeftOut { path: home.join(path), totals: Totals { files, bytes } };
        assert_eq!(found, [item("b/4.iso", 1, 4000), item("a", 2, 30), item("c", 1, 5)]);
    }

    #[test]
    fn a_long_list_keeps_the_largest() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for number in 0..3 * MOST {
            fs::write(home.join(format!("{number}.iso")), vec![0; number]).unwrap();
        }
        let all_isos = Rule::exclude(format!("{}/*.iso", home.display()));
        let selection = Selection::new(Path::new("/"), [all_isos]).unwrap();
        let found = left_out(&[home], &selection, &Context::silent()).unwrap();
        assert_eq!(found.len(), MOST);
        assert_eq!(found.last().unwrap().totals.bytes, 2 * MOST as u64);
    }

    #[test]
    fn counting_stops_when_enough_is_seen_and_when_asked_to() {
        let home = home();
        let everything = Selection::new(Path::new("/"), []).unwrap();
        let ctx = Context::silent();
        assert_eq!(count_up_to(home.path(), &everything, 2, &ctx), Ok(2));
        assert_eq!(count_up_to(home.path(), &everything, 100, &ctx), Ok(5));
        ctx.cancel.cancel(Why::User);
        assert!(measure(home.path(), &everything, &ctx).is_err());
    }
}
