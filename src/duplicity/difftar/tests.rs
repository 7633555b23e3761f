use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::duplicity::archive::samples;
use crate::duplicity::pax;
use crate::entry::{Content, Extended, Timestamp};

fn path(s: &str) -> EntryPath {
    EntryPath::parse(s.as_bytes()).unwrap()
}

fn directory() -> Attributes {
    Attributes { kind: Kind::Directory, mode: 0o755, ..Attributes::default() }
}

/// A header as any tar writer makes it, with its padded body.
fn raw(name: &str, flag: u8, body: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkflag = [flag];
    header.set_size(body.len() as u64);
    header.set_cksum();
    let mut bytes = [header.as_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// An entry and its body, or the fault that concerns only it.
type Outcome = Result<(Entry, Vec<u8>), String>;

fn read_all(archive: &[u8]) -> Result<Vec<Outcome>, FormatError> {
    let (mut reader, mut entries) = (DifftarReader::new(archive), Vec::new());
    loop {
        match reader.next() {
            Ok(None) => return Ok(entries),
            Ok(Some(entry)) => {
                let mut body = Vec::new();
                reader.read_to_end(&mut body)?;
                entries.push(Ok((entry, body)));
            }
            Err(e) if e.concerns_one_entry() => entries.push(Err(e.to_string())),
            Err(e) => return Err(e),
        }
    }
}

fn paths(archive: &[u8]) -> Vec<Option<String>> {
    read_all(archive).unwrap().into_iter().map(|e| e.ok().map(|(entry, _)| entry.path.to_string())).collect()
}

#[test]
fn the_root_comes_in_three_spellings() {
    let mut writer = DifftarWriter::new(Vec::new());
    writer.object(&EntryPath::root(), &directory()).unwrap();
    assert!(writer.finish().unwrap().starts_with(b"snapshot/./\0"));
    for name in ["snapshot/", "snapshot/.", "snapshot/./", "snapshot"] {
        assert_eq!(paths(&raw(name, b'5', b"")), [Some(".".into())]);
    }
}

#[test]
fn only_the_last_part_records_the_content() {
    let content = Some(Content { size: PART_SIZE as u64, sha256: [3; 32] });
    let attributes =
        Attributes { content, mtime: Timestamp { seconds: 1, nanos: 2 }, ..Attributes::default() };
    let mut writer = DifftarWriter::new(Vec::new());
    writer.part(&path("a/b"), &attributes, Body::Snapshot, 1, &[7; PART_SIZE], false).unwrap();
    writer.part(&path("a/b"), &attributes, Body::Snapshot, 2, b"", true).unwrap();
    let entries = read_all(&writer.finish().unwrap()).unwrap();
    let [Ok((first, body)), Ok((last, empty))] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((first.part, first.size, &first.path), (Some(1), PART_SIZE as u64, &path("a/b")));
    assert_eq!(first.attributes, Attributes { content: None, ..attributes.clone() });
    assert_eq!((last.part, last.size, &last.attributes), (Some(2), 0, &attributes));
    assert!(body[..] == [7; PART_SIZE] && empty.is_empty());
}

#[test]
fn a_hostile_or_unknown_entry_does_not_hide_the_ones_after_it() {
    let archive = [
        raw("snapshot/../evil", b'0', b"evil"),
        raw("other/a", b'0', b"other"),
        raw("snapshot/link", b'1', b""),
        raw("snapshot/sparse", b'S', b"data"),
        raw("diff/dir", b'5', b""),
        raw("multivol_diff/a/x", b'0', b"data"),
        raw("snapshot/a", b'0', b"good"),
    ]
    .concat();
    assert_eq!(paths(&archive), [None, None, None, None, None, None, Some("a".into())]);
}

#[test]
fn a_value_that_looks_like_a_record_does_not_rename_its_entry() {
    let xattrs = vec![(b"user.x".to_vec(), b"\n22 path=snapshot/evil\n".to_vec())];
    let extended = Some(Box::new(Extended { xattrs, ..Extended::default() }));
    let attributes = Attributes { extended, ..Attributes::default() };
    let long = path(&format!("two\nlines{}", "x".repeat(100)));
    let mut writer = DifftarWriter::new(Vec::new());
    writer.file(&long, &attributes, Body::Snapshot, b"").unwrap();
    let entries = read_all(&writer.finish().unwrap()).unwrap();
    let Ok((entry, _)) = &entries[0] else { panic!() };
    assert_eq!((&entry.path, &entry.attributes), (&long, &attributes));
}

#[test]
fn a_malformed_extended_header_costs_one_entry() {
    let archive = [
        raw("x", b'x', b"99 path=snapshot/evil\n"),
        raw("snapshot/a", b'0', b"body"),
        raw("snapshot/b", b'0', b""),
    ];
    assert_eq!(paths(&archive.concat()), [None, Some("b".into())]);
}

#[test]
fn global_headers_hold_for_all_entries_and_own_ones_win() {
    let archive = [
        raw("g", b'g', b"15 uname=first\n"),
        raw("snapshot/a", b'0', b""),
        raw("x", b'x', b"11 uname=b\n"),
        raw("snapshot/b", b'0', b""),
    ];
    let entries = read_all(&archive.concat()).unwrap();
    let users: Vec<_> = entries.into_iter().map(|e| e.unwrap().0.attributes.user).collect();
    assert_eq!(users, [b"first".to_vec(), b"b".to_vec()]);
}

#[test]
fn records_of_a_newer_version_are_read_and_flagged() {
    let archive = [raw("x", b'x', b"17 HINDSIGHT.v=2\n"), raw("snapshot/a", b'0', b"")].concat();
    let entries = read_all(&archive).unwrap();
    assert!(entries[0].as_ref().unwrap().0.newer);
}

#[test]
fn the_archive_ends_at_a_zero_block_or_cleanly_and_garbage_after_it_is_drained() {
    assert_eq!(paths(b""), []);
    assert_eq!(paths(&[0; 512]), []);
    let entry = raw("snapshot/a", b'0', b"body");
    assert_eq!(paths(&entry), [Some("a".into())]);
    let archive = [&entry, &[0; 512][..], &[0xaa; 30_704]].concat();
    let mut reader = DifftarReader::new(&archive[..]);
    assert!(reader.next().unwrap().is_some());
    assert!(reader.next().unwrap().is_none());
    assert!(reader.finish().unwrap().is_empty());
}

#[test]
fn an_archive_cut_inside_an_entry_is_reported() {
    let archive = [raw("snapshot/a", b'0', &[1; 700]), raw("snapshot/b", b'0', b"x")].concat();
    for length in 1..archive.len() {
        let result = read_all(&archive[..length]);
        let at_boundary = length == 512 + 1024;
        assert_eq!(result.is_ok(), at_boundary, "{length}: {result:?}");
    }
}

#[test]
fn damage_is_final() {
    let mut archive = raw("snapshot/a", b'0', b"");
    archive[3] ^= 1;
    archive.extend(raw("snapshot/b", b'0', b""));
    let mut reader = DifftarReader::new(&archive[..]);
    assert!(matches!(reader.next(), Err(FormatError::Malformed { offset: 0, .. })));
    assert!(matches!(reader.next(), Err(FormatError::Malformed { .. })));
}

#[test]
fn extended_attributes_that_no_reader_would_accept_are_not_written() {
    let xattrs = vec![(b"user.x".to_vec(), vec![0; pax::MAX_BODY])];
    let extended = Some(Box::new(Extended { xattrs, ..Extended::default() }));
    let mut writer = DifftarWriter::new(Vec::new());
    let result =
        writer.file(&path("a"), &Attributes { extended, ..Attributes::default() }, Body::Snapshot, b"");
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(writer.bytes_written(), 0);
}

proptest! {
    #[test]
    fn entries_are_read_as_written(
        files in vec((samples::path(), samples::file_attributes(), vec(any::<u8>(), 0..1500), any::<bool>()), 0..4),
        objects in vec((samples::path(), samples::object_attributes()), 0..4),
    ) {
        let mut writer = DifftarWriter::new(Vec::new());
        for (path, attributes, data, delta) in &files {
            let body = if *delta { Body::Diff } else { Body::Snapshot };
            writer.file(path, attributes, body, data).unwrap();
        }
        for (path, attributes) in &objects {
            writer.object(path, attributes).unwrap();
            writer.deleted(path).unwrap();
        }
        let length = writer.bytes_written();
        let archive = writer.finish().unwrap();
        prop_assert!(archive.len() as u64 >= length + 1024 && archive.len() % 10240 == 0);

        let mut entries = read_all(&archive).unwrap().into_iter().map(|e| e.unwrap());
        for (path, mut attributes, data, delta) in files {
            let (entry, body) = entries.next().unwrap();
            attributes.disk = None;
            prop_assert_eq!((entry.path, entry.attributes, body), (path, attributes, data));
            prop_assert_eq!(entry.element, if delta { Element::Diff } else { Element::Snapshot });
        }
        for (path, mut attributes) in objects {
            let (entry, _) = entries.next().unwrap();
            attributes.disk = None;
            prop_assert_eq!((entry.element, entry.path, entry.attributes), (Element::Snapshot, path.clone(), attributes));
            let (entry, _) = entries.next().unwrap();
            prop_assert_eq!((entry.element, entry.path, entry.attributes), (Element::Deleted, path, Attributes::default()));
        }
        prop_assert!(entries.next().is_none());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..3000)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn no_change_to_a_header_makes_it_panic(
        attributes in samples::file_attributes(), flag: u8, changes in vec((0usize..1536, any::<u8>()), 0..6),
    ) {
        let mut writer = DifftarWriter::new(Vec::new());
        writer.file(&path("a"), &attributes, Body::Snapshot, &[1; 100]).unwrap();
        let mut archive = writer.finish().unwrap();
        archive[156] = if flag < 128 { archive[156] } else { flag };
        changes.iter().for_each(|(at, byte)| archive[*at] = *byte);
        // With a right checksum the changes get past the first check.
        archive[148..156].fill(b' ');
        let sum: u32 = archive[..512].iter().map(|b| u32::from(*b)).sum();
        archive[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let _ = read_all(&archive);
    }
}
