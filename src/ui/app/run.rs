//! From a prepared job to its end: worker, ledger, sleep, and leaving only when it is over.

use adw::prelude::*;
use chrono::Local;
use hindsight::context::Why;
use hindsight::i18n::gettext;
use hindsight::ledger::{Run, RunOutcome};
use hindsight::schedule::{Due, due};
use hindsight::secret::Passphrases;
use hindsight::settings::Plan;
use hindsight::worker::{Event, JobHandle, Outcome};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::messages::Boxed;
use super::{App, AppCommand};
use crate::ui::operation::OperationInput;
use crate::ui::services::{self, Prepared};
use crate::ui::state::{Activity, Facts, Lane, Lanes, Message, NotReady, Request, Stage, Step, What};
use crate::ui::texts;
use gtk::gio;

/// What is held while jobs run.
#[derive(Default)]
pub(super) struct Running {
    jobs: Lanes<Option<RunningJob>>,
    /// Of the backup or the check, in the ledger.
    run: Option<Run>,
    /// How it ended is being written down.
    recording: bool,
}

struct RunningJob {
    handle: JobHandle,
    /// Keeps the computer awake.
    inhibited: Option<u32>,
    /// Keeps the program alive while its window is hidden.
    _hold: gio::ApplicationHoldGuard,
}

impl Running {
    pub(super) fn cancel(&self, lane: Lane, why: Why) {
        if let Some(job) = &self.jobs[lane] {
            job.handle.cancel(why);
        }
    }

    /// Something that must not be left before its end: a job, or writing down how it ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.recording || self.jobs.iter().any(Option::is_some)
    }
}

impl App {
    pub(super) fn prepare(&self, request: Request, passphrases: Passphrases) {
        let Some(plan) = self.state.plan(&request.plan).cloned() else { return };
        let lane = Lane::of(&request.what);
        self.beside(move |services| {
            let prepared = services.prepare(&plan, &request, passphrases);
            AppCommand::Prepared(lane, prepared.map(|prepared| Boxed(Box::new(prepared))))
        });
    }

    pub(super) fn prepared(&mut self, lane: Lane, prepared: Result<Boxed<Prepared>, NotReady>) {
        let Prepared { job, run } = match prepared {
            Ok(Boxed(prepared)) => *prepared,
            Err(why) => return self.tell(Message::In(lane, Step::NotReady(why))),
        };
        if run.is_some() {
            self.running.run = run;
        }
        // Stopped while it was being made.
        let is_stopping = |activity: &Activity| activity.stage == Stage::Stopping;
        if self.quitting || self.state.activity(lane).is_none_or(is_stopping) {
            return self.tell(Message::In(lane, Step::Finished(Outcome::Cancelled(Why::User))));
        }
        self.note_restore(&job);
        let handle = self.workers[lane].submit(job);
        self.hold_on(lane, handle);
        self.tell(Message::In(lane, Step::Running));
    }

    fn hold_on(&mut self, lane: Lane, handle: JobHandle) {
        let app = relm4::main_adw_application();
        let reason = match lane {
            Lane::Backups => gettext("A backup is being written"),
            Lane::Restores => gettext("Files are being restored"),
        };
        let cookie = app.inhibit(Some(&self.window), gtk::ApplicationInhibitFlags::SUSPEND, Some(&reason));
        let inhibited = (cookie != 0).then_some(cookie);
        self.running.jobs[lane] = Some(RunningJob { handle, inhibited, _hold: app.hold() });
    }

    fn let_go(&mut self, lane: Lane) {
        let ended = self.running.jobs[lane].take();
        if let Some(cookie) = ended.and_then(|job| job.inhibited) {
            relm4::main_adw_application().uninhibit(cookie);
        }
    }

    pub(super) fn on_engine(&mut self, lane: Lane, event: Event) {
        match event {
            Event::Progress { progress, .. } => self.tell(Message::In(lane, Step::Progress(progress))),
            Event::Problem { problem, .. } => self.tell(Message::In(lane, Step::Problem(problem))),
            Event::Finished { outcome, .. } => {
                self.let_go(lane);
                self.tell_if_hidden(&outcome);
                self.tell(Message::In(lane, Step::Finished(outcome)));
                self.leave_if_over();
            }
            Event::Started { .. } | Event::Changed { .. } | Event::Message { .. } => {}
        }
    }

    /// Without a window, what ran was all that there was to do.
    fn leave_if_over(&self) {
        let is_over = !self.running.is_under_way() && (self.quitting || !self.state.is_busy());
        if is_over && (self.quitting || !self.window.is_visible()) {
            relm4::main_application().quit();
        }
    }

    pub(super) fn recorded(&mut self, plan: String, facts: Facts) {
        self.running.recording = false;
        self.tell(Message::Recorded { plan, facts });
        self.leave_if_over();
    }

    /// The window is closed: the desktop says what went wrong.
    fn tell_if_hidden(&self, outcome: &Outcome) {
        let Outcome::Failed(error) = outcome else { return };
        if self.window.is_visible() {
            return;
        }
        let explanation = hindsight::explain::explain(error);
        let notification = gio::Notification::new(&explanation.title);
        notification.set_body(Some(&explanation.sentence));
        relm4::main_application().send_notification(Some("run"), &notification);
    }

    pub(super) fn show_operations(&self) {
        for lane in Lane::ALL {
            let Some(activity) = self.state.activity(lane) else { continue };
            let label = self.place_label(&activity.request.plan);
            self.operations[lane].emit(OperationInput::Show {
                title: texts::activity(activity, &label),
                progress: activity.progress.clone(),
                stage: activity.stage,
            });
        }
    }

    pub(super) fn record(&mut self, plan: &str, outcome: RunOutcome) {
        let run = self.running.run.take();
        let Some(plan) = self.state.plan(plan).cloned() else { return };
        self.running.recording = true;
        self.beside(move |services| {
            if let Some(run) = run {
                services::record(run, &outcome);
            }
            AppCommand::Recorded { facts: services.facts(&plan), plan: plan.id }
        });
    }

    /// Where nobody else does, who knows better what is in the way. The first backup is always begun by somebody, who
    /// sees how it goes.
    pub(super) fn begin_what_is_due(&mut self) {
        if self.state.activity(Lane::Backups).is_some() || self.quitting {
            return;
        }
        let now = services::now();
        let is_due = |plan: &&Plan| {
            let Facts { history, background, .. } = self.state.facts(&plan.id);
            !background
                && history.last_success.is_some()
                && due(&plan.schedule, &history, &Local, now) == Due::Now
        };
        let Some(plan) = self.state.plans.iter().find(is_due) else { return };
        let request = Request { by_itself: true, ..Request::new(&plan.id, What::BackUp) };
        self.tell(Message::Wanted(request));
    }
}
