//! What the state decided, carried out.

use std::sync::Arc;

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::PlaceKind;
use relm4::adw;
use relm4::prelude::*;

use super::{App, AppCommand, AppInput, AppWidgets, Confirmed};
use crate::ui::dialogs;
use crate::ui::operation::OperationInput;
use crate::ui::place::open_drive;
use crate::ui::state::{Effect, Message};

impl App {
    /// The one way for messages to the state.
    pub(super) fn tell(
        &mut self,
        message: Message,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        let was_busy = self.state.is_busy();
        let effects = self.state.on(message);
        if !was_busy && self.state.is_busy() {
            self.operation.emit(OperationInput::Begin { title: gettext("Getting ready…") });
        }
        self.perform(effects, widgets, sender, root);
        self.show_operation();
    }

    pub(super) fn perform(
        &mut self,
        effects: Vec<Effect>,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        for effect in effects {
            self.perform_one(effect, widgets, sender, root);
        }
    }

    fn perform_one(
        &mut self,
        effect: Effect,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        match effect {
            Effect::FindPassword { plan } => {
                let services = Arc::clone(&self.services);
                sender.spawn_oneshot_command(move || AppCommand::PasswordFound(services.password(&plan)));
            }
            Effect::AskPassword { plan, wrong } => self.ask_password(&plan, wrong, sender, root),
            Effect::Remember { plan, passphrase } => {
                if let Some(plan) = self.plan_of(&plan) {
                    self.remember(plan, passphrase, sender);
                }
            }
            Effect::Prepare { request, passphrase } => self.prepare(request, passphrase, sender),
            Effect::Cancel(why) => self.running.cancel(why),
            Effect::Record { plan, outcome } => self.record(&plan, outcome, sender),
            Effect::AskDrive { label } => self.ask_drive(&label, sender, root),
            Effect::AskMissing { explanation } => {
                let answer = answer(sender, Confirmed::MissingFiles);
                dialogs::ask_to_go_on(root, &explanation, &gettext("Back Up Anyway"), answer);
            }
            Effect::AskMismatch { explanation } => {
                let answer = answer(sender, Confirmed::SourceMismatch);
                dialogs::ask_to_go_on(root, &explanation, &gettext("Continue These Backups"), answer);
            }
            Effect::ShowError { explanation, details, retry } => {
                let retry = retry.map(|request| {
                    let input = sender.input_sender().clone();
                    Box::new(move || input.emit(AppInput::State(Message::Wanted(request))))
                        as Box<dyn FnOnce()>
                });
                dialogs::show_error(root, &explanation, &details, retry);
            }
            Effect::ShowProblems { problems, total } => dialogs::show_problems(root, &problems, total),
            Effect::Toast(text) => widgets.toasts.add_toast(adw::Toast::new(&text)),
            Effect::Restored { target } => {
                let name =
                    target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let toast = adw::Toast::builder()
                    .title(gettext_f("Restored “{name}”", &[("name", &name)]))
                    .button_label(gettext("Open Folder"))
                    .build();
                let input = sender.input_sender().clone();
                toast.connect_button_clicked(move |_| input.emit(AppInput::OpenFolder(target.clone())));
                widgets.toasts.add_toast(toast);
            }
            Effect::Forget { plan } => self.delete_plan(plan, sender),
        }
    }

    fn ask_password(
        &self,
        plan: &str,
        wrong: bool,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        let label = self.plan_of(plan).map(|plan| plan.place.label).unwrap_or_default();
        let input = sender.input_sender().clone();
        dialogs::ask_password(root, &label, wrong, move |typed| {
            input.emit(AppInput::State(match typed {
                Some((passphrase, remember)) => Message::PasswordTyped { passphrase, remember },
                None => Message::Declined,
            }));
        });
    }

    /// Goes on by itself when the drive appears.
    fn ask_drive(&mut self, label: &str, sender: &ComponentSender<Self>, root: &adw::ApplicationWindow) {
        let dialog = adw::AlertDialog::builder()
            .heading(gettext_f("Connect {drive}", &[("drive", label)]))
            .body(gettext("The backup begins as soon as the drive is there."))
            .close_response("cancel")
            .build();
        dialog.add_responses(&[("cancel", &gettext("Cancel"))]);
        let input = sender.input_sender().clone();
        dialog.connect_response(None, move |_, response| {
            if response == "cancel" {
                input.emit(AppInput::State(Message::Declined));
            }
        });
        dialog.present(Some(root));
        if let Some(PlaceKind::Drive { uuid, .. }) = self.waiting_place() {
            open_drive(root, &uuid);
        }
        let input = sender.input_sender().clone();
        let watch = || hindsight::desktop::drives::Drives::watch(move || input.emit(AppInput::DrivesChanged));
        self.drives.get_or_insert_with(watch);
        self.waiting_for_drive = Some(dialog);
    }

    fn waiting_place(&self) -> Option<PlaceKind> {
        let activity = self.state.activity.as_ref()?;
        Some(self.plan_of(&activity.request.plan)?.place.kind)
    }

    pub(super) fn drives_changed(&mut self, sender: &ComponentSender<Self>) {
        let Some(activity) = &self.state.activity else { return };
        let Some(plan) = self.plan_of(&activity.request.plan) else { return };
        if self.waiting_for_drive.is_none() || plan.place.spec().is_err() {
            return;
        }
        if let Some(dialog) = self.waiting_for_drive.take() {
            dialog.set_close_response("there");
            dialog.close();
        }
        let passphrase = self.state.password(&plan.id).cloned();
        self.prepare(activity.request.clone(), passphrase, sender);
    }
}

fn answer(sender: &ComponentSender<App>, confirmed: Confirmed) -> impl FnOnce(bool) + 'static {
    let input = sender.input_sender().clone();
    move |yes| {
        input.emit(if yes { AppInput::Confirmed(confirmed) } else { AppInput::State(Message::Declined) });
    }
}
