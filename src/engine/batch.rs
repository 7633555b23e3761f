//! Cuts the stream of actions into batches: the unit of work of one thread, and of what becomes visible at once.

use std::iter::Peekable;

use super::compare::Action;
use crate::entry::{EntryPath, Kind};
use crate::error::Result;

/// Consecutive actions; their volumes are written by one worker.
pub(super) struct Batch {
    /// From 0, in path order.
    pub(super) number: usize,
    pub(super) actions: Vec<Action>,
    /// First path of the next batch; `None` after the last.
    pub(super) next: Option<EntryPath>,
    /// Nominal plain bytes of its volumes.
    pub(super) volume_size: u64,
}

/// Bounds the memory of a batch and of its signatures however small the files are.
const MOST_ACTIONS: usize = 16_384;

/// Headers in volume and signature archive.
const OVERHEAD: u64 = 2_560;

/// Volumes begin small, so that all workers are busy soon and a restore can hold two of them in memory, and grow with
/// the backup, so that a large one has a few thousand files at the place and not a million.
#[derive(Clone, Copy, Debug)]
pub(super) enum VolumeSize {
    Fixed(u64),
    Growing,
}

const SMALLEST: u64 = 32 << 20;
const LARGEST: u64 = 256 << 20;

impl VolumeSize {
    fn after(self, planned: u64) -> u64 {
        match self {
            Self::Fixed(size) => size,
            Self::Growing => (planned / 128).clamp(SMALLEST, LARGEST),
        }
    }
}

pub(super) struct Batches<I: Iterator<Item = Result<Action>>> {
    actions: Peekable<I>,
    volume_size: VolumeSize,
    planned: u64,
    number: usize,
}

impl<I: Iterator<Item = Result<Action>>> Batches<I> {
    pub(super) fn new(actions: I, volume_size: VolumeSize) -> Self {
        Self { actions: actions.peekable(), volume_size, planned: 0, number: 0 }
    }

    fn fill(&mut self) -> Result<Option<Batch>> {
        let volume_size = self.volume_size.after(self.planned);
        let mut actions = Vec::new();
        let mut planned = 0;
        while let Some(Ok(action)) = self.actions.peek() {
            let cost = expected_bytes(action);
            // A file that fills volumes has them to itself: it can be taken up again on its own.
            let full = planned + cost > volume_size || actions.len() == MOST_ACTIONS;
            if full && !actions.is_empty() {
                break;
            }
            planned += cost;
            if let Some(action) = self.actions.next() {
                actions.push(action?);
            }
        }
        let next = match self.actions.peek() {
            Some(Ok(action)) => Some(action.path().clone()),
            // What was gathered is not begun: the run ends here.
            Some(Err(_)) => return self.actions.next().transpose().map(|_| None),
            None => None,
        };
        if actions.is_empty() {
            return Ok(None);
        }
        self.planned += planned;
        let number = self.number;
        self.number += 1;
        Ok(Some(Batch { number, actions, next, volume_size }))
    }
}

impl<I: Iterator<Item = Result<Action>>> Iterator for Batches<I> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill().transpose()
    }
}

/// Deltas are small as a rule; what is not known to be one is counted whole.
fn expected_bytes(action: &Action) -> u64 {
    match action {
        Action::Delete(_) => OVERHEAD,
        Action::Store { entry, .. } if entry.attributes.kind != Kind::File => OVERHEAD,
        Action::Store { entry, prior } => {
            let has_signature = prior.as_ref().is_some_and(|prior| prior.signature.is_some());
            OVERHEAD + if has_signature { entry.size / 4 } else { entry.size }
        }
    }
}
