//! What the state decided, carried out.

use adw::prelude::*;
use hindsight::desktop::drives::Drives;
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::PlaceKind;
use relm4::adw;
use relm4::prelude::*;

use super::messages::Confirmed;
use super::{App, AppCommand, AppInput};
use crate::ui::dialogs;
use crate::ui::operation::OperationInput;
use crate::ui::place::open_drive;
use crate::ui::state::{Effect, Message, Request};

impl App {
    /// The one way for messages to the state.
    pub(super) fn tell(&mut self, message: Message) {
        let was_busy = self.state.is_busy();
        let effects = self.state.on(message);
        if !was_busy && self.state.is_busy() {
            self.operation.emit(OperationInput::Begin { title: gettext("Getting ready…") });
        }
        self.perform(effects);
        self.show_operation();
    }

    /// A question was answered with yes.
    pub(super) fn confirm(&mut self, confirmed: Confirmed) {
        let effects = self.state.confirm(|answers| match confirmed {
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
            Effect::FindPassword { plan } => {
                self.beside(move |services| AppCommand::PasswordFound(services.password(&plan)));
            }
            Effect::AskPassword { plan, wrong } => self.ask_password(&plan, wrong),
            Effect::Remember { plan, passphrase } => {
                if let Some(plan) = self.state.plan(&plan) {
                    self.remember(plan.clone(), passphrase);
                }
            }
            Effect::Prepare { request, passphrase } => self.prepare(request, passphrase),
            Effect::Cancel(why) => self.running.cancel(why),
            Effect::Record { plan, outcome } => self.record(&plan, outcome),
            Effect::AskDrive { label } => self.ask_drive(&label),
            Effect::AskMissing { explanation } => {
                self.ask_to_go_on(&explanation, &gettext("Back Up Anyway"), Confirmed::MissingFiles);
            }
            Effect::AskMismatch { explanation } => {
                let go_on = gettext("Continue These Backups");
                self.ask_to_go_on(&explanation, &go_on, Confirmed::SourceMismatch);
            }
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

    fn ask_password(&self, plan: &str, wrong: bool) {
        let label = self.place_label(plan);
        let input = self.input();
        dialogs::ask_password(&self.window, &label, wrong, move |typed| {
            input.emit(AppInput::State(match typed {
                Some((passphrase, remember)) => Message::PasswordTyped { passphrase, remember },
                None => Message::Declined,
            }));
        });
    }

    fn ask_to_go_on(&self, explanation: &Explanation, go_on: &str, confirmed: Confirmed) {
        let input = self.input();
        dialogs::ask_to_go_on(&self.window, explanation, go_on, move |yes| {
            let declined = AppInput::State(Message::Declined);
            input.emit(if yes { AppInput::Confirmed(confirmed) } else { declined });
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
    fn ask_drive(&mut self, label: &str) {
        let dialog = adw::AlertDialog::builder()
            .heading(gettext_f("Connect {drive}", &[("drive", label)]))
            .body(gettext("The backup begins as soon as the drive is there."))
            .close_response("cancel")
            .build();
        dialog.add_responses(&[("cancel", &gettext("Cancel"))]);
        let input = self.input();
        dialog.connect_response(None, move |_, response| {
            if response == "cancel" {
                input.emit(AppInput::State(Message::Declined));
            }
        });
        dialog.present(Some(&self.window));
        if let Some(PlaceKind::Drive { uuid, .. }) = self.waiting_place() {
            open_drive(&self.window, &uuid);
        }
        let input = self.input();
        let watch = || Drives::watch(move || input.emit(AppInput::DrivesChanged));
        self.drives.get_or_insert_with(watch);
        self.waiting_for_drive = Some(dialog);
    }

    fn waiting_place(&self) -> Option<PlaceKind> {
        let activity = self.state.activity.as_ref()?;
        Some(self.state.plan(&activity.request.plan)?.place.kind.clone())
    }

    pub(super) fn drives_changed(&mut self) {
        let Some(activity) = &self.state.activity else { return };
        let Some(plan) = self.state.plan(&activity.request.plan) else { return };
        if self.waiting_for_drive.is_none() || plan.place.spec().is_err() {
            return;
        }
        let (request, passphrase) = (activity.request.clone(), self.state.password(&plan.id).cloned());
        if let Some(dialog) = self.waiting_for_drive.take() {
            dialog.set_close_response("there");
            dialog.close();
        }
        self.prepare(request, passphrase);
    }
}
