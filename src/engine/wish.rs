//! What somebody wants back, where to, and what it would do: plain values, and the way from a path in the backups to
//! its place.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::entry::EntryPath;
use crate::tree::target::beside;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Of two dates of one path the newer one counts.
    pub parts: Vec<Part>,
    pub to: To,
    pub existing: Existing,
}

/// Several paths of one date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Each with everything below it, but for what is wanted of another date.
    pub paths: Vec<EntryPath>,
    /// Seconds since 1970: the newest backup up to then counts.
    pub date: i64,
    /// For people: stands in the name of what has to come beside something that exists ("12 May 2026").
    pub mark: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum To {
    /// Each where it was. `root`: where the backups' root is on this computer; links in it are followed, links below it
    /// never.
    Original { root: PathBuf, instead: Option<Instead> },
    /// All into this folder, under their last names. Links in its path are followed.
    Folder(PathBuf),
}

/// Another person's folder in the backups, and the one here that takes its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instead {
    pub of: EntryPath,
    pub here: EntryPath,
}

/// What becomes of files that are already there. Folders are merged in any case; what is already as it was is left
/// alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Existing {
    /// Whatever exists stays.
    #[default]
    OnlyMissing,
    /// The restored file comes beside it.
    KeepBoth,
    /// The file that is there is moved away first. A folder in the place of a file, or the reverse, stays, and what is
    /// restored comes beside it.
    Replace,
}

/// Of a restore, before or after it. Files: everything but folders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub created: u64,
    pub folders: u64,
    pub replaced: u64,
    /// Restored under another name, beside what was there.
    pub renamed: u64,
    /// There, and left as they are.
    pub kept: u64,
}

impl Counts {
    /// Files that are written, or were.
    pub fn written(&self) -> u64 {
        self.created + self.replaced + self.renamed
    }

    /// Whether anything is changed on disk.
    pub fn changes(&self) -> bool {
        self.written() + self.folders > 0
    }
}

/// What a restore would do now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Estimate {
    pub counts: Counts,
    /// Stored bytes of what would be read at the place.
    pub fetch: u64,
    /// Bytes of the files that would be written. Files of which another program recorded no size are not in it.
    pub write: u64,
    /// Why some of it cannot be written.
    pub obstacles: Vec<Obstacle>,
    pub shortages: Vec<Shortage>,
    /// Wanted paths that did not exist at their date.
    pub absent: Vec<EntryPath>,
}

impl Estimate {
    /// `false`: nothing can be written there at all.
    pub fn is_possible(&self) -> bool {
        self.obstacles.is_empty() || self.counts.changes() || self.counts.kept > 0
    }
}

/// A place in which nothing can be restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// The folder that cannot be written to, or what stands in the way of one.
    pub path: PathBuf,
    pub why: Hindrance,
    /// Files and folders that would come there.
    pub items: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hindrance {
    /// This user may not write there.
    NotPermitted {
        of_another_user: bool,
    },
    ReadOnly,
    /// Something that is no folder has its name, and is not touched. A link to a folder is none.
    InTheWay,
}

/// A disk with less free space than would be written to it; bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// A folder on it.
    pub path: PathBuf,
    pub needed: u64,
    pub free: u64,
}

impl Wish {
    /// Where each of the paths comes to lie on this computer, if nothing is in its way; in path order.
    pub fn places(&self) -> Vec<PathBuf> {
        self.roots().0.iter().map(|root| root.at.below(self.base())).collect()
    }

    /// The path in the backups of what has come to lie there, if nothing was in its way; of the base, the folder that
    /// everything is from.
    pub fn path_at(&self, place: &Path) -> Option<EntryPath> {
        let at = place.strip_prefix(self.base()).ok()?;
        let at = EntryPath::parse(at.as_os_str().as_bytes()).ok()?;
        let roots = self.roots();
        let origin = |root: &Root| Some(root.path.join(&at.relative_to(&root.at)?));
        roots.0.iter().find_map(origin).or_else(|| at.is_root().then(|| roots.origin()))
    }

    /// Everything is made below this.
    pub(super) fn base(&self) -> &Path {
        match &self.to {
            To::Original { root, .. } => root,
            To::Folder(folder) => folder,
        }
    }

    /// The dates of its parts, oldest first.
    pub(super) fn dates(&self) -> BTreeSet<i64> {
        self.parts.iter().map(|part| part.date).collect()
    }

    pub(super) fn roots(&self) -> Roots {
        let of_part = |part| (part as &Part).paths.iter().map(move |path| (path, part));
        let mut wanted: Vec<(&EntryPath, &Part)> = self.parts.iter().flat_map(of_part).collect();
        wanted.sort_by_key(|(path, part)| (*path, Reverse(part.date)));
        wanted.dedup_by_key(|(path, _)| *path);
        let (mut roots, mut taken) = (Roots(Vec::new()), HashSet::new());
        for (path, Part { date, mark, .. }) in wanted {
            let outer = roots.index_of(path);
            let at = match (outer.and_then(|outer| roots.0.get(outer)), &self.to) {
                // What lies within another comes with it.
                (Some(outer), _) if outer.date == *date => continue,
                (Some(outer), _) => outer.place_of(path),
                (None, To::Original { instead: Some(instead), .. }) => instead.of(path),
                (None, To::Original { instead: None, .. }) => path.clone(),
                (None, To::Folder(_)) => name_of(path, mark, &mut taken),
            };
            roots.0.push(Root { path: path.clone(), at, date: *date, mark: mark.clone(), outer });
        }
        roots
    }
}

/// In the chosen folder. Two of one name do not meet there.
fn name_of(path: &EntryPath, mark: &str, taken: &mut HashSet<EntryPath>) -> EntryPath {
    if path.is_root() {
        return EntryPath::root();
    }
    let name = OsStr::from_bytes(path.file_name());
    let named = |name: &OsStr| EntryPath::root().child(name.as_bytes());
    let others = (1..).map(|number| named(&beside(name, false, mark, number)));
    let at = std::iter::once(named(name)).chain(others).find(|at| !taken.contains(at)).unwrap_or_default();
    taken.insert(at.clone());
    at
}

impl Instead {
    fn of(&self, path: &EntryPath) -> EntryPath {
        path.relative_to(&self.of).map_or_else(|| path.clone(), |rest| self.here.join(&rest))
    }
}

/// A wanted path, and where it comes to lie below the base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Root {
    pub(super) path: EntryPath,
    pub(super) at: EntryPath,
    /// As in [`Part`].
    pub(super) date: i64,
    pub(super) mark: String,
    /// The root of another date within which it lies.
    outer: Option<usize>,
}

/// In path order. One that lies within another is of another date, and comes to lie within it too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Roots(pub(super) Vec<Root>);

impl Roots {
    /// One path becomes the base, but for what is renamed below it. Of two new names for one path the last counts.
    pub(super) fn renamed(path: EntryPath, renames: &[(EntryPath, EntryPath)]) -> Self {
        let renamed = renames.iter().map(|(from, to)| (path.join(from), to.clone()));
        let mut places: BTreeMap<_, _> = renamed.collect();
        places.insert(path, EntryPath::root());
        let mut roots = Self(Vec::new());
        for (path, at) in places {
            let outer = roots.index_of(&path);
            roots.0.push(Root { path, at, date: 0, mark: String::new(), outer });
        }
        roots
    }

    /// The root to which a path of the backups belongs.
    pub(super) fn root_of(&self, path: &EntryPath) -> Option<&Root> {
        self.0.get(self.index_of(path)?)
    }

    fn index_of(&self, path: &EntryPath) -> Option<usize> {
        let after = self.0.partition_point(|root| root.path <= *path);
        let mut nearest = after.checked_sub(1);
        while let Some(root) = nearest.and_then(|index| self.0.get(index)) {
            if path.is_within(&root.path) {
                return nearest;
            }
            nearest = root.outer;
        }
        None
    }

    /// The innermost folder in the backups that all of them are from.
    fn origin(&self) -> EntryPath {
        let mut origin = self.0.first().map(|root| root.path.clone()).unwrap_or_default();
        while !self.0.iter().all(|root| root.path.is_within(&origin)) {
            origin = origin.parent().unwrap_or_default();
        }
        origin
    }

    /// Whether a root lies below a path of the backups.
    pub(super) fn is_above_one(&self, path: &EntryPath) -> bool {
        let after = self.0.partition_point(|root| root.path <= *path);
        self.0.get(after).is_some_and(|root| root.path.is_within(path))
    }
}

impl Root {
    /// Where what is at or below it comes to lie.
    pub(super) fn place_of(&self, path: &EntryPath) -> EntryPath {
        self.at.join(&path.relative_to(&self.path).unwrap_or_default())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
