//! Runs the commands that a plan has around its runs.
//!
//! Each is given to `/bin/sh -c` with these variables:
//!
//! | variable | |
//! |---|---|
//! | `HINDSIGHT_STAGE` | `before` or `after` |
//! | `HINDSIGHT_PLAN`, `HINDSIGHT_PLAN_NAME` | id and name of the plan |
//! | `HINDSIGHT_PLACE` | what people call its place |
//! | `HINDSIGHT_OUTCOME` | of `after`: `completed`, `stopped`, `paused` or `failed` |
//!
//! `after` has the result on its standard input, as one JSON object: `plan`, `name`, `place`, `began` and `ended` (seconds
//! since 1970), `outcome` and, where they are known, `files`, `stored_bytes`, `problems`, `unchanged`, `title` and
//! `sentence`. What the commands print goes to standard error. Passwords are kept from them.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

use crate::context::{CancelToken, Cancelled};
use crate::ledger::{RunOutcome, RunRecord};
use crate::secret::keep_from;
use crate::settings::Plan;

/// Between asking a command to end and ending it.
const FAREWELL: Duration = Duration::from_secs(5);

/// Between two looks at a command.
const BREATH: Duration = Duration::from_millis(20);

#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("the command could not be started: {0}")]
    Start(io::Error),
    #[error("the command ended with {0}")]
    Failed(i32),
    #[error("the command was ended by signal {0}")]
    Killed(i32),
    /// In seconds.
    #[error("the command did not end within {0} seconds")]
    TooLong(u64),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Of a plan without the command: nothing happens.
pub fn before(plan: &Plan, cancel: &CancelToken) -> Result<(), HookError> {
    let Some(command) = &plan.hooks.before else { return Ok(()) };
    run(with_plan(command, plan, "before"), "", plan.hooks.patience, cancel)
}

/// The same. `run`: what has just ended.
pub fn after(plan: &Plan, run_record: &RunRecord, cancel: &CancelToken) -> Result<(), HookError> {
    let Some(command) = &plan.hooks.after else { return Ok(()) };
    let mut command = with_plan(command, plan, "after");
    command.env("HINDSIGHT_OUTCOME", word(&run_record.outcome));
    run(command, &result(plan, run_record), plan.hooks.patience, cancel)
}

fn with_plan(script: &str, plan: &Plan, stage: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    keep_from(&mut command);
    command.env("HINDSIGHT_STAGE", stage).env("HINDSIGHT_PLAN", &plan.id);
    command.env("HINDSIGHT_PLAN_NAME", &plan.name).env("HINDSIGHT_PLACE", &plan.place.label);
    command
}

fn word(outcome: &RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Completed { .. } => "completed",
        RunOutcome::Stopped => "stopped",
        RunOutcome::Paused => "paused",
        RunOutcome::Failed { .. } => "failed",
    }
}

fn result(plan: &Plan, RunRecord { began, ended, outcome }: &RunRecord) -> String {
    let mut result = json!({
        "plan": plan.id,
        "name": plan.name,
        "place": plan.place.label,
        "began": began,
        "ended": ended,
        "outcome": word(outcome),
    });
    let more = match outcome {
        RunOutcome::Completed { stored_bytes, files, problems, unchanged } => json!({
            "stored_bytes": stored_bytes, "files": files, "problems": problems, "unchanged": unchanged,
        }),
        RunOutcome::Failed { title, sentence } => json!({ "title": title, "sentence": sentence }),
        RunOutcome::Stopped | RunOutcome::Paused => json!({}),
    };
    if let (Some(result), Some(more)) = (result.as_object_mut(), more.as_object()) {
        result.extend(more.clone());
    }
    result.to_string()
}

/// `patience` in seconds.
fn run(mut command: Command, input: &str, patience: u64, cancel: &CancelToken) -> Result<(), HookError> {
    // In a group of its own, so that what it has started ends with it.
    command.process_group(0).stdin(Stdio::piped()).stdout(io::stderr());
    let mut child = command.spawn().map_err(HookError::Start)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command need not read. What is written fits into the pipe, so that nobody waits.
        let _ = pipe.write_all(input.as_bytes());
    }
    let late = Instant::now().checked_add(Duration::from_secs(patience));
    loop {
        if let Some(status) = child.try_wait().map_err(HookError::Start)? {
            return ended(status);
        }
        let is_late = late.is_some_and(|late| Instant::now() >= late);
        if let Err(error) = cancel.check().map_err(HookError::from).and(match is_late {
            true => Err(HookError::TooLong(patience)),
            false => Ok(()),
        }) {
            end(&mut child);
            return Err(error);
        }
        std::thread::sleep(BREATH);
    }
}

fn ended(status: ExitStatus) -> Result<(), HookError> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(HookError::Failed(code)),
        (None, signal) => Err(HookError::Killed(signal.unwrap_or_default())),
    }
}

/// With all that it has started.
fn end(child: &mut Child) {
    let Ok(group) = i32::try_from(child.id()).map(Pid::from_raw) else { return };
    let _ = killpg(group, Signal::SIGTERM);
    let patience = Instant::now() + FAREWELL;
    while Instant::now() < patience && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(BREATH);
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}
