//! What the state decided, carried out.

use adw::prelude::*;
use hindsight::desktop::drives::Drives;
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::{PlaceKind, PlanPlace};
use relm4::adw;
use relm4::prelude::*;

use super::messages::Confirmed;
use super::{App, AppCommand, AppInput};
use crate::ui::dialogs;
use crate::ui::operation::OperationInput;
use crate::ui::place::open_drive;
use crate::ui::state::{Effect, Lane, Lanes, Message, Question, Request, Step};

impl App {
    /// The one way for messages to the state.
    pub(super) fn tell(&mut self, message: Message) {
        let was_busy = Lanes::new(|lane| self.state.activity(lane).is_some());
        let effects = self.state.on(message);
        for lane in Lane::ALL {
            if !was_busy[lane] && self.state.activity(lane).is_some() {
                self.operations[lane].emit(OperationInput::Begin { title: gettext("Getting ready…") });
            }
        }
        self.perform(effects);
        self.show_operations();
    }

    /// A question was answered with yes.
    pub(super) fn confirm(&mut self, lane: Lane, confirmed: Confirmed) {
        let effects = self.state.confirm(lane, |answers| match confirmed {
            Confirmed::MissingFiles => answers.accept_missing = true,
            Confirmed::SourceMismatch => answers.allow_source_mismatch = true,
        });
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.perform_one(effect);
        }
    }

    fn perform_one(&mut self, effect: Effect) {
        match effect {
            Effect::FindPassword { lane, plan } => {
                let Some(plan) = self.state.plan(&plan).cloned() else { return };
                self.beside(move |services| AppCommand::PasswordsFound(lane, services.passphrases(&plan)));
            }
            Effect::Ask { lane, question } => self.ask(lane, question),
            Effect::Remember { plan, passphrase, older } => {
                if let Some(plan) = self.state.plan(&plan) {
                    self.remember(plan.clone(), passphrase, older);
                }
            }
            Effect::Prepare { request, passphrases } => self.prepare(request, passphrases),
            Effect::Cancel(lane, why) => self.running.cancel(lane, why),
            Effect::Record { plan, outcome } => self.record(&plan, outcome),
            Effect::ShowError { explanation, details, retry } => {
                self.show_error(&explanation, &details, retry);
            }
            Effect::ShowProblems(problems) => dialogs::show_problems(&self.window, &problems),
            Effect::Toast(text) => self.toasts.add_toast(adw::Toast::new(&text)),
            Effect::Restored(restored) => self.restored(restored),
            Effect::RestoreCutOff { folder } => self.cut_off(folder),
            Effect::Forget { plan } => self.delete_plan(plan),
        }
    }

    fn ask(&mut self, lane: Lane, question: Question) {
        match question {
            Question::Password { plan, wrong } => self.ask_password(lane, &plan, wrong),
            Question::Drive { label } => self.ask_drive(lane, &label),
            Question::MissingFiles(explanation) => {
                let go_on = gettext("Back Up Anyway");
                self.ask_to_go_on(lane, &explanation, &go_on, Confirmed::MissingFiles);
            }
            Question::SourceMismatch(explanation) => {
                let go_on = gettext("Continue These Backups");
                self.ask_to_go_on(lane, &explanation, &go_on, Confirmed::SourceMismatch);
            }
        }
    }

    fn ask_password(&self, lane: Lane, plan: &str, wrong: bool) {
        let label = self.place_label(plan);
        let input = self.input();
        dialogs::ask_password(&self.window, &label, wrong, move |typed| {
            let step = match typed {
                Some((passphrase, remember)) => Step::PasswordTyped { passphrase, remember },
                None => Step::Declined,
            };
            input.emit(AppInput::State(Message::In(lane, step)));
        });
    }

    fn ask_to_go_on(&self, lane: Lane, explanation: &Explanation, go_on: &str, confirmed: Confirmed) {
        let input = self.input();
        dialogs::ask_to_go_on(&self.window, explanation, go_on, move |yes| {
            let declined = AppInput::State(Message::In(lane, Step::Declined));
            input.emit(if yes { AppInput::Confirmed(lane, confirmed) } else { declined });
        });
    }

    fn show_error(&self, explanation: &Explanation, details: &str, retry: Option<Request>) {
        let input = self.input();
        let retry = retry.map(|request| -> Box<dyn FnOnce()> {
            Box::new(move || input.emit(AppInput::State(Message::Wanted(request))))
        });
        dialogs::show_error(&self.window, explanation, details, retry);
    }

    /// Goes on by itself when the drive appears.
    fn ask_drive(&mut self, lane: Lane, label: &str) {
        let goes_on = match lane {
            Lane::Backups => gettext("The backup begins as soon as the drive is there."),
            Lane::Restores => gettext("Your files are restored as soon as the drive is there."),
        };
        let dialog = adw::AlertDialog::builder()
            .heading(gettext_f("Connect {drive}", &[("drive", label)]))
            .body(goes_on)
            .close_response("cancel")
            .build();
        dialog.add_responses(&[("cancel", &gettext("Cancel"))]);
        let input = self.input();
        dialog.connect_response(None, move |_, response| {
            if response == "cancel" {
                input.emit(AppInput::State(Message::In(lane, Step::Declined)));
            }
        });
        dialog.present(Some(&self.window));
        if let Some(PlaceKind::Drive { uuid, .. }) = self.place_in(lane).map(|place| &place.kind) {
            open_drive(&self.window, uuid);
        }
        let input = self.input();
        let watch = || Drives::watch(move || input.emit(AppInput::DrivesChanged));
        self.drives.get_or_insert_with(watch);
        self.waiting_for_drive = Some((lane, dialog));
    }

    /// Of what is under way in the lane.
    fn place_in(&self, lane: Lane) -> Option<&PlanPlace> {
        let activity = self.state.activity(lane)?;
        Some(&self.state.plan(&activity.request.plan)?.place)
    }

    pub(super) fn drives_changed(&mut self) {
        let Some((lane, _)) = self.waiting_for_drive else { return };
        if self.place_in(lane).is_none_or(|place| place.spec().is_err()) {
            return;
        }
        if let Some((_, dialog)) = self.waiting_for_drive.take() {
            dialog.set_close_response("there");
            dialog.close();
        }
        self.tell(Message::In(lane, Step::Connected));
    }
}
