//! Whatever happens to one stored file, a restore says what is lost and gives back everything else, and never a
//! wrong byte.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod hash;
    pub(crate) mod sets;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::backup::PASSWORD;
use support::bytes::bytes;
use support::cli::{Repository, ours, scratch};
use support::hash::hashes;
use support::sets::{file_names, set_times};
use tempfile::TempDir;

/// File name to hash, at one time.
type State = BTreeMap<PathBuf, String>;

#[test]
fn a_flipped_bit_in_any_stored_file_is_noticed() {
    damage_each("flipped", |path| {
        let mut content = fs::read(path).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 0x10;
        fs::write(path, content).unwrap();
    });
}

#[test]
fn a_truncated_stored_file_is_noticed() {
    damage_each("truncated", |path| {
        let content = fs::read(path).unwrap();
        fs::write(path, &content[..content.len() / 3]).unwrap();
    });
}

#[test]
fn an_emptied_stored_file_is_noticed() {
    damage_each("emptied", |path| fs::write(path, b"").unwrap());
}

#[test]
fn a_deleted_stored_file_is_noticed() {
    damage_each("deleted", |path| fs::remove_file(path).unwrap());
}

/// Damages each stored file in turn and restores every state that should still be there.
fn damage_each(what: &str, damage: impl Fn(&Path)) {
    let (whole, states) = history();
    for name in file_names(&whole.place()).iter().filter(|name| name.starts_with("duplicity-")) {
        let repository = copy_of(&whole);
        damage(&repository.place().join(name));
        for (time, state) in &states {
            check(&repository, name, time, state, &states, &format!("{name} {what}, restored as of {time}"));
        }
    }
}

fn check(
    repository: &Repository,
    damaged: &str,
    time: &str,
    state: &State,
    states: &BTreeMap<String, State>,
    what: &str,
) {
    let target = scratch();
    let outcome = repository.restore(&ours(), scratch().path(), time, target.path());
    let restored = hashes(target.path());
    let told = outcome.to_string().to_lowercase();
    assert!(!told.contains("panicked") && !told.contains("backtrace"), "{what}: {outcome}");
    // Without its manifest a set does not exist, nor do those on it: the state before is given, with an error.
    let without_a_manifest = damaged.contains("manifest") && !repository.place().join(damaged).exists();
    let older = states.range(..damaged_set(damaged)).next_back().filter(|_| without_a_manifest);
    let acceptable = |path: &PathBuf, hash: &String| {
        state.get(path) == Some(hash) || older.is_some_and(|(_, older)| older.get(path) == Some(hash))
    };
    for (path, hash) in &restored {
        assert!(acceptable(path, hash), "{what}: {} holds wrong bytes: {outcome}", path.display());
    }
    let lost: Vec<_> = state.keys().filter(|path| !restored.contains_key(*path)).collect();
    let set_is_later = damaged_set(damaged).as_str() > time;
    if set_is_later || damaged.contains("signatures") {
        assert!(
            outcome.code == 0 && restored == *state,
            "{what}: nothing of this state was damaged: {outcome}"
        );
    } else if without_a_manifest {
        assert_ne!(outcome.code, 0, "{what}: another state is given without an error: {outcome}");
    } else if !lost.is_empty() {
        assert_ne!(outcome.code, 0, "{what}: {lost:?} are lost without an error: {outcome}");
        names_what_is_lost(&outcome.to_string(), damaged, &lost, what);
    }
    if damaged.contains(".difftar") && !set_is_later {
        untouched_survive(&restored, state, states, damaged, what);
    }
}

/// Either the damaged file is named, or each lost path.
fn names_what_is_lost(told: &str, damaged: &str, lost: &[&PathBuf], what: &str) {
    let each = lost.iter().all(|path| told.contains(&path.display().to_string()));
    let set = damaged.rsplit_once(".vol").or_else(|| damaged.split_once(".manifest"));
    let named = told.contains(damaged) || set.is_some_and(|(set, _)| told.contains(set));
    assert!(each || named, "{what}: neither the file nor what is lost is named:\n{told}");
}

/// What the damaged set does not hold is restored: files that did not change at that set, as another set has them.
fn untouched_survive(
    restored: &State,
    state: &State,
    states: &BTreeMap<String, State>,
    damaged: &str,
    what: &str,
) {
    let set = damaged_set(damaged);
    let Some((_, before)) = states.range(..set.clone()).next_back() else {
        // A volume of 1 MiB holds parts of at most five of these files.
        let lost = state.keys().filter(|path| !restored.contains_key(*path)).count();
        assert!(lost <= 5, "{what}: {lost} files are lost with one volume");
        return;
    };
    let after = &states[&set];
    for (path, hash) in state.iter().filter(|(path, _)| before.get(*path) == after.get(*path)) {
        assert_eq!(restored.get(path), Some(hash), "{what}: {} is not in that set at all", path.display());
    }
}

/// The time of the set that a stored file belongs to.
fn damaged_set(name: &str) -> String {
    let mut times = name.split('.').filter(|part| part.len() == 16 && part.ends_with('Z'));
    times.next_back().unwrap().to_owned()
}

/// An encrypted repository of three sets, the first of several volumes, and the states by time.
fn history() -> (Repository, BTreeMap<String, State>) {
    let repository = Repository::new(Some(PASSWORD));
    let source: TempDir = scratch();
    let mut states = Vec::new();
    for round in 0..3 {
        change(source.path(), round);
        repository.backup(&ours(), if round == 0 { "full" } else { "incremental" }, source.path()).expect(0);
        states.push(hashes(source.path()));
    }
    let times = set_times(&repository.place());
    assert_eq!(times.len(), 3, "each backup makes a set: {times:?}");
    (repository, times.into_iter().zip(states).collect())
}

fn change(source: &Path, round: u64) {
    let write = |name: &str, content: &[u8]| fs::write(source.join(name), content).unwrap();
    if round == 0 {
        (0..8).for_each(|number| write(&format!("file {number}"), &bytes(number, 300_000)));
        write("large", &bytes(90, 1_500_000));
        write("zzz", b"at the end");
    } else {
        let name = format!("file {round}");
        let mut content = fs::read(source.join(&name)).unwrap();
        content[1000..1010].copy_from_slice(b"changed it");
        write(&name, &content);
        write("file 7", &bytes(100 + round, 1000));
        write(&format!("new {round}"), &bytes(200 + round, 50_000));
    }
}

fn copy_of(repository: &Repository) -> Repository {
    let copy = Repository::new(repository.password.as_deref());
    let status = Command::new("cp").arg("-aT").args([repository.place(), copy.place()]).status().unwrap();
    assert!(status.success());
    copy
}
