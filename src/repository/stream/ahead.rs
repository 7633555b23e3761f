//! How much is read ahead, so that memory stays flat however many sets are merged.

use crossbeam_channel::{Receiver, Sender, bounded};

/// How much of one set may be read ahead of the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadAhead {
    /// Volumes decoded at the same time.
    pub(super) volumes: usize,
    /// Stored bytes of a volume that are held in memory; larger ones wait in a file.
    pub(super) sealed: usize,
    /// Decoded bytes that are handed over at once.
    pub(super) batch: usize,
    /// Batches that wait per volume.
    pub(super) batches: usize,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Default for ReadAhead {
    /// For one set alone: about 90 MiB in all, with volumes of the usual 25 MiB about 60.
    fn default() -> Self {
        Self { volumes: 2, sealed: 40 * MIB, batch: 256 * KIB, batches: 16 }
    }
}

impl ReadAhead {
    /// For sets that are merged and have this many volumes to read: as much for the largest, mostly the full
    /// one, as lets it keep two processors busy; the others share what is left.
    pub(crate) fn for_sets(volumes: &[usize]) -> Vec<Self> {
        let Some(others) = volumes.len().checked_sub(1).filter(|others| *others > 0) else {
            return vec![Self::default(); volumes.len()];
        };
        let small = Self {
            volumes: 1,
            sealed: 16 * MIB / others,
            batch: 64 * KIB,
            batches: (8 * MIB / others / (64 * KIB)).clamp(1, 32),
        };
        let large = Self { sealed: 34 * MIB, batches: 12, ..Self::default() };
        let largest = (0..volumes.len()).max_by_key(|index| volumes[*index]);
        (0..volumes.len()).map(|index| if Some(index) == largest { large } else { small }).collect()
    }
}

/// Limits how many volumes are being fetched and opened, of all sets together.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    enter: Sender<()>,
    leave: Receiver<()>,
}

impl Default for Gate {
    /// As many as there are processors to derive keys, and some to wait for the place.
    fn default() -> Self {
        let (enter, leave) = bounded(2 + std::thread::available_parallelism().map_or(2, usize::from));
        Self { enter, leave }
    }
}

impl Gate {
    pub(super) fn enter(&self) -> Turn<'_> {
        // Cannot fail: this gate has the receiver.
        let _ = self.enter.send(());
        Turn(self)
    }
}

pub(super) struct Turn<'a>(&'a Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = self.0.leave.try_recv();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn bytes(ahead: &ReadAhead) -> usize {
        ahead.volumes * (ahead.sealed + ahead.batch * (ahead.batches + 2))
    }

    #[test]
    fn memory_is_flat_however_many_sets_are_merged() {
        for sets in [1, 2, 3, 10, 50, 100] {
            let plan = ReadAhead::for_sets(&vec![7; sets]);
            assert_eq!(plan.len(), sets);
            assert!(plan.iter().map(bytes).sum::<usize>() <= 120 * MIB, "{sets} sets: {plan:?}");
        }
    }

    #[test]
    fn the_set_with_most_to_read_is_read_furthest_ahead() {
        let plan = ReadAhead::for_sets(&[1, 40, 1]);
        assert!(bytes(&plan[1]) > bytes(&plan[0]));
        assert_eq!(plan[0], plan[2]);
        assert_eq!(ReadAhead::for_sets(&[3]), [ReadAhead::default()]);
    }
}
