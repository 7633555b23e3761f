//! How things are with the plans: what became of them, when they are due, and why not yet.

use std::fmt::Write;

use chrono::Local;
use serde::Serialize;

use crate::engine::asctime;
use crate::entry::Timestamp;
use crate::ledger::{Ledger, Moment, MomentState, Result, RunOutcome, Waiting};
use crate::schedule::{Due, Schedule, due, planned_since};
use crate::settings::Plan;

/// Moments of the past that are told.
const MOMENTS: usize = 50;

/// As it is written for programs. All times in seconds since 1970.
#[derive(Serialize)]
pub(super) struct Status {
    /// Somebody starts backups by themselves.
    background: bool,
    /// What the desktop said to starting it in every session, if it was asked.
    autostart: Option<serde_json::Value>,
    plans: Vec<PlanStatus>,
}

#[derive(Serialize)]
struct PlanStatus {
    id: String,
    name: String,
    place: String,
    schedule: Schedule,
    running: bool,
    last_success: Option<i64>,
    last_run: Option<LastRun>,
    /// Failures since the last success.
    failures: u32,
    /// When it is tried the next time; in the past: it is due. Nothing: only when somebody wants it.
    next: Option<i64>,
    /// Since when it should have been done.
    due_since: Option<i64>,
    /// Why not yet.
    waiting: Vec<Waiting>,
    /// Newest first.
    moments: Vec<MomentStatus>,
}

#[derive(Serialize)]
struct LastRun {
    began: i64,
    ended: i64,
    outcome: RunOutcome,
}

#[derive(Serialize)]
struct MomentStatus {
    due: i64,
    at: i64,
    #[serde(flatten)]
    state: MomentState,
}

impl Status {
    pub(super) fn new(plans: &[Plan], ledger: &Ledger) -> Result<Self> {
        let now = Timestamp::now().seconds;
        let plans = plans.iter().map(|plan| PlanStatus::new(plan, ledger, now)).collect::<Result<_>>()?;
        let autostart = ledger.fact("autostart")?.and_then(|json| serde_json::from_str(&json).ok());
        Ok(Self { background: ledger.has_background()?, autostart, plans })
    }

    pub(super) fn json(&self) -> String {
        // Nothing in it can fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for plan in &self.plans {
            let _ = writeln!(text, "{}: {}", plan.name, plan.line());
            for wait in &plan.waiting {
                let _ = writeln!(text, "  {} (since {})", wait.sentence, asctime(wait.since));
            }
        }
        if !self.background {
            text += "No backup begins by itself: hindsight-background does not run in this session.\n";
        }
        if self.autostart.as_ref().is_some_and(|answer| answer == "refused") {
            text += "The desktop refuses to start it by itself. Allow it in the settings of your desktop, under Apps.\n";
        }
        text
    }
}

impl PlanStatus {
    fn new(plan: &Plan, ledger: &Ledger, now: i64) -> Result<Self> {
        let history = ledger.history(&plan.id)?;
        let last_run = ledger.last(&plan.id)?;
        let moments = ledger.moments(&plan.id, MOMENTS)?;
        let waiting = match moments.first().map(|moment| &moment.state) {
            Some(MomentState::Waiting { waits }) => waits.clone(),
            _ => Vec::new(),
        };
        let due_since = planned_since(&plan.schedule, &history, &Local, now).filter(|due| *due <= now);
        let next = match due(&plan.schedule, &history, &Local, now) {
            // The first backup is begun by somebody.
            _ if history.last_success.is_none() => None,
            Due::Never => None,
            Due::At(time) => Some(time),
            Due::Now => Some(due_since.unwrap_or(now)),
        };
        let last_run =
            last_run.map(|run| LastRun { began: run.began, ended: run.ended, outcome: run.outcome });
        let moment = |Moment { due, at, state }| MomentStatus { due, at, state };
        Ok(Self {
            id: plan.id.clone(),
            name: plan.name.clone(),
            place: plan.place.label.clone(),
            schedule: plan.schedule,
            running: ledger.is_running(&plan.id)?,
            last_success: history.last_success,
            last_run,
            failures: history.failures,
            next,
            due_since,
            waiting,
            moments: moments.into_iter().map(moment).collect(),
        })
    }

    fn line(&self) -> String {
        let last = self
            .last_success
            .map_or("nothing is saved yet".into(), |last| format!("last backup {}", asctime(last)));
        let next = match (self.running, self.next) {
            (true, _) => "being backed up now".into(),
            (_, None) => "only when you want it".into(),
            (_, Some(next)) if self.due_since.is_some_and(|due| next <= due) => "due now".into(),
            (_, Some(next)) => format!("next {}", asctime(next)),
        };
        format!("{last}, {next}")
    }
}
