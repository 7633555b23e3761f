//! Who need not wait for whom: what makes and keeps backups has one lane, restores have the other. In each, one
//! request is under way at a time.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

use super::request::{Activity, Request, What};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Backups, checks of them, and deleting them.
    Backups,
    Restores,
}

impl Lane {
    /// In the order in which they go on: before backups are deleted, whoever waits for a file of them gets it.
    pub const ALL: [Self; 2] = [Self::Restores, Self::Backups];

    pub fn of(what: &What) -> Self {
        match what {
            What::BackUp | What::Verify { .. } | What::Erase => Self::Backups,
            What::Restore(_) => Self::Restores,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Backups => Self::Restores,
            Self::Restores => Self::Backups,
        }
    }
}

/// Something for each lane.
#[derive(Default, Debug)]
pub struct Lanes<T> {
    backups: T,
    restores: T,
}

impl<T> Lanes<T> {
    pub fn new(mut make: impl FnMut(Lane) -> T) -> Self {
        Self { backups: make(Lane::Backups), restores: make(Lane::Restores) }
    }

    pub fn try_new<E>(mut make: impl FnMut(Lane) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { backups: make(Lane::Backups)?, restores: make(Lane::Restores)? })
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        Lane::ALL.into_iter().map(|lane| &self[lane])
    }
}

impl<T> Index<Lane> for Lanes<T> {
    type Output = T;

    fn index(&self, lane: Lane) -> &T {
        match lane {
            Lane::Backups => &self.backups,
            Lane::Restores => &self.restores,
        }
    }
}

impl<T> IndexMut<Lane> for Lanes<T> {
    fn index_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Backups => &mut self.backups,
            Lane::Restores => &mut self.restores,
        }
    }
}

/// What goes on in a lane.
#[derive(Default, Debug)]
pub(super) struct Line {
    pub(super) activity: Option<Activity>,
    /// Asked for while something else was going on.
    pub(super) waiting: VecDeque<Request>,
}

impl Line {
    /// Pressing twice is not two wishes.
    pub(super) fn has(&self, request: &Request) -> bool {
        let under_way = self.activity.iter().map(|activity| &activity.request);
        let same = |other: &Request| (&other.plan, &other.what) == (&request.plan, &request.what);
        under_way.chain(&self.waiting).any(same)
    }
}
