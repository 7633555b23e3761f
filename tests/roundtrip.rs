//! Random histories: whatever is done to a folder between backups, every date gives it back exactly.

#![allow(clippy::unwrap_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod compare;
    pub(crate) mod hash;
}

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hindsight::context::{Clock, Context};
use hindsight::destination::Folder;
use hindsight::engine::{
    self, BackupJob, Job, Keys, Mode, Ownership, Place, Prefixes, Renewal, Report, RestoreJob, VerifyJob,
};
use hindsight::entry::EntryPath;
use hindsight::secret::Passphrase;
use hindsight::tree::select::Selection;
use proptest::prelude::*;
use support::bytes::bytes;
use support::compare::{Detail, Snapshot};

/// Something that happens to a folder. Numbers choose among few names, so that the same ones are hit often.
#[derive(Clone, Debug)]
enum Event {
    Write { name: u8, seed: u64, size: usize },
    Append { name: u8, size: usize },
    Overwrite { name: u8, at: usize, size: usize },
    Truncate { name: u8, size: usize },
    Mode { name: u8, mode: u32 },
    Folder { name: u8 },
    Link { name: u8, to: u8 },
    HardLink { name: u8, to: u8 },
    Remove { name: u8 },
    Rename { from: u8, to: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    let name = 0..24u8;
    let size = prop_oneof![0..300usize, 65_000..66_200usize, 200_000..900_000usize];
    prop_oneof![
        4 => (name.clone(), any::<u64>(), size.clone()).prop_map(|(name, seed, size)| Event::Write { name, seed, size }),
        2 => (name.clone(), size.clone()).prop_map(|(name, size)| Event::Append { name, size }),
        3 => (name.clone(), 0..800_000usize, 0..3_000usize).prop_map(|(name, at, size)| Event::Overwrite { name, at, size }),
        1 => (name.clone(), size).prop_map(|(name, size)| Event::Truncate { name, size }),
        1 => (name.clone(), prop_oneof![Just(0o600), Just(0o755), Just(0o4711)]).prop_map(|(name, mode)| Event::Mode { name, mode }),
        2 => name.clone().prop_map(|name| Event::Folder { name }),
        1 => (name.clone(), name.clone()).prop_map(|(name, to)| Event::Link { name, to }),
        1 => (name.clone(), name.clone()).prop_map(|(name, to)| Event::HardLink { name, to }),
        2 => name.clone().prop_map(|name| Event::Remove { name }),
        2 => (name.clone(), name).prop_map(|(from, to)| Event::Rename { from, to }),
    ]
}

/// Names at two depths, in an order that differs between joined bytes and components.
fn path_of(root: &Path, name: u8) -> PathBuf {
    let names = ["dir", "dir-a", "dir.txt", "a", "b\nc", "z\u{e9}"];
    let (outer, inner) = (names[usize::from(name) % 6], names[usize::from(name / 6) % 6]);
    if name < 6 { root.join(outer) } else { root.join(outer).join(inner) }
}

/// Events that the state of the folder does not permit are passed over.
fn apply(root: &Path, event: &Event) -> std::io::Result<()> {
    let path = |name: &u8| path_of(root, *name);
    match event {
        Event::Write { name, seed, size } => fs::write(path(name), bytes(*seed, *size)),
        Event::Append { name, size } => {
            let mut content = fs::read(path(name))?;
            content.extend(bytes(content.len() as u64, *size));
            fs::write(path(name), content)
        }
        Event::Overwrite { name, at, size } => {
            let mut content = fs::read(path(name))?;
            let at = (*at).min(content.len());
            let end = (at + size).min(content.len());
            content[at..end].copy_from_slice(&bytes(at as u64, end - at));
            fs::write(path(name), content)
        }
        Event::Truncate { name, size } => {
            let file = fs::OpenOptions::new().write(true).open(path(name))?;
            file.set_len(file.metadata()?.len().min(*size as u64))
        }
        Event::Mode { name, mode } => fs::set_permissions(path(name), fs::Permissions::from_mode(*mode)),
        Event::Folder { name } => fs::create_dir(path(name)),
        Event::Link { name, to } => symlink(path(to), path(name)),
        Event::HardLink { name, to } => fs::hard_link(path(to), path(name)),
        Event::Remove { name } => {
            let path = path(name);
            if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
        }
        Event::Rename { from, to } => fs::rename(path(from), path(to)),
    }
}

struct Home {
    folder: tempfile::TempDir,
    passphrase: Option<Passphrase>,
}

impl Home {
    fn new(encrypted: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Self { folder, passphrase: encrypted.then(|| Passphrase::new("a password of the tests")) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self) -> Place {
        Place {
            destination: Arc::new(Folder::new(self.path("place"))),
            passphrase: self.passphrase.clone(),
            keys: Keys::default(),
            cache: self.path("cache"),
            address: OsString::from(self.path("place")),
            prefixes: Prefixes::default(),
        }
    }

    fn backup(&self, time: i64, volume_size: u64) {
        let job = BackupJob {
            place: self.place(),
            place_id: None,
            source: self.path("source"),
            selection: Arc::new(Selection::everything()),
            mode: Mode::Auto,
            encrypt: self.passphrase.is_some(),
            volume_size: Some(volume_size),
            allow_source_mismatch: false,
            count_first: false,
            skip_unchanged: false,
            guard: Vec::new(),
            renewal: Renewal::default(),
            dry_run: false,
            statistics: false,
        };
        let ctx = Context { clock: Clock::Fixed(time), ..Context::silent() };
        let Report::Backup(report) = engine::run(Job::Backup(job), &ctx).unwrap() else { unreachable!() };
        assert_eq!((report.time, report.problems), (time, 0));
    }

    fn restore(&self, time: i64) -> PathBuf {
        let target = self.path(&format!("restored-{time}"));
        let job = RestoreJob {
            place: self.place(),
            target: target.clone(),
            path: EntryPath::root(),
            selection: Arc::default(),
            time: Some(time),
            force: false,
            ownership: Ownership::ByName,
            renames: Vec::new(),
        };
        let Report::Restore(report) = engine::run(Job::Restore(job), &Context::silent()).unwrap() else {
            unreachable!()
        };
        assert_eq!((report.lost, report.not_written), (0, 0));
        target
    }

    fn verify(&self) {
        let job = VerifyJob {
            place: self.place(),
            local: self.path("source"),
            path: EntryPath::root(),
            time: None,
            selection: Arc::new(Selection::everything()),
            compare_data: true,
        };
        let Report::Verify(report) = engine::run(Job::Verify(job), &Context::silent()).unwrap() else {
            unreachable!()
        };
        assert_eq!((report.differences, report.lost), (0, 0));
    }
}

const FIRST: i64 = 1_700_000_000;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

proptest! {
    // PROPTEST_CASES asks for more.
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_date_of_any_history_is_restored_exactly(
        history in prop::collection::vec(prop::collection::vec(event(), 0..14), 1..6),
        encrypted in any::<bool>(),
    ) {
        let home = Home::new(encrypted);
        let mut dates = Vec::new();
        for (index, events) in history.iter().enumerate() {
            for event in events {
                let _ = apply(&home.path("source"), event);
            }
            let time = FIRST + index as i64;
            home.backup(time, 400_000);
            dates.push((time, Snapshot::of(&home.path("source"))));
        }
        home.verify();
        for (time, expected) in dates {
            let restored = home.restore(time);
            expected.expect_at(&restored, Detail::Everything, &format!("as of {time}"));
        }
    }
}

#[test]
fn another_name_of_an_old_symlink_is_restored_as_one() {
    let home = Home::new(false);
    symlink("elsewhere", home.path("source/old")).unwrap();
    home.backup(FIRST, 400_000);
    fs::hard_link(home.path("source/old"), home.path("source/new")).unwrap();
    home.backup(FIRST + 1, 400_000);
    let expected = Snapshot::of(&home.path("source"));
    expected.expect_at(&home.restore(FIRST + 1), Detail::Everything, "with its second name");
}
