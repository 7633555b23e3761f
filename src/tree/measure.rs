//! How much there is: what a folder adds to a backup, and what the rules leave out.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::CWD;

use super::select::{Decision, Selection};
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
    let holds = |marker: &super::marker::Marker| marker.is_in(CWD, path.as_os_str().as_bytes());
    match selection.decide(&entry.path, entry.is_directory(), holds) {
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
