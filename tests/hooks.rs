//! Commands of somebody's own around a plan's runs, through `hindsight-cli plan run`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
}

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hindsight::ledger::{Ledger, RunOutcome};
use hindsight::settings::{Hooks, PlaceKind, Plan, PlanPlace, Protection, Store};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::cli;
use tempfile::TempDir;

struct Computer {
    folder: TempDir,
    plan: Plan,
}

impl Computer {
    /// Commands find the computer's folder in `$HOME/..`.
    fn new(before: &str, after: &str) -> Self {
        let folder = cli::scratch();
        let home = folder.path().canonicalize().unwrap().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("letter"), "Dear Ada").unwrap();
        let kind = PlaceKind::Folder { path: home.parent().unwrap().join("place") };
        fs::create_dir(home.parent().unwrap().join("place")).unwrap();
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        let mut plan = Plan::for_home("Home", place, &home).unwrap();
        plan.protection = Protection::None;
        let command = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        plan.hooks = Hooks { before: command(before), after: command(after), patience: 60 };
        let computer = Self { folder, plan };
        computer.save(|_| ());
        computer
    }

    fn save(&self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.plan.clone();
        change(&mut plan);
        let store = Store::at(self.path("home/.config/hindsight/settings.json"));
        store.change(|settings| settings.plans = vec![plan]).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hindsight-cli"));
        command.args(["plan", "run", "Home"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.folder.path());
        for variable in ["PASSPHRASE", "SIGN_PASSPHRASE", "BACKEND_PASSWORD", "FTP_PASSWORD"] {
            command.env(variable, "secret");
        }
        command.stdin(Stdio::null()).current_dir("/");
        command
    }

    #[track_caller]
    fn run(&self, code: i32) -> String {
        let output = self.command().output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }

    fn last(&self) -> RunOutcome {
        let ledger = Ledger::open(&self.path("home/.local/state/hindsight/runs.sqlite")).unwrap();
        ledger.last(&self.plan.id).unwrap().unwrap().outcome
    }

    fn backups(&self) -> usize {
        let files = fs::read_dir(self.path("place")).unwrap();
        files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains("manifest")).count()
    }
}

#[test]
fn commands_know_the_plan_and_the_result_and_no_password() {
    let computer = Computer::new("env > $HOME/../before", "env > $HOME/../after; cat > $HOME/../result");
    computer.run(0);
    for (file, stage) in [("before", "before"), ("after", "after")] {
        let variables = computer.read(file);
        for line in [
            format!("HINDSIGHT_STAGE={stage}\n"),
            format!("HINDSIGHT_PLAN={}\n", computer.plan.id),
            "HINDSIGHT_PLAN_NAME=Home\n".into(),
            "HINDSIGHT_PLACE=Red Disk\n".into(),
        ] {
            assert!(variables.contains(&line), "{line:?} is missing in {variables}");
        }
        assert!(!variables.contains("secret"), "{variables}");
    }
    assert!(computer.read("after").contains("HINDSIGHT_OUTCOME=completed\n"));
    let result: serde_json::Value = serde_json::from_str(&computer.read("result")).unwrap();
    assert_eq!((&result["outcome"], &result["name"]), (&"completed".into(), &"Home".into()));
    assert_eq!((&result["problems"], &result["unchanged"]), (&0.into(), &false.into()));
    assert!(result["files"].as_u64().unwrap() > 0 && result["stored_bytes"].as_u64().unwrap() > 0);
    assert!(result["ended"].as_i64().unwrap() >= result["began"].as_i64().unwrap());
}

#[test]
fn what_the_command_before_makes_is_saved() {
    let computer = Computer::new("echo dump > $HOME/dump", "");
    computer.run(0);
    let url = format!("file://{}", computer.path("place").display());
    let mut list = Command::new(env!("CARGO_BIN_EXE_hindsight-cli"));
    list.args(["ls", "--no-encryption", &url]).env("HOME", computer.path("home"));
    assert!(String::from_utf8_lossy(&list.output().unwrap().stdout).contains("home/dump"));
}

#[test]
fn a_command_before_that_fails_stops_the_run_with_a_sentence() {
    let computer = Computer::new("echo no disk; exit 3", "cat > $HOME/../result");
    let text = computer.run(30);
    assert!(text.contains("no disk"), "what it prints can be read: {text}");
    assert!(text.contains("The command before the backup ended with the code 3."), "{text}");
    assert_eq!(computer.backups(), 0);
    let title = "Command Before the Backup Failed".to_owned();
    let sentence = "The command before the backup ended with the code 3.".to_owned();
    assert_eq!(computer.last(), RunOutcome::Failed { title, sentence: sentence.clone() });
    let result: serde_json::Value = serde_json::from_str(&computer.read("result")).unwrap();
    assert_eq!((&result["outcome"], &result["sentence"]), (&"failed".into(), &sentence.into()));
}

#[test]
fn a_command_after_that_fails_is_told_and_the_backup_is_made_all_the_same() {
    let computer = Computer::new("", "kill -9 $$");
    let text = computer.run(0);
    assert!(text.contains("The command after the backup was ended by signal 9."), "{text}");
    assert_eq!(computer.backups(), 1);
    assert!(matches!(computer.last(), RunOutcome::Completed { .. }));
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    let computer = Computer::new("sleep 600 & echo $! > $HOME/../child; wait", "");
    computer.save(|plan| plan.hooks.patience = 2);
    let text = computer.run(30);
    assert!(text.contains("did not end within 2 seconds"), "{text}");
    let child = PathBuf::from(format!("/proc/{}/cmdline", computer.read("child").trim()));
    let deadline = Instant::now() + Duration::from_secs(60);
    // Gone, or waited for by nobody.
    while fs::read(&child).is_ok_and(|words| !words.is_empty()) {
        assert!(Instant::now() < deadline, "it still sleeps");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_can_be_stopped_while_the_command_before_works() {
    for (signal, outcome) in [(Signal::SIGTERM, RunOutcome::Paused), (Signal::SIGINT, RunOutcome::Stopped)] {
        let computer = Computer::new("touch $HOME/../begun; sleep 600", "");
        let mut child = computer.command().spawn().unwrap();
        while !computer.path("begun").exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4));
        assert_eq!(computer.last(), outcome);
    }
}
