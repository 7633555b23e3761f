use proptest::prelude::*;

use super::*;

const fn full(at: i64) -> SetId {
    SetId::full(SetTime(at))
}

const fn inc(from: i64, at: i64) -> SetId {
    SetId::incremental(SetTime(from), SetTime(at))
}

fn name(set: SetId, part: Part, sealing: Sealing) -> String {
    FileName { set, part, sealing, partial: false }.format(&Prefixes::default())
}

/// One volume, manifest and signatures.
fn complete(set: SetId) -> Vec<String> {
    [Part::Volume(1), Part::Signatures, Part::Manifest].map(|part| name(set, part, Sealing::OpenPgp)).to_vec()
}

fn sort_out<N: AsRef<[u8]>>(names: impl IntoIterator<Item = N>) -> Collection {
    Collection::from_names(names, &Prefixes::default())
}

fn of_sets(sets: &[SetId]) -> Collection {
    sort_out(sets.iter().flat_map(|set| complete(*set)))
}

fn ids(sets: &[BackupSet]) -> Vec<SetId> {
    sets.iter().map(|set| set.id).collect()
}

fn chain_ids(collection: &Collection) -> Vec<Vec<SetId>> {
    collection.chains.iter().map(|chain| ids(&chain.sets)).collect()
}

#[test]
fn increments_join_the_chain_that_ends_where_they_begin() {
    struct Case(&'static [SetId], &'static [&'static [SetId]], &'static [SetId]);
    const TABLE: &[Case] = &[
        Case(&[], &[], &[]),
        Case(&[full(10)], &[&[full(10)]], &[]),
        Case(&[inc(20, 30), full(10), inc(10, 20)], &[&[full(10), inc(10, 20), inc(20, 30)]], &[]),
        // Two chains, one inside the other's time.
        Case(
            &[full(10), full(15), inc(10, 20), inc(15, 25)],
            &[&[full(10), inc(10, 20)], &[full(15), inc(15, 25)]],
            &[],
        ),
        // Two increments with the same beginning: the later end takes the place.
        Case(&[full(10), inc(10, 20), inc(10, 30)], &[&[full(10), inc(10, 30)]], &[inc(10, 20)]),
        // But only in the last place.
        Case(
            &[full(10), inc(10, 20), inc(20, 30), inc(10, 40)],
            &[&[full(10), inc(10, 20), inc(20, 30)]],
            &[inc(10, 40)],
        ),
        // A merged increment beside its originals is the one left over, and takes their place when they go.
        Case(
            &[full(10), inc(10, 20), inc(20, 30), inc(10, 30)],
            &[&[full(10), inc(10, 20), inc(20, 30)]],
            &[inc(10, 30)],
        ),
        Case(&[full(10), inc(20, 30), inc(10, 30)], &[&[full(10), inc(10, 30)]], &[inc(20, 30)]),
        // Orphans: a gap, no full at all, an increment of no length or backwards.
        Case(&[full(10), inc(20, 30)], &[&[full(10)]], &[inc(20, 30)]),
        Case(&[inc(10, 20), inc(20, 30)], &[], &[inc(10, 20), inc(20, 30)]),
        Case(&[full(10), inc(10, 10), inc(10, 5)], &[&[full(10)]], &[inc(10, 5), inc(10, 10)]),
        // A full backup of the very second in which a chain ends.
        Case(
            &[full(10), inc(10, 20), full(20), inc(20, 30)],
            &[&[full(20)], &[full(10), inc(10, 20), inc(20, 30)]],
            &[],
        ),
    ];
    for Case(sets, chains, orphaned) in TABLE {
        let collection = of_sets(sets);
        assert_eq!(chain_ids(&collection), *chains, "{sets:?}");
        assert_eq!(ids(&collection.orphaned), *orphaned, "{sets:?}");
        assert!(collection.incomplete.is_empty() && collection.foreign.is_empty());
    }
}

#[test]
fn a_set_without_a_manifest_is_in_no_chain_and_orphans_what_builds_on_it() {
    let mut names = [complete(full(10)), complete(inc(10, 20)), complete(inc(20, 30))].concat();
    names.retain(|n| *n != name(inc(10, 20), Part::Manifest, Sealing::OpenPgp));
    let collection = sort_out(names);
    assert_eq!(chain_ids(&collection), [[full(10)]]);
    assert_eq!(ids(&collection.incomplete), [inc(10, 20)]);
    assert_eq!(ids(&collection.orphaned), [inc(20, 30)]);
}

#[test]
fn a_manifest_alone_makes_a_set_whose_volumes_are_missing() {
    let collection = sort_out([name(full(10), Part::Manifest, Sealing::OpenPgp)]);
    let set = collection.newest().unwrap().full();
    assert!(set.volumes.is_empty() && set.signatures.is_none());
}

#[test]
fn signatures_without_a_set_are_stray() {
    let stray = name(inc(10, 20), Part::Signatures, Sealing::Gzip);
    let collection = sort_out(complete(full(10)).into_iter().chain([stray.clone()]));
    assert_eq!(collection.stray_signatures, [(inc(10, 20), stray)]);
    assert!(collection.incomplete.is_empty() && collection.orphaned.is_empty());
}

#[test]
fn signatures_continue_each_other_or_are_orphaned_and_match_the_newest_backups_or_none() {
    let state = |is_missing: &dyn Fn(&str) -> bool| {
        let sets = [full(10), inc(10, 20), inc(20, 30)];
        let names = sets.iter().flat_map(|set| complete(*set)).filter(|name| !is_missing(name));
        let SignatureState { orphaned, unmatched } = sort_out(names).signatures();
        (orphaned, unmatched)
    };
    let ends = |name: &str, seconds| {
        let at = SetTime(seconds).to_string();
        name.contains(&format!("{at}.")) && !name.contains(&format!("{at}.to."))
    };
    assert_eq!(state(&|_| false), (0, false));
    assert_eq!(state(&|name| name.contains("full-signatures")), (2, false), "no chain is begun");
    assert_eq!(state(&|name| name.contains("new-signatures") && ends(name, 20)), (1, true));
    assert_eq!(
        state(&|name| name.contains("new-signatures") && ends(name, 30)),
        (0, false),
        "one is missing"
    );
    assert_eq!(state(&|name| name.contains("duplicity-inc") && ends(name, 30)), (0, true));
    assert_eq!(state(&|name| ends(name, 20)), (1, false), "without its set it is orphaned, as is that set");
    assert_eq!(sort_out([""; 0]).signatures(), SignatureState::default());
}

#[test]
fn foreign_partial_and_undecodable_names_are_kept_apart() {
    let partial = FileName { set: full(10), part: Part::Manifest, sealing: Sealing::Plain, partial: true };
    let names = [
        b"hindsight-place.json".to_vec(),
        partial.format(&Prefixes::default()).into_bytes(),
        [name(full(10), Part::Volume(1), Sealing::Gzip).as_bytes(), b".\xff"].concat(),
    ];
    let collection = sort_out(names);
    assert_eq!(collection.foreign.len(), 3);
    assert!(collection.incomplete.is_empty());
}

#[test]
fn of_two_files_for_one_volume_the_one_sealed_like_the_manifest_is_taken() {
    let twice = [Sealing::Gzip, Sealing::OpenPgp].map(|sealing| name(full(10), Part::Volume(2), sealing));
    let side_file = format!("{}.par2", name(full(10), Part::Volume(1), Sealing::OpenPgp));
    let collection = sort_out([complete(full(10)), twice.to_vec(), vec![side_file.clone()]].concat());
    let set = collection.chains[0].full();
    assert_eq!(set.volumes[&1], name(full(10), Part::Volume(1), Sealing::OpenPgp));
    assert_eq!(set.volumes[&2], twice[1]);
    assert_eq!(set.duplicates, [side_file, twice[0].clone()]);
    assert_eq!(set.sealing, Sealing::OpenPgp);
    assert_eq!(set.files().count(), 6);
    assert_eq!(set.files().next(), set.manifest.as_deref());
}

#[test]
fn sealing_may_differ_from_set_to_set_and_gzip_shows_in_the_volumes() {
    let gzip = [
        name(full(10), Part::Volume(1), Sealing::Gzip),
        name(full(10), Part::Manifest, Sealing::Plain),
        name(full(10), Part::Signatures, Sealing::Gzip),
    ];
    let collection = sort_out(gzip.into_iter().chain(complete(inc(10, 20))));
    let sealing: Vec<_> = collection.chains[0].sets.iter().map(|set| set.sealing).collect();
    assert_eq!(sealing, [Sealing::Gzip, Sealing::OpenPgp]);
}

#[test]
fn short_and_long_names_of_one_set_belong_together() {
    let long_manifest = name(full(10), Part::Manifest, Sealing::OpenPgp);
    let collection = sort_out(["df.a.1.dt.g", &long_manifest, "dfs.a.st.g", "di.a.k.1.dt.g", "di.a.k.m.g"]);
    assert_eq!(chain_ids(&collection), [[full(10), inc(10, 20)]]);
    let set = collection.chains[0].full();
    assert_eq!((set.volumes[&1].as_str(), set.signatures.as_deref()), ("df.a.1.dt.g", Some("dfs.a.st.g")));
}

#[test]
fn statistics_belong_to_their_set() {
    let statistics = name(full(10), Part::Statistics, Sealing::OpenPgp);
    let collection = sort_out(complete(full(10)).into_iter().chain([statistics.clone()]));
    assert_eq!(collection.chains[0].full().statistics, Some(statistics));
}

#[test]
fn a_time_selects_the_chain_around_it_or_the_last_before_or_the_oldest() {
    let collection = of_sets(&[full(10), inc(10, 20), inc(20, 30), full(50), inc(50, 60)]);
    let table = [
        (5, full(10), 1),
        (10, full(10), 1),
        (19, full(10), 1),
        (20, full(10), 2),
        (30, full(10), 3),
        (49, full(10), 3),
        (50, full(50), 1),
        (60, full(50), 2),
        (99, full(50), 2),
    ];
    for (time, id, sets) in table {
        let chain = collection.chain_at(SetTime(time)).unwrap();
        assert_eq!((chain.full().id, chain.sets_until(SetTime(time)).len()), (id, sets), "at {time}");
        assert_eq!(collection.is_before_first(SetTime(time)), time < 10);
    }
    let newest = collection.newest().unwrap();
    assert_eq!((newest.start(), newest.end(), newest.incrementals().len()), (SetTime(50), SetTime(60), 1));
    assert!(Collection::default().chain_at(SetTime(0)).is_none());
    assert!(Collection::default().is_before_first(SetTime(0)));
}

#[test]
fn of_several_chains_around_a_time_the_latest_is_taken() {
    let collection = of_sets(&[full(10), full(15), inc(10, 20), inc(15, 25)]);
    assert_eq!(collection.chain_at(SetTime(18)).unwrap().full().id, full(15));
    assert_eq!(collection.chain_at(SetTime(12)).unwrap().full().id, full(10));
}

proptest! {
    #[test]
    fn every_set_ends_up_in_one_place_and_chains_are_linked(
        sets in proptest::collection::btree_set((proptest::option::of(0i64..8), 0i64..8), 0..14),
        seed: u64,
    ) {
        let sets: Vec<SetId> =
            sets.into_iter().map(|(from, at)| SetId { at: SetTime(at), from: from.map(SetTime) }).collect();
        let collection = of_sets(&sets);
        let placed: usize = collection.chains.iter().map(|chain| chain.sets.len()).sum();
        prop_assert_eq!(placed + collection.orphaned.len(), sets.len());
        for chain in &collection.chains {
            prop_assert!(chain.full().id.is_full());
            for pair in chain.sets.windows(2) {
                prop_assert_eq!(pair[1].id.from, Some(pair[0].id.at));
                prop_assert!(pair[0].id.at < pair[1].id.at);
            }
        }
        // The order of the listing does not matter.
        let mut names: Vec<String> = sets.iter().flat_map(|set| complete(*set)).collect();
        names.sort_by_key(|name| name.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)));
        prop_assert_eq!(sort_out(names), collection);
    }
}
