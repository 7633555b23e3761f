//! Which backups are old enough to go, as stock decides it: whole chains, and never the newest. Pure.
//!
//! Unlike there the newest chain keeps its signatures, too: without them stock could not continue what it spares.

use crate::repository::{BackupSet, Chain, Collection, SetTime};

/// Which backups may go. The newest chain never does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outdated {
    /// Chains that end before this time; seconds since 1970.
    Before(i64),
    /// Chains that end before the newest so many full backups.
    AllButFulls(u64),
    /// Of the same chains only the increments.
    IncrementsOfAllButFulls(u64),
}

/// What a rule says of the chains of a place.
pub(super) struct Choice<'c> {
    /// Oldest first.
    pub(super) chains: Vec<&'c Chain>,
    /// Old enough themselves, but newer ones build on them; oldest first.
    pub(super) needed: Vec<SetTime>,
    /// The newest chain is old enough, too.
    pub(super) spares_newest: bool,
}

pub(super) fn choose(collection: &Collection, outdated: Outdated) -> Choice<'_> {
    let before = limit(collection, outdated);
    let chains = &collection.chains;
    let (newest, older) = match chains.split_last() {
        Some((newest, older)) => (Some(newest), older),
        None => (None, &chains[..]),
    };
    let has_to_lose = |chain: &&Chain| !outdated.keeps_fulls() || !chain.incrementals().is_empty();
    let kept = chains.iter().filter(|chain| chain.end() >= before);
    let mut needed: Vec<_> =
        kept.flat_map(|chain| &chain.sets).map(|set| set.id.at).filter(|at| *at < before).collect();
    needed.sort();
    Choice {
        chains: older.iter().filter(|chain| chain.end() < before).filter(has_to_lose).collect(),
        needed,
        spares_newest: newest.is_some_and(|chain| chain.end() < before),
    }
}

/// Chains that end before this time are old enough.
fn limit(collection: &Collection, outdated: Outdated) -> SetTime {
    let fulls = match outdated {
        Outdated::Before(time) => return SetTime(time),
        Outdated::AllButFulls(fulls) | Outdated::IncrementsOfAllButFulls(fulls) => fulls,
    };
    let mut starts: Vec<SetTime> = collection.chains.iter().map(Chain::start).collect();
    starts.sort();
    // With fewer than that, or none to keep, nothing is old enough.
    let index = usize::try_from(fulls)
        .ok()
        .filter(|fulls| *fulls > 0)
        .and_then(|fulls| starts.len().checked_sub(fulls));
    index.map_or(SetTime(i64::MIN), |index| starts[index])
}

/// The sets of a chain that go, in the order in which to remove them: each before what it builds on.
pub(super) fn sets_to_remove(chain: &Chain, outdated: Outdated) -> impl Iterator<Item = &BackupSet> {
    let kept = usize::from(outdated.keeps_fulls());
    chain.sets[kept..].iter().rev()
}

impl Outdated {
    pub(super) fn keeps_fulls(self) -> bool {
        matches!(self, Self::IncrementsOfAllButFulls(_))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// `f10` is a full backup of the time 10, `i10-20` an increment on it.
    fn collection(sets: &str) -> Collection {
        let time = |text: &str| SetTime(text.parse::<i64>().unwrap());
        let names = sets.split(' ').map(|set| match set.split_once('-') {
            None => format!("duplicity-full.{}.manifest", time(&set[1..])),
            Some((from, to)) => format!("duplicity-inc.{}.to.{}.manifest", time(&from[1..]), time(to)),
        });
        Collection::from_names(names, &Default::default())
    }

    fn chosen(sets: &str, outdated: Outdated) -> Vec<i64> {
        let collection = collection(sets);
        let choice = choose(&collection, outdated);
        let chains = choice.chains.iter().rev();
        chains.flat_map(|chain| sets_to_remove(chain, outdated)).map(|set| set.id.at.0).collect()
    }

    const THREE: &str = "f10 i10-20 i20-30 f40 i40-50 f60 i60-70";

    #[test]
    fn whole_chains_that_end_before_the_time_go_newest_sets_first() {
        assert_eq!(chosen(THREE, Outdated::Before(30)), [0; 0]);
        assert_eq!(chosen(THREE, Outdated::Before(31)), [30, 20, 10]);
        assert_eq!(chosen(THREE, Outdated::Before(51)), [50, 40, 30, 20, 10]);
        let collection = collection(THREE);
        let needed = |time| {
            choose(&collection, Outdated::Before(time)).needed.iter().map(|at| at.0).collect::<Vec<_>>()
        };
        assert_eq!(needed(45), [40]);
        assert_eq!(needed(25), [10, 20]);
        assert_eq!(needed(31), [0; 0]);
    }

    #[test]
    fn the_newest_chain_stays_however_old_it_is() {
        assert_eq!(chosen(THREE, Outdated::Before(1000)), [50, 40, 30, 20, 10]);
        assert_eq!(chosen("f10 i10-20", Outdated::Before(1000)), [0; 0]);
        assert!(choose(&collection("f10"), Outdated::Before(11)).spares_newest);
        assert!(!choose(&collection("f10"), Outdated::Before(10)).spares_newest);
    }

    #[test]
    fn of_full_backups_so_many_are_kept_with_what_builds_on_them() {
        assert_eq!(chosen(THREE, Outdated::AllButFulls(1)), [50, 40, 30, 20, 10]);
        assert_eq!(chosen(THREE, Outdated::AllButFulls(2)), [30, 20, 10]);
        for enough in [3, 4, u64::MAX, 0] {
            assert_eq!(chosen(THREE, Outdated::AllButFulls(enough)), [0; 0], "{enough}");
        }
        // A chain that was continued after the next one had begun ends after it.
        assert_eq!(chosen("f10 f20 i10-30 i20-40", Outdated::AllButFulls(1)), [0; 0]);
    }

    #[test]
    fn increments_may_go_while_their_full_backups_stay() {
        assert_eq!(chosen(THREE, Outdated::IncrementsOfAllButFulls(1)), [50, 30, 20]);
        let bare = collection("f10 f20 f30");
        assert!(choose(&bare, Outdated::IncrementsOfAllButFulls(1)).chains.is_empty());
    }
}
