use proptest::prelude::*;

use super::*;

const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

fn boundary(text: &str, block: Option<u64>) -> Boundary {
    Boundary { path: path(text), block }
}

/// A volume whose hash tells its number and, with it, which of two records was kept.
fn stanza(number: u32, start: &str, end: &str, hash: char) -> String {
    let hash = hash.to_string().repeat(40);
    format!(
        "Volume {number}:\n    StartingPath   {start}  \n    EndingPath     {end}  \n    Hash SHA1 {hash}\n"
    )
}

fn parse(text: impl AsRef<[u8]>) -> Manifest {
    Manifest::parse(text.as_ref()).unwrap()
}

fn fault(text: impl AsRef<[u8]>) -> (usize, ManifestFault) {
    let error = Manifest::parse(text.as_ref()).unwrap_err();
    (error.line, error.fault)
}

fn numbers(manifest: &Manifest) -> Vec<u32> {
    manifest.volumes.iter().map(|v| v.number).collect()
}

fn written(manifest: &Manifest) -> Vec<u8> {
    let mut out = Vec::new();
    manifest.write(&mut out).unwrap();
    out
}

#[test]
fn what_stock_writes_is_read() {
    let text = format!(
        "Hostname box\nLocaldir \"/home/a\\x20b\"\nVolume 1:\n    StartingPath   .  \n    EndingPath     big 16\n    \
         Hash SHA1 {SHA1}\nVolume 2:\n    StartingPath   big 17\n    EndingPath     \"dir/odd\\x0aname\"  \n    \
         Hash SHA1 {SHA1}\nFilelist 2\n    new      \"Volume\\x209:\"\n    changed  big\n"
    );
    let manifest = parse(&text);
    assert_eq!(manifest.hostname.as_deref(), Some(&b"box"[..]));
    assert_eq!(manifest.localdir.as_deref(), Some(&b"/home/a b"[..]));
    assert_eq!((manifest.version, manifest.source_id.as_deref(), &manifest.unfinished), (None, None, &None));
    assert_eq!(numbers(&manifest), [1, 2]);
    assert_eq!(manifest.volumes[0].start, boundary("", None));
    assert_eq!(manifest.volumes[0].end, boundary("big", Some(16)));
    assert_eq!(manifest.volumes[1].start, boundary("big", Some(17)));
    assert_eq!(manifest.volumes[1].end, boundary("dir/odd\nname", None));
    assert_eq!(manifest.volumes[0].sha1.unwrap()[..3], [0x01, 0x23, 0x45]);
}

#[test]
fn the_text_is_written_as_stock_writes_it_with_our_lines_between() {
    let record = VolumeRecord {
        number: 1,
        start: boundary("", None),
        end: Boundary { path: EntryPath::parse(b"it's \xff").unwrap(), block: Some(3) },
        sha1: Some([0xab; 20]),
        md5: None,
        sha256: Some([0x01; 32]),
    };
    let manifest = Manifest {
        hostname: Some(b"box".to_vec()),
        localdir: Some(b"/home/a b".to_vec()),
        volumes: vec![record],
        version: Some(1),
        source_id: Some("c0ffee".into()),
        unfinished: Some(path("m/n o")),
    };
    let mut expected = b"Hostname box\nLocaldir \"/home/a\\x20b\"\nX-Hindsight-Version 1\nX-Hindsight-Source c0ffee\n\
        X-Hindsight-Unfinished \"m/n\\x20o\"\nVolume 1:\n    StartingPath   .  \n    EndingPath     \"it\\x27s\\x20\xff\" 3\n"
        .to_vec();
    expected.extend(format!("    Hash SHA1 {}\n", "ab".repeat(20)).bytes());
    expected.extend(format!("    Hash SHA256 {}\nFilelist 0\n", "01".repeat(32)).bytes());
    assert_eq!(written(&manifest), expected);
}

#[test]
fn headers_are_optional_and_unknown_lines_are_skipped() {
    let text = format!(
        "X-Foo bar\nVolume 3:\n    Size 12345\n    StartingPath   .  \n    EndingPath     z  \n    Hash CRC 1\n    \
         Hash MD5 {}\nFormatversion 2\n",
        "0f".repeat(16)
    );
    let manifest = parse(&text);
    assert_eq!(numbers(&manifest), [3]);
    assert_eq!(manifest.volumes[0].md5, Some([0x0f; 16]));
    assert_eq!((manifest.hostname, manifest.localdir), (None, None));
}

#[test]
fn the_list_of_files_may_stand_before_the_volumes() {
    let text = format!("Filelist 1\n    new      Hash\n{}", stanza(1, ".", "a", 'a'));
    assert_eq!(numbers(&parse(text)), [1]);
}

#[test]
fn volumes_keep_the_order_of_the_list_whatever_their_numbers() {
    let list = |order: [u32; 3]| order.map(|n| stanza(n, ".", "z", 'a')).concat();
    assert_eq!(numbers(&parse(list([1, 5, 9]))), [1, 5, 9]);
    assert_eq!(numbers(&parse(list([2, 1, 3]))), [2, 1, 3]);
}

#[test]
fn after_a_resume_the_later_record_counts_and_higher_numbers_are_dropped() {
    let text = [(1, 'a'), (2, 'b'), (3, 'c'), (2, 'd')].map(|(n, hash)| stanza(n, ".", "z", hash)).concat();
    let manifest = parse(text);
    assert_eq!(numbers(&manifest), [1, 2]);
    assert_eq!(manifest.volumes[1].sha1, Some([0xdd; 20]));
}

#[test]
fn a_missing_last_newline_is_fine_after_a_complete_line() {
    let text = stanza(1, ".", "z", 'a');
    assert_eq!(numbers(&parse(text.trim_end())), [1]);
    assert_eq!(numbers(&parse(format!("{text}Filelist 0"))), [1]);
}

#[test]
fn a_cut_inside_a_volume_is_noticed_wherever_it_falls() {
    let first = format!("Hostname box\n{}", stanza(1, ".", "big", 'a'));
    let second = stanza(2, "big", "zoo", 'b');
    for length in 1..second.len() - 1 {
        let cut = format!("{first}{}", &second[..length]);
        assert!(Manifest::parse(cut.as_bytes()).is_err(), "{:?}", &second[..length]);
    }
    for length in 0..first.len() - 1 {
        assert!(Manifest::parse(&first.as_bytes()[..length]).is_err(), "{length}");
    }
}

#[test]
fn errors_name_the_line_and_the_fault() {
    let (good, hash) = (stanza(1, ".", "z", 'a'), format!("    Hash SHA1 {SHA1}\n"));
    assert_eq!(fault(""), (0, ManifestFault::NoVolume));
    assert_eq!(fault("Hostname box\n"), (1, ManifestFault::NoVolume));
    assert_eq!(fault(format!("{good}Volume x:\n")), (5, ManifestFault::VolumeNumber));
    assert_eq!(fault(format!("Volume 1:\n    EndingPath     z  \n{hash}")), (3, ManifestFault::NoStart(1)));
    assert_eq!(
        fault(format!("Volume 1:\n    StartingPath   z  \n{hash}{good}")),
        (4, ManifestFault::NoEnd(1))
    );
    assert_eq!(
        fault("Volume 1:\n    StartingPath   .  \n    EndingPath     z  \n"),
        (3, ManifestFault::NoHash(1))
    );
    assert_eq!(fault("Volume 1:\n    StartingPath   ../x  \n"), (2, ManifestFault::Path));
    assert_eq!(fault("Volume 1:\n    StartingPath   \"a  \n"), (2, ManifestFault::Path));
    assert_eq!(fault("Volume 1:\n    StartingPath   a -1\n"), (2, ManifestFault::Block));
    assert_eq!(fault("Volume 1:\n    Hash SHA1 abc\n"), (2, ManifestFault::Hash));
    assert_eq!(fault("X-Hindsight-Version new\n"), (1, ManifestFault::OwnValue));
    let error = Manifest::parse(b"Volume 1:\n    Hash SHA1 abc\n").unwrap_err();
    assert_eq!(error.to_string(), "manifest line 2: not a hash of its kind");
}

#[test]
fn a_list_that_readers_would_cut_short_is_not_written() {
    let mut manifest = parse([1, 2].map(|n| stanza(n, ".", "z", 'a')).concat());
    manifest.volumes.swap(0, 1);
    assert_eq!(manifest.write(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_host_name_cannot_bring_lines_of_its_own() {
    let mut manifest = parse(stanza(1, ".", "z", 'a'));
    manifest.hostname = Some(b"box\nVolume 7:".to_vec());
    assert_eq!(parse(written(&manifest)).hostname.as_deref(), Some(&b"boxVolume 7:"[..]));
}

#[test]
fn a_volume_may_hold_what_lies_in_its_range_and_the_folders_that_reach_into_it() {
    let volume = |start, end| parse(stanza(1, start, end, 'a')).volumes.remove(0);
    let middle = volume("dir/f1", "dir/sub/x");
    let cases = [
        ("", true),
        ("dir", true),
        ("dir/f1", true),
        ("dir/f1/below", true),
        ("dir/f0", false),
        ("dir/sub", true),
        ("dir/sub/x", true),
        ("dir/sub/y", false),
        ("dir/t", false),
        ("dir-a", false),
        ("a", false),
        ("e", false),
    ];
    for (text, expected) in cases {
        assert_eq!(middle.may_hold(&path(text)), expected, "{text:?}");
    }
    assert!(volume(".", ".").may_hold(&path("")));
    assert!(!volume(".", ".").may_hold(&path("a")));
}

fn any_path() -> impl Strategy<Value = EntryPath> {
    let component = proptest::collection::vec(1u8..=255, 1..6)
        .prop_filter("one component", |c| !c.contains(&b'/') && c != b"." && c != b"..");
    let plain_or_hostile =
        prop_oneof![component, "[ \"'\\\\\t\n\u{b}\u{c}\r:x]{1,4}".prop_map(String::into_bytes)];
    proptest::collection::vec(plain_or_hostile, 0..4)
        .prop_map(|components| components.iter().fold(EntryPath::root(), |path, c| path.child(c)))
}

fn any_boundary() -> impl Strategy<Value = Boundary> {
    (any_path(), any::<Option<u64>>()).prop_map(|(path, block)| Boundary { path, block })
}

fn any_volume() -> impl Strategy<Value = VolumeRecord> {
    let hashes = (any::<[u8; 20]>(), any::<Option<[u8; 16]>>(), any::<Option<[u8; 32]>>());
    (any_boundary(), any_boundary(), hashes).prop_map(|(start, end, (sha1, md5, sha256))| VolumeRecord {
        number: 0,
        start,
        end,
        sha1: Some(sha1),
        md5,
        sha256,
    })
}

proptest! {
    #[test]
    fn written_manifests_are_read_back(
        hostname in proptest::option::of("[!-~é]{0,8}"),
        localdir: Option<Vec<u8>>,
        (version, source_id) in (any::<Option<u32>>(), any::<Option<String>>()),
        unfinished in proptest::option::of(any_path()),
        mut volumes in proptest::collection::vec(any_volume(), 1..5),
        step in 1u32..4,
    ) {
        for (i, volume) in volumes.iter_mut().enumerate() {
            volume.number = (i as u32 + 1) * step;
        }
        let hostname = hostname.map(String::into_bytes);
        let manifest = Manifest { hostname, localdir, volumes, version, source_id, unfinished };
        prop_assert_eq!(Manifest::parse(&written(&manifest)), Ok(manifest));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(text: Vec<u8>, at: prop::sample::Index, damage: Vec<u8>) {
        let _ = Manifest::parse(&text);
        let mut text = format!("Hostname h\n{}Filelist 0\n", stanza(1, ".", "\"a\\x20b\" 7", 'a')).into_bytes();
        let at = at.index(text.len());
        text.splice(at..at, damage);
        let _ = Manifest::parse(&text);
    }

    #[test]
    fn a_volume_may_hold_its_own_ends_and_their_folders(start in any_path(), end in any_path()) {
        let (start, end) = if start <= end { (start, end) } else { (end, start) };
        let record = VolumeRecord {
            number: 1,
            start: Boundary { path: start.clone(), block: None },
            end: Boundary { path: end.clone(), block: None },
            sha1: None,
            md5: None,
            sha256: None,
        };
        for path in [start, end] {
            prop_assert!(record.may_hold(&path));
            prop_assert!(path.parent().is_none_or(|folder| record.may_hold(&folder)));
        }
    }
}
