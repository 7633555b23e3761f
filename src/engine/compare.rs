//! What has to be stored: the source tree merged with the state of the newest backup, in path order.
//!
//! An object that cannot be looked at keeps its previous state: it is neither stored nor recorded as deleted.

use std::iter::Peekable;
use std::sync::atomic::Ordering;

use super::produce::Done;
use crate::context::{Context, ProblemKind};
use crate::entry::{Attributes, EntryPath, Kind};
use crate::error::Result;
use crate::repository::Prior;
use crate::tree::owner::Owners;
use crate::tree::walk::{Entry, Found};

pub(super) enum Action {
    /// New, or not proven unchanged.
    Store { entry: Box<Entry>, prior: Option<Box<Prior>> },
    /// Was in the backup, is gone now.
    Delete(EntryPath),
}

impl Action {
    pub(super) fn path(&self) -> &EntryPath {
        match self {
            Self::Store { entry, .. } => &entry.path,
            Self::Delete(path) => path,
        }
    }
}

/// What the walk saw in all, changed or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) unreadable: u64,
}

/// Streams [`Action`]s in path order.
pub(super) struct Comparison<'a, W: Iterator<Item = Found>, P: Iterator<Item = Result<Prior>>> {
    walk: Peekable<W>,
    prior: Peekable<P>,
    root: &'a std::path::Path,
    /// Nothing is known of what is at or below this path now.
    opaque: Option<EntryPath>,
    owners: &'a Owners,
    done: &'a Done,
    pub(super) seen: Seen,
    ctx: &'a Context,
}

impl<'a, W: Iterator<Item = Found>, P: Iterator<Item = Result<Prior>>> Comparison<'a, W, P> {
    pub(super) fn new(
        root: &'a std::path::Path,
        walk: W,
        prior: P,
        owners: &'a Owners,
        done: &'a Done,
        ctx: &'a Context,
    ) -> Self {
        let (walk, prior) = (walk.peekable(), prior.peekable());
        Self { walk, prior, root, opaque: None, owners, done, seen: Seen::default(), ctx }
    }

    fn note_unreadable(&mut self, path: EntryPath, error: &std::io::Error, kind: ProblemKind) {
        self.ctx.problem(kind, path.below(self.root), error);
        self.seen.unreadable += 1;
        // An outer opaque folder hides its content already.
        if !self.opaque.as_ref().is_some_and(|outer| path.is_within(outer)) {
            self.opaque = Some(path);
        }
    }

    /// The next path of either side: prior only, both, or source only.
    fn step(&mut self) -> Option<Result<Option<Action>>> {
        let ours = match self.walk.peek() {
            Some(Found::Entry(entry)) => Some(&entry.path),
            Some(Found::Unreadable { path, .. }) => Some(path),
            None => None,
        };
        let theirs = match self.prior.peek() {
            Some(Err(_)) => return self.prior.next().map(|error| error.map(|_| None)),
            Some(Ok(prior)) => Some(&prior.path),
            None => None,
        };
        let order = match (ours, theirs) {
            (None, None) => return None,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.cmp(theirs),
        };
        if order.is_gt() {
            let prior = self.prior.next().and_then(Result::ok);
            return Some(Ok(prior.and_then(|prior| self.gone(prior.path))));
        }
        let entry = match self.walk.next()? {
            Found::Entry(entry) => entry,
            // Only now: what was opaque until here decided about the prior states before it. One of the
            // same path comes next, and finds itself hidden.
            Found::Unreadable { path, error, kind } => {
                self.note_unreadable(path, &error, kind);
                return Some(Ok(None));
            }
        };
        let prior = if order.is_eq() { self.prior.next().and_then(Result::ok) } else { None };
        self.seen.entries += 1;
        self.seen.bytes += entry.size;
        Some(Ok(match prior {
            Some(prior) if !differs(&entry, &prior.attributes, self.owners) => {
                self.done.bytes.fetch_add(entry.size, Ordering::Relaxed);
                None
            }
            prior => Some(Action::Store { entry, prior: prior.map(Box::new) }),
        }))
    }

    fn gone(&self, path: EntryPath) -> Option<Action> {
        let hidden = self.opaque.as_ref().is_some_and(|opaque| path.is_within(opaque));
        if hidden { None } else { Some(Action::Delete(path)) }
    }
}

impl<W: Iterator<Item = Found>, P: Iterator<Item = Result<Prior>>> Iterator for Comparison<'_, W, P> {
    type Item = Result<Action>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Err(cancelled) = self.ctx.check() {
                return Some(Err(cancelled.into()));
            }
            if let Some(action) = self.step()?.transpose() {
                return Some(action);
            }
        }
    }
}

/// Whether an object may have changed since `prior` was recorded. Ours are compared with all that a
/// change must touch (size, times to the nanosecond, ctime, inode); stock's only with what stock stores.
pub(super) fn differs(now: &Entry, prior: &Attributes, owners: &Owners) -> bool {
    let (new, old) = (&now.attributes, prior);
    if new.kind != old.kind {
        return true;
    }
    if is_ours(old) {
        return new.disk != old.disk
            || new.mtime != old.mtime
            || (new.kind == Kind::File && old.content.is_none_or(|content| content.size != now.size))
            || !same_permissions(new, old, owners);
    }
    match new.kind {
        Kind::Symlink => new.link_target != old.link_target,
        Kind::CharDevice | Kind::BlockDevice => {
            new.device != old.device || !same_permissions(new, old, owners)
        }
        // Stock keeps whole seconds, and stores all times before 1970 as zero.
        _ => new.mtime.seconds.max(0) != old.mtime.seconds.max(0) || !same_permissions(new, old, owners),
    }
}

/// Whether our version wrote the entry: stock knows none of these.
pub(super) fn is_ours(attributes: &Attributes) -> bool {
    attributes.content.is_some()
        || attributes.disk.is_some()
        || attributes.extended.is_some()
        || attributes.mtime.nanos != 0
}

/// Symlinks have no permissions of their own; owners count by name where the name exists here.
fn same_permissions(new: &Attributes, old: &Attributes, owners: &Owners) -> bool {
    let mode = new.kind == Kind::Symlink || new.mode == old.mode;
    mode && new.uid == owners.uid(&old.user).unwrap_or(old.uid)
        && new.gid == owners.gid(&old.group).unwrap_or(old.gid)
}
