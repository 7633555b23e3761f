use proptest::prelude::*;

use super::*;

/// 2020-09-13 12:26:40 UTC, and an hour later.
const T0: SetTime = SetTime(1_600_000_000);
const T1: SetTime = SetTime(1_600_003_600);

fn parse(name: &str) -> Option<FileName> {
    FileName::parse(name.as_bytes(), &Prefixes::default())
}

fn file(set: SetId, part: Part, sealing: Sealing) -> FileName {
    FileName { set, part, sealing, partial: false }
}

#[test]
fn every_kind_of_name_is_written_and_read() {
    let (full, inc) = (SetId::full(T0), SetId::incremental(T0, T1));
    let table = [
        ("duplicity-full.20200913T122640Z.vol1.difftar.gpg", full, Part::Volume(1), Sealing::OpenPgp),
        ("duplicity-full.20200913T122640Z.manifest", full, Part::Manifest, Sealing::Plain),
        ("duplicity-full-signatures.20200913T122640Z.sigtar.gz", full, Part::Signatures, Sealing::Gzip),
        ("duplicity-full.20200913T122640Z.jsonstat.gpg", full, Part::Statistics, Sealing::OpenPgp),
        (
            "duplicity-inc.20200913T122640Z.to.20200913T132640Z.vol12.difftar",
            inc,
            Part::Volume(12),
            Sealing::Plain,
        ),
        (
            "duplicity-inc.20200913T122640Z.to.20200913T132640Z.manifest.p7m",
            inc,
            Part::Manifest,
            Sealing::Cms,
        ),
        (
            "duplicity-new-signatures.20200913T122640Z.to.20200913T132640Z.sigtar.gpg",
            inc,
            Part::Signatures,
            Sealing::OpenPgp,
        ),
        (
            "duplicity-inc.20200913T122640Z.to.20200913T132640Z.jsonstat.gz",
            inc,
            Part::Statistics,
            Sealing::Gzip,
        ),
    ];
    for (name, set, part, sealing) in table {
        assert_eq!(parse(name), Some(file(set, part, sealing)), "{name}");
        assert_eq!(file(set, part, sealing).format(&Prefixes::default()), name);
    }
}

#[test]
fn short_names_are_read_in_base_36() {
    // T0 and T1 in base 36, in which 10 is 36 and m is 22.
    let (full, inc) = (SetId::full(T0), SetId::incremental(T0, T1));
    let (t0, t1) = ("qgljwg", "qglmog");
    let table = [
        (format!("df.{t0}.10.dt.g"), full, Part::Volume(36), Sealing::OpenPgp),
        (format!("df.{t0}.m"), full, Part::Manifest, Sealing::Plain),
        (format!("df.{t0}.m.dt.z"), full, Part::Volume(22), Sealing::Gzip),
        (format!("dfs.{t0}.st.z"), full, Part::Signatures, Sealing::Gzip),
        (format!("di.{t0}.{t1}.1.dt.z"), inc, Part::Volume(1), Sealing::Gzip),
        (format!("di.{t0}.{t1}.m.g"), inc, Part::Manifest, Sealing::OpenPgp),
        (format!("dns.{t0}.{t1}.st"), inc, Part::Signatures, Sealing::Plain),
    ];
    for (name, set, part, sealing) in table {
        assert_eq!(parse(&name), Some(file(set, part, sealing)), "{name}");
    }
    assert!(parse(&format!("df.{t0}.m.p")).unwrap().partial);
    for name in [
        "df.+1.m",
        "df.-1.m",
        "df.T0.m",
        "df..m",
        "df.1.mx",
        "dx.1.m",
        "df.1",
        "df.zzzzzzzzzzzzzz.m",
        "di.1.m",
    ] {
        assert_eq!(parse(name), None, "{name}");
    }
}

#[test]
fn whatever_follows_a_dot_after_a_complete_name_is_tolerated() {
    let side = parse("duplicity-full.20200913T122640Z.vol1.difftar.gz.idx").unwrap();
    assert_eq!(side, file(SetId::full(T0), Part::Volume(1), Sealing::Plain));
    assert!(begins_with_complete_name(
        b"duplicity-full.20200913T122640Z.manifest.\xff",
        &Prefixes::default()
    ));
    for name in [
        "duplicity-full.20200913T122640Z.manifestx",
        "duplicity-full.20200913T122640Z.vol1.difftarx",
        "duplicity-full.20200913T122640Z.vol.difftar",
        "duplicity-full.20200913T122640Z.vol-1.difftar",
        "duplicity-full.20200913T122640Z.vol99999999999.difftar",
        "duplicity-full.20200913T122640Z.sigtar",
        "duplicity-full.20200913T122640Z.to.20200913T132640Z.manifest",
        "duplicity-inc.20200913T122640Z.manifest",
        "duplicity-full.20200913.manifest",
        "xduplicity-full.20200913T122640Z.manifest",
        "hindsight-place.json",
        "hindsight-lease.json",
        ".duplicity-full.20200913T122640Z.vol1.difftar.gpg.8f3a.part",
        "hindsight-put.8f3a.duplicity-full.20200913T122640Z.vol1.difftar.gpg",
    ] {
        assert!(!begins_with_complete_name(name.as_bytes(), &Prefixes::default()), "{name}");
    }
}

#[test]
fn times_of_the_first_versions_are_read() {
    let name = "duplicity-inc.2002-08-06T04:22:00-07:00.to.2002-08-07T04:22:00-07:00.vol1.difftar.gpg";
    let set = SetId::incremental(SetTime(1_028_632_920), SetTime(1_028_719_320));
    assert_eq!(parse(name), Some(file(set, Part::Volume(1), Sealing::OpenPgp)));
}

#[test]
fn partial_files_are_told_apart() {
    assert!(parse("duplicity-full.20200913T122640Z.manifest.part").unwrap().partial);
    assert!(parse("duplicity-full-signatures.20200913T122640Z.sigtar.part.gz").unwrap().partial);
    assert!(!parse("duplicity-full.20200913T122640Z.manifest.parts").unwrap().partial);
}

#[test]
fn each_type_has_its_own_prefix_after_the_common_one() {
    let prefixes =
        Prefixes { common: "c.".into(), archive: "a-".into(), manifest: "m-".into(), ..Prefixes::default() };
    let parse = |name: &str| FileName::parse(name.as_bytes(), &prefixes).map(|file| file.part);
    assert_eq!(parse("c.a-duplicity-full.20200913T122640Z.vol1.difftar.gz"), Some(Part::Volume(1)));
    assert_eq!(parse("c.m-duplicity-full.20200913T122640Z.manifest"), Some(Part::Manifest));
    assert_eq!(parse("c.duplicity-full-signatures.20200913T122640Z.sigtar"), Some(Part::Signatures));
    assert_eq!(parse("c.m-duplicity-full.20200913T122640Z.vol1.difftar.gz"), None);
    assert_eq!(parse("c.duplicity-full.20200913T122640Z.manifest"), None);
    assert_eq!(parse("duplicity-full.20200913T122640Z.manifest"), None);
}

fn any_set() -> impl Strategy<Value = SetId> {
    let time = -2_000_000_000i64..4_000_000_000;
    (time.clone(), proptest::option::of(time))
        .prop_map(|(at, from)| SetId { at: SetTime(at), from: from.map(SetTime) })
}

fn any_file() -> impl Strategy<Value = FileName> {
    let part = prop_oneof![
        any::<u32>().prop_map(Part::Volume),
        Just(Part::Manifest),
        Just(Part::Signatures),
        Just(Part::Statistics)
    ];
    let sealing =
        prop_oneof![Just(Sealing::OpenPgp), Just(Sealing::Cms), Just(Sealing::Gzip), Just(Sealing::Plain)];
    (any_set(), part, sealing, any::<bool>())
        .prop_map(|(set, part, sealing, partial)| FileName { set, part, sealing, partial })
        .prop_filter("manifests are not gzipped", |f| (f.part, f.sealing) != (Part::Manifest, Sealing::Gzip))
}

proptest! {
    #[test]
    fn written_names_are_read_back(file in any_file(), prefix in proptest::array::uniform5("[a-z0-9_-]{0,5}")) {
        let [common, archive, manifest, signature, jsonstat] = prefix;
        let prefixes = Prefixes { common, archive, manifest, signature, jsonstat };
        prop_assert_eq!(FileName::parse(file.format(&prefixes).as_bytes(), &prefixes), Some(file));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(
        start in "(duplicity-(full|inc|new-signatures)\\.|d[if]s?\\.|)(20200913T122640Z|1)?(\\.(to|m|vol)\\.?)?",
        rest: Vec<u8>,
    ) {
        let _ = FileName::parse(&[start.as_bytes(), &rest].concat(), &Prefixes::default());
        let _ = FileName::parse(&rest, &Prefixes::default());
    }
}
