//! From a prepared job to its end: worker, ledger, sleep, and leaving only when it is over.

use adw::prelude::*;
use hindsight::context::Why;
use hindsight::i18n::gettext;
use hindsight::ledger::{Run, RunOutcome};
use hindsight::schedule::{Due, due};
use hindsight::secret::Passphrase;
use hindsight::settings::Plan;
use hindsight::worker::{Event, JobHandle, Outcome};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::messages::Boxed;
use super::{App, AppCommand};
use crate::ui::operation::OperationInput;
use crate::ui::services::{self, Prepared};
use crate::ui::state::{Facts, Message, NotReady, Request, Stage, What};
use crate::ui::texts;
use gtk::gio;

/// A run by itself is not tried again before.
const RETRY_AFTER: i64 = 60 * 60;

/// What is held while a job runs.
#[derive(Default)]
pub(super) struct Running {
    handle: Option<JobHandle>,
    run: Option<Run>,
    /// How it ended is being written down.
    recording: bool,
    /// Keeps the computer awake.
    inhibited: Option<u32>,
    /// Keeps the program alive while its window is hidden.
    hold: Option<gio::ApplicationHoldGuard>,
}

impl Running {
    pub(super) fn cancel(&self, why: Why) {
        if let Some(handle) = &self.handle {
            handle.cancel(why);
        }
    }

    /// Something that must not be left before its end: a job, or writing down how it ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.handle.is_some() || self.recording
    }
}

impl App {
    pub(super) fn prepare(&self, request: Request, passphrase: Option<Passphrase>) {
        let Some(plan) = self.state.plan(&request.plan).cloned() else { return };
        self.beside(move |services| {
            let prepared = services.prepare(&plan, &request, passphrase);
            AppCommand::Prepared(prepared.map(|prepared| Boxed(Box::new(prepared))))
        });
    }

    pub(super) fn prepared(&mut self, prepared: Result<Boxed<Prepared>, NotReady>) {
        let Prepared { job, run } = match prepared {
            Ok(Boxed(prepared)) => *prepared,
            Err(why) => return self.tell(Message::NotReady(why)),
        };
        self.running.run = run;
        // Stopped while it was being made.
        if self.state.activity.as_ref().is_none_or(|activity| activity.stage == Stage::Stopping) {
            return self.tell(Message::Finished(Outcome::Cancelled(Why::User)));
        }
        self.note_restore(&job);
        self.running.handle = Some(self.worker.submit(job));
        self.hold_on();
        self.tell(Message::Running);
    }

    fn hold_on(&mut self) {
        let app = relm4::main_adw_application();
        let reason = gettext("A backup is being written");
        let cookie = app.inhibit(Some(&self.window), gtk::ApplicationInhibitFlags::SUSPEND, Some(&reason));
        self.running.inhibited = (cookie != 0).then_some(cookie);
        self.running.hold = Some(app.hold());
    }

    fn let_go(&mut self) {
        if let Some(cookie) = self.running.inhibited.take() {
            relm4::main_adw_application().uninhibit(cookie);
        }
        self.running.handle = None;
        self.running.hold = None;
    }

    pub(super) fn on_engine(&mut self, event: Event) {
        match event {
            Event::Progress { progress, .. } => self.tell(Message::Progress(progress)),
            Event::Problem { problem, .. } => self.tell(Message::Problem(problem)),
            Event::Finished { outcome, .. } => {
                self.let_go();
                self.tell_if_hidden(&outcome);
                self.tell(Message::Finished(outcome));
                self.leave_if_over();
            }
            Event::Started { .. } | Event::Changed { .. } | Event::Message { .. } => {}
        }
        self.show_operation();
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

    pub(super) fn show_operation(&self) {
        let Some(activity) = &self.state.activity else { return };
        let label = self.place_label(&activity.request.plan);
        self.operation.emit(OperationInput::Show {
            title: texts::activity(activity, &label),
            progress: activity.progress.clone(),
            stage: activity.stage,
        });
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

    /// The first backup is always begun by somebody, who sees how it goes.
    pub(super) fn begin_what_is_due(&mut self) {
        if self.state.is_busy() || self.quitting {
            return;
        }
        let now = services::now();
        let is_due = |plan: &&Plan| {
            let facts = self.state.facts(&plan.id);
            let (Some(success), Some(last)) = (&facts.last_success, &facts.last) else { return false };
            plan.schedule.enabled
                && matches!(due(plan.schedule.frequency, Some(success.ended), now), Due::Now)
                && now - last.began >= RETRY_AFTER
        };
        let Some(plan) = self.state.plans.iter().find(is_due) else { return };
        let request = Request { by_itself: true, ..Request::new(&plan.id, What::BackUp) };
        self.tell(Message::Wanted(request));
    }
}
