//! A session as `hindsight-background` sees it: two buses of its own, with services that say what a test wants, somebody
//! who shows notifications, and a home folder with a plan that was backed up once.

pub(crate) mod services;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use chrono::Utc;
use hindsight::ledger::{Ledger, Moment, MomentState};
use hindsight::schedule::{Frequency, Schedule};
use hindsight::settings::{PlaceKind, Plan, PlanPlace, Protection, Store};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub(crate) use self::services::Services;
use super::cli;

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Other tests run beside ours.
const PATIENCE: Duration = Duration::from_secs(120);

#[track_caller]
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn now() -> i64 {
    Utc::now().timestamp()
}

/// A message bus, gone when dropped.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start(socket: &Path) -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nosyslog", "--print-address"])
            .arg(format!("--address=unix:path={}", socket.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { daemon, address: address.trim().to_owned() }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

pub(crate) struct Desktop {
    folder: TempDir,
    pub(crate) services: Services,
    pub(crate) plan: Plan,
    buses: [Bus; 2],
    _sockets: TempDir,
}

impl Desktop {
    /// The computer is in comfort, and the plan was backed up just now. `change`: of the plan, before it is.
    pub(crate) fn new(change: impl FnOnce(&mut Plan)) -> Self {
        let folder = cli::scratch();
        let path = folder.path().canonicalize().unwrap();
        let home = path.join("home");
        for folder in ["home", "place", "run"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        fs::write(home.join("letter"), "Dear Ada").unwrap();
        let kind = PlaceKind::Folder { path: path.join("place") };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        let mut plan = Plan::for_home("Home", place, &home).unwrap();
        plan.protection = Protection::None;
        plan.schedule = Schedule::new(Frequency::Hourly);
        // A socket's path must be short.
        let sockets = tempfile::tempdir().unwrap();
        let buses = ["session", "system"].map(|name| Bus::start(&sockets.path().join(name)));
        let services = Services::start(&buses[0].address, &buses[1].address);
        change(&mut plan);
        let mut desktop = Self { folder, services, plan, buses, _sockets: sockets };
        desktop.store().change(|settings| settings.plans.push(desktop.plan.clone())).unwrap();
        desktop.plan_run(0);
        desktop.plan = desktop.store().load().unwrap().plans.remove(0);
        desktop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn store(&self) -> Store {
        Store::at(self.path("home/.config/hindsight/settings.json"))
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(&self.path("home/.local/state/hindsight/runs.sqlite")).unwrap()
    }

    /// As somebody does in the app.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Plan)) {
        self.store().change(|settings| change(&mut settings.plans[0])).unwrap();
    }

    /// All runs so far began so much earlier, in seconds.
    pub(crate) fn age(&self, seconds: i64) {
        let history = self.path("home/.local/state/hindsight/runs.sqlite");
        let connection = rusqlite::Connection::open(history).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        let update = "UPDATE runs SET began = began - ?1, ended = ended - ?1";
        connection.execute(update, [seconds]).unwrap();
    }

    /// A program of ours in this session.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.settle_in(&mut command);
        command
    }

    pub(crate) fn settle_in(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TZ", "UTC");
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.buses[0].address);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.buses[1].address);
        command.stdin(Stdio::null()).current_dir("/");
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_hindsight-cli")));
        command.args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn plan_run(&self, code: i32) -> String {
        let Output { status, stdout, stderr } = self.cli(&["plan", "run", "Home"]).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(code), "{text}");
        text
    }

    /// As scripts see it.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = self.cli(&["status", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Names of the conditions that hold the plan up.
    pub(crate) fn waits(&self) -> Vec<String> {
        let name = |wait: &serde_json::Value| wait["condition"].as_str().unwrap().to_owned();
        self.status()["plans"][0]["waiting"].as_array().unwrap().iter().map(name).collect()
    }

    #[track_caller]
    pub(crate) fn until_it_waits_for(&self, condition: &str) {
        until(&format!("waiting for {condition}"), || (self.waits() == [condition]).then_some(()));
    }

    /// The newest run began at or after this, in seconds since 1970; and it succeeded.
    #[track_caller]
    pub(crate) fn until_backed_up(&self, since: i64) {
        until("a backup", || {
            self.ledger().history(&self.plan.id).unwrap().last_success.filter(|last| *last >= since)
        });
        until("the end of it", || (!self.is_running()).then_some(()));
    }

    #[track_caller]
    pub(crate) fn until_running(&self) {
        until("a run", || self.is_running().then_some(()));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.ledger().is_running(&self.plan.id).unwrap()
    }

    /// Newest first.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        self.ledger().moments(&self.plan.id, 100).unwrap()
    }

    pub(crate) fn outcomes(&self) -> Vec<MomentState> {
        self.moments().into_iter().map(|moment| moment.state).collect()
    }

    /// Runs that anybody began.
    pub(crate) fn runs(&self) -> i64 {
        let history = self.path("home/.local/state/hindsight/runs.sqlite");
        let connection = rusqlite::Connection::open(history).unwrap();
        connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
    }

    /// `settle` in seconds.
    pub(crate) fn background(&self, settle: u32) -> Background {
        Background::start(self.background_command(), settle)
    }

    /// Where it finds no program that takes priority away from its runs: beside other tests they would take for ever.
    pub(crate) fn background_command(&self) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_hindsight-background")));
        command.env("PATH", "/nowhere");
        command
    }
}

/// The process under test, ended with its run when dropped.
pub(crate) struct Background(pub(crate) Child);

impl Background {
    pub(crate) fn start(mut command: Command, settle: u32) -> Self {
        Self(command.args(["--settle", &settle.to_string()]).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = kill(self.pid(), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
