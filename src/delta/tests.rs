//! What the parts of this module promise together, and that librsync's own tool agrees.

use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn sign(data: &[u8], block_len: u32) -> Vec<u8> {
    let mut builder = SignatureBuilder::new(block_len);
    builder.update(data);
    builder.finish()
}

fn delta(signature: Vec<u8>, new: &[u8], window: usize, chunk: usize) -> Vec<u8> {
    let basis = Basis::new(signature).unwrap();
    let mut differ = Differ::with_window(&basis, window);
    let mut out = Vec::new();
    for piece in new.chunks(chunk) {
        differ.update(piece, &mut out).unwrap();
    }
    differ.finish(&mut out).unwrap();
    out
}

fn patched(basis: &[u8], delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let back = furthest_step_back(delta).unwrap_or(0);
    let made = read(Patched::new(Cursor::new(basis), delta));
    // A basis that goes onwards and just far enough back gives the same.
    match (&made, read(Patched::new(Onwards::new(basis, back as usize), delta))) {
        (Ok(made), Ok(onwards)) => assert!(onwards == *made),
        (made, onwards) => assert!(made.is_err() && onwards.is_err()),
    }
    made.map_err(|error| error.downcast().unwrap())
}

fn read(mut reader: impl Read) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).map(|_| out)
}

/// Bytes that do not repeat; the same for the same seed.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| next()).collect()
}

/// `old` with, for each edit, some bytes at a place replaced by others.
fn edited(old: &[u8], edits: &[(usize, usize, Vec<u8>)]) -> Vec<u8> {
    let mut new = old.to_vec();
    for (at, removed, inserted) in edits {
        let start = at % (new.len() + 1);
        let end = (start + removed).min(new.len());
        new.splice(start..end, inserted.iter().copied());
    }
    new
}

proptest! {
    #[test]
    fn the_delta_against_a_signature_makes_the_new_content(
        old in prop_oneof![vec(any::<u8>(), 0..3000), vec(0u8..2, 0..3000)],
        edits in vec((any::<usize>(), 0usize..300, vec(any::<u8>(), 0..300)), 0..5),
        block_len in 1u32..100, window in 1usize..2000, chunk in 1usize..5000,
    ) {
        let new = edited(&old, &edits);
        let delta = delta(sign(&old, block_len), &new, window, chunk);
        prop_assert_eq!(patched(&old, &delta).unwrap(), new);
    }

    #[test]
    fn windows_and_chunks_lose_no_match(
        seed: u64, edits in vec((any::<usize>(), 0usize..50, vec(any::<u8>(), 0..50)), 0..4),
        window in 1usize..2000, chunk in 1usize..700,
    ) {
        let old = noise(4000, seed);
        let new = edited(&old, &edits);
        let copied = |window| {
            let basis = Basis::new(sign(&old, 16)).unwrap();
            let mut differ = Differ::with_window(&basis, window);
            let mut out = Vec::new();
            new.chunks(chunk).for_each(|piece| differ.update(piece, &mut out).unwrap());
            differ.search(&mut out).unwrap();
            differ.matched_bytes()
        };
        prop_assert_eq!(copied(window), copied(1 << 20));
    }

    #[test]
    fn hostile_deltas_fail_and_never_panic(basis: Vec<u8>, commands in vec((0u8..0x60, vec(0u8..4, 0..20)), 0..10)) {
        let mut delta = vec![0x72, 0x73, 0x02, 0x36];
        commands.iter().for_each(|(code, rest)| { delta.push(*code); delta.extend(rest) });
        let _ = patched(&basis, &delta);
    }

    #[test]
    fn hostile_signatures_fail_and_never_panic(blocks in 0usize..5, header in vec(0u8..20, 8), new: Vec<u8>, sums: [u8; 100]) {
        let mut signature = vec![0x72, 0x73, 0x01, 0x36];
        signature.extend(header.iter().enumerate().map(|(i, b)| if i % 4 == 3 { *b } else { 0 }));
        signature.extend(&sums[..blocks * (4 + header[7] as usize).min(20)]);
        if let Ok(basis) = Basis::new(signature) {
            let mut out = Vec::new();
            Differ::new(&basis).finish(&mut out).unwrap();
            let mut differ = Differ::new(&basis);
            differ.update(&new, &mut out).unwrap();
            differ.finish(&mut out).unwrap();
        }
    }
}

/// As [`delta`], with what stayed in place told beforehand, as large files are stored.
fn delta_in_place(old: &[u8], new: &[u8], old_block_len: u32, block_len: u32) -> (Vec<u8>, Vec<u8>) {
    let basis = Basis::new(sign(old, old_block_len)).unwrap();
    let mut in_place = InPlace::new(block_len, Some(&basis));
    let mut differ = Differ::new(&basis);
    let mut out = Vec::new();
    for piece in new.chunks(in_place.piece_length(1000)) {
        let mut rest = piece;
        for Run { length, same } in in_place.update(piece) {
            let (run, behind) = rest.split_at(length);
            rest = behind;
            if same { differ.keep(length, &mut out).unwrap() } else { differ.update(run, &mut out).unwrap() }
        }
        assert!(rest.is_empty());
    }
    differ.finish(&mut out).unwrap();
    (out, in_place.finish())
}

proptest! {
    #[test]
    fn telling_what_stayed_in_place_makes_the_same_content_and_signature(
        old in prop_oneof![vec(any::<u8>(), 0..9000), vec(0u8..2, 0..9000)],
        overwrites in vec((any::<usize>(), vec(any::<u8>(), 0..300)), 0..5),
        cut in 0usize..9000, added in vec(any::<u8>(), 0..300),
        old_block_len in 1u32..40, block_len in 1u32..40,
    ) {
        let in_place: Vec<_> = overwrites.into_iter().map(|(at, bytes)| (at, bytes.len(), bytes)).collect();
        let mut new = edited(&old, &in_place);
        new.truncate(new.len().min(cut));
        new.extend(added);
        for block_len in [block_len, old_block_len] {
            let (delta, signature) = delta_in_place(&old, &new, old_block_len, block_len);
            prop_assert_eq!(patched(&old, &delta).unwrap(), &new[..]);
            prop_assert_eq!(signature, sign(&new, block_len));
        }
    }
}

#[test]
fn what_stayed_in_place_is_copied_and_only_what_was_overwritten_is_literal() {
    let old = noise(3_000_000, 5);
    let new = edited(&old, &[(100_000, 4096, noise(4096, 6)), (2_000_000, 10_000, noise(10_000, 7))]);
    for block_len in [2048, 200_000] {
        let (delta, _) = delta_in_place(&old, &new, block_len, block_len);
        assert_eq!(patched(&old, &delta).unwrap(), new);
        let touched = 4096 + 10_000 + 4 * block_len as usize;
        assert!(delta.len() < touched + 100, "{} at blocks of {block_len}", delta.len());
    }
}

#[test]
fn unchanged_content_is_one_copy_even_with_repeats_and_a_short_last_block() {
    let mut old = noise(10_000, 1);
    old.splice(3000..3000, vec![0; 20_000]);
    for (size, window) in [(30_000, 2000), (29_999, 70_000), (0, 100), (511, 2000), (512, 2000)] {
        assert_eq!(
            delta(sign(&old[..size], 512), &old[..size], window, 300),
            whole_copy(size as u64),
            "{size}"
        );
    }
}

#[test]
fn the_short_last_block_is_found_behind_an_edit() {
    let old = noise(5000, 3);
    let mut new = old.clone();
    new[4500] ^= 1;
    let basis = Basis::new(sign(&old, 512)).unwrap();
    let mut out = Vec::new();
    let mut differ = Differ::new(&basis);
    differ.update(&new, &mut out).unwrap();
    differ.finish(&mut out).unwrap();
    assert!(out.len() < 512 + 30, "{}", out.len());
    assert_eq!(patched(&old, &out).unwrap(), new);
}

#[test]
fn content_without_a_match_is_hopeless_after_a_while() {
    let basis = Basis::new(sign(&noise(100_000, 5), 512)).unwrap();
    let mut differ = Differ::new(&basis);
    let mut out = Vec::new();
    differ.update(&noise(1 << 20, 7), &mut out).unwrap();
    assert!(!differ.is_hopeless());
    for seed in 10..30 {
        out.clear();
        differ.update(&noise(1 << 20, seed), &mut out).unwrap();
    }
    assert!(differ.is_hopeless());
    assert_eq!(differ.matched_bytes(), 0);
}

#[test]
fn too_many_blocks_are_refused_by_type() {
    let mut signature = sign(&[], 512);
    signature.resize(12 + 1_000_001 * 12, 0);
    assert!(matches!(Basis::new(signature), Err(DeltaError::UnsupportedSignature { blocks: 1_000_001, .. })));
}

#[test]
fn each_damage_of_a_delta_has_its_error() {
    let delta = |commands: &[u8]| [&[0x72, 0x73, 0x02, 0x36], commands].concat();
    let basis = b"0123456789";
    assert!(matches!(patched(basis, b"rs"), Err(DeltaError::Truncated)));
    assert!(matches!(patched(basis, b"rs\x01\x36\0"), Err(DeltaError::NotADelta)));
    assert!(matches!(patched(basis, &delta(&[])), Err(DeltaError::Truncated)));
    assert!(matches!(patched(basis, &delta(&[5, 1, 2])), Err(DeltaError::Truncated)));
    assert!(matches!(patched(basis, &delta(&[0x55, 0])), Err(DeltaError::UnknownCommand(0x55))));
    assert!(matches!(patched(basis, &delta(&[0x45, 5, 6, 0])), Err(DeltaError::OutOfBounds { .. })));
    let overflow = [&[0x54][..], &[0xff; 16], &[0]].concat();
    assert!(matches!(patched(basis, &delta(&overflow)), Err(DeltaError::OutOfBounds { .. })));
    let huge_literal = [&[0x44][..], &[0xff; 8], &[0]].concat();
    assert!(matches!(patched(basis, &delta(&huge_literal)), Err(DeltaError::Truncated)));
    assert_eq!(patched(basis, &delta(&[0x45, 8, 2, 0x45, 0, 2, 1, b'x', 0, 9, 9])).unwrap(), b"8901x");
}

#[test]
fn deltas_on_deltas_make_the_newest_content_in_one_pass() {
    let versions: Vec<_> = (0..4)
        .map(|n| edited(&noise(50_000, 17), &[(9_000 * n, 700, noise(900, 19 + 2 * n as u64))]))
        .collect();
    let deltas: Vec<_> =
        versions.windows(2).map(|pair| delta(sign(&pair[0], 512), &pair[1], 20_000, 4096)).collect();
    let mut content: Box<dyn Read> = Box::new(&versions[0][..]);
    for delta in &deltas {
        assert_eq!(furthest_step_back(&delta[..]).unwrap(), 0);
        content = Box::new(Patched::new(Onwards::new(content, 0), &delta[..]));
    }
    assert!(read(content).unwrap() == versions[3]);
}

#[test]
fn a_delta_that_goes_back_in_its_basis_is_recognised() {
    let old = noise(20_000, 23);
    let new = [&old[10_000..], &old[..10_000]].concat();
    let delta = delta(sign(&old, 512), &new, 70_000, 4096);
    assert!((19_000..=20_000).contains(&furthest_step_back(&delta[..]).unwrap()));
    assert!(read(Patched::new(Onwards::new(&old[..], 5_000), &delta[..])).is_err());
    assert!(patched(&old, &delta).unwrap() == new);
    assert_eq!(furthest_step_back(&whole_copy(20_000)[..]).unwrap(), 0);
}

#[test]
fn edits_in_place_go_back_a_block_at_most_even_between_zeros() {
    let old = [vec![0; 50_000], noise(20_000, 29), vec![0; 50_000], noise(333, 31)].concat();
    for at in (0..115_000).step_by(7_001) {
        let mut new = old.clone();
        new[at..at + 3000].copy_from_slice(&noise(3000, 37));
        for (block_len, window) in [(512, 20_000), (2048, 1 << 20)] {
            let delta = delta(sign(&old, block_len), &new, window, 4096);
            assert!(furthest_step_back(&delta[..]).unwrap() <= u64::from(block_len), "an edit at {at}");
            assert!(patched(&old, &delta).unwrap() == new);
        }
    }
}

fn rdiff(arguments: &[&str], files: &[&Path]) {
    let status = Command::new("rdiff").args(arguments).args(files).status();
    assert!(status.expect("needs the package rdiff").success(), "rdiff {arguments:?}");
}

#[test]
fn rdiff_reads_what_we_write_and_we_read_what_rdiff_writes() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let old = noise(200_123, 11);
    let edits = [(100, 3, vec![1; 900]), (90_000, 40_000, vec![]), (150_000, 0, noise(5000, 13))];
    let new = edited(&old, &edits);
    std::fs::write(at("old"), &old).unwrap();
    std::fs::write(at("new"), &new).unwrap();

    std::fs::write(at("signature"), sign(&old, 512)).unwrap();
    rdiff(&["delta"], &[&at("signature"), &at("new"), &at("delta")]);
    assert_eq!(patched(&old, &std::fs::read(at("delta")).unwrap()).unwrap(), new);

    rdiff(&["-H", "md4", "-R", "rollsum", "-b", "512", "-S", "8", "signature"], &[&at("old"), &at("theirs")]);
    let theirs = std::fs::read(at("theirs")).unwrap();
    assert_eq!(theirs, sign(&old, 512));
    std::fs::write(at("ours"), delta(theirs, &new, 20_000, 4096)).unwrap();
    rdiff(&["patch"], &[&at("old"), &at("ours"), &at("result")]);
    assert_eq!(std::fs::read(at("result")).unwrap(), new);
    let sizes = ["ours", "delta"].map(|name| std::fs::metadata(at(name)).unwrap().len());
    assert!(sizes[0] <= sizes[1], "a larger delta than librsync's: {sizes:?}");
}
