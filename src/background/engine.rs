//! A run, in a process of its own: the command line's `plan run`, with so little priority that people do not notice it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Event, Events};
use crate::ledger::{History, RunRecord, Waiting};

const PROGRAM: &str = "hindsight-cli";
const APP: &str = "hindsight";

/// A run that has written anything down has changed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Past {
    pub(super) history: History,
    pub(super) last: Option<RunRecord>,
}

/// A run going on.
pub(super) struct Run {
    /// Of the plan.
    pub(super) plan: String,
    /// The moment that it is for, in seconds since 1970.
    pub(super) due: Option<i64>,
    /// Somebody wants it now, whatever is in the way.
    pub(super) wanted: bool,
    /// What was known of earlier runs when it began.
    pub(super) before: Past,
    /// Why it was asked to stop.
    pub(super) stopped: Option<Waiting>,
    process: Pid,
    /// Keeps the computer awake.
    pub(super) awake: Option<OwnedFd>,
}

impl Run {
    /// `folder`: where our programs are.
    pub(super) fn start(
        folder: &Path,
        plan: &str,
        due: Option<i64>,
        wanted: bool,
        before: Past,
        events: &Events,
    ) -> io::Result<Self> {
        let mut child = command(folder, plan).spawn()?;
        let process = i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)?;
        let events = events.clone();
        let wait = move || {
            let code = child.wait().ok().and_then(|status| status.code());
            let _ = events.send(Event::Ended(code));
        };
        std::thread::Builder::new().name("run".into()).stack_size(64 * 1024).spawn(wait)?;
        Ok(Self { plan: plan.into(), due, wanted, before, stopped: None, process, awake: None })
    }

    /// At the next point from where it can go on; asked once.
    pub(super) fn stop(&mut self, why: Waiting) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            self.end();
        }
    }

    pub(super) fn end(&self) {
        let _ = kill(self.process, Signal::SIGTERM);
    }
}

fn command(folder: &Path, plan: &str) -> Command {
    let program = folder.join(PROGRAM);
    let mut command = match idle("true").status().is_ok_and(|status| status.success()) {
        true => idle(program),
        // There is no such program, or it is not allowed.
        false => Command::new(program),
    };
    command.args(["plan", "run", plan]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// In the idle class of the scheduler, and with it in that of the disk.
fn idle(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("chrt");
    command.args(["--idle", "0"]).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Begins the backup in the app, which asks for what it needs. Whether there is an app.
pub(super) fn open_app(folder: &Path, plan: &str) -> bool {
    let mut app = Command::new(folder.join(APP));
    app.args(["--backup", plan]).stdin(Stdio::null()).stdout(Stdio::null());
    let Ok(mut child) = app.spawn() else { return false };
    // Only so that it does not stay behind as a zombie.
    let wait = move || drop(child.wait());
    let _ = std::thread::Builder::new().name("app".into()).stack_size(64 * 1024).spawn(wait);
    true
}

/// By its exit code: a run that failed so will fail again until somebody does something.
pub(super) fn needs_somebody(code: Option<i32>) -> bool {
    // Stopped, busy, trouble on the way to the place, or something unexpected: the next try may succeed.
    !matches!(code, None | Some(0 | 4 | 23 | 30 | 50))
}
