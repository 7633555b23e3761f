//! The file: read, and changed by one writer at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::{Plan, Settings, migrate};

/// Of the file's form. In version 1 a schedule had neither a time of day nor a day: it gets the usual ones.
const VERSION: u32 = 2;

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Written by a newer Hindsight.
    #[error("{path:?} is of version {version}, which is newer than this program")]
    Newer { path: PathBuf, version: u32 },
    #[error("{path:?} cannot be understood: {reason}")]
    Damaged { path: PathBuf, reason: String },
    /// Neither `XDG_CONFIG_HOME` nor the home folder is known.
    #[error("the home folder is not known")]
    NoHome,
    #[error("{path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

pub struct Store {
    path: PathBuf,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    plans: Vec<Plan>,
}

impl Store {
    pub fn open_default() -> Result<Self, SettingsError> {
        let folder = crate::folders::config().ok_or(SettingsError::NoHome)?;
        Ok(Self::at(folder.join("settings.json")))
    }

    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// No settings yet are empty settings.
    pub fn load(&self) -> Result<Settings, SettingsError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(error) => return Err(self.io(error)),
        };
        let damaged = |error: serde_json::Error| self.damaged(error);
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(SettingsError::Newer { path: self.path.clone(), version });
        }
        let mut content = serde_json::from_slice(&bytes).map_err(damaged)?;
        migrate::to_today(&mut content, version);
        let Content { plans, .. } = serde_json::from_value(content).map_err(damaged)?;
        if let Some(plan) = plans.iter().find(|plan| !plan.has_proper_id()) {
            return Err(self.damaged(format!("{:?} is not the id of a plan", plan.id)));
        }
        if let Some(plan) = plans.iter().find(|plan| !plan.protection.is_proper()) {
            return Err(self.damaged(format!("the keys of the plan {:?} are none", plan.id)));
        }
        match plans.iter().find(|plan| !plan.has_proper_key_file()) {
            Some(plan) => {
                Err(self.damaged(format!("the key file of the plan {:?} has no full path", plan.id)))
            }
            None => Ok(Settings { plans }),
        }
    }

    /// Reads, changes and writes while no other process does. Nothing is written if nothing changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> Result<T, SettingsError> {
        let _lock = self.lock().map_err(|error| self.io(error))?;
        let before = self.load()?;
        let mut after = before.clone();
        let value = change(&mut after);
        if after != before {
            let content = Content { version: VERSION, plans: after.plans };
            let mut text = serde_json::to_vec_pretty(&content).map_err(|error| self.io(error.into()))?;
            text.push(b'\n');
            self.replace(&text).map_err(|error| self.io(error))?;
        }
        Ok(value)
    }

    /// Held while the file is open. A file of its own, since the settings themselves are replaced.
    fn lock(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.folder())?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).mode(0o600);
        let lock = lock.open(self.path.with_extension("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    }

    /// After a power cut there is the old file or the new one.
    fn replace(&self, text: &[u8]) -> io::Result<()> {
        // Somebody may keep their settings elsewhere, behind a link.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new().prefix(".settings-").tempfile_in(folder)?;
        file.write_all(text)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(folder)?.sync_all()
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn io(&self, source: io::Error) -> SettingsError {
        SettingsError::Io { path: self.path.clone(), source }
    }

    fn damaged(&self, reason: impl std::fmt::Display) -> SettingsError {
        SettingsError::Damaged { path: self.path.clone(), reason: reason.to_string() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::settings::{PlaceKind, PlanPlace, Protection};

    fn plan(name: &str) -> Plan {
        let kind = PlaceKind::Drive { uuid: "1234-ABCD".into(), folder: "backups".into() };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: Some("f".repeat(32)) };
        Plan::for_home(name, place, Path::new("/usr")).unwrap()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("hindsight/settings.json"));
        (folder, store)
    }

    #[test]
    fn there_are_no_plans_before_the_first_change_and_all_of_a_plan_comes_back() {
        let (_folder, store) = store();
        assert_eq!(store.load().unwrap(), Settings::default());
        let mut plan = plan("Home");
        plan.ignored.push(OsStr::from_bytes(b"/home/ada/odd \xff\n\"name").into());
        plan.patterns.push("*.iso".into());
        plan.key_file = Some(OsStr::from_bytes(b"/home/ada/odd \xff.asc").into());
        store.change(|settings| settings.plans.push(plan.clone())).unwrap();
        assert_eq!(store.load().unwrap().plan(&plan.id), Some(&plan));
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let (_folder, store) = store();
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let store = Store::at(store.path());
                scope.spawn(move || {
                    for number in 0..20 {
                        let new = plan(&format!("{writer}-{number}"));
                        store.change(|settings| settings.plans.push(new)).unwrap();
                    }
                });
            }
            // Readers take no lock and see whole files only.
            (0..200).for_each(|_| drop(store.load().unwrap()));
        });
        assert_eq!(store.load().unwrap().plans.len(), 40);
    }

    #[test]
    fn settings_of_a_newer_version_are_neither_read_nor_changed() {
        let (_folder, store) = store();
        fs::create_dir_all(store.folder()).unwrap();
        let text = r#"{"version": 99, "plans": {"in": "another form"}}"#;
        fs::write(store.path(), text).unwrap();
        assert!(matches!(store.load(), Err(SettingsError::Newer { version: 99, .. })));
        let changed = store.change(|settings| settings.plans.clear());
        assert!(matches!(changed, Err(SettingsError::Newer { .. })));
        assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
    }

    #[test]
    fn settings_of_the_first_version_are_read_and_kept_in_todays_form() {
        let (_folder, store) = store();
        let plans = [plan("Home"), Plan { protection: Protection::None, ..plan("Music") }];
        store.change(|settings| settings.plans.extend(plans.clone())).unwrap();
        let today = fs::read_to_string(store.path()).unwrap();
        let old = today
            .replace("\"version\": 2", "\"version\": 1")
            .replace("\"protection\": \"password\"", "\"encrypt\": true")
            .replace("\"protection\": \"none\"", "\"encrypt\": false")
            .replace("\"older_passwords\": false,", "");
        fs::write(store.path(), &old).unwrap();
        assert_eq!(store.load().unwrap().plans, plans);
        assert_eq!(fs::read_to_string(store.path()).unwrap(), old, "reading changes nothing");
        store.change(|settings| settings.plans[0].name = "All".into()).unwrap();
        assert_eq!(fs::read_to_string(store.path()).unwrap(), today.replacen("\"Home\"", "\"All\"", 1));
    }

    #[test]
    fn the_first_versions_schedules_get_the_usual_time() {
        let (_folder, store) = store();
        let plan = plan("Home");
        store.change(|settings| settings.plans.push(plan.clone())).unwrap();
        let text = fs::read_to_string(store.path()).unwrap().replace("\"version\": 2", "\"version\": 1");
        let (before, since) = (r#""frequency": "weekly","#, r#""frequency": "weekly""#);
        let start = text.find(before).unwrap();
        let end = start + text[start..].find('}').unwrap();
        fs::write(store.path(), format!("{}{since}{}", &text[..start], &text[end..])).unwrap();
        assert_eq!(store.load().unwrap().plans, [plan]);
        store.change(|settings| settings.plans[0].name = "House".into()).unwrap();
        assert!(fs::read_to_string(store.path()).unwrap().contains("\"version\": 2"));
    }

    #[test]
    fn what_is_not_understood_is_refused_rather_than_dropped() {
        let (_folder, store) = store();
        store.change(|settings| settings.plans.push(plan("Home"))).unwrap();
        let good = fs::read_to_string(store.path()).unwrap();
        for (from, to) in [
            ("\"protection\"", "\"surprise\": 1, \"protection\""),
            ("\"protection\": \"password\",", ""),
            ("\"protection\"", "\"key_file\": \"keys.asc\", \"protection\""),
            ("\"protection\": \"password\"", "\"encrypt\": true"),
            ("\"password\"", "\"hope\""),
            ("\"id\": \"", "\"id\": \"../"),
            ("\"version\": 2,", ""),
            ("}", ""),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good);
            fs::write(store.path(), &bad).unwrap();
            assert!(matches!(store.load(), Err(SettingsError::Damaged { .. })), "{to}");
            assert!(store.change(|settings| settings.plans.clear()).is_err());
            assert_eq!(fs::read_to_string(store.path()).unwrap(), bad);
        }
    }

    #[test]
    fn the_file_is_for_its_owner_alone_and_may_be_a_link() {
        let (folder, store) = store();
        let elsewhere = folder.path().join("dotfiles.json");
        fs::write(&elsewhere, r#"{"version": 1, "plans": []}"#).unwrap();
        fs::create_dir_all(store.folder()).unwrap();
        symlink(&elsewhere, store.path()).unwrap();
        store.change(|settings| settings.plans.push(plan("Home"))).unwrap();
        assert!(store.path().is_symlink());
        assert_eq!(Store::at(&elsewhere).load().unwrap().plans.len(), 1);
        assert_eq!(elsewhere.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_change_that_changes_nothing_writes_nothing() {
        let (_folder, store) = store();
        store.change(|_| ()).unwrap();
        assert!(!store.path().exists());
    }
}
