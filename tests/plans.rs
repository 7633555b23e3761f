//! Plans from the shell: what the app has set up, run by the command line on a home folder of its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod gnupg;
    pub(crate) mod sets;
    pub(crate) mod stock;
}

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hindsight::context::{Context, Monitor, Progress, Why};
use hindsight::destination::{self, Login, adopt_or_mark};
use hindsight::engine::{self, EraseReport, Gnupg, GnupgSetup, Job, Report};
use hindsight::error::Error;
use hindsight::jobs::{self, Access};
use hindsight::ledger::{Ledger, RunOutcome};
use hindsight::secret::Passphrases;
use hindsight::settings::{Folder, PlaceKind, Plan, PlanKey, PlanKeys, PlanPlace, Protection, Store};
use support::gnupg::{CURVE25519, Person};
use support::sets::{file_names, set_times};
use support::{cli, stock};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery staple";

/// A home folder with files in it, and a plan to save it to a place that is marked.
struct Computer {
    folder: TempDir,
    plan: Plan,
}

impl Computer {
    fn new() -> Self {
        let folder = cli::scratch();
        let path = folder.path().canonicalize().unwrap();
        for file in ["Documents/letter", "Documents/deep/er/note", "Music/song", ".cache/junk", "disk.iso"] {
            write(&path.join("home").join(file), file);
        }
        let kind = PlaceKind::Folder { path: path.join("place") };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        let mut plan = Plan::for_home("Home", place, &path.join("home")).unwrap();
        plan.patterns.push("*.iso".into());
        let place = plan.place.spec().unwrap().connect(Login::default());
        plan.place.marker = Some(adopt_or_mark(&*place, &Context::silent()).unwrap().id);
        let computer = Self { folder, plan };
        computer.store().change(|settings| settings.plans.push(computer.plan.clone())).unwrap();
        computer
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn store(&self) -> Store {
        Store::at(self.path("home/.config/hindsight/settings.json"))
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.path("home/.local/state/hindsight/runs.sqlite")).unwrap()
    }

    /// As somebody does in the app.
    fn change(&self, change: impl FnOnce(&mut Plan)) {
        self.store().change(|settings| change(&mut settings.plans[0])).unwrap();
    }

    /// In a session of its own: nobody can be asked for anything.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(env!("CARGO_BIN_EXE_hindsight-cli")).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("PASSPHRASE", PASSPHRASE);
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.folder.path());
        command.stdin(Stdio::null()).current_dir("/");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(code), "{arguments:?}: {text}");
        assert!(!text.contains(PASSPHRASE), "{text}");
        text
    }

    #[track_caller]
    fn back_up(&self) -> String {
        self.run(&["plan", "run", "Home"], 0)
    }

    fn sets(&self) -> usize {
        set_times(&self.path("place")).len()
    }

    /// Restores everything; where the home folder lies then.
    fn restored(&self) -> PathBuf {
        self.restored_at("now")
    }

    fn restored_at(&self, time: &str) -> PathBuf {
        let target = self.path("restored");
        let _ = fs::remove_dir_all(&target);
        let place = format!("file://{}", self.path("place").display());
        self.run(&["restore", "--time", time, &place, target.to_str().unwrap()], 0);
        target.join(self.path("home").strip_prefix("/").unwrap())
    }

    fn erase(&self, ctx: &Context) -> Result<EraseReport, Error> {
        let spec = self.plan.place.spec().unwrap();
        let access = Access {
            spec,
            login: Login::default(),
            passphrases: Passphrases::default(),
            gnupg: GnupgSetup::default(),
        };
        let job = jobs::erase(&self.plan, &access, &self.path("home/.cache")).unwrap();
        match engine::run(Job::Erase(job), ctx)? {
            Report::Erase(report) => Ok(report),
            other => panic!("{other:?}"),
        }
    }
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Only what has settled for a while is trusted not to change unseen.
fn settle() {
    std::thread::sleep(Duration::from_secs(4));
}

#[test]
fn what_a_plan_saves_is_restored_by_us_and_by_stock_duplicity() {
    let computer = Computer::new();
    computer.back_up();
    let restored = computer.restored();
    let by_stock = computer.path("by-stock");
    let mut restore = Command::new(stock::new().path);
    restore.args(["restore", "--archive-dir"]).arg(computer.path("stock-cache"));
    restore.arg(format!("file://{}", computer.path("place").display())).arg(&by_stock);
    restore.env("PASSPHRASE", PASSPHRASE).env("HOME", computer.path("stock-home"));
    fs::create_dir(computer.path("stock-home")).unwrap();
    cli::Outcome::of(restore).expect(0);
    for home in [restored, by_stock.join(computer.path("home").strip_prefix("/").unwrap())] {
        for file in ["Documents/letter", "Documents/deep/er/note", "Music/song"] {
            assert_eq!(fs::read_to_string(home.join(file)).unwrap(), file);
        }
        for left_out in [".cache", "disk.iso", ".local/state/hindsight", "../place"] {
            assert!(!home.join(left_out).exists(), "{left_out}");
        }
        assert!(home.join(".config/hindsight/settings.json").exists());
    }
}

#[test]
fn another_folder_continues_what_is_stored() {
    let computer = Computer::new();
    computer.back_up();
    write(&computer.path("elsewhere/new"), "new");
    settle();
    let elsewhere = Folder::new(&computer.path("elsewhere")).unwrap();
    computer.change(|plan| plan.folders.push(elsewhere));
    let text = computer.back_up();
    assert!(text.contains("DeletedFiles 0"), "{text}");
    let names = file_names(&computer.path("place"));
    assert_eq!(names.iter().filter(|name| name.starts_with("duplicity-full-")).count(), 1, "{names:?}");
    assert_eq!(computer.sets(), 2);
    let home = computer.restored();
    assert_eq!(fs::read_to_string(home.join("../elsewhere/new")).unwrap(), "new");
    assert_eq!(fs::read_to_string(home.join("Music/song")).unwrap(), "Music/song");
}

#[test]
fn a_run_that_finds_nothing_changed_stores_nothing() {
    let computer = Computer::new();
    computer.back_up();
    // Other tests work beside ours, and folders above it change with them.
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        settle();
        let before = file_names(&computer.path("place"));
        let text = computer.back_up();
        let after = file_names(&computer.path("place"));
        if text.contains("Nothing has changed") {
            assert_eq!(after, before);
            break;
        }
        assert_ne!(after, before);
        assert!(Instant::now() < deadline, "{text}");
    }
    let last = computer.ledger().last_success(&computer.plan.id).unwrap().unwrap();
    assert!(matches!(last.outcome, RunOutcome::Completed { unchanged: true, stored_bytes: 0, .. }));
    write(&computer.path("home/Music/song"), "another");
    computer.back_up();
    assert_eq!(fs::read_to_string(computer.restored().join("Music/song")).unwrap(), "another");
}

#[test]
fn a_folder_that_is_suddenly_empty_stops_the_run_until_somebody_says_so() {
    let computer = Computer::new();
    let documents = computer.path("home/Documents");
    let folder = Folder::new(&documents).unwrap();
    computer.change(|plan| plan.folders = vec![folder]);
    computer.back_up();
    for gone in [|path: &Path| fs::create_dir(path).unwrap(), |_: &Path| ()] {
        fs::rename(&documents, computer.path("home/away")).unwrap();
        gone(&documents);
        let text = computer.run(&["plan", "run", "Home"], 13);
        assert!(text.contains("Documents") && text.contains("2 files") && text.contains("--accept-missing"));
        assert_eq!(computer.sets(), 1);
        let last = computer.ledger().last(&computer.plan.id).unwrap().unwrap();
        assert!(
            matches!(last.outcome, RunOutcome::Failed { title, .. } if title == "Files Have Disappeared")
        );
        let _ = fs::remove_dir(&documents);
        fs::rename(computer.path("home/away"), &documents).unwrap();
    }
    fs::remove_dir_all(documents.join("deep")).unwrap();
    fs::remove_file(documents.join("letter")).unwrap();
    computer.run(&["plan", "run", "Home", "--accept-missing"], 0);
    assert_eq!(computer.sets(), 2);
    assert!(!computer.restored().join("Documents/letter").exists());
    // Answered once is answered: nothing is gone since.
    computer.back_up();
}

#[test]
fn most_files_gone_stops_the_run_and_some_gone_or_all_moved_does_not() {
    let computer = Computer::new();
    let photo = |number: u32| computer.path(&format!("home/Photos/{number}"));
    (0..100).for_each(|number| write(&photo(number), "photo"));
    computer.back_up();
    (0..40).for_each(|number| fs::remove_file(photo(number)).unwrap());
    computer.back_up();
    fs::rename(computer.path("home/Photos"), computer.path("home/Pictures")).unwrap();
    computer.back_up();
    for number in 40..98 {
        fs::remove_file(computer.path(&format!("home/Pictures/{number}"))).unwrap();
    }
    let text = computer.run(&["plan", "run", "Home"], 13);
    assert!(text.contains("65 files") && text.contains("only 7"), "{text}");
    assert_eq!(fs::read_dir(computer.restored().join("Pictures")).unwrap().count(), 60);
}

#[test]
fn a_place_without_its_marker_is_not_written_to() {
    let computer = Computer::new();
    computer.back_up();
    let place = computer.path("place");
    let marker = place.join(destination::MARKER_NAME);
    let text = fs::read_to_string(&marker).unwrap();
    let id = computer.plan.place.marker.clone().unwrap();
    for other in [None, Some(text.replace(&id, &"0".repeat(32)))] {
        fs::remove_file(&marker).unwrap();
        other.iter().for_each(|other| fs::write(&marker, other).unwrap());
        let before = file_names(&place);
        let said = computer.run(&["plan", "run", "Home"], 52);
        assert!(said.contains("not the place"), "{said}");
        assert_eq!(file_names(&place), before);
        fs::write(&marker, &text).unwrap();
    }
    // The bare mount point of a drive.
    fs::rename(&place, computer.path("away")).unwrap();
    fs::create_dir(&place).unwrap();
    computer.run(&["plan", "run", "Home"], 52);
    assert_eq!(file_names(&place), [""; 0]);
    // Not even that.
    fs::remove_dir(&place).unwrap();
    computer.run(&["plan", "run", "Home"], 52);
    assert!(!place.exists());
}

#[test]
fn a_plan_that_knows_no_marker_learns_it_in_its_first_run() {
    let computer = Computer::new();
    computer.change(|plan| plan.place.marker = None);
    computer.back_up();
    let now = computer.store().load().unwrap().plans.remove(0);
    assert_eq!(now.place.marker, computer.plan.place.marker);
}

#[test]
fn plans_are_listed_and_shown() {
    let computer = Computer::new();
    let id = &computer.plan.id;
    assert_eq!(computer.run(&["plan", "list"], 0), format!("Home\t{id}\tRed Disk\tnever\n"));
    computer.back_up();
    let text = computer.run(&["plan", "show", id], 0);
    for line in [
        "Name: Home\n",
        "Encrypted: with a password\n",
        "Left out by name: *.iso\n",
        "Schedule: daily at 16:00\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in {text}");
    }
    assert!(text.contains(", completed") && !text.contains("never"), "{text}");
    assert!(computer.run(&["plan", "run", "Work"], 23).contains("no plan of the name"));
    computer.store().change(|settings| settings.plans.extend(settings.plans.clone())).unwrap();
    assert!(computer.run(&["plan", "show", "Home"], 23).contains("several plans"));
}

#[test]
fn settings_of_a_newer_version_are_told() {
    let computer = Computer::new();
    fs::write(computer.store().path(), r#"{"version": 99}"#).unwrap();
    assert!(computer.run(&["plan", "list"], 33).contains("newer version"));
}

#[test]
fn without_a_password_a_run_ends_at_once() {
    let computer = Computer::new();
    let output = computer.command(&["plan", "run", "Home"]).env_remove("PASSPHRASE").output().unwrap();
    assert_eq!(output.status.code(), Some(31));
    computer.change(|plan| plan.protection = Protection::None);
    let output = computer.command(&["plan", "run", "Home"]).env_remove("PASSPHRASE").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_plan_for_keys_is_sealed_to_them_and_told() {
    let (computer, person) = (Computer::new(), Person::new());
    computer.back_up();
    person.make_key("Ada <ada@example.org>", CURVE25519, "");
    let options = vec!["--homedir".into(), person.path("").into()];
    let keys = Gnupg::new(GnupgSetup { options, ..GnupgSetup::default() }).usable_keys().unwrap();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert_eq!((&*key.name, &*key.email), ("Ada", "ada@example.org"));
    assert!(key.encrypts && key.signs && key.own && key.expires.is_none());

    let ada = PlanKey { fingerprint: key.fingerprint.clone(), label: key.name.clone() };
    computer.change(|plan| {
        let keys = PlanKeys { recipients: vec![ada.clone()], signer: Some(ada) };
        (plan.protection, plan.older_passwords) = (Protection::Keys(keys), true);
    });
    let told = computer.run(&["plan", "show", "Home"], 0);
    assert!(told.contains(&format!("Encrypted for: Ada ({})\n", key.fingerprint)), "{told}");
    assert!(told.contains("Signed by: Ada"), "{told}");
    write(&computer.path("home/Music/song"), "another");
    let mut run = computer.command(&["plan", "run", "Home"]);
    let output = run.env("GNUPGHOME", person.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let names = file_names(&computer.path("place"));
    let fulls: Vec<_> = names.iter().filter(|name| name.contains("full-signatures")).collect();
    assert_eq!(fulls.len(), 2, "what the password protects is not continued: {names:?}");
    assert!(person.gpg_opens(&computer.path("place").join(fulls[1])));

    // The password is needed no more, nor any secret.
    write(&computer.path("home/Music/song"), "a third");
    let mut again = computer.command(&["plan", "run", "Home"]);
    let output = again.env("GNUPGHOME", person.path("")).env_remove("PASSPHRASE").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_run_that_is_killed_is_noticed_and_a_second_one_beside_it_refused() {
    let computer = Computer::new();
    // Enough to keep the first run busy while the second one starts.
    for number in 0..3000 {
        write(&computer.path(&format!("home/many/{number}")), &"x".repeat(20_000));
    }
    let mut first = Command::new(env!("CARGO_BIN_EXE_hindsight-cli"));
    let as_others = computer.command(&[]);
    first.env_clear().envs(as_others.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut first = first.args(["plan", "run", "Home"]).stdout(Stdio::null()).spawn().unwrap();
    while !computer.ledger().is_running(&computer.plan.id).unwrap() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let text = computer.run(&["plan", "run", "Home"], 23);
    assert!(text.contains("backed up already"), "{text}");
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(computer.ledger().take_crash(&computer.plan.id).unwrap().is_some());
    computer.back_up();
    assert_eq!(computer.ledger().take_crash(&computer.plan.id).unwrap(), None);
    assert_eq!(fs::read_dir(computer.restored().join("many")).unwrap().count(), 3000);
}

#[test]
fn erasing_leaves_what_is_not_ours_and_touches_no_other_place() {
    let computer = Computer::new();
    computer.back_up();
    write(&computer.path("home/Music/song"), "another");
    computer.back_up();
    write(&computer.path("place/of-somebody-else"), "theirs");
    let cache = computer.plan.cache(&computer.path("home/.cache"));
    assert!(cache.exists());
    let report = computer.erase(&Context::silent()).unwrap();
    assert_eq!(report.backups, 2);
    assert!(report.bytes > 0);
    assert_eq!(file_names(&computer.path("place")), ["of-somebody-else"]);
    assert!(!cache.exists());
    // The marker is gone with the backups: whatever is there later is another place.
    assert!(matches!(computer.erase(&Context::silent()), Err(Error::PlaceChanged { .. })));
}

/// Asks for a stop after so many deletions.
struct StopAfter(u64, hindsight::context::CancelToken);

impl Monitor for StopAfter {
    fn progress(&self, progress: Progress) {
        if progress.files >= self.0 {
            self.1.cancel(Why::User);
        }
    }
}

#[test]
fn erasing_that_is_stopped_leaves_whole_backups() {
    let computer = Computer::new();
    for song in ["one", "two", "three"] {
        write(&computer.path("home/Music/song"), song);
        computer.back_up();
    }
    // Three files a backup: the newest is gone, and the second has lost its manifest.
    let ctx = Context::silent();
    let ctx = Context { monitor: Arc::new(StopAfter(4, ctx.cancel.clone())), ..ctx };
    assert!(matches!(computer.erase(&ctx), Err(Error::Cancelled(Why::User))));
    let times = set_times(&computer.path("place"));
    assert_eq!(times.len(), 1);
    assert_eq!(fs::read_to_string(computer.restored_at(&times[0]).join("Music/song")).unwrap(), "one");
    // It goes on from there.
    computer.back_up();
    assert_eq!(fs::read_to_string(computer.restored().join("Music/song")).unwrap(), "three");
}

#[test]
fn what_the_plan_keeps_to_itself_only_its_owner_reads() {
    let computer = Computer::new();
    computer.back_up();
    for file in ["home/.config/hindsight/settings.json", "home/.local/state/hindsight"] {
        let mode = computer.path(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    let settings = fs::read_to_string(computer.store().path()).unwrap();
    assert!(!settings.contains(PASSPHRASE));
}
