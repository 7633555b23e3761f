//! What a set that was closed early claims to hold.

use std::path::Path;

use super::compare::{Kind, Snapshot};

impl Snapshot {
    /// The state of a set that saw `self` up to `end`, and from there on left what was `before`.
    pub(crate) fn up_to(&self, end: &Path, before: &Self) -> Self {
        let seen = self.0.iter().filter(|(path, _)| path.as_path() < end);
        let left = before.0.iter().filter(|(path, _)| path.as_path() >= end);
        Self(seen.chain(left).map(|(path, node)| (path.clone(), node.clone())).collect())
    }

    /// Bytes in files that `before` has not, or has otherwise.
    pub(crate) fn new_bytes(&self, before: &Self) -> u64 {
        let changed =
            self.0.iter().filter(|(path, node)| before.0.get(*path).map(|old| &old.kind) != Some(&node.kind));
        changed.map(|(_, node)| if let Kind::File { size, .. } = node.kind { size } else { 0 }).sum()
    }
}
