//! Repositories that stock duplicity wrote long ago restore, list and verify as they always did.
//!
//! `tests/repositories/make` wrote them; a golden folder is never edited.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support {
    pub(crate) mod cli;
    pub(crate) mod hash;
}

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::cli::{Repository, ours, scratch};
use support::hash::{hashes, sha256};
use tempfile::TempDir;

/// What each folder is there for. One that is missing here, or only here, fails.
const REPOSITORIES: [&str; 15] = [
    "chain-0.8.22",
    "chain-0.8.22-symmetric",
    "chain-3.2.1",
    "chain-3.2.1-symmetric",
    "chain-mixed-symmetric",
    "full-0.8.22",
    "gnu-headers",
    "md5-hashes",
    "odd-names-0.8.22",
    "odd-names-3.2.1-symmetric",
    "old-manifests",
    "short-names",
    "uncompressed-0.8.22",
    "uncompressed-3.2.1",
    "volumes-3.2.1-symmetric",
];

#[test]
fn every_golden_repository_restores_lists_and_verifies() {
    for name in REPOSITORIES {
        let golden = Golden::open(name);
        for (time, state) in &golden.states {
            golden.check(time, state);
        }
        let status = golden.repository.run(
            &ours(),
            golden.cache(),
            &["collection-status".into(), golden.repository.url()],
        );
        status.expect(0);
        let stored = hashes(&folder().join(name).join("place"));
        assert_eq!(hashes(&golden.repository.place()), stored, "{name}: reading changed the repository");
    }
}

#[test]
fn no_golden_repository_lies_unused() {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let mut found: Vec<_> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name()).collect();
    found.sort();
    assert_eq!(found, REPOSITORIES);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories")
}

struct Golden {
    name: &'static str,
    repository: Repository,
    cache: TempDir,
    /// Seconds since the epoch to percent-encoded path to what must be there.
    states: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Golden {
    fn open(name: &'static str) -> Self {
        let text = fs::read_to_string(folder().join(name).join("expect.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let repository = Repository::new(expected["password"].as_str());
        for file in hashes(&folder().join(name).join("place")).keys() {
            fs::copy(folder().join(name).join("place").join(file), repository.place().join(file)).unwrap();
        }
        Self {
            name,
            repository,
            cache: scratch(),
            states: serde_json::from_value(expected["states"].clone()).unwrap(),
        }
    }

    fn cache(&self) -> &Path {
        self.cache.path()
    }

    /// Restores, lists and verifies the state at `time`.
    fn check(&self, time: &str, state: &BTreeMap<String, Value>) {
        let what = format!("{} as of {time}", self.name);
        let target = scratch();
        self.repository.restore(&ours(), self.cache(), time, target.path()).expect(0);
        let mut found = BTreeMap::new();
        describe(target.path(), Path::new(""), &mut found);
        for path in state.keys().chain(found.keys()) {
            assert_eq!(found.get(path), state.get(path), "{what}: {path} (left: restored, right: expected)");
        }
        let url = self.repository.url();
        let verify = ["verify", "--compare-data", "--time", time].map(OsString::from);
        self.repository
            .run(&ours(), self.cache(), &[&verify[..], &[url.clone(), target.path().into()]].concat())
            .expect(0);
        let list = ["list-current-files", "--time", time].map(OsString::from);
        let list = self.repository.run(&ours(), self.cache(), &[&list[..], &[url]].concat()).expect(0);
        for path in state.keys().filter(|path| !path.is_empty()) {
            let path = decoded(path);
            let line = [b" ", path.as_bytes(), b"\n"].concat();
            let listed = list.stdout.windows(line.len()).any(|window| window == line);
            assert!(listed, "{what}: {path:?} is not listed: {list}");
        }
    }
}

/// Adds what is at `path` below `root`, and all below it, as `tests/repositories/make` describes it.
fn describe(root: &Path, path: &Path, found: &mut BTreeMap<String, Value>) {
    let full = root.join(path);
    let status = fs::symlink_metadata(&full).unwrap();
    let mut entry = json!({ "mode": status.mode() & 0o7777, "mtime": status.mtime() });
    if status.is_symlink() {
        entry = json!({ "kind": "symlink", "target": encoded(fs::read_link(&full).unwrap().as_os_str()) });
    } else if status.is_dir() {
        entry["kind"] = "folder".into();
        fs::read_dir(&full)
            .unwrap()
            .for_each(|child| describe(root, &path.join(child.unwrap().file_name()), found));
    } else if status.file_type().is_fifo() {
        entry["kind"] = "fifo".into();
    } else {
        entry["kind"] = "file".into();
        entry["size"] = status.size().into();
        entry["sha256"] = sha256(&full).into();
    }
    found.insert(encoded(path.as_os_str()), entry);
}

/// As Python's `urllib.parse.quote_from_bytes` does it.
fn encoded(path: &OsStr) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte);
    let encode = |&byte: &u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.as_bytes().iter().map(encode).collect()
}

fn decoded(path: &str) -> OsString {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    OsString::from_vec(bytes)
}
